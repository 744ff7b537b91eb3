//! What a platform takes of user-data, to the byte, and the same tree in each form that user-data is given to fit.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use nodebake::model::output::limits::{Count, Limit, Target};
use nodebake::model::output::{CloudInit, Format, Settings};
use nodebake::payload::cloud_init::{BODY_NAME, Fallback, Step, accounts};
use nodebake::payload::{Forms, Job};
use nodebake::tree::{Content, Entry, NodeTree};
use serde_json::Value;

use crate::support::cloud_init::apply_cloud_init;
use crate::support::fixture::{Project, text};
use crate::support::oracles;
use crate::support::payload::package;
use crate::support::trees;

const URL: &str = "https://boot.example.com/{node}/body.tar.gz";

fn for_target(target: Target, url: Option<&str>) -> Settings {
    Settings {
        cloud_init: CloudInit {
            target,
            url: url.map(str::to_owned),
            ..CloudInit::default()
        },
        ..trees::settings()
    }
}

fn at_most(max_bytes: u64) -> Target {
    let count = Count::Raw;
    Target::Other(Limit { max_bytes, count })
}

/// The steps for a tree; a limit that nothing fits has all of them tried.
fn steps(tree: &NodeTree, target: Target, url: Option<&str>) -> Vec<Step> {
    let (facts, settings) = (trees::facts(), for_target(target, url));
    let job = Job {
        tree,
        facts: &facts,
        settings: &settings,
    };
    let accounts = accounts(&job, &Forms::default()).unwrap();
    accounts.into_iter().next().unwrap().steps
}

/// A tree whose user-data is `size` bytes long as people read it.
fn of_size(size: usize) -> NodeTree {
    let with = |length: usize| {
        let mut tree = NodeTree::default();
        let text = "kubelet ".repeat(length / 8 + 1)[..length].to_owned();
        let entry = Entry::file(Content::bytes(text), 0o644, trees::origin());
        tree.add(trees::path("/etc/filler"), entry).unwrap();
        tree
    };
    let counted = |tree: &NodeTree| steps(tree, Target::NoCloud, None)[0].counted.unwrap();
    let head = counted(&with(1000)) - 1000;
    with(size - usize::try_from(head).unwrap())
}

#[test]
fn each_platform_takes_its_last_byte_and_not_one_more() {
    let scratch = tempfile::tempdir().unwrap();
    for (target, most) in [
        (Target::Ec2, 16_384),
        (Target::Azure, 65_535),
        (Target::Gce, 262_144),
        // 65,535 bytes of base64 are 65,532 in fours, which 49,149 become.
        (Target::OpenStack, 49_149),
        (Target::VMware, 49_152),
        (at_most(20_000), 20_000),
    ] {
        for (size, fallback) in [(most, Fallback::Plain), (most + 1, Fallback::PackedFiles)] {
            let tree = of_size(size);
            let tried = steps(&tree, target, None);
            let last = tried.last().unwrap();
            assert_eq!(
                (last.fallback, last.fits),
                (fallback, true),
                "{target:?} {size}"
            );
            let folder = package(
                scratch.path(),
                Format::CloudInit,
                &tree,
                &trees::facts(),
                &for_target(target, None),
            );
            let written = fs::metadata(folder.join("user-data")).unwrap().len();
            assert_eq!(
                written == size as u64,
                fallback == Fallback::Plain,
                "{target:?}"
            );
        }
    }
}

#[test]
fn fallbacks_are_tried_only_as_far_as_needed() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let all = steps(&tree, at_most(1), Some(URL));
    let fallbacks: Vec<Fallback> = all.iter().map(|step| step.fallback).collect();
    let expected = [
        Fallback::Plain,
        Fallback::PackedFiles,
        Fallback::Gzip,
        Fallback::Fetched,
    ];
    assert_eq!(fallbacks, expected);
    // What is 64 times too large is not even packed.
    assert!(all.iter().all(|step| !step.fits));
    assert_eq!(all[0].counted, None);
    let all = steps(&tree, at_most(10_000), Some(URL));
    let last = all.last().unwrap().counted.unwrap();
    for (index, step) in all.iter().enumerate() {
        let Some(size) = step.counted else {
            panic!("{all:?}");
        };
        let reached = |most| steps(&tree, at_most(most), Some(URL)).len();
        assert_eq!(reached(size), index + 1, "{all:?}");
        if size > last {
            assert_eq!(reached(size - 1), index + 2, "{all:?}");
        }
    }
    assert!(!steps(&tree, at_most(last - 1), Some(URL))[3].fits);
}

/// Answers requests on loopback with a file, until the listener is dropped with the process.
fn serve(listener: TcpListener, bytes: Vec<u8>) {
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
            let _ = stream.write_all(&[head.as_bytes(), &bytes].concat());
        }
    });
}

/// A tree for which the order of what is done matters: special bits, and owners that do not exist.
fn harder(folder: &Path) -> NodeTree {
    let mut tree = trees::rich(folder);
    let suid = Entry::file(Content::bytes("x"), 0o6755, trees::origin());
    tree.add(trees::path("/opt/suid"), suid).unwrap();
    tree
}

#[test]
fn cloud_init_itself_makes_the_tree_of_every_form() {
    let modules = oracles::cloud_init_in_chroot();
    oracles::needs(["curl"]);
    let scratch = tempfile::tempdir().unwrap();
    let tree = harder(scratch.path());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/{{node}}", listener.local_addr().unwrap());
    let sizes = steps(&tree, at_most(10_000), Some(&url));
    let mut listener = Some(listener);
    for step in sizes {
        let target = at_most(step.counted.unwrap());
        let folder = package(
            scratch.path(),
            Format::CloudInit,
            &tree,
            &trees::facts(),
            &for_target(target, Some(&url)),
        );
        let user_data = folder.join("user-data");
        assert_eq!(
            fs::metadata(&user_data).unwrap().len(),
            step.counted.unwrap()
        );
        let body = folder.join(BODY_NAME);
        assert_eq!(body.exists(), step.fallback == Fallback::Fetched);
        if step.fallback == Fallback::Fetched
            && let Some(listener) = listener.take()
        {
            let secret = "0123456789abcdef";
            let mut unpacked = Vec::new();
            let bytes = fs::read(&body).unwrap();
            flate2::read::GzDecoder::new(&bytes[..])
                .read_to_end(&mut unpacked)
                .unwrap();
            assert!(!text(&unpacked).contains(secret));
            serve(listener, bytes);
        }
        let root = apply_cloud_init(&folder, &user_data, &modules);
        let differences = trees::differences(&root, &tree, true);
        assert_eq!(differences, [""; 0], "{:?}", step.fallback);
        let left = fs::read_dir(root.join("tmp")).unwrap().next();
        assert!(left.is_none(), "{left:?}");
    }
}

/// A tree with bytes that no compressor makes smaller.
fn noise(path: &str) -> NodeTree {
    let mut tree = NodeTree::default();
    let mut seed = 7u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()[0]
    };
    let bytes: Vec<u8> = (0..40_000).map(|_| next()).collect();
    let entry = Entry::file(Content::bytes(bytes), 0o644, trees::origin());
    tree.add(trees::path(path), entry).unwrap();
    tree
}

/// The script stops where the body is another one: nothing of it is unpacked, and no unit is started.
#[test]
fn a_body_that_was_changed_stops_the_node() {
    oracles::needs(["curl", "sha256sum"]);
    let scratch = tempfile::tempdir().unwrap();
    let never = scratch.path().join("never-there");
    let tree = noise(never.to_str().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/{{node}}", listener.local_addr().unwrap());
    let settings = for_target(Target::Ec2, Some(&url));
    let (facts, format) = (trees::facts(), Format::CloudInit);
    let folder = package(scratch.path(), format, &tree, &facts, &settings);
    let mut body = fs::read(folder.join(BODY_NAME)).unwrap();
    *body.last_mut().unwrap() ^= 1;
    serve(listener, body);
    let user_data = fs::read_to_string(folder.join("user-data")).unwrap();
    let (_, runcmd) = user_data.split_once("runcmd:\n").unwrap();
    // The function that fetches, and what is fetched.
    let lines = runcmd.lines().take(2);
    let lines = lines.map(|line| line.strip_prefix("- ").unwrap());
    let lines: Vec<String> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let script = format!("{}\necho went on", lines.join("\n"));
    let output = oracles::run(scratch.path(), "sh", &["-c", &script]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("nodebake: not fetched: http://127"), "{said}");
    assert!(!text(&output.stdout).contains("went on"));
    assert!(!never.exists());
}

fn project(output: &str, approval: &str) -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("approval: review", &format!("approval: {approval}"));
    fs::write(&file, format!("{text}output: {output}\n")).unwrap();
    project
}

#[test]
fn what_nothing_fits_is_a_finding_that_names_the_largest() {
    let output = "{formats: [cloudInit], cloudInit: {target: {maxBytes: 900, count: base64}}}";
    let project = project(output, "review");
    for command in ["check", "build"] {
        let run = project.run(&[command]);
        assert_eq!(run.status.code(), Some(3), "{command}");
        let said = text(&run.stdout) + &text(&run.stderr);
        assert!(said.contains("output.cloudInit: user-data: is "), "{said}");
        assert!(
            said.contains("bytes in its smallest form, and output.cloudInit.target takes 900"),
            "{said}"
        );
        assert!(said.contains("the largest files are /etc/"), "{said}");
        assert!(
            said.contains("set output.cloudInit.url, or move files"),
            "{said}"
        );
        assert!(!project.out().exists());
    }
    let shown = project.good(&["show", "n1", "--sizes"]);
    assert!(
        shown.starts_with("user-data for output.cloudInit.target: at most 900 bytes\nplain "),
        "{shown}"
    );
    assert_eq!(shown.matches(" too large\n").count(), 3, "{shown}");
    let shown = project.good(&["show", "n1", "--sizes", "-o", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["documents"][0]["maxBytes"], 900);
    assert_eq!(shown["documents"][0]["forms"][2]["fallback"], "gzip");
    assert!(
        shown["documents"][0]["largest"][0]["bytes"]
            .as_u64()
            .unwrap()
            > 500
    );
}

#[test]
fn a_form_says_by_its_name_what_it_needs() {
    let scratch = tempfile::tempdir().unwrap();
    let (rich, noise) = (trees::rich(scratch.path()), noise("/opt/x"));
    let names = |tree: &NodeTree, target| {
        let settings = for_target(target, Some(URL));
        let folder = package(
            scratch.path(),
            Format::CloudInit,
            tree,
            &trees::facts(),
            &settings,
        );
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&noise, Target::NoCloud), ["meta-data", "user-data"]);
    assert_eq!(
        names(&noise, Target::Ec2),
        ["meta-data", "user-data", BODY_NAME]
    );
    let text_only = |max_bytes| {
        Target::Other(Limit {
            max_bytes,
            count: Count::Text,
        })
    };
    assert_eq!(
        names(&rich, text_only(30_000)),
        ["meta-data", "user-data.b64"]
    );
}

#[test]
fn a_clouds_user_data_is_no_place_for_what_makes_any_node() {
    let said = |output: &str, approval: &str| project(output, approval).good(&["check"]);
    let ec2 = "{formats: [cloudInit], cloudInit: {target: ec2}}";
    let rule = "every pod of a node can read its user-data on ec2, and with tokens.approval auto";
    assert!(said(ec2, "auto").contains(rule), "{}", said(ec2, "auto"));
    for (output, approval) in [
        (ec2, "review"),
        ("{formats: [tarball], cloudInit: {target: ec2}}", "auto"),
        ("{cloudInit: {target: nocloud}}", "auto"),
    ] {
        let said = said(output, approval);
        assert!(!said.contains("every pod"), "{output}: {said}");
    }
    let secret = "{formats: [cloudInit], cloudInit: {target: gce}}\n\
                  files: {/etc/x: {content: x, secret: true}}";
    let said_of = said(secret, "review");
    assert!(said_of.contains("secret files are in it"), "{said_of}");
    let apart = secret.replacen("{formats", "{secrets: separate, formats", 1);
    assert!(!said(&apart, "review").contains("every pod"));
}
