//! Machines with a TPM in software, and Debian 13's systemd: the one whose key is in the inventory opens the secrets of its
//! payload, which are in memory only. Another one, or one without a TPM, says on its console why it cannot, and its
//! kubelet starts all the same.

use std::fs;

use crate::seal::software_tpm::SoftwareTpm;
use crate::support::fixture::{Project, sha256};
use crate::support::machine::{self, Console, Image};
use crate::support::oracles;
use crate::support::tool::nodebake;

const BOOTSTRAP: &str = "/etc/kubernetes/bootstrap-kubelet.kubeconfig";
const MORE: &str = r#"file=/etc/kubernetes/bootstrap-kubelet.kubeconfig
echo "SAYS opened $(systemctl is-active nodebake-secrets.service)"
echo "SAYS secret $(cat $file 2>/dev/null | sha256sum | cut -c1-64)"
echo "SAYS where $(findmnt -no FSTYPE -T $(readlink -f $file))"
journalctl -b -o cat -u nodebake-secrets-failed.service | sed -n 's/^nodebake: /SAYS why /p'
"#;

/// A node with a seed whose secrets are sealed to a TPM, and the digest of its kubeconfig as it is without that.
fn sealed(tpm: &SoftwareTpm) -> (Project, String) {
    let project = machine::project_with(
        &[("n1.pub", &tpm.public())],
        "{formats: [cloudInit], cloudInit: {seedISO: true}, secrets: sealedWhereKnown}",
        "cloud-final.service nodebake-secrets-failed.service",
        MORE,
    );
    let file = project.dir.join("cluster.yaml");
    let change = |old: &str, new: &str| {
        let inventory = fs::read_to_string(&file).unwrap();
        assert_eq!(inventory.matches(old).count(), 1, "{old}");
        fs::write(&file, inventory.replacen(old, new, 1)).unwrap();
    };
    let mac = "    macs: [\"52:54:00:00:00:01\"]\n";
    change(mac, &format!("{mac}    tpm: {{file: n1.pub}}\n"));
    change("secrets: sealedWhereKnown", "secrets: inline");
    project.good(&["build", "-o", "plain"]);
    change("secrets: inline", "secrets: sealedWhereKnown");
    project.good(&["token", "create"]);
    project.good(&["build"]);
    let plain = project.dir.join("plain/nodes/n1/user-data");
    let args = ["inspect", plain.to_str().unwrap(), "--extract", "plain"];
    nodebake(project.scratch(), &args).good();
    let kubeconfig = project.scratch().join("plain").join(&BOOTSTRAP[1..]);
    let digest = sha256(&fs::read(kubeconfig).unwrap());
    (project, digest)
}

/// The machine is up with all that its payload installs, and its kubelet runs.
fn boot(image: &Image, project: &Project, tpm: &[String]) -> Console {
    let node = project.out().join("nodes/n1");
    let seed = node.join("seed.iso");
    let seed = format!("file={},format=raw,if=virtio,readonly=on", seed.display());
    let mut args = vec!["-drive", &*seed];
    args.extend(tpm.iter().map(String::as_str));
    let console = image.boot(project.scratch(), "", &args);
    console.has_node(&node);
    console
}

#[test]
fn a_machine_opens_the_secrets_that_are_sealed_to_it_and_no_other_does() {
    let image = Image::find("tpm-image", "a machine with a TPM");
    oracles::needs(["swtpm", "tpm2"]);
    let (tpm, other) = (SoftwareTpm::start(), SoftwareTpm::start());
    let (project, digest) = sealed(&tpm);
    let own = tpm.of_machine();
    let console = boot(&image, &project, &own.device());
    console.says("opened", "active");
    console.says("secret", &digest);
    console.says("where", "tmpfs");

    // The same payload on another machine.
    other.public();
    let other = other.of_machine();
    let console = boot(&image, &project, &other.device());
    console.says("opened", "failed");
    console.says("why", "the secrets of this node could not be opened: they are sealed to another TPM, or this one was cleared; write this machine's public key into tpm of the node, and build again.");
}

#[test]
fn a_machine_without_a_tpm_says_so() {
    let image = Image::find("tpm-image", "a machine without a TPM");
    oracles::needs(["swtpm", "tpm2"]);
    let (project, _) = sealed(&SoftwareTpm::start());
    let console = boot(&image, &project, &[]);
    console.says("opened", "failed");
    console.says("why", "the secrets of this node could not be opened: this machine has no TPM 2.0 (/dev/tpmrm0); switch it on in the firmware, or give the virtual machine one.");
}
