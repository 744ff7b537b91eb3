//! A machine with Debian's cloud-init comes up from our seed to multi-user.target with the kubelet's unit started, and has
//! what tree.json says.

use crate::machine::{self, Image};

const MORE: &str = r#"echo "SAYS cloud-final.service $(systemctl is-active cloud-final.service)"
echo "SAYS label $(blkid -o value -s LABEL /dev/vdb) of $(blkid -o value -s TYPE /dev/vdb)"
echo "SAYS instance $(cat /var/lib/cloud/data/instance-id)"
cloud-init status --long | sed 's/^/SAYS status /'
sed 's/^/CLOUD /' /var/log/cloud-init-output.log
"#;

#[test]
fn a_machine_comes_up_from_the_seed() {
    let Some(image) = Image::find("cloud-image", "a machine with cloud-init") else {
        return;
    };
    let output = "{formats: [cloudInit], cloudInit: {seedISO: true}}";
    let project = machine::project(output, "cloud-final.service", MORE);
    let node = project.out().join("nodes/n1");
    let seed = node.join("seed.iso").display().to_string();
    let drive = format!("file={seed},format=raw,if=virtio,readonly=on");
    let console = image.boot(project.scratch(), "", &["-drive", &drive]);
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
