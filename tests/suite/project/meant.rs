//! What somebody meant who wrote something else: words of other tools, other spellings, other shapes, files of another form. One
//! mistake is one finding, at the place where it was made, and its help says what to write here.

use std::fs;

use serde_json::Value;

use crate::support::fixture::{Project, text};

/// The findings of `check`, after the project was changed.
fn findings(change: impl FnOnce(&Project), args: &[&str]) -> Vec<Value> {
    let project = Project::of("bad/project");
    change(&project);
    let output = project.run(&[&["check", "--format", "json"], args].concat());
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["findings"].as_array().unwrap().clone()
}

/// Replaces a text of cluster.yaml that is there once.
fn replace(project: &Project, old: &str, new: &str) {
    let file = project.dir.join("cluster.yaml");
    let cluster = fs::read_to_string(&file).unwrap();
    assert_eq!(cluster.matches(old).count(), 1, "{old}");
    fs::write(&file, cluster.replace(old, new)).unwrap();
}

fn append(project: &Project, more: &str) {
    let file = project.dir.join("cluster.yaml");
    let cluster = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{cluster}{more}")).unwrap();
}

/// The only finding has this id and place, and words of its message and its help.
fn assert_one(found: &[Value], what: &str, id: &str, words: &[&str]) {
    assert_eq!(found.len(), 1, "{what}: {found:?}");
    assert_eq!(found[0]["id"], id, "{what}: {found:?}");
    let said = format!("{} {}", found[0]["message"], found[0]["help"]);
    for word in words {
        assert!(said.contains(word), "{what}: {word:?} is not in {said}");
    }
}

/// A value in another shape or spelling than its field has.
#[test]
fn another_shape_or_spelling_is_answered_with_the_right_one() {
    const CHOICE: &str = "value-not-a-choice";
    const TYPE: &str = "value-type-wrong";
    for (more, id, words) in [
        (
            "output: {formats: [cloud-init]}",
            CHOICE,
            "did you mean cloudInit?",
        ),
        (
            "output: {formats: [cloud_init]}",
            CHOICE,
            "did you mean cloudInit?",
        ),
        (
            "output: {formats: [CLOUDINIT]}",
            CHOICE,
            "did you mean cloudInit?",
        ),
        (
            "output: {formats: [user-data]}",
            CHOICE,
            "did you mean cloudInit?",
        ),
        (
            "output: {formats: [tar.gz]}",
            CHOICE,
            "did you mean tarball?",
        ),
        ("output: {formats: [tgz]}", CHOICE, "did you mean tarball?"),
        ("output: {formats: [ign]}", CHOICE, "did you mean ignition?"),
        (
            "output: {formats: [initrd]}",
            CHOICE,
            "did you mean initramfs?",
        ),
        (
            "output: {formats: [ignitoin]}",
            CHOICE,
            "did you mean ignition?",
        ),
        (
            "output: {initramfs: {mode: copy-to-root}}",
            CHOICE,
            "did you mean copyToRoot?",
        ),
        (
            "output: {tarball: {compression: gz}}",
            CHOICE,
            "did you mean gzip?",
        ),
        (
            "output: {tarball: {compression: zst}}",
            CHOICE,
            "did you mean zstd?",
        ),
        (
            "os: {network: network-manager}",
            CHOICE,
            "did you mean networkManager?",
        ),
        (
            "os: {network: systemd-networkd}",
            CHOICE,
            "did you mean networkd?",
        ),
        ("os: {cgroups: V2}", CHOICE, "did you mean v2?"),
        (
            "identity: {client: bootstrap-token}",
            CHOICE,
            "did you mean bootstrapToken?",
        ),
        (
            "identity: {serving: selfsigned}",
            CHOICE,
            "did you mean selfSigned?",
        ),
        (
            "output: {formats: cloudInit}",
            TYPE,
            "write it as [cloudInit]",
        ),
        ("output: {formats: {}}", TYPE, "write each entry as an item"),
        ("hostname: 1.50", TYPE, "put it in quotes"),
        (
            "overlays: [time-sync]",
            TYPE,
            "write it as a map: {time-sync: …}",
        ),
        (
            "overlays: time-sync",
            TYPE,
            "write it as a map: {time-sync: …}",
        ),
        ("users: [core]", TYPE, "write it as a map: {core: …}"),
        (
            "units: [a.service]",
            TYPE,
            "write it as a map: {a.service: …}",
        ),
        (
            "taints: [\"a/b=c:NoSchedule\"]",
            TYPE,
            "write it as a map: {nvidia.com/gpu:NoSchedule: …}",
        ),
    ] {
        let found = findings(|project| append(project, &format!("{more}\n")), &[]);
        assert_one(&found, more, id, &[words]);
    }
    // Nothing like it: no guess.
    let found = findings(
        |project| append(project, "output: {formats: [docker]}\n"),
        &[],
    );
    assert_one(&found, "docker", CHOICE, &["got"]);
    assert!(found[0]["help"].is_null(), "{found:?}");
    for number in ["24", "30", "0.5", "true"] {
        let ttl = format!("ttl: {number}");
        let found = findings(|project| replace(project, "ttl: 24h", &ttl), &[]);
        assert_one(
            &found,
            number,
            TYPE,
            &["write it with a unit (s, m, h or d), like"],
        );
    }
    for number in ["1.30", "1.3", "1", "true"] {
        let version = format!("kubernetes: {number}");
        let found = findings(
            |project| replace(project, "kubernetes: v1.34.4", &version),
            &[],
        );
        assert_one(
            &found,
            number,
            TYPE,
            &["write a full version such as v1.34.4"],
        );
    }
}

/// Keys of another tool in one map are one finding that names them all.
#[test]
fn keys_of_another_tool_are_one_finding() {
    let netplan = [
        "accept-ra",
        "dhcp-identifier",
        "dhcp4",
        "dhcp4-overrides",
        "dhcp6",
        "gateway4",
        "gateway6",
        "link-local",
        "macaddress",
        "match",
        "nameservers",
        "renderer",
        "routing-policy",
        "set-name",
        "wakeonlan",
    ];
    let cloud_init = [
        "apt",
        "bootcmd",
        "chpasswd",
        "disk_setup",
        "final_message",
        "fs_setup",
        "growpart",
        "mounts",
        "ntp",
        "package_update",
        "packages",
        "power_state",
        "runcmd",
        "snap",
        "timezone",
        "write_files",
        "yum_repos",
    ];
    let keys = |keys: &[&str]| {
        keys.iter()
            .map(|key| format!("{key}: x"))
            .collect::<Vec<_>>()
    };
    let interface = format!(
        "    interfaces: {{eth0: {{dhcp: both, {}}}}}\n",
        keys(&netplan).join(", ")
    );
    let labels = "    labels: {example.com/zone: a}\n";
    let changed = format!("{labels}{interface}");
    let found = findings(|project| replace(project, labels, &changed), &[]);
    assert_one(&found, "netplan", "field-unknown", &["which netplan has"]);
    for key in netplan {
        assert!(
            found[0]["message"].as_str().unwrap().contains(key),
            "{key}: {found:?}"
        );
    }
    let top = format!("{}\n", keys(&cloud_init).join("\n"));
    let found = findings(|project| append(project, &top), &[]);
    assert_one(
        &found,
        "cloud-init",
        "field-unknown",
        &["which cloud-init has", "output.cloudInit.parts"],
    );
    assert_eq!(found[0]["path"], "apt");
    // Two tools in one map, and a misspelt key of ours: three mistakes.
    let found = findings(
        |project| append(project, "runcmd: x\npodSubnet: x\nntp: x\nhostnam: x\n"),
        &[],
    );
    assert_eq!(found.len(), 3, "{found:?}");
    // Each alone says what to write.
    for key in netplan {
        let changed = format!("{labels}    interfaces: {{eth0: {{dhcp: both, {key}: x}}}}\n");
        let found = findings(|project| replace(project, labels, &changed), &[]);
        assert_one(&found, key, "field-unknown", &["unknown field"]);
        assert!(found[0]["help"].as_str().unwrap().len() > 12, "{found:?}");
    }
}

/// A bracket or a quote that is not closed is named where it begins, in whatever file, though the reader stops far below.
#[test]
fn what_is_not_closed_is_named_where_it_begins() {
    for (old, new, line, column) in [
        (
            "profiles: [worker, rack]",
            "profiles: [worker, rack",
            17,
            11,
        ),
        (
            "clusterDNS: [10.96.0.10]",
            "clusterDNS: [10.96.0.10",
            11,
            15,
        ),
        (
            "labels: {example.com/zone: a}",
            "labels: {example.com/zone: a",
            22,
            13,
        ),
        (
            "macs: [\"52:54:00:00:00:02\"]",
            "macs: [\"52:54:00:00:00:02]",
            25,
            12,
        ),
        ("within: 10.0.1.0/29}", "within: 10.0.1.0/29", 26, 12),
        ("ca: pki/ca.pem", "ca: \"pki/ca.pem", 8, 7),
        ("ca: pki/ca.pem", "ca: 'pki/ca.pem", 8, 7),
    ] {
        let found = findings(|project| replace(project, old, new), &[]);
        assert_one(
            &found,
            new,
            "yaml-invalid",
            &["is not closed", "close it with"],
        );
        let at = (&found[0]["line"], &found[0]["column"]);
        assert_eq!(at, (&line.into(), &column.into()), "{new}: {found:?}");
    }
    let found = findings(
        |project| {
            let text =
                "apiVersion: nodebake/v1\nkind: Profile\nlabels: {example.com/a: b\nkubelet: {}\n";
            fs::write(project.dir.join("profiles/rack.yaml"), text).unwrap();
        },
        &[],
    );
    assert_one(&found, "a profile", "yaml-invalid", &["is not closed"]);
    assert_eq!(
        (&found[0]["file"], &found[0]["line"]),
        (&"profiles/rack.yaml".into(), &3.into())
    );
}

/// Certificates as they are copied out of a kubeconfig.
#[test]
fn certificates_in_another_form_are_named() {
    let shell = |project: &Project, script: &str| {
        let done = std::process::Command::new("sh")
            .args(["-ec", script])
            .current_dir(&project.dir)
            .status();
        assert!(done.unwrap().success(), "{script}");
    };
    for (script, words) in [
        (
            "base64 pki/ca.pem > x; mv x pki/ca.pem",
            "run `base64 -d` on it",
        ),
        (
            "base64 pki/ca.pem | tr -d '\\n' > x; mv x pki/ca.pem",
            "as a kubeconfig holds it",
        ),
        (
            "grep -v -- ----- pki/ca.pem > x; mv x pki/ca.pem",
            "put it between the lines",
        ),
        (
            "{ echo 'apiVersion: v1'; echo \"  certificate-authority-data: $(base64 pki/ca.pem | tr -d '\\n')\"; } > x; mv x pki/ca.pem",
            "certificate-authority-data",
        ),
        (
            "grep -v -- ----- pki/ca.pem | base64 -d > x; mv x pki/ca.pem",
            "openssl x509 -inform DER",
        ),
        ("echo nothing > pki/ca.pem", "is not PEM"),
    ] {
        let found = findings(|project| shell(project, script), &[]);
        assert_one(&found, script, "ca-invalid", &[words]);
    }
    let found = findings(
        |project| {
            shell(project, "base64 pki/ca.pem > registry.pem");
            append(
                project,
                "registries: {registry.example.com: {ca: registry.pem}}\n",
            );
        },
        &[],
    );
    let of_registry: Vec<Value> = found
        .into_iter()
        .filter(|one| one["id"] == "registry-ca-invalid")
        .collect();
    assert_one(
        &of_registry,
        "registry",
        "registry-ca-invalid",
        &["base64 of PEM", "base64 -d"],
    );
}

/// Templates in Go's language, wherever templates are.
#[test]
fn templates_of_go_are_answered_with_tera() {
    for template in [
        "{{ .Node.Name }}",
        "{{.name}}",
        "{{- .Values.x -}}",
        "{{ range .items }}x{{ end }}",
        "{{ if .x }}x{{ end }}",
        "{{ include \\\"a\\\" . }}",
    ] {
        let more = format!("files: {{/etc/x: {{template: \"{template}\"}}}}\n");
        let found = findings(|project| append(project, &more), &[]);
        assert_one(
            &found,
            template,
            "template-failed",
            &["not Go", "{{ node.name }}"],
        );
        let more = format!("hostname: \"{template}\"\n");
        let found = findings(|project| append(project, &more), &[]);
        assert_one(&found, template, "template-failed", &["not Go"]);
    }
    let found = findings(
        |project| append(project, "hostname: \"{{ node. }}\"\n"),
        &[],
    );
    assert_one(&found, "Tera's own", "template-failed", &[]);
    assert!(found[0]["help"].is_null(), "{found:?}");
}

/// A clock that is far behind is named, rather than the certificate blamed.
#[test]
fn a_clock_that_is_behind_is_named() {
    let found = findings(|_| {}, &["--at", "1970-01-01T00:00:00Z"]);
    assert_one(
        &found,
        "1970",
        "ca-invalid",
        &["the clock says 1970-01-01T00:00:00Z", "set the clock"],
    );
    let found = findings(|_| {}, &["--at", "2999-01-01T00:00:00Z"]);
    let of_ca: Vec<Value> = found
        .into_iter()
        .filter(|one| one["id"] == "ca-invalid")
        .collect();
    assert_one(
        &of_ca,
        "2999",
        "ca-invalid",
        &["expired", "give the CA certificate"],
    );
}

/// Wrong usage says what is right.
#[test]
fn wrong_usage_says_what_is_right() {
    let project = Project::of("bad/project");
    let here = |args: &[&str]| {
        let output = project.run(args);
        (output.status.code().unwrap(), text(&output.stderr))
    };
    for (args, code, words) in [
        (
            &["build", "--jobs", "0"][..],
            2,
            "must be a whole number, 1 or more",
        ),
        (
            &["build", "-j", "many"],
            2,
            "must be a whole number, 1 or more",
        ),
        (
            &["build", "--jobs=-1"],
            2,
            "must be a whole number, 1 or more",
        ),
        (
            &["build", "-j", "1.5"],
            2,
            "must be a whole number, 1 or more",
        ),
        (
            &["build", "--node", "n1"],
            1,
            "build all nodes once first, without --node",
        ),
        (&["token", "create", "n1"], 3, "write `.` before it"),
        (&["token", "rotate", "n1"], 2, "write `.` before it"),
        (&["token", "revoke", "n1"], 2, "write `.` before it"),
        (&["token", "rotate", "."], 2, "no node is named"),
        (&["init", "."], 1, "is there already"),
    ] {
        let (exit, said) = here(args);
        assert_eq!(exit, code, "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
}
