//! `output.secrets: separate`: the public payload, which may be where others read, and the secret payload with only
//! the secrets. Both are payloads of the same format; applied one after the other, in any order, they make the whole
//! tree.

use std::borrow::Cow;

use crate::model::output::{Assets, Format};
use crate::payload::Job;
use crate::tree::NodeTree;

/// What of a node's tree a payload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Everything.
    Whole,
    /// Everything but secrets.
    Public,
    /// Secrets only, with the declared directories above them.
    Secrets,
}

impl Selection {
    /// What the name of the file has before its extension, dot included.
    pub fn infix(self) -> &'static str {
        match self {
            Self::Whole | Self::Public => "",
            Self::Secrets => ".secrets",
        }
    }
}

/// The payloads that a job is written as in one format, without what is in an asset archive; the secret one first: the
/// public one may name its digest.
pub(super) fn selections<'a>(job: &Job<'a>, format: Format) -> Vec<(Selection, Cow<'a, NodeTree>)> {
    selections_if(job, format, job.tree.has_secrets())
}

/// The same for a format that may have secrets beside the tree's.
pub(super) fn selections_if<'a>(
    job: &Job<'a>,
    format: Format,
    has_secrets: bool,
) -> Vec<(Selection, Cow<'a, NodeTree>)> {
    let layered = job.settings.assets(format) == Assets::Shared && job.tree.has_assets();
    let tree = if layered {
        Cow::Owned(job.tree.without_assets())
    } else {
        Cow::Borrowed(job.tree)
    };
    if job.settings.secrets.apart(format) && has_secrets {
        return vec![
            (Selection::Secrets, Cow::Owned(tree.secrets())),
            (Selection::Public, Cow::Owned(tree.public())),
        ];
    }
    vec![(Selection::Whole, tree)]
}
