//! What systemd knows in files of networkd and udev: kinds of files, sections, keys, the parser of each value. A table made from
//! systemd's own ones (tests/oracle/systemd-keys), for all releases together, since nodes run several.

use std::collections::HashMap;
use std::sync::OnceLock;

const TABLE: &str = include_str!("keys.txt");
const WORDS: &str = include_str!("choices.txt");

/// By kind of file and section: keys and their parsers.
type Sections = HashMap<(&'static str, &'static str), HashMap<&'static str, &'static str>>;

fn sections() -> &'static Sections {
    static SECTIONS: OnceLock<Sections> = OnceLock::new();
    SECTIONS.get_or_init(|| {
        let mut sections = Sections::new();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut parts = line.split('\t');
            let mut part = || parts.next().unwrap_or_default();
            let (kind, section, key, parser) = (part(), part(), part(), part());
            sections
                .entry((kind, section))
                .or_default()
                .insert(key, parser);
        }
        sections
    })
}

/// The parser of a key.
pub fn parser(kind: &str, section: &str, key: &str) -> Option<&'static str> {
    sections().get(&(kind, section))?.get(key).copied()
}

/// The sections of a kind of file.
pub fn sections_of(kind: &str) -> Vec<&'static str> {
    let own = sections().keys().filter(|(of, _)| *of == kind);
    let mut names: Vec<&'static str> = own.map(|(_, section)| *section).collect();
    names.sort_unstable();
    names
}

/// The keys of a section.
pub fn known(kind: &str, section: &str) -> Vec<&'static str> {
    let keys = sections().get(&(kind, section)).into_iter();
    let mut names: Vec<&'static str> = keys.flat_map(|keys| keys.keys().copied()).collect();
    names.sort_unstable();
    names
}

/// The words that a parser takes, and whether it takes yes and no too.
pub fn words(parser: &str) -> Option<(Vec<&'static str>, bool)> {
    static WORDS_OF: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    let all = WORDS_OF.get_or_init(|| {
        let lines = WORDS.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once('\t')).collect()
    });
    let words = all.get(parser)?;
    let is_truth = words.starts_with("boolean");
    let words = words.split(' ').filter(|word| *word != "boolean");
    Some((words.collect(), is_truth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_old_and_new_releases_are_known() {
        for (kind, section, key, of) in [
            ("network", "Network", "Address", "address"),
            ("network", "Route", "Gateway", "gateway"),
            (
                "network",
                "Link",
                "RequiredFamilyForOnline",
                "required_family_for_online",
            ),
            ("netdev", "VLAN", "Id", "vlanid"),
            ("netdev", "HSR", "Ports", "ifnames"),
            ("link", "Link", "MTUBytes", "mtu"),
            ("network", "IPv6PrefixDelegation", "DNS", "radv_dns"),
        ] {
            assert_eq!(parser(kind, section, key), Some(of), "{key}");
        }
        assert_eq!(parser("netdev", "Network", "Address"), None);
        assert_eq!(
            sections_of("link").first(),
            Some(&"EnergyEfficientEthernet")
        );
        assert_eq!(words("bond_lacp_rate"), Some((vec!["slow", "fast"], false)));
    }
}
