//! Names and values that steer a terminal, hide, or turn the direction of writing, given to every printer. What is printed
//! is checked after each run of the binary in the whole suite (`tool.rs`), by the table below.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::fixture::{Project, sha256, text};
use crate::support::hidden::HIDDEN;
use crate::support::oracles;
use crate::support::tool::nodebake;

/// One character of each range, its first and its last; beside them those that break lines and cells.
fn hidden() -> Vec<char> {
    let ends = HIDDEN.iter().flat_map(|(from, to)| [*from, *to]);
    let mut all: Vec<char> = ends.filter_map(char::from_u32).collect();
    all.extend([
        '\n',
        '\t',
        '\u{1b}',
        '\u{9b}',
        '\u{202e}',
        '\u{2066}',
        '\u{e0041}',
    ]);
    // No file and no value of YAML or JSON has it in a name.
    all.retain(|c| *c != '\0');
    all.dedup();
    all
}

/// A name that would paint the screen red and forge a line.
const FORGED: &str = "x\u{1b}[41m\u{202e}y\nnodebake: all is well";

fn escaped(said: &str) {
    assert!(!said.contains("\nnodebake: all is well"), "{said}");
    assert!(said.contains("\\u{1b}[41m\\u{202e}y\\n"), "{said}");
}

/// Files with such names, in every kind of archive that holds them; how many names each has.
fn archives(folder: &Path) -> Vec<(&'static str, usize)> {
    let root = folder.join("root");
    fs::create_dir(&root).unwrap();
    let all = hidden();
    for (number, c) in all.iter().enumerate() {
        fs::write(root.join(format!("n{number}{c}x")), "content").unwrap();
    }
    fs::write(root.join(FORGED), "content").unwrap();
    let count = all.len() + 1;
    let shell = |script: &str| {
        oracles::content(folder, "sh", &["-euc", script]);
    };
    shell(
        "export LC_ALL=C.UTF-8
         tar --format=gnu -C root -cf gnu.tar .; tar --format=pax -C root -cf pax.tar .; gzip -nk pax.tar
         (cd root; find . -print0 | cpio -0 -o -H newc --quiet) >cpio",
    );
    let mut made = vec![
        ("gnu.tar", count),
        ("pax.tar", count),
        ("pax.tar.gz", count),
        ("cpio", count),
    ];
    let names = all.iter().map(|c| format!("/etc/n{c}x"));
    let names: Vec<String> = names.chain([format!("/etc/{FORGED}")]).collect();
    let files = |content: Value| -> Vec<Value> {
        let file = |path: &String| {
            let mut file = content.clone();
            file["path"] = json!(path);
            file
        };
        names.iter().map(file).collect()
    };
    let ignition = json!({
        "ignition": {"version": "3.3.0"},
        "storage": {"files": files(json!({"contents": {"source": "data:,x"}}))},
        "systemd": {"units": [{"name": format!("{FORGED}.service"), "enabled": true}]},
    });
    fs::write(folder.join("ign"), ignition.to_string()).unwrap();
    let file = |path: &String| format!("- {{content: x, path: {}}}\n", quoted(path));
    let user_data: String = names.iter().map(file).collect();
    let user_data = format!("#cloud-config\nwrite_files:\n{user_data}");
    fs::write(folder.join("user-data"), user_data).unwrap();
    made.extend([("ign", count), ("user-data", count)]);
    if oracles::present("xorriso") {
        shell("xorriso -as genisoimage -quiet -R -o iso root 2>/dev/null");
        made.push(("iso", count));
    }
    if oracles::present("mkfs.vfat") && oracles::present("mcopy") {
        // FAT has no control characters in names; what is beyond ASCII it takes.
        shell(
            "export LC_ALL=C.UTF-8 PATH=$PATH:/sbin:/usr/sbin; mkfs.vfat -F 12 -n CIDATA -C fat 2048 >/dev/null
             i=0; mkdir fat.root; for c in '\u{ad}' '\u{61c}' '\u{180e}' '\u{200b}' '\u{202e}' '\u{2060}' '\u{2066}' \
                '\u{206f}' '\u{feff}' '\u{fff9}' '\u{3164}' '\u{34f}'; do i=$((i+1)); echo x >\"fat.root/n$i${c}x\"; done
             mcopy -s -Q -i fat fat.root/* ::",
        );
        made.push(("fat", 12));
    }
    made
}

#[test]
fn names_in_archives_are_listed_escaped_and_broken_archives_say_them_escaped() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    for (file, count) in archives(folder) {
        let said = nodebake(folder, &["inspect", file]).good();
        let named = said.lines().filter(|line| line.starts_with("- ")).count();
        assert_eq!(named, count, "{file}: {said}");
        if file != "fat" {
            escaped(&said);
        }
        // In JSON it is the same name.
        let said = nodebake(folder, &["inspect", file, "-o", "json"]).good();
        let listing: Value = serde_json::from_str(&said).unwrap();
        let entries = listing["members"][0]["entries"].as_array().unwrap();
        let paths: Vec<&str> = entries.iter().filter_map(|e| e["path"].as_str()).collect();
        let wanted = if file == "fat" { "n5\u{202e}x" } else { FORGED };
        assert!(paths.iter().any(|path| path.ends_with(wanted)), "{file}");
        // Cut anywhere: what is said of the place has names in it.
        let bytes = fs::read(folder.join(file)).unwrap();
        for part in 1..24 {
            fs::write(folder.join("cut"), &bytes[..bytes.len() * part / 24]).unwrap();
            for form in ["text", "json"] {
                nodebake(folder, &["inspect", "cut", "-o", form]).run();
            }
        }
    }
}

/// Each error names the entry that it is about.
#[test]
fn errors_about_entries_say_their_names_escaped() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    let mut header = tar::Header::new_gnu();
    header.set_size(1 << 40);
    header.set_mode(0o644);
    header.set_entry_type(tar::EntryType::Regular);
    header.as_mut_bytes()[..FORGED.len()].copy_from_slice(FORGED.as_bytes());
    header.set_cksum();
    fs::write(
        folder.join("cut.tar"),
        [header.as_bytes(), &[b'x'; 512][..]].concat(),
    )
    .unwrap();
    let mut outside = header.clone();
    let name = format!("../{FORGED}");
    outside.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    outside.set_size(0);
    outside.set_cksum();
    let end = [0; 1024];
    fs::write(
        folder.join("outside.tar"),
        [outside.as_bytes(), &end[..]].concat(),
    )
    .unwrap();
    for args in [
        &["inspect", "cut.tar"][..],
        &["inspect", "outside.tar", "--extract", "unpacked"],
        &["inspect", FORGED],
        &["verify", FORGED, "--key", FORGED],
        &["diff", FORGED, FORGED],
        &["check", FORGED],
        &[
            "initrd", "append", "--base", FORGED, "--node", FORGED, "--key", FORGED, "-o", FORGED,
        ],
        &["man", FORGED],
    ] {
        let output = nodebake(folder, args).run();
        assert!(!output.status.success(), "{args:?}");
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(
            !said.contains("\nnodebake: all is well"),
            "{args:?}: {said}"
        );
        assert!(said.contains("\\u{1b}[41m"), "{args:?}: {said}");
    }
}

/// clap repeats what it does not understand.
#[test]
fn arguments_are_repeated_escaped() {
    let scratch = TempDir::new().unwrap();
    let option = format!("--{FORGED}");
    for args in [
        &[FORGED][..],
        &["check", &option],
        &["check", "--format", FORGED],
        &["check", ".", FORGED],
        &["build", "--format", FORGED],
        &["build", "--jobs", FORGED],
        &["token", FORGED],
        &["inspect", "--max-unpacked", FORGED, "x"],
    ] {
        let output = nodebake(scratch.path(), args).run();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = text(&output.stderr);
        assert!(
            !said.contains("\nnodebake: all is well"),
            "{args:?}: {said}"
        );
        assert!(said.contains("\\u{1b}[41m"), "{args:?}: {said}");
    }
}

/// A double-quoted text of YAML, in ASCII: YAML does not take all characters as they are.
fn quoted(text: &str) -> String {
    let escape = |c: char| match c {
        ' '..='~' if !matches!(c, '"' | '\\') => c.to_string(),
        c => format!("\\U{:08x}", u32::from(c)),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

#[test]
fn findings_say_keys_values_cells_and_names_of_files_escaped() {
    let project = Project::of("modern");
    let inventory = fs::read_to_string(project.dir.join("cluster.yaml")).unwrap();
    let write = |text: &str| fs::write(project.dir.join("cluster.yaml"), text).unwrap();
    for c in hidden() {
        let name = quoted(&format!("a{c}b"));
        write(&format!(
            "{inventory}\n{name}: {name}\nprofiles: [{name}]\n"
        ));
        for form in ["text", "json", "sarif", "github"] {
            let output = project.run(&["check", "--format", form]);
            assert_eq!(
                output.status.code(),
                Some(3),
                "{name}: {}",
                text(&output.stdout)
            );
        }
    }
    let name = quoted(FORGED);
    fs::create_dir_all(project.dir.join("overlays").join(FORGED).join("root/etc")).unwrap();
    fs::write(
        project.dir.join("cells.csv"),
        format!("name,\"{FORGED}\"\n\"{FORGED}\",\"{FORGED}\"\n"),
    )
    .unwrap();
    write(&format!(
        "{inventory}\nnodesFrom: cells.csv\noverlays: {{{name}: {{}}}}\nfiles: {{{name}: {{source: {name}}}}}\n"
    ));
    let output = project.run(&["check"]);
    assert_eq!(output.status.code(), Some(3));
    escaped(&text(&output.stdout));
    // In JSON it is the same value for a program.
    let said = text(&project.run(&["check", "--format", "json"]).stdout);
    assert!(said.contains("\\u001b[41m\\u202ey"), "{said}");
    let found: Value = serde_json::from_str(&said).unwrap();
    let found = found["findings"].as_array().unwrap();
    assert!(
        found
            .iter()
            .any(|finding| finding.to_string().contains('\u{202e}'))
    );
}

/// Whoever may sign may choose the names in a bundle.
#[test]
fn names_in_bundles_are_said_escaped() {
    let project = Project::of("modern");
    project.good(&["build"]);
    let good = project.scratch().join("good");
    oracles::content(&project.dir, "cp", &["-a", "out", good.to_str().unwrap()]);
    let manifest = project.out().join("bundle.json");
    let before = fs::read(&manifest).unwrap();
    let mut value: Value = serde_json::from_slice(&before).unwrap();
    value["cluster"] = json!(FORGED);
    value["nodes"][0]["tokenId"] = json!(FORGED);
    value["nodes"][1]["hostname"] = json!(FORGED);
    let after = serde_json::to_vec_pretty(&value).unwrap();
    fs::write(&manifest, &after).unwrap();
    let sums = project.out().join("SHA256SUMS");
    let list = fs::read_to_string(&sums).unwrap();
    let list = list.replace(&sha256(&before), &sha256(&after));
    fs::write(&sums, list).unwrap();
    project.good(&["sign", "out", "--key", "keys/sign.key"]);
    fs::write(project.out().join(FORGED), "x").unwrap();
    let output = project.run(&["verify", "--key", "keys/sign.pub"]);
    assert_eq!(output.status.code(), Some(4));
    escaped(&text(&output.stdout));
    project.run(&["verify", "--key", "keys/sign.pub", "-o", "json"]);
    fs::remove_file(project.out().join(FORGED)).unwrap();
    let said = project.good(&["verify", "--key", "keys/sign.pub"]);
    escaped(&said);
    for form in ["text", "json"] {
        let both = ["diff", good.to_str().unwrap(), "out", "-o", form];
        let said = project.run(&both);
        assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
        assert!(said.stdout.len() > 100, "{}", text(&said.stdout));
    }
}
