//! What a boot leaves on the console, and what it says of the system that came up.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::panic::UnwindSafe;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::kernel;
use crate::formats::initrd::node;
use crate::support::emulator::{self, ARGUMENTS};
use crate::support::fixture::Project;

/// A boot takes some five seconds; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(420);

/// What a boot left on the console.
pub struct Console(String);

impl fmt::Display for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Console {
    /// Boots until the machine switches itself off.
    pub fn of(folder: &Path, initrd: &str, append: &str, more: &[&str]) -> Self {
        let kernel = kernel(folder);
        Self::of_kernel(folder, &kernel, (initrd, append), more)
    }

    /// The same with a kernel of its own.
    pub fn of_kernel(
        folder: &Path,
        kernel: &str,
        (initrd, append): (&str, &str),
        more: &[&str],
    ) -> Self {
        let append = format!("{ARGUMENTS} {append}");
        let mut args = vec!["-nic", "none", "-kernel", kernel];
        args.extend(["-initrd", initrd, "-append", &append]);
        args.extend(more);
        Self::of_machine(folder, initrd, &args)
    }

    /// The same of a machine that finds for itself what to boot.
    pub fn of_machine(folder: &Path, what: &str, args: &[&str]) -> Self {
        let args = [&["-m", "512"], args].concat();
        let console = Self(emulator::run(folder, PATIENCE, &args));
        for trouble in [
            "invalid magic",
            "write error",
            "junk",
            "Kernel panic",
            "Initramfs unpacking failed",
        ] {
            assert!(!console.0.contains(trouble), "{what}: {}", console.0);
        }
        assert!(console.0.contains("NODE end"), "{what}: {}", console.0);
        console
    }

    /// What the console has of a machine that must not come up.
    pub fn of_failure(folder: &Path, boot: impl FnOnce() -> Self + UnwindSafe) -> String {
        assert!(std::panic::catch_unwind(boot).is_err(), "it came up");
        emulator::console(folder)
    }

    /// A line ends so.
    pub fn says(&self, line: &str) -> bool {
        self.0.lines().any(|said| said.ends_with(line))
    }

    /// The words of the kernel's command line.
    pub fn arguments(&self) -> Vec<&str> {
        let line = self.0.lines().find(|line| line.contains("NODE cmdline"));
        line.unwrap().split(' ').collect()
    }

    /// Path → type, mode, owners, digest or target.
    pub fn paths(&self) -> BTreeMap<String, String> {
        let lines = self
            .0
            .lines()
            .filter_map(|line| line.split_once("NODE ").map(|(_, line)| line));
        let entry = |line: &str| {
            let (facts, path) = line.split_once(" /")?;
            // A link's target may begin with a slash itself.
            let (facts, path) = match (facts.starts_with('l'), path.split_once(" /")) {
                (true, Some((target, path))) => (format!("{facts} /{target}"), path),
                _ => (facts.to_owned(), path),
            };
            Some((format!("/{path}"), facts))
        };
        lines.filter_map(entry).collect()
    }

    /// Asserts that the system has all that the tree promises, and nothing of ours beside it.
    pub fn has_tree(&self, project: &Project, base: &BTreeMap<String, String>, ours: &[&str]) {
        let tree = fs::read(node(project).join("tree.json")).unwrap();
        let tree: Value = serde_json::from_slice(&tree).unwrap();
        self.has_entries(tree["entries"].as_array().unwrap(), base, ours);
    }

    pub fn has_entries(&self, entries: &[Value], base: &BTreeMap<String, String>, ours: &[&str]) {
        let mut found = self.paths();
        assert!(entries.len() > 10);
        for entry in entries {
            let path = entry["path"].as_str().unwrap();
            let kind = &entry["type"].as_str().unwrap()[..1];
            let kind = if kind == "s" { "l" } else { kind };
            let mode = entry["mode"].as_str().unwrap().trim_start_matches('0');
            let body = match kind {
                "f" => entry["sha256"].as_str().unwrap(),
                "l" => entry["target"].as_str().unwrap(),
                _ => "-",
            };
            let expected = format!("{kind} {mode} {} {} {body}", entry["uid"], entry["gid"]);
            // What is below the image's own link is behind it, and a directory may be one.
            let link = |path: &str| {
                let facts = base.get(path)?;
                facts
                    .starts_with('l')
                    .then(|| facts.rsplit(' ').next().unwrap())
            };
            let path = match (path.strip_prefix("/usr/local"), link(path)) {
                (Some(rest), _) if link("/usr/local").is_some() => format!("/var/real{rest}"),
                (_, Some(target)) if kind == "d" => target.to_owned(),
                _ => path.to_owned(),
            };
            assert_eq!(found.remove(&path), Some(expected), "{path}");
        }
        for (path, facts) in found {
            let is_above = entries.iter().any(|entry| {
                let below = entry["path"].as_str().unwrap();
                facts.starts_with("d 755 0 0") && below.starts_with(&format!("{path}/"))
            });
            let activation = path.contains(".wants")
                || path.contains(".requires")
                || path.contains("system-preset");
            let known = base.contains_key(&path) || path.starts_with("/tmp/");
            let of_mode = ours
                .iter()
                .any(|ours| ours.starts_with(&path) || path.starts_with(ours));
            assert!(
                is_above || activation || known || of_mode,
                "{path}: {facts}"
            );
        }
    }
}
