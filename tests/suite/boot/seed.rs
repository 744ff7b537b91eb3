//! A machine with Debian's cloud-init comes up from our seed, and from a CD with its assets beside it, to
//! multi-user.target with the kubelet's unit started, and has what tree.json says.

use crate::assets::shared;
use crate::support::fixture::sha256;
use crate::support::machine::{self, Image};

const MORE: &str = r#"echo "SAYS cloud-final.service $(systemctl is-active cloud-final.service)"
echo "SAYS label $(blkid -o value -s LABEL /dev/vdb) of $(blkid -o value -s TYPE /dev/vdb)"
echo "SAYS instance $(cat /var/lib/cloud/data/instance-id)"
cloud-init status --long | sed 's/^/SAYS status /'
sed 's/^/CLOUD /' /var/log/cloud-init-output.log
"#;

#[test]
fn a_machine_comes_up_from_the_seed() {
    let image = Image::find("cloud-image", "a machine with cloud-init");
    let asset = b"\x7fnot text".repeat(100_000);
    let digest = sha256(&asset);
    let output = format!(
        "{{formats: [cloudInit], cloudInit: {{seedISO: true, assets: iso}}}}\n\
         assets: {{/opt/own/tool: {{source: asset, sha256: {digest}, mode: \"0755\"}}}}"
    );
    let project = machine::project_with(&[("asset", &asset)], &output, "cloud-final.service", MORE);
    let node = project.out().join("nodes/n1");
    let archive = shared::shared(&project, "n1")["assets.iso"].clone();
    let drives = [node.join("seed.iso"), project.out().join(archive)];
    let drives = drives.map(|image| {
        let image = image.display();
        format!("file={image},format=raw,if=virtio,readonly=on")
    });
    let drives = ["-drive", &drives[0], "-drive", &drives[1]];
    let console = image.boot(project.scratch(), "", &drives);
    for (what, expected) in [
        ("cloud-final.service", "active"),
        ("label", "cidata of iso9660"),
        ("instance", "bad-n1-g1"),
        ("status", "status: done"),
    ] {
        console.says(what, expected);
    }
    console.has_node(&node);
}
