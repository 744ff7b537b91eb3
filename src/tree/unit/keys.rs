//! What systemd knows in unit files: sections, keys, the parser of each value, the first release that has it. A table
//! made from what systemd itself prints, and from its source (tests/oracle/systemd-keys).

use std::collections::HashMap;
use std::sync::OnceLock;

const TABLE: &str = include_str!("keys.txt");

/// Sections that units of every type may have.
const COMMON: [&str; 2] = ["Unit", "Install"];

/// One key of a section.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Which function of systemd reads the value: `config_parse_` without that (src/core/load-fragment.c).
    pub parser: &'static str,
    /// What the function is told beside the value, where that matters: `RLIMIT_NOFILE`.
    pub more: &'static str,
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
                let (parser, more) = value.split_once(':').unwrap_or((value, ""));
                let keys = sections.entry(section).or_default();
                keys.insert(key, Key { parser, more });
            }
        }
        sections
    })
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
        for (section, name, parser) in [
            ("Service", "ExecStart", "exec"),
            ("Socket", "ExecStartPre", "exec"),
            ("Unit", "After", "unit_deps"),
            ("Service", "RestartSec", "sec"),
            ("Install", "WantedBy", "install"),
            ("Service", "RestartSteps", "unsigned"),
            ("Service", "CPUShares", "cpu_shares"),
        ] {
            assert_eq!(key(section, name).expect(name).parser, parser, "{name}");
        }
        assert_eq!(
            key("Service", "LimitNOFILE").expect("a limit").more,
            "RLIMIT_NOFILE"
        );
        assert!(key("Service", "After").is_none());
    }
}
