//! How nodes speak to registries: logins, client certificates, headers. What is secret is in no file that others read.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use super::programs::{CONTAINERD, containerd_reads, dumped};
use super::{Node, project};
use crate::support::fixture::{Project, text};
use crate::support::oracles::{self, Target};

const PASSWORD: &str = "hunter2 \"quoted\"\\";
const REGISTRIES: &str = "registries:
  r.example.com:5000:
    ca: pki/ca.pem
    login: {username: 'robot$ci', passwordFile: files/password}
    client: {certificate: pki/ca.pem, keyFile: files/client.key}
    headers: {X-Site: a, x-b: ['c\"d', e]}
    mirrors:
      - {url: https://m.example.com/hub, login: {authFile: files/auth}, skipVerify: true, headers: {x-m: [f]}}
  docker.io: {login: {username: u, passwordFile: files/password}}
";
/// NAME:PASSWORD.
const AUTH: &str = "TkFNRTpQQVNTV09SRA==";

/// A project with the files of the registries above.
fn with_files(more: &str) -> Project {
    of_kubelet("v1.34.4", more)
}

/// The same for a kubelet of this version.
pub(super) fn of_kubelet(version: &str, more: &str) -> Project {
    let project = project(version, "worker", &format!("{CONTAINERD}{more}"));
    let folder = project.dir.join("files");
    fs::create_dir_all(&folder).unwrap();
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (name, content) in [
        ("password", format!("{PASSWORD}\n")),
        ("auth", AUTH.to_owned()),
        ("client.key", key.to_owned()),
        ("empty", "\n".to_owned()),
        ("lines", "a\nb\n".to_owned()),
    ] {
        fs::write(folder.join(name), content).unwrap();
    }
    project
}

#[test]
fn logins_and_certificates_are_what_containerd_reads() {
    for (version, program) in [("1.6", "containerd-1.6"), ("2.4", "containerd-2.4")] {
        let node = Node::of(with_files(&format!(
            "containerd: {{version: \"{version}\"}}\noutput: {{secrets: inline}}\n{REGISTRIES}"
        )));
        let folder = "etc/containerd/certs.d/r.example.com:5000";
        let hosts = node.file(&format!("{folder}/hosts.toml"));
        assert_eq!(
            hosts,
            format!(
                "server = \"https://r.example.com:5000\"\nca = \"/{folder}/ca.pem\"\n\
                 client = [[\"/{folder}/client.pem\", \"/{folder}/client.key\"]]\n\
                 [header]\n  \"X-Site\" = [\"a\"]\n  \"x-b\" = [\"c\\\"d\", \"e\"]\n\n\
                 [host.\"https://m.example.com/hub\"]\n  capabilities = [\"pull\", \"resolve\"]\n  skip_verify = true\n  \
                 [host.\"https://m.example.com/hub\".header]\n    \"x-m\" = [\"f\"]\n"
            )
        );
        for secret in [
            &format!("{folder}/client.key"),
            "etc/containerd/config.toml",
        ] {
            let mode = fs::metadata(node.root.join(secret))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{secret}");
        }
        let is_there = match program {
            "containerd-1.6" => oracles::present(program),
            _ => Target::Versions.has(program),
        };
        if is_there {
            let dump = containerd_reads(program, &node);
            let mut names = dumped(&dump, "username");
            names.sort();
            assert_eq!(names, ["\"robot$ci\"", "\"u\""]);
            assert!(
                dumped(&dump, "auth").contains(&format!("\"{AUTH}\"")),
                "{dump}"
            );
            for host in [
                "r.example.com:5000",
                "registry-1.docker.io",
                "m.example.com",
            ] {
                let table = format!("registry.configs.\"{host}\".auth]");
                assert!(dump.replace('\'', "\"").contains(&table), "{host}: {dump}");
            }
            assert_eq!(dumped(&dump, "password").len(), 2);
        }
    }
}

#[test]
fn a_password_is_in_secret_files_only() {
    let project = with_files(&format!("{REGISTRIES}output: {{secrets: separate}}\n"));
    project.good(&["build", "--format", "tarball"]);
    let grep = |pattern: &str| {
        let mut found = Vec::new();
        for file in fs::read_dir(project.out().join("nodes/n1")).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".tar.gz") {
                let mut text = Vec::new();
                let file = fs::File::open(&path).unwrap();
                flate2::read::GzDecoder::new(file)
                    .read_to_end(&mut text)
                    .unwrap();
                let is_there = text
                    .windows(pattern.len())
                    .any(|part| part == pattern.as_bytes());
                found.extend(is_there.then_some(name));
            }
        }
        found
    };
    let found = grep("hunter2");
    assert!(found.len() == 1 && found[0].contains("secret"), "{found:?}");
    assert_eq!(grep("BEGIN PRIVATE KEY"), found);
    assert_eq!(grep(AUTH), found);
    for args in [&["check"][..], &["show", "n1"], &["show", "n1", "--origin"]] {
        let output = project.run(args);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(
            !said.contains("hunter2") && !said.contains(AUTH),
            "{args:?}: {said}"
        );
    }
}

#[test]
fn access_that_does_not_fit_is_found() {
    let of = |access: &str| format!("registries: {{r.example.com: {{{access}}}}}\n");
    for (more, expected) in [
        (of("login: {username: a}"), "fields-exclusive"),
        (of("login: {}"), "fields-exclusive"),
        (of("login: {passwordFile: files/password}"), "fields-exclusive"),
        (
            of("login: {username: a, passwordFile: files/password, authFile: files/auth}"),
            "fields-exclusive",
        ),
        (of("login: {username: a, passwordFile: files/none}"), "file-missing"),
        (of("login: {username: a, passwordFile: files/empty}"), "registry-login-invalid"),
        (of("login: {username: a, passwordFile: files/lines}"), "registry-login-invalid"),
        (of("login: {authFile: files/password}"), "registry-login-invalid"),
        (of("login: {username: 'a:b', passwordFile: files/password}"), "name-invalid"),
        (of("skipVerify: true"), "registry-unverified"),
        (of("headers: {Authorization: Basic x}"), "name-invalid"),
        (of("client: {certificate: pki/ca.pem}"), "field-missing"),
        (of("client: {certificate: pki/ca.pem, keyFile: pki/ca.pem}"), "registry-ca-invalid"),
        (of("client: {certificate: files/auth, keyFile: files/client.key}"), "registry-ca-invalid"),
        (
            "registries: {_default: {login: {authFile: files/auth}}}\n".to_owned(),
            "field-missing",
        ),
        (
            "registries: {a.example.com: {login: {authFile: files/auth}, mirrors: [{url: https://a.example.com/x, \
             login: {username: u, passwordFile: files/password}}]}}\n"
                .to_owned(),
            "fields-exclusive",
        ),
        (of("login: {authFile: files/auth}"), "registries-unused"),
    ] {
        let project = with_files(&more);
        if expected == "registries-unused" {
            let file = project.dir.join("cluster.yaml");
            let written = fs::read_to_string(&file).unwrap();
            fs::write(&file, written.replace(CONTAINERD, "")).unwrap();
        }
        let output = project.run(&["check", "--format", "json"]);
        let said = text(&output.stdout);
        assert!(said.contains(&format!("\"{expected}\"")), "{more}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    for more in [
        of("login: {authFile: files/auth}"),
        of("login: {username: a, passwordFile: files/password}, headers: {x: [a, b], y: c}"),
        "registries: {_default: {server: https://m.example.com, login: {authFile: files/auth}}}\n".to_owned(),
        "registries: {a.example.com: {login: {authFile: files/auth}, mirrors: [{url: https://a.example.com/x, \
         login: {authFile: files/auth}}]}}\n"
            .to_owned(),
    ] {
        let output = with_files(&more).run(&["check", "--format", "json"]);
        let said = text(&output.stdout);
        assert!(!said.contains("registr"), "{more}: {said}");
    }
}
