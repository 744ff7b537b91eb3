//! Why a test was not asked, for its line and for the count at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Why a test cannot be asked here, or not in full. In this order a test with several is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Left to a target of the Makefile, which builds the oracle for minutes.
    Target {
        target: &'static str,
        oracle: String,
    },
    /// The machine cannot do it.
    Machine(String),
    /// A program that `make oracles` installs.
    Program(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target { target, oracle } => write!(f, "{oracle}: only `make {target}` asks"),
            Self::Machine(what) => f.write_str(what),
            Self::Program(program) => write!(f, "{program} is not installed"),
        }
    }
}

impl Reason {
    /// The heading under which a test is counted.
    fn heading(&self) -> String {
        match self {
            Self::Target { target, .. } => format!("only `make {target}` asks"),
            Self::Machine(what) => what.clone(),
            Self::Program(_) => "lacks a program that `make oracles` installs".to_owned(),
        }
    }
}

/// A test that was not asked in full.
#[derive(Clone)]
pub struct Ignored {
    /// Whether some of it was asked.
    pub in_part: bool,
    /// Why; there is one at least.
    pub reasons: BTreeSet<Reason>,
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<String> = self.reasons.iter().map(Reason::to_string).collect();
        let part = if self.in_part { "in part: " } else { "" };
        write!(f, "{part}{}", reasons.join(", "))
    }
}

/// How many tests were asked in full, and how many were not, by reason. Each test is counted once.
pub fn summary(in_full: u64, ignored: &[Ignored]) -> String {
    let part = ignored.iter().filter(|test| test.in_part).count();
    let mut lines = format!(
        "suite: {in_full} ran, {part} ran in part, {} were not asked",
        ignored.len() - part
    );
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut programs = BTreeSet::new();
    for reason in ignored.iter().flat_map(|test| test.reasons.first()) {
        *counts.entry(reason.heading()).or_default() += 1;
    }
    for reason in ignored.iter().flat_map(|test| &test.reasons) {
        if let Reason::Program(program) = reason {
            programs.insert(program.as_str());
        }
    }
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (heading, count) in counts {
        lines += &format!("\n{count:6}  {heading}");
    }
    if !programs.is_empty() {
        let programs: Vec<&str> = programs.into_iter().collect();
        lines += &format!("\nmissing: {}", programs.join(", "));
    }
    lines
}

#[test]
fn each_test_that_was_not_asked_is_counted_once_by_its_first_reason() {
    let program = |name: &str| Reason::Program(name.to_owned());
    let boots = || Reason::Target {
        target: "boots",
        oracle: "QEMU".to_owned(),
    };
    let ignored = |in_part, reasons: &[Reason]| Ignored {
        in_part,
        reasons: reasons.iter().cloned().collect(),
    };
    let tests = [
        ignored(false, &[program("age"), boots()]),
        ignored(true, &[boots()]),
        ignored(false, &[program("kubectl")]),
    ];
    assert_eq!(
        summary(4, &tests),
        "suite: 4 ran, 1 ran in part, 2 were not asked\n     2  only `make boots` asks\n     \
         1  lacks a program that `make oracles` installs\nmissing: age, kubectl"
    );
    assert_eq!(
        tests[0].to_string(),
        "QEMU: only `make boots` asks, age is not installed"
    );
    assert_eq!(
        tests[1].to_string(),
        "in part: QEMU: only `make boots` asks"
    );
    assert_eq!(
        summary(4, &[]),
        "suite: 4 ran, 0 ran in part, 0 were not asked"
    );
}
