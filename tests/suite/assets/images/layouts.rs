//! OCI image layouts that are folders: what the node gets is an archive that skopeo and containerd take, the same whoever
//! copied the folder, with what its index reaches and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Containerd, archives, findings, project};
use crate::formats::initrd::NODE;
use crate::support::fixture::sha256;
use crate::support::oracles;

fn shell(folder: &Path, script: &str) -> String {
    oracles::content(folder, "sh", &["-euc", script])
}

/// The archive that the node of a project with this layout gets.
fn on_node(at: &Path, layout: &str) -> Vec<u8> {
    oracles::needs(["tar"]);
    let project = project(at, &[layout], "    output: {formats: [tarball]}\n");
    project.command(&["build"]).good();
    let layer = crate::assets::shared::shared(&project, NODE)["assets.tar.gz"].clone();
    let member = format!("var/lib/nodebake/images/{layout}");
    let layer = project.out().join(layer).display().to_string();
    oracles::content(at, "tar", &["-xpf", &layer, &member]);
    fs::read(at.join(member)).unwrap()
}

/// Two images of skopeo's in one layout, and what does not belong to them.
fn made_by_skopeo(at: &Path) {
    archives(at);
    let from = "skopeo --insecure-policy copy -q docker-archive:pause.tar:busybox:1";
    shell(
        at,
        &format!(
            "{from} oci:layout:r.example.com/c:1
             skopeo --insecure-policy copy -q --format v2s2 oci-archive:oci.tar oci:layout:r.example.com/d:2
             echo stray >layout/blobs/sha256/$(printf %064d 7); mkdir layout/ingest"
        ),
    );
}

fn needs_importers() {
    oracles::needs_root();
    oracles::needs(["python3", "skopeo", "containerd-1.6"]);
}

#[test]
fn skopeo_and_containerd_take_what_becomes_of_a_folder() {
    needs_importers();
    let scratch = tempfile::tempdir().unwrap();
    let at = scratch.path();
    made_by_skopeo(at);
    let archive = on_node(at, "layout");
    fs::write(at.join("made.tar"), &archive).unwrap();
    // Sorted, with no stray blob and nobody's owner, time or mode.
    let listed = shell(at, "tar --utc -tvf made.tar");
    let names: Vec<&str> = listed
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap())
        .collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted);
    assert_eq!(
        names
            .iter()
            .filter(|name| name.contains("00000000"))
            .count(),
        0,
        "{names:?}"
    );
    for line in listed.lines() {
        assert!(
            line.starts_with("-rw-r--r-- 0/0 ") && line.contains(" 1980-01-01 00:00 "),
            "{line}"
        );
    }
    // The manifests that skopeo finds in it are those of the folder.
    for name in ["r.example.com/c:1", "r.example.com/d:2"] {
        let digest = |from: &str| {
            shell(
                at,
                &format!("skopeo inspect --raw {from}:{name} | sha256sum"),
            )
        };
        assert_eq!(
            digest("oci-archive:made.tar"),
            digest("oci:layout"),
            "{name}"
        );
    }
    let containerd = Containerd::start(at);
    containerd.images(at, &["import", "made.tar"]);
    let there = containerd.images(at, &["ls", "-q"]);
    let there: Vec<&str> = there
        .lines()
        .filter(|name| !name.contains("@sha256"))
        .collect();
    assert_eq!(there, ["r.example.com/c:1", "r.example.com/d:2"]);

    // The same of a copy, in which everything has other times, modes and places.
    shell(
        at,
        "mkdir other; mkdir -p other/layout/blobs/sha256; umask 077
         for file in $(cd layout; find . -type f | sort -r); do cat layout/$file >other/layout/$file; done
         printf '{ \"imageLayoutVersion\": \"1.0.0\" }' >other/layout/oci-layout",
    );
    assert!(on_node(&at.join("other"), "layout") == archive);
}

/// As buildx writes an image for several machines: an index within the index.
#[test]
fn an_image_for_several_machines_comes_with_all_of_them() {
    needs_importers();
    let scratch = tempfile::tempdir().unwrap();
    let at = scratch.path();
    archives(at);
    shell(
        at,
        "skopeo --insecure-policy copy -q oci-archive:oci.tar oci:layout:x",
    );
    let script = r#"
import hashlib, json
index = json.load(open('layout/index.json'))
arm = dict(index['manifests'][0], platform={'architecture': 'arm64', 'os': 'linux'})
host = dict(index['manifests'][0], platform={'architecture': 'amd64', 'os': 'linux'})
for one in arm, host: one.pop('annotations', None)
nested = json.dumps({'schemaVersion': 2, 'manifests': [host, arm]}).encode()
digest = hashlib.sha256(nested).hexdigest()
open('layout/blobs/sha256/' + digest, 'wb').write(nested)
entry = {'mediaType': 'application/vnd.oci.image.index.v1+json', 'digest': 'sha256:' + digest, 'size': len(nested), 'annotations': {'io.containerd.image.name': 'r.example.com/many:1'}}
json.dump({'schemaVersion': 2, 'manifests': [entry]}, open('layout/index.json', 'w'))
"#;
    oracles::content(at, "python3", &["-c", script]);
    fs::write(at.join("made.tar"), on_node(at, "layout")).unwrap();
    let containerd = Containerd::start(at);
    containerd.images(at, &["import", "--all-platforms", "made.tar"]);
    let there = containerd.images(at, &["ls", "-q"]);
    assert_eq!(there, "r.example.com/many:1\n");
    let checked = containerd.images(at, &["check"]);
    assert!(checked.contains("complete"), "{checked}");
}

/// The blob of a kind in a layout, by what the one manifest of its index says.
fn blob(layout: &Path, kind: &str) -> PathBuf {
    let read = |file: &Path| serde_json::from_slice::<Value>(&fs::read(file).unwrap()).unwrap();
    let place = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap();
        layout.join("blobs").join(digest.replace(':', "/"))
    };
    let manifest = place(&read(&layout.join("index.json"))["manifests"][0]);
    match kind {
        "manifest" => manifest,
        "layer" => place(&read(&manifest)["layers"][0]),
        _ => place(&read(&manifest)["config"]),
    }
}

#[test]
fn what_is_wrong_with_a_folder_is_found() {
    oracles::needs(["python3", "skopeo"]);
    let scratch = tempfile::tempdir().unwrap();
    let at = scratch.path();
    made_by_skopeo(at);
    let broken = |name: &str, change: &dyn Fn(&Path)| {
        shell(at, &format!("cp -r layout {name}"));
        change(&at.join(name));
        let found = findings(&project(at, &[name], ""));
        assert!(found.contains("cluster.yaml:"), "{found}");
        found
    };
    let flip = |file: &Path| {
        let mut bytes = fs::read(file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(file, bytes).unwrap();
    };
    let name = |kind: &str| {
        let path = blob(&at.join("layout"), kind);
        path.file_name().unwrap().to_str().unwrap().to_owned()
    };
    // All at once.
    let found = broken("several", &|layout| {
        fs::remove_file(blob(layout, "layer")).unwrap();
        fs::write(blob(layout, "config"), "short").unwrap();
    });
    assert!(
        found.contains(&format!("several lacks blobs/sha256/{}", name("layer"))),
        "{found}"
    );
    let short = format!(
        "several has blobs/sha256/{} with 5 bytes instead of",
        name("config")
    );
    assert!(found.contains(&short), "{found}");
    for kind in ["layer", "config", "manifest"] {
        let found = broken(kind, &|layout| flip(&blob(layout, kind)));
        let said = format!(
            "{kind} has blobs/sha256/{}, which hashes to something else",
            name(kind)
        );
        assert!(found.contains(&said), "{found}");
        assert_eq!(found.matches("error:").count(), 1, "{found}");
    }
    for (folder, file, text, said) in [
        (
            "unmarked",
            "oci-layout",
            "",
            "is a folder and no OCI layout: oci-layout",
        ),
        (
            "unindexed",
            "index.json",
            "",
            "is a folder and no OCI layout: index.json",
        ),
        (
            "garbled",
            "index.json",
            "[]",
            "has index.json, which is not an index",
        ),
        (
            "climbing",
            "index.json",
            r#"{"manifests": [{"mediaType": "x", "digest": "sha256:../../etc/passwd", "size": 1}]}"#,
            "which is not a SHA-256",
        ),
        (
            "empty",
            "index.json",
            r#"{"manifests": []}"#,
            "holds no image",
        ),
    ] {
        let found = broken(folder, &|layout| {
            let file = layout.join(file);
            fs::remove_file(&file).unwrap();
            if !text.is_empty() {
                fs::write(file, text).unwrap();
            }
        });
        assert!(found.contains(said), "{found}");
    }
    // The digest is that of its index, and the finding says it.
    let project = project(at, &["layout"], "");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let digest = sha256(&fs::read(at.join("layout/index.json")).unwrap());
    fs::write(&file, inventory.replace(&digest, &"a".repeat(64))).unwrap();
    let found = findings(&project);
    assert!(
        found.contains(&format!("layout/index.json hashes to {digest}")),
        "{found}"
    );
    // An asset that is a folder is no machine's failure.
    let inventory = inventory.replace(
        "    images:\n      layout:",
        "    assets:\n      /opt/layout:",
    );
    fs::write(&file, inventory).unwrap();
    assert!(findings(&project).contains("is a folder, and an asset is a file"));
}
