//! Who else may read or change a file with secrets: its mode and its owner.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use crate::model::Location;
use crate::report::{Finding, Id, Report};

/// A file with secrets must be for its owner's eyes, and the owner must be us or root: another owner could change it.
/// The open file is asked, not its name, so that nobody can exchange it in between.
pub(super) fn check_file(facts: &Metadata, name: &str, report: &mut Report) {
    if facts.is_file() {
        let user = rustix::process::geteuid().as_raw();
        check_access(facts.mode(), facts.uid(), user, name, report);
    }
}

/// Judges a file by its mode and owner; `user` is who we are.
pub fn check_access(mode: u32, owner: u32, user: u32, name: &str, report: &mut Report) {
    let location = Location::file(name);
    if mode & 0o077 != 0 {
        let rule = format!(
            "others may read or change the file (mode {:04o})",
            mode & 0o7777
        );
        report.add(
            Finding::new(Id::FileExposed, &location, "", rule)
                .help(format!("run `chmod 600 {name}`")),
        );
    }
    check_owner(owner, user, name, report);
}

fn check_owner(owner: u32, user: u32, name: &str, report: &mut Report) {
    if owner != user && owner != 0 {
        let rule = format!("the file belongs to another user (uid {owner}, we are {user})");
        let repair = format!("run `chown {user} {name}`, or pass it on stdin");
        report
            .add(Finding::new(Id::FileOwnerForeign, &Location::file(name), "", rule).help(repair));
    }
}

/// Encrypting proves nothing about who wrote a file: anybody can encrypt tokens of their own for public recipients.
pub(super) fn check_writers(facts: &Metadata, name: &str, report: &mut Report) {
    if !facts.is_file() {
        return;
    }
    // The group may: a checkout with the umask 002 is usual where every user has a group of their own.
    if facts.mode() & 0o002 != 0 {
        let rule = format!(
            "others may change the file (mode {:04o})",
            facts.mode() & 0o7777
        );
        let repair = format!("run `chmod o-w {name}`");
        report.add(Finding::new(Id::FileExposed, &Location::file(name), "", rule).help(repair));
    }
    check_owner(
        facts.uid(),
        rustix::process::geteuid().as_raw(),
        name,
        report,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_may_neither_read_nor_own_it() {
        for (mode, owner, user, count) in [
            (0o100_600, 1000, 1000, 0),
            (0o100_400, 0, 1000, 0),
            (0o100_640, 1000, 1000, 1),
            (0o100_604, 1000, 1000, 1),
            (0o100_620, 1000, 1000, 1),
            (0o100_600, 1000, 0, 1),
            (0o100_644, 1001, 1000, 2),
        ] {
            let mut report = Report::default();
            check_access(mode, owner, user, "secrets.yaml", &mut report);
            assert_eq!(
                report.to_string().lines().count(),
                count,
                "{mode:o} {owner}: {report}"
            );
        }
    }
}
