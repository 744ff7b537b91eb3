//! Findings that a project accepts: what may be accepted leaves a whole bundle, whose reason is printed wherever findings are;
//! what may not stays an error. A profile speaks for the nodes that use it.

use std::collections::BTreeSet;
use std::fs;

use nodebake::report::{Id, Severity};
use serde_json::Value;

use crate::project::bad_input::{apply, cases, ids};
use crate::support::fixture::{Project, as_printed, fixtures, text};

/// Adds what cluster.yaml says of findings.
fn accept(project: &Project, ids: &BTreeSet<String>) {
    let file = project.dir.join("cluster.yaml");
    let mut cluster = fs::read_to_string(&file).unwrap();
    cluster.push_str("\nfindings:\n");
    for id in ids {
        cluster.push_str(&format!("  {id}: {{level: off, reason: tried}}\n"));
    }
    fs::write(&file, cluster).unwrap();
}

/// Errors that may be accepted and that no build has: other commands find them.
const NOT_OF_A_BUILD: [&str; 1] = ["control-plane-unfit"];

/// Every case of bad input is built when its project accepts what may be accepted: nothing ends in a plain error, and nothing is
/// left out without a word. So each error without a mark in the catalogue was tried, and one that keeps a node from being built
/// needs its mark.
#[test]
fn what_may_be_accepted_is_built() {
    let read = |name: &str| fs::read_to_string(fixtures().join(name)).unwrap();
    let (whole, of_ids) = (read("bad/cases.txt"), read("bad/ids.txt"));
    let all = [(cases(&whole).1, false), (cases(&of_ids).1, true)];
    let all = all
        .iter()
        .flat_map(|(all, has_command)| all.iter().map(move |case| (case, *has_command)));
    let (mut tried, mut failed) = (BTreeSet::new(), Vec::new());
    for (case, has_command) in all {
        let found: BTreeSet<String> = if has_command {
            let line = case.expected.lines().next().unwrap_or_default();
            line.split(' ').skip(2).map(str::to_owned).collect()
        } else {
            ids(&case.expected)
        };
        let entry = |id: &String| id.parse::<Id>().unwrap().entry();
        let (may, firm): (BTreeSet<_>, BTreeSet<_>) =
            found.into_iter().partition(|id| entry(id).firm.is_none());
        let new = may
            .iter()
            .any(|id| entry(id).severity == Severity::Error && !tried.contains(id));
        if !case.expected.starts_with(">>> 3") || may.is_empty() {
            continue;
        }
        // A case with other errors says less, and takes as long.
        if !new && (has_command || !firm.is_empty()) {
            continue;
        }
        let project = Project::of("bad/project");
        let mut args = apply(case, &project);
        let cluster = fs::read_to_string(project.dir.join("cluster.yaml")).unwrap();
        if cluster.contains("\nfindings:") || (has_command && args != ["check"]) {
            continue;
        }
        if has_command {
            args.clear();
        }
        accept(&project, &may);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let build = project.run(&[&["build"], &args[..]].concat());
        let said = as_printed(&build.stderr);
        let left = ids(&said);
        let is_as_wanted = if firm.is_empty() {
            build.status.code() == Some(0) && said.contains("accepted: ")
        } else {
            build.status.code() == Some(3) && left.is_subset(&firm)
        };
        if !is_as_wanted {
            failed.push(format!(
                "{}: {may:?}: {:?}\n{said}",
                case.name,
                build.status.code()
            ));
        }
        tried.extend(may);
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let unmarked = Id::all().filter(|id| {
        let entry = id.entry();
        entry.severity == Severity::Error && entry.firm.is_none()
    });
    let untried: Vec<String> = unmarked
        .map(|id| id.to_string())
        .filter(|id| !tried.contains(id) && !NOT_OF_A_BUILD.contains(&id.as_str()))
        .collect();
    assert!(
        untried.is_empty(),
        "nobody tried whether these may be accepted (docs/contributing/finding.md): {untried:?}"
    );
}

/// What was not read or cannot be written, and what guards secrets, is an error whatever the project says.
#[test]
fn what_may_not_be_accepted_stays_an_error() {
    let project = Project::of("bad/project");
    let firm: BTreeSet<String> = Id::all()
        .filter(|id| id.entry().firm.is_some())
        .map(|id| id.to_string())
        .collect();
    accept(&project, &firm);
    let output = project.run(&["check", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = document["findings"].as_array().unwrap();
    assert_eq!(findings.len(), firm.len());
    for finding in findings {
        assert_eq!(finding["id"], "finding-guarded", "{finding}");
        let message = finding["message"].as_str().unwrap();
        let id = message.split(' ').next().unwrap();
        assert!(firm.contains(id), "{message}");
        let why = project.run(&["explain", id]);
        assert!(text(&why.stdout).contains("cannot make it less"), "{id}");
    }
}

const OUTSIDE: (&str, &str) = ("clusterDNS: [10.96.0.10]", "clusterDNS: [192.0.2.1]");

/// The reason is in each form of the findings.
#[test]
fn a_reason_is_printed_with_what_it_accepts() {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let cluster = fs::read_to_string(&file)
        .unwrap()
        .replace(OUTSIDE.0, OUTSIDE.1);
    let run = |level: &str, args: &[&str]| {
        let findings = format!(
            "\nfindings: {{dns-outside-services: {{level: {level}, reason: DNS runs on the hosts}}}}\n"
        );
        fs::write(&file, cluster.clone() + &findings).unwrap();
        let output = project.run(args);
        String::from_utf8(output.stdout).unwrap()
    };
    let said = run("off", &["check"]);
    assert!(
        said.contains("\naccepted: dns-outside-services: DNS runs on the hosts\n"),
        "{said}"
    );
    let said = run("error", &["check"]);
    assert!(
        said.contains("= level: set by the project: DNS runs on the hosts"),
        "{said}"
    );
    let json: Value = serde_json::from_str(&run("off", &["check", "--format", "json"])).unwrap();
    assert_eq!(json["findings"], Value::Array(Vec::new()));
    assert_eq!(json["accepted"][0]["reason"], "DNS runs on the hosts");
    assert_eq!(json["accepted"][0]["id"], "dns-outside-services");
    let sarif: Value = serde_json::from_str(&run("off", &["check", "--format", "sarif"])).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "dns-outside-services");
    let suppression = &result["suppressions"][0];
    assert_eq!(suppression["justification"], "DNS runs on the hosts");
    assert_eq!(
        (&suppression["kind"], &suppression["status"]),
        (&"external".into(), &"accepted".into())
    );
}

/// A profile accepts what is wrong with the nodes that use it, by themselves or through another profile, and with no other.
#[test]
fn a_profile_speaks_for_its_nodes() {
    let head = "apiVersion: nodebake/v1\nkind: Profile\n";
    let levels = "findings: {unit-key-misspelt: {level: off, reason: our systemd is patched}}\n";
    let unit =
        "odd.service: {text: \"[Service]\\nExecStart=/usr/bin/true\\nExecStrat=/bin/false\\n\"}";
    let units = format!("units: {{{unit}}}\n");
    let in_node = format!(", units: {{{unit}}}");
    // What the profile `odd` and cluster.yaml have, the profiles of the cluster and of n2, what n2 has, and whether there are
    // findings that nobody accepts.
    for (odd, cluster, shared, of_node, node, remain) in [
        (format!("{levels}{units}"), "", "", "odd", "", false),
        (levels.to_owned(), "", "", "odd", &*in_node, false),
        (levels.to_owned(), "", "", "above", &*in_node, false),
        (levels.to_owned(), "", "", "", &*in_node, true),
        (levels.to_owned(), &*units, "", "odd", "", true),
        (levels.to_owned(), &*units, "odd, ", "", "", false),
    ] {
        let project = Project::of("bad/project");
        let profile = |name: &str, text: &str| {
            let file = project.dir.join("profiles").join(name);
            fs::write(file, format!("{head}{text}")).unwrap();
        };
        profile("odd.yaml", &odd);
        profile("above.yaml", "extends: [odd]\n");
        let file = project.dir.join("cluster.yaml");
        let text = fs::read_to_string(&file).unwrap();
        let text = text.replacen("profiles: [", &format!("profiles: [{shared}"), 1);
        let item = "  - name: n2\n";
        assert!(text.contains(item));
        let changed =
            format!("  - {{name: n9, addresses: [10.0.0.9], profiles: [{of_node}]{node}}}\n{item}");
        fs::write(&file, text.replacen(item, &changed, 1) + cluster).unwrap();
        let output = project.run(&["check", "--format", "json", "--no-tokens"]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = document["findings"].as_array().unwrap();
        assert!(
            found.iter().all(|one| one["id"] == "unit-key-misspelt"),
            "{document}"
        );
        assert_eq!(!found.is_empty(), remain, "{document}");
        let is_accepted = document["accepted"].is_array();
        assert_eq!(
            is_accepted,
            !of_node.is_empty() || !shared.is_empty(),
            "{document}"
        );
    }
}
