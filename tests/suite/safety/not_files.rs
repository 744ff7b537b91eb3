//! What is no regular file, or never ends, wherever a file is meant: told at once, by every reader.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::fixture::{Project, text};
use crate::support::oracles;
use crate::support::tool::nodebake;

/// What is put where a file is meant, and what is said of it.
const KINDS: [(&str, &[&str]); 5] = [
    (
        "pipe",
        &["is a named pipe", "is a pipe that nobody writes to"],
    ),
    ("device", &["is a device"]),
    ("socket", &["is a socket"]),
    ("folder", &["is a folder"]),
    ("sparse", &["iB, the limit", "bytes, the limit"]),
];

fn put(kind: &str, at: &Path) {
    let _ = fs::remove_file(at);
    let _ = fs::remove_dir_all(at);
    match kind {
        "pipe" => assert!(Command::new("mkfifo").arg(at).status().unwrap().success()),
        "device" => symlink("/dev/zero", at).unwrap(),
        "socket" => drop(UnixListener::bind(at).unwrap()),
        "folder" => fs::create_dir(at).unwrap(),
        "sparse" => fs::File::create(at).unwrap().set_len(1 << 40).unwrap(),
        _ => panic!("{kind}"),
    }
}

/// Runs the binary; nobody waits for it longer than ten seconds.
fn said(project: &Project, args: &[&str]) -> (Option<i32>, String) {
    let output = nodebake(&project.dir, args)
        .below("exec timeout 10 \"$0\" \"$@\"")
        .run();
    (
        output.status.code(),
        text(&output.stdout) + &text(&output.stderr),
    )
}

fn built() -> Project {
    let project = Project::of("bad/project");
    project.good(&["build"]);
    project
}

/// A reader: the arguments, in which FILE stands for the file, and what the exit code is. What is none is never sparse.
type Reader = (&'static [&'static str], i32, bool);

/// The files that users name on the command line.
const NAMED: [Reader; 14] = [
    (&["csr", "review", "FILE"], 3, true),
    (&["token", "import", "FILE"], 3, true),
    (&["token", "list", "--secrets", "FILE"], 3, true),
    (&["token", "list", "--identity", "FILE"], 3, true),
    (&["check", "--secrets", "FILE"], 3, true),
    (&["check", "--identity", "FILE"], 3, true),
    (&["build", "--key", "FILE"], 3, true),
    (&["sign", "out", "--key", "FILE"], 3, true),
    (&["verify", "out", "--key", "FILE"], 3, true),
    (&["pki", "issue", "--ca-key", "FILE"], 3, true),
    (&["inspect", "FILE"], 1, false),
    (
        &[
            "sign",
            "out",
            "--signature",
            "FILE",
            "--public-key",
            "keys/sign.pub",
        ],
        1,
        true,
    ),
    (
        &[
            "initrd",
            "append",
            "--base",
            "FILE",
            "--node",
            "n1",
            "--key",
            "keys/sign.pub",
            "-o",
            "x",
        ],
        1,
        false,
    ),
    (
        &[
            "verify",
            "cluster.yaml",
            "--sums",
            "FILE",
            "--key",
            "keys/sign.pub",
        ],
        4,
        false,
    ),
];

#[test]
fn what_is_no_file_is_told_at_once_where_one_is_named() {
    let project = built();
    let inventory = fs::read_to_string(project.dir.join("cluster.yaml")).unwrap();
    let with_initramfs = format!("{inventory}output: {{formats: [initramfs]}}\n");
    fs::write(project.dir.join("cluster.yaml"), with_initramfs).unwrap();
    project.good(&["build"]);
    // Nodes that ask `pki issue` for something.
    let with_certificates = format!("{inventory}identity: {{client: clientCertificate}}\n");
    fs::write(project.dir.join("cluster.yaml"), with_certificates).unwrap();
    for (args, code, sparse) in NAMED {
        for (kind, words) in KINDS.iter().filter(|(kind, _)| sparse || *kind != "sparse") {
            put(kind, &project.dir.join("it"));
            let args: Vec<&str> = args
                .iter()
                .map(|arg| if *arg == "FILE" { "it" } else { *arg })
                .collect();
            let (found, said) = said(&project, &args);
            assert_eq!(found, Some(code), "{args:?} {kind}: {said}");
            let strict = ["is not a regular file", "is a symbolic link"];
            let mut known = words.iter().chain(strict.iter().filter(|_| code == 4));
            assert!(
                known.any(|word| said.contains(word)),
                "{args:?} {kind}: {said}"
            );
        }
    }
}

/// The files of a project, and the lines that name them. What is streamed has another limit, and a terabyte is beyond it too.
const OF_PROJECT: [(&str, &str); 20] = [
    ("secrets.yaml", ""),
    ("secrets.yaml.age", ""),
    ("keys/sign.key", ""),
    ("cluster.yaml", ""),
    ("profiles/rack.yaml", ""),
    ("table.csv", ""),
    ("pki/ca.pem", ""),
    ("overlays/x/overlay.yaml", "overlays: {x: {}}"),
    ("overlays/x/root/etc/it", "overlays: {x: {}}"),
    ("overlays/x/root/etc/it.tera", "overlays: {x: {}}"),
    ("it", "files: {/etc/it: {source: it}}"),
    ("it", "assets: {/etc/it: {source: it, sha256: DIGEST}}"),
    (
        "it",
        "assets: {/etc/it: {source: it, sha256: DIGEST, unpack: true}}",
    ),
    ("it", "images: {it.tar: {source: it, sha256: DIGEST}}"),
    ("it", "registries: {r.example.com: {ca: it}}"),
    (
        "it",
        "output: {formats: [ignition], ignition: {merge: [{source: it}]}}",
    ),
    (
        "it",
        "output: {formats: [cloudInit], cloudInit: {parts: [{source: it}]}}",
    ),
    (
        "it",
        "output: {formats: [cloudInit], cloudInit: {vendorData: it}}",
    ),
    (
        "it",
        "output: {formats: [initramfs], pxe: {url: \"https://b.example.com\", kernel: it, initrd: \"https://b.example.com/i\"}}",
    ),
    (
        "pki/nodes/n1/client.pem",
        "identity: {client: clientCertificate}",
    ),
];

#[test]
fn what_is_no_file_is_a_finding_at_once_in_a_project() {
    for (name, lines) in OF_PROJECT {
        for (kind, words) in KINDS {
            let project = Project::of("bad/project");
            let inventory = fs::read_to_string(project.dir.join("cluster.yaml")).unwrap();
            let lines = lines.replace("DIGEST", &"a".repeat(64));
            fs::write(
                project.dir.join("cluster.yaml"),
                format!("{inventory}{lines}\n"),
            )
            .unwrap();
            let at = project.dir.join(name);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            let is_below_root = name.starts_with("overlays/x/root");
            // A folder may be there, and a link is copied as it is.
            if (kind == "folder" && (is_below_root || lines.contains("images")))
                || (kind == "device" && is_below_root)
            {
                continue;
            }
            put(kind, &at);
            let (code, said) = said(&project, &["check"]);
            assert_eq!(code, Some(3), "{name} {lines} {kind}: {said}");
            // A link to a device leads out as well.
            let others = [
                "leads out of the project, to /dev/zero",
                "is neither a file",
            ];
            let mut known = words.iter().chain(&others);
            assert!(
                known.any(|word| said.contains(word)),
                "{name} {lines} {kind}: {said}"
            );
        }
    }
}

/// A pipe is read to its end where one may be meant, and not further than the limit.
#[test]
fn a_pipe_may_be_meant_and_must_end() {
    oracles::needs(["bash"]);
    let project = built();
    let key = fs::read_to_string(project.dir.join("keys/sign.pub")).unwrap();
    fs::write(project.dir.join("key"), key).unwrap();
    let run = |script: &str| {
        let mut command = oracles::command(&project.dir, "bash");
        let script = script.replace("nodebake", crate::support::tool::binary().to_str().unwrap());
        let output = command
            .args(["-c", &*script])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (
            output.status.code(),
            text(&output.stdout) + &text(&output.stderr),
        )
    };
    for script in [
        "timeout 20 nodebake verify out --key <(cat key)",
        "timeout 20 nodebake verify out --key <(sleep 2; cat key)",
        "timeout 20 nodebake token list --secrets <(cat secrets.yaml)",
        "timeout 20 nodebake token list --secrets - < secrets.yaml",
        "timeout 20 nodebake token list --secrets /dev/stdin < secrets.yaml",
        "cat secrets.yaml | timeout 20 nodebake token list --secrets /dev/stdin",
        "mkfifo p; (sleep 0.1; cat secrets.yaml > p) & timeout 20 nodebake token list --secrets p",
        "echo '{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[]}' | timeout 20 nodebake csr review -",
    ] {
        let (code, said) = run(script);
        assert_eq!(code, Some(0), "{script}: {said}");
    }
    for (script, limit) in [
        (
            "timeout 20 nodebake verify out --key <(cat /dev/zero)",
            "16 KiB",
        ),
        (
            "timeout 20 nodebake check --identity - < /dev/zero",
            "1 MiB",
        ),
        (
            "timeout 20 nodebake token list --secrets - < /dev/zero",
            "256 MiB",
        ),
        (
            "cat /dev/zero | timeout 20 nodebake csr review -",
            "512 MiB",
        ),
    ] {
        let (code, said) = run(script);
        assert_eq!(code, Some(3), "{script}: {said}");
        assert!(
            said.contains(&format!("is longer than {limit}, the limit")),
            "{script}: {said}"
        );
    }
}
