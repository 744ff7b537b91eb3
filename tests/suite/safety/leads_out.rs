//! What in a project leads out of it: a link, an absolute path, `..`. Whoever may change a project must not get at other
//! files of the machine that builds it, unless somebody says `--allow`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::fixture::{Project, sha256, text};

/// Nobody may ever see it.
const CANARY: &str = "outside-canary";

/// A project, and a folder beside it with files of somebody else's.
fn project() -> Project {
    let project = Project::of("bad/project");
    let outside = project.scratch().join("outside");
    for folder in ["overlay/root/etc", "profiles", "layout/blobs/sha256"] {
        fs::create_dir_all(outside.join(folder)).unwrap();
    }
    for (name, content) in [
        ("file", CANARY),
        ("overlay/root/etc/canary", CANARY),
        (
            "overlay/overlay.yaml",
            "apiVersion: nodebake/v1\nkind: Overlay\n",
        ),
        (
            "profiles/rack.yaml",
            "apiVersion: nodebake/v1\nkind: Profile\nvars: {a: outside-canary}\n",
        ),
        ("config.ign", "{\"ignition\": {\"version\": \"3.4.0\"}}"),
        ("part", "#cloud-config\nx-canary: outside-canary\n"),
    ] {
        fs::write(outside.join(name), content).unwrap();
    }
    for name in ["cluster.yaml", "table.csv", "pki/ca.pem"] {
        let to = outside.join(Path::new(name).file_name().unwrap());
        fs::write(to, fs::read(project.dir.join(name)).unwrap()).unwrap();
    }
    project
}

/// Replaces a file or folder of the project by a link.
fn link(project: &Project, name: &str, target: &str) {
    let path = project.dir.join(name);
    let _ = fs::remove_file(&path);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(target, path).unwrap();
}

fn add(project: &Project, lines: &str) {
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    fs::write(file, format!("{inventory}{lines}\n")).unwrap();
}

/// A way out: what is linked where, the lines that use it, and what the finding begins with.
struct Way {
    link: Option<(&'static str, &'static str)>,
    lines: &'static str,
    said: &'static str,
}

const fn linked(
    at: &'static str,
    to: &'static str,
    lines: &'static str,
    said: &'static str,
) -> Way {
    Way {
        link: Some((at, to)),
        lines,
        said,
    }
}

const fn named(lines: &'static str, said: &'static str) -> Way {
    Way {
        link: None,
        lines,
        said,
    }
}

const OVERLAY: &str = "overlays: {x: {}}";
const LEADS: &str = "leads out of the project, to ";
const OUTSIDE: &str = "is outside of the project; copy it into the project, or allow";
const PXE: &str = "output: {formats: [initramfs], pxe: {url: \"https://b.example.com\", kernel: vmlinuz, initrd: initrd}}";

fn ways() -> Vec<Way> {
    vec![
        linked(
            "overlays",
            "../outside/overlays",
            OVERLAY,
            "there is no overlay",
        ),
        linked("overlays/x", "../../outside/overlay", OVERLAY, LEADS),
        linked(
            "overlays/x/root",
            "../../../outside/overlay/root",
            OVERLAY,
            LEADS,
        ),
        linked(
            "overlays/x/overlay.yaml",
            "../../../outside/overlay/overlay.yaml",
            OVERLAY,
            LEADS,
        ),
        linked(
            "profiles/rack.yaml",
            "../../outside/profiles/rack.yaml",
            "",
            LEADS,
        ),
        linked("profiles", "../outside/profiles", "", LEADS),
        linked("cluster.yaml", "../outside/cluster.yaml", "", LEADS),
        linked("table.csv", "../outside/table.csv", "", LEADS),
        linked("pki/ca.pem", "../../outside/ca.pem", "", LEADS),
        linked("pki", "../outside", "", LEADS),
        linked(
            "f",
            "../outside/file",
            "files: {/etc/f: {source: f}}",
            LEADS,
        ),
        linked(
            "d",
            "../outside",
            "files: {/etc/f: {source: d/file}}",
            LEADS,
        ),
        linked(
            "d",
            ".",
            "files: {/etc/f: {source: d/../outside/file}}",
            LEADS,
        ),
        linked(
            "f",
            "/proc/self/environ",
            "files: {/etc/f: {source: f}}",
            LEADS,
        ),
        linked(
            "f",
            "../outside/file",
            "assets: {/etc/f: {source: f, sha256: DIGEST}}",
            LEADS,
        ),
        linked(
            "f",
            "../outside/file",
            "assets: {/etc/f: {source: f, sha256: DIGEST, unpack: true}}",
            LEADS,
        ),
        linked(
            "f",
            "../outside/file",
            "images: {f.tar: {source: f, sha256: DIGEST}}",
            LEADS,
        ),
        linked(
            "f",
            "../outside/layout",
            "images: {f.tar: {source: f, sha256: DIGEST}}",
            LEADS,
        ),
        linked(
            "f",
            "../outside/config.ign",
            "output: {formats: [ignition], ignition: {merge: [{source: f}]}}",
            LEADS,
        ),
        linked(
            "f",
            "../outside/part",
            "output: {formats: [cloudInit], cloudInit: {parts: [{source: f}]}}",
            LEADS,
        ),
        linked(
            "f",
            "../outside/part",
            "output: {formats: [cloudInit], cloudInit: {vendorData: f}}",
            LEADS,
        ),
        linked(
            "f",
            "../outside/ca.pem",
            "registries: {r.example.com: {ca: f}}",
            LEADS,
        ),
        linked("vmlinuz", "../outside/file", PXE, LEADS),
        named("files: {/etc/f: {source: /etc/hostname}}", OUTSIDE),
        named("files: {/etc/f: {source: /etc/nothing-here}}", OUTSIDE),
        named("files: {/etc/f: {source: ../outside/file}}", OUTSIDE),
        named("files: {/etc/f: {source: pki/../../outside/file}}", OUTSIDE),
        named(
            "files: {/etc/f: {source: ../outside/nothing-here}}",
            OUTSIDE,
        ),
        named(
            "assets: {/etc/f: {source: ../outside/file, sha256: DIGEST}}",
            OUTSIDE,
        ),
        named("nodesFrom: [../outside/table.csv]", "nodesFrom"),
    ]
}

#[test]
fn no_link_and_no_path_leads_out_of_a_project() {
    for way in ways() {
        let project = project();
        if let Some((at, to)) = way.link {
            link(&project, at, to);
        }
        let lines = way.lines.replace("DIGEST", &sha256(CANARY.as_bytes()));
        if way.link.is_none_or(|(at, _)| at != "cluster.yaml") {
            add(&project, &lines);
        }
        let what = format!("{:?} {lines}", way.link);
        for args in [["check"], ["build"]] {
            let output = project.run(&args);
            let said = text(&output.stdout) + &text(&output.stderr);
            assert_eq!(output.status.code(), Some(3), "{what}: {said}");
            assert!(said.contains(way.said), "{what}: {said}");
            assert!(!said.contains(CANARY), "{what}: {said}");
            assert!(!project.out().exists(), "{what}");
        }
    }
}

#[test]
fn an_allowed_folder_may_be_named_and_linked_to() {
    let mut project = project();
    let digest = sha256(CANARY.as_bytes());
    let outside = project.scratch().join("outside").canonicalize().unwrap();
    let lines = format!(
        "overlays: {{x: {{}}}}\nfiles: {{/etc/f: {{source: ../outside/file}}}}\n\
         assets: {{/opt/a: {{source: {}/file, sha256: {digest}}}}}",
        outside.display()
    );
    add(&project, &lines);
    link(&project, "overlays/x", "../../outside/overlay");
    assert_eq!(project.run(&["check"]).status.code(), Some(3));
    // By way of a link, too: where it really is decides.
    let other_name = project.scratch().join("cache");
    symlink("outside", &other_name).unwrap();
    project.allowed.push(other_name);
    project.good(&["check"]);
    project.good(&["build"]);
    let shown = project
        .command(&["show", "n1", "--file", "/etc/canary"])
        .good();
    assert_eq!(shown, CANARY);
    // A folder that is not there would allow nothing, and whoever names it believes otherwise.
    project.allowed.push("/nonexistent".into());
    let output = project.run(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("reading --allow /nonexistent"));
}

/// Every command that reads a project knows `--allow`, and none follows what leads out without it.
#[test]
fn every_command_that_reads_a_project_knows_what_is_allowed() {
    let project = project();
    link(&project, "table.csv", "../outside/table.csv");
    let outside = project.scratch().join("outside");
    fs::write(
        project.dir.join("dump"),
        "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": []}",
    )
    .unwrap();
    for args in [
        &["check"][..],
        &["show", "n1"],
        &["build"],
        &["preflight"],
        &["diff", "out"],
        &["token", "list"],
        &["token", "create"],
        &["token", "rotate", ".", "n1"],
        &["token", "expiring", "--within", "1h"],
        &["token", "import", "dump"],
        &["csr", "review", "dump"],
        &["csr", "approver-settings"],
        &["pki", "issue"],
        &["token", "revoke", ".", "n1"],
    ] {
        let mut command = project.command(args);
        command.args(["--allow", outside.to_str().unwrap()]);
        let good = command.run();
        let said = text(&good.stdout) + &text(&good.stderr);
        assert!(!said.contains("table.csv"), "{args:?}: {said}");
        assert_ne!(good.status.code(), Some(2), "{args:?}: {said}");
        let output = project.run(args);
        let said = text(&output.stdout) + &text(&output.stderr);
        // A revocation is carried out whatever is wrong with the inventory, and says so.
        let is_read = said.contains("table.csv leads out of the project");
        assert!(
            is_read || args[1..].first() == Some(&"revoke"),
            "{args:?}: {said}"
        );
    }
}

/// Links inside of a project are how files are shared; what belongs to whoever runs the program may be elsewhere.
#[test]
fn links_inside_and_to_secrets_are_followed() {
    let project = project();
    for (at, to) in [("secrets.yaml", "../secrets"), ("keys", "../keys")] {
        let beside = project.scratch().join(to.trim_start_matches("../"));
        fs::rename(project.dir.join(at), beside).unwrap();
        symlink(to, project.dir.join(at)).unwrap();
    }
    fs::write(project.dir.join("real"), "inside\n").unwrap();
    fs::create_dir_all(project.dir.join("overlays/x/root/etc")).unwrap();
    // Copied as they are, wherever they lead to on the node.
    symlink(
        "/proc/self/mounts",
        project.dir.join("overlays/x/root/etc/mtab"),
    )
    .unwrap();
    symlink(
        "../../../../../../outside/file",
        project.dir.join("overlays/x/root/etc/up"),
    )
    .unwrap();
    symlink(project.dir.join("real"), project.dir.join("absolute")).unwrap();
    symlink("overlays/../real", project.dir.join("relative")).unwrap();
    symlink("x", project.dir.join("overlays/y")).unwrap();
    add(
        &project,
        "overlays: {y: {}}\nfiles: {/etc/a: {source: absolute}, /etc/b: {source: ./pki/../relative}}",
    );
    project.good(&["check"]);
    project.good(&["build"]);
    for file in ["/etc/a", "/etc/b"] {
        assert_eq!(
            project.command(&["show", "n1", "--file", file]).good(),
            "inside\n"
        );
    }
    let shown = project.command(&["show", "n1"]).good();
    assert!(
        shown.contains("/proc/self/mounts") && !shown.contains(CANARY),
        "{shown}"
    );
}
