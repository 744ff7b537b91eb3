//! `diff`: one change of each kind between two bundles, told to people and to programs, with nothing secret in it. What
//! it says is checked by programs that nobody here wrote, in `outside`.

mod many;
mod outside;
mod refused;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::bundle::golden::{recording, same_lines};
use crate::support::fixture::{AT, Project, fixtures, text};

/// The node that gets one change of each kind.
pub const NODE: &str = "gpu-1.example.com";

const BEFORE: &str = r#"    kubelet: {flags: {v: "2"}}
    overlays: {tree-check: {}}
    files:
      /etc/app/app.json: {content: '{"servers": [{"name": "a", "port": 1}, {"name": "b", "port": 2}], "password": "testonlysecretX", "same": true}'}
      /etc/app/docs.yaml: {content: "kind: A\nmetadata: {name: first}\nv: 1\n---\nkind: A\nmetadata: {name: second}\nlist: [1, 2]\n"}
      /etc/app/only-layout.yaml: {content: "a: 1  # why\n"}
      /etc/app/notes: {content: "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n"}
      /etc/app/gone: {content: "gone\n"}
      /etc/app/mode: {content: "m\n", mode: "0644"}
      /etc/app/secret: {content: "testonlysecretY1\n", secret: true}
      /etc/app/big.bin: {source: files/big.bin}
      /etc/systemd/network/50-x.network: {content: "[Match]\nName=x0\n\n[Network]\nDNS=10.0.0.1\nDNS=10.0.0.2\n"}
    links: {/etc/app/link: /before}
    directories: {/srv/app: {mode: "0755"}}
    users: {ops: {groups: [adm]}}
    units:
      rpcbind.service: {masked: true}
      own.service: {enabled: true, text: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}
      containerd.service: {dropins: {10-limits.conf: "[Service]\nLimitNOFILE=1\nEnvironment=HTTPS_PROXY=http://u:testonlysecretP@proxy:3128\n"}}
"#;

const AFTER: &str = r#"    kubelet: {flags: {v: "4"}, config: {maxPods: 120, allowedUnsafeSysctls: ["net.core.somaxconn"]}}
    overlays: {tree-check: {}, time-sync: {}}
    taints: {"example.com/reserved:NoExecute": x, "nvidia.com/gpu:NoSchedule": null}
    files:
      /etc/app/app.json: {content: '{"servers": [{"name": "c", "port": 3}, {"name": "a", "port": 7}, {"name": "b", "port": 2}], "password": "testonlysecretZ", "same": true, "new key": {"x.y": [1]}}'}
      /etc/app/docs.yaml: {content: "kind: A\nmetadata: {name: second}\nlist: [1, 3]\n---\nkind: A\nmetadata: {name: first}\nv: 1\n---\nmore: true\n"}
      /etc/app/only-layout.yaml: {content: "a: 1\n"}
      /etc/app/notes: {content: "one\n2\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\neleven"}
      /etc/app/come: {content: "come\n"}
      /etc/app/mode: {content: "m\n", mode: "0640", group: {name: ops, id: 990}}
      /etc/app/secret: {content: "testonlysecretY2\n", secret: true}
      /etc/app/new-secret: {content: "testonlysecretY3\n", secret: true}
      /etc/app/big.bin: {source: files/bigger.bin}
      /etc/systemd/network/50-x.network: {content: "[Match]\nName=x0\n\n[Network]\nDNS=10.0.0.2\nDNS=10.0.0.3\n"}
    links: {/etc/app/link: /after}
    directories: {/srv/app: {mode: "0750"}}
    users: {ops: {groups: [adm, sudo]}}
    os: {kernelArguments: {quiet: true}}
    output: {formats: [cloudInit, ignition, initramfs]}
    units:
      own.service: {enabled: false, text: "[Service]\nExecStart=/bin/false\n[Install]\nWantedBy=multi-user.target\n"}
      containerd.service: {dropins: {10-limits.conf: "[Service]\nLimitNOFILE=2\nEnvironment=HTTPS_PROXY=http://v:testonlysecretQ@proxy2:3128\n"}}
"#;

/// A project whose inventory is the fixture's, with these lines for the node.
fn write(project: &Project, lines: &str, rest: impl Fn(String) -> String) {
    let inventory = fs::read_to_string(fixtures().join("modern/cluster.yaml")).unwrap();
    let marked = "    profiles: [gpu]\n";
    assert!(inventory.contains(marked));
    let inventory = rest(inventory.replace(marked, &format!("{marked}{lines}")));
    fs::write(project.dir.join("cluster.yaml"), inventory).unwrap();
}

/// The project as it was, without anything built.
pub fn before() -> Project {
    let project = Project::of("modern");
    fs::create_dir(project.dir.join("files")).unwrap();
    let big = |name: &str, byte: u8| {
        fs::write(project.dir.join("files").join(name), vec![byte; 300_000]).unwrap();
    };
    big("big.bin", 0);
    big("bigger.bin", 1);
    write(&project, BEFORE, |text| text);
    project
}

/// One change of each kind, outside of the node's too.
pub fn change(project: &Project) {
    write(project, AFTER, |text| {
        text.replace("generation: 3", "generation: 4")
            .replace("except: [edge-003]", "except: [edge-002]")
            .replace("  bootWithin: 7d\n", "  bootWithin: 7d\n  group: system:bootstrappers:mine\n")
            .replace(
                "node-role.kubernetes.io/control-plane: \"\"\n      topology",
                "node-role.kubernetes.io/control-plane: x\n      node-restriction.kubernetes.io/pci: \"yes\"\n      topology",
            )
    });
    let tokens = project.dir.join("secrets.yaml");
    let text = fs::read_to_string(&tokens).unwrap();
    let text = text
        .replace("  \"edge-002\":", "  \"edge-003\":")
        .replace("mtst03", "rotatd");
    let text = text.replace("testonlysecret03", "testonlysecret93");
    fs::write(&tokens, text).unwrap();
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Both bundles, `old` and `new`.
pub fn built() -> Project {
    let project = before();
    project.good(&["build", "-o", "old"]);
    change(&project);
    project.good(&["build", "-o", "new"]);
    project
}

/// What `diff -o json` says.
pub fn json(project: &Project, args: &[&str]) -> Value {
    let said = project.good(&[&["diff", "-o", "json"], args].concat());
    serde_json::from_str(&said).unwrap()
}

/// Nothing that is secret, in any form: beside the tokens, which every run is searched for, what the files here hold.
fn no_secret(said: &str) {
    for secret in crate::support::tool::forms("testonlysecret") {
        assert!(!said.contains(&secret), "{secret}: {said}");
    }
}

fn recorded(name: &str, said: &str) {
    let path = fixtures().join("diff").join(name);
    if recording() {
        fs::write(&path, said).unwrap();
        return;
    }
    same_lines(name, said, &fs::read_to_string(&path).unwrap());
}

#[test]
fn golden_one_change_of_each_kind_is_told_to_people_and_to_programs() {
    let project = built();
    let said = project.good(&["diff", "old", "new", "--key", "keys/sign.pub"]);
    no_secret(&said);
    recorded("changes.txt", &said);
    let json = json(&project, &["old", "new"]);
    let pretty = serde_json::to_string_pretty(&json).unwrap() + "\n";
    no_secret(&pretty);
    recorded("changes.json", &pretty);
    // The other way round every change is there too.
    let back = project.good(&["diff", "new", "old"]);
    no_secret(&back);
    recorded("back.txt", &back);
    assert!(!recording(), "recorded; look at `git diff`, then test");
}

/// What the next build would change is what it then changes.
#[test]
fn the_project_is_compared_without_being_built() {
    let project = before();
    project.good(&["build"]);
    let none = project.good(&["diff", "--at", AT, "--exit-code"]);
    assert_eq!(none, "no difference\n");
    change(&project);
    let before = crate::support::fixture::snapshot(project.scratch());
    let ahead = project.good(&["diff", "--at", AT]);
    no_secret(&ahead);
    assert_eq!(
        crate::support::fixture::snapshot(project.scratch()),
        before,
        "it wrote"
    );
    fs::rename(project.out(), project.dir.join("last")).unwrap();
    project.good(&["build"]);
    assert_eq!(project.good(&["diff", "last", "out"]), ahead);
    // Another folder than the project's own, and a key that is not here: the node's check of its tree needs some.
    fs::remove_file(project.dir.join("keys/sign.key")).unwrap();
    let from_outside = ["diff", "project/last", "--project", "project", "--at", AT];
    let from_outside = crate::support::tool::nodebake(project.scratch(), &from_outside).good();
    assert_eq!(
        from_outside,
        ahead.replace("out/cluster", "project/out/cluster")
    );
}

#[test]
fn a_gate_ends_with_three_where_anything_differs() {
    let project = built();
    let gate = |old: &str, new: &str| {
        let run = project.run(&["diff", old, new, "--exit-code"]);
        run.status.code()
    };
    assert_eq!(gate("old", "old"), Some(0));
    assert_eq!(gate("old", "new"), Some(3));
    // Findings in the project are findings.
    let inventory = project.dir.join("cluster.yaml");
    let text_of = fs::read_to_string(&inventory).unwrap();
    fs::write(
        &inventory,
        text_of.replace("generation: 4", "generation: four"),
    )
    .unwrap();
    let run = project.run(&["diff", "old", "--at", AT]);
    assert_eq!(
        (run.status.code(), text(&run.stdout).as_str()),
        (Some(3), "")
    );
    assert!(text(&run.stderr).contains("cluster.yaml:"));
}

/// The folder where the project was built to be looked at holds secrets: it is nobody else's, and gone afterwards.
#[test]
fn nothing_is_left_where_the_project_was_built() {
    let project = before();
    project.good(&["build"]);
    let temporary = tempfile::tempdir().unwrap();
    let mut tool = project.command(&["diff", "--at", AT]);
    tool.env("TMPDIR", temporary.path()).good();
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

/// What users add to a node's documents may hold anything: that it is another is said, and where, and no more.
#[test]
fn what_users_add_to_documents_is_never_shown() {
    let project = Project::of("modern");
    let write = |secret: &str| {
        fs::create_dir_all(project.dir.join("files")).unwrap();
        let file = |name: &str, text: String| {
            fs::write(project.dir.join("files").join(name), text).unwrap()
        };
        file(
            "user.cfg",
            format!(
                "#cloud-config\nchpasswd: {{users: [{{name: root, hint: {secret}}}]}}\nruncmd: [[echo, {secret}]]\n"
            ),
        );
        file("script.sh", format!("#!/bin/sh\necho {secret}\n"));
        file(
            "vendor.cfg",
            format!("#cloud-config\nfinal_message: {secret}\n"),
        );
        file(
            "site.ign",
            format!(
                "{{\"ignition\":{{\"version\":\"3.3.0\"}},\"passwd\":{{\"users\":[{{\"name\":\"core\",\"passwordHash\":\"{secret}\"}}]}}}}"
            ),
        );
    };
    let output = "    output:\n      cloudInit: {parts: [{source: files/user.cfg, secret: true}, {source: files/script.sh, secret: true}], vendorData: files/vendor.cfg}\n      ignition: {merge: [{source: files/site.ign, secret: true}]}\n";
    self::write(&project, output, |text| text);
    write("testonlysecretA");
    project.good(&["build", "-o", "old"]);
    write("testonlysecretB");
    project.good(&["build", "-o", "new"]);
    let said = project.good(&["diff", "old", "new"]);
    no_secret(&said);
    for line in [
        "~ script.sh: <hidden>, another",
        "~ user.cfg: chpasswd.users[name=root].hint: <hidden>, another",
        "~ final_message: <hidden>, another",
        "~ ignition.config.merge[0].source: <hidden>, another",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    no_secret(&project.good(&["diff", "old", "new", "-o", "json"]));
}

#[test]
fn trees_of_a_first_stage_are_compared_with_their_like() {
    let project = before();
    project.good(&["build", "--stage", "trees", "--trees", "old"]);
    change(&project);
    project.good(&["build", "--stage", "trees", "--trees", "new"]);
    let said = project.good(&["diff", "old", "new"]);
    assert!(
        said.contains("  ~ /etc/app/mode\n      ~ mode: 0644 -> 0640\n"),
        "{said}"
    );
    assert!(
        said.contains("its content, which no payload here has to read"),
        "{said}"
    );
    let run = project.run(&["diff", "old", "--at", AT]);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("comparing a TreeBundle with a Bundle"));
}
