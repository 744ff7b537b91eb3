//! What a payload says that a node ends up with. In: its rows. Out: entries by path, however the format puts them, and
//! whatever is odd about it.

use std::collections::BTreeMap;

use crate::inspect::{Listing, ListingRow, RowKind};
use crate::model::output::Mode;
use crate::model::{NodePath, Sha256Digest, hex};
use crate::payload::initramfs::{COPY, HERE, NEEDS, brought};
use crate::report::Id;
use crate::tree::{Entry, EntryKind};
use crate::verify::Problem;
use crate::verify::embedded::list::List;

/// The longest name of an asset archive with its line feed, in bytes.
const LONGEST_NAME: u64 = 256;

/// An owner or a group as a payload names it. Whatever is said must be right: what unpacks prefers the one or the
/// other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    id: Option<u64>,
    name: Option<String>,
}

/// One entry as a payload has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// `file`, `dir` or `link`.
    pub kind: &'static str,
    /// Absent where the format does not say it.
    pub mode: Option<u32>,
    /// The owner and the group.
    pub owner: [Who; 2],
    /// A file's digest.
    pub sha256: Option<Sha256Digest>,
    /// Where a link leads.
    pub target: Option<String>,
}

impl Claim {
    /// A folder as the kernel needs it above files: root's, 0755.
    pub fn is_plain_folder(&self) -> bool {
        let root =
            |who: &Who| who.id == Some(0) && who.name.as_deref().is_none_or(|name| name == "root");
        self.kind == "dir" && self.mode == Some(0o755) && self.owner.iter().all(root)
    }
}

/// What was wrong, and where.
pub type Wrong = Problem;

/// Entries by path.
pub type Claims = BTreeMap<NodePath, Claim>;

/// The entries of a payload. `lists` are contents of its files, among them what it copies to the root.
pub fn claims(
    listing: &Listing,
    contents: &BTreeMap<String, Vec<u8>>,
    wrong: &mut Vec<Wrong>,
) -> Claims {
    let mut rows: BTreeMap<&str, &ListingRow> = BTreeMap::new();
    for row in listing.members.iter().flat_map(|member| &member.entries) {
        if rows.insert(&row.path, row).is_some() {
            wrong.push(Wrong::new(
                Id::VerifyPayloadDiffers,
                &row.path,
                "is there twice",
            ));
        }
    }
    if listing.format == "initramfs" {
        let has = |mode: Mode| rows.contains_key(mode.mark());
        let list = |name: &&str| name.starts_with(&format!("{COPY}/list."));
        if has(Mode::CopyToRoot) || rows.keys().any(list) {
            return copied(rows, contents, wrong);
        }
        diskless(&mut rows, wrong);
    }
    of_rows(rows, wrong)
}

fn of_rows(rows: BTreeMap<&str, &ListingRow>, wrong: &mut Vec<Wrong>) -> Claims {
    let mut claims = Claims::new();
    for (path, row) in rows {
        match (NodePath::parse(path), claim(row)) {
            (Ok(path), Some(claim)) => _ = claims.insert(path, claim),
            _ => wrong.push(Wrong::new(
                Id::VerifyFileExtra,
                path,
                "is nothing that a tree holds",
            )),
        }
    }
    claims
}

fn claim(row: &ListingRow) -> Option<Claim> {
    let kind = match row.kind {
        RowKind::File => "file",
        RowKind::Directory => "dir",
        RowKind::Symlink => "link",
        _ => return None,
    };
    Some(Claim {
        kind,
        mode: row.mode.filter(|_| kind != "link"),
        owner: [(row.uid, &row.user), (row.gid, &row.group)].map(|(id, name)| Who {
            id,
            name: name.clone(),
        }),
        sha256: row.sha256,
        target: row.target.clone(),
    })
}

/// An initramfs payload whose files are where they belong: without what it brings for itself, and without the folders
/// above them that the kernel needs.
fn diskless(rows: &mut BTreeMap<&str, &ListingRow>, wrong: &mut Vec<Wrong>) {
    take_brought(Mode::Diskless, rows, wrong);
    for path in [NEEDS, HERE] {
        if let Some(row) = rows.remove(path) {
            name_only(path, row, wrong);
        }
    }
}

/// Takes out what every initramfs payload of a mode brings for itself, which must be just that.
fn take_brought(mode: Mode, rows: &mut BTreeMap<&str, &ListingRow>, wrong: &mut Vec<Wrong>) {
    for (path, entry) in brought(mode).into_iter().flatten() {
        let Some(row) = rows.remove(path.as_str()) else {
            continue;
        };
        let is_ours = claim(row).is_some_and(|claim| differs(&claim, &entry).is_none());
        if !is_ours {
            let rule = "is not what this nodebake writes there, and no list vouches for it";
            wrong.push(Wrong::new(Id::VerifyPayloadDiffers, path.to_string(), rule));
        }
    }
}

/// The name of an asset archive, which can keep a boot from going on and nothing else.
fn name_only(path: &str, row: &ListingRow, wrong: &mut Vec<Wrong>) {
    let is_name = row.kind == RowKind::File
        && row.mode == Some(0o644)
        && row.size.is_some_and(|size| size <= LONGEST_NAME);
    if !is_name {
        let rule = "is not the name of an archive of assets";
        wrong.push(Wrong::new(Id::VerifyPayloadDiffers, path, rule));
    }
}

/// An initramfs payload whose files are copied: the list says what they become, and each is beside it by its path.
fn copied(
    mut rows: BTreeMap<&str, &ListingRow>,
    contents: &BTreeMap<String, Vec<u8>>,
    wrong: &mut Vec<Wrong>,
) -> Claims {
    let files = rows
        .iter()
        .filter(|(_, row)| row.kind != RowKind::Directory);
    let files: Vec<&str> = files.map(|(path, _)| *path).collect();
    take_brought(Mode::CopyToRoot, &mut rows, wrong);
    let mut claims = Claims::new();
    for list in ["files", "secrets", "assets"] {
        let path = format!("{COPY}/list.{list}");
        let Some(_) = rows.remove(path.as_str()) else {
            continue;
        };
        let read = contents.get(&path).ok_or("is too long".to_owned());
        match read.and_then(|bytes| List::parse(bytes)) {
            Ok(list) => claims.extend(list.entries.iter().map(|(path, entry)| {
                let claim = of_entry(entry);
                (path.clone(), claim)
            })),
            Err(rule) => wrong.push(Wrong::new(Id::VerifyTreeInvalid, path, rule)),
        }
    }
    let needs = format!("{COPY}/needs.assets");
    if let Some(row) = rows.remove(needs.as_str()) {
        name_only(&needs, row, wrong);
    }
    let root = format!("{COPY}/root");
    for (path, claim) in &claims {
        if claim.kind != "file" {
            continue;
        }
        let at = format!("{root}{path}");
        let Some(row) = rows.remove(at.as_str()) else {
            let rule = "is in the list and not in the payload";
            wrong.push(Wrong::new(Id::VerifyFileMissing, path.to_string(), rule));
            continue;
        };
        if row.kind != RowKind::File || row.sha256 != claim.sha256 {
            wrong.push(Wrong::new(
                Id::VerifyPayloadDiffers,
                path.to_string(),
                "is not what its list says",
            ));
        }
    }
    // The folders that the kernel needs above the files that were there.
    let is_parent = |path: &str, row: &ListingRow| {
        let below = format!("{path}/");
        let plain = claim(row).is_some_and(|claim| claim.is_plain_folder());
        plain && files.iter().any(|path| path.starts_with(&below))
    };
    for (path, row) in rows {
        if !is_parent(path, row) {
            wrong.push(Wrong::new(Id::VerifyFileExtra, path, "is extra"));
        }
    }
    claims
}

fn of_entry(entry: &Entry) -> Claim {
    let (kind, sha256, target) = match &entry.kind {
        EntryKind::File(content) => ("file", Some(content.sha256()), None),
        EntryKind::Directory => ("dir", None, None),
        EntryKind::Symlink(target) => ("link", None, Some(target.clone())),
    };
    Claim {
        kind,
        mode: (kind != "link").then_some(entry.mode),
        owner: [&entry.user, &entry.group].map(|owner| Who {
            id: Some(owner.id.into()),
            name: Some(owner.name.to_string()),
        }),
        sha256,
        target,
    }
}

/// Why a claim is not an entry.
pub fn differs(claim: &Claim, entry: &Entry) -> Option<String> {
    let right = of_entry(entry);
    if claim.kind != right.kind {
        return Some(format!("is a {}, not a {}", claim.kind, right.kind));
    }
    if claim.mode.is_some() && claim.mode != right.mode {
        let octal = |mode: Option<u32>| mode.map_or("-".to_owned(), |mode| format!("{mode:04o}"));
        return Some(format!(
            "has the mode {}, not {}",
            octal(claim.mode),
            octal(right.mode)
        ));
    }
    let is_owner = |(said, right): (&Who, &Who)| {
        let id = said.id.is_none() || said.id == right.id;
        let name = said.name.is_none() || said.name == right.name;
        id && name && (said.id.is_some() || said.name.is_some())
    };
    if !claim.owner.iter().zip(&right.owner).all(is_owner) {
        return Some("has another owner".to_owned());
    }
    if claim.sha256 != right.sha256 {
        return Some(match claim.sha256 {
            None => "has its content elsewhere, which nobody can look at here".to_owned(),
            Some(digest) => format!("has another content, of SHA-256 {}", hex(&digest)),
        });
    }
    (claim.target != right.target).then(|| "leads elsewhere".to_owned())
}
