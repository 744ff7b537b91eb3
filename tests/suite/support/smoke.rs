//! That the oracles themselves answer, and that they can object.

use std::path::Path;

use crate::support::oracles;

#[test]
fn tar_is_gnu_tar() {
    oracles::needs(["tar"]);
    let version = oracles::content(Path::new("/"), "tar", &["--version"]);
    assert!(version.contains("GNU tar"), "{version}");
}

#[test]
fn ignition_validate_objects_to_what_is_no_config() {
    oracles::needs(["ignition-validate"]);
    let folder = tempfile::tempdir().unwrap();
    for (version, good) in [("3.3.0", true), ("0.0.1", false)] {
        let text = format!("{{\"ignition\": {{\"version\": \"{version}\"}}}}");
        std::fs::write(folder.path().join("c.ign"), text).unwrap();
        let output = oracles::run(folder.path(), "ignition-validate", &["c.ign"]);
        assert_eq!(output.status.success(), good, "{version}: {output:?}");
    }
}

#[test]
fn cloud_init_objects_to_an_unknown_key() {
    oracles::needs(["cloud-init"]);
    let folder = tempfile::tempdir().unwrap();
    for (text, good) in [
        ("#cloud-config\nhostname: a\n", true),
        ("#cloud-config\nwrite_files: {}\n", false),
    ] {
        std::fs::write(folder.path().join("user-data"), text).unwrap();
        let args = ["schema", "-c", "user-data"];
        let output = oracles::run(folder.path(), "cloud-init", &args);
        assert_eq!(output.status.success(), good, "{text}: {output:?}");
    }
}

#[test]
fn kubectl_answers_without_a_cluster() {
    oracles::needs(["kubectl"]);
    let version = oracles::content(Path::new("/"), "kubectl", &["version", "--client"]);
    assert!(version.contains("Client Version"), "{version}");
}

#[test]
fn two_yaml_readers_agree_on_what_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("good.yaml");
    let text = "a: \"yes\"\nb: [1, 1.5, true, null, \"0644\", \"2026-01-01\"]\n---\nc: {}\n";
    std::fs::write(&file, text).unwrap();
    let documents = oracles::same_values(&file);
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[0]["b"][4], "0644");
}

#[test]
fn two_yaml_readers_differ_on_what_is_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    for (i, value) in ["2026-01-01", "12:30:45", "1e3"].into_iter().enumerate() {
        let file = folder.path().join(format!("{i}.yaml"));
        std::fs::write(&file, format!("a: {value}\n")).unwrap();
        let compared = std::panic::catch_unwind(|| oracles::same_values(&file));
        assert!(
            compared.is_err(),
            "{value} is read differently, and that must be seen"
        );
    }
}
