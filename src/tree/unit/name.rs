//! Names of units.

/// Whether systemd takes the name for a unit (systemd.unit(5)); the error is the rule.
pub fn unit_name(name: &str) -> Result<(), String> {
    const SUFFIXES: [&str; 11] = [
        "service",
        "socket",
        "device",
        "mount",
        "automount",
        "swap",
        "target",
        "path",
        "timer",
        "slice",
        "scope",
    ];
    let fits = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    match name.rsplit_once('.') {
        Some((stem, suffix))
            if !stem.is_empty() && SUFFIXES.contains(&suffix) && name.chars().all(fits) =>
        {
            Ok(())
        }
        _ => Err(format!(
            "must be the name of a unit (for example kubelet.service); got {name:?}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_names_have_a_suffix_that_systemd_knows() {
        for good in ["kubelet.service", "a@b.timer", "var-lib.mount"] {
            assert!(unit_name(good).is_ok(), "{good}");
        }
        for bad in [
            "kubelet",
            ".service",
            "a/b.service",
            "a b.service",
            "x.conf",
        ] {
            assert!(unit_name(bad).is_err(), "{bad}");
        }
    }
}
