//! Templates of secret files know the node's token, for programs that join by themselves: kubeadm, k3s, RKE2.

use std::fs;

use crate::support::fixture::text;
use crate::support::new_project::NewProject;
use crate::support::{oracles, tool};

const JOIN: &str = "/etc/kubernetes/join.yaml";

/// A node with a JoinConfiguration, which is secret or not.
fn project(template: &str, is_secret: bool) -> NewProject {
    NewProject::new(&format!(
        "profiles: [worker]\nfiles: {{{JOIN}: {{secret: {is_secret}, template: \"{template}\"}}}}\nnodes:\n\
         - {{name: n1, addresses: [10.0.0.1]}}\n- {{name: n2, addresses: [10.0.0.2]}}\n"
    ))
}

/// A file of a node with its secrets.
fn revealed(project: &NewProject, node: &str, path: &str) -> String {
    let output = tool::nodebake(&project.dir(), &["show", node, "--reveal", "--file", path]).run();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_secret_file_has_the_token_of_its_node_and_the_pin_of_the_ca() {
    oracles::needs(["openssl", "sh"]);
    let project = project("{{ node.token }} {{ cluster.caHash }}\\n", true);
    // As kubeadm's documentation computes --discovery-token-ca-cert-hash.
    let pin = "openssl x509 -pubkey -noout -in pki/ca.pem | openssl pkey -pubin -outform der | openssl dgst -sha256 -hex";
    let pin = oracles::content(&project.dir(), "sh", &["-c", pin]);
    let pin = pin.trim().rsplit(' ').next().unwrap().to_owned();
    for node in ["n1", "n2"] {
        let join = revealed(&project, node, JOIN);
        let (token, hash) = join.trim().split_once(' ').unwrap();
        assert_eq!(hash, format!("sha256:{pin}"));
        let bootstrap = "/etc/kubernetes/bootstrap-kubelet.kubeconfig";
        let kubeconfig = revealed(&project, node, bootstrap);
        assert!(kubeconfig.contains(token));
        assert_eq!(token.len(), 23);
        let hidden = project.good(&["show", node, "--file", JOIN]);
        assert!(!hidden.contains(token), "{hidden}");
    }
    project.good(&["build"]);
    let public = fs::read_to_string(project.dir().join("out/nodes/n1/tree.json")).unwrap();
    assert!(public.contains(JOIN));
}

#[test]
fn an_overlays_secret_template_has_it_too() {
    let files = [
        (
            "overlays/k3s/overlay.yaml",
            "apiVersion: nodebake/v1\nkind: Overlay\nfiles: {/etc/rancher/k3s/config.yaml: {secret: true}}\n",
        ),
        (
            "overlays/k3s/root/etc/rancher/k3s/config.yaml.tera",
            "token: \"{{ node.token }}\"\n",
        ),
    ];
    let lines =
        "profiles: [worker]\noverlays: {k3s: {}}\nnodes:\n- {name: n1, addresses: [10.0.0.1]}\n";
    let project = NewProject::with_files(lines, &files);
    let config = revealed(&project, "n1", "/etc/rancher/k3s/config.yaml");
    assert_eq!(config.len(), "token: \"\"\n".len() + 23, "{config}");
}

#[test]
fn nobody_else_has_it() {
    let help = "node.token is known in templates of files with `secret: true`";
    let said = project("{{ node.token }}", false).run(&["check"]);
    assert!(said.contains(help), "{said}");
    for lines in [
        "hostname: \"{{ node.token }}\"",
        "labels: {a: \"{{ node.token }}\"}",
        "annotations: {a: \"{{ node.token }}\"}",
        "kubelet: {flags: {root-dir: \"/{{ node.token }}\"}}",
        "kubelet: {config: {clusterDomain: \"{{ node.token }}\"}}",
        "units: {x.service: {text: \"{{ node.token }}\"}}",
        "files: {\"/{{ node.token }}\": {content: x, secret: true}}",
    ] {
        let nodes = "nodes:\n- {name: n1, addresses: [10.0.0.1]}\n";
        let project = NewProject::new(&format!("profiles: [worker]\n{lines}\n{nodes}"));
        let said = project.run(&["check"]);
        assert!(said.contains(help), "{lines}: {said}");
    }
}

/// What Tera says of a value that does not fit repeats it.
#[test]
fn a_failure_of_a_secret_template_does_not_tell_the_token() {
    for template in [
        "{{ node.token + 1 }}",
        "{{ node.token | int }}",
        "{{ vars[node.token] }}",
        "{% include node.token %}",
    ] {
        let project = project(template, true);
        let said = project.run(&["check"]);
        assert!(said.contains("error"), "{template}: {said}");
        let secrets = fs::read_to_string(project.dir().join("secrets.yaml")).unwrap();
        let secret = secrets
            .lines()
            .find_map(|line| line.trim().strip_prefix("secret: "));
        let secret = secret.unwrap().trim_matches('"');
        assert_eq!(secret.len(), 16);
        assert!(!said.contains(secret), "{template}");
    }
}
