//! Our rules of names, durations and quantities against upstream's own code, on texts made of their stumbling blocks.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use nodebake::kubernetes::{names, value};

use crate::support::oracles;

/// What texts are made of.
const PIECES: [&str; 37] = [
    "",
    "0",
    "1",
    "5",
    "12",
    "99999999",
    ".",
    "-",
    "+",
    "_",
    "/",
    " ",
    "%",
    "e",
    "E",
    "e3",
    "s",
    "m",
    "h",
    "ms",
    "us",
    "µs",
    "ns",
    "Mi",
    "Gi",
    "k",
    "K",
    "T",
    "a",
    "Z",
    "-x",
    ".y",
    "example.com",
    "node.kubernetes.io",
    "é",
    "\n",
    "sixty-three-characters-are-the-longest-that-a-label-value-may-h",
];

/// 20,000 texts of up to six pieces, always the same: a linear congruential generator with a fixed seed.
fn texts() -> Vec<String> {
    let mut state: u64 = 7;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % below
    };
    (0..20_000)
        .map(|_| {
            let pieces = next(7);
            (0..pieces).map(|_| PIECES[next(PIECES.len())]).collect()
        })
        .collect()
}

/// One line for each text, of upstream's code.
fn upstream(texts: &[String]) -> Vec<String> {
    let mut child = oracles::command(Path::new("/"), "kubernetes-rules")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: Vec<String> = texts
        .iter()
        .map(|text| serde_json::to_string(text).unwrap())
        .collect();
    // From a thread of its own: with both pipes full, each side would wait for the other.
    let writer = std::thread::spawn(move || input.write_all((lines.join("\n") + "\n").as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    let answers = String::from_utf8(output.stdout).unwrap();
    answers.lines().map(str::to_owned).collect()
}

#[test]
fn our_rules_are_upstreams() {
    oracles::needs(["kubernetes-rules"]);
    let texts = texts();
    let answers = upstream(&texts);
    assert_eq!(texts.len(), answers.len());
    let mut accepted = [0_usize; 5];
    for (text, answer) in texts.iter().zip(&answers) {
        let fields: Vec<&str> = answer.split(' ').collect();
        check_duration(text, fields[0]);
        let quantity = value::quantity(text).is_ok();
        // Upstream also takes quantities without a digit, like "Mi" for zero; we call that a mistake.
        let digits = text
            .trim_start_matches(['+', '-', '.'])
            .starts_with(|c: char| c.is_ascii_digit());
        assert!(!quantity || fields[1] == "1", "quantity {text:?}: {answer}");
        assert!(
            quantity || fields[1] == "0" || !digits,
            "quantity {text:?}: {answer}"
        );
        for (field, ours) in [
            (2, names::subdomain(text)),
            (3, names::label_key(text)),
            (4, names::label_value(text)),
        ] {
            let ours_text = if ours.is_ok() { "1" } else { "0" };
            assert_eq!(ours_text, fields[field], "{field} of {text:?}: {ours:?}");
        }
        for (count, field) in accepted.iter_mut().zip(&fields) {
            *count += usize::from(*field != "0" && *field != "-");
        }
    }
    // The texts are of use only if many are right, and many are wrong.
    assert!(
        accepted.iter().all(|count| (50..15_000).contains(count)),
        "{accepted:?}"
    );
}

/// Durations agree in value; negative ones are zero to us (see `value::duration`). Ours are rounded.
fn check_duration(text: &str, nanoseconds: &str) {
    match (value::duration(text), nanoseconds.parse::<i64>()) {
        (Ok(ours), Ok(theirs)) => {
            let theirs = theirs.max(0) as f64;
            let off = (ours.as_nanos() as f64 - theirs).abs();
            assert!(
                off <= 1.0 + theirs / 1e6,
                "duration {text:?}: {ours:?} {nanoseconds}"
            );
        }
        (ours, theirs) => assert_eq!(ours.is_ok(), theirs.is_ok(), "duration {text:?}: {ours:?}"),
    }
}
