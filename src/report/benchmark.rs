//! Rules of security benchmarks by their numbers, as `findings` of a project names them beside findings. The rules are in
//! the room `policy`, which compares its tables with these names.

use std::fmt;
use std::str::FromStr;

use crate::closest::closest;
use crate::report::Id;

/// CIS 1.12 and 2.0, section 4, which have the same numbers; then the Kubernetes STIG V2R4.
const NAMES: [&str; 58] = [
    "cis-4.1.1",
    "cis-4.1.2",
    "cis-4.1.3",
    "cis-4.1.4",
    "cis-4.1.5",
    "cis-4.1.6",
    "cis-4.1.7",
    "cis-4.1.8",
    "cis-4.1.9",
    "cis-4.1.10",
    "cis-4.2.1",
    "cis-4.2.2",
    "cis-4.2.3",
    "cis-4.2.4",
    "cis-4.2.5",
    "cis-4.2.6",
    "cis-4.2.7",
    "cis-4.2.8",
    "cis-4.2.9",
    "cis-4.2.10",
    "cis-4.2.11",
    "cis-4.2.12",
    "cis-4.2.13",
    "cis-4.2.14",
    "cis-4.3.1",
    "V-242387",
    "V-242391",
    "V-242392",
    "V-242393",
    "V-242394",
    "V-242396",
    "V-242397",
    "V-242398",
    "V-242399",
    "V-242404",
    "V-242406",
    "V-242407",
    "V-242408",
    "V-242420",
    "V-242424",
    "V-242425",
    "V-242434",
    "V-242443",
    "V-242447",
    "V-242448",
    "V-242449",
    "V-242450",
    "V-242451",
    "V-242452",
    "V-242453",
    "V-242454",
    "V-242455",
    "V-242456",
    "V-242457",
    "V-242466",
    "V-242467",
    "V-245541",
    "V-254801",
];

/// A rule of a benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BenchmarkRule(&'static str);

impl BenchmarkRule {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().map(Self)
    }

    /// The rule that has a number in its benchmark: `4.2.6`, `V-242397`.
    pub fn of_number(number: &str) -> Option<Self> {
        Self::all().find(|rule| rule.number() == number)
    }

    /// Its number in its benchmark.
    pub fn number(self) -> &'static str {
        self.0.strip_prefix("cis-").unwrap_or(self.0)
    }
}

impl fmt::Display for BenchmarkRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What a project gives a level: a finding, or a rule of a benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leveled {
    /// A finding.
    Finding(Id),
    /// A rule of a benchmark.
    Rule(BenchmarkRule),
}

impl From<Id> for Leveled {
    fn from(id: Id) -> Self {
        Self::Finding(id)
    }
}

impl fmt::Display for Leveled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finding(id) => id.fmt(f),
            Self::Rule(rule) => rule.fmt(f),
        }
    }
}

impl FromStr for Leveled {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(rule) = BenchmarkRule::all().find(|rule| rule.0 == text) {
            return Ok(Self::Rule(rule));
        }
        let finding = text.parse().map(Self::Finding);
        // A number that somebody took from a report is nearer to rules than to findings.
        let own = text.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-');
        let is_number = own.starts_with(|c: char| c.is_ascii_digit())
            && own.chars().all(|c| c.is_ascii_digit() || c == '.');
        if finding.is_ok() || !is_number {
            return finding;
        }
        let meant = BenchmarkRule::all().find(|rule| rule.0.ends_with(&format!("-{own}")));
        let meant = meant
            .map(|rule| rule.0)
            .or_else(|| closest(text, NAMES.into_iter()));
        Err(match meant {
            Some(meant) => format!("no benchmark has this rule; did you mean {meant}?"),
            None => "no benchmark has this rule; `nodebake check --policy cis` and `--policy stig` list theirs".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_findings_are_told_apart() {
        for name in NAMES {
            let rule = match name.parse() {
                Ok(Leveled::Rule(rule)) => rule,
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(rule.to_string(), name);
            assert_eq!(BenchmarkRule::of_number(rule.number()), Some(rule));
        }
        for id in Id::all() {
            assert_eq!(id.as_str().parse(), Ok(Leveled::Finding(id)));
        }
        for (text, said) in [
            ("4.2.6", "did you mean cis-4.2.6?"),
            ("CIS-4.2.6", "did you mean cis-4.2.6?"),
            ("cis4.2.6", "did you mean cis-4.2.6?"),
            ("v-242397", "did you mean V-242397?"),
            ("242397", "did you mean V-242397?"),
            ("cis-4.9.9", "no benchmark has this rule"),
            ("kubelet-anonymos", "did you mean kubelet-anonymous?"),
        ] {
            let error = text.parse::<Leveled>().expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
