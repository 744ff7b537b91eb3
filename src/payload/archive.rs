//! What the two archives share: the tree as plain files, with what makes its units start on a baked image.
//! In: a [`NodeTree`]. Out: every path that an archive lists.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use anyhow::{Context, anyhow, bail};

use crate::error::Result;
use crate::io::Watched;
use crate::model::NodePath;
use crate::tree::{Content, Entry, EntryKind, NodeTree, Origin, Unit};
use crate::wording::counted;

/// The preset of our units. systemd applies presets on a first boot, and since version 252 a distribution can make that
/// a full run, which removes enablement links that no preset asks for: the links alone are not enough. It sorts before
/// the distributions' own (`80-`, `90-`, `99-`), because the first matching line wins (systemd.preset(5)).
pub const PRESET: &str = "/etc/systemd/system-preset/10-nodebake.preset";

/// The members of an archive in path order: declared entries, units, masks, enablement links, the preset.
/// Ancestor directories are not among them unless the tree declares them.
pub fn members(tree: &NodeTree) -> Result<BTreeMap<NodePath, Entry>> {
    let mut members = tree.materialised();
    for (name, unit) in tree.units() {
        if unit.enabled == Some(true) && !unit.masked {
            link(&mut members, name, unit)?;
        }
    }
    if let Some(text) = preset(tree) {
        let path = NodePath::parse(PRESET).expect("a constant, absolute and normal");
        let origin = Origin("generator preset".into());
        let entry = Entry::file(Content::bytes(text), 0o644, origin);
        if let Some(taken) = members.insert(path, entry) {
            bail!("writing the preset {PRESET}: {} declares it", taken.origin);
        }
    }
    refuse_below_non_directories(&members)?;
    Ok(members)
}

/// Adds the links that `systemctl enable` would make, or makes as a rule where the text is the image's. One that the
/// tree declares itself stays as it is.
fn link(members: &mut BTreeMap<NodePath, Entry>, name: &str, unit: &Unit) -> Result<()> {
    let origin = match (&unit.text, &unit.origin) {
        (_, Some(origin)) | (Some((_, origin)), None) => origin.clone(),
        (None, None) => Origin("unit".into()),
    };
    let usual = unit
        .text
        .is_none()
        .then(|| Unit::usual_link(name))
        .flatten();
    for link in unit.install_links(name).into_iter().chain(usual) {
        match members.get(&link.path) {
            None => {
                let entry = Entry::symlink(link.target, origin.clone());
                members.insert(link.path, entry);
            }
            Some(taken) if matches!(taken.kind, EntryKind::Symlink(_)) => {}
            Some(taken) => bail!(
                "enabling {name}: it needs a link at {}, which {} declares",
                link.path,
                taken.origin
            ),
        }
    }
    Ok(())
}

/// The preset's text: a line for each unit whose state the tree sets; None where it sets none.
fn preset(tree: &NodeTree) -> Option<String> {
    let mut text = String::new();
    // An instance without a unit file of its own is named behind its template, all of a template's on one line.
    let mut instances: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, unit) in tree.units() {
        match (unit.enabled, unit.masked) {
            // `systemctl preset-all` passes a masked unit over; the line is for the day when it is unmasked.
            (_, true) | (Some(false), _) => {
                let _ = writeln!(text, "disable {name}");
            }
            (Some(true), false) => match instance_of_the_images(name, unit) {
                Some((template, instance)) => {
                    instances.entry(template).or_default().push(instance);
                }
                None => {
                    let _ = writeln!(text, "enable {name}");
                }
            },
            (None, false) => {}
        }
    }
    for (template, instances) in instances {
        let _ = writeln!(text, "enable {template} {}", instances.join(" "));
    }
    (!text.is_empty()).then_some(text)
}

/// `getty@tty1.service` → (`getty@.service`, `tty1`), when the file is the image's template.
fn instance_of_the_images<'a>(name: &'a str, unit: &Unit) -> Option<(String, &'a str)> {
    let (prefix, rest) = name.split_once('@')?;
    let (instance, suffix) = rest.rsplit_once('.')?;
    (unit.text.is_none() && !instance.is_empty()).then(|| (format!("{prefix}@.{suffix}"), instance))
}

/// Units and links come from generators that do not know each other, so what [`NodeTree::add`] promises for declared
/// entries is checked for the whole: unpacking a path below a link would write outside of what was reviewed.
fn refuse_below_non_directories(members: &BTreeMap<NodePath, Entry>) -> Result<()> {
    for path in members.keys() {
        for ancestor in path.ancestors() {
            if let Some(above) = members.get(ancestor)
                && !matches!(above.kind, EntryKind::Directory)
            {
                let origin = &above.origin;
                bail!("{path} is below {ancestor} of {origin}, which is not a directory");
            }
        }
    }
    Ok(())
}

/// Streams a file's content and makes sure that it is as long as the header before it says.
pub fn copy_exactly(path: &NodePath, content: &Content, out: &mut dyn Write) -> Result<()> {
    let mut count = 0;
    content
        .copy_to(&mut Watched::new(out, |bytes: &[u8]| {
            count += bytes.len() as u64;
        }))
        .with_context(|| format!("packing {path}"))?;
    if count == content.len() {
        Ok(())
    } else {
        Err(anyhow!(
            "packing {path}: {} came instead of {}",
            counted(count, "byte"),
            content.len()
        ))
    }
}
