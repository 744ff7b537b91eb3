//! `init` beside what is there already, and with what is known of the cluster.

use std::fs;

use crate::support::fixture::{Project, text};
use crate::support::tool::nodebake;

fn folder(files: &[(&str, &str)]) -> Project {
    let project = Project::empty();
    fs::create_dir_all(project.dir.join("p")).unwrap();
    for (name, content) in files {
        let path = project.dir.join("p").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    project
}

#[test]
fn a_folder_with_other_files_becomes_a_project_too() {
    let ignored = ".*.nodebake-*\n/out/\n/out.trees/\n/secrets.yaml\n/secrets.yaml.lock\n/secrets.yaml.new\n\
                   /secrets.yaml.age.lock\n/secrets.yaml.age.new\n/keys/sign.key\n";
    let kept = [
        ("README.md", "mine\n"),
        ("LICENSE", "mine\n"),
        ("profiles/own.yaml", "apiVersion: nodebake/v1\nkind: Profile\n"),
        ("pki/old.pem", "mine\n"),
        (".git/HEAD", "ref: refs/heads/main\n"),
        (".gitignore", &format!("*.tmp\n{ignored}")),
    ];
    let project = folder(&kept);
    nodebake(&project.dir, &["init", "p"]).good();
    for (name, content) in kept {
        assert_eq!(fs::read_to_string(project.dir.join("p").join(name)).unwrap(), content, "{name}");
    }
    for name in ["pki/ca.pem", "schemas/cluster.schema.json", "keys/sign.key", "secrets.yaml", "cluster.yaml"] {
        assert!(project.dir.join("p").join(name).is_file(), "{name}");
    }
    nodebake(&project.dir, &["check", "p", "--strict"]).good();
    let mut left = fs::read_dir(project.dir.join("p")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!left.any(|name| name.contains('%') || name.contains(".nodebake")));
}

#[test]
fn nothing_is_overwritten() {
    for (name, content, said) in [
        ("cluster.yaml", "mine", "p/cluster.yaml is there already"),
        ("pki/ca.pem", "mine", "p/pki/ca.pem is there already"),
        ("pki", "a file", "p/pki is there already"),
        ("secrets.yaml", "mine", "p/secrets.yaml is there already"),
        ("keys/sign.key", "mine", "p/keys/sign.key is there already"),
        (".gitignore", "/out/\n", "add the lines .*.nodebake-* /out.trees/ /secrets.yaml"),
    ] {
        let project = folder(&[(name, content)]);
        let output = nodebake(&project.dir, &["init", "p"]).run();
        let found = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(found.contains(said), "{name}: {found}");
        let path = project.dir.join("p").join(name);
        assert_eq!(fs::read_to_string(path).unwrap(), content, "{name}");
        let entries = walkdir::WalkDir::new(project.dir.join("p")).into_iter();
        let files = entries.filter(|entry| entry.as_ref().unwrap().file_type().is_file());
        assert_eq!(files.count(), 1, "{name}");
    }
}

#[test]
fn what_is_known_of_the_cluster_is_written() {
    let project = folder(&[]);
    let args = ["init", "p", "--name", "lab", "--server", "10.0.0.1:6443", "--kubernetes", "v1.33.6", "--profile", "ubuntu"];
    nodebake(&project.dir, &args).good();
    let inventory = fs::read_to_string(project.dir.join("p/cluster.yaml")).unwrap();
    for line in ["name: lab\n", "kubernetes: v1.33.6\n", "  url: https://10.0.0.1:6443\n", "profiles: [worker, ubuntu]\n"] {
        assert!(inventory.contains(line), "{line}\n{inventory}");
    }
    nodebake(&project.dir, &["check", "p", "--strict"]).good();
    for (args, code, said) in [
        (["--profile", "ubunt"], 1, "there is no built-in profile ubunt; did you mean ubuntu?"),
        (["--name", "A_b"], 3, "cluster.yaml:5:7: name: a cluster name is a DNS label"),
        (["--kubernetes", "newest"], 3, "cluster.yaml:7:13: kubernetes: "),
        (["--server", "http://a"], 3, "cluster.yaml:9:8: apiServer.url: "),
    ] {
        let project = folder(&[]);
        let output = nodebake(&project.dir, &["init", "p"]).args(&args).run();
        let found = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {found}");
        assert!(found.contains(said), "{args:?}: {found}");
        assert_eq!(fs::read_dir(project.dir.join("p")).unwrap().count(), 0, "{args:?}");
    }
}
