//! The compression libraries in this binary: their versions decide payload bytes as much as the tool's own does.

use std::collections::BTreeMap;

/// What this very binary was built from.
const LOCK: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));

/// The packages that compress.
const PACKAGES: [&str; 4] = ["flate2", "liblzma-sys", "zlib-rs", "zstd-sys"];

/// Package → version.
pub fn libraries() -> BTreeMap<String, String> {
    let field = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim_matches([' ', '=', '"']).to_owned())
    };
    LOCK.split("[[package]]")
        .filter_map(|package| Some((field(package, "name")?, field(package, "version")?)))
        .filter(|(name, _)| PACKAGES.contains(&name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compressor_has_a_version() {
        let found = libraries();
        assert_eq!(found.len(), PACKAGES.len(), "{found:?}");
        assert!(
            found.values().all(|version| version.contains('.')),
            "{found:?}"
        );
    }
}
