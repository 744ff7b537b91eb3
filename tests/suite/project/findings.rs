//! Findings as they are printed: for people with the line and colours, for programs by schemas that others wrote or check.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::fixture::{Project, as_printed, fixtures};
use crate::support::oracles;
use crate::support::tool::{binary, nodebake};

const VALIDATOR: &str = "check-jsonschema";

/// A project with findings of several sorts: at a value, at a file as a whole, about nodes, in a built-in file.
fn broken() -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text
        .replace("  ttl: 24h", "  tll: 24h\n  shelfLife: 1 week")
        .replace("name: n2", "name: n2\n    files: {/proc/x: {content: y}}");
    fs::write(&file, text + "\nos: {memory: 1G}\n").unwrap();
    fs::remove_file(project.dir.join("pki/ca.pem")).unwrap();
    project
}

fn printed(project: &Project, format: &str) -> String {
    let output = project.run(&["check", "--format", format]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    as_printed(&output.stdout)
}

/// Asserts that the validator takes a document for what the schema says.
fn is_valid(folder: &Path, schema: &Path, document: &Path) {
    let output = oracles::command(folder, VALIDATOR)
        // The schema of SARIF has a pattern that is none in JavaScript.
        .args(["--no-cache", "--regex-variant", "python", "--schemafile"])
        .args([schema, document])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn json_and_sarif_are_what_their_schemas_say() {
    oracles::needs([VALIDATOR]);
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    let schema = nodebake(scratch.path(), &["schema", "findings"]).good();
    fs::write(at("findings.schema.json"), schema).unwrap();
    let ours = at("findings.schema.json");
    let theirs = fixtures().join("sarif/sarif-schema-2.1.0.json");
    for (name, schema) in [("json", &ours), ("sarif", &theirs)] {
        for (case, project) in [("good", Project::of("modern")), ("bad", broken())] {
            let output = project.run(&["check", "--format", name]);
            let file = at(&format!("{case}.{name}.json"));
            fs::write(&file, &output.stdout).unwrap();
            is_valid(scratch.path(), schema, &file);
        }
    }
    // The schema can fail: a finding without an id, and a field that it does not have.
    let good: Value = serde_json::from_str(&printed(&broken(), "json")).unwrap();
    for field in ["id", "rule"] {
        let mut bad = good.clone();
        let finding = bad["findings"][0].as_object_mut().unwrap();
        if finding.remove(field).is_none() {
            let _ = finding.insert(field.to_owned(), "x".into());
        }
        fs::write(at("bad.json"), bad.to_string()).unwrap();
        let output = oracles::command(scratch.path(), VALIDATOR)
            .args(["--no-cache", "--schemafile"])
            .args([&ours, &at("bad.json")])
            .output()
            .unwrap();
        assert!(!output.status.success(), "{field}");
    }
}

#[test]
fn every_part_of_a_finding_is_a_field() {
    let said: Value = serde_json::from_str(&printed(&broken(), "json")).unwrap();
    let findings = said["findings"].as_array().unwrap();
    let of = |id: &str| findings.iter().find(|one| one["id"] == id).unwrap();
    let unknown = of("field-unknown");
    assert_eq!(unknown["file"], "cluster.yaml");
    assert_eq!(
        (&unknown["line"], &unknown["column"]),
        (&15.into(), &3.into())
    );
    let end = (&unknown["endLine"], &unknown["endColumn"]);
    assert_eq!(end, (&15.into(), &6.into()));
    assert_eq!(unknown["path"], "tokens.tll");
    assert_eq!(unknown["message"], "unknown field");
    assert_eq!(unknown["help"], "did you mean \"ttl\"?");
    assert_eq!(of("path-forbidden")["nodes"], serde_json::json!(["n2"]));
    let errors = findings.iter().filter(|one| one["severity"] == "error");
    assert_eq!(said["summary"]["errors"], errors.count());
    assert_eq!(said["summary"]["nodes"], 7);
}

#[test]
fn sarif_has_each_rule_with_its_page() {
    let said: Value = serde_json::from_str(&printed(&broken(), "sarif")).unwrap();
    let run = &said["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert!(results.len() > 3, "{said:#}");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        let rule = &run["tool"]["driver"]["rules"][index];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["text"].as_str().unwrap().len() > 20, "{rule}");
    }
}

/// A pipeline runs where the repository is, and the project may be below it.
#[test]
fn workflow_commands_name_files_as_the_repository_does() {
    let project = broken();
    let above = project.dir.parent().unwrap();
    let name = project.dir.file_name().unwrap().to_str().unwrap();
    let args = ["check", name, "--no-tokens", "--format", "github"];
    let said = as_printed(&nodebake(above, &args).run().stdout);
    let expected = format!(
        "::error file={name}/cluster.yaml,line=15,col=3,endLine=15,endColumn=5,title=field-unknown::tokens.tll: unknown field; "
    );
    assert!(said.contains(&expected), "{said}");
    assert!(said.lines().all(|line| line.starts_with("::")), "{said}");
}

#[test]
fn colours_are_where_they_are_wanted() {
    let project = broken();
    // Not by way of [`crate::support::tool`], which lets no control character pass.
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = std::process::Command::new(binary());
        let command = command.args(args).current_dir(&project.dir);
        let command = command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        let output = command.envs(variables.iter().copied()).output().unwrap();
        as_printed(&output.stdout)
    };
    let plain = run(&["check"], &[]);
    assert!(!plain.contains('\u{1b}'), "a file gets none: {plain}");
    for (args, variables, colours) in [
        (&["check", "--color", "always"][..], &[][..], true),
        (&["check"], &[("CLICOLOR_FORCE", "1")], true),
        (
            &["check", "--color", "never"],
            &[("CLICOLOR_FORCE", "1")],
            false,
        ),
        (&["check"], &[("NO_COLOR", "1")], false),
        (&["--color=always", "check"], &[("NO_COLOR", "1")], true),
        (
            &["check", "--format", "json", "--color", "always"],
            &[],
            false,
        ),
    ] {
        let said = run(args, variables);
        assert_eq!(said.contains("\u{1b}["), colours, "{args:?} {variables:?}");
        if colours {
            let mut bare = said;
            while let Some(at) = bare.find('\u{1b}') {
                let end = bare[at..].find('m').unwrap();
                bare.replace_range(at..=at + end, "");
            }
            assert_eq!(bare, plain, "the same text without its colours");
        }
    }
}

/// A project accepts a finding by its id, or takes it more seriously; what guards secrets stays an error.
#[test]
fn levels_of_findings_are_the_projects() {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("clusterDNS: [10.96.0.10]", "clusterDNS: [192.0.2.1]");
    let check = |level: &str| {
        let findings =
            format!("findings: {{dns-outside-services: {{level: {level}, reason: tried}}}}\n");
        let more = if level.is_empty() { "" } else { &findings };
        fs::write(&file, format!("{text}\n{more}")).unwrap();
        let output = project.run(&["check"]);
        (output.status.code().unwrap(), as_printed(&output.stdout))
    };
    for (level, code, begins) in [
        ("", 0, "warning[dns-outside-services]"),
        ("warning", 0, "warning[dns-outside-services]"),
        ("error", 3, "error[dns-outside-services]"),
        ("off", 0, "0 errors, 0 warnings (1 accepted) in 7 nodes"),
    ] {
        let (exit, said) = check(level);
        assert_eq!(exit, code, "{level}: {said}");
        assert!(said.starts_with(begins), "{level}: {said}");
    }
    fs::remove_dir_all(project.dir.join("keys")).unwrap();
    let guarded = "findings: {signing-key-missing: {level: off, reason: x}}\n";
    fs::write(&file, format!("{text}\n{guarded}")).unwrap();
    let output = project.run(&["build"]);
    let said = as_printed(&output.stderr);
    assert!(said.contains("error[finding-guarded]"), "{said}");
}

/// What some layer calls secret is no line to show, in whatever layer it is written.
#[test]
fn lines_of_secret_files_are_not_quoted() {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let broken = "files:\n  /etc/secret:\n    template: |\n      hunter2 {{ nothing }}\n";
    let quoted = |cluster: &str, profile: &str| {
        fs::write(&file, format!("{text}\n{cluster}")).unwrap();
        let rack = "apiVersion: nodebake/v1\nkind: Profile\n";
        fs::write(
            project.dir.join("profiles/rack.yaml"),
            format!("{rack}{profile}"),
        )
        .unwrap();
        let said = printed(&project, "text");
        assert!(said.contains("\"nothing\", which is not defined"), "{said}");
        said.contains("hunter2")
    };
    assert!(quoted(broken, ""));
    assert!(!quoted(
        &format!("{broken}    secret: true\n    mode: \"0600\"\n"),
        ""
    ));
    let secret = "files: {/etc/secret: {secret: true, mode: \"0600\"}}\n";
    assert!(!quoted(secret, broken));
}

/// The corpus says what each finding looks like; here it is only that nothing that is printed is too wide to be read.
#[test]
fn long_lines_are_cut_around_the_mark() {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let long = format!(
        "vars: {{a: \"{}\"}}\nunknwon: 1 # {}\n",
        "x".repeat(500),
        "y".repeat(500)
    );
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\n{long}")).unwrap();
    let said = printed(&project, "text");
    let widest = said.lines().map(|line| line.chars().count()).max();
    assert!(said.contains("unknwon: 1") && widest < Some(200), "{said}");
}
