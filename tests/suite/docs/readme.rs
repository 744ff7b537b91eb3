//! The documentation is true: the README's commands print what it shows, its example files build, the demo's hints
//! work, and `--help` is what was last looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use clap::CommandFactory;
use nodebake::cli::Cli;

use crate::bundle::golden::recording;
use crate::support::fixture::text;
use crate::support::oracles;
use crate::support::tool;

/// Where README.md, the Makefile and the fixtures are.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What commands of the README need beside nodebake and a shell.
const OUTSIDE: [&str; 2] = ["openssl", "ssh-keygen"];

/// A fenced block of the README.
pub struct Block {
    pub language: String,
    pub text: String,
}

fn readme() -> String {
    fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap()
}

/// README.md, then the guides: what users read, examples and all.
fn documents() -> String {
    let guides = Path::new(ROOT).join("src/man");
    let mut guides: Vec<PathBuf> = fs::read_dir(guides)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    guides.sort();
    let guides = guides
        .iter()
        .map(|guide| fs::read_to_string(guide).unwrap());
    std::iter::once(readme()).chain(guides).collect()
}

fn blocks(language: &str) -> Vec<Block> {
    let text = documents();
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(language), None) => {
                open = Some(Block {
                    language: language.to_owned(),
                    text: String::new(),
                });
            }
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found.retain(|block| block.language == language);
    assert!(!found.is_empty(), "no {language} blocks");
    found
}

/// A scratch folder in which `nodebake` is on the PATH.
pub struct Room {
    folder: tempfile::TempDir,
    /// Where the next command runs: `cd` is remembered.
    pub at: PathBuf,
}

impl Room {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(tool::binary(), bin.join("nodebake")).unwrap();
        let at = folder.path().to_owned();
        Self { folder, at }
    }

    /// Runs a line as a person's shell would, and remembers where it left that shell.
    pub fn run(&mut self, line: &str) -> Output {
        oracles::needs(["bash"]);
        let left = self.folder.path().join("left");
        let script = format!("{{ {line}\n}} 2>&1; ended=$?; pwd > \"$LEFT\"; exit $ended");
        let mut command = oracles::command(&self.at, "bash");
        let path = command.get_envs().find(|(name, _)| *name == "PATH");
        let mut path = path.unwrap().1.unwrap().to_owned();
        let mut folders = self.folder.path().join("bin").into_os_string();
        folders.push(":");
        folders.push(&path);
        path = folders;
        let output = command
            .args(["-c", &script])
            .env("PATH", path)
            .env("LEFT", &left)
            .output()
            .unwrap();
        tool::says_no_secret(line, self.folder.path(), &text(&output.stdout));
        self.at = fs::read_to_string(left).unwrap().trim_end().into();
        output
    }

    /// Runs `nodebake`, which must be content.
    fn nodebake(&mut self, line: &str) -> String {
        let output = self.run(&format!("nodebake {line}"));
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "nodebake {line}\n{said}");
        said
    }
}

/// The commands of a `console` block, each with the output that it shows.
pub fn steps(block: &Block) -> Vec<(String, Vec<String>)> {
    let mut steps: Vec<(String, Vec<String>)> = Vec::new();
    for line in block.text.lines() {
        if let (Some(more), Some((command, _))) = (line.strip_prefix("> "), steps.last_mut()) {
            *command += &format!("\n{more}");
            continue;
        }
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command.to_owned(), Vec::new())),
            (None, Some((_, shown))) => shown.push(line.to_owned()),
            (None, None) => panic!("output before a command: {line}"),
        }
    }
    steps
}

/// A line without what differs from run to run: token ids, times, sizes, keys, columns' widths.
pub fn normal(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let normal = words.iter().enumerate().map(|(index, word)| {
        let before = index.checked_sub(1).map(|index| words[index]);
        let after = words.get(index + 1).copied().unwrap_or_default();
        let number = word.bytes().all(|byte| byte.is_ascii_digit());
        if word.len() == 20 && word.ends_with('Z') && word.contains('T') {
            "TIME".to_owned()
        } else if number && (after.starts_with("bytes") || after.starts_with('/')) {
            "SIZE".to_owned()
        } else if before == Some("created") || word.ends_with(".<hidden>") {
            "TOKEN".to_owned()
        } else if word.starts_with("SHA256:") {
            "KEY".to_owned()
        } else {
            (*word).to_owned()
        }
    });
    normal.collect::<Vec<_>>().join(" ")
}

/// Whether lines are as shown, where `...` stands for any lines.
pub fn matches(shown: &[String], said: &[String]) -> bool {
    match shown.split_first() {
        None => said.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=said.len()).any(|skipped| matches(rest, &said[skipped..]))
        }
        Some((first, rest)) => said.first() == Some(first) && matches(rest, &said[1..]),
    }
}

#[test]
fn the_tour_prints_what_the_readme_shows() {
    let mut room = Room::new();
    let can_run = |block: &&Block| {
        let needed = |name: &&str| block.text.contains(&format!("$ {name} "));
        OUTSIDE.into_iter().filter(needed).all(oracles::present)
    };
    for (command, shown) in blocks("console").iter().filter(can_run).flat_map(steps) {
        let output = room.run(&command);
        let said = String::from_utf8(output.stdout).unwrap();
        let normal_said: Vec<String> = said.lines().map(normal).collect();
        let normal_shown: Vec<String> = shown.iter().map(|line| normal(line)).collect();
        assert!(
            output.status.success() && matches(&normal_shown, &normal_said),
            "$ {command}\nsaid:\n{said}\nREADME.md shows:\n{}",
            shown.join("\n")
        );
    }
}

#[test]
fn a_receiver_is_told_the_lines_that_tampering_is_tested_with() {
    let lines = nodebake::manifest::RECEIVER_CHECK.replace("\"$KEY\"", "../keys/sign.pub");
    let shown = format!("$ {}", lines.trim_end().replace('\n', "\n> "));
    assert!(readme().contains(&shown), "README.md lacks:\n{shown}");
}

#[test]
fn what_is_shown_must_be_said() {
    let lines = |text: &str| text.lines().map(normal).collect::<Vec<_>>();
    let said = lines("a\nx: created abc123, good until 2027-02-22T16:32:08Z\nb\nc");
    assert!(matches(&lines("a\n...\nc"), &said));
    let shown = "...\nx: created zzzzzz, good until 2028-02-22T16:32:08Z\n...";
    assert!(matches(&lines(shown), &said));
    for wrong in ["a\n...\nb", "...\ny\n...", "a", ""] {
        assert!(!matches(&lines(wrong), &said), "{wrong}");
    }
}

#[test]
fn commands_for_other_machines_name_what_a_bundle_has() {
    let mut room = Room::new();
    room.nodebake("init p && cd p && nodebake build");
    let text: String = blocks("sh").into_iter().map(|block| block.text).collect();
    let mut seen = 0;
    for word in text
        .split_whitespace()
        .filter(|word| word.starts_with("out/"))
    {
        assert!(room.at.join(word).exists(), "{word}");
        seen += 1;
    }
    assert!(seen >= 4, "{text}");
    let kustomizations = text.split("-k ").skip(1);
    for folder in kustomizations.filter_map(|rest| rest.split_whitespace().next()) {
        if oracles::present("kubectl") {
            let built = oracles::content(&room.at, "kubectl", &["kustomize", folder]);
            assert!(built.contains("kind: "), "{built}");
        }
    }
}

#[test]
fn make_has_the_targets_that_the_readme_names() {
    let makefile = fs::read_to_string(Path::new(ROOT).join("Makefile")).unwrap();
    let text = readme();
    let targets = text.split("make ").skip(1).filter_map(|rest| {
        let target = rest.split(|c: char| !c.is_ascii_lowercase()).next()?;
        (!["a", "s", ""].contains(&target)).then_some(target)
    });
    let mut seen = 0;
    for target in targets.filter(|target| *target != "warnings") {
        assert!(makefile.contains(&format!("\n{target}:")), "make {target}");
        seen += 1;
    }
    assert!(seen >= 4);
}

/// Writes the README's example files, each named by its first line, over a fresh project.
pub fn example() -> Room {
    let mut room = Room::new();
    room.nodebake("init p && cd p && rm secrets.yaml");
    for block in ["yaml", "csv", "jinja"].into_iter().flat_map(blocks) {
        let (name, text) = block.text.split_once('\n').unwrap();
        let file = room.at.join(name.strip_prefix("# ").unwrap());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let binary = room
        .at
        .join("overlays/chrony/root/usr/local/sbin/time-check");
    fs::create_dir_all(binary.parent().unwrap()).unwrap();
    fs::write(binary, "#!/bin/sh\n").unwrap();
    fs::create_dir(room.at.join("files")).unwrap();
    fs::write(room.at.join("files/kubelet"), "kubelet\n").unwrap();
    fs::write(room.at.join("files/token"), "not shown\n").unwrap();
    let site = r#"{"ignition": {"version": "3.2.0"}, "storage": {"links": [{"path": "/etc/site", "target": "x"}]}}"#;
    fs::write(room.at.join("files/site.ign"), site).unwrap();
    room
}

#[test]
fn the_example_inventory_builds_without_a_finding() {
    let mut room = example();
    room.nodebake("token create");
    assert_eq!(room.nodebake("check --strict"), "252 nodes can be built\n");
    room.nodebake("build --node 'gpu*'; nodebake build");
    room.nodebake("verify out --key keys/sign.pub");
    let show = |room: &mut Room, node: &str, file: &str| {
        room.nodebake(&format!("show {node} --file {file}"))
    };
    let gpu = "gpu-1.example.com";
    assert_eq!(show(&mut room, gpu, "/etc/motd"), "{{ as it is }}\n");
    assert_eq!(show(&mut room, gpu, "/etc/issue"), format!("{gpu}\n"));
    assert_eq!(
        show(&mut room, "edge-042", "/etc/chrony/chrony.conf"),
        "server ntp1.example.com iburst\n\n"
    );
    let unit = show(&mut room, gpu, "/etc/systemd/system/kubelet.service");
    assert!(unit.contains("ExecStart=/opt/bin/kubelet "), "{unit}");
    let config = show(&mut room, gpu, "/etc/kubernetes/kubelet-config.yaml");
    let has = |line: &str| config.lines().any(|found| found.trim() == line);
    assert!(
        has("maxPods: 60") && has("- key: nvidia.com/gpu"),
        "{config}"
    );
}

#[test]
fn the_inventory_of_the_readme_builds_without_a_finding() {
    let mut room = example();
    room.run("cd .. && nodebake init q && cp p/small/cluster.yaml q/ && cd q && rm secrets.yaml");
    room.nodebake("token create");
    assert_eq!(room.nodebake("check --strict"), "250 nodes can be built\n");
    let motd = room.nodebake("show gpu-1.example.com --file /etc/motd");
    assert_eq!(motd, "gpu-1.example.com\n");
}

#[test]
fn the_profile_for_ignition_builds_without_a_finding() {
    let mut room = example();
    room.run("cd .. && nodebake init q && cd q && cp -r ../p/files ../p/profiles .");
    let file = room.at.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let with_profile = inventory.replacen("profiles: [worker", "profiles: [worker, metal", 1);
    assert_ne!(with_profile, inventory);
    fs::write(&file, with_profile).unwrap();
    room.nodebake("build --strict");
    let node = room.at.join("out/nodes/worker-1");
    let pointer = fs::read_to_string(node.join("config.ign")).unwrap();
    for part in [
        "http://boot.example.com/worker-1/config.body.ign",
        "sha256-",
    ] {
        assert!(pointer.contains(part), "{pointer}");
    }
    let body = fs::read_to_string(node.join("config.body.ign")).unwrap();
    assert!(
        body.contains(r#""shouldNotExist":["quiet"]"#),
        "{body:.300}"
    );
}

#[test]
fn the_profile_for_network_boot_builds_without_a_finding() {
    let mut room = example();
    room.run("cd .. && nodebake init q && cd q && cp -r ../p/files ../p/profiles .");
    fs::write(room.at.join("files/initrd.img"), "base\n").unwrap();
    let file = room.at.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let netboot = inventory.replacen(
        "  - name: worker-1\n",
        "  - name: worker-1\n    profiles: [netboot]\n    macs: [\"52:54:00:12:34:56\"]\n",
        1,
    );
    assert_ne!(netboot, inventory);
    fs::write(&file, netboot).unwrap();
    room.nodebake("build --strict");
    let text = documents();
    let start = text.find("| loader | what it boots first").unwrap();
    let table = text[start..].split("\n\n").next().unwrap();
    let mut seen = 0;
    for path in table.split('`').filter(|part| part.starts_with("boot/")) {
        assert!(room.at.join("out").join(path).exists(), "{path}");
        seen += 1;
    }
    assert!(seen >= 4, "{table}");
}

#[test]
fn the_readme_of_a_new_project_holds() {
    for profile in ["worker", "by-hand"] {
        let mut room = Room::new();
        room.nodebake(&format!("init p --profile {profile}; cd p"));
        let text = fs::read_to_string(room.at.join("README.md")).unwrap();
        let commands = text
            .lines()
            .filter_map(|line| line.strip_prefix("    nodebake "));
        let commands: Vec<&str> = commands
            .filter_map(|line| line.split("  ").next())
            .collect();
        assert!(commands.len() >= 5, "{text}");
        for command in commands {
            room.nodebake(command);
        }
        let quoted = text.split('`').skip(1).step_by(2);
        for named in quoted.filter(|part| part.contains('/')) {
            let named = named.split(' ').find(|word| word.contains('/')).unwrap();
            assert!(room.at.join(named).exists(), "{profile}: {named}");
        }
    }
}

#[test]
fn the_hints_of_the_demo_work() {
    let mut room = Room::new();
    let fixture = format!("{ROOT}/tests/fixtures/reference");
    let demo = format!("sh {ROOT}/tests/demo.sh nodebake {fixture} demo");
    let output = room.run(&demo);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let hints = said.split_once("Look at it:").unwrap().1;
    let hints = hints.lines().filter_map(|line| line.strip_prefix("  "));
    let mut ran = 0;
    let start = room.at.clone();
    for hint in hints {
        if hint.contains("openssl") && !oracles::present("openssl") {
            continue;
        }
        room.at.clone_from(&start);
        let output = room.run(hint);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{hint}\n{said}");
        ran += 1;
    }
    assert!(ran >= 4, "{said}");
}

fn every_command(command: &clap::Command, path: &[String], found: &mut Vec<Vec<String>>) {
    found.push(path.to_vec());
    for sub in command.get_subcommands() {
        let below = [path, &[sub.get_name().to_owned()]].concat();
        every_command(sub, &below, found);
    }
}

/// What `--help` prints for every command, in one text.
fn help() -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut commands = Vec::new();
    every_command(&Cli::command(), &[], &mut commands);
    let mut text = String::new();
    for command in commands {
        for flag in ["-h", "--help"] {
            let mut run = tool::nodebake(folder.path(), &[]);
            let run = run.args(&command).args(&[flag]).env_remove("COLUMNS");
            let output = run.run();
            assert!(output.status.success(), "{command:?}");
            text += &format!("$ nodebake {} {flag}\n", command.join(" ")).replace("  ", " ");
            text += &String::from_utf8(output.stdout).unwrap();
        }
    }
    // clap leaves spaces on the empty lines between paragraphs, which editors and git object to.
    text.lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

#[test]
fn help_is_as_recorded() {
    let file = Path::new(ROOT).join("tests/fixtures/help.txt");
    let help = help();
    for line in help.lines() {
        assert!(line.chars().count() <= 80, "more than 80 columns: {line}");
    }
    if recording() {
        fs::write(&file, &help).unwrap();
        panic!("recorded {}; look at `git diff`, then test", file.display());
    }
    let recorded = fs::read_to_string(&file).unwrap_or_default();
    let changed = help.lines().zip(recorded.lines()).find(|(a, b)| a != b);
    assert!(
        help == recorded,
        "--help has changed, first at {changed:?}; `make golden` records it again"
    );
}

#[test]
fn every_argument_has_a_help_text_and_every_command_is_in_the_readme() {
    fn look(command: &clap::Command, path: &str, readme: &str) {
        for argument in command.get_arguments() {
            let id = argument.get_id();
            assert!(argument.get_help().is_some(), "{path}: {id} has no help");
        }
        for sub in command.get_subcommands() {
            let path = format!("{path} {}", sub.get_name());
            assert!(sub.get_about().is_some(), "{path} has no help");
            let named = |with: &str| readme.contains(&format!("{with}{}", path.trim_start()));
            assert!(
                sub.has_subcommands() || named("nodebake ") || named("`"),
                "no document names {path}"
            );
            look(sub, &path, readme);
        }
    }
    look(&Cli::command(), "", &documents());
}
