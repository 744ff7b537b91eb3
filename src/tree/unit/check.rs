//! Whether systemd would take a unit as it is written. In: the text and drop-ins of one unit. Out: faults, each in one
//! of the texts. What is refused here is what `systemd-analyze verify` complains about, and what works by luck alone:
//! programs without a path, lines that old readers cut.

use crate::closest::closest;
use crate::report::Id;
use crate::tree::unit::keys::{key, known, sections_of};
use crate::tree::unit::text::{Assignment, Position, UnitText, read};
use crate::tree::unit::value;

/// One thing that is wrong in a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitFault {
    /// Which rule.
    pub id: Id,
    /// Which of the texts: 0 is the first one that was given.
    pub text: usize,
    /// Where in it.
    pub position: Position,
    /// The rule and how it is broken.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The texts of a unit in the order in which systemd reads them: its file, if it is ours, then drop-ins by name.
pub struct Texts<'a> {
    /// The unit's name.
    pub name: &'a str,
    /// Whether the first text is the unit's own file.
    pub has_file: bool,
    /// The texts.
    pub texts: Vec<&'a str>,
}

/// Checks a unit.
pub fn check(unit: &Texts<'_>) -> Vec<UnitFault> {
    let unit_type = unit.name.rsplit_once('.').map_or("", |(_, end)| end);
    let sections = sections_of(unit_type);
    let mut faults = Vec::new();
    let mut parsed = Vec::with_capacity(unit.texts.len());
    for (index, text) in unit.texts.iter().enumerate() {
        let text = read(text);
        let mut found = Vec::new();
        lines(&text, unit_type, &sections, &mut found);
        for assignment in &text.assignments {
            assigned(assignment, &sections, &mut found);
        }
        found.iter_mut().for_each(|fault| fault.text = index);
        faults.append(&mut found);
        parsed.push(text);
    }
    if !parsed.iter().any(|text| text.is_broken) {
        faults.extend(whole(unit, unit_type, &parsed));
    }
    faults
}

fn fault(id: Id, position: Position, message: impl Into<String>) -> UnitFault {
    UnitFault {
        id,
        text: 0,
        position,
        message: message.into(),
        help: None,
    }
}

/// Sections, and lines that are nothing.
fn lines(text: &UnitText, unit_type: &str, sections: &[&str], faults: &mut Vec<UnitFault>) {
    faults.extend(
        text.faults
            .iter()
            .map(|(at, rule)| fault(Id::UnitSyntaxInvalid, *at, *rule)),
    );
    for (name, at) in &text.sections {
        if name.starts_with("X-") || sections.contains(&name.as_str()) {
            continue;
        }
        let message = format!("a {unit_type} has no section [{name}], so systemd ignores it");
        faults.push(UnitFault {
            help: Some(format!("the sections are {}", sections.join(", "))),
            ..fault(Id::UnitSectionUnknown, *at, message)
        });
    }
}

/// A key and its value.
fn assigned(assignment: &Assignment, sections: &[&str], faults: &mut Vec<UnitFault>) {
    let section = assignment.section.as_str();
    if assignment.key.starts_with("X-") || !sections.contains(&section) {
        return;
    }
    let Some(key) = key(section, &assignment.key) else {
        faults.push(unknown(assignment, sections));
        return;
    };
    for found in value::check(&key, &assignment.key, &assignment.value) {
        let message = format!("{}: {}", assignment.key, found.message);
        let position = assignment.position(found.at);
        faults.push(UnitFault {
            help: found.help.map(str::to_owned),
            ..fault(Id::UnitValueInvalid, position, message)
        });
    }
}

/// A slip is an error. What looks like no known key may come with a systemd that is younger than the table; it is not
/// repeated, since it may be a line of something secret.
fn unknown(assignment: &Assignment, sections: &[&str]) -> UnitFault {
    let (section, name) = (assignment.section.as_str(), assignment.key.as_str());
    let at = assignment.key_position();
    let slip = |help: String| {
        let message = format!("systemd ignores {name}: [{section}] has no such key");
        UnitFault {
            help: Some(help),
            ..fault(Id::UnitKeyMisspelt, at, message)
        }
    };
    let elsewhere = sections.iter().find(|other| key(other, name).is_some());
    let same = known(section).find(|known| known.eq_ignore_ascii_case(name));
    match (elsewhere, same.or_else(|| nearest(section, name))) {
        (Some(other), _) => slip(format!("move it to [{other}]")),
        (None, Some(near)) => slip(format!("did you mean {near}?")),
        (None, None) => {
            let message = format!("there is no such key of [{section}], so systemd ignores it");
            UnitFault {
                help: Some("correct it, or begin its name with X- if it is your own".to_owned()),
                ..fault(Id::UnitKeyUnknown, at, message)
            }
        }
    }
}

fn nearest(section: &str, name: &str) -> Option<&'static str> {
    let mut names: Vec<&'static str> = known(section).collect();
    // Of two that are equally near the choice must not depend on a hash map's order.
    names.sort_unstable();
    closest(name, names.into_iter())
}

/// What holds between a unit's lines: `unit_verify` of each type in systemd's src/core.
fn whole(unit: &Texts<'_>, unit_type: &str, parsed: &[UnitText]) -> Vec<UnitFault> {
    let mut faults = Vec::new();
    let all = || parsed.iter().flat_map(|text| &text.assignments);
    let lacks = |section: &str, keys: &[&str]| {
        !all().any(|a| a.section == section && keys.iter().any(|key| a.key.starts_with(key)))
    };
    match unit_type {
        "service" => service(unit, parsed, &mut faults),
        "timer" if unit.has_file && lacks("Timer", &["On"]) => {
            faults.push(fault(
                Id::UnitInvalid,
                TOP,
                "a timer needs a time, like OnCalendar=",
            ));
        }
        "path" if unit.has_file && lacks("Path", &["Path", "DirectoryNotEmpty"]) => {
            faults.push(fault(
                Id::UnitInvalid,
                TOP,
                "a path unit needs a path, like PathExists=",
            ));
        }
        "mount" | "automount" | "swap" if unit.has_file => {
            named_after_path(unit, unit_type, parsed, &mut faults);
        }
        "socket" if unit.has_file && lacks("Socket", &["Listen"]) => {
            faults.push(fault(
                Id::UnitInvalid,
                TOP,
                "a socket must listen somewhere, like ListenStream=",
            ));
        }
        _ => {}
    }
    faults
}

/// A mount has the name of its path, or systemd refuses it (src/core/mount.c, mount_verify).
fn named_after_path(
    unit: &Texts<'_>,
    unit_type: &str,
    parsed: &[UnitText],
    faults: &mut Vec<UnitFault>,
) {
    let (section, key) = match unit_type {
        "mount" => ("Mount", "Where"),
        "automount" => ("Automount", "Where"),
        _ => ("Swap", "What"),
    };
    for (index, text) in parsed.iter().enumerate() {
        for assignment in &text.assignments {
            let path = assignment.value.as_str();
            let is_path =
                assignment.section == section && assignment.key == key && path.starts_with('/');
            let name = format!("{}.{unit_type}", path_name(path));
            if is_path && !path.contains('%') && name != unit.name {
                let rule = format!("{key}: a {unit_type} of {path} must be called {name}");
                faults.push(UnitFault {
                    text: index,
                    help: Some("rename the unit: `systemd-escape --path` says how".to_owned()),
                    ..fault(Id::UnitInvalid, assignment.position(0), rule)
                });
            }
        }
    }
}

/// A path as a part of a unit's name (src/basic/unit-name.c, unit_name_path_escape).
fn path_name(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    if parts.is_empty() {
        return "-".to_owned();
    }
    let mut name = String::new();
    for (index, byte) in parts.join("/").bytes().enumerate() {
        match byte {
            b'/' => name.push('-'),
            b'.' if index == 0 => name.push_str("\\x2e"),
            byte if byte.is_ascii_alphanumeric() || b":_.".contains(&byte) => {
                name.push(char::from(byte))
            }
            byte => name.push_str(&format!("\\x{byte:02x}")),
        }
    }
    name
}

/// Of a unit as a whole.
const TOP: Position = Position { line: 1, column: 1 };

/// The last value of a key of `[Service]`.
fn last<'p>(parsed: &'p [UnitText], key: &str) -> Option<&'p str> {
    let all = parsed.iter().flat_map(|text| &text.assignments);
    let mut all = all.filter(|a| a.section == "Service" && a.key == key);
    all.next_back().map(|a| a.value.as_str())
}

/// The commands of a key that remain: an empty one takes back those before it. Each with the text that it is in.
fn commands<'p>(parsed: &'p [UnitText], key: &str) -> Vec<(usize, &'p Assignment)> {
    let mut left = Vec::new();
    for (index, text) in parsed.iter().enumerate() {
        for assignment in &text.assignments {
            if assignment.section != "Service" || assignment.key != key {
                continue;
            }
            if assignment.value.is_empty() {
                left.clear()
            } else {
                left.push((index, assignment))
            }
        }
    }
    left
}

fn service(unit: &Texts<'_>, parsed: &[UnitText], faults: &mut Vec<UnitFault>) {
    let starts = commands(parsed, "ExecStart");
    let oneshot = last(parsed, "Type") == Some("oneshot");
    if !unit.has_file {
        // A drop-in of the image's own unit, whose text is not known here.
        let resets = parsed
            .iter()
            .flat_map(|text| &text.assignments)
            .any(|a| a.section == "Service" && a.key == "ExecStart" && a.value.is_empty());
        if let Some((text, first)) = starts.first().filter(|_| !resets && !oneshot) {
            let rule = "ExecStart: adds a second command to the unit's own, which only Type=oneshot may have";
            faults.push(UnitFault {
                text: *text,
                help: Some("put an empty ExecStart= before it".to_owned()),
                ..fault(Id::UnitInvalid, first.key_position(), rule)
            });
        }
        return;
    }
    if let Some((text, second)) = starts.get(1).filter(|_| !oneshot) {
        let rule = "ExecStart: is the second one, which only Type=oneshot may have";
        faults.push(UnitFault {
            text: *text,
            help: Some("put an empty ExecStart= before it to replace the first".to_owned()),
            ..fault(Id::UnitInvalid, second.key_position(), rule)
        });
    }
    let mut all = parsed.iter().flat_map(|text| &text.assignments);
    let has_action = all.any(|a| a.key == "SuccessAction" && a.value != "none");
    let stops = !commands(parsed, "ExecStop").is_empty();
    let remains = last(parsed, "RemainAfterExit")
        .is_some_and(|value| ["1", "yes", "y", "true", "t", "on"].contains(&value));
    if starts.is_empty() && !has_action && !(oneshot && stops && remains) {
        faults.push(fault(Id::UnitInvalid, TOP, "the service has no ExecStart="));
    }
    if oneshot && matches!(last(parsed, "Restart"), Some("always" | "on-success")) {
        faults.push(fault(
            Id::UnitInvalid,
            TOP,
            "Restart: a service of Type=oneshot cannot have Restart=always or on-success",
        ));
    }
    if last(parsed, "Type") == Some("dbus") && last(parsed, "BusName").is_none_or(str::is_empty) {
        faults.push(fault(
            Id::UnitInvalid,
            TOP,
            "a service of Type=dbus needs a BusName=",
        ));
    }
}
