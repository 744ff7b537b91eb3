//! The cluster's manifests, written into a bundle.

use std::io::Write;

use flate2::{Compression, GzBuilder};

use crate::bundle::BundleBuilder;
use crate::cluster::{
    ApproverObjects, ClusterObjects, NodeMarks, RBAC_KUSTOMIZATION, TOKENS_KUSTOMIZATION, Taint,
    approver, approver_kustomization, names, rbac, write_node_labels, write_tokens,
};
use crate::error::Result;
use crate::inventory::UnmanagedNode;
use crate::plan::Plan;
use crate::review::Extract;
use crate::signing::PublicKey;

/// A node's labels that only an admin may set, in the order of the plan's nodes.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Labels.
    pub labels: Vec<(String, String)>,
    /// Annotations.
    pub annotations: Vec<(String, String)>,
}

/// The overlay whose kube-proxy shows the kubelet's certificate.
const KUBE_PROXY: &str = "kube-proxy";

/// Writes everything below `cluster/`.
pub fn write(builder: &BundleBuilder, plan: &Plan, marks: &[Marks]) -> Result<()> {
    let tokens = &plan.cluster.tokens;
    let objects = ClusterObjects {
        groups: plan.groups.clone(),
        usages: tokens.usages.clone(),
        approval: tokens.approval.value,
        kubelet_client_user: plan.cluster.api_server.kubelet_client_user.clone(),
        server_renewal: plan.cluster.server_renewal,
        kube_proxy: plan.classes.iter().any(|class| {
            let mut used = class.spec.overlays.iter();
            used.any(|used| used.name.value == KUBE_PROXY)
        }),
        scrapers: plan.cluster.scrapers.clone(),
    };
    let text = |name: &str, secret: bool, text: &str| {
        builder.file(&format!("cluster/{name}"), secret, &mut |out| {
            Ok(out.write_all(text.as_bytes())?)
        })
    };
    text(names::RBAC, false, &rbac(&objects))?;
    text(names::RBAC_KUSTOMIZATION, false, RBAC_KUSTOMIZATION)?;
    // kubectl refuses a kustomization without objects.
    if plan.nodes.iter().any(|node| node.token.is_some()) {
        text(names::TOKENS_KUSTOMIZATION, false, TOKENS_KUSTOMIZATION)?;
        builder.file(&format!("cluster/{}", names::TOKENS), true, &mut |out| {
            let tokens = plan.nodes.iter().flat_map(|node| {
                let tokens = node.overlapping.iter().chain(&node.token);
                tokens.map(|token| (&*node.name, token))
            });
            write_tokens(out, &objects, tokens)
        })?;
    }
    builder.file(
        &format!("cluster/{}", names::NODE_LABELS),
        false,
        &mut |out| {
            let nodes = plan.nodes.iter().zip(marks).map(|(node, marks)| NodeMarks {
                node: &node.name,
                labels: borrowed(&marks.labels),
                annotations: borrowed(&marks.annotations),
                taints: Vec::new(),
            });
            let others = plan.unmanaged.iter().map(unmanaged_marks);
            write_node_labels(out, nodes.chain(others))
        },
    )
}

/// Longer than this, the extract is compressed for the ConfigMap: `kubectl apply` keeps a second copy in an annotation, and
/// those of an object have 256 KiB together (apimachinery, `ValidateAnnotationsSize`).
const LONGEST_PLAIN: usize = 200_000;

/// Writes what reviews of requests go by, its signature where this build has the key, and what the approver runs with.
pub fn write_review(
    builder: &BundleBuilder,
    plan: &Plan,
    review: &Extract,
    key: Option<&PublicKey>,
) -> Result<()> {
    let text = review.to_json()?;
    let signature = builder.signatures().ssh(text.as_bytes());
    if let (Some(settings), Some(key)) = (&plan.cluster.approver, key) {
        let is_packed = text.len() > LONGEST_PLAIN;
        let objects = ApproverObjects {
            cluster: &plan.cluster.name.value,
            image: &settings.image.value,
            public_key: &key.to_line(),
        };
        let kustomization = approver_kustomization(is_packed, signature.is_some());
        for (name, text) in [
            (names::APPROVER, approver(&objects)),
            (names::APPROVER_KUSTOMIZATION, kustomization),
        ] {
            builder.file(&format!("cluster/{name}"), false, &mut |out| {
                Ok(out.write_all(text.as_bytes())?)
            })?;
        }
        if is_packed {
            builder.file(
                &format!("cluster/{}", names::REVIEW_PACKED),
                false,
                &mut |out| {
                    // No name and no time in its header: the same text gives the same bytes.
                    let mut packed = GzBuilder::new().mtime(0).write(out, Compression::best());
                    packed.write_all(text.as_bytes())?;
                    packed.finish()?;
                    Ok(())
                },
            )?;
        }
    }
    for (name, text) in [
        (names::REVIEW, Some(text)),
        (names::REVIEW_SIGNATURE, signature),
    ] {
        let Some(text) = text else { continue };
        builder.file(&format!("cluster/{name}"), false, &mut |out| {
            Ok(out.write_all(text.as_bytes())?)
        })?;
    }
    Ok(())
}

/// What an admin sets on a node that others made.
fn unmanaged_marks(other: &UnmanagedNode) -> NodeMarks<'_> {
    let taints = other.taints.iter().map(|taint| Taint {
        key: &taint.key,
        value: &taint.value,
        effect: &taint.effect,
    });
    NodeMarks {
        node: &other.node.name.value,
        labels: borrowed(&other.labels),
        annotations: borrowed(&other.annotations),
        taints: taints.collect(),
    }
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect()
}
