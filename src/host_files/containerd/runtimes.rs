//! The runtime of pods that name none, out of all files of containerd's configuration. In: their texts, in the order in which
//! containerd reads them. Out: the fault with which the CRI plugin does not start. Source: containerd
//! `internal/cri/config/config.go` (ValidateRuntimeConfig; ValidatePluginConfig in 1.x) and mergeConfig of the server's
//! configuration.

use crate::host_files::containerd::named::{cri_plugins, find_table, string, tables};
use crate::host_files::fault::Fault;
use crate::host_files::toml_text::{Table, TomlText, find};
use crate::report::Id;

/// The runtime that containerd has without a word, and the default.
const RUNC: &str = "runc";

/// How a release puts files and its own defaults together.
#[derive(Clone, Copy, PartialEq)]
enum Reading {
    /// 1.3 and 1.4: the plugin's table of the last file that has one; its runtimes beside runc.
    LastAndDefaults,
    /// 1.5 to 1.7: the plugin's table of the last file that has one; its runtimes in the place of runc.
    Last,
    /// 2.x: all tables and runc together.
    Merged,
}

/// The file, by its number, and what is wrong there; None where the default is a runtime. `release` is containerd's.
pub fn default_runtime(texts: &[&str], release: Option<(u32, u32)>) -> Option<(usize, Fault)> {
    let read = |text| TomlText::read(text, Id::ContainerdConfigInvalid).ok();
    let files: Vec<Option<TomlText<'_>>> = texts.iter().map(|text| read(text)).collect();
    let readings: &[Reading] = match release {
        Some((1, ..5)) => &[Reading::LastAndDefaults],
        Some((1, _)) => &[Reading::Last],
        Some(_) => &[Reading::Merged],
        // Whichever it is: a fault of all of them is one for certain.
        None => &[Reading::Merged, Reading::LastAndDefaults, Reading::Last],
    };
    let mut found = readings.iter().map(|reading| undefined(&files, *reading));
    found.try_fold(None, |_, fault| fault.map(Some)).flatten()
}

/// The tables of the plugin that tell of runtimes, with the numbers of their files.
fn plugins<'f, 't>(files: &'f [Option<TomlText<'t>>]) -> Vec<(usize, &'f Table<'t>)> {
    let of_file = |(index, file): (usize, &'f Option<TomlText<'t>>)| {
        let all = file.iter().flat_map(|file| cri_plugins(file.root()));
        all.map(|plugin| (index, plugin)).collect::<Vec<_>>()
    };
    files.iter().enumerate().flat_map(of_file).collect()
}

fn undefined(files: &[Option<TomlText<'_>>], reading: Reading) -> Option<(usize, Fault)> {
    let mut plugins = plugins(files);
    if reading != Reading::Merged {
        plugins = plugins.pop().into_iter().collect();
    }
    // An old way to define one: it is the default then, whatever else is written.
    let is_told = |(_, plugin): &(usize, &Table<'_>)| {
        let kind = string(plugin, &["containerd", "default_runtime", "runtime_type"]);
        kind.is_some_and(|kind| !kind.is_empty())
    };
    if reading != Reading::Merged && plugins.iter().any(is_told) {
        return None;
    }
    let mut known: Vec<&str> = Vec::new();
    for (_, plugin) in &plugins {
        known.extend(tables(plugin, &["containerd", "runtimes"]).map(|(name, _)| name));
    }
    if reading != Reading::Last || known.is_empty() {
        known.push(RUNC);
    }
    let name = |(index, plugin): &(usize, &Table<'_>)| {
        let value = find(plugin, &["containerd", "default_runtime_name"])?;
        let name = value.get_ref().as_str()?;
        Some((*index, name.to_owned(), value.span()))
    };
    let named = plugins.iter().rev().find_map(name);
    known.sort_unstable();
    known.dedup();
    match named {
        Some((index, name, span)) if !known.contains(&name.as_str()) => {
            let at = files[index].as_ref()?.at(span);
            let rule = format!(
                "default_runtime_name: must be a runtime that containerd has ({}), and the CRI plugin does not start without it",
                known.join(", ")
            );
            let fault = Fault::at(Id::ContainerdCriOff, at, rule).got(&*name);
            Some((
                index,
                fault.help(format!("add {name:?} to containerd.runtimes")),
            ))
        }
        None if !known.contains(&RUNC) => {
            let (index, plugin) = plugins.last()?;
            let runtimes = find_table(plugin, &["containerd", "runtimes"])?;
            let (key, _) = runtimes.iter().next()?;
            let at = files[*index].as_ref()?.at(key.span());
            let rule = "containerd 1.5 to 1.7 has no runc beside runtimes that a file names, and without default_runtime_name \
                        the CRI plugin does not start then";
            let fault = Fault::at(Id::ContainerdCriOff, at, rule);
            Some((
                *index,
                fault.help("add runc to the runtimes of this file, or set default_runtime_name"),
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &str = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd";
    const V3: &str = "version = 3\n[plugins.\"io.containerd.cri.v1.runtime\".containerd";

    /// Each row was asked of that release (tests/suite/node/host/runtimes.rs asks them again where they are).
    #[test]
    fn a_default_is_a_runtime_of_the_files_as_the_release_reads_them() {
        let runtime = |start: &str, name: &str| {
            format!("{start}.runtimes.{name}]\nruntime_type = \"io.containerd.runc.v2\"\n")
        };
        let default =
            |start: &str, name: &str| format!("{start}]\ndefault_runtime_name = \"{name}\"\n");
        let both = |name: &str| {
            let more = V2.split_once('\n').map_or("", |(_, table)| table);
            default(V2, name) + &runtime(more, name)
        };
        let all = [Some((1, 4)), Some((1, 6)), Some((2, 4)), None];
        for (texts, wrong) in [
            (vec![String::new()], [false; 4]),
            (vec![default(V2, "runc")], [false; 4]),
            (vec![default(V2, "a")], [true; 4]),
            (vec![both("a")], [false; 4]),
            // A runtime alone is in the place of runc.
            (vec![runtime(V2, "a")], [false, true, false, false]),
            (vec![runtime(V2, "runc")], [false; 4]),
            // 1.x forgets the first file's table.
            (
                vec![default(V2, "a"), runtime(V2, "a")],
                [false, true, false, false],
            ),
            (
                vec![runtime(V2, "a"), default(V2, "a")],
                [true, true, false, false],
            ),
            (vec![both("a"), default(V2, "runc")], [false; 4]),
            (
                vec![default(V3, "a"), runtime(V3, "a")],
                [false, true, false, false],
            ),
            (vec!["broken = [\n".to_owned(), both("a")], [false; 4]),
            (
                vec![format!("{V2}.default_runtime]\nruntime_type = \"a.b\"\n")],
                [false; 4],
            ),
        ] {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            for (release, is_wrong) in all.iter().zip(wrong) {
                let found = default_runtime(&texts, *release);
                assert_eq!(
                    found.is_some(),
                    is_wrong,
                    "{texts:?} {release:?}: {found:?}"
                );
            }
        }
    }
}
