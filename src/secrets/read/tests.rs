use super::*;
use crate::model::Location;

const GOOD: &str = "apiVersion: nodebake/v1
kind: Secrets
tokens:
  node-a:
    - {id: 1e3456, secret: 0123456789012345, epoch: 1, created: 2026-11-24T15:00:00Z, expires: 2026-11-25T15:00:00Z}
    - {id: '0644ab', secret: abcdefghijklmnop, epoch: 2, created: 2026-11-24T15:00:00Z, expires: 2026-11-25T15:00:00Z, description: 'two: \"2\"'}
  1e3: # a node's name may look like a number
    - id: 123456
      secret: 00000000000000e1
      epoch: 7
      created: 2026-11-24T16:00:00+01:00
      expires: '2026-11-25T15:00:00Z'
  empty: []
";

fn parse(text: &str) -> (TokenStore, String) {
    let mut report = Report::default();
    let store = TokenStore::read(
        &mut text.as_bytes(),
        "s.yaml",
        &Keys::default(),
        &mut report,
    )
    .unwrap();
    assert_eq!(store.is_partial, report.has_errors());
    (store, report.to_string())
}

fn facts(store: &TokenStore) -> Vec<String> {
    let line = |node: &str, t: &Token| {
        let bearer = t.bearer();
        let text = format!(
            "{node} {} {} {} {}",
            bearer.expose(),
            t.epoch,
            t.created,
            t.expires
        );
        format!("{text} {}", t.description)
    };
    let nodes = store.iter();
    nodes
        .flat_map(|(node, tokens)| tokens.iter().map(move |token| line(node, token)))
        .collect()
}

#[test]
fn what_looks_like_a_number_stays_text_there_and_back() {
    let (store, findings) = parse(GOOD);
    assert_eq!(findings, "");
    let first = facts(&store);
    assert_eq!(first.len(), 3);
    assert!(
        first[0].starts_with("1e3 123456.00000000000000e1 7 2026-11-24 15:00:00.0 +00"),
        "{first:?}"
    );
    assert!(
        first[1].starts_with("node-a 1e3456.0123456789012345 1 "),
        "{first:?}"
    );
    let text = store.to_yaml().unwrap();
    let (again, findings) = parse(&text);
    assert_eq!(findings, "");
    assert_eq!(facts(&again), first);
    assert_eq!(*again.to_yaml().unwrap(), *text);
    assert!(
        text.contains("    - id: \"1e3456\"\n      secret: \"0123456789012345\"\n      epoch: 1\n"),
        "{}",
        *text
    );
    assert_eq!(
        store.newest("1e3").unwrap().location,
        Some(Location::new("s.yaml", 8, 7))
    );
}

#[test]
fn an_empty_store_is_read_back() {
    let (store, findings) = parse(&TokenStore::new("x").to_yaml().unwrap());
    assert_eq!((findings.as_str(), store.iter().count()), ("", 0));
}

/// Each case changes one thing of the good text; the finding must start and go on as given.
#[test]
fn each_fault_is_found_at_its_location_and_no_secret_is_repeated() {
    for (from, to, location, rule) in [
        (
            "nodebake/v1",
            "nodebake/v2",
            "s.yaml:1:13: apiVersion: ",
            "must be nodebake/v1",
        ),
        ("kind: Secrets\n", "", "s.yaml: kind: ", "must be Secrets"),
        ("kind:", "extra: 1\nkind:", "s.yaml:2:1: ", "unknown key"),
        (
            "id: 123456",
            "id: 12345",
            "s.yaml:8:11: tokens.1e3[0].id: ",
            "must be six",
        ),
        (
            "id: 123456",
            "id: ABCDEF",
            "s.yaml:8:11: tokens.1e3[0].id: ",
            "must be six",
        ),
        (
            "secret: 00000000000000e1",
            "secret: 00000000000000e",
            "s.yaml:9:15: tokens.1e3[0].secret: ",
            "must be sixteen",
        ),
        (
            "epoch: 7",
            "epoch: 0",
            "s.yaml:10:14: tokens.1e3[0].epoch: ",
            "must be a whole number",
        ),
        (
            "epoch: 7\n",
            "epoch: 7\n      exipres: 1\n",
            "s.yaml:11:7: tokens.1e3[0]: ",
            "unknown key",
        ),
        (
            "      epoch: 7\n",
            "",
            "s.yaml:8:7: tokens.1e3[0].epoch: ",
            "is missing",
        ),
        (
            "epoch: 2",
            "epoch: 1",
            "s.yaml:6:7: tokens.node-a[1].epoch: ",
            "epochs must rise",
        ),
        (
            "'0644ab'",
            "123456",
            "s.yaml:8:11: tokens.1e3[0].id: ",
            "the id 123456 is already there at s.yaml:6:12",
        ),
        (
            "'2026-11-25T15:00:00Z'",
            "tomorrow",
            "s.yaml:12:16: tokens.1e3[0].expires: ",
            "must be an RFC 3339 time",
        ),
        (
            "'2026-11-25T15:00:00Z'",
            "2026-11-24T15:00:00Z",
            "s.yaml:12:16: tokens.1e3[0].expires: ",
            "must be later",
        ),
        (
            "epoch: 7\n",
            "epoch: 7\n      until: 2026-11-25T15:00:01Z\n",
            "s.yaml:11:14: tokens.1e3[0].until: ",
            "must be later than created and not later than expires",
        ),
        (
            "epoch: 7\n",
            "epoch: 7\n      revoked: yes\n",
            "s.yaml:11:16: tokens.1e3[0].revoked: ",
            "must be an RFC 3339 time",
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let (_, findings) = parse(&GOOD.replacen(from, to, 1));
        assert!(
            findings.starts_with(&format!("error: {location}{rule}")),
            "{to}: {findings}"
        );
        assert_eq!(findings.lines().count(), 1, "{findings}");
        assert_hides_secrets(&findings);
    }
}

#[test]
fn all_faults_come_in_one_run() {
    let text = GOOD.replace("id: ", "id: X").replace("epoch: ", "epoch: y");
    let (store, findings) = parse(&text);
    assert_eq!(findings.lines().count(), 6, "{findings}");
    assert!(facts(&store).is_empty());
    assert_hides_secrets(&findings);
}

/// Each of these makes the YAML reader itself complain, some of them by quoting what they stumbled over.
#[test]
fn a_complaint_of_the_yaml_reader_repeats_no_secret() {
    for (from, to, location) in [
        (
            "secret: 00000000000000e1",
            "secret: \"00000000000000e1",
            "s.yaml:9:",
        ),
        (
            "secret: 00000000000000e1",
            "secret: *00000000000000e1",
            "s.yaml:9:",
        ),
        (
            "secret: 00000000000000e1",
            "00000000000000e1: x\n      00000000000000e1: y",
            "s.yaml:10:",
        ),
        (
            "secret: 00000000000000e1",
            "secret: !00000000000000e1",
            "s.yaml",
        ),
        (
            "secret: 00000000000000e1",
            "secret: !00000000000000e1 {00000000000000e1",
            "s.yaml",
        ),
        (
            "secret: 00000000000000e1",
            "secret: [00000000000000e1]",
            "s.yaml:9:",
        ),
        (
            "secret: 00000000000000e1",
            "secret: {00000000000000e1: 1}",
            "s.yaml:9:",
        ),
        ("secret: 00000000000000e1", "00000000000000e1", "s.yaml:9:"),
        (
            "secret: 00000000000000e1",
            "secret: @00000000000000e1",
            "s.yaml:9:",
        ),
        (
            "secret: 00000000000000e1",
            "secret: `00000000000000e1",
            "s.yaml:9:",
        ),
        (
            "secret: 00000000000000e1",
            "secret: \"\\q00000000000000e1\"",
            "s.yaml:9:",
        ),
        (
            "secret: 00000000000000e1",
            "secret: |00000000000000e1",
            "s.yaml:9:",
        ),
        (
            "secret: 00000000000000e1",
            "secret: !!int 00000000000000e1",
            "s.yaml:9:",
        ),
        (
            "secret: 00000000000000e1",
            "secret: !!binary 00000000000000e1",
            "s.yaml:9:",
        ),
        ("  1e3: #", "  00000000000000e1\n  1e3: #", "s.yaml"),
        ("tokens:\n", "tokens: 00000000000000e1\n", "s.yaml"),
        ("tokens:\n", "00000000000000e1\ntokens:\n", "s.yaml"),
        ("  node-a:\n", "\tnode-a:\n", "s.yaml"),
        (
            "epoch: 7\n",
            "epoch: 7\n      secret: x\n",
            "s.yaml:11:7: the key secret is there twice",
        ),
        ("  empty: []\n", "  node-a: []\n", "s.yaml"),
        ("  empty: []\n", "---\na: 1\n", "s.yaml"),
        ("  empty: []\n", "  empty: [00000000000000e1]\n", "s.yaml"),
        ("  empty: []\n", "  empty: 00000000000000e1\n", "s.yaml"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let (_, findings) = parse(&GOOD.replacen(from, to, 1));
        assert!(
            findings.starts_with(&format!("error: {location}")),
            "{to}: {findings}"
        );
        assert_hides_secrets(&findings);
    }
    let (_, findings) = parse("");
    assert!(findings.contains("apiVersion"), "{findings}");
    let mut report = Report::default();
    TokenStore::parse(b"a: \xff\n", "s.yaml", &mut report);
    assert_eq!(
        report.to_string(),
        "error: s.yaml: the file must be UTF-8 text\n"
    );
}

fn assert_hides_secrets(findings: &str) {
    for part in ["0000000", "0123456789", "abcdefgh"] {
        assert!(!findings.contains(part), "{findings}");
    }
}
