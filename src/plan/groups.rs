//! Groups of bootstrap tokens. One bad group makes the API server drop the whole token, so they are checked here.

use crate::cluster::{Groups, group_fault};
use crate::inventory::Inventory;
use crate::model::Approval;
use crate::report::{Id, Report};

/// The group of the tokens that `kubeadm token create` makes (cmd/kubeadm/app/constants, NodeBootstrapTokenAuthGroup).
const KUBEADM_GROUP: &str = "system:bootstrappers:kubeadm:default-node-token";

/// The groups that the inventory asks for, checked for every node.
pub fn of(inventory: &Inventory, report: &mut Report) -> Groups {
    let tokens = &inventory.cluster.tokens;
    let groups = Groups {
        shared: tokens.group.value.clone(),
        node: tokens.node_group.value.clone(),
    };
    let approval = &tokens.approval;
    let mut written = [&tokens.group, &tokens.node_group].into_iter();
    let kubeadms = written.find(|group| group.value == KUBEADM_GROUP);
    if let Some(group) = kubeadms.filter(|_| approval.value != Approval::Auto) {
        let rule = format!(
            "kubeadm binds {KUBEADM_GROUP} to its own approval (kubeadm:node-autoapprove-bootstrap): in a kubeadm cluster \
             every request is approved at once, and `csr review` sees none"
        );
        let repair = "leave the group out, which then is the cluster's own, or run `kubectl delete clusterrolebinding \
                      kubeadm:node-autoapprove-bootstrap` and accept this finding";
        let finding = group.location.finding(Id::ApprovalUndone, rule);
        report.add(finding.help(repair));
    }
    if let Some(rule) = group_fault(&groups.shared) {
        report.add(
            tokens
                .group
                .location
                .finding(Id::BootstrapGroupInvalid, rule),
        );
    }
    let faults = inventory.nodes.iter().filter_map(|node| {
        let name = &node.name.value;
        group_fault(&groups.of_node(name)).map(|rule| (rule, name.clone()))
    });
    // The pattern is what is wrong, and one node shows it.
    if let Some((rule, node)) = faults.into_iter().next() {
        report.add(
            tokens
                .node_group
                .location
                .finding(Id::BootstrapGroupInvalid, rule)
                .of_node(node),
        );
    }
    groups
}
