//! Commands that pipelines use as gates: they fail where they should, with the exit code that says why.

use std::fs;

use crate::support::fixture::{Project, snapshot, text};
use crate::support::oracles;
use crate::support::tool::nodebake;

const KEY: [&str; 2] = ["--key", "keys/sign.pub"];

fn built(case: &str) -> Project {
    let project = Project::of(case);
    project.good(&["build"]);
    project
}

#[test]
fn usable_and_usable_for_fail_where_something_ends() {
    let project = built("modern");
    let said = project.good(&[&["verify"][..], &KEY].concat());
    let until = said.trim().rsplit(' ').next().unwrap().to_owned();
    let day = &until[..10];
    let (year, rest) = day.split_at(4);
    let year: i32 = year.parse().unwrap();
    let before = format!("{}{rest}T00:00:00Z", year - 1);
    let after = format!("{}{rest}T00:00:00Z", year + 1);
    let list = project.out().join("SHA256SUMS").display().to_string();
    fs::copy(
        project.out().join("bundle.json"),
        project.scratch().join("alone"),
    )
    .unwrap();
    for (gate, at, wanted) in [
        (&["--usable"][..], &*before, 0),
        (&["--usable"], &until, 4),
        (&["--usable"], &after, 4),
        (&["--usable-for", "7d"], &before, 0),
        (&["--usable-for", "366d"], &before, 4),
        (&["--usable", "--usable-for", "400d"], &before, 4),
        (&["--usable-for", "0"], &after, 4),
        (&[], &after, 0),
    ] {
        for alone in [&[][..], &["../alone", "--sums", &list]] {
            for form in ["text", "json"] {
                let args = [
                    &["verify"][..],
                    alone,
                    &KEY,
                    gate,
                    &["--at", at, "-o", form],
                ]
                .concat();
                let output = project.run(&args);
                let said = text(&output.stdout) + &text(&output.stderr);
                assert_eq!(output.status.code(), Some(wanted), "{args:?}: {said}");
                assert_eq!(said.contains("ends at"), wanted == 4, "{args:?}: {said}");
                if form == "json" && alone.is_empty() {
                    let verified = format!("\"verified\": {}", wanted == 0);
                    assert!(said.contains(&verified), "{args:?}: {said}");
                }
            }
        }
    }
    // Without bundle.json beside the list nothing says it.
    fs::remove_file(project.out().join("bundle.json")).unwrap();
    let args = ["verify", "../alone", "--sums", &list, "--usable"];
    let output = project.run(&[&args[..], &KEY].concat());
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stdout));
}

/// The machine's failures are another thing: there is no such file.
#[test]
fn a_payload_that_cannot_be_read_does_not_verify() {
    let project = built("reference");
    let node = project.out().join("nodes/zhangjun-k8s-02");
    let alone = project.scratch().join("alone");
    fs::create_dir(&alone).unwrap();
    let mut tried = 0;
    for entry in fs::read_dir(&node).unwrap() {
        let entry = entry.unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        let file = alone.join(entry.file_name());
        let mut flipped = bytes.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x55;
        for broken in [
            &bytes[..bytes.len() / 2],
            &bytes[..bytes.len().min(10)],
            &bytes[..0],
            &flipped,
            &bytes,
        ] {
            fs::write(&file, broken).unwrap();
            for form in ["text", "json"] {
                let path = file.to_str().unwrap();
                let args = ["verify", path, "-o", form];
                let output = project.run(&[&args[..], &KEY].concat());
                let said = text(&output.stdout) + &text(&output.stderr);
                assert_eq!(
                    output.status.code(),
                    Some(4),
                    "{path}, {} bytes: {said}",
                    broken.len()
                );
                assert!(said.lines().count() >= 2, "{path}: {said}");
                tried += 1;
            }
        }
    }
    assert!(tried > 20);
    for missing in ["nothing", "keys/nothing"] {
        let output = project.run(&[&["verify", missing][..], &KEY].concat());
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    }
}

#[test]
fn diff_sees_another_version_of_kubernetes_alone() {
    let project = Project::of("reference");
    let inventory = project.dir.join("cluster.yaml");
    let before = fs::read_to_string(&inventory).unwrap();
    project.good(&["build"]);
    let at = ["--at", crate::support::fixture::AT];
    let same = project.run(&[&["diff", "--exit-code"][..], &at].concat());
    assert_eq!(same.status.code(), Some(0), "{}", text(&same.stdout));
    let after = before.replace("kubernetes: v1.16.6", "kubernetes: v1.16.7");
    assert_ne!(before, after);
    fs::write(&inventory, after).unwrap();
    for form in ["text", "json"] {
        let args = ["diff", "--exit-code", "-o", form];
        let output = project.run(&[&args[..], &at].concat());
        let said = text(&output.stdout);
        assert_eq!(
            output.status.code(),
            Some(3),
            "{said}{}",
            text(&output.stderr)
        );
        assert!(said.contains("v1.16.7"), "{said}");
    }
    project.good(&["build"]);
    let manifest = fs::read_to_string(project.out().join("bundle.json")).unwrap();
    assert_eq!(manifest.matches("\"kubernetes\": \"v1.16.7\"").count(), 3);
}

#[test]
fn signatures_of_others_beside_the_list_are_let_be_and_go_with_it() {
    let project = built("reference");
    let mine = [
        "SHA256SUMS.asc",
        "SHA256SUMS.minisig",
        "SHA256SUMS.cosign.bundle",
        "SHA256SUMS.sigstore.json",
    ];
    for name in mine {
        fs::write(project.out().join(name), "somebody's own").unwrap();
    }
    let said = project.good(&[&["verify"][..], &KEY].concat());
    for name in mine {
        assert!(said.contains(name), "{said}");
    }
    project.good(&[&["verify", "--partial", "out"][..], &KEY].concat());
    project.good(&["sign", "out", "--key", "keys/sign.key"]);
    if oracles::present("openssl") && oracles::present("bash") {
        let check = format!(
            "cd out; KEY=../keys/sign.pub; {}",
            nodebake::manifest::RECEIVER_CHECK
        );
        oracles::content(&project.dir, "bash", &["-euc", &check]);
        // A folder of that name would hide files.
        fs::create_dir(project.out().join("SHA256SUMS.d")).unwrap();
        fs::write(project.out().join("SHA256SUMS.d/x"), "").unwrap();
        let refused = oracles::run(&project.dir, "bash", &["-euc", &check]);
        assert!(!refused.status.success());
        assert!(text(&refused.stdout).contains("SHA256SUMS.d/x"));
        let output = project.run(&[&["verify"][..], &KEY].concat());
        assert_eq!(output.status.code(), Some(4));
        let refused = project.run(&["build"]);
        assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stderr));
        fs::remove_dir_all(project.out().join("SHA256SUMS.d")).unwrap();
    }
    // A link is not a signature.
    std::os::unix::fs::symlink("SHA256SUMS.asc", project.out().join("SHA256SUMS.link")).unwrap();
    let output = project.run(&[&["verify"][..], &KEY].concat());
    assert_eq!(output.status.code(), Some(4));
    fs::remove_file(project.out().join("SHA256SUMS.link")).unwrap();
    let output = project.command(&["build"]).run();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for name in mine {
        assert!(said.contains(&format!("warning: out/{name}: ")), "{said}");
        assert!(!snapshot(&project.out()).contains_key(name));
    }
    project.good(&[&["verify"][..], &KEY].concat());
}

/// What cannot be read is said before anything is looked at: there is no project here.
#[test]
fn arguments_that_cannot_be_read_are_wrong_usage() {
    let scratch = tempfile::tempdir().unwrap();
    for args in [
        &["check", "--at", "yesterday"][..],
        &["build", "--at", "2027-06-01"],
        &["build", "--node", "a[b"],
        &["build", "--jobs", "0"],
        &["build", "--jobs", "many"],
        &["build", "--format", "rpm"],
        &["build", "--stage", "x"],
        &["build", "--print", "yaml"],
        &["show", "n", "--at", "1"],
        &["preflight", "--at", "1"],
        &["inspect", "x", "--max-unpacked", "1GiB"],
        &["verify", "--key", "k", "--at", "1"],
        &["verify", "--key", "k", "--usable-for", "a week"],
        &["verify", "--key", "k", "--usable-for", "-7d"],
        &["verify", "--key", "k", "--min-generation", "x"],
        &["diff", "--at", "1"],
        &["token", "create", "--ttl", "1month"],
        &["token", "create", ".", "a{b"],
        &["token", "rotate", ".", "a", "--overlap", "1w"],
        &["token", "rotate", "--expiring-within", "1w"],
        &["token", "revoke", ".", "[a"],
        &["token", "expiring", "--within", "soon"],
        &["token", "expiring", "--within", "7d", "--at", "x"],
        &["pki", "init", "--ttl", "0"],
        &["pki", "init", "--ca-ttl", "x"],
        &["pki", "issue", "--ttl", "x"],
        &["pki", "issue", "--renew-within", "0s"],
        &["pki", "issue", ".", "[a"],
        &["schema", "--kubernetes", "1"],
        &["schema", "--kubernetes", "v1.99.0"],
        &["completions", "cmd"],
    ] {
        let output = nodebake(scratch.path(), args).run();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(
            said.contains("must be")
                || said.contains("a duration is")
                || said.contains("must not")
                || said.contains("invalid")
                || said.contains("unexpected")
                || said.contains("is not a"),
            "{args:?}: {said}"
        );
    }
    let project = built("reference");
    for args in [
        &["verify", "out", "--partial", "cluster.yaml"][..],
        &["verify", "cluster.yaml", "--partial"],
        &["verify", "cluster.yaml", "--usable"],
        &["verify", "cluster.yaml", "--min-generation", "1"],
    ] {
        let output = project.run(&[args, &KEY].concat());
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            text(&output.stderr)
        );
    }
}
