//! The API server's certificate, checked by `preflight --kube-apiserver-cert` and by openssl.

use std::fs;

use serde_json::Value;

use super::checked;
use crate::support::fixture::{Project, text};
use crate::support::oracles;
use crate::support::tool;

const HOST: &str = "api.example.com";
const PODS: &str = "DNS:kubernetes.default.svc,IP:10.96.0.1";

/// Makes the cluster's CA, another one, and a serving certificate by one of them.
fn make(project: &Project, ca: &str, dates: &str, extensions: &str) {
    let script = format!(
        "set -e
        for ca in pki/ca other; do
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $ca.key -out $ca.pem -days 3000 -subj /CN=$(basename $ca)
        done
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN={HOST}
        printf '%b' '{extensions}' > extensions
        openssl x509 -req -in server.csr -CA {ca}.pem -CAkey {ca}.key -CAcreateserial {dates} -extfile extensions -out server.crt
        rm -f pki/ca.key"
    );
    oracles::content(&project.dir, "sh", &["-c", &script]);
}

const ARGS: [&str; 3] = ["preflight", "--kube-apiserver-cert", "server.crt"];

#[test]
fn a_certificate_that_clients_do_not_believe_is_found() {
    oracles::needs(["openssl", "sh"]);
    let good = format!("subjectAltName=DNS:{HOST},{PODS}\\n");
    let usage = "extendedKeyUsage=serverAuth\\n";
    for (ca, days, extensions, severity, rule) in [
        ("pki/ca", 9, format!("{good}{usage}"), "", ""),
        ("pki/ca", 9, good.clone(), "", ""),
        (
            "pki/ca",
            9,
            format!("subjectAltName=DNS:*.example.com,{PODS}\\n"),
            "",
            "",
        ),
        (
            "pki/ca",
            9,
            format!("subjectAltName=DNS:API.Example.com,{PODS}\\n"),
            "",
            "",
        ),
        (
            "other",
            9,
            good.clone(),
            "error",
            "is not signed by a certificate of apiServer.ca, but by CN=other",
        ),
        ("pki/ca", -1, good.clone(), "error", "expired at "),
        (
            "pki/ca",
            9,
            format!("{good}extendedKeyUsage=clientAuth\\n"),
            "error",
            "lacks serverAuth",
        ),
        (
            "pki/ca",
            9,
            format!("subjectAltName=DNS:api.example.org,{PODS}\\n"),
            "error",
            "must be for api.example.com",
        ),
        (
            "pki/ca",
            9,
            format!("subjectAltName=DNS:*.com,{PODS}\\n"),
            "error",
            "must be for api.example.com",
        ),
        (
            "pki/ca",
            9,
            format!("subjectAltName=IP:10.0.0.1,{PODS}\\n"),
            "error",
            "must be for api.example.com",
        ),
        (
            "pki/ca",
            9,
            format!("subjectAltName=DNS:{HOST},DNS:kubernetes.default.svc\\n"),
            "warning",
            "lacks 10.96.0.1, by which pods call it",
        ),
        (
            "pki/ca",
            9,
            format!("subjectAltName=DNS:{HOST},IP:10.96.0.1\\n"),
            "warning",
            "lacks kubernetes.default.svc",
        ),
    ] {
        let project = Project::of("bad/project");
        make(&project, ca, &format!("-days {days}"), &extensions);
        let (rows, said, code) = checked(&project, &ARGS);
        let is_error = severity == "error";
        let fits = match severity {
            "" => said.is_empty(),
            _ => {
                said.starts_with(&format!("{severity}: server.crt: "))
                    && said.contains(rule)
                    && said.lines().count() == 1
            }
        };
        assert!(fits, "{ca} {days} {extensions}: {said}");
        assert_eq!(code, Some(if is_error { 3 } else { 0 }), "{said}");
        let met = |part: &str| {
            let of = |row: &&Value| row["what"].as_str().unwrap().contains(part);
            rows.iter().find(of).unwrap()["met"].clone()
        };
        assert_eq!(
            met("certificate for api.example.com"),
            !is_error,
            "{extensions}"
        );
        assert_eq!(
            met("certificate for kubernetes.default.svc and 10.96.0.1"),
            severity != "warning"
        );
        // openssl does not take a wildcard above a single label either.
        let args = [
            "verify",
            "-CAfile",
            "pki/ca.pem",
            "-purpose",
            "sslserver",
            "-verify_hostname",
            HOST,
            "server.crt",
        ];
        let mut verify = oracles::command(&project.dir, "openssl");
        let is_good = verify.args(args).output().unwrap().status.success();
        assert_eq!(is_good, !is_error, "{ca} {days} {extensions}: {said}");
    }
}

#[test]
fn an_address_must_be_in_the_certificate_as_one() {
    oracles::needs(["openssl", "sh"]);
    for (url, san, is_good) in [
        ("https://10.20.0.5:6443", "IP:10.20.0.5", true),
        ("https://10.20.0.5:6443", "DNS:10.20.0.5", false),
        ("https://[fd00::5]:6443", "IP:fd00::5", true),
        ("https://[fd00::5]:6443", "IP:fd00::6", false),
    ] {
        let project = Project::of("bad/project");
        make(
            &project,
            "pki/ca",
            "-days 9",
            &format!("subjectAltName={san},{PODS}\\n"),
        );
        let file = project.dir.join("cluster.yaml");
        let cluster = fs::read_to_string(&file).unwrap();
        let changed = cluster.replace("https://api.example.com:6443", url);
        assert_ne!(cluster, changed);
        fs::write(&file, changed).unwrap();
        let (_, said, code) = checked(&project, &ARGS);
        assert_eq!(
            code,
            Some(if is_good { 0 } else { 3 }),
            "{url} {san}: {said}"
        );
    }
}

#[test]
fn what_a_client_prints_will_do_and_what_is_no_certificate_is_said() {
    oracles::needs(["openssl", "sh"]);
    let project = Project::of("bad/project");
    make(
        &project,
        "pki/ca",
        "-days 9",
        &format!("subjectAltName=DNS:{HOST},{PODS}\\n"),
    );
    let path = |name: &str| project.dir.join(name);
    let pem = fs::read_to_string(path("server.crt")).unwrap();
    let ca = fs::read_to_string(path("pki/ca.pem")).unwrap();
    let printed = format!(
        "CONNECTED(00000003)\nCertificate chain\n 0 s:CN = x\n{pem} 1 s:CN = ca\n{ca}---\nVerify return code: 0 (ok)\n"
    );
    let args = ["preflight", "--kube-apiserver-cert", "-"];
    let output = tool::nodebake(&project.dir, &args).run_with_input(printed.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for (text, rule) in [
        ("", "has none"),
        (&pem[..200], "damaged"),
        ("# nothing\n", "has none"),
    ] {
        fs::write(path("server.crt"), text).unwrap();
        let (_, said, code) = checked(&project, &ARGS);
        assert_eq!(code, Some(3));
        assert!(said.contains(rule), "{said}");
    }
    // The manifest tells where the file is.
    let table = text(&project.run(&["preflight"]).stdout);
    assert!(table.contains("certSANs of kubeadm"), "{table}");
}
