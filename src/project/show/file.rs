//! One file of a node's tree.

use std::io::Write;

use anyhow::{Context, bail};

use crate::error::Result;
use crate::plan::NodePlan;
use crate::render::RenderedNode;
use crate::tree::{Content, EntryKind};

/// Writes it. A token's secret is hidden in it; any other secret file is not shown at all, unless `reveal` is set.
pub(super) fn write(
    path: &str,
    (node, rendered): (&NodePlan, &RenderedNode),
    (reveal, out): (bool, &mut dyn Write),
) -> Result<()> {
    let all = rendered.tree.materialised();
    let Some(entry) = all.get(path) else {
        bail!("{} has no {path}", node.name);
    };
    let content = match &entry.kind {
        EntryKind::File(content) => content,
        EntryKind::Directory => bail!("{path} is a directory"),
        EntryKind::Symlink(target) => bail!("{path} is a symbolic link to {target}"),
    };
    match content {
        Content::Blob(blob) if entry.secret && !reveal => {
            let text = String::from_utf8_lossy(blob.bytes());
            let hidden = match &node.token {
                Some(token) => text.replace(token.bearer().expose(), &token.hidden()),
                None => text.clone().into_owned(),
            };
            if hidden == text {
                bail!("{path} holds a secret; --reveal prints it");
            }
            out.write_all(hidden.as_bytes())
                .context("writing to stdout")
        }
        content => content.copy_to(out),
    }
}
