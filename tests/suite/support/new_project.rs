//! A new project with an inventory of its own, as a user would write it.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::support::fixture::text;
use crate::support::tool;

const HEAD: &str = "apiVersion: nodebake/v1
kind: Cluster
name: example
kubernetes: v1.34.4
apiServer: {url: \"https://api.example.internal:6443\", ca: pki/ca.pem}
network: {clusterDomain: cluster.local, clusterDNS: [10.96.0.10], serviceCIDRs: [10.96.0.0/16], podCIDRs: [10.244.0.0/16]}
";

/// A new project with an inventory of its own, and tokens for its nodes.
pub struct NewProject {
    scratch: TempDir,
}

impl NewProject {
    pub fn new(lines: &str) -> Self {
        Self::with_files(lines, &[])
    }

    pub fn with_files(lines: &str, files: &[(&str, &str)]) -> Self {
        let project = Self {
            scratch: tempfile::tempdir().unwrap(),
        };
        tool::nodebake(project.scratch.path(), &["init", "p"]).good();
        for (name, text) in files {
            let path = project.dir().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let text = format!("{HEAD}{lines}");
        fs::write(project.dir().join("cluster.yaml"), text).unwrap();
        project.run(&["token", "create"]);
        project
    }

    pub fn dir(&self) -> PathBuf {
        self.scratch.path().join("p")
    }

    /// Stdout, then stderr.
    pub fn run(&self, args: &[&str]) -> String {
        let output = tool::nodebake(&self.dir(), args).run();
        text(&output.stdout) + &text(&output.stderr)
    }

    /// The ids of all findings, each once. A broken project has no tokens, since `token create` refused it.
    pub fn ids(&self) -> Vec<String> {
        let output = tool::nodebake(&self.dir(), &["check", "--format", "json"]).run();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let ids = findings
            .iter()
            .map(|finding| finding["id"].as_str().unwrap().to_owned());
        let mut ids: Vec<String> = ids.filter(|id| id != "token-missing").collect();
        ids.dedup();
        ids
    }

    pub fn good(&self, args: &[&str]) -> String {
        tool::nodebake(&self.dir(), args).good()
    }

    /// What is built: the text of a file in the bundle.
    pub fn built(&self, file: &str) -> String {
        fs::read_to_string(self.dir().join("out").join(file)).unwrap_or_default()
    }

    /// The text of a file on the node.
    pub fn on_node(&self, path: &str) -> String {
        self.good(&["show", "n1", "--file", path])
    }
}
