//! coreos-installer takes our configurations for its live ISO and its network boot, and its area ends where we say.

use std::fs::{self, File};
use std::path::Path;

use nodebake::model::output::Format;
use serde_json::{Value, json};

use crate::formats::ignition::size::{counted, for_live_iso, noise};
use crate::formats::ignition::to_butane::decoded;
use crate::support::oracles::{self, Target};
use crate::support::payload::package;
use crate::support::trees;

const AREA: u64 = 262_144;

/// What of a CoreOS live ISO coreos-installer looks at.
fn live_iso(folder: &Path) {
    let files = folder.join("files");
    for name in ["coreos", "images"] {
        fs::create_dir_all(files.join(name)).unwrap();
    }
    let area = File::create(files.join("images/ignition.img")).unwrap();
    area.set_len(AREA).unwrap();
    for (name, text) in [
        ("igninfo.json", json!({"file": "images/ignition.img"})),
        ("features.json", json!({"installer-config": true})),
    ] {
        fs::write(files.join("coreos").join(name), text.to_string()).unwrap();
    }
    let args = [
        "-as",
        "mkisofs",
        "-quiet",
        "-iso-level",
        "1",
        "-o",
        "live.iso",
        "files",
    ];
    oracles::content(folder, "xorriso", &args);
}

/// What of a network boot's initrd it looks at.
fn live_initrd(folder: &Path) {
    let files = folder.join("initrd/etc/coreos");
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join("features.json"), r#"{"installer-config": true}"#).unwrap();
    fs::write(folder.join("initrd/etc/coreos-live-initramfs"), "").unwrap();
    let script = "cd initrd && find . | cpio --quiet -o -H newc >../base.img";
    oracles::content(folder, "sh", &["-c", script]);
}

/// The configuration that the installed machine gets, out of the one of the live system.
fn dest(live: &str) -> Value {
    let live: Value = serde_json::from_str(live).unwrap();
    let files = live["storage"]["files"].as_array().unwrap();
    let dest = files
        .iter()
        .find(|file| file["path"] == "/etc/coreos/dest.ign");
    serde_json::from_slice(&decoded(&dest.unwrap()["contents"])).unwrap()
}

fn installer(folder: &Path, args: &str) -> Result<String, String> {
    let args: Vec<&str> = args.split_whitespace().collect();
    let output = oracles::run(folder, "coreos-installer", &args);
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(said(&output.stdout))
    } else {
        Err(said(&output.stderr))
    }
}

/// What is null says nothing.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let said = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                said.map(|(key, value)| (key.clone(), without_nulls(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

#[test]
fn coreos_installer_customizes_both_with_our_configuration() {
    Target::Versions.needs(["coreos-installer"]);
    oracles::needs(["xorriso"]);
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let facts = trees::facts();
    let settings = trees::settings();
    let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
    live_iso(&folder);
    live_initrd(&folder);
    let ours = fs::read_to_string(folder.join("config.ign")).unwrap();
    let expected: Value = serde_json::from_str(&ours).unwrap();
    let options = "--dest-device /dev/vda --dest-ignition config.ign";
    for (make, show) in [
        ("iso customize", "iso ignition show made.iso"),
        ("pxe customize", "pxe ignition unwrap made.img"),
    ] {
        let files = match make {
            "iso customize" => "-o made.iso live.iso",
            _ => "-o made.img base.img",
        };
        installer(&folder, &format!("{make} {options} {files}")).unwrap();
        let live = installer(&folder, show).unwrap();
        let seen = without_nulls(&dest(&live));
        assert!(seen == expected, "{make}: {seen:.2000}");
    }
    installer(
        &folder,
        "iso ignition embed -i config.ign -o embedded.iso live.iso",
    )
    .unwrap();
    let seen = installer(&folder, "iso ignition show embedded.iso").unwrap();
    assert_eq!(seen, ours);
}

#[test]
fn coreos_installers_area_ends_where_we_say() {
    Target::Versions.needs(["coreos-installer"]);
    oracles::needs(["xorriso"]);
    let settings = for_live_iso();
    let fits = |length: usize| counted(&noise(length), &settings) <= AREA;
    let (mut most, mut too_large) = (150_000, 280_000);
    while too_large - most > 1 {
        let middle = usize::midpoint(most, too_large);
        if fits(middle) {
            most = middle;
        } else {
            too_large = middle;
        }
    }
    // Its gzip is a little tighter than ours, so it takes somewhat more than we say.
    for (length, taken) in [(most, true), (most + most / 25, false)] {
        let scratch = tempfile::tempdir().unwrap();
        let mut free = settings.clone();
        free.ignition.target = None;
        let facts = trees::facts();
        let folder = package(
            scratch.path(),
            Format::Ignition,
            &noise(length),
            &facts,
            &free,
        );
        live_iso(&folder);
        let outcomes = [
            "iso ignition embed -i config.ign -o embedded.iso live.iso",
            "iso customize --dest-device /dev/vda --dest-ignition config.ign -o made.iso live.iso",
        ]
        .map(|args| installer(&folder, args));
        let all = outcomes.iter().all(Result::is_ok);
        assert_eq!(all, taken, "{length}: {outcomes:?}");
    }
}
