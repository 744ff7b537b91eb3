//! logind ends a shutdown after five seconds unless it is told to wait longer; the kubelet's own drop-in for it may lose
//! to the distribution's.

use std::time::Duration;

use crate::kubernetes::shutdown::needed;
use crate::render::agree::{Known, location_of, text};
use crate::report::{Finding, Id};
use crate::tree::NodeTree;

/// InhibitDelayMaxSec= where nobody sets it (logind.conf(5)).
const USUAL: Duration = Duration::from_secs(5);
const FILE: &str = "/etc/systemd/logind.conf";

/// Finds a logind that waits for less than the kubelet needs.
pub(super) fn check(tree: &NodeTree, known: &Known<'_>) -> Option<Finding> {
    let (needed, field) = needed(known.config);
    let (waits, by) = match said(tree) {
        Some((path, value)) => (span(&value)?, Some((path, value))),
        None => (USUAL, None),
    };
    if needed <= waits {
        return None;
    }
    let rule = match by {
        None => format!(
            "the kubelet needs {} s, and no drop-in of {FILE}.d lets logind wait as long",
            needed.as_secs()
        ),
        Some((path, value)) => format!(
            "the kubelet needs {} s, and InhibitDelayMaxSec in {path} is {value}",
            needed.as_secs()
        ),
    };
    let repair = "use the overlay kubelet-host, or set InhibitDelayMaxSec= there";
    let location = location_of(known, field);
    Some(location.finding(Id::ShutdownDelayShort, rule).help(repair))
}

/// The value that counts, and its file: of drop-ins the last one by name.
fn said(tree: &NodeTree) -> Option<(String, String)> {
    let entries = tree.entries().iter();
    let mut files: Vec<_> = entries
        .filter(|(path, _)| {
            let path = path.as_str();
            let is_dropin = path.contains("/systemd/logind.conf.d/") && path.ends_with(".conf");
            path == FILE || is_dropin
        })
        .collect();
    files.sort_by_key(|(path, _)| (path.as_str() != FILE, path.file_name()));
    let mut values = files.into_iter().filter_map(|(path, entry)| {
        let mut lines = text(entry)?.lines();
        let value = lines.rfind(|line| line.trim_start().starts_with("InhibitDelayMaxSec="))?;
        let value = value.split_once('=')?.1.trim();
        Some((path.to_string(), value.to_owned()))
    });
    values.rfind(|(_, value)| !value.is_empty())
}

/// A span of time as systemd reads it (systemd.time(7)), as far as such a delay is written; None for other units.
fn span(text: &str) -> Option<Duration> {
    if text == "infinity" {
        return Some(Duration::MAX);
    }
    let mut seconds = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let number: f64 = rest[..rest.len() - digits.len()].parse().ok()?;
        let rest_of = digits.trim_start();
        let after = rest_of.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let factor = match &rest_of[..rest_of.len() - after.len()] {
            "" | "s" | "sec" | "second" | "seconds" => 1.0,
            "ms" | "msec" => 0.001,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hour" | "hours" => 3600.0,
            _ => return None,
        };
        seconds += number * factor;
        rest = after.trim_start();
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NodePath;
    use crate::tree::{Content, Entry, Origin};

    #[test]
    fn the_last_drop_in_by_name_counts() {
        let mut tree = NodeTree::default();
        for (path, value) in [
            ("/etc/systemd/logind.conf", "90"),
            ("/etc/systemd/logind.conf.d/50-a.conf", "30min"),
            ("/usr/lib/systemd/logind.conf.d/60-b.conf", "1min 30s"),
            ("/etc/systemd/logind.conf.d/70-c.conf", ""),
            ("/etc/systemd/logind.conf.d/99.txt", "5h"),
        ] {
            let text = format!("[Login]\nInhibitDelayMaxSec={value}\n");
            let entry = Entry::file(Content::bytes(text), 0o644, Origin("t".into()));
            let path = NodePath::parse(path).expect("a path");
            tree.add(path, entry).expect("free");
        }
        let (path, value) = said(&tree).expect("a value");
        assert_eq!(path, "/usr/lib/systemd/logind.conf.d/60-b.conf");
        assert_eq!(span(&value), Some(Duration::from_secs(90)));
        assert_eq!(span("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(span("0"), Some(Duration::ZERO));
        assert_eq!(span("1week"), None);
    }
}
