//! Paths in values: absolute, without `..` (systemd's src/shared/parse-helpers.c, path_simplify_and_warn).

use crate::tree::unit::keys::Key;
use crate::tree::unit::value::{Taken, ValueFault, each, is_open, one, whole};

/// Options of a bind mount (src/core/load-fragment.c, config_parse_bind_paths).
const BIND_OPTIONS: [&str; 6] = [
    "rbind",
    "norbind",
    "idmap",
    "noidmap",
    "rootidmap",
    "norootidmap",
];

/// Checks the values of parsers that read paths; None for another parser.
pub fn check(key: &Key, value: &str) -> Option<Vec<ValueFault>> {
    let faults = match key.parser {
        "unit_path_printf" | "ip_filter_bpf_progs" => whole(value, absolute(value)),
        "path_spec" => whole(value, absolute(value)),
        "unit_env_file" => whole(value, absolute(value.strip_prefix('-').unwrap_or(value))),
        "working_directory" => {
            let path = value.strip_prefix('-').unwrap_or(value);
            whole(value, if path == "~" { Ok(()) } else { absolute(path) })
        }
        "unit_condition_path" => {
            let path = value.strip_prefix('|').unwrap_or(value);
            let path = path.strip_prefix('!').unwrap_or(path);
            whole(value, absolute(path.trim_start()))
        }
        "namespace_path_strv" => each(value, |word| {
            let word = word.strip_prefix('-').unwrap_or(word);
            absolute(word.strip_prefix('+').unwrap_or(word))
        }),
        "unit_path_strv_printf" | "unit_mounts_for" => each(value, absolute),
        "extension_images" => each(value, |word| {
            let word = word.strip_prefix('-').unwrap_or(word);
            absolute(word.split(':').next().unwrap_or_default())
        }),
        "temporary_filesystems" => each(value, |word| {
            absolute(word.split(':').next().unwrap_or_default())
        }),
        "colon_separated_paths" => value
            .split(':')
            .flat_map(|path| one(0, path, absolute(path)))
            .collect(),
        "open_file" => whole(value, absolute(value.split(':').next().unwrap_or_default())),
        "bind_paths" => each(value, bind),
        "mount_images" => each(value, image),
        "pid_file" => whole(value, normalised(value)),
        "exec_directories" => each(value, directory),
        _ => return None,
    };
    Some(faults)
}

/// An absolute path.
pub fn absolute(path: &str) -> Taken {
    if path.starts_with('%') {
        return Ok(());
    }
    if !path.starts_with('/') {
        return Err("must be an absolute path".to_owned());
    }
    normalised(path)
}

fn normalised(path: &str) -> Taken {
    if path.split('/').any(|part| part == "..") {
        return Err("must be a path without \"..\"".to_owned());
    }
    if path.len() > 4095 {
        return Err("must be shorter than 4096 bytes".to_owned());
    }
    Ok(())
}

/// `SOURCE[:DESTINATION[:OPTIONS]]`.
fn bind(word: &str) -> Taken {
    let mut parts = word.splitn(3, ':');
    let source = parts.next().unwrap_or_default();
    absolute(source.strip_prefix('-').unwrap_or(source))?;
    if let Some(destination) = parts.next().filter(|destination| !destination.is_empty()) {
        absolute(destination)?;
    }
    match parts.next() {
        Some(options)
            if !options
                .split(',')
                .all(|option| BIND_OPTIONS.contains(&option)) =>
        {
            Err(format!(
                "must have options from {}",
                BIND_OPTIONS.join(", ")
            ))
        }
        _ => Ok(()),
    }
}

/// `SOURCE:DESTINATION[:OPTIONS]`.
fn image(word: &str) -> Taken {
    let mut parts = word.splitn(3, ':');
    let source = parts.next().unwrap_or_default();
    absolute(source.strip_prefix('-').unwrap_or(source))?;
    match parts.next() {
        Some(destination) => absolute(destination),
        None => Err("must be SOURCE:DESTINATION".to_owned()),
    }
}

/// A folder below /run, /var/lib and so on, which systemd makes: `PATH[:LINK[:FLAGS]]`.
fn directory(word: &str) -> Taken {
    for path in word.splitn(3, ':').take(2) {
        if path.starts_with('/') {
            return Err("must be relative to the folder that systemd makes it in".to_owned());
        }
        normalised(path)?;
    }
    let first = word.split(':').next().unwrap_or_default();
    if !is_open(first) && (first == "private" || first.starts_with("private/")) {
        return Err("must not be in \"private\", which is systemd's own".to_owned());
    }
    Ok(())
}
