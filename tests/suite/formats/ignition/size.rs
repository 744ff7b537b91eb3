//! What each platform and the live ISO take of a configuration, to the byte.

use std::fs;

use nodebake::model::output::limits::{Count, Limit, Target};
use nodebake::model::output::{Format, IgnitionDigest, IgnitionTarget, Settings};
use nodebake::payload::ignition::account;
use nodebake::payload::{Forms, Job};
use nodebake::tree::{Content, Entry, NodeTree};
use serde_json::Value;

use crate::support::fixture::{Project, text};
use crate::support::payload::package;
use crate::support::trees;

fn for_target(target: IgnitionTarget) -> Settings {
    let mut settings = trees::settings();
    settings.ignition.target = Some(target);
    settings.ignition.digest = IgnitionDigest::None;
    settings
}

pub fn for_live_iso() -> Settings {
    for_target(IgnitionTarget::LiveIso)
}

/// A tree with one file of bytes that nothing makes smaller.
pub fn noise(length: usize) -> NodeTree {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let bytes: Vec<u8> = (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect();
    let mut tree = NodeTree::default();
    let file = Entry::file(Content::bytes(bytes), 0o644, trees::origin());
    tree.add(trees::path("/etc/noise"), file).unwrap();
    tree
}

/// A tree with a file of that many characters of a data URL that escapes nothing, too random to be packed smaller.
fn letters(length: usize) -> NodeTree {
    let mut tree = NodeTree::default();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let text: String = (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let letters =
                b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()/:;,=@&+$";
            letters[(state >> 32) as usize % letters.len()] as char
        })
        .collect();
    let file = Entry::file(Content::bytes(text), 0o644, trees::origin());
    tree.add(trees::path("/etc/letters"), file).unwrap();
    tree
}

pub fn counted(tree: &NodeTree, settings: &Settings) -> u64 {
    let facts = trees::facts();
    let job = Job {
        tree,
        facts: &facts,
        settings,
    };
    account(&job, &Forms::default()).unwrap().counted.unwrap()
}

/// What is objected to a tree, and what was written of it if nothing was.
fn outcome(tree: &NodeTree, settings: &Settings) -> Result<u64, String> {
    let scratch = tempfile::tempdir().unwrap();
    let facts = trees::facts();
    let job = Job {
        tree,
        facts: &facts,
        settings,
    };
    let objections = Format::Ignition.oversize(&job, &Forms::default()).unwrap();
    if let Some(objection) = objections.first() {
        return Err(objection.to_string());
    }
    let folder = package(scratch.path(), Format::Ignition, tree, &facts, settings);
    Ok(fs::metadata(folder.join("config.ign")).unwrap().len())
}

#[test]
fn each_platform_takes_its_last_byte_and_not_one_more() {
    for (target, most) in [
        (Target::Ec2, 16_384),
        (Target::Azure, 65_535),
        (Target::Gce, 262_144),
        // 65,535 bytes of base64 are 65,532 in fours, which 49,149 become.
        (Target::OpenStack, 49_149),
        (Target::VMware, 49_152),
        (
            Target::Other(Limit {
                max_bytes: 20_000,
                count: Count::Raw,
            }),
            20_000,
        ),
    ] {
        let settings = for_target(IgnitionTarget::Platform(target));
        let free = for_target(IgnitionTarget::Platform(Target::NoCloud));
        let head = counted(&letters(10_000), &free) - 10_000;
        let of_size = |size: u64| letters(usize::try_from(size - head).unwrap());
        assert_eq!(outcome(&of_size(most), &settings), Ok(most), "{target:?}");
        let refused = outcome(&of_size(most + 1), &settings).unwrap_err();
        let contributor = format!("/etc/letters {}", most + 1 - head + 6);
        for part in [
            "config.ign: is ",
            settings.ignition.target.unwrap().name(),
            &contributor,
        ] {
            assert!(refused.contains(part), "{refused}");
        }
    }
}

#[test]
fn the_live_iso_takes_what_its_area_holds_and_not_four_bytes_more() {
    let settings = for_target(IgnitionTarget::LiveIso);
    // xz is as long as a multiple of four, so that is the next size.
    let (mut fits, mut too_large) = (150_000, 280_000);
    assert!(counted(&noise(fits), &settings) <= 262_144);
    assert!(counted(&noise(too_large), &settings) > 262_144);
    while too_large - fits > 1 {
        let middle = usize::midpoint(fits, too_large);
        if counted(&noise(middle), &settings) <= 262_144 {
            fits = middle
        } else {
            too_large = middle
        }
    }
    assert!(outcome(&noise(fits), &settings).is_ok());
    let refused = outcome(&noise(too_large), &settings).unwrap_err();
    for part in ["262144", "the live ISO", "/etc/noise"] {
        assert!(refused.contains(part), "{refused}");
    }
    assert!(counted(&noise(fits), &settings) > 262_144 - 64, "{fits}");
}

#[test]
fn a_pointer_fits_where_the_body_does_not() {
    let mut settings = for_target(IgnitionTarget::Platform(Target::Ec2));
    settings.ignition.digest = IgnitionDigest::Sha512;
    let tree = noise(100_000);
    let refused = outcome(&tree, &settings).unwrap_err();
    assert!(refused.contains("set output.ignition.url"), "{refused}");
    settings.ignition.body_url = Some("https://boot.example.com/{node}/config.body.ign".to_owned());
    assert_eq!(outcome(&tree, &settings), Ok(counted(&tree, &settings)));
}

#[test]
fn what_nothing_could_make_fit_is_not_packed() {
    let settings = for_target(IgnitionTarget::LiveIso);
    let tree = noise(14 * 1024 * 1024);
    let refused = outcome(&tree, &settings).unwrap_err();
    assert!(refused.contains("far more than the 262144"), "{refused}");
}

#[test]
fn check_build_and_show_know_the_size() {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let with = |more: &str| {
        let output = format!("output: {{formats: [ignition], ignition: {{target: {more}}}}}\n");
        fs::write(&file, format!("{inventory}{output}")).unwrap();
    };
    with("ec2");
    project.good(&["build", "--strict"]);
    let shown = project.good(&["show", "n1", "--sizes"]);
    let written = fs::metadata(project.out().join("nodes/n1/config.ign")).unwrap();
    let line = format!("plain             {:>8} fits\n", written.len());
    assert!(
        shown.contains("config.ign for ec2: at most 16384 bytes\n"),
        "{shown}"
    );
    assert!(shown.contains(&line), "{shown}");
    assert!(!shown.contains("user-data"), "{shown}");
    let shown = project.good(&["show", "n1", "--sizes", "-o", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let config = shown["documents"].as_array().unwrap().last().unwrap();
    assert_eq!(config["forms"][0]["counted"], written.len());
    with("{maxBytes: 5000, count: raw}");
    for command in ["check", "build"] {
        let output = project.run(&[command]);
        assert_eq!(output.status.code(), Some(3), "{command}");
        let said = text(&[&output.stdout[..], &output.stderr].concat());
        assert!(said.contains("config.ign: is "), "{said}");
        assert!(said.contains("/etc/kubernetes/"), "{said}");
        assert!(said.starts_with("error: cluster.yaml:28:"), "{said}");
    }
    with("liveISO");
    project.good(&["build", "--strict"]);
    let shown = project.good(&["show", "n1", "--sizes"]);
    assert!(shown.contains("\nspecification 3.0.0\n"), "{shown}");
    let output =
        "os: {kernelArguments: {quiet: true}}\ndirectories: {/opt/sticky: {mode: \"1777\"}}\n";
    fs::write(&file, format!("{inventory}{output}")).unwrap();
    let shown = project.good(&["show", "n1", "--sizes"]);
    let line = "\nspecification 3.6.0, because of /opt/sticky: mode 1777 has a setuid, setgid or sticky bit\n";
    assert!(shown.contains(line), "{shown}");
}
