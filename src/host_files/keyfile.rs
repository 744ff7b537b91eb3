//! NetworkManager's connections (nm-settings-keyfile(5); src/libnm-core-impl/nm-keyfile.c). In: a file's text. Out: what NetworkManager
//! refuses, and what it ignores. A file that it refuses is no connection at all.

mod keys;
mod text;
mod value;
mod whole;

use crate::closest::closest;
use crate::host_files::fault::Fault;
use crate::host_files::keyfile::keys::{Known, known, setting_of};
use crate::host_files::keyfile::text::{Entry, KeyfileText};
use crate::report::Id;

/// Reads a file.
pub fn read(text: &str) -> Vec<Fault> {
    let text = match KeyfileText::read(text) {
        Ok(text) => text,
        // The whole file is refused then.
        Err(fault) => return vec![*fault],
    };
    let mut faults = Vec::new();
    for (group, at) in &text.groups {
        if setting_of(group).is_some() {
            continue;
        }
        let rule = format!("NetworkManager ignores [{group}], which is no setting");
        let near = closest(group, keys::groups().into_iter());
        // It says so itself, whatever the name is.
        let fault = Fault::at(Id::KeyfileInvalid, *at, rule);
        faults.push(match near {
            Some(near) => fault.help(format!("did you mean [{near}]?")),
            None => fault.help("remove it"),
        });
    }
    for entry in &text.entries {
        let Some(setting) = setting_of(&entry.group) else {
            continue;
        };
        match known(setting, &entry.key) {
            Known::Free => {}
            Known::As(kind) => {
                if let Err(rule) = value::check(setting, &entry.key, kind, &entry.value) {
                    faults.push(invalid(entry, rule));
                }
            }
            // NetworkManager says itself that it does not know an option of a bond.
            Known::Not(_) if setting == "bond" => {
                faults.push(invalid(entry, "is no option of bonds".to_owned()));
            }
            Known::Not(names) => faults.push(unknown(entry, &names)),
        }
    }
    for fault in whole::check(&text) {
        if !faults.iter().any(|other| other.position == fault.position) {
            faults.push(fault);
        }
    }
    faults
}

fn invalid(entry: &Entry, rule: String) -> Fault {
    let fault = Fault::at(
        Id::KeyfileInvalid,
        entry.value_at,
        format!("{}: {rule}", entry.key),
    );
    let is_secret = ["password", "psk", "key", "secret", "pin"]
        .iter()
        .any(|word| entry.key.contains(word));
    if is_secret {
        fault
    } else {
        fault.got(&entry.value)
    }
}

/// A slip is an error; what looks like no known key may come with a younger NetworkManager.
fn unknown(entry: &Entry, names: &[String]) -> Fault {
    let key = entry.key.as_str();
    let rule = format!(
        "NetworkManager ignores {key}: [{}] has no such key",
        entry.group
    );
    let same = names.iter().find(|known| known.eq_ignore_ascii_case(key));
    let near = same.or_else(|| {
        names
            .iter()
            .find(|known| key.len() > 4 && strsim::osa_distance(known, key) <= 2)
    });
    if let Some(near) = near {
        return Fault::at(Id::KeyfileInvalid, entry.key_at, rule)
            .help(format!("did you mean {near}?"));
    }
    let elsewhere = keys::groups_with(key);
    if !elsewhere.is_empty() && elsewhere.len() <= 4 {
        let help = format!("move it to [{}]", elsewhere.join("] or ["));
        return Fault::at(Id::KeyfileInvalid, entry.key_at, rule).help(help);
    }
    let rule = format!(
        "[{}] has no such key in NetworkManager up to 1.56, so it may ignore it",
        entry.group
    );
    Fault::at(Id::KeyfileKeyUnknown, entry.key_at, rule).help("correct it or remove it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_at_its_place() {
        let text = "[connection]\nid=a\ntype=ethernet\nautoconect=true\n[ipv4]\nmethod=static\naddress1 = 10.0.0.5/40\n[ipv7]\nfrob=1\n[user]\na.b=c\n";
        let faults = read(text);
        let places: Vec<_> = faults
            .iter()
            .map(|fault| (fault.id, fault.position.map(|at| (at.line, at.column))))
            .collect();
        assert_eq!(
            places,
            [
                (Id::KeyfileInvalid, Some((8, 1))),
                (Id::KeyfileInvalid, Some((4, 1))),
                (Id::KeyfileInvalid, Some((6, 8))),
                (Id::KeyfileInvalid, Some((7, 12))),
            ],
            "{faults:?}"
        );
        assert_eq!(faults[1].help.as_deref(), Some("did you mean autoconnect?"));
    }

    #[test]
    fn secrets_are_not_repeated() {
        let text = "[connection]\nid=a\ntype=wifi\n[wifi]\nssid=a\n[wifi-security]\nkey-mgmt=wpa-psk\npsk-flags=hunter2\n";
        let faults = read(text);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(!format!("{faults:?}").contains("hunter2"));
    }
}
