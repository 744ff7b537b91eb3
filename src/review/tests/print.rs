//! Verdicts as text, and what is no list of requests.

use std::collections::HashSet;

use crate::review::Decision::{Approve, Deny, Leave};
use crate::review::tests::{
    BY_NODE, BY_TOKEN, CLIENT, FOR_CLIENTS, FOR_SERVERS, SERVING, csr, extract, pem, review,
    verdict,
};
use crate::review::{Register, approver_settings, commands, to_text};

#[test]
fn a_strange_name_reaches_no_command_line_and_no_terminal() {
    for name in [
        "--all",
        "a b",
        "$(id)",
        "a;b",
        "-f",
        "",
        "A",
        "a\u{1b}[2J",
        "../x",
    ] {
        let verdict = verdict(csr(name, &pem("client"), BY_TOKEN, CLIENT, FOR_CLIENTS));
        assert_eq!(verdict.decision, Leave, "{name}");
        assert!(commands(std::slice::from_ref(&verdict)).is_empty());
        assert!(!to_text(&[verdict]).contains('\u{1b}'));
    }
    let hostile = "system:node:\u{1b}]0;x\u{7}\u{202e}";
    let verdict = verdict(csr("a", &pem("client"), hostile, CLIENT, FOR_CLIENTS));
    let text = to_text(std::slice::from_ref(&verdict));
    assert_eq!(verdict.decision, Deny);
    assert!(
        text.lines().count() == 2 && !text.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{text}"
    );
}

#[test]
fn verdicts_become_a_table_and_commands() {
    let verdicts = review(&[
        csr("csr-b", &pem("client"), BY_TOKEN, CLIENT, FOR_CLIENTS),
        csr("csr-a", &pem("client-of-2"), BY_TOKEN, CLIENT, FOR_CLIENTS),
        csr("csr-c", &pem("client"), "admin", CLIENT, FOR_CLIENTS),
        csr("csr-d", &pem("serving"), BY_NODE, SERVING, FOR_SERVERS),
    ]);
    assert_eq!(
        commands(&verdicts),
        [
            vec!["certificate", "approve", "csr-b", "csr-d"],
            vec!["certificate", "deny", "csr-a"]
        ]
    );
    let text = to_text(&verdicts);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("DECISION   NAME    REQUESTOR"),
        "{text}"
    );
    assert!(lines[3].contains("<none>"), "{text}");
    let columns: HashSet<_> = lines
        .iter()
        .map(|line| line.find("csr-").unwrap_or(11))
        .collect();
    assert_eq!(columns, HashSet::from([11]), "{text}");
}

#[test]
fn what_is_no_list_of_requests_is_refused() {
    let extract = extract();
    let register = Register::new(&extract);
    for text in [
        "",
        "[]",
        "{}",
        r#"{"kind": "Pod", "apiVersion": "v1", "metadata": {}, "spec": {}}"#,
        r#"{"items": [{"kind": "Pod", "metadata": {}, "spec": {}}]}"#,
        r#"{"items": [{"apiVersion": "v1", "metadata": {}, "spec": {}}]}"#,
        r#"{"items": [{}]}"#,
    ] {
        let refused = register.review(text.as_bytes(), "dump").unwrap_err();
        assert!(
            format!("{refused:#}").starts_with("reading dump: "),
            "{refused:#}"
        );
    }
    let none = register.review(br#"{"kind": "List", "items": []}"#.as_slice(), "dump");
    assert_eq!(none.unwrap(), []);
    let single = csr("csr-1", &pem("client"), BY_TOKEN, CLIENT, FOR_CLIENTS).to_string();
    let verdicts = register.review(single.as_bytes(), "dump").unwrap();
    assert_eq!(verdicts[0].decision, Approve);
}

#[test]
fn an_approver_in_the_cluster_knows_the_inventorys_nodes_and_no_others() {
    let addresses = ["10.0.0.2", "10.0.0.3", "10.0.0.5", "fd00::1"].map(|ip| ip.parse().unwrap());
    let text = approver_settings(["gpu-1.example.com", "edge-001"], addresses);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        lines,
        [
            r#"providerRegex: "^(edge-001|gpu-1\\.example\\.com)$""#,
            "providerIpPrefixes:",
            r#"- "10.0.0.2/31""#,
            r#"- "10.0.0.5/32""#,
            r#"- "fd00::1/128""#,
            "ignoreNonSystemNode: true"
        ]
    );
    let text = approver_settings(["a"], []);
    assert!(
        text.contains("providerIpPrefixes: []\n")
            && text.contains("# The inventory has no addresses")
    );
}
