//! Nodes on which nothing starts a kubelet: that is one finding, and a kubelet that does not join is judged all the same.

use serde_json::{Value, json};

use crate::support::new_project::NewProject;

/// The digest of the program that may start anything.
const AGENT: &str = "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf";

#[test]
fn a_node_without_a_role_has_one_finding_for_that() {
    let not_started = &["kubelet-not-started"][..];
    let open = &[
        "kubelet-client-ca-missing",
        "kubelet-not-started",
        "kubelet-rotation-off",
    ][..];
    let accepted = &["kubelet-client-ca-missing", "kubelet-rotation-off"][..];
    let node = "kubelet: {config: {maxPods: 50}}\nnodes: [{name: n1}]\n";
    let unit =
        |name: &str, more: &str| format!("profiles: [debian]\nunits: {{{name}: {{{more}}}}}\n");
    let text = |command: &str| {
        format!(
            "text: \"[Service]\\nExecStart={command}\\n[Install]\\nWantedBy=multi-user.target\\n\""
        )
    };
    let alone = text("/usr/bin/kubelet --config=/etc/kubernetes/kubelet-config.yaml");
    for (more, expected) in [
        // Nothing starts any kubelet: what it would be like matters to nobody.
        ("profiles: [debian]\n".to_owned(), not_started),
        ("profiles: [ubuntu]\n".to_owned(), not_started),
        ("profiles: [flatcar]\n".to_owned(), not_started),
        ("profiles: [fedora-coreos]\n".to_owned(), not_started),
        ("profiles: [immutable]\n".to_owned(), not_started),
        (String::new(), not_started),
        (unit("ntp.service", &text("/usr/sbin/ntpd")), not_started),
        (unit("kubelet.service", "masked: true"), not_started),
        ("files: {/etc/motd: {content: hello}}\n".to_owned(), not_started),
        // Where that is accepted, the kubelet of somebody else's unit must not be open all the same.
        (
            "findings: {kubelet-not-started: {level: off, reason: the image starts it}}\nprofiles: [debian]\n".to_owned(),
            accepted,
        ),
        // A kubelet that does not join runs, or may run.
        (unit("mine.service", &format!("enabled: true, {alone}")), open),
        (unit("mine.service", &alone), open),
        (unit("kubelet.service", "enabled: true"), open),
        (unit("kubelet.service", "dropins: {x.conf: \"[Service]\\nNice=1\\n\"}"), open),
        (unit("x.service", &text("/bin/sh -c 'exec /opt/kubelet'")), open),
        (
            "files: {/usr/local/bin/start: {mode: \"0755\", content: \"exec kubelet\"}}\n".to_owned(),
            open,
        ),
        ("links: {/usr/local/bin/k: /usr/bin/kubelet}\n".to_owned(), open),
        (
            "output: {formats: [cloudInit], cloudInit: {parts: [{source: part}]}}\n".to_owned(),
            open,
        ),
        (
            format!("assets: {{/usr/local/bin/agent: {{source: agent, mode: \"0755\", sha256: {AGENT}}}}}\n"),
            open,
        ),
    ] {
        let files = [("part", "#cloud-config\nruncmd: [kubelet]\n"), ("agent", "#!/bin/sh\n")];
        let project = NewProject::with_files(&(more.clone() + node), &files);
        let mut ids = project.ids();
        ids.sort();
        assert_eq!(ids, expected, "{more}");
    }
}

#[test]
fn an_open_kubelet_is_said_of_the_nodes_that_start_one() {
    let project = NewProject::new(
        "profiles: [debian]\nkubelet: {config: {maxPods: 50}}\nnodes:\n- {name: n1}\n- {name: n2, units: {mine.service: {text: \"[Service]\\nExecStart=/usr/bin/kubelet\\n\"}}}\n",
    );
    let said = project.run(&["check", "--format", "json", "--no-tokens"]);
    let end = said.rfind('}').unwrap();
    let said: Value = serde_json::from_str(&said[..=end]).unwrap();
    let mut nodes: Vec<(&str, &Value)> = Vec::new();
    for finding in said["findings"].as_array().unwrap() {
        nodes.push((finding["id"].as_str().unwrap(), &finding["nodes"]));
    }
    let of = |id: &str| nodes.iter().find(|(found, _)| *found == id).unwrap().1;
    assert_eq!(of("kubelet-client-ca-missing"), &json!(["n2"]));
    assert_eq!(of("kubelet-not-started"), &json!(["n1", "n2"]));
}

/// A map that is none is one mistake; one of its fields says nothing of the others.
#[test]
fn settings_that_were_not_read_are_one_finding() {
    let node = "profiles: [worker, debian]\nnodes: [{name: n1, addresses: [10.0.0.1]";
    for (more, expected) in [
        ("}]\nkubelet: x\n", &["value-type-wrong"][..]),
        (
            "}]\nkubelet: {config: \"maxPods: 5\"}\n",
            &["kubelet-field-type"],
        ),
        (
            ", kubelet: {config: [maxPods]}}]\n",
            &["kubelet-field-type"],
        ),
        ("}]\nkubelet: {flags: [v]}\n", &["value-type-wrong"]),
        (
            "}]\nkubelet: {config: {maxPods: x, readOnlyPort: 10255}}\n",
            &["kubelet-field-type", "kubelet-read-only-port"],
        ),
    ] {
        let project = NewProject::new(&format!("{node}{more}"));
        assert_eq!(project.ids(), expected, "{more}");
    }
}
