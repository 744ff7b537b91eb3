//! Bit-identical bundles: the same project gives the same bytes and modes, whoever builds it, wherever and whenever.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::support::everything::{BEFORE, NODE, everything};
use crate::support::fixture::{Project, copy_entry, entries, fixtures, snapshot};
use crate::support::tool::Tool;

/// The fixtures' projects.
const FIXTURES: [&str; 2] = ["reference", "modern"];
/// And one with layers, CDs, network boot, extensions, credentials and an older bundle that it follows.
const EVERYTHING: &str = "everything";
const CASES: [&str; 3] = [FIXTURES[0], FIXTURES[1], EVERYTHING];

fn fresh(case: &str) -> Project {
    match case {
        EVERYTHING => everything(),
        case => Project::of(case),
    }
}

/// The bundle of a project, built with a changed command.
fn built(project: &Project, change: impl Fn(&mut Tool)) -> BTreeMap<String, String> {
    let mut command = project.command(&["build"]);
    if project.dir.join(BEFORE).exists() {
        command.args(["--upgrade-from", BEFORE]);
    }
    change(&mut command);
    command.good();
    snapshot(&project.out())
}

/// Compares bundles and names the first path that differs.
fn same(what: &str, one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) {
    assert!(one.len() > 20, "{what}: that is no bundle: {one:?}");
    let paths = |of: &BTreeMap<String, String>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(one), paths(other), "{what}");
    for (path, entry) in one {
        assert_eq!(entry, &other[path], "{what}: {path}");
    }
}

/// Builds each case in two fresh folders, the second time with a changed command.
fn same_with(what: &str, change: impl Fn(&mut Tool)) {
    for case in CASES {
        let plain = built(&fresh(case), |_| {});
        same(what, &plain, &built(&fresh(case), &change));
    }
}

#[test]
fn twice_in_one_folder_and_once_in_another() {
    for case in CASES {
        let project = fresh(case);
        let first = built(&project, |_| {});
        same("again", &first, &built(&project, |_| {}));
        let _ = fs::remove_dir_all(project.out());
        same("after a removal", &first, &built(&project, |_| {}));
        same("elsewhere", &first, &built(&fresh(case), |_| {}));
    }
}

#[test]
fn with_one_job_and_with_eight() {
    same_with("--jobs 1", |command| {
        command.args(["--jobs", "1"]);
    });
    same_with("--jobs 8", |command| {
        command.args(["--jobs", "8"]);
    });
}

#[test]
fn at_another_time() {
    for case in CASES {
        let plain = built(&fresh(case), |_| {});
        let later = fresh(case);
        let mut args = vec!["build", "--at", "2031-12-31T23:59:59+14:00"];
        if later.dir.join(BEFORE).exists() {
            args.extend(["--upgrade-from", BEFORE]);
        }
        later.good(&args);
        same("--at", &plain, &snapshot(&later.out()));
    }
}

#[test]
fn in_any_environment() {
    let changes: [(&str, &[(&str, &str)]); 3] = [
        (
            "time zone and locale",
            &[
                ("TZ", "Asia/Kathmandu"),
                ("LC_ALL", "tr_TR.UTF-8"),
                ("LANG", "zh_CN.GB18030"),
            ],
        ),
        ("a build date", &[("SOURCE_DATE_EPOCH", "1700000000")]),
        (
            "more variables",
            &[
                ("HOME", "/nowhere"),
                ("USER", "x"),
                ("COLUMNS", "20"),
                ("RAYON_NUM_THREADS", "3"),
            ],
        ),
    ];
    for (what, variables) in changes {
        same_with(what, |command| {
            for (name, value) in variables {
                command.env(name, value);
            }
        });
    }
    same_with("no environment at all", |command| {
        command.env_clear();
    });
}

#[test]
fn with_any_umask() {
    for case in CASES {
        let plain = built(&fresh(case), |_| {});
        for umask in ["000", "022", "077", "027"] {
            let masked = fresh(case);
            let mut args = vec!["build"];
            if masked.dir.join(BEFORE).exists() {
                args.extend(["--upgrade-from", BEFORE]);
            }
            masked.command(&args).with_umask(umask).good();
            same(&format!("umask {umask}"), &plain, &snapshot(&masked.out()));
        }
    }
}

/// A checkout writes files in its own order, with times of its own and the modes of somebody's umask.
#[test]
fn from_files_created_in_another_order_with_other_times_and_modes() {
    for case in FIXTURES {
        let plain = built(&fresh(case), |_| {});
        for add in [0o022, 0o000] {
            let project = Project::empty();
            let from = fixtures().join(case);
            for entry in entries(&from).iter().rev() {
                // Git keeps nothing but the executable bit.
                let mode = |mode| (if mode & 0o100 != 0 { 0o755 } else { 0o644 }) | add;
                copy_entry(&from, entry, &project.dir, mode);
            }
            age(&from, &project.dir, if add == 0 { 0o755 } else { 0o775 });
            project.add_secrets(case);
            same(
                &format!("modes with {add:o}"),
                &plain,
                &built(&project, |_| {}),
            );
        }
    }
}

/// Gives every file and folder a time of its own, and folders a mode.
fn age(from: &Path, to: &Path, folder_mode: u32) {
    for (days, entry) in entries(from).iter().enumerate() {
        let target = to.join(entry.strip_prefix(from).unwrap());
        let seen = target.symlink_metadata().unwrap();
        if seen.is_symlink() {
            continue;
        }
        if seen.is_dir() {
            fs::set_permissions(&target, Permissions::from_mode(folder_mode)).unwrap();
        }
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 * (days as u64 + 10_000));
        File::open(&target).unwrap().set_modified(then).unwrap();
    }
}

/// What is asked for is there: a case that says nothing of an output would prove nothing of it.
#[test]
fn everything_is_in_the_bundle_of_everything() {
    let bundle = built(&everything(), |_| {});
    let node = format!("nodes/{NODE}");
    for path in [
        "boot/boot.ipxe".to_owned(),
        format!("boot/nodes/{NODE}/initramfs.cpio.gz"),
        format!("{node}/initramfs.secrets.cpio.gz"),
        format!("{node}/tmpfiles.extra"),
        format!("{node}/seed.iso"),
        format!("{node}/config.ign"),
        format!("{node}/{NODE}.upgrade.sh"),
    ] {
        assert!(bundle.contains_key(&path), "{path}: {:?}", bundle.keys());
    }
    for end in [".iso", ".sysext.tar.gz", ".cpio.gz", ".tar.gz"] {
        let shared = |path: &&String| path.starts_with("shared/") && path.ends_with(end);
        assert!(bundle.keys().any(|path| shared(&path)), "{end}");
    }
}

/// The files of another day may be reused or not; what comes out is the same.
#[test]
fn over_an_older_bundle() {
    for case in CASES {
        let project = fresh(case);
        project.good(&["build", "--format", "ignition"]);
        let over = built(&project, |_| {});
        same("over an older one", &built(&fresh(case), |_| {}), &over);
    }
}
