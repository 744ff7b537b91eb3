//! Images that come with a node: containerd imports them, and a node without a network has all that it names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::formats::initrd::{NODE, node};
use crate::support::fixture::{Project, sha256, text};
use crate::support::oracles;

const PAUSE: &str = "registry.k8s.io/pause:3.10";

mod layouts;

/// Archives of an image with one small file, as docker and as OCI layouts are; made by Python's tarfile.
pub fn archives(folder: &Path) {
    oracles::needs(["python3"]);
    let script = r#"
import hashlib, io, json, tarfile
def tar(files, name=None):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as archive:
        for path, data in files:
            info = tarfile.TarInfo(path); info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    if name: open(name, 'wb').write(out.getvalue())
    return out.getvalue()
digest = lambda data: hashlib.sha256(data).hexdigest()
layer = tar([('hello', b'hello\n')])
config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': {}, 'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + digest(layer)]}}).encode()
def docker(name, tags):
    manifest = json.dumps([{'Config': 'config.json', 'RepoTags': tags, 'Layers': ['layer.tar']}]).encode()
    tar([('layer.tar', layer), ('config.json', config), ('manifest.json', manifest)], name)
docker('pause.tar', ['registry.k8s.io/pause:3.10', 'busybox:1'])
docker('unnamed.tar', None)
blob = lambda media, data: {'mediaType': media, 'digest': 'sha256:' + digest(data), 'size': len(data)}
oci = 'application/vnd.oci.image.'
manifest = json.dumps({'schemaVersion': 2, 'mediaType': oci + 'manifest.v1+json', 'config': blob(oci + 'config.v1+json', config), 'layers': [blob(oci + 'layer.v1.tar', layer)]}).encode()
def layout(name, annotations):
    entry = dict(blob(oci + 'manifest.v1+json', manifest), annotations=annotations)
    index = json.dumps({'schemaVersion': 2, 'manifests': [entry]}).encode()
    files = [('blobs/sha256/' + digest(data), data) for data in (layer, config, manifest)]
    tar([('oci-layout', b'{"imageLayoutVersion":"1.0.0"}'), ('index.json', index)] + files, name)
layout('oci.tar', {'io.containerd.image.name': 'registry.example.com/app:2'})
layout('ref.tar', {'org.opencontainers.image.ref.name': '2'})
layout('short.tar', {'io.containerd.image.name': 'busybox:1'})
tar([('x', b'x')], 'none.tar')
open('digest', 'w').write('sha256:' + digest(manifest))
"#;
    oracles::content(folder, "python3", &["-c", script]);
    oracles::content(folder, "sh", &["-c", "gzip -kn pause.tar"]);
}

/// A project whose node has these archives, and more lines.
fn project(folder: &Path, files: &[&str], more: &str) -> Project {
    let mut project = Project::of("modern");
    project.allowed.push(folder.to_owned());
    let mut lines = String::new();
    for file in files {
        let source = folder.join(file);
        let vouching = if source.is_dir() {
            source.join("index.json")
        } else {
            source.clone()
        };
        let digest = sha256(&fs::read(vouching).unwrap_or_default());
        lines += &format!(
            "      {file}: {{source: {}, sha256: {digest}}}\n",
            source.display()
        );
    }
    if !lines.is_empty() {
        lines = format!("    images:\n{lines}");
    }
    let path = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&path).unwrap();
    let changed = inventory.replace(
        "    profiles: [gpu]\n",
        &format!("    profiles: [gpu]\n{lines}{more}"),
    );
    assert!(inventory != changed || (files.is_empty() && more.is_empty()));
    fs::write(path, changed).unwrap();
    project
}

fn findings(project: &Project) -> String {
    text(&project.run(&["check"]).stdout)
}

#[test]
fn a_node_without_a_network_has_all_images_that_it_names() {
    oracles::needs(["python3"]);
    let scratch = tempfile::tempdir().unwrap();
    let at = scratch.path();
    archives(at);
    let pod = |image: &str| {
        format!(
            "    files: {{/etc/kubernetes/manifests/a.yaml: {{content: \"apiVersion: v1\\nkind: Pod\\nmetadata: {{name: a}}\\nspec: {{containers: [{{name: c, image: {image}}}], initContainers: [{{name: i, image: {image}}}]}}\\n\"}}}}\n    kubelet: {{config: {{staticPodPath: /etc/kubernetes/manifests}}}}\n"
        )
    };
    let mirror = "    registries: {registry.k8s.io: {mirrors: [{url: \"https://m.example.com\"}]}}\n    overlays: {containerd: {}}\n";
    let by_digest =
        |digest: &str| format!("    airgap: {{images: [\"registry.example.com/app@{digest}\"]}}\n");
    let digest = fs::read_to_string(at.join("digest")).unwrap();
    for (files, more, said) in [
        (&[][..], "    airgap: false\n".to_owned(), ""),
        (
            &[],
            "    airgap: true\n".into(),
            "registry.k8s.io/pause:3.10 of the sandbox of every pod is neither",
        ),
        (&["pause.tar"], "    airgap: true\n".into(), ""),
        (&[], format!("    airgap: true\n{mirror}"), ""),
        (
            &["pause.tar"],
            format!("    airgap: true\n{}", pod("registry.example.com/app:2")),
            "registry.example.com/app:2 of the static pod /etc/kubernetes/manifests/a.yaml is neither",
        ),
        (
            &["pause.tar", "oci.tar"],
            format!("    airgap: true\n{}", pod("registry.example.com/app:2")),
            "",
        ),
        (
            &["pause.tar"],
            format!("    airgap: true\n{}", pod("busybox:1")),
            "",
        ),
        (
            &["pause.tar"],
            format!("    airgap: true\n{}", pod("busybox")),
            "docker.io/library/busybox:latest of the static pod",
        ),
        (
            &["pause.tar"],
            "    airgap: {images: [quay.io/cilium/cilium:v1]}\n".into(),
            "quay.io/cilium/cilium:v1 of an add-on is neither",
        ),
        (&["pause.tar", "oci.tar"], by_digest(&digest), ""),
        (
            &["pause.tar", "oci.tar"],
            by_digest(&digest.replace('0', "1")),
            "of an add-on is neither",
        ),
        (
            &["pause.tar.gz"],
            String::new(),
            "is not a tar archive, or is compressed",
        ),
        (
            &["unnamed.tar"],
            String::new(),
            "holds images without a name",
        ),
        (
            &["ref.tar"],
            String::new(),
            "has an image without a whole name",
        ),
        (&["none.tar"], String::new(), "holds no image"),
        (
            &["short.tar"],
            String::new(),
            "has the image busybox:1, which the kubelet would look for as docker.io/library/busybox:1",
        ),
    ] {
        let found = findings(&project(at, files, &more));
        if said.is_empty() {
            assert!(!found.contains("error:"), "{files:?} {more}: {found}")
        } else {
            assert!(found.contains(said), "{files:?} {more}: {found}");
            assert_eq!(found.matches("error:").count(), 1, "{found}");
        }
    }
}

/// A containerd of its own in a folder.
struct Containerd {
    child: Child,
    socket: PathBuf,
}

impl Containerd {
    fn start(folder: &Path) -> Self {
        let config = folder.join("containerd.toml");
        fs::write(
            &config,
            "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n",
        )
        .unwrap();
        let socket = folder.join("containerd.sock");
        let log = fs::File::create(folder.join("log")).unwrap();
        let child = oracles::command(folder, "containerd-1.6")
            .args(["--config", config.to_str().unwrap()])
            .args(["--root", folder.join("data").to_str().unwrap()])
            .args(["--state", folder.join("state").to_str().unwrap()])
            .args(["--address", socket.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while !socket.exists() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "containerd does not start"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, socket }
    }

    /// What `ctr images` says.
    fn images(&self, folder: &Path, args: &[&str]) -> String {
        let tools = oracles::folder();
        let ctr = tools.join("containerd/usr/bin/ctr").display().to_string();
        oracles::needs([ctr.as_str()]);
        let output = oracles::command(folder, &ctr)
            .args(["-n", "k8s.io", "images"])
            .args(args)
            .env("CONTAINERD_ADDRESS", &self.socket)
            .env("CONTAINERD_SNAPSHOTTER", "native")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn containerd_imports_them_under_the_names_that_the_node_uses() {
    oracles::needs(["tar"]);
    oracles::needs_root();
    oracles::needs(["python3", "containerd-1.6"]);
    let scratch = tempfile::tempdir().unwrap();
    let at = scratch.path();
    archives(at);
    let project = project(
        at,
        &["pause.tar", "oci.tar"],
        "    airgap: true\n    output: {secrets: inline}\n",
    );
    project.command(&["build"]).good();
    let root = at.join("root");
    fs::create_dir(&root).unwrap();
    let layer = crate::assets::shared::shared(&project, NODE)["assets.tar.gz"].clone();
    let archive = node(&project).join(format!("{NODE}.tar.gz"));
    for archive in [project.out().join(layer), archive] {
        oracles::content(&root, "tar", &["-xpf", archive.to_str().unwrap()]);
    }
    let link = root.join("etc/systemd/system/kubelet.service.requires/nodebake-images.service");
    assert!(fs::symlink_metadata(link).is_ok());
    // The script as it is, but for where its root is.
    let here = root.display().to_string();
    for (file, path) in [
        ("import-images", "/etc/nodebake/"),
        ("images.list", "/var/lib/"),
    ] {
        let file = root.join("etc/nodebake").join(file);
        let script = fs::read_to_string(&file).unwrap();
        fs::write(&file, script.replace(path, &format!("{here}{path}"))).unwrap();
    }
    let containerd = Containerd::start(at);
    let tools = oracles::folder();
    let tools = tools.join("containerd/usr/bin");
    let run = |root: &Path| {
        let script = format!(
            "PATH={}:$PATH; export PATH; . etc/nodebake/import-images; echo THAT WAS ALL; ctr -n k8s.io images ls -q",
            tools.display()
        );
        let output = oracles::command(root, "sh")
            .args(["-c", &script])
            .env("CONTAINERD_ADDRESS", &containerd.socket)
            .env("CONTAINERD_SNAPSHOTTER", "native")
            .output()
            .unwrap();
        let said = text(&output.stdout);
        assert!(output.status.success(), "{said}{}", text(&output.stderr));
        said
    };
    let runs = [run(&root), run(&root)];
    let there: Vec<&str> = runs[0]
        .split("THAT WAS ALL\n")
        .nth(1)
        .unwrap()
        .lines()
        .collect();
    for name in [
        PAUSE,
        "docker.io/library/busybox:1",
        "registry.example.com/app:2",
    ] {
        assert!(there.contains(&name), "{there:?}");
    }
    // Pods may name it by digest too; the kubelet asks containerd for that name (CRI, LocalResolve).
    let digest = fs::read_to_string(at.join("digest")).unwrap();
    let by_digest = format!("registry.example.com/app@{digest}");
    assert!(there.contains(&&*by_digest), "{there:?}");
    let rows = containerd.images(at, &["ls"]);
    let row = rows.lines().find(|row| row.starts_with(&by_digest));
    assert!(row.unwrap().contains(&format!(" {digest} ")), "{rows}");
    // A name that is there for an older image is taken from it.
    containerd.images(at, &["rm", &by_digest]);
    containerd.images(at, &["tag", "--force", PAUSE, "registry.example.com/app:2"]);
    assert!(run(&root).contains("unpacking"));
    let rows = containerd.images(at, &["ls"]);
    for name in ["registry.example.com/app:2", &by_digest] {
        let row = rows.lines().find(|row| row.starts_with(name));
        assert!(row.unwrap().contains(&format!(" {digest} ")), "{rows}");
    }
    assert!(runs[0].contains("unpacking"), "{}", runs[0]);
    assert!(
        runs[1].starts_with("THAT WAS ALL\n"),
        "the second run imports nothing: {}",
        runs[1]
    );
}

/// skopeo makes every kind of archive out of ours, and names what is in them; containerd imports what skopeo made under
/// the names that the node's list has.
#[test]
fn skopeo_agrees_about_archives() {
    oracles::needs_root();
    oracles::needs(["python3", "skopeo", "containerd-1.6"]);
    let scratch = tempfile::tempdir().unwrap();
    let at = scratch.path();
    archives(at);
    let skopeo = |args: &str| {
        let args: Vec<&str> = args.split(' ').collect();
        let all: Vec<&str> = ["--insecure-policy"].into_iter().chain(args).collect();
        oracles::content(at, "skopeo", &all)
    };
    let listed: serde_json::Value =
        serde_json::from_str(&skopeo("list-tags docker-archive:pause.tar")).unwrap();
    let mut tags: Vec<&str> = listed["Tags"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(serde_json::Value::as_str)
        .collect();
    tags.sort_unstable();
    assert_eq!(tags, ["busybox:1", PAUSE]);
    let from = "copy -q docker-archive:pause.tar:busybox:1";
    skopeo(&format!(
        "{from} oci-archive:made-oci.tar:r.example.com/a:1"
    ));
    skopeo(&format!(
        "{from} docker-archive:made-docker.tar:r.example.com/b:1"
    ));
    skopeo(&format!("{from} oci-archive:short.tar:1"));
    let refused = findings(&project(at, &["short.tar"], ""));
    assert!(refused.contains("without a whole name"), "{refused}");
    let made = ["made-oci.tar", "made-docker.tar", "pause.tar", "oci.tar"];
    let project = project(at, &made, "    output: {secrets: inline}\n");
    let list = project.good(&["show", NODE, "--file", "/etc/nodebake/images.list"]);
    let mut ours: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split('\t').nth(1))
        .collect();
    ours.sort_unstable();
    let containerd = Containerd::start(at);
    for file in made {
        containerd.images(at, &["import", file]);
    }
    let there = containerd.images(at, &["ls", "-q"]);
    let there: Vec<&str> = there
        .lines()
        .filter(|name| !name.contains("@sha256"))
        .collect();
    assert_eq!(there, ours);
}
