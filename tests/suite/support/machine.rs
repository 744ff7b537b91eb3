//! A virtual machine with Debian on its disk (QEMU without KVM): it takes a node's payload at its first boot, says on the
//! console what it has then, and switches itself off. A boot takes minutes, so only `make boots` asks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::support::emulator::{self, ARGUMENTS};
use crate::support::fixture::Project;
use crate::support::oracles::{self, Target};
use crate::support::trees::SSH_KEY;

/// A boot takes a minute and a half on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(900);

/// What every machine says of itself; `MORE` is the test's own.
const REPORT: &str = r#"#!/bin/sh
exec >/dev/ttyS0
# The kernel and systemd (by SIGRTMIN+21, systemd(1)) are to be silent: a word of theirs in the middle of a line spoils it.
echo 1 >/proc/sys/kernel/printk
kill -55 1
folders='/etc /opt /usr/local /var/lib'
find $folders -xdev ! -path '/var/lib/dpkg/*' -printf 'NODE %y %m %U %G %l|%p\n'
find $folders -xdev ! -path '/var/lib/dpkg/*' -type f -exec sha256sum '{}' + | sed 's/^/SUM /'
for unit in multi-user.target kubelet.service; do
    echo "SAYS $unit $(systemctl is-active $unit)"
done
echo "SAYS hostname $(hostname)"
echo "SAYS core $(id -nG core) $(cat ~core/.ssh/authorized_keys ~core/.ssh/authorized_keys.d/* 2>/dev/null | cut -d' ' -f2 | tail -n 1)"
systemctl list-unit-files --no-legend --full | sed 's/^/UNIT /'
MORE
echo "SAYS end"
systemctl poweroff --force
"#;

/// A project whose node `n1` reports: the units it waits for, and what it says beside the rest.
pub fn project(output: &str, after: &str, more: &str) -> Project {
    project_with(&[], output, after, more)
}

/// The same with further files of the project.
pub fn project_with(files: &[(&str, &[u8])], output: &str, after: &str, more: &str) -> Project {
    let project = Project::of("bad/project");
    for (name, bytes) in files {
        fs::write(project.dir.join(name), bytes).unwrap();
    }
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let fields = format!(
        "output: {output}\n\
         users: {{core: {{groups: [adm], sshKeys: [\"{SSH_KEY} me\"]}}}}\n\
         directories: {{/opt/own: {{mode: \"0711\"}}}}\n\
         links: {{/opt/own/link: ../nowhere}}\n\
         files: {{/opt/own/file: {{content: \"x\\n\", mode: \"0640\", group: {{name: adm, id: 4}}}},\n  \
           /usr/local/bin/kubelet: {{content: \"#!/bin/sh\\nexec sleep infinity\\n\", mode: \"0755\"}},\n  \
           /usr/local/sbin/report: {{source: report, mode: \"0755\"}}}}\n\
         units: {{report.service: {{enabled: true, text: \"[Unit]\\nAfter=multi-user.target kubelet.service {after}\\n\
           [Service]\\nType=oneshot\\nExecStart=/usr/local/sbin/report\\n[Install]\\nWantedBy=multi-user.target\\n\"}}}}\n"
    );
    fs::write(&file, inventory + &fields).unwrap();
    let report = REPORT.replace("MORE\n", more);
    fs::write(project.dir.join("report"), report).unwrap();
    project.good(&["build"]);
    project
}

/// What the kernel of a live system is told of its root: the one in its initrd, and a tmpfs over it.
pub const LIVE: &str = "root=live:/root.img rd.live.overlay.overlayfs=1";

/// What a machine says of Ignition, for `MORE`: the engine leaves its result on the root that it wrote.
pub const IGNITION_RESULT: &str = r#"echo "SAYS result $(grep -o '"userConfigProvided": *[a-z]*' /etc/.ignition-result.json)"
"#;
/// That, where it had a configuration.
pub const IGNITION_WORKED: &str = r#""userConfigProvided": true"#;

/// A kernel, its initrd and a disk, as tests/oracle/boots makes them.
pub struct Image(PathBuf);

impl Image {
    /// Ends the running test as ignored outside `make boots`.
    pub fn find(name: &str, what: &str) -> Self {
        Target::Boots.must_run(what);
        Target::Boots.needs(["qemu-system-x86_64"]);
        let image = oracles::folder().join(name);
        assert!(
            image.join("disk").exists(),
            "{name} is missing; `make boots` makes it"
        );
        Self(image)
    }

    /// Boots from the disk until the machine switches itself off. The disk stays as it is.
    pub fn boot(&self, folder: &Path, append: &str, more: &[&str]) -> Console {
        let append = format!("root=/dev/vda rw {append}");
        let disk = format!(
            "file={},format=raw,if=virtio,snapshot=on",
            self.0.join("disk").display()
        );
        let args = [&["-m", "1024", "-drive", &disk], more].concat();
        self.boot_any(folder, &self.0.join("initrd"), &append, &args)
    }

    /// The same of a machine without a disk, whose initrd carries its root.
    pub fn boot_live(&self, folder: &Path, initrd: &str, append: &str) -> Console {
        let append = format!("{LIVE} systemd.firstboot=off {append}");
        self.boot_any(folder, &folder.join(initrd), &append, &["-m", "1536"])
    }

    fn boot_any(&self, folder: &Path, initrd: &Path, append: &str, more: &[&str]) -> Console {
        let append = format!("{ARGUMENTS} {append}");
        let kernel = self.0.join("kernel");
        let files = [kernel.to_str().unwrap(), initrd.to_str().unwrap()];
        let mut args = vec!["-smp", "2", "-nic", "none"];
        args.extend(["-kernel", files[0], "-initrd", files[1]]);
        args.extend(["-append", &append]);
        args.extend(more);
        let console = Console(emulator::run(folder, PATIENCE, &args));
        assert!(console.0.contains("SAYS end"), "{}", console.0);
        console
    }
}

/// What a boot left on the console.
pub struct Console(String);

impl Console {
    /// The machine says this word for word.
    pub fn says(&self, what: &str, expected: &str) {
        assert_eq!(self.said(what), Some(expected), "{what}\n{}", self.0);
    }

    fn said(&self, what: &str) -> Option<&str> {
        self.after("SAYS ")
            .find_map(|said| said.strip_prefix(what)?.strip_prefix(' '))
    }

    fn after<'a>(&'a self, mark: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.0.lines();
        lines.filter_map(move |line| line.split_once(mark).map(|(_, rest)| rest))
    }

    /// The machine of `project` is up, its kubelet's unit runs, its user may log in, and it has what tree.json says.
    pub fn has_node(&self, node: &Path) {
        self.says("multi-user.target", "active");
        self.says("kubelet.service", "active");
        self.says("hostname", "n1");
        let core = self.said("core").unwrap();
        let key = SSH_KEY.split(' ').nth(1).unwrap();
        assert!(core.contains("adm") && core.ends_with(key), "{core}");
        let tree = fs::read(node.join("tree.json")).unwrap();
        let tree: Value = serde_json::from_slice(&tree).unwrap();
        self.has_entries(tree["entries"].as_array().unwrap());
        self.has_units(tree["units"].as_array().unwrap());
    }

    /// Every unit of tree.json is enabled, disabled or masked as it says.
    fn has_units(&self, units: &[Value]) {
        let words = self.after("UNIT ").map(str::split_whitespace);
        let states: BTreeMap<&str, &str> = words
            .filter_map(|mut words| Some((words.next()?, words.next()?)))
            .collect();
        assert!(units.len() > 2);
        for unit in units {
            let name = unit["name"].as_str().unwrap();
            let state = match (&unit["masked"], unit["enabled"].as_bool()) {
                (Value::Bool(true), _) => "masked",
                (_, Some(true)) => "enabled",
                (_, Some(false)) => "disabled",
                // The image decides.
                (_, None) => continue,
            };
            assert_eq!(states.get(name), Some(&state), "{name}");
        }
    }

    /// Every entry of tree.json is on the machine as it says.
    fn has_entries(&self, entries: &[Value]) {
        let found: BTreeMap<&str, &str> = self
            .after("NODE ")
            .filter_map(|line| line.split_once('|'))
            .map(|(facts, path)| (path, facts))
            .collect();
        let sums: BTreeMap<&str, &str> = self
            .after("SUM ")
            .filter_map(|line| line.split_once("  "))
            .map(|(sum, path)| (path, sum))
            .collect();
        assert!(entries.len() > 10);
        for entry in entries {
            let text = |key: &str| entry[key].as_str().unwrap_or_default();
            let path = text("path");
            let kind = match text("type") {
                "symlink" | "link" => "l",
                other => &other[..1],
            };
            let mode = text("mode").trim_start_matches('0');
            let expected = format!(
                "{kind} {mode} {} {} {}",
                entry["uid"],
                entry["gid"],
                text("target")
            );
            assert_eq!(found.get(path), Some(&expected.as_str()), "{path}");
            if kind == "f" {
                assert_eq!(sums.get(path), Some(&text("sha256")), "{path}");
            }
        }
    }
}
