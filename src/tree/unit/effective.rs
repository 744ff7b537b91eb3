//! What a unit says in the end: its text and then its drop-ins by name, an empty value taking back what a list had before
//! (systemd.unit(5)). In: a unit. Out: its assignments, the commands that it starts, the paths that it needs.

use crate::tree::unit::words::split;
use crate::tree::unit::{Unit, text};
use crate::tree::{Content, UnitPath};

/// Assignments that count, in the order in which systemd reads them.
#[derive(Clone, Debug, Default)]
pub struct Effective(Vec<(String, String, String)>);

/// Keys below [Service] and its kin that name a path which must be there, and whether several may be named in one value.
const NAMING: [(&str, bool); 15] = [
    ("EnvironmentFile", false),
    ("WorkingDirectory", false),
    ("RootDirectory", false),
    ("RootImage", false),
    ("ReadWritePaths", true),
    ("ReadOnlyPaths", true),
    ("InaccessiblePaths", true),
    ("ExecPaths", true),
    ("NoExecPaths", true),
    ("BindPaths", true),
    ("BindReadOnlyPaths", true),
    ("OpenFile", false),
    ("LoadCredential", false),
    ("LoadCredentialEncrypted", false),
    ("StandardInput", false),
];
/// Conditions on a path without which the unit does not start (systemd.unit(5), "Conditions and Asserts").
const TESTS: [&str; 7] = [
    "PathExists",
    "PathIsDirectory",
    "PathIsReadWrite",
    "PathIsMountPoint",
    "DirectoryNotEmpty",
    "FileNotEmpty",
    "FileIsExecutable",
];

impl Unit {
    /// Its text and drop-ins as one.
    pub fn effective(&self) -> Effective {
        let mut effective = Effective::default();
        for (content, _) in self.text.iter().chain(self.dropins.values()) {
            let Content::Blob(blob) = content else {
                continue;
            };
            for one in text::read(&String::from_utf8_lossy(blob.bytes())).assignments {
                effective.add(one.section, one.key, one.value);
            }
        }
        effective
    }
}

impl Effective {
    fn add(&mut self, section: String, key: String, value: String) {
        if value.is_empty() {
            self.0
                .retain(|(of, known, _)| (of, known) != (&section, &key));
        } else {
            self.0.push((section, key, value));
        }
    }

    /// The values of a key that hold, in order.
    pub fn values<'e>(&'e self, section: &'e str, key: &'e str) -> impl Iterator<Item = &'e str> {
        let wanted =
            move |(of, known, _): &&(String, String, String)| of == section && known == key;
        self.0
            .iter()
            .filter(wanted)
            .map(|(_, _, value)| value.as_str())
    }

    /// The last value of a key, which is the one that counts where it is no list.
    pub fn value<'e>(&'e self, section: &'e str, key: &'e str) -> Option<&'e str> {
        self.values(section, key).last()
    }

    /// The words of each command line of a key like `ExecStart`, without what stands before a program's path.
    pub fn commands(&self, key: &str) -> Vec<Vec<String>> {
        let mut commands = Vec::new();
        for value in self.values("Service", key) {
            let words = split(value).unwrap_or_default().into_iter();
            let words: Vec<String> = words.map(|word| word.text).collect();
            for command in words.split(|word| word == ";") {
                let mut command = command.to_vec();
                if let Some(program) = command.first_mut() {
                    *program = program
                        .trim_start_matches(['@', '-', ':', '+', '!', '|'])
                        .to_owned();
                }
                commands.push(command);
            }
        }
        commands
    }

    /// Whether the unit starts another one: it pulls it in, or one of its commands names it.
    pub fn starts(&self, unit: &str) -> bool {
        const PULLS: [&str; 4] = ["Wants", "Requires", "BindsTo", "Upholds"];
        self.0.iter().any(|(_, key, value)| {
            let pulls = PULLS.contains(&key.as_str());
            (pulls && value.split_ascii_whitespace().any(|word| word == unit))
                || (key.starts_with("Exec") && value.contains(unit))
        })
    }

    /// The paths that must be there for the unit to work: programs first.
    pub fn paths(&self) -> Vec<UnitPath> {
        let mut paths = Vec::new();
        for (section, key, value) in &self.0 {
            let is_exec =
                key.starts_with("Exec") && !key.ends_with("Paths") && key != "ExecSearchPath";
            if is_exec && section != "Unit" {
                paths.extend(programs(key, value));
                continue;
            }
            let naming = NAMING.iter().find(|(name, _)| name == key);
            let test = key
                .strip_prefix("Condition")
                .or_else(|| key.strip_prefix("Assert"));
            if let Some((_, many)) = naming {
                paths.extend(named(key, value, *many));
            } else if section == "Unit" && test.is_some_and(|test| TESTS.contains(&test)) {
                // `!` turns it round, and `|` makes it one of several.
                paths.extend(sure(value).map(|path| UnitPath {
                    key: key.clone(),
                    path,
                }));
            } else if key == "What" && matches!(section.as_str(), "Mount" | "Swap") {
                paths.extend(sure(value).map(|path| UnitPath {
                    key: key.clone(),
                    path,
                }));
            }
        }
        paths
    }
}

/// The programs of a command line; what `ExecStopPost` and the like start is needed too.
fn programs(key: &str, value: &str) -> Vec<UnitPath> {
    let words = split(value).unwrap_or_default();
    let commands = words.split(|word| word.text == ";");
    let programs = commands.filter_map(|command| {
        let program = command
            .first()?
            .text
            .trim_start_matches(['@', '-', ':', '+', '!', '|']);
        let path = sure(program)?;
        Some(UnitPath {
            key: key.to_owned(),
            path,
        })
    });
    programs.collect()
}

fn named(key: &str, value: &str, many: bool) -> Vec<UnitPath> {
    let words = if many {
        split(value).unwrap_or_default()
    } else {
        Vec::new()
    };
    let texts: Vec<&str> = if many {
        words.iter().map(|word| word.text.as_str()).collect()
    } else {
        vec![value]
    };
    let path = |text: &str| {
        // `-` in front: it may be missing.
        let text = match key {
            "LoadCredential" | "LoadCredentialEncrypted" => text.split_once(':')?.1,
            "StandardInput" => text.strip_prefix("file:")?,
            "OpenFile" if text.ends_with(":graceful") || text.contains("graceful,") => return None,
            "OpenFile" | "BindPaths" | "BindReadOnlyPaths" => text.split(':').next()?,
            _ => text.strip_prefix('+').unwrap_or(text),
        };
        sure(text)
    };
    let paths = texts.into_iter().filter_map(path);
    paths
        .map(|path| UnitPath {
            key: key.to_owned(),
            path,
        })
        .collect()
}

/// An absolute path that is known before the unit is loaded, below folders that hold files: `%` stands for what only the
/// manager knows, and the kernel fills /proc and /sys.
fn sure(text: &str) -> Option<String> {
    let text = text.trim();
    let kernel = ["/proc", "/sys", "/dev/null", "/dev/kmsg", "/dev/console"];
    let is_kernels = |folder: &&str| {
        let rest = text.strip_prefix(*folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_whole = text.starts_with('/') && !text.contains(['%', '$', '*']) && text != "/";
    (is_whole && !kernel.iter().any(is_kernels)).then(|| text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Origin;

    fn unit(text: &str, dropins: &[(&str, &str)]) -> Unit {
        let content = |text: &str| (Content::bytes(text), Origin("t".into()));
        Unit {
            text: Some(content(text)),
            dropins: dropins
                .iter()
                .map(|(name, text)| ((*name).to_owned(), content(text)))
                .collect(),
            ..Unit::default()
        }
    }

    #[test]
    fn drop_ins_count_by_their_names_and_nothing_resets_a_list() {
        let unit = unit(
            "[Service]\nExecStart=/a --x\nRestart=no\n",
            &[
                ("90-z.conf", "[Service]\nExecStart=\nExecStart=-/c 'd e'\n"),
                (
                    "10-a.conf",
                    "[Service]\nExecStart=\nExecStart=/b\nRestart=always\n",
                ),
            ],
        );
        let effective = unit.effective();
        assert_eq!(effective.commands("ExecStart"), [["/c", "d e"]]);
        assert_eq!(effective.value("Service", "Restart"), Some("always"));
        let none: Vec<Vec<String>> = Vec::new();
        assert_eq!(effective.commands("ExecStop"), none);
    }

    #[test]
    fn paths_that_must_be_there_are_found() {
        for (line, expected) in [
            (
                "[Service]\nExecStart=-/opt/x --config=/etc/y",
                vec!["/opt/x"],
            ),
            ("[Service]\nExecStartPre=/a ; /b c", vec!["/a", "/b"]),
            ("[Service]\nExecStopPost=+/bin/clean", vec!["/bin/clean"]),
            ("[Service]\nExecStart=kubelet", vec![]),
            ("[Service]\nExecStart=%h/x", vec![]),
            (
                "[Service]\nEnvironmentFile=/etc/default/x",
                vec!["/etc/default/x"],
            ),
            ("[Service]\nEnvironmentFile=-/etc/default/x", vec![]),
            ("[Service]\nEnvironmentFile=/etc/default/*.env", vec![]),
            ("[Service]\nWorkingDirectory=/data/k/", vec!["/data/k"]),
            ("[Service]\nWorkingDirectory=-/data/k", vec![]),
            ("[Service]\nWorkingDirectory=~", vec![]),
            ("[Service]\nRootDirectory=/srv/root", vec!["/srv/root"]),
            ("[Service]\nRootImage=/srv/root.raw", vec!["/srv/root.raw"]),
            ("[Service]\nReadWritePaths=/a -/b +/c", vec!["/a", "/c"]),
            ("[Service]\nReadOnlyPaths=/proc/x /a", vec!["/a"]),
            ("[Service]\nInaccessiblePaths=/a", vec!["/a"]),
            ("[Service]\nExecPaths=/a\nNoExecPaths=/b", vec!["/a", "/b"]),
            ("[Service]\nBindPaths=/a:/b -/c", vec!["/a"]),
            ("[Service]\nBindReadOnlyPaths=/a", vec!["/a"]),
            ("[Service]\nOpenFile=/a:name:read-only", vec!["/a"]),
            ("[Service]\nOpenFile=/a:name:graceful", vec![]),
            ("[Service]\nLoadCredential=x:/a", vec!["/a"]),
            ("[Service]\nLoadCredential=x", vec![]),
            ("[Service]\nLoadCredentialEncrypted=x:/a", vec!["/a"]),
            ("[Service]\nStandardInput=file:/a", vec!["/a"]),
            ("[Service]\nStandardInput=null", vec![]),
            ("[Unit]\nConditionPathExists=/a", vec!["/a"]),
            ("[Unit]\nConditionPathExists=!/a", vec![]),
            ("[Unit]\nAssertPathIsDirectory=/a", vec!["/a"]),
            ("[Unit]\nConditionFileIsExecutable=/a", vec!["/a"]),
            ("[Unit]\nConditionHost=/a", vec![]),
            (
                "[Mount]\nWhat=/dev/disk/by-label/data",
                vec!["/dev/disk/by-label/data"],
            ),
            ("[Mount]\nWhat=tmpfs", vec![]),
            ("[Swap]\nWhat=/swapfile", vec!["/swapfile"]),
            ("[Socket]\nExecStartPre=/a", vec!["/a"]),
        ] {
            let paths = unit(line, &[]).effective().paths();
            let paths: Vec<String> = paths.into_iter().map(|at| at.path).collect();
            assert_eq!(paths, expected, "{line}");
        }
    }
}
