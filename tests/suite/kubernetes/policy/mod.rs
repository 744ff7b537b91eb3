//! Security benchmarks: which settings leave a kubelet open, and which verdict each rule gets.

pub mod accepted;
pub mod kube_bench;
pub mod open;
pub mod verdicts;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::tool;

/// A new project with a built-in profile, for one minor, and with further lines in its inventory.
pub fn project(folder: &Path, profile: &str, minor: u32, more: &str) -> PathBuf {
    tool::nodebake(folder, &["init", "--profile", profile, "p"]).good();
    let project = folder.join("p");
    let file = project.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let text: String = text
        .lines()
        .map(|line| match line.strip_prefix("kubernetes: ") {
            Some(_) => format!("kubernetes: v1.{minor}.0\n"),
            None => format!("{line}\n"),
        })
        .collect();
    fs::write(file, text + more).unwrap();
    project
}

/// The report of a benchmark, and the exit code.
pub fn report(project: &Path, policy: &str) -> (Value, i32) {
    let output = tool::nodebake(project, &["check", "--policy", policy, "-o", "json"]).run();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        panic!("{error}: {said}")
    });
    (report, output.status.code().unwrap())
}
