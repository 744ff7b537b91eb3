//! The CA's private key, which gets onto no node, whatever form it has and wherever it slips in.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::{CLUSTER, issued};
use crate::support::fixture::text;
use crate::support::oracles;

/// Ignition configurations of the user's with a text in them: escaped, packed, and as a unit.
fn merged_with(folder: &Path, text: &str) {
    use base64::Engine;
    let escaped =
        percent_encoding::percent_encode(text.as_bytes(), percent_encoding::NON_ALPHANUMERIC);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(text.as_bytes()).unwrap();
    let packed = base64::engine::general_purpose::STANDARD.encode(packed.finish().unwrap());
    let file = |contents: serde_json::Value| serde_json::json!({"storage": {"files": [{"path": "/etc/y", "contents": contents}]}});
    let unit = serde_json::json!({"name": "y.service", "contents": text});
    for (name, mut config) in [
        (
            "escaped",
            file(serde_json::json!({"source": format!("data:,{escaped}")})),
        ),
        (
            "packed",
            file(serde_json::json!({
                "source": format!("data:;base64,{packed}"),
                "compression": "gzip",
            })),
        ),
        ("unit", serde_json::json!({"systemd": {"units": [unit]}})),
    ] {
        config["ignition"] = serde_json::json!({"version": "3.1.0"});
        fs::write(folder.join(format!("{name}.ign")), config.to_string()).unwrap();
    }
}

/// A file, a template, an overlay's file, a rendered overlay, an asset, a unit, an Ignition configuration; as PEM, as DER
/// and in base64.
#[test]
fn the_cas_key_is_found_wherever_it_slips_in() {
    let project = issued();
    let key = fs::read_to_string(project.dir.join("pki/ca.key")).unwrap();
    let other = fs::read_to_string(project.dir.join("pki/nodes/b/client.pem")).unwrap();
    let indent = |text: &str| {
        text.lines()
            .map(|line| format!("      {line}\n"))
            .collect::<String>()
    };
    let big = |text: &str| {
        // Across the pieces in which a big file is read.
        let mut bytes = vec![b'x'; 64 * 1024 - 100];
        bytes.extend(format!("\n{text}\n").bytes());
        bytes.extend(vec![b'y'; 100_000]);
        bytes
    };
    let overlay = project.dir.join("overlays/o/root/etc");
    fs::create_dir_all(&overlay).unwrap();
    fs::write(
        project.dir.join("overlays/o/overlay.yaml"),
        "apiVersion: nodebake/v1\nkind: Overlay\ndescription: x\n",
    )
    .unwrap();
    for (text, is_found) in [(&key, true), (&other, false)] {
        let der = project.dir.join("key.der");
        let block = text.split("-----BEGIN PRIVATE KEY-----").nth(1).unwrap();
        let base64: String = block
            .lines()
            .take_while(|line| !line.starts_with('-'))
            .collect();
        use base64::Engine;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(base64)
            .unwrap();
        fs::write(&der, bytes).unwrap();
        let asset = project.dir.join("asset");
        fs::write(&asset, big(text)).unwrap();
        use sha2::Digest;
        let digest = sha2::Sha256::digest(fs::read(&asset).unwrap());
        let digest = nodebake::model::hex(&digest);
        let cases = [
            format!("files:\n  /etc/x:\n    content: |\n{}", indent(text)),
            format!(
                "files:\n  /etc/x:\n    template: |\n{}      {{{{ node.name }}}}\n",
                indent(text)
            ),
            format!(
                "vars:\n  k: |\n{}files:\n  /etc/x: {{template: \"{{{{ vars.k }}}}\"}}\n",
                indent(text)
            ),
            "files:\n  /etc/x: {source: key.der}\n".to_owned(),
            format!(
                "files:\n  /etc/x:\n    content: |\n      client-key-data: {}\n",
                base64::engine::general_purpose::STANDARD.encode(text)
            ),
            format!("assets:\n  /etc/x: {{source: asset, sha256: {digest}}}\n"),
            "overlays: {o: {}}\n".to_owned(),
            format!("units:\n  a.service:\n    text: |\n{}", indent(text)),
            "output: {ignition: {merge: [escaped.ign]}}\n".to_owned(),
            "output: {ignition: {merge: [packed.ign]}}\n".to_owned(),
            "output: {ignition: {merge: [{source: unit.ign, secret: true}]}}\n".to_owned(),
        ];
        merged_with(&project.dir, text);
        for case in cases {
            fs::write(overlay.join("x"), text).unwrap();
            fs::write(project.dir.join("cluster.yaml"), format!("{CLUSTER}{case}")).unwrap();
            let at = nodebake::timing::rfc3339(time::OffsetDateTime::now_utc()).unwrap();
            let build = project.run(&["build", "--at", &at]);
            let said = text_of(&build);
            assert_eq!(
                said.contains("holds the CA's private key"),
                is_found,
                "{case}: {said}"
            );
            // Any other private key is for files that are declared secret, and as DER it is not recognised.
            let may_be = case.contains("secret: true") || case.contains("key.der");
            let refused = is_found || !may_be;
            assert_eq!(
                build.status.code(),
                Some(if refused { 3 } else { 0 }),
                "{case}: {said}"
            );
        }
    }
}

fn text_of(output: &std::process::Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// An elliptic key may leave out its public half; it is the CA's all the same.
#[test]
fn the_cas_key_is_found_without_its_public_half() {
    oracles::needs(["openssl"]);
    let project = issued();
    let pki = project.dir.join("pki");
    for args in [
        &["ec", "-in", "ca.key", "-no_public", "-out", "../sec1"][..],
        &[
            "pkcs8", "-topk8", "-nocrypt", "-in", "../sec1", "-out", "../pkcs8",
        ],
    ] {
        oracles::content(&pki, "openssl", args);
    }
    for name in ["sec1", "pkcs8"] {
        let with = format!("{CLUSTER}files:\n  /etc/x: {{source: {name}}}\n");
        fs::write(project.dir.join("cluster.yaml"), with).unwrap();
        let said = text(&project.run(&["check"]).stdout);
        assert!(
            said.contains("holds the CA's private key"),
            "{name}: {said}"
        );
    }
}
