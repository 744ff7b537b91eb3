//! `node-labels.sh`: annotations, and the labels and taints that only an administrator may set, because the API server refuses them to
//! a kubelet. No Node objects: one that is there before its kubelet registers makes the kubelet drop its own labels
//! and taints.

use std::io::Write;

use crate::error::Result;
use crate::wording::shell_quoted;

/// What an administrator sets on one node.
#[derive(Clone, Debug, Default)]
pub struct NodeMarks<'a> {
    /// The node.
    pub node: &'a str,
    /// Labels, key and value.
    pub labels: Vec<(&'a str, &'a str)>,
    /// Annotations, key and value.
    pub annotations: Vec<(&'a str, &'a str)>,
    /// Taints.
    pub taints: Vec<Taint<'a>>,
}

/// One taint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taint<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its value; may be empty.
    pub value: &'a str,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: &'a str,
}

/// A node that is absent must not keep the others from their labels, and must not go unnoticed either: all lines are
/// tried, then the script fails. It may be run again at any time.
const HEAD: &str = r#"#!/bin/sh
# Labels, annotations and taints that a kubelet does not give to its own node. Run it when the nodes have joined; it may be run
# again. It fails if a node is absent, after all others have been done.
# KUBECTL: the program, with options of its own if need be, like KUBECTL="kubectl --context prod".
set -uf
failed=0

mark() {
    # Unquoted for the options in it; without standard input, which may be this very script.
    ${KUBECTL:-kubectl} "$@" </dev/null || {
        printf 'node-labels.sh: not done: kubectl %s\n' "$*" >&2
        failed=$((failed + 1))
    }
}

"#;

const TAIL: &str = r#"
if [ "$failed" -ne 0 ]; then
    printf 'node-labels.sh: %s not done\n' "$failed" >&2
    exit 1
fi
"#;

/// Writes the script; nodes without marks get no line.
pub fn write_node_labels<'a>(
    out: &mut dyn Write,
    nodes: impl IntoIterator<Item = NodeMarks<'a>>,
) -> Result<()> {
    out.write_all(HEAD.as_bytes())?;
    let mut line = String::new();
    for marks in nodes {
        line.clear();
        for (verb, pairs) in [("label", &marks.labels), ("annotate", &marks.annotations)] {
            if pairs.is_empty() {
                continue;
            }
            begin(&mut line, verb, marks.node);
            for (key, value) in pairs {
                push_word(&mut line, &[key, "=", value]);
            }
            line.push('\n');
        }
        if !marks.taints.is_empty() {
            begin(&mut line, "taint", marks.node);
            for taint in &marks.taints {
                let equals = if taint.value.is_empty() { "" } else { "=" };
                push_word(
                    &mut line,
                    &[taint.key, equals, taint.value, ":", taint.effect],
                );
            }
            line.push('\n');
        }
        out.write_all(line.as_bytes())?;
    }
    Ok(out.write_all(TAIL.as_bytes())?)
}

fn begin(line: &mut String, verb: &str, node: &str) {
    line.push_str("mark ");
    line.push_str(verb);
    line.push_str(" node");
    push_word(line, &[node]);
    line.push_str(" --overwrite");
}

/// Appends a blank and one word that the shell takes as it is.
fn push_word(line: &mut String, parts: &[&str]) {
    line.push(' ');
    line.push_str(&shell_quoted(&parts.concat()));
}
