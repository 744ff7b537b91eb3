//! What systemd knows in unit files: sections, keys, the type of each value, the first release that has it. A table made
//! from what systemd itself prints (tests/oracle/systemd-keys).

use std::collections::HashMap;
use std::sync::OnceLock;

const TABLE: &str = include_str!("keys.txt");

/// Sections that units of every type may have.
const COMMON: [&str; 2] = ["Unit", "Install"];

/// How systemd names the type of a value, as far as values are checked here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// A command line.
    Exec,
    /// `yes`, `no` and their likes.
    Boolean,
    /// A span of time.
    Seconds,
    /// Names of units.
    Units,
    /// Assignments of environment variables.
    Environment,
    /// A whole number.
    Unsigned,
    /// `Type=` of a service.
    ServiceType,
    /// `Restart=` of a service.
    Restart,
    /// `KillMode=`.
    KillMode,
    /// Text or paths in which specifiers are expanded.
    Text,
    /// Anything else; it is not looked at.
    Other,
}

/// One key of a section.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// What it takes.
    pub value: ValueType,
}

type Sections = HashMap<&'static str, HashMap<&'static str, Key>>;

fn sections() -> &'static Sections {
    static SECTIONS: OnceLock<Sections> = OnceLock::new();
    SECTIONS.get_or_init(|| {
        let mut sections = Sections::new();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut parts = line.split('\t');
            if let (Some(section), Some(key), Some(value)) =
                (parts.next(), parts.next(), parts.next())
            {
                let value = match section {
                    "Install" if key != "DefaultInstance" => ValueType::Units,
                    _ => value_type(key, value),
                };
                let keys = sections.entry(section).or_default();
                keys.insert(key, Key { value });
            }
        }
        sections
    })
}

fn value_type(key: &str, name: &str) -> ValueType {
    match name {
        "PATH [ARGUMENT [...]]" => ValueType::Exec,
        "BOOLEAN" => ValueType::Boolean,
        // TimeoutSec= and its kin take "infinity" too, which is a span here.
        "SECONDS" => ValueType::Seconds,
        "UNIT [...]" | "UNIT" => ValueType::Units,
        "ENVIRON" => ValueType::Environment,
        "UNSIGNED" => ValueType::Unsigned,
        "SERVICETYPE" => ValueType::ServiceType,
        "SERVICERESTART" => ValueType::Restart,
        "KILLMODE" => ValueType::KillMode,
        "STRING" | "URL" | "PATH" | "PATH [...]" | "FILE" => ValueType::Text,
        "CONDITION" if key.contains("Path") || key.contains("File") => ValueType::Text,
        _ => ValueType::Other,
    }
}

/// The sections of a type of unit (`service`): those of all and the type's own, if it has one.
pub fn sections_of(unit_type: &str) -> Vec<&'static str> {
    let own = sections()
        .keys()
        .find(|section| section.eq_ignore_ascii_case(unit_type));
    COMMON.into_iter().chain(own.copied()).collect()
}

/// One key of a section.
pub fn key(section: &str, name: &str) -> Option<Key> {
    sections().get(section)?.get(name).copied()
}

/// Every section and key, with the release of systemd that is known to have it.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str, u32)> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let mut parts = line.split('\t');
        let (section, key) = (parts.next()?, parts.next()?);
        Some((section, key, parts.nth(1)?.parse().ok()?))
    })
}

/// The known keys of a section.
pub fn known(section: &str) -> impl Iterator<Item = &'static str> {
    let keys = sections().get(section).into_iter();
    keys.flat_map(|keys| keys.keys().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_unit_has_its_section() {
        for (unit_type, section) in [
            ("service", "Service"),
            ("timer", "Timer"),
            ("automount", "Automount"),
        ] {
            assert_eq!(sections_of(unit_type), ["Unit", "Install", section]);
        }
        assert_eq!(sections_of("target"), COMMON);
    }

    #[test]
    fn keys_of_old_and_new_releases_are_known() {
        for (section, name, value) in [
            ("Service", "ExecStart", ValueType::Exec),
            ("Socket", "ExecStartPre", ValueType::Exec),
            ("Unit", "After", ValueType::Units),
            ("Service", "RestartSec", ValueType::Seconds),
            ("Install", "WantedBy", ValueType::Units),
            ("Service", "RestartSteps", ValueType::Unsigned),
        ] {
            assert_eq!(key(section, name).expect(name).value, value, "{name}");
        }
        assert!(key("Service", "After").is_none());
    }
}
