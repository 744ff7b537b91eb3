//! Files of one setting a line: sysctl.d(5), modules-load.d(5), tmpfiles.d(5), sysusers.d(5), sudoers(5).

use crate::host_files::fault::Fault;
use crate::report::Id;
use crate::tree::Position;

/// Types of lines in tmpfiles.d(5).
const TMPFILES: &str = "fwdDevqQpLcbCxXrRzZtThHaA";
/// Types of lines in sysusers.d(5).
const SYSUSERS: [&str; 5] = ["u", "g", "m", "r", "u!"];

/// Checks each line that says something.
fn each(text: &str, marks: &[char], check: impl Fn(&str) -> Result<(), String>) -> Vec<Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let said = line.trim();
        if said.is_empty() || said.starts_with(marks) {
            continue;
        }
        if let Err(rule) = check(said) {
            let column = line.chars().take_while(|c| c.is_whitespace()).count() + 1;
            let at = Position {
                line: index + 1,
                column,
            };
            faults.push(Fault::at(Id::SettingsFileInvalid, at, rule));
        }
    }
    faults
}

/// `key = value`, also with a dash in front, or a dash and a key alone.
pub fn sysctl(text: &str) -> Vec<Fault> {
    each(text, &['#', ';'], |line| {
        let (key, has_value) = match line.split_once('=') {
            Some((key, _)) => (key.trim(), true),
            None => (line, false),
        };
        let name = key.strip_prefix('-').unwrap_or(key).trim();
        let fits = |c: char| c.is_ascii_graphic();
        if name.is_empty() || !name.chars().all(fits) || !(has_value || key.starts_with('-')) {
            return Err("a line of sysctl.d must be `key = value`".to_owned());
        }
        Ok(())
    })
}

/// Names of modules, one a line.
pub fn modules(text: &str) -> Vec<Fault> {
    each(text, &['#', ';'], |line| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if line.chars().all(fits) {
            Ok(())
        } else {
            Err("a line of modules-load.d must be the name of one module, without options (those are in modprobe.d)".to_owned())
        }
    })
}

/// Type, path, mode, user, group, age, argument.
pub fn tmpfiles(text: &str) -> Vec<Fault> {
    each(text, &['#'], |line| {
        let mut words = line.split_whitespace();
        let kind = words.next().unwrap_or_default();
        let (letter, flags) = kind.split_at(kind.chars().next().map_or(0, char::len_utf8));
        if !TMPFILES.contains(letter) || !flags.chars().all(|flag| "!+-=~^$?".contains(flag)) {
            return Err(
                "a line of tmpfiles.d must begin with a type (for example d or L+)".to_owned(),
            );
        }
        let path = words.next().unwrap_or_default().trim_matches(['"', '\'']);
        if !path.starts_with(['/', '%']) {
            return Err(
                "a line of tmpfiles.d must have an absolute path behind its type".to_owned(),
            );
        }
        let mode = words.next().unwrap_or("-").trim_start_matches([':', '~']);
        let is_mode = mode == "-"
            || (u32::from_str_radix(mode, 8).is_ok_and(|mode| mode <= 0o7777) && mode.len() < 6);
        if is_mode || mode.contains('%') {
            Ok(())
        } else {
            Err("a line of tmpfiles.d must have an octal mode or - behind its path".to_owned())
        }
    })
}

/// Type, name, id and more.
pub fn sysusers(text: &str) -> Vec<Fault> {
    each(text, &['#'], |line| {
        let mut words = line.split_whitespace();
        let kind = words.next().unwrap_or_default();
        if !SYSUSERS.contains(&kind) {
            return Err("a line of sysusers.d must begin with u, g, m or r".to_owned());
        }
        if words.next().is_none() {
            return Err("a line of sysusers.d must have a name behind its type".to_owned());
        }
        if kind == "m" && words.next().is_none() {
            return Err("a line of sysusers.d with m must have a user and a group".to_owned());
        }
        Ok(())
    })
}

/// sudo reads no rules at all where one line of them is wrong. Lines that go on are one.
pub fn sudoers(text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if text.contains('\r') {
        let rule = "sudo takes a carriage return for a part of the line, and refuses the file";
        faults.push(Fault::whole(Id::SettingsFileInvalid, rule).help("save it with LF alone"));
        return faults;
    }
    if !text.is_empty()
        && !text.ends_with('\n')
        && !text.trim_end().is_empty()
        && text.ends_with('\\')
    {
        faults.push(Fault::whole(
            Id::SettingsFileInvalid,
            "the last line ends in a backslash",
        ));
    }
    let joined = text.replace("\\\n", "  ");
    faults.extend(each(&joined, &['#', '@'], |line| {
        let first = line.split_whitespace().next().unwrap_or_default();
        let is_definition = first.starts_with("Defaults") || first.ends_with("_Alias");
        let is_rule = line.split_once('=').is_some_and(|(left, right)| {
            left.split_whitespace().count() > 1 && !right.trim().is_empty()
        });
        if is_rule || (is_definition && (first.starts_with("Defaults") || line.contains('='))) {
            Ok(())
        } else {
            Err(
                "a line of sudoers must be USER HOST=(RUNAS) COMMANDS, Defaults or an alias"
                    .to_owned(),
            )
        }
    }));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_or_named() {
        type Reader = fn(&str) -> Vec<Fault>;
        for (read, text, line) in [
            (
                sysctl as Reader,
                "# a\nnet.ipv4.ip_forward = 1\n-kernel.x=2\nnet/ipv4/conf/eth0.1/rp_filter = 0\n-net.ipv4.x\n",
                None,
            ),
            (sysctl, "a = 1\nnet.ipv4.ip_forward 1\n", Some(2)),
            (sysctl, "= 1\n", Some(1)),
            (modules, "; a\nbr_netfilter\noverlay\n", None),
            (modules, "overlay\noptions kvm nested=1\n", Some(2)),
            (
                tmpfiles,
                "d /run/x 0755 root root 10d -\nL+ /etc/a - - - - ../b\nw! %h/x - - - - y\nz /x ~0750\n",
                None,
            ),
            (tmpfiles, "k /run/x\n", Some(1)),
            (tmpfiles, "d run/x\n", Some(1)),
            (tmpfiles, "d /run/x 0999\n", Some(1)),
            (
                sysusers,
                "u etcd 999 \"etcd\" /var/lib/etcd\ng x -\nm a b\nr - 500-900\n",
                None,
            ),
            (sysusers, "user etcd\n", Some(1)),
            (sysusers, "m a\n", Some(1)),
            (
                sudoers,
                "# a\nDefaults !requiretty\nCmnd_Alias A = /bin/a, \\\n /bin/b\ncore ALL=(ALL) NOPASSWD: ALL\n%wheel ALL=(ALL:ALL) ALL\n@includedir /etc/x\n",
                None,
            ),
            (sudoers, "core ALL(ALL) NOPASSWD ALL\n", Some(1)),
            (sudoers, "core\n", Some(1)),
            (sudoers, "core ALL=\n", Some(1)),
        ] {
            let found = read(text);
            let line_of = found.first().and_then(|fault| Some(fault.position?.line));
            assert_eq!(line_of, line, "{text}: {found:?}");
        }
        assert_eq!(sudoers("core ALL=(ALL) ALL\r\n").len(), 1);
    }
}
