//! Files of systemd-networkd and of udev's links (systemd.network(5), systemd.netdev(5), systemd.link(5)), and the settings of
//! systemd's programs (networkd.conf(5), resolved.conf(5), timesyncd.conf(5), logind.conf(5), journald.conf(5)). In: a file's text.
//! Out: lines that the reader ignores, and files that do nothing.

mod basic;
mod keys;
mod rare;
mod setting;
mod value;
mod whole;

use crate::closest::closest;
use crate::host_files::fault::Fault;
use crate::host_files::networkd::keys::{known, parser, sections_of};
use crate::report::Id;
use crate::tree::read_unit;

/// Keys whose values are not printed.
const SECRET: [&str; 5] = [
    "PrivateKey",
    "PresharedKey",
    "Key",
    "WakeOnLanPassword",
    "Password",
];
/// Endings that switch a file off, as people do it.
const OFF: [&str; 11] = [
    "~",
    ".bak",
    ".off",
    ".old",
    ".orig",
    ".disabled",
    ".example",
    ".sample",
    ".save",
    ".md",
    ".txt",
];

/// Others or the group may read.
const READABLE: u32 = 0o044;

/// The kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An interface's addresses and routes.
    Network,
    /// A virtual interface.
    Netdev,
    /// A link's name and settings.
    Link,
    /// A drop-in of one of them.
    Dropin(&'static str),
    /// Settings of one of systemd's programs, by the program's name, or a drop-in of them.
    Settings(&'static str),
    /// A file that nobody reads.
    Unread,
}

/// Programs of systemd whose settings are read here, and the user that each one is.
const PROGRAMS: [(&str, &str); 5] = [
    ("networkd", "systemd-network"),
    ("resolved", "systemd-resolve"),
    ("timesyncd", "systemd-timesync"),
    ("logind", "root"),
    ("journald", "root"),
];

/// The ids of what is wrong with a kind of file: a line that is ignored, a key that may not be known, a file that does nothing.
struct Ids {
    invalid: Id,
    unknown: Id,
    unused: Id,
}

impl Kind {
    fn table(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Netdev => "netdev",
            Self::Link => "link",
            Self::Dropin(table) | Self::Settings(table) => table,
            Self::Unread => "",
        }
    }

    /// How such a file is called.
    fn called(self) -> String {
        match self {
            Self::Settings(program) => format!("{program}.conf"),
            _ => format!("a .{} file", self.table()),
        }
    }

    fn ids(self) -> Ids {
        match self {
            Self::Settings("timesyncd" | "logind" | "journald") => Ids {
                invalid: Id::SettingsFileInvalid,
                unknown: Id::SettingsFileKeyUnknown,
                unused: Id::SettingsFileInvalid,
            },
            _ => Ids {
                invalid: Id::NetworkFileInvalid,
                unknown: Id::NetworkFileKeyUnknown,
                unused: Id::NetworkFileUnused,
            },
        }
    }

    /// Who reads it, where that is not root: the user, and the program.
    fn reader(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Link | Self::Dropin("link") | Self::Unread => None,
            Self::Settings(program) => PROGRAMS
                .into_iter()
                .find(|(name, user)| *name == program && *user != "root"),
            _ => Some(PROGRAMS[0]),
        }
    }
}

/// What a file of this path is, if networkd or udev looks into its folder.
pub fn kind(path: &str) -> Option<Kind> {
    let (folder, name) = path.rsplit_once('/')?;
    if let Some(program) = settings_of(folder, name) {
        return Some(Kind::Settings(program));
    }
    let tops = [
        "/etc/systemd/network",
        "/run/systemd/network",
        "/usr/lib/systemd/network",
        "/usr/local/lib/systemd/network",
    ];
    let of = |name: &str| {
        let (_, end) = name.rsplit_once('.')?;
        ["network", "netdev", "link"]
            .into_iter()
            .find(|kind| *kind == end)
    };
    let in_top = |folder: &str| tops.contains(&folder);
    if in_top(folder) {
        return match of(name) {
            Some("network") => Some(Kind::Network),
            Some("netdev") => Some(Kind::Netdev),
            Some(_) => Some(Kind::Link),
            None => {
                let is_off = name.starts_with('.')
                    || name.starts_with("README")
                    || OFF.iter().any(|end| name.ends_with(end));
                (!is_off).then_some(Kind::Unread)
            }
        };
    }
    let (top, inner) = folder.rsplit_once('/')?;
    let table = of(inner.strip_suffix(".d")?)?;
    (in_top(top) && name.ends_with(".conf")).then_some(Kind::Dropin(table))
}

/// The program whose settings a file has.
fn settings_of(folder: &str, name: &str) -> Option<&'static str> {
    let tops = ["/etc", "/run", "/usr/lib", "/usr/local/lib"];
    let inner = tops
        .iter()
        .find_map(|top| folder.strip_prefix(top)?.strip_prefix("/systemd"))?;
    let mut programs = PROGRAMS.into_iter().map(|(program, _)| program);
    programs.find(|program| {
        let file = format!("{program}.conf");
        (inner.is_empty() && name == file)
            || (name.ends_with(".conf") && inner == format!("/{file}.d"))
    })
}

/// Reads a file of a mode.
pub fn read(kind: Kind, mode: u32, text: &str) -> Vec<Fault> {
    let unit = read_unit(text);
    if kind == Kind::Unread {
        let is_one = |(name, _): &&(String, _)| {
            ["Match", "Network", "NetDev", "Link"].contains(&name.as_str())
        };
        if unit.sections.iter().any(|section| is_one(&section)) {
            let rule =
                "systemd reads files here that end in .network, .netdev or .link, and no others";
            return vec![Fault::whole(Id::NetworkFileUnused, rule).help("rename it")];
        }
        return Vec::new();
    }
    let (table, ids) = (kind.table(), kind.ids());
    let mut faults = Vec::new();
    // Most of these programs run as users of their own without rights over files; udev is root.
    if let Some((program, user)) = kind.reader().filter(|_| mode & READABLE == 0) {
        let rule = format!(
            "{program} runs as {user} and must be able to read the file, and this one has the mode {mode:04o}"
        );
        let help = format!("set mode: \"0644\", or \"0640\" and the group {user}");
        faults.push(Fault::whole(ids.unused, rule).help(help));
    }
    for (at, rule) in &unit.faults {
        // Only lists of units have that bound.
        if !rule.contains("2048") {
            faults.push(Fault::at(ids.invalid, *at, *rule));
        }
    }
    let sections = sections_of(table);
    for (name, at) in &unit.sections {
        if name.starts_with("X-") || sections.contains(&name.as_str()) {
            continue;
        }
        let rule = format!(
            "{} has no section [{name}], so systemd ignores it",
            kind.called()
        );
        let (id, help) = unknown_section(kind, name, &sections);
        faults.push(Fault::at(id, *at, rule).help(help));
    }
    for assignment in &unit.assignments {
        let (section, key) = (assignment.section.as_str(), assignment.key.as_str());
        if key.starts_with("X-") || !sections.contains(&section) {
            continue;
        }
        let Some(parser) = parser(table, section, key) else {
            let (id, rule, help) = unknown(kind, section, key);
            faults.push(Fault::at(id, assignment.key_position(), rule).help(help));
            continue;
        };
        if let Err(rule) = value::check(section, parser, &assignment.value) {
            let fault = Fault::at(
                ids.invalid,
                assignment.position(0),
                format!("{key}: {rule}"),
            );
            let is_secret = SECRET.contains(&key);
            faults.push(if is_secret {
                fault
            } else {
                fault.got(&assignment.value)
            });
        }
    }
    if unit.is_broken {
        return faults;
    }
    faults.extend(whole::check(kind, &unit, text));
    faults
}

/// What to do about a section that a kind of file does not have.
fn unknown_section(kind: Kind, name: &str, own: &[&str]) -> (Id, String) {
    let (table, ids) = (kind.table(), kind.ids());
    let same = own
        .iter()
        .copied()
        .find(|known| known.eq_ignore_ascii_case(name));
    if let Some(near) = same.or_else(|| closest(name, own.iter().copied())) {
        return (ids.invalid, format!("did you mean [{near}]?"));
    }
    let has = |kind: &&str| *kind != table && sections_of(kind).contains(&name);
    match ["network", "netdev", "link"]
        .into_iter()
        .find(|kind| has(kind))
    {
        Some(kind) => (ids.invalid, format!("move it to a .{kind} file")),
        None => (ids.unknown, format!("the sections are {}", own.join(", "))),
    }
}

/// A slip is an error; what looks like no known key may come with a systemd that is younger than the table.
fn unknown(kind: Kind, section: &str, key: &str) -> (Id, String, String) {
    let (table, ids) = (kind.table(), kind.ids());
    let longer =
        [String::new(), "Sec".to_owned(), "Bytes".to_owned()].map(|end| format!("{key}{end}"));
    let same = |known: &&&str| longer.iter().any(|key| known.eq_ignore_ascii_case(key));
    let own = known(table, section);
    let near = own.iter().find(same).or_else(|| {
        own.iter()
            .find(|known| key.len() > 4 && strsim::osa_distance(known, key) <= 2)
    });
    let slip = format!("systemd ignores {key}: [{section}] has no such key");
    if let Some(near) = near {
        return (ids.invalid, slip, format!("did you mean {near}?"));
    }
    let sections = sections_of(table);
    let elsewhere: Vec<String> = sections
        .iter()
        .filter(|other| parser(table, other, key).is_some())
        .map(|other| format!("[{other}]"))
        .collect();
    if !elsewhere.is_empty() && elsewhere.len() <= 4 {
        return (
            ids.invalid,
            slip,
            format!("move it to {}", elsewhere.join(" or ")),
        );
    }
    let help = "correct it, or begin its name with X- if it is your own".to_owned();
    let rule =
        format!("[{section}] has no such key in systemd 247 to 262, so systemd may ignore it");
    (ids.unknown, rule, help)
}

#[cfg(test)]
mod tests;
