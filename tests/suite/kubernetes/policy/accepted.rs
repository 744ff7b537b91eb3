//! What a project accepts, in the report of a benchmark: by a finding's id or by a rule's number, for all nodes or for those of a
//! profile.

use std::fs;

use nodebake::policy::Policy;
use nodebake::report::BenchmarkRule;
use serde_json::Value;

use super::{project, report};
use crate::support::{oracles, tool};

const VALIDATOR: &str = "check-jsonschema";

fn row<'r>(report: &'r Value, number: &str) -> &'r Value {
    let mut rules = report["rules"].as_array().unwrap().iter();
    rules.find(|rule| rule["number"] == number).unwrap()
}

#[test]
fn every_rule_has_a_name_that_a_project_can_write() {
    let rules = [Policy::Cis112, Policy::Cis20, Policy::Stig]
        .iter()
        .flat_map(|policy| policy.rules());
    let mut names: Vec<String> = rules
        .map(|rule| BenchmarkRule::of_number(rule.number).unwrap().to_string())
        .collect();
    names.sort();
    names.dedup();
    let mut all: Vec<String> = BenchmarkRule::all().map(|rule| rule.to_string()).collect();
    all.sort();
    assert_eq!(names, all);
}

#[test]
fn what_is_accepted_does_not_fail() {
    let field = |fields: &str| format!("kubelet: {{config: {{{fields}}}}}\n");
    let say = |of: &str, level: &str| {
        format!("findings: {{{of}: {{level: {level}, reason: we want it}}}}\n")
    };
    let open = field("readOnlyPort: 10255");
    let chains = field("makeIPTablesUtilChains: false");
    for (minor, more, policy, number, verdict, by, code) in [
        // By the finding.
        (
            34,
            open.clone() + &say("kubelet-read-only-port", "off"),
            "cis",
            "4.2.4",
            "accepted",
            "kubelet-read-only-port",
            0,
        ),
        (
            34,
            field("authentication: {anonymous: {enabled: true}}")
                + &say("kubelet-anonymous", "off"),
            "cis-1.12",
            "4.2.1",
            "accepted",
            "kubelet-anonymous",
            0,
        ),
        (
            34,
            field("authorization: {mode: AlwaysAllow}") + &say("kubelet-authorization-open", "off"),
            "cis",
            "4.2.2",
            "accepted",
            "kubelet-authorization-open",
            0,
        ),
        (
            34,
            field("authentication: {x509: null}") + &say("kubelet-client-ca-missing", "off"),
            "cis",
            "4.2.3",
            "accepted",
            "kubelet-client-ca-missing",
            0,
        ),
        (
            34,
            field("authentication: {x509: null}") + &say("kubelet-client-ca-missing", "off"),
            "cis",
            "4.1.7",
            "accepted",
            "kubelet-client-ca-missing",
            0,
        ),
        (
            34,
            field("rotateCertificates: false") + &say("kubelet-rotation-off", "off"),
            "cis",
            "4.2.10",
            "accepted",
            "kubelet-rotation-off",
            0,
        ),
        (
            34,
            field(
                "tlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_RSA_WITH_3DES_EDE_CBC_SHA]",
            ) + &say("kubelet-tls-weak", "off"),
            "cis",
            "4.2.12",
            "accepted",
            "kubelet-tls-weak",
            0,
        ),
        // A warning is for a person, and ends with 0 too.
        (
            34,
            open.clone() + &say("kubelet-read-only-port", "warning"),
            "cis",
            "4.2.4",
            "manual",
            "kubelet-read-only-port",
            0,
        ),
        (
            34,
            open.clone() + &say("kubelet-read-only-port", "error"),
            "cis",
            "4.2.4",
            "fail",
            "kubelet-read-only-port",
            3,
        ),
        // By the number. The finding is an error all the same.
        (
            34,
            open.clone() + &say("cis-4.2.4", "off"),
            "cis",
            "4.2.4",
            "accepted",
            "cis-4.2.4",
            3,
        ),
        (
            27,
            chains.clone() + &say("cis-4.2.6", "off"),
            "cis",
            "4.2.6",
            "accepted",
            "cis-4.2.6",
            0,
        ),
        (
            27,
            chains.clone() + &say("cis-4.2.6", "warning"),
            "cis",
            "4.2.6",
            "manual",
            "cis-4.2.6",
            0,
        ),
        (
            34,
            say("cis-4.2.7", "off"),
            "cis",
            "4.2.7",
            "accepted",
            "cis-4.2.7",
            0,
        ),
        (
            34,
            say("cis-4.2.7", "error"),
            "cis",
            "4.2.7",
            "fail",
            "cis-4.2.7",
            3,
        ),
        (
            34,
            say("V-242397", "off"),
            "stig",
            "V-242397",
            "accepted",
            "V-242397",
            3,
        ),
        // A rule of another benchmark, a finding of another rule, and one that is not there.
        (
            27,
            chains + &say("V-242404", "off"),
            "cis",
            "4.2.6",
            "fail",
            "",
            3,
        ),
        (
            34,
            field("tlsCipherSuites: [TLS_RSA_WITH_AES_256_GCM_SHA384]")
                + &say("kubelet-tls-weak", "off"),
            "cis",
            "4.2.12",
            "fail",
            "",
            3,
        ),
        (
            34,
            field(
                "tlsMinVersion: VersionTLS11, tlsCipherSuites: [TLS_RSA_WITH_AES_256_GCM_SHA384]",
            ) + &say("kubelet-tls-weak", "off"),
            "cis",
            "4.2.12",
            "fail",
            "",
            3,
        ),
        // What is met stays met.
        (34, say("cis-4.2.6", "off"), "cis", "4.2.6", "pass", "", 0),
        (
            34,
            say("cis-4.1.3", "error"),
            "cis",
            "4.1.3",
            "notApplicable",
            "",
            0,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let dir = project(folder.path(), "worker", minor, &more);
        let (report, ended) = report(&dir, policy);
        let result = &row(&report, number)["results"][0];
        assert_eq!(result["verdict"], verdict, "{more} {number}: {result}");
        assert_eq!(
            result["decision"]["by"].as_str().unwrap_or_default(),
            by,
            "{more} {number}"
        );
        if !by.is_empty() {
            assert_eq!(result["decision"]["reason"], "we want it");
        }
        assert_eq!(ended, code, "{more} {number}");
    }
}

#[test]
fn a_profile_accepts_for_its_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let dir = project(folder.path(), "worker", 34, "");
    let file = dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let with_port = text.replace("{maxPods: 60}", "{maxPods: 60, readOnlyPort: 10255}");
    let of_profile = with_port.replace("name: edge-02", "name: edge-02\n    profiles: [old]");
    assert_ne!(of_profile, with_port);
    let head = "apiVersion: nodebake/v1\nkind: Profile\nfindings:\n";
    let levels = "  kubelet-read-only-port: {level: off, reason: the old monitoring}\n  cis-4.2.7: {level: off, reason: named by us}\n";
    fs::create_dir_all(dir.join("profiles")).unwrap();
    fs::write(dir.join("profiles/old.yaml"), format!("{head}{levels}")).unwrap();
    for (text, port, name) in [
        (&with_port, "fail", "manual"),
        (&of_profile, "accepted", "manual"),
    ] {
        fs::write(&file, text).unwrap();
        let (report, _) = report(&dir, "cis");
        assert_eq!(row(&report, "4.2.4")["verdict"], port);
        assert_eq!(
            row(&report, "4.2.7")["verdict"],
            name,
            "the other nodes' names"
        );
    }
    let output = tool::nodebake(&dir, &["check", "--policy", "cis"]).run();
    let said = String::from_utf8(output.stdout).unwrap();
    for line in [
        "accepted        4.2.4     The read-only port is off\n",
        ": accepted in edge-02\n                          kubelet-read-only-port: the old monitoring\n",
        "--hostname-override is the node's name (built-in:profiles/worker.yaml:",
        "                          cis-4.2.7: named by us\n",
        "2 manual, 1 accepted, ",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_report_is_as_its_schema_says() {
    oracles::needs([VALIDATOR]);
    let folder = tempfile::tempdir().unwrap();
    let schema = tool::nodebake(folder.path(), &["schema", "policy"]).good();
    fs::write(folder.path().join("schema.json"), schema).unwrap();
    let more = "kubelet: {config: {readOnlyPort: 10255}}\nfindings: {cis-4.2.4: {level: off, reason: x}, V-242397: {level: off, reason: x}}\n";
    let dir = project(folder.path(), "worker", 31, more);
    let mut seen = String::new();
    for policy in ["cis", "cis-2.0", "stig"] {
        let (report, _) = report(&dir, policy);
        fs::write(dir.join("report.json"), report.to_string()).unwrap();
        oracles::content(
            &dir,
            VALIDATOR,
            &["--schemafile", "../schema.json", "report.json"],
        );
        seen.push_str(&report.to_string());
    }
    // What is optional was there.
    for key in [
        "otherMinors",
        "decision",
        "kubeBench",
        "note",
        "location",
        "accepted",
    ] {
        assert!(seen.contains(&format!("\"{key}\"")), "{key}");
    }
    let refused = |change: &str, with: &str| {
        let (report, _) = report(&dir, "cis");
        let changed = report.to_string().replacen(change, with, 1);
        assert_ne!(changed, report.to_string());
        fs::write(dir.join("report.json"), changed).unwrap();
        let mut validator = oracles::command(&dir, VALIDATOR);
        let args = ["--schemafile", "../schema.json", "report.json"];
        !validator.args(args).output().unwrap().status.success()
    };
    assert!(refused("\"pass\"", "\"passed\""));
    assert!(refused("\"decision\"", "\"waiver\""));
}
