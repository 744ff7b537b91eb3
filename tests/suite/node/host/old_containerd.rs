//! containerd 1.3 and 1.4, which read no hosts.toml: what they are told of registries is in their configuration.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::Node;
use super::programs::{containerd_reads, dumped};
use super::registries::of_kubelet;
use crate::support::fixture::text;
use crate::support::oracles::Target;

const KUBELET: &str = "v1.20.15";
const REGISTRIES: &str = "output: {secrets: inline}
registries:
  r.example.com:5000:
    ca: pki/ca.pem
    login: {username: 'robot$ci', passwordFile: files/password}
    client: {certificate: pki/ca.pem, keyFile: files/client.key}
  docker.io: {mirrors: [{url: https://m.example.com/hub, skipVerify: true}, {url: https://n.example.com/x, overridePath: true}]}
  _default: {mirrors: [{url: https://m.example.com, skipVerify: true}]}
";

fn versions() -> [(&'static str, bool); 2] {
    [
        ("1.3", Target::Versions.may_have("containerd-1.3")),
        ("1.4", Target::Versions.has("containerd-1.4")),
    ]
}

#[test]
fn mirrors_certificates_and_logins_are_what_containerd_reads() {
    for (version, is_there) in versions() {
        let more = format!("containerd: {{version: \"{version}\"}}\n{REGISTRIES}");
        let node = Node::of(of_kubelet(KUBELET, &more));
        let folder = "etc/containerd/certs.d/r.example.com:5000";
        assert!(!node.root.join(folder).join("hosts.toml").exists());
        let config = node.file("etc/containerd/config.toml");
        assert!(!config.contains("config_path"), "{config}");
        for secret in [
            &format!("{folder}/client.key"),
            "etc/containerd/config.toml",
        ] {
            let file = fs::metadata(node.root.join(secret)).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{secret}");
        }
        if !is_there {
            continue;
        }
        let dump = containerd_reads(&format!("containerd-{version}"), &node);
        let after = |table: &str, key: &str| {
            let (_, rest) = dump
                .split_once(&format!("registry.{table}]"))
                .unwrap_or_else(|| panic!("{table}: {dump}"));
            let rest = rest.split_once("\n        [").map_or(rest, |(own, _)| own);
            dumped(rest, key).into_iter().next().unwrap_or_default()
        };
        for (host, endpoints) in [
            ("\"r.example.com:5000\"", "[\"https://r.example.com:5000\"]"),
            (
                "\"docker.io\"",
                "[\"https://m.example.com/hub/v2\", \"https://n.example.com/x\", \"https://registry-1.docker.io\"]",
            ),
            ("\"*\"", "[\"https://m.example.com\"]"),
        ] {
            let table = format!("mirrors.{host}");
            assert_eq!(after(&table, "endpoint"), endpoints, "{table}");
        }
        let own = "configs.\"r.example.com:5000\"";
        for (key, file) in [
            ("ca_file", "ca.pem"),
            ("cert_file", "client.pem"),
            ("key_file", "client.key"),
        ] {
            assert_eq!(
                after(&format!("{own}.tls"), key),
                format!("\"/{folder}/{file}\"")
            );
            assert!(node.root.join(folder).join(file).exists());
        }
        assert_eq!(after(&format!("{own}.auth"), "username"), "\"robot$ci\"");
        assert_eq!(
            after("configs.\"m.example.com\".tls", "insecure_skip_verify"),
            "true"
        );
        assert!(config.contains("SystemdCgroup = true\n"), "{config}");
    }
}

#[test]
fn all_others_include_docker_hub_unless_it_has_an_entry() {
    let default = "registries: {_default: {mirrors: [{url: https://m.example.com}]}}\n";
    for (more, expected) in [
        (
            default.to_owned(),
            "mirrors.\"docker.io\"]\n    endpoint = [\"https://m.example.com\", \"https://registry-1.docker.io\"]",
        ),
        (
            default.replace("{_default", "{docker.io: {}, _default"),
            "mirrors.\"docker.io\"]\n    endpoint = [\"https://registry-1.docker.io\"]",
        ),
    ] {
        let project = of_kubelet(
            KUBELET,
            &format!("containerd: {{version: \"1.4\"}}\n{more}"),
        );
        let config = project.good(&["show", "n1", "--file", "/etc/containerd/config.toml"]);
        assert!(config.contains(expected), "{config}");
        assert_eq!(
            config.matches("mirrors.\"docker.io\"").count(),
            1,
            "{config}"
        );
    }
}

#[test]
fn what_these_releases_cannot_be_told_is_found() {
    let mirror = |more: &str| {
        format!("registries: {{docker.io: {{mirrors: [{{url: https://m.example.com{more}}}]}}}}\n")
    };
    let login = ", login: {username: a, passwordFile: files/password}";
    let two_cas = "registries: {a.example.com: {ca: pki/ca.pem}, b.example.com: {mirrors: [{url: https://a.example.com, skipVerify: true}]}}\n";
    for (version, more, expected) in [
        (
            "1.4",
            mirror(", headers: {x: y}"),
            "registry-setting-unread",
        ),
        (
            "1.4",
            mirror(", capabilities: [pull]"),
            "registry-setting-unread",
        ),
        (
            "1.4",
            "registries: {_default: {ca: pki/ca.pem}}\n".to_owned(),
            "registry-setting-unread",
        ),
        (
            "1.4",
            "registries: {r.example.com: {server: https://s.example.com}}\n".to_owned(),
            "registry-setting-unread",
        ),
        (
            "1.3",
            "registries: {r.example.com: {server: http://r.example.com, ca: pki/ca.pem}}\n"
                .to_owned(),
            "registry-setting-unread",
        ),
        ("1.4", two_cas.to_owned(), "fields-exclusive"),
        ("1.3", mirror(login), "registry-login-spreads"),
        (
            "1.3",
            "os: {cgroups: v2}\n".to_owned(),
            "cgroup-version-unsupported",
        ),
        (
            "1.4",
            mirror("")
                + "files: {/etc/containerd/config.toml: {content: \"version = 2\\n\", replace: true}}\n",
            "registries-unused",
        ),
        (
            "1.4",
            "containerd: {version: \"1.4\", runtimes: {a: {path: /opt/shim}}}\n".to_owned(),
            "containerd-key-unknown",
        ),
    ] {
        let version = format!("containerd: {{version: \"{version}\"}}\n");
        let own = if more.starts_with("containerd") {
            ""
        } else {
            &version
        };
        let project = of_kubelet(KUBELET, &format!("{own}{more}"));
        let output = project.run(&["check", "--format", "json"]);
        let said = text(&output.stdout);
        assert!(said.contains(&format!("\"{expected}\"")), "{more}: {said}");
        // Newer releases have none of these, but for what is wrong with any.
        if expected.starts_with("registry-") {
            let project = of_kubelet(
                KUBELET,
                &format!("containerd: {{version: \"1.6\"}}\n{more}"),
            );
            let output = project.run(&["check", "--format", "json"]);
            assert!(!text(&output.stdout).contains(expected), "{more}");
        }
    }
    for (version, more) in [
        ("1.4", mirror(login)),
        ("1.3", "registries: {docker.io: {login: {username: a, passwordFile: files/password}}}\n".to_owned()),
        ("1.3", "registries: {r.example.com: {login: {username: a, passwordFile: files/password}}}\n".to_owned()),
        (
            "1.4",
            "registries: {a.example.com: {ca: pki/ca.pem}, b.example.com: {mirrors: [{url: https://a.example.com, ca: pki/ca.pem}]}}\n".to_owned(),
        ),
    ] {
        let project = of_kubelet(KUBELET, &format!("containerd: {{version: \"{version}\"}}\n{more}"));
        let output = project.run(&["check", "--format", "json"]);
        let said = text(&output.stdout);
        assert!(!said.contains("registr") && !said.contains("fields-exclusive"), "{more}: {said}");
    }
}
