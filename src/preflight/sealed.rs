//! What a machine must have to open its sealed secrets.

use crate::plan::NodePlan;
use crate::preflight::{NeedKind, Needs};
use crate::render::opened_secrets;
use crate::tree::NodeTree;

/// The TPM, and what systemd asks it with. What is opened is there at each boot, so nobody else must bring it.
pub(super) fn needs(node: &NodePlan, tree: &NodeTree, needs: &mut Needs) {
    let Some(sealing) = &node.sealing else { return };
    let Some(opened) = opened_secrets(tree) else {
        return;
    };
    needs.0.retain(|need| !need.what.starts_with(opened));
    let why = "output.secrets: the node's secrets are sealed to it";
    let tpm = format!(
        "a TPM 2.0 with the storage key {}",
        sealing.key.fingerprint()
    );
    needs.add(NeedKind::System, tpm, why);
    let libraries =
        "systemd 255 or newer with libtss2-esys, libtss2-mu, libtss2-rc and libtss2-tcti-device";
    let why = "output.secrets: it opens sealed secrets";
    needs.add(NeedKind::System, libraries, why);
}
