//! Mutations of good input, against every reader of what others made: payloads to inspect, bundles to verify, requests for
//! certificates, and projects with all that they name. A panic, a hang or more memory than the limits allow is a failure.
//!
//! Each target runs in a process of its own, which cannot take more memory than it is given and is stopped when one
//! input takes too long. What it does follows from seed and round alone, so what was found once is found again: the
//! message names both, and the input is kept in `target/tmp/fuzz`. `make fuzz ROUNDS=N` runs for longer.

pub mod child;
mod files;
mod mutate;
mod seeds;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::harness::CHILD;
use child::{CURRENT, FOUND, PASSED, ROUND};
use targets::Target;

/// How many inputs, and which: the defaults are the same ones in each run.
const ROUNDS: &str = "NODEBAKE_FUZZ_ROUNDS";
const SEED: &str = "NODEBAKE_FUZZ_SEED";
/// The first round, to see one again.
const FROM: &str = "NODEBAKE_FUZZ_FROM";

/// More failures than that are one defect.
const ENOUGH: usize = 10;

fn number(variable: &str) -> Option<u64> {
    let said = std::env::var(variable).ok()?;
    Some(
        said.parse()
            .unwrap_or_else(|_| panic!("{variable} is {said}, which is no number")),
    )
}

/// Where inputs that did harm are kept.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz")
}

/// Runs a target in processes of its own until all rounds are done, or too many have failed.
fn run(target: Target) {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    target.prepare(folder);
    let from = number(FROM).unwrap_or(0);
    let to = from + number(ROUNDS).unwrap_or(target.rounds());
    let seed = number(SEED).unwrap_or(1);
    let mut failures = Vec::new();
    let mut next = from;
    while next < to && failures.len() < ENOUGH {
        let _ = fs::remove_file(folder.join(ROUND));
        let output = Command::new(std::env::current_exe().unwrap())
            .env(CHILD, child::NAME)
            .env(
                child::VARIABLE,
                format!("{}:{seed}:{next}:{to}", target.name()),
            )
            // Each arena of glibc's reserves address space, which is what is limited.
            .env("MALLOC_ARENA_MAX", "1")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let at = fs::read_to_string(folder.join(ROUND));
        let at: u64 = at.unwrap_or_default().trim().parse().unwrap_or(next);
        for found in found(folder) {
            failures.push(keep(
                target,
                seed,
                &found,
                "a panic, or something left behind",
            ));
        }
        if output.status.success() {
            assert_eq!(at + 1, to, "{}: it ended early: {said}", target.name());
            let passed = folder.join(PASSED).exists();
            assert!(
                passed || !target.accepts_some() || to - next < 100,
                "{}: every input was refused, so no more than the first look is tried",
                target.name()
            );
            break;
        }
        let why = format!(
            "{}: {}",
            output.status,
            said.lines().last().unwrap_or_default()
        );
        let current = folder.join(format!("{FOUND}{at}"));
        let _ = fs::copy(folder.join(CURRENT), &current);
        failures.push(keep(target, seed, &current, &why));
        next = at + 1;
    }
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        target.name(),
        failures.join("\n")
    );
}

fn found(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(FOUND))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// Moves an input to where it outlives the run; what is said of it.
fn keep(target: Target, seed: u64, input: &Path, why: &str) -> String {
    let name = input.file_name().unwrap().to_string_lossy();
    let round = name.trim_start_matches(FOUND);
    let to = kept().join(format!("{}-{seed}-{round}", target.name()));
    fs::create_dir_all(kept()).unwrap();
    let _ = fs::copy(input, &to);
    let _ = fs::remove_file(input);
    let (from, name) = (format!("{FROM}={round}"), target.name());
    format!(
        "seed {seed}, round {round}: {why}; the input is {}, `{from} make fuzz ROUNDS=1 SEED={seed} TARGET={name}` makes it again",
        to.display()
    )
}

#[test]
fn inspect_survives_what_is_changed_anywhere() {
    run(Target::Inspect);
}

#[test]
fn project_survives_what_is_changed_anywhere_in_it() {
    run(Target::Project);
}

#[test]
fn bundle_survives_what_is_changed_anywhere_and_signed_again() {
    run(Target::Bundle);
}

#[test]
fn requests_survive_what_is_changed_anywhere() {
    run(Target::Requests);
}

#[test]
fn tables_survive_whatever_is_changed_in_them() {
    run(Target::named("tables"));
}

#[test]
fn tokens_survive_whatever_is_changed_in_secrets_yaml() {
    run(Target::named("tokens"));
}

#[test]
fn authorities_survive_whatever_is_changed_in_certificates() {
    run(Target::named("authorities"));
}

#[test]
fn templates_survive_whatever_is_changed_in_them() {
    run(Target::named("templates"));
}

#[test]
fn keys_survive_whatever_is_changed_in_them() {
    run(Target::named("keys"));
}

#[test]
fn import_survives_whatever_is_changed_in_a_dump() {
    run(Target::named("import"));
}

#[test]
fn clusters_survive_whatever_is_changed_in_their_dumps() {
    run(Target::named("clusters"));
}

#[test]
fn append_survives_whatever_is_changed_in_a_base() {
    run(Target::named("append"));
}

#[test]
fn diff_survives_whatever_is_changed_in_a_bundle() {
    run(Target::named("diff"));
}
