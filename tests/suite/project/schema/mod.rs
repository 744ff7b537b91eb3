//! JSON Schema, checked by a validator and by what editors ask about YAML files: it takes what `check` takes, and it
//! refuses unknown keys, wrong types and wrong words as `check` does.

mod editor;
mod walk;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use crate::docs::readme;
use crate::project::bad_input;
use crate::support::findings::one_line_each;
use crate::support::fixture::{Project, fixtures};
use crate::support::oracles;
use crate::support::tool::nodebake;

const ORACLE: &str = "check-jsonschema";

/// The schemas' files in a folder.
fn schemas(folder: &Path) -> PathBuf {
    nodebake(folder, &["schema", "--out", "schemas"]).good();
    folder.join("schemas")
}

/// The schema of a file, by where it is.
fn kind_of(file: &Path) -> Option<&'static str> {
    let name = file.file_name()?.to_str()?;
    let folder = file.parent()?.file_name();
    let folder = folder.and_then(|folder| folder.to_str()).unwrap_or("");
    match (folder, name) {
        (_, "cluster.yaml") => Some("cluster"),
        (_, "overlay.yaml") => Some("overlay"),
        ("profiles", name) if name.ends_with(".yaml") => Some("profile"),
        _ => None,
    }
}

/// What the validator objects to, by file: the paths of the values, like `$.nodes[0]`. A file that is no YAML is not there.
fn objections(folder: &Path, schemas: &Path, kind: &str) -> BTreeMap<PathBuf, Vec<String>> {
    let files = WalkDir::new(folder).sort_by_file_name().into_iter();
    let files = files.map(|entry| entry.unwrap().into_path());
    let files: Vec<PathBuf> = files.filter(|file| kind_of(file) == Some(kind)).collect();
    if files.is_empty() {
        return BTreeMap::new();
    }
    let schema = schemas.join(format!("{kind}.schema.json"));
    let output = oracles::command(folder, ORACLE)
        .args(["--no-cache", "--output-format", "json", "--schemafile"])
        .arg(&schema)
        .args(&files)
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let mut found: BTreeMap<PathBuf, Vec<String>> =
        files.into_iter().map(|file| (file, Vec::new())).collect();
    for broken in said["parse_errors"].as_array().into_iter().flatten() {
        found.remove(Path::new(broken["filename"].as_str().unwrap()));
    }
    for error in said["errors"].as_array().into_iter().flatten() {
        let file = Path::new(error["filename"].as_str().unwrap());
        let path = error["path"].as_str().unwrap().to_owned();
        found.get_mut(file).unwrap().push(path);
    }
    found
}

/// Asserts that the validator is content with every file of a folder that there is a schema of; returns how many.
fn content(folder: &Path, schemas: &Path) -> usize {
    let mut seen = 0;
    for kind in ["cluster", "profile", "overlay"] {
        for (file, objections) in objections(folder, schemas, kind) {
            assert_eq!(objections, Vec::<String>::new(), "{}", file.display());
            seen += 1;
        }
    }
    seen
}

#[test]
fn schemas_are_what_their_draft_says() {
    oracles::needs([ORACLE]);
    let scratch = tempfile::tempdir().unwrap();
    let mut files = vec![scratch.path().join("none")];
    for version in ["v1.16.6", "v1.24.17", "v1.37.0"] {
        files.push(scratch.path().join(version));
        let args = ["schema", "--out", version, "--kubernetes", version];
        nodebake(scratch.path(), &args).good();
    }
    files[0] = schemas(scratch.path());
    let files = files
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 12);
    let mut command = oracles::command(scratch.path(), ORACLE);
    let output = command.arg("--check-metaschema").args(&files).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_validator_takes_what_check_takes() {
    oracles::needs([ORACLE]);
    let scratch = tempfile::tempdir().unwrap();
    let schemas = schemas(scratch.path());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (folder, least) in [("profiles", 7), ("overlays", 6), ("tests/fixtures", 7)] {
        let seen = content(&root.join(folder), &schemas);
        assert!(seen >= least, "{folder}: {seen}");
    }
    let example = readme::example();
    assert!(content(&example.at, &schemas) >= 4);
}

/// Words that a kubelet looks for when it starts. Its own types take any text there, and so does the schema.
const AT_START: [&str; 2] = ["VersionTLS", "cpu, memory, ephemeral-storage"];

/// Findings that a schema can make too: what is unknown or of the wrong kind.
fn is_of_shape(finding: &str) -> bool {
    // The files of a node have other schemas.
    if finding.contains("].content: ") {
        return false;
    }
    finding.contains(": unknown field")
        || (finding.contains(": must be one of ")
            && !AT_START.iter().any(|word| finding.contains(word)))
        || finding.contains("known to no kubelet")
        || (finding.contains(": must be ") && finding.contains(", not "))
}

/// The file and path that a finding is about: `cluster.yaml`, `nodes[0].label`.
fn subject(finding: &str) -> Option<(&str, &str)> {
    let mut parts = finding.splitn(4, ": ");
    let (file, path) = (parts.nth(1)?, parts.next()?);
    Some((file.split(':').next()?, path))
}

/// Whether an objection is about the value at a path, or about one that it is in.
fn covers(objection: &str, path: &str) -> bool {
    let plain = |text: &str| -> String {
        let kept = text.chars().filter(|c| !"$.[]\"'".contains(*c));
        kept.collect()
    };
    plain(path).starts_with(&plain(objection))
}

#[test]
fn a_validator_refuses_what_check_finds_unknown_or_of_the_wrong_kind() {
    oracles::needs([ORACLE]);
    let scratch = tempfile::tempdir().unwrap();
    let schemas = schemas(scratch.path());
    let all = fs::read_to_string(fixtures().join("bad/cases.txt")).unwrap();
    let (_, cases) = bad_input::cases(&all);
    let folder = scratch.path().join("cases");
    for (index, case) in cases.iter().enumerate() {
        let project = Project::of("bad/project");
        bad_input::apply(case, &project);
        let to = folder.join(index.to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::rename(&project.dir, &to).unwrap_or_else(|_| {
            crate::support::fixture::copy_all(&project.dir, &to);
        });
    }
    let mut said = BTreeMap::new();
    for kind in ["cluster", "profile", "overlay"] {
        said.extend(objections(&folder, &schemas, kind));
    }
    let mut seen = 0;
    for (index, case) in cases.iter().enumerate() {
        let at = |file: &str| folder.join(index.to_string()).join(file);
        let good = case.expected.starts_with(">>> 0");
        for (file, objections) in said
            .iter()
            .filter(|(file, _)| good && file.starts_with(at("")))
        {
            assert!(
                objections.is_empty(),
                "{}: {}: {objections:?}",
                case.name,
                file.display()
            );
        }
        let expected = one_line_each(&case.expected);
        for line in expected.lines().filter(|line| is_of_shape(line)) {
            let Some((file, path)) = subject(line) else {
                continue;
            };
            let Some(objections) = said.get(&at(file)) else {
                continue;
            };
            let found = objections.iter().any(|objection| covers(objection, path));
            assert!(found, "{}: {line}\n{objections:?}", case.name);
            seen += 1;
        }
    }
    assert!(seen >= 25, "{seen}");
}
