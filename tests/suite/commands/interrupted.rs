//! Runs that end early: killed at any moment, or on a disk without room. What is there is whole, or is not there; and
//! the next run needs no one to tidy up.

use std::fs;
use std::path::Path;
use std::time::Instant;

use nodebake::report::Report;
use nodebake::signing::{PublicKey, Signer};
use nodebake::verify::verify;

use crate::formats::initrd::base;
use crate::support::everything::{BEFORE, NODE, everything};
use crate::support::fixture::{Project, snapshot, text};
use crate::support::oracles;
use crate::support::tool::nodebake;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Whether what is in `out/` verifies; None where there is nothing.
fn verifies(project: &Project) -> Option<bool> {
    let key = project.dir.join("keys/sign.pub");
    let key = PublicKey::load(&key, "sign.pub", &mut Report::default())
        .unwrap()
        .unwrap();
    let out = project.out();
    out.exists()
        .then(|| verify(&out, &key, None).unwrap().is_good())
}

/// git takes nothing of a folder under construction that a run which died has left.
fn ignores_itself(folder: &Path) {
    let is_empty = fs::read_dir(folder).map_or(true, |mut there| there.next().is_none());
    if !is_empty {
        assert_eq!(
            fs::read_to_string(folder.join(".gitignore")).unwrap(),
            "*\n"
        );
    }
}

/// Layers, images, extensions, network boot and all: each run dies a little later than the one before.
#[test]
fn whenever_a_build_is_killed_what_is_there_verifies() {
    let project = everything();
    let args = ["build", "--upgrade-from", BEFORE];
    let start = Instant::now();
    project.good(&args);
    let takes = start.elapsed();
    let whole = snapshot(&project.out());
    fs::remove_dir_all(project.out()).unwrap();
    let before = names(&project.dir);
    for turn in 0..24u32 {
        // Twice over, since the machine may do much else: from an empty folder, and over a bundle.
        if turn == 12 {
            project.good(&args);
        }
        project
            .command(&args)
            .killed_after(takes * (turn % 12 + 1) / 10);
        ignores_itself(&project.dir.join(".out.nodebake-new"));
        let verifies = verifies(&project);
        assert!(
            verifies != Some(false) && (turn < 12 || verifies.is_some()),
            "turn {turn}: {verifies:?}"
        );
    }
    project.good(&args);
    assert!(snapshot(&project.out()) == whole);
    let mut after = before;
    after.push("out".to_owned());
    after.sort();
    assert_eq!(names(&project.dir), after);
}

/// A key that is whole is never lost, and half a pair is completed.
#[test]
fn whenever_a_key_is_killed_in_the_making_the_next_run_completes_it() {
    let project = Project::empty();
    fs::create_dir(&project.dir).unwrap();
    let start = Instant::now();
    project.good(&["key", "generate", "first"]);
    let takes = start.elapsed();
    for turn in 0..60u32 {
        let folder = format!("at-{turn}");
        let args = ["key", "generate", &*folder];
        project.command(&args).killed_after(takes * turn / 50);
        let keys = project.dir.join(&folder).join("keys");
        let before = fs::read(keys.join("sign.key")).ok();
        let output = project.run(&args);
        let said = text(&output.stderr);
        // Complete, or completed now.
        let code = output.status.code();
        assert!(
            code == Some(0) || said.contains("never overwritten"),
            "turn {turn}: {said}"
        );
        assert_eq!(
            names(&keys),
            ["allowed_signers", "sign.key", "sign.pub"],
            "turn {turn}"
        );
        let after = fs::read(keys.join("sign.key")).ok();
        assert!(before.is_none() || before == after, "turn {turn}");
        let mut report = Report::default();
        let signer = Signer::load(&keys.join("sign.key"), "sign.key", &mut report).unwrap();
        assert!(
            signer.is_some() && report.is_empty(),
            "turn {turn}: {report}"
        );
    }
}

/// A CA's key without its certificate could neither be used nor be overwritten.
#[test]
fn whenever_a_ca_is_killed_in_the_making_the_next_run_completes_it() {
    let project = Project::of("modern");
    let pki = project.dir.join("pki");
    let start = Instant::now();
    fs::remove_dir_all(&pki).unwrap();
    project.good(&["pki", "init"]);
    let takes = start.elapsed();
    let whole = names(&pki);
    let control_plane = names(&pki.join("control-plane"));
    for turn in 0..30u32 {
        fs::remove_dir_all(&pki).unwrap();
        // The last third is when files are renamed.
        project
            .command(&["pki", "init"])
            .killed_after(takes * (turn + 15) / 45);
        let output = project.run(&["pki", "init"]);
        let said = text(&output.stderr);
        assert!(
            output.status.success() || said.contains("never overwritten"),
            "turn {turn}: {said}"
        );
        assert_eq!(names(&pki), whole, "turn {turn}");
        assert_eq!(
            names(&pki.join("control-plane")),
            control_plane,
            "turn {turn}"
        );
        project.good(&["pki", "issue", "--force"]);
        fs::remove_dir_all(pki.join("nodes")).unwrap_or_default();
    }
}

/// Half a project would be in the way of another.
#[test]
fn whenever_an_init_is_killed_the_next_one_makes_a_whole_project() {
    let project = Project::empty();
    fs::create_dir(&project.dir).unwrap();
    let start = Instant::now();
    project.good(&["init", "first"]);
    let takes = start.elapsed();
    let whole = names(&project.dir.join("first"));
    for turn in 0..40u32 {
        let folder = format!("at-{turn}");
        // Every other one into a folder that is there.
        if turn % 2 == 0 {
            fs::create_dir(project.dir.join(&folder)).unwrap();
        }
        let args = ["init", &*folder];
        project.command(&args).killed_after(takes * turn / 35);
        let output = project.run(&args);
        let said = text(&output.stderr);
        assert!(
            output.status.success() || said.contains("is there already"),
            "turn {turn}: {said}"
        );
        assert_eq!(names(&project.dir.join(&folder)), whole, "turn {turn}");
        // Now, as it is this hour's tokens that were made.
        nodebake(&project.dir, &["check", &folder]).good();
    }
}

/// Tokens are changed by one rename: a run that dies leaves the old ones or the new ones, for their owner's eyes.
#[test]
fn whenever_a_rotation_is_killed_the_tokens_are_whole() {
    let project = Project::of("modern");
    let start = Instant::now();
    project.good(&["token", "rotate", ".", NODE]);
    let takes = start.elapsed();
    for turn in 0..20u32 {
        project
            .command(&["token", "rotate", ".", NODE])
            .killed_after(takes * (turn + 1) / 15);
        let listed = project.good(&["token", "list", "."]);
        assert!(listed.contains(NODE), "{listed}");
        for name in names(&project.dir) {
            if name.starts_with("secrets.yaml") {
                let line = &snapshot(&project.dir)[&name];
                assert!(line.starts_with("0600"), "{name}: {line}");
            }
        }
    }
    project.good(&["token", "rotate", ".", NODE]);
}

/// A disk with so much room, which only the commands in `script` see; `$0` is the tool.
fn on_a_small_disk(project: &Project, script: &str) -> String {
    oracles::needs_chroot();
    let room = project.dir.join("room");
    fs::create_dir_all(&room).unwrap();
    // `fill N` leaves N KiB, and `try` says how a command ends, how many lines it says, and what is there then.
    let head = "set -u; mount -t tmpfs -o size=64m,mode=755 none room
        fill() { sync; used=$(df -k --output=used room | tail -n 1); mount -o remount,size=$((used + $1))k room; }
        grow() { mount -o remount,size=64m room; }
        try() { \"$@\" >/dev/null 2>.said; code=$?; echo \"$code $(wc -l <.said) $(ls -A room | tr '\\n' ' ')\"; }";
    let inside = format!("{head}\n{script}");
    let outer = "exec unshare -m sh -c \"$INSIDE\" \"$0\"";
    let output = {
        let mut tool = nodebake(&project.dir, &[]);
        tool.env("INSIDE", &inside);
        tool.below(outer).run()
    };
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_build_without_room_leaves_the_bundle_that_was_there() {
    let project = everything();
    let script = format!(
        "build() {{ try \"$0\" build -o room/out --upgrade-from {BEFORE} --at 2027-06-01T00:00:00Z; }}
         check() {{ \"$0\" verify room/out --key keys/sign.pub >/dev/null; echo verified $?; }}
         build; check
         for free in 0 4 40 200 400 800 1200; do fill $free; build; check; done
         grow; build; check"
    );
    let said = on_a_small_disk(&project, &script);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 18, "{said}");
    assert!(
        lines
            .iter()
            .skip(1)
            .step_by(2)
            .all(|line| *line == "verified 0"),
        "{said}"
    );
    assert_eq!((lines[0], lines[16]), ("0 0 out ", "0 0 out "), "{said}");
    let failed = lines[2..16]
        .iter()
        .step_by(2)
        .filter(|line| **line == "1 1 out ")
        .count();
    let good = lines[2..16]
        .iter()
        .step_by(2)
        .filter(|line| **line == "0 0 out ")
        .count();
    assert!(failed >= 4 && failed + good == 7, "{said}");
}

/// Where the folder cannot be exchanged, there must be room for both bundles. The room grows by a page and then by more, so
/// that the disk is full at one write after the other: the old bundle verifies until the new one does.
#[test]
fn a_mount_point_without_room_keeps_its_bundle() {
    let project = everything();
    // Other bytes than before, as of another generation.
    let script = format!(
        "build() {{ \"$0\" build -o room --upgrade-from {BEFORE} --at 2027-06-01T00:00:00Z >/dev/null 2>.said; echo $? $(wc -l <.said) $(ls -A room | grep -c nodebake); }}
         check() {{ \"$0\" verify room --key keys/sign.pub | grep -o 'generation [0-9]*'; }}
         build; check
         sed -i 's/^generation: 4/generation: 5/' cluster.yaml
         for free in 0 4 8 12 20 28 40 60 90 130 180 240 310 390 480 580 690 810 940 1080 1230 1400 1600; do fill $free; build; check; done
         grow; build; check"
    );
    let said = on_a_small_disk(&project, &script);
    let lines: Vec<&str> = said.lines().collect();
    let runs: Vec<(&str, &str)> = lines.chunks(2).map(|run| (run[0], run[1])).collect();
    let (failed, done) = (("1 1 0", "generation 4"), ("0 0 0", "generation 5"));
    assert_eq!(runs[0], ("0 0 0", "generation 4"), "{said}");
    assert_eq!(runs.last(), Some(&done), "{said}");
    let count = runs.iter().filter(|run| **run == failed).count();
    assert!(count > 8, "{said}");
    // Once there was room it went well, and until then nothing had changed.
    let order = |run: &(&str, &str)| *run == done;
    assert!(runs[1..].is_sorted_by_key(order), "{said}");
    assert!(
        runs[1..].iter().all(|run| *run == failed || *run == done),
        "{said}"
    );
}

/// Killed at one moment after the other, with the copy to the mount and the exchange among them.
#[test]
fn whenever_a_build_onto_a_mount_point_is_killed_its_bundle_verifies() {
    let project = everything();
    let start = Instant::now();
    project.good(&["build"]);
    let takes = start.elapsed().as_secs_f64();
    let times: Vec<String> = (1..=30)
        .map(|turn| format!("{:.3}", takes * f64::from(turn) / 25.0))
        .collect();
    let script = format!(
        "build() {{ \"$0\" build -o room --upgrade-from {BEFORE} --at 2027-06-01T00:00:00Z >/dev/null 2>.said; }}
         check() {{ \"$0\" verify room --key keys/sign.pub >.verdict 2>.warned; echo $? $(grep -c nodebake-ready .verdict) $(grep -c ^warning .warned); }}
         build; check
         for time in {}; do build & sleep $time; kill -9 $! 2>/dev/null; wait $! 2>/dev/null; check; done
         build; check; ls -A room",
        times.join(" ")
    );
    // The function runs in a shell of its own, which would be killed in the tool's place.
    let script = script.replace("build & sleep", "\"$0\" build -o room --upgrade-from before --at 2027-06-01T00:00:00Z >/dev/null 2>&1 & sleep");
    let said = on_a_small_disk(&project, &script);
    let lines: Vec<&str> = said.lines().collect();
    for line in &lines[..32] {
        // It verifies, with or without a word on what was left; or the exchange itself was hit, and the verdict says it.
        let known = ["0 0 0", "0 0 1", "4 1 0"];
        assert!(known.contains(line), "{said}");
    }
    assert_eq!((lines[0], lines[31]), ("0 0 0", "0 0 0"), "{said}");
    assert!(
        lines[32..].iter().all(|name| !name.contains("nodebake")),
        "{said}"
    );
}

/// Every other command that writes. A few pages are room for a folder and an empty file, and for no content.
#[test]
fn commands_without_room_leave_nothing_half_written() {
    let project = everything();
    project.good(&["build"]);
    base(&project.dir, "base-initrd", &["scripts/functions"], "gzip");
    let script = format!(
        "cp secrets.yaml room; mkdir room/p; cp -r cluster.yaml profiles overlays racks.csv cni.tar base tool secrets.yaml room/p
         all() {{
           try \"$0\" inspect out/nodes/{NODE}/seed.iso --extract room/extracted
           try \"$0\" initrd append --base base-initrd --bundle out --node {NODE} --key keys/sign.pub --out room/initrd
           try \"$0\" token rotate --secrets room/secrets.yaml . {NODE}
           try \"$0\" key generate room/keyed
           try \"$0\" init room/made
           try \"$0\" pki init room/p
           echo $(find room/p/pki room/keyed -type f | wc -l) files, tokens $(\"$0\" token list --secrets room/secrets.yaml . | wc -l)
         }}
         for free in 0 4; do fill $free; all; done
         grow; all"
    );
    let said = on_a_small_disk(&project, &script);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 21, "{said}");
    // The files there, and the lines that tokens take: one more after each rotation that came to its end.
    let counts = |line: &str| {
        let numbers = line.split(' ').filter_map(|word| word.parse().ok());
        numbers.collect::<Vec<usize>>()
    };
    for run in lines[..14].chunks(7) {
        for line in &run[..6] {
            let (ended, left) = line.split_at(4);
            assert!(ended == "1 1 " || ended == "0 0 ", "{said}");
            // A folder without anything in it, and what keeps two writers apart.
            let known = ["p", "keyed", "secrets.yaml", "secrets.yaml.lock"];
            assert!(
                left.split_whitespace().all(|name| known.contains(&name)),
                "{line}: {said}"
            );
        }
        assert!(
            run.iter().filter(|line| line.starts_with("1 1 ")).count() >= 5,
            "{said}"
        );
        // What keeps private keys out of version control may be there before them.
        let counts = counts(run[6]);
        assert!(counts[0] <= 1 && counts[1] >= 10, "{said}");
    }
    assert!(
        lines[14..20].iter().all(|line| line.starts_with("0 0 ")),
        "{said}"
    );
    for name in ["extracted", "initrd", "keyed", "made"] {
        assert!(lines[19].split(' ').any(|left| left == name), "{said}");
    }
    let counts = counts(lines[20]);
    assert!(counts[0] == 20 && counts[1] > 10, "{said}");
}

/// `show > /dev/full`: the reader's disk is no reason to say that all is well.
#[test]
fn an_output_without_room_is_an_error() {
    let project = Project::of("modern");
    project.good(&["build"]);
    let commands: [&[&str]; 6] = [
        &["show", NODE],
        &["check"],
        &["inspect", "out/nodes/edge-001/user-data"],
        &["token", "list", "."],
        &["verify", "out", "--key", "keys/sign.pub"],
        &["preflight"],
    ];
    for args in commands {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = project.command(args).run_into(full);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
    }
}
