//! `null` in a layer removes what overlays write, from every payload; and a null that removes nothing is a finding.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::tool;

/// A new project with further lines, and an overlay that writes files, a folder, a link and a unit.
fn project(folder: &Path, more: &str) -> std::path::PathBuf {
    let project = folder.join("p");
    tool::nodebake(folder, &["init", "p"]).good();
    let file = project.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\noverlays: {{own: {{}}}}\n{more}")).unwrap();
    let root = project.join("overlays/own/root");
    let units = root.join("etc/systemd/system");
    fs::create_dir_all(units.join("own.service.d")).unwrap();
    fs::create_dir_all(root.join("etc/own.d/deep")).unwrap();
    let service = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
    for (path, text) in [
        ("own.conf", "x\n"),
        ("own.d/a", "a\n"),
        ("own.d/deep/b", "b\n"),
        ("systemd/system/own.service", service),
        (
            "systemd/system/own.service.d/10-own.conf",
            "[Service]\nNice=1\n",
        ),
    ] {
        fs::write(root.join("etc").join(path), text).unwrap();
    }
    std::os::unix::fs::symlink("own.conf", root.join("etc/own.link")).unwrap();
    let rules = "apiVersion: nodebake/v1\nkind: Overlay\nunits: {own.service: {enabled: true}}\n";
    fs::write(project.join("overlays/own/overlay.yaml"), rules).unwrap();
    project
}

/// The overlay's paths that a node has.
fn own(project: &Path) -> Vec<String> {
    let listed = project.join("out/nodes/worker-1/tree.json");
    let listed: Value = serde_json::from_str(&fs::read_to_string(listed).unwrap()).unwrap();
    let entries = listed["entries"].as_array().unwrap().iter();
    let paths = entries.map(|entry| entry["path"].as_str().unwrap().to_owned());
    paths.filter(|path| path.contains("own")).collect()
}

/// The ids of what `check` finds, with their fields and lines.
fn found(project: &Path) -> Vec<(String, String, u64)> {
    let output = tool::nodebake(project, &["check", "--format", "json"]).run();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = said["findings"].as_array().unwrap().iter();
    let one = |finding: &Value| {
        (
            finding["id"].as_str().unwrap().to_owned(),
            finding["path"].as_str().unwrap().to_owned(),
            finding["line"].as_u64().unwrap(),
        )
    };
    findings
        .map(one)
        .filter(|(id, ..)| id == "removal-unused")
        .collect()
}

#[test]
fn null_removes_what_an_overlay_writes() {
    const ALL: [&str; 6] = [
        "/etc/own.conf",
        "/etc/own.d/a",
        "/etc/own.d/deep/b",
        "/etc/own.link",
        "/etc/systemd/system/own.service",
        "/etc/systemd/system/own.service.d/10-own.conf",
    ];
    let without = |gone: &str| -> Vec<String> {
        let all = ALL.iter().filter(|path| !path.contains(gone));
        all.map(|path| (*path).to_owned()).collect()
    };
    for (more, expected) in [
        ("", without("nothing")),
        ("files: {/etc/own.conf: null}\n", without("etc/own.conf")),
        ("links: {/etc/own.link: ~}\n", without("own.link")),
        ("directories: {/etc/own.d: null}\n", without("own.d")),
        ("units: {own.service: null}\n", without("own.service")),
        (
            "vars: {own: conf}\nfiles: {\"/etc/own.{{ vars.own }}\": null}\n",
            without("nothing")
                .into_iter()
                .filter(|path| path != "/etc/own.conf")
                .collect(),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let project = project(folder.path(), more);
        assert_eq!(found(&project), [], "{more}");
        tool::nodebake(&project, &["build"]).good();
        let is = own(&project);
        assert_eq!(is, expected, "{more}");
    }
}

#[test]
fn null_that_removes_nothing_is_found() {
    for (more, wanted) in [
        (
            "files: {/etc/owm.conf: null}\n",
            Some("files./etc/owm.conf"),
        ),
        ("units: {owm.service: null}\n", Some("units.owm.service")),
        ("links: {/etc/owm: null}\n", Some("links./etc/owm")),
        // What a generator writes is not an overlay's.
        (
            "files: {/etc/hostname: null}\n",
            Some("files./etc/hostname"),
        ),
        // A layer below has the key, and null removes that.
        ("files: {\"{{ paths.kubeletConfig }}\": null}\n", None),
        ("directories: {/etc/cni/net.d: null}\n", None),
        ("hostname: null\n", None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let project = project(folder.path(), more);
        let found = found(&project);
        let fields: Vec<&str> = found.iter().map(|(_, field, _)| field.as_str()).collect();
        assert_eq!(fields, Vec::from_iter(wanted), "{more}");
        assert!(found.iter().all(|(.., line)| *line > 1), "{found:?}");
    }
}
