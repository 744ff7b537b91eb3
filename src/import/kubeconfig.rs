//! Kubeconfigs: the administrator's own, of which only the cluster is taken, and those inside cluster-info and kube-proxy's
//! ConfigMap. Users, their keys and tokens are never looked at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::identity::{blocks, push_block};
use crate::import::facts::Facts;
use crate::import::values::{at, invalid, items, text};
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::yaml::Located;

const CERTIFICATE: &str = "CERTIFICATE";

/// Takes the current context's cluster of what `kubectl config view --raw --minify` prints.
pub fn of_client(tree: &Located, facts: &mut Facts, report: &mut Report) {
    let source = "kubectl config view";
    let contexts = items(tree, &["contexts"]);
    let current = text(tree, &["current-context"]).unwrap_or_default();
    let context = contexts
        .iter()
        .find(|at| text(at, &["name"]) == Some(current));
    let named = context.and_then(|context| text(context, &["context", "cluster"]));
    let clusters = items(tree, &["clusters"]);
    let found = clusters
        .iter()
        .find(|at| named.is_some() && text(at, &["name"]) == named)
        .or_else(|| clusters.first().filter(|_| clusters.len() == 1));
    let Some(found) = found else {
        let rule = "the kubeconfig names no current cluster";
        let finding = invalid(&tree.location, "clusters", rule);
        report.add(finding.help("print it with `kubectl config view --raw --minify`"));
        return;
    };
    let Some(cluster) = found.get("cluster") else {
        return;
    };
    // The kubeconfigs of a control plane's own programs and kubelets name the API server beside them.
    let user = context.and_then(|context| text(context, &["context", "user"]));
    let is_program = user.is_some_and(|user| user.starts_with("system:") || user == "default-auth");
    if is_program {
        let data = cluster.get("certificate-authority-data");
        if let Some((data, at)) = data.and_then(|at| Some((at.as_str()?, &at.location))) {
            add_encoded(5, data, (at, "a kubeconfig"), facts, report);
        }
        return;
    }
    if let Some(name) = named.filter(|name| *name != "kubernetes") {
        facts.name.add(1, name.to_owned(), &found.location, source);
    }
    if let Some(server) = cluster.get("server") {
        add_url(3, server, source, facts);
    }
    for key in ["proxy-url", "tls-server-name", "insecure-skip-tls-verify"] {
        if let Some(at) = cluster.get(key) {
            let rule = format!("kubectl reaches the API server with {key}; nodes do without");
            let finding = Finding::new(Id::ImportDisagreement, &at.location, key, rule);
            report.add(finding.help("compare apiServer.url with what nodes can reach"));
        }
    }
    let data = cluster.get("certificate-authority-data");
    match data.and_then(|at| Some((at.as_str()?, &at.location))) {
        Some((data, location)) => add_encoded(1, data, (location, source), facts, report),
        None => {
            if let Some(file) = cluster.get("certificate-authority") {
                let rule = "the CA is in a file that is not part of the output";
                let finding = invalid(&file.location, "certificate-authority", rule);
                report.add(
                    finding.help("print it with `kubectl config view --raw --minify --flatten`"),
                );
            }
        }
    }
}

/// Takes what ConfigMap cluster-info says to nodes that join.
pub fn of_cluster_info(tree: &Located, facts: &mut Facts, report: &mut Report) {
    let source = "ConfigMap cluster-info";
    let Some(cluster) = items(tree, &["clusters"])
        .first()
        .and_then(|at| at.get("cluster"))
    else {
        report.add(invalid(&tree.location, "clusters", "there is no cluster"));
        return;
    };
    if let Some(server) = cluster.get("server") {
        add_url(0, server, source, facts);
    }
    let data = cluster.get("certificate-authority-data");
    if let Some((data, at)) = data.and_then(|at| Some((at.as_str()?, &at.location))) {
        add_encoded(0, data, (at, source), facts, report);
    }
}

/// Takes the server that kube-proxy talks to.
pub fn of_kube_proxy(tree: &Located, facts: &mut Facts) {
    let cluster = items(tree, &["clusters"]).first();
    if let Some(server) = cluster.and_then(|cluster| at(cluster, &["cluster", "server"])) {
        add_url(2, server, "ConfigMap kube-proxy", facts);
    }
}

fn add_url(rank: u8, server: &Located, source: &str, facts: &mut Facts) {
    if let Some(url) = server.as_str().filter(|url| !url.is_empty()) {
        let url = url.trim().trim_end_matches('/').to_owned();
        facts.url.add(rank, url, &server.location, source);
    }
}

fn add_encoded(
    rank: u8,
    data: &str,
    (at, source): (&Location, &str),
    facts: &mut Facts,
    report: &mut Report,
) {
    if matches!(data, "DATA+OMITTED" | "REDACTED") {
        let finding = invalid(at, "certificate-authority-data", "kubectl left the CA out");
        report.add(finding.help("print it with `kubectl config view --raw --minify --flatten`"));
        return;
    }
    let text: String = data.split_whitespace().collect();
    let decoded = STANDARD.decode(text).ok();
    match decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(pem) => add_ca(rank, &pem, at, source, facts, report),
        None => report.add(invalid(
            at,
            "certificate-authority-data",
            "must be base64 of PEM",
        )),
    }
}

/// Takes CA certificates: the certificates only, whatever else is in the text.
pub fn add_ca(
    rank: u8,
    pem: &str,
    at: &Location,
    source: &str,
    facts: &mut Facts,
    report: &mut Report,
) {
    let certificates = certificates(pem);
    if certificates.is_empty() {
        report.add(invalid(at, "", "must have a certificate in PEM"));
        return;
    }
    facts.ca.add(rank, certificates, at, source);
}

/// The certificates of a text, written again: nothing else of it gets into the project.
pub fn certificates(pem: &str) -> String {
    let mut found = String::new();
    for block in blocks(pem) {
        if let Some(der) = block.decode().filter(|_| block.label == CERTIFICATE) {
            push_block(&mut found, CERTIFICATE, &der);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_are_taken() {
        let one = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PRIVATE KEY-----\n";
        assert_eq!(
            certificates(&format!("# a\n{one}{key}{one}")),
            format!("{one}{one}")
        );
        assert_eq!(certificates(key), "");
        assert_eq!(certificates("-----BEGIN CERTIFICATE-----\nYQ=="), "");
    }
}
