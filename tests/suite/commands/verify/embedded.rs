//! Payloads that embed their signed tree: right as they are in every format, and wrong after any change.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::commands::verify::{NODE, built, refused, shell, travelled, verified};
use crate::support::oracles;

const INLINE: &str = "{secrets: inline, formats: [tarball, ignition, initramfs, cloudInit]}";

#[test]
fn every_format_that_is_nothing_but_the_tree_is_verified() {
    for mode in ["diskless", "copyToRoot"] {
        let project = built(&format!("{{initramfs: {{mode: {mode}}}}}"));
        let archive = format!("{NODE}.tar.gz");
        let secrets = format!("{NODE}.secrets.tar.gz");
        let names = [
            &*archive,
            &secrets,
            "initramfs.cpio.gz",
            "initramfs.secrets.cpio.gz",
            "config.ign",
            "user-data",
            "meta-data",
        ];
        let folder = travelled(&project, &names);
        let said = verified(&project, &folder, &[&archive]);
        assert!(
            said.contains(&format!("signed for the node {NODE}, and nothing else")),
            "{said}"
        );
        assert!(
            said.contains("/etc/kubernetes/bootstrap-kubelet.kubeconfig: is not in it"),
            "{said}"
        );
        for files in [
            &[&*archive, &secrets][..],
            &["initramfs.secrets.cpio.gz", "initramfs.cpio.gz"],
            &["config.ign"],
        ] {
            let said = verified(&project, &folder, files);
            assert!(!said.contains("not in it"), "{mode}: {said}");
        }
        verified(&project, &folder, &["initramfs.cpio.gz"]);
        // The secret payload alone carries no list.
        refused(
            &project,
            &folder,
            &["initramfs.secrets.cpio.gz"],
            &["embeds no signed tree"],
        );
        refused(
            &project,
            &folder,
            &["user-data"],
            &["which only SHA256SUMS vouches for"],
        );
        refused(
            &project,
            &folder,
            &["meta-data"],
            &["meta-data: is none of the payloads"],
        );
        refused(
            &project,
            &folder,
            &[&archive, "initramfs.cpio.gz"],
            &["several formats"],
        );
    }
}

#[test]
fn a_archive_completes_its_payload() {
    let project = built("{secrets: inline, formats: [tarball, initramfs]}");
    let file = project.dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(project.dir.join("big"), vec![7; 100_000]).unwrap();
    let digest = crate::support::fixture::sha256(&[7; 100_000]);
    let assets = format!(
        "    assets: {{/opt/big: {{source: big, sha256: {digest}, mode: \"0755\"}}}}\n    links: {{/srv/link"
    );
    fs::write(&file, text.replace("    links: {/srv/link", &assets)).unwrap();
    project.good(&["build"]);
    let archive = format!("{NODE}.tar.gz");
    let folder = travelled(&project, &[&archive, "initramfs.cpio.gz"]);
    let shared = project.out().join("shared").display().to_string();
    shell(
        &folder,
        &format!("cp {shared}/*.tar.gz assets.tar.gz; cp {shared}/*.cpio.gz assets.cpio.gz"),
    );
    refused(&project, &folder, &[&archive], &["/opt/big: is missing"]);
    verified(&project, &folder, &[&archive, "assets.tar.gz"]);
    verified(&project, &folder, &["initramfs.cpio.gz", "assets.cpio.gz"]);
}

/// Unpacks the node's tarball, changes it, and packs it again in the same order, with owners as they were.
fn repacked(folder: &Path, archive: &str, change: &str) {
    let script = format!(
        "rm -rf root changed.tar changed.tar.gz; mkdir root; gzip -dc {archive} >plain.tar; tar --numeric-owner -C root -xpf plain.tar
         cd root; {change}
         find . -mindepth 1 ! -type d >../names; printf './%s\\n' srv/drop etc/cni/net.d etc/kubernetes/manifests var/lib/chrony >>../names
         tar --numeric-owner --no-recursion --transform 's,^\\./,,' -cf ../changed.tar -T ../names; cd ..; gzip -n changed.tar"
    );
    shell(folder, &script);
}

#[test]
fn any_change_to_a_tarball_is_found() {
    oracles::needs(["python3"]);
    oracles::needs_root();
    let project = built(INLINE);
    let archive = format!("{NODE}.tar.gz");
    let folder = travelled(&project, &[&archive]);
    repacked(&folder, &archive, "true");
    verified(&project, &folder, &["changed.tar.gz"]);
    for (change, part) in [
        ("echo >>etc/hostname", "/etc/hostname: has another content"),
        (
            "echo >>etc/systemd/system-preset/10-nodebake.preset",
            "/etc/systemd/system-preset/10-nodebake.preset: has another content",
        ),
        ("echo x >srv/extra", "/srv/extra: is extra"),
        (
            "ln -s /bin/sh etc/systemd/system/multi-user.target.wants/evil.service",
            "evil.service: is extra",
        ),
        ("rm 'srv/a b-c'", "/srv/a b-c: is missing"),
        (
            "rm etc/systemd/system/other.service",
            "/etc/systemd/system/other.service: is missing",
        ),
        (
            "chmod 0755 'srv/a b/x'",
            "/srv/a b/x: has the mode 0755, not 4711",
        ),
        (
            "chown 0:0 'srv/a b/x'; chmod 4711 'srv/a b/x'",
            "/srv/a b/x: has another owner",
        ),
        ("ln -sfn /etc srv/link", "/srv/link: leads elsewhere"),
        (
            "rm srv/link; echo x >srv/link",
            "/srv/link: is a file, not a link",
        ),
        (
            "chmod 00777 srv/drop",
            "/srv/drop: has the mode 0777, not 3777",
        ),
        (
            "rm 'srv/a b-c'; mkfifo 'srv/a b-c'",
            "/srv/a b-c: is nothing that a tree holds",
        ),
        (
            "ln -f etc/hostname 'srv/a b-c'",
            "is nothing that a tree holds",
        ),
        (
            "echo >>etc/nodebake/tree.sums",
            "/etc/nodebake/tree.sums.sig: does not fit tree.sums",
        ),
        ("rm etc/nodebake/tree.sums.sig", "embeds no signed tree"),
        (
            "echo >>etc/nodebake/sign.pub",
            "/etc/nodebake/sign.pub: is another public key",
        ),
        (
            "echo x >etc/nodebake/tree.sums.sshsig",
            "/etc/nodebake/tree.sums.sshsig: does not fit",
        ),
    ] {
        repacked(&folder, &archive, change);
        refused(&project, &folder, &["changed.tar.gz"], &[part]);
    }
    // What a second entry of a name would do, an end before the end, and one byte of the whole.
    let outside = "gzip -dc changed.tar.gz >twice.tar; tar -rf twice.tar -C root etc/hostname";
    repacked(&folder, &archive, "true");
    shell(&folder, outside);
    refused(
        &project,
        &folder,
        &["twice.tar"],
        &["/etc/hostname: is there twice"],
    );
    shell(
        &folder,
        "tar --transform 's,x,../../x,' -P -rf twice.tar twice.tar --no-recursion -C root srv/link --transform 's,^srv/link,../link,'",
    );
    refused(
        &project,
        &folder,
        &["twice.tar"],
        &["is nothing that a tree holds"],
    );
    // A file that brings privileges with it, and one that another user's name is said to own.
    for (edit, part) in [
        (
            "info.pax_headers['SCHILY.xattr.security.capability'] = 'x'",
            "an entry sets SCHILY.xattr.security.capability",
        ),
        ("info.uname = 'evil'", "/etc/hostname: has another owner"),
    ] {
        repacked(&folder, &archive, "true");
        let script = format!(
            "import tarfile
old, new = tarfile.open('changed.tar.gz'), tarfile.open('changed.tar', 'w', format=tarfile.PAX_FORMAT)
for info in old:
    info.uname = info.gname = ''
    if info.name == 'etc/hostname':
        {edit}
    new.addfile(info, old.extractfile(info) if info.isreg() else None)
new.close()"
        );
        oracles::content(&folder, "python3", &["-c", &script]);
        refused(&project, &folder, &["changed.tar"], &[part]);
    }
    let good = fs::read(folder.join(&archive)).unwrap();
    for length in [good.len() / 2, good.len() - 1] {
        fs::write(folder.join("cut.tar.gz"), &good[..length]).unwrap();
        refused(&project, &folder, &["cut.tar.gz"], &["cut.tar.gz"]);
    }
}

/// The key is another, or the list is another node's.
#[test]
fn another_key_and_another_nodes_list_are_refused() {
    let project = built(INLINE);
    let folder = travelled(&project, &["config.ign"]);
    project.good(&["key", "generate", "other"]);
    let other = project
        .dir
        .join("other/keys/sign.pub")
        .display()
        .to_string();
    let mut run =
        crate::support::tool::nodebake(&folder, &["verify", "config.ign", "--key", &other]);
    let output = run.run();
    assert_eq!(output.status.code(), Some(4));
    let said = crate::support::fixture::text(&output.stdout);
    assert!(
        said.contains("does not fit tree.sums and this public key"),
        "{said}"
    );
}

fn ignition(folder: &Path, edit: impl FnOnce(&mut Value)) {
    let config = fs::read(folder.join("config.ign")).unwrap();
    let mut config: Value = serde_json::from_slice(&config).unwrap();
    edit(&mut config);
    fs::write(folder.join("changed.ign"), config.to_string()).unwrap();
}

#[test]
fn any_change_to_an_ignition_configuration_is_found() {
    let project = built(INLINE);
    let folder = travelled(&project, &["config.ign"]);
    ignition(&folder, |_| {});
    verified(&project, &folder, &["changed.ign"]);
    type Edit = fn(&mut Value);
    let edits: [(Edit, &str); 15] = [
        (
            |c| c["kernelArguments"] = json!({"shouldExist": ["init=/bin/sh"]}),
            "says kernelArguments: nobody signed that",
        ),
        (
            |c| c["passwd"] = json!({"users": [{"name": "evil"}]}),
            "says passwd",
        ),
        (
            |c| c["ignition"]["config"] = json!({"merge": [{"source": "https://example.com/x"}]}),
            "says ignition.config",
        ),
        (
            |c| {
                c["ignition"]["security"] =
                    json!({"tls": {"certificateAuthorities": [{"source": "data:,x"}]}})
            },
            "says ignition.security",
        ),
        (
            |c| c["storage"]["disks"] = json!([{"device": "/dev/sda", "wipeTable": true}]),
            "says storage",
        ),
        (
            |c| c["storage"]["files"][0]["append"] = json!([{"source": "data:,x"}]),
            "1 more content is appended",
        ),
        (
            |c| c["storage"]["files"][0]["contents"]["source"] = "data:,x".into(),
            "has another content",
        ),
        (
            |c| c["storage"]["files"][0]["contents"]["source"] = "https://example.com/x".into(),
            "has its content elsewhere",
        ),
        (
            |c| c["storage"]["files"][0]["mode"] = 0o4755.into(),
            "has the mode 4755",
        ),
        (
            |c| {
                let first = c["storage"]["files"][0].clone();
                c["storage"]["files"].as_array_mut().unwrap().push(first);
            },
            "is there twice",
        ),
        (
            |c| {
                let units = c["systemd"]["units"].as_array_mut().unwrap();
                let own = units
                    .iter_mut()
                    .find(|unit| unit["name"] == "own.service")
                    .unwrap();
                own["enabled"] = false.into();
            },
            "own.service: is disabled, not enabled",
        ),
        (
            |c| {
                let units = c["systemd"]["units"].as_array_mut().unwrap();
                units.push(json!({"name": "evil.service", "enabled": true}));
            },
            "evil.service: is enabled, not left as it is",
        ),
        (
            |c| c["storage"]["files"][0]["user"] = json!({"name": "evil"}),
            "has another owner",
        ),
        (
            |c| c["Storage"] = json!({"files": []}),
            "says Storage: nobody signed that",
        ),
        (
            |c| c["storage"]["files"][0]["Path"] = "/etc/evil".into(),
            "says Path: nobody signed that",
        ),
    ];
    for (edit, part) in edits {
        ignition(&folder, edit);
        refused(&project, &folder, &["changed.ign"], &[part]);
    }
    let text = fs::read_to_string(folder.join("config.ign")).unwrap();
    let twice = text.replacen("\"path\":", "\"path\":\"/etc/evil\",\"path\":", 1);
    assert_ne!(text, twice);
    fs::write(folder.join("changed.ign"), twice).unwrap();
    refused(&project, &folder, &["changed.ign"], &["says path twice"]);
}

/// The kernel takes any number of archives, so one that is appended to an initramfs payload is a part of it.
#[test]
fn any_change_to_an_initramfs_payload_is_found() {
    for (mode, script) in [
        ("diskless", "usr/lib/nodebake/init"),
        ("copyToRoot", "nodebake/copy/copy"),
    ] {
        let project = built(&format!(
            "{{secrets: inline, formats: [initramfs], initramfs: {{mode: {mode}}}}}"
        ));
        let folder = travelled(&project, &["initramfs.cpio.gz"]);
        let appended = |name: &str, content: &str| {
            let folder_of = Path::new(name).parent().unwrap().display();
            shell(
                &folder,
                &format!(
                    "rm -rf more; mkdir -p 'more/{folder_of}'; printf '{content}' >'more/{name}'; cd more; printf '{name}\\n' | cpio -o -H newc -R 0:0 --quiet >../more.cpio; cd ..; cat initramfs.cpio.gz more.cpio >changed"
                ),
            );
        };
        appended(script, "#!/bin/sh\nevil\n");
        refused(
            &project,
            &folder,
            &["changed"],
            &[&format!("/{script}: is there twice")],
        );
        appended("etc/evil", "x");
        refused(&project, &folder, &["changed"], &["/etc/evil: is extra"]);
        appended("kernel/x86/microcode/evil.bin", "x");
        refused(
            &project,
            &folder,
            &["changed"],
            &["/kernel/x86/microcode/evil.bin: is extra"],
        );
        // In the place of what it has.
        shell(
            &folder,
            &format!(
                "rm -rf root; mkdir root; cd root; gzip -dc ../initramfs.cpio.gz | cpio -idm --quiet --no-preserve-owner; echo evil >>{script}; find . | cpio -o -H newc -R 0:0 --quiet >../changed"
            ),
        );
        refused(
            &project,
            &folder,
            &["changed"],
            &[&format!(
                "/{script}: is not what this nodebake writes there"
            )],
        );
        if mode == "copyToRoot" {
            shell(
                &folder,
                "cd root; sed -i 's,srv/elsewhere,etc/passwd,' nodebake/copy/list.files; printf 'x' >nodebake/copy/root/etc/hostname; find . | cpio -o -H newc -R 0:0 --quiet >../changed",
            );
            refused(
                &project,
                &folder,
                &["changed"],
                &[
                    "/srv/link: leads elsewhere",
                    "/etc/hostname: is not what its list says",
                ],
            );
        }
    }
}

#[test]
fn programs_are_told_what_is_wrong() {
    let project = built(INLINE);
    let folder = travelled(&project, &["config.ign"]);
    let said = verified(&project, &folder, &["config.ign", "-o", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&said["verified"], &said["node"]),
        (&json!(true), &json!(NODE))
    );
    ignition(&folder, |config| {
        config["storage"]["files"][0]["mode"] = 0o777.into()
    });
    let (code, said) =
        crate::commands::verify::verify(&project, &folder, &["changed.ign", "-o", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &said["verified"]), (Some(4), &json!(false)));
    assert!(
        said["problems"][0]["rule"]
            .as_str()
            .unwrap()
            .contains("0777")
    );
}
