//! That the bootstrap kubeconfig says what kubectl's own says, and that OpenSSL's certificates are read right.

use std::path::Path;

use nodebake::identity::{Auth, BOOTSTRAP_USER, CaBundle, CaSource, Kubeconfig, example_ca};
use nodebake::model::Location;
use nodebake::project_folder::ProjectFolder;
use nodebake::report::Report;
use nodebake::secrets::Token;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::support::oracles;

const AT: OffsetDateTime = datetime!(2030-06-01 12:00 UTC);

pub fn token(id: &str, secret: &str) -> Token {
    Token {
        id: id.into(),
        secret: secret.into(),
        epoch: 1,
        created: datetime!(2026-11-24 15:00 UTC),
        expires: datetime!(2026-11-25 15:00 UTC),
        description: "kubelet-bootstrap-token".into(),
        until: None,
        revoked: None,
        location: None,
    }
}

/// The four commands of the procedure.
fn kubectl_writes(folder: &Path, cluster: &str, server: &str, token: &str) {
    let file = folder.join("theirs.kubeconfig");
    let _ = std::fs::remove_file(&file);
    let server = format!("--server={server}");
    let token = format!("--token={token}");
    let of_cluster = format!("--cluster={cluster}");
    for args in [
        &[
            "set-cluster",
            cluster,
            "--certificate-authority=ca.pem",
            "--embed-certs=true",
            &server,
        ][..],
        &["set-credentials", "kubelet-bootstrap", &token],
        &[
            "set-context",
            "default",
            &of_cluster,
            "--user=kubelet-bootstrap",
        ],
        &["use-context", "default"],
    ] {
        let all = [&["config", "--kubeconfig=theirs.kubeconfig"], args].concat();
        oracles::content(folder, "kubectl", &all);
    }
}

#[test]
fn the_bootstrap_kubeconfig_is_what_kubectl_writes() {
    oracles::needs(["kubectl"]);
    let folder = tempfile::tempdir().unwrap();
    let ca = example_ca("kubernetes", AT, 30).unwrap();
    std::fs::write(folder.path().join("ca.pem"), &ca).unwrap();
    let plain = ("abcdef", "0123456789abcdef");
    for (cluster, server, (id, secret)) in [
        ("kubernetes", "https://127.0.0.1:8443", plain),
        (
            "123",
            "https://[fd00::1]:6443",
            ("123456", "0123456789012345"),
        ),
        (
            "1e3",
            "https://api.example.com",
            ("123456", "1234567890123e01"),
        ),
        (
            "yes",
            "https://api.example.com/k8s/clusters/c-1",
            ("123456", "12345678e1234567"),
        ),
        (
            "prod.example.com",
            "https://a:1",
            ("1e3456", "0123456789012345"),
        ),
        ("a:b", "https://a:1", ("0x1234", "0123456789abcdef")),
    ] {
        let token = token(id, secret);
        let ours = Kubeconfig::new(cluster, server, ca.as_bytes(), BOOTSTRAP_USER)
            .render(&Auth::Token(&token));
        kubectl_writes(folder.path(), cluster, server, token.bearer().expose());
        std::fs::write(folder.path().join("ours.kubeconfig"), &ours).unwrap();
        let view = |file: &str| {
            let file = format!("--kubeconfig={file}");
            let args = ["config", "view", "--raw", "-o", "json", &file];
            oracles::content(folder.path(), "kubectl", &args)
        };
        let seen = view("ours.kubeconfig");
        assert_eq!(seen, view("theirs.kubeconfig"));
        let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
        assert_eq!(seen["users"][0]["user"]["token"], format!("{id}.{secret}"));
        assert_eq!(seen["clusters"][0]["name"], cluster);
    }
}

/// Names that some reader takes for a number, a date or a boolean, one cluster each.
#[test]
fn odd_cluster_names_are_strings_to_kubectl() {
    oracles::needs(["kubectl"]);
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "0x1f",
        "2020-01-01",
        "1_000",
        "~",
        "null",
        "x#y",
        "a: b",
        "0o17",
        "0b1",
        ".inf",
        "12:30:45",
        "@x",
        "=",
        "<<",
        "+1",
        "it's",
        "*a",
        "é",
        "0755",
        "08",
        "n",
        "_1",
        "1.",
        ".5",
        "..",
        "tRue",
        "!x",
        "x:",
        ":x",
        "[x",
        "x[",
        "?x",
        "? x",
        "x #y",
        "-",
        "...",
        "x ",
        "1 2",
        "1e400",
        "9223372036854775808",
        "99999999999999999999",
        "1e",
        "1.5e3",
        "0x",
        "0b12",
        "0o8",
        "+",
        ".",
        "nO",
        "1:2",
        "190:20:30.15",
        "0xffffffffffffffffff",
        "1__0",
        "Null",
        "2020-1-1",
    ];
    let mut files = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let ours = Kubeconfig::new(name, "https://a:1", b"", BOOTSTRAP_USER);
        let file = format!("{number}.kubeconfig");
        let text = ours.render(&Auth::Token(&token("abcdef", "0123456789abcdef")));
        std::fs::write(folder.path().join(&file), text).unwrap();
        files.push(file);
    }
    // kubectl reads all of them as one.
    let all = format!("KUBECONFIG={}", files.join(":"));
    let view = [&*all, "kubectl", "config", "view", "-o", "json"];
    let seen = oracles::content(folder.path(), "env", &view);
    let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
    let seen = seen["clusters"].as_array().unwrap();
    let mut seen: Vec<&str> = seen
        .iter()
        .map(|cluster| cluster["name"].as_str().unwrap())
        .collect();
    let mut names = names.to_vec();
    seen.sort_unstable();
    names.sort_unstable();
    assert_eq!(seen, names);
}

/// Makes a certificate with OpenSSL and returns it as PEM.
fn openssl_makes(folder: &Path, extensions: &[&str], from: &str, to: &str) -> String {
    // `req -x509` of OpenSSL 3.0 knows no start date; `ca` does.
    let config = format!(
        "[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\ndefault_md=sha256\n\
         policy=p\nunique_subject=no\nx509_extensions=v3\n[p]\ncommonName=supplied\n\
         [req]\ndistinguished_name=dn\n[dn]\n[v3]\n{}\n",
        extensions.join("\n")
    );
    for (name, text) in [
        ("c.cnf", config.as_str()),
        ("index.txt", ""),
        ("serial", "01\n"),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let request = [
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "key.pem",
        "-out",
        "csr.pem",
        "-subj",
        "/CN=test-only",
        "-config",
        "c.cnf",
    ];
    oracles::content(folder, "openssl", &request);
    let sign = [
        "ca",
        "-batch",
        "-selfsign",
        "-config",
        "c.cnf",
        "-keyfile",
        "key.pem",
        "-in",
        "csr.pem",
        "-out",
        "cert.pem",
        "-notext",
        "-startdate",
        from,
        "-enddate",
        to,
    ];
    oracles::content(folder, "openssl", &sign);
    std::fs::read_to_string(folder.join("cert.pem")).unwrap()
}

fn read(bytes: &[u8]) -> (Option<CaBundle>, String) {
    let location = Location::new("cluster.yaml", 6, 9);
    let source = CaSource {
        name: "pki/ca.pem",
        location: &location,
        field: "apiServer.ca",
        at: AT,
    };
    let mut report = Report::default();
    let bundle = CaBundle::parse(bytes, &source, &mut report);
    assert_eq!(bundle.is_none(), report.has_errors(), "{report}");
    (bundle, report.to_string())
}

const CA: &str = "basicConstraints=critical,CA:TRUE";
const SIGNS: &str = "keyUsage=critical,keyCertSign,cRLSign";
const FROM: &str = "20200101000000Z";
const TO: &str = "20400101000000Z";

#[test]
fn certificates_of_openssl_are_checked() {
    oracles::needs(["openssl"]);
    let folder = tempfile::tempdir().unwrap();
    let make = |extensions: &[&str], from, to| openssl_makes(folder.path(), extensions, from, to);
    let good = make(&[CA, SIGNS], FROM, TO);
    let old = make(&[CA], FROM, "20300101000000Z");
    let early = make(&[CA], "20300602000000Z", TO);
    let key = std::fs::read_to_string(folder.path().join("key.pem")).unwrap();
    let cases = [
        (
            String::new(),
            "error: pki/ca.pem: apiServer.ca: the CA file is empty",
        ),
        (
            " \n\n".into(),
            "error: pki/ca.pem: apiServer.ca: the CA file is empty",
        ),
        (
            "hello".into(),
            "error: pki/ca.pem: apiServer.ca: the CA file is not PEM",
        ),
        (
            make(&["basicConstraints=CA:FALSE"], FROM, TO),
            "error: pki/ca.pem:1:1: apiServer.ca: the certificate is not a CA's",
        ),
        (
            make(&["subjectKeyIdentifier=hash"], FROM, TO),
            "error: pki/ca.pem:1:1: apiServer.ca: the certificate is not a CA's",
        ),
        (
            make(&[CA, "keyUsage=digitalSignature"], FROM, TO),
            "error: pki/ca.pem:1:1: apiServer.ca: the certificate may not sign",
        ),
        (
            old.clone(),
            "error: pki/ca.pem:1:1: apiServer.ca: the CA certificate expired at 2030-01-01T00:00:00Z",
        ),
        (
            early,
            "error: pki/ca.pem:1:1: apiServer.ca: the CA certificate is not valid before 2030-06-02T00:00:00Z",
        ),
        (format!("{good}{key}"), "error: pki/ca.pem:"),
        (
            format!("{good}{}", key.lines().next().unwrap()),
            "error: pki/ca.pem:",
        ),
        (
            good.replacen("MII", "!II", 1),
            "error: pki/ca.pem:1:1: apiServer.ca: the PEM block is damaged",
        ),
        (
            good.replace("-----END CERTIFICATE-----\n", ""),
            "error: pki/ca.pem:1:1: apiServer.ca: the PEM block is damaged",
        ),
        (
            "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n".into(),
            "error: pki/ca.pem:1:1: apiServer.ca: the PEM block is not an X.509",
        ),
        (
            good.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
            "error: pki/ca.pem: apiServer.ca: the CA file holds no certificate",
        ),
        (format!("{good}{old}"), "warning: pki/ca.pem:"),
    ];
    for (text, expected) in &cases {
        let (_, findings) = read(text.as_bytes());
        assert!(findings.starts_with(expected), "{expected}\n{findings}");
        for line in key.lines().filter(|line| !line.starts_with('-')) {
            assert!(!findings.contains(line), "{findings}");
        }
    }
    let (_, findings) = read(format!("{good}{key}").as_bytes());
    assert!(findings.contains("holds a private key"), "{findings}");
}

#[test]
fn a_bundle_keeps_the_certificates_and_drops_the_rest() {
    oracles::needs(["openssl"]);
    let folder = tempfile::tempdir().unwrap();
    let one = openssl_makes(folder.path(), &[CA, SIGNS], FROM, TO);
    let two = openssl_makes(folder.path(), &[CA], FROM, "20350101000000Z");
    let clean = format!("{one}{two}");
    for text in [
        clean.clone(),
        clean.replace('\n', "\r\n"),
        format!("# cluster of J\u{fc}rgen\n{one}\n subject=CN = x\n{two}\ntrailer"),
        clean.trim_end().to_owned(),
    ] {
        let (bundle, findings) = read(text.as_bytes());
        assert_eq!(findings, "");
        let bundle = bundle.unwrap();
        assert_eq!(bundle.pem, clean);
        assert_eq!(bundle.not_after, datetime!(2040-01-01 00:00 UTC));
        let subjects: Vec<_> = bundle
            .certificates
            .iter()
            .map(|c| c.subject.as_str())
            .collect();
        assert_eq!(subjects, ["CN=test-only", "CN=test-only"]);
    }
    // A comment in Latin-1 is no reason to refuse the certificate.
    let latin = [b"J\xfcrgen\n", one.as_bytes()].concat();
    assert_eq!(read(&latin).0.unwrap().pem, one);
}

#[test]
fn a_missing_ca_is_found_where_the_inventory_names_it() {
    let location = Location::new("cluster.yaml", 6, 9);
    let source = CaSource {
        name: "pki/ca.pem",
        location: &location,
        field: "apiServer.ca",
        at: AT,
    };
    let mut report = Report::default();
    let folder = tempfile::tempdir().unwrap();
    let project = ProjectFolder::new(folder.path(), &[]).unwrap();
    let bundle = CaBundle::load(&project, &source, &mut report).unwrap();
    assert!(bundle.is_none());
    let expected = "error: cluster.yaml:6:9: apiServer.ca: the CA file pki/ca.pem is missing; ";
    assert!(report.to_string().starts_with(expected), "{report}");
}

#[test]
fn the_example_ca_is_one_to_openssl_and_to_us() {
    let pem = example_ca("kubernetes", AT, 365).unwrap();
    let (bundle, findings) = read(pem.as_bytes());
    assert_eq!(findings, "");
    let bundle = bundle.unwrap();
    assert_eq!(bundle.pem, pem);
    assert_eq!(bundle.certificates[0].subject, "CN=kubernetes");
    oracles::needs(["openssl"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), &pem).unwrap();
    let text = oracles::content(
        folder.path(),
        "openssl",
        &[
            "x509",
            "-in",
            "ca.pem",
            "-noout",
            "-text",
            "-fingerprint",
            "-sha256",
        ],
    );
    for line in [
        "CA:TRUE",
        "Digital Signature, Key Encipherment, Certificate Sign",
        "Not Before: May 31 12:00:00 2030 GMT",
        "Not After : Jun  1 12:00:00 2031 GMT",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let digest = bundle.certificates[0]
        .sha256
        .map(|byte| format!("{byte:02X}"))
        .join(":");
    assert!(text.contains(&digest), "{digest}\n{text}");
    let at = AT.unix_timestamp().to_string();
    let verify = [
        "verify",
        "-attime",
        &at,
        "-check_ss_sig",
        "-CAfile",
        "ca.pem",
        "ca.pem",
    ];
    assert_eq!(
        oracles::content(folder.path(), "openssl", &verify),
        "ca.pem: OK\n"
    );
    // Two runs have two keys: nothing of the key is fixed.
    assert_ne!(example_ca("kubernetes", AT, 365).unwrap(), pem);
}
