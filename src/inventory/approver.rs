//! `approver`: a program in the cluster that decides requests for certificates by the inventory.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::inventory::keys::{keys, texts};
use crate::inventory::spec::Spec;
use crate::inventory::text::checked;
use crate::model::Spanned;
use crate::timing::parse_rfc3339;

keys! {
    /// The approver of the cluster.
    #[derive(Clone, Debug)]
    pub struct Approver: "approver" {
        /// the image of nodebake-approver, by digest
        "image" => image: Spanned<PinnedImage>,
        /// from then on it approves nothing; without it that is the end of the CA
        "validUntil" => valid_until: Option<Spanned<PointInTime>>,
    }
}

impl Approver {
    /// The approver may run on any node: those without a network need its image, as those of other add-ons.
    pub fn add_image(&self, specs: &mut [Arc<Spec>]) {
        for spec in specs.iter_mut().filter(|spec| spec.airgap.is_some()) {
            if let Some(airgap) = &mut Arc::make_mut(spec).airgap {
                airgap.value.images.push(self.image.clone());
            }
        }
    }
}

texts! {
    /// An image by digest.
    PinnedImage or ApproverInvalid: String = pinned_image, r"^[^@\s]+@sha256:[0-9a-f]{64}$",
        ["registry.example.com/nodebake-approver@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"];
    /// A time.
    PointInTime or ApproverInvalid: OffsetDateTime = |text| parse_rfc3339(text).ok_or("must be an RFC 3339 time in whole seconds (for example 2027-12-01T00:00:00Z)"),
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T", ["2027-12-01T00:00:00Z"];
}

/// A tag may be another image tomorrow, and this one decides who is a node.
fn pinned_image(text: &str) -> Result<String, String> {
    let digest = text.split_once("@sha256:");
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let good = digest.is_some_and(|(name, digest)| {
        !name.is_empty()
            && !name.contains(|c: char| c.is_whitespace() || c == '@')
            && digest.len() == 64
            && digest.chars().all(is_hex)
    });
    checked(
        text,
        good,
        || "must be an image with its digest (for example registry.example.com/nodebake-approver@sha256:…)",
    )
}
