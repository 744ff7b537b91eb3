//! Sysctls of pods: those that every pod gets, and the unsafe ones that a pod may ask for.

use std::collections::BTreeSet;

use crate::kubernetes::rules::images::needs;
use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::report::Id;

/// Default sysctls of pods. Source: component-helpers `node/util/sysctl`, namespaces of the kernel.
pub fn of_pods(reading: &ConfigReader<'_>) -> Known<()> {
    const SYSCTLS: &str = "defaultPodSysctls";
    let mut seen = BTreeSet::new();
    let all = reading.pairs(SYSCTLS)?;
    if !all.is_empty() {
        needs(reading, SYSCTLS, "DefaultPodSysctls");
    }
    for (name, _) in all {
        let dotted = dotted(name);
        if !is_sysctl(name) {
            reading.say_of(
                Id::KubeletSysctlInvalid,
                SYSCTLS,
                name,
                format!(
                    "must be the name of a sysctl (for example net.core.somaxconn); got {name:?}"
                ),
            );
            continue;
        }
        if !is_namespaced(&dotted, reading.minor) {
            let rule =
                format!("{name} is not known to belong to a namespace of its own in each pod");
            reading.say_of(Id::KubeletSysctlInvalid, SYSCTLS, name, rule);
        }
        if !seen.insert(dotted) {
            reading.say_of(
                Id::KubeletSysctlInvalid,
                SYSCTLS,
                name,
                format!("{name} is there already"),
            );
        }
    }
    Ok(())
}

fn is_sysctl(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        part.starts_with(inner)
            && part.ends_with(inner)
            && part.chars().all(|c| inner(c) || c == '-' || c == '_')
    };
    name.len() <= 253 && name.split(['.', '/']).all(part)
}

/// Unsafe sysctls that pods may set. Source: pkg/kubelet/sysctl/allowlist.go, NewAllowlist (whitelist.go before 1.24), which
/// NewMainKubelet calls.
pub fn unsafe_ones(reading: &ConfigReader<'_>) -> Known<()> {
    const UNSAFE: &str = "allowedUnsafeSysctls";
    for (index, pattern) in reading
        .texts(UNSAFE)?
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let path = [UNSAFE, &index.to_string()];
        if !is_pattern(pattern, reading.minor) {
            let rule = format!(
                "must be a sysctl, or a prefix of some with * at its end (for example net.core.somaxconn, net.*); got {pattern:?}"
            );
            reading.refuse(Id::KubeletSysctlInvalid, &path, rule, "");
            continue;
        }
        let dotted = dotted(pattern);
        let prefix = dotted.split('*').next().unwrap_or_default();
        if !is_namespaced(prefix, reading.minor) {
            let rule = format!(
                "must begin with net., fs.mqueue., kernel.shm, kernel.msg or kernel.sem, which have a namespace of their own in each pod; got {pattern:?}"
            );
            reading.refuse(Id::KubeletSysctlInvalid, &path, rule, "");
        }
    }
    Ok(())
}

/// Source: pkg/apis/policy/validation, IsValidSysctlPattern; slashes since 1.23.
fn is_pattern(text: &str, minor: u32) -> bool {
    let separators: &[char] = if minor < 23 { &['.'] } else { &['.', '/'] };
    let (before, last) = text
        .rfind(separators)
        .map_or(("", text), |at| (&text[..at], &text[at + 1..]));
    let stem = last.strip_suffix('*');
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let last_fits = match stem {
        Some("") => true,
        Some(stem) => {
            stem.starts_with(inner) && stem.chars().all(|c| inner(c) || c == '-' || c == '_')
        }
        None => !last.contains('/') && is_sysctl(last),
    };
    let before_fits = before.is_empty() && !text.starts_with(separators)
        || !before.is_empty()
            && before
                .split(separators)
                .all(|part| !part.contains('/') && is_sysctl(part));
    text.len() <= 253 && last_fits && before_fits
}

/// A name with its first separator as a dot: where that is a slash, dots and slashes change places. Source:
/// component-helpers `node/util/sysctl`, NormalizeName.
fn dotted(name: &str) -> String {
    match name.find(['.', '/']).map(|at| name.as_bytes()[at]) {
        Some(b'/') => name
            .chars()
            .map(|c| match c {
                '/' => '.',
                '.' => '/',
                c => c,
            })
            .collect(),
        _ => name.to_owned(),
    }
}

/// Whether the kernel keeps a sysctl, or all below a prefix, for each namespace. Source: pkg/kubelet/sysctl/namespace.go; since
/// 1.29 component-helpers `node/util/sysctl/namespace.go`, which knows the names one by one.
fn is_namespaced(name: &str, minor: u32) -> bool {
    const NAMES: [&str; 10] = [
        "kernel.sem",
        "kernel.shm",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
        "kernel.msg",
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
    ];
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    match minor {
        ..29 => name == "kernel.sem" || begins(&["kernel.shm", "kernel.msg", "fs.mqueue.", "net."]),
        _ => NAMES.contains(&name) || begins(&["fs.mqueue.", "net."]),
    }
}
