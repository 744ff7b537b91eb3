//! `--no-tokens`: what those check who may not see the tokens.

use std::fs;

use crate::support::fixture::{AT, Project, snapshot, text};

/// A project as a pull request has it: nothing of it is secret.
fn without_secrets(case: &str) -> Project {
    let project = Project::of(case);
    fs::remove_file(project.dir.join("secrets.yaml")).unwrap();
    fs::remove_file(project.dir.join("keys/sign.key")).unwrap();
    project
}

#[test]
fn check_and_show_do_without_tokens_and_say_so() {
    for case in ["reference", "modern"] {
        let project = without_secrets(case);
        let refused = project.run(&["check"]);
        assert_eq!(refused.status.code(), Some(3), "{}", text(&refused.stdout));
        for strict in [
            &["check", "--no-tokens"][..],
            &["check", "--no-tokens", "--strict"],
        ] {
            let output = project.run(strict);
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
            let said = text(&output.stderr);
            assert!(
                said.starts_with("nodebake: --no-tokens: tokens are placeholders"),
                "{said}"
            );
        }
        // Also where they are encrypted for others, broken, or for all to read.
        for file in ["secrets.yaml.age", "secrets.yaml"] {
            fs::write(project.dir.join(file), "age-encryption.org/v1\nnonsense").unwrap();
            let output = project.run(&["check", "--no-tokens"]);
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
            fs::remove_file(project.dir.join(file)).unwrap();
        }
        // Everything else is found.
        let inventory = project.dir.join("cluster.yaml");
        let before = fs::read_to_string(&inventory).unwrap();
        fs::write(&inventory, before + "\nnothing: 1\n").unwrap();
        let output = project.run(&["check", "--no-tokens"]);
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(
            text(&output.stdout).lines().count(),
            1,
            "{}",
            text(&output.stdout)
        );
    }
    let project = without_secrets("modern");
    let shown = project.good(&["show", "edge-001", "--no-tokens"]);
    assert!(shown.contains("<hidden>"), "{shown}");
    let both = project.run(&["check", "--no-tokens", "--secrets", "x"]);
    assert_eq!(both.status.code(), Some(2));
    // Nothing is built with placeholders.
    let built = project.run(&["build", "--no-tokens"]);
    assert_eq!(built.status.code(), Some(2));
    assert!(!project.out().exists());
}

#[test]
fn diff_without_tokens_says_what_else_changed() {
    let project = Project::of("modern");
    // One of them is rotated, so that there are two Secrets of its node.
    let rotate = [
        "token",
        "rotate",
        ".",
        "edge-002",
        "--overlap",
        "3650d",
        "--ttl",
        "3700d",
    ];
    project.good(&rotate);
    project.good(&["build"]);
    let before = snapshot(&project.out());
    fs::remove_file(project.dir.join("secrets.yaml")).unwrap();
    let diff = |more: &[&str]| {
        let args = ["diff", "--no-tokens", "--exit-code"];
        // Long after all tokens have ended.
        let output = project.run(&[&args[..], more].concat());
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    for at in [AT, "2040-01-01T00:00:00Z"] {
        // The CA's own end is checked all the same, so only what is said of tokens is looked at.
        let (code, said, warned) = diff(&["--at", at]);
        if at == AT {
            assert_eq!(
                (code, said.as_str()),
                (Some(0), "no difference\n"),
                "{warned}"
            );
        }
        assert!(
            warned.contains("--no-tokens: tokens are those of the old bundle"),
            "{warned}"
        );
        assert!(
            !warned.contains("expire") || !warned.contains("token mtst"),
            "{warned}"
        );
    }
    let inventory = project.dir.join("cluster.yaml");
    let text = fs::read_to_string(&inventory).unwrap();
    let text = text.replace("ntp1.example.com", "ntp9.example.com");
    let text = text.replace(
        "nodes:\n",
        "nodes:\n  - {name: edge-new, addresses: [10.1.2.3]}\n",
    );
    fs::write(&inventory, text).unwrap();
    let (code, said, warned) = diff(&["--at", AT]);
    assert_eq!(code, Some(3), "{said}{warned}");
    assert!(said.contains("ntp9.example.com"), "{said}");
    assert!(said.contains("node edge-new added, token x00000"), "{said}");
    assert!(
        !said.contains("its content, which is secret") && !said.contains("token mtst"),
        "{said}"
    );
    assert_eq!(snapshot(&project.out()), before);
}
