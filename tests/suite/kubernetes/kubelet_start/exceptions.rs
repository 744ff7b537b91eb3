//! Where we and a kubelet are to differ: `exceptions.txt`, a line for each: who refuses more, a text of our finding or of the
//! kubelet's answer, the minors, and why.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

/// One line.
struct Exception {
    stricter: bool,
    text: String,
    minors: RangeInclusive<u32>,
    used: bool,
}

/// All lines.
pub struct Exceptions(Vec<Exception>);

impl Exceptions {
    /// Reads the file.
    pub fn read() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/suite/kubernetes/kubelet_start/exceptions.txt");
        let text = fs::read_to_string(file).unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        let one = |line: &str| {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let [who, text, minors, reason] = parts.as_slice() else {
                panic!("who | text | minors | reason: {line}");
            };
            assert!(
                reason.len() > 20 && ["we", "kubelet"].contains(who),
                "{line}"
            );
            let (first, last) = minors.split_once('-').unwrap();
            Exception {
                stricter: *who == "we",
                text: (*text).to_owned(),
                minors: first.parse().unwrap()..=last.parse().unwrap(),
                used: false,
            }
        };
        Self(lines.map(one).collect())
    }

    /// Whether a difference is a listed one: each of our findings has its line, or the kubelet's answer has one.
    pub fn excuse(&mut self, minor: u32, ours: &[String], accepted: bool, why: &str) -> bool {
        let mut holds = |stricter: bool, said: &str| {
            let mut all = self.0.iter_mut();
            let found = all.find(|one| {
                one.stricter == stricter && one.minors.contains(&minor) && said.contains(&one.text)
            });
            found.is_some_and(|one| {
                one.used = true;
                true
            })
        };
        if accepted {
            ours.iter().all(|said| holds(true, said))
        } else {
            holds(false, why)
        }
    }

    /// The lines that no difference needed.
    pub fn idle(&self) -> Vec<&str> {
        let idle = self.0.iter().filter(|one| !one.used);
        idle.map(|one| one.text.as_str()).collect()
    }
}
