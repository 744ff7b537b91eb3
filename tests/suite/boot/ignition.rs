//! A machine whose initrd has Debian's Ignition comes up from our config.ign to multi-user.target with the kubelet's unit
//! started, and has what tree.json says.
//!
//! Debian's are the system, the kernel, dracut, and Ignition's module for dracut with its units and its engine (2.14, as
//! packaged). QEMU hands the configuration over through its `fw_cfg` device. Ours are the driver of that device in the initrd,
//! which the module does not ask for, a SELinux policy that labels nothing, which Debian's engine must find, and the kubelet,
//! which sleeps.

use crate::support::machine::{self, Image};

#[test]
fn a_machine_comes_up_from_the_configuration() {
    let image = Image::find("ignition-image", "a machine with Ignition");
    let project = machine::project("{formats: [ignition]}", "", machine::IGNITION_RESULT);
    let node = project.out().join("nodes/n1");
    let config = node.join("config.ign").display().to_string();
    // A first boot's questions would wait at the console.
    let console = image.boot(
        project.scratch(),
        "ignition.firstboot ignition.platform.id=qemu systemd.firstboot=off",
        &[
            "-fw_cfg",
            &format!("name=opt/com.coreos/config,file={config}"),
        ],
    );
    console.says("result", machine::IGNITION_WORKED);
    console.has_node(&node);
}
