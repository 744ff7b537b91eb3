//! Payloads that contain their signed tree: whether the files that they install on a node are what was signed, all of
//! it and nothing else.
//! In: the files of one node's payload in one format, and a public key. Out: a [`EmbeddedVerdict`].
//!
//! What is proved is the tree: every path with type, mode, owner, content, and the state of units. What a format says
//! beside that must be what follows from the tree, to the byte (presets, links that enable units, the programs of an
//! initramfs payload), or it is a problem: nobody signed it. Commands of cloud-init are such, so its documents are
//! verified by SHA256SUMS only.

mod beside;
mod claims;
mod keys;
mod list;
mod tree_check;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::error::{Result, is_machines, one_line};
use crate::inspect::{Kept, Limits, Listing, RowKind, list_keeping};
use crate::model::{NodePath, Sha256Digest};
use crate::payload::ignition::preset;
use crate::payload::initramfs::COPY;
use crate::payload::members;
use crate::report::Id;
use crate::signing::PublicKey;
use crate::tree::{Entry, EntryKind, NodeTree, UNIT_FOLDER};
use crate::verify::Problem;
use crate::verify::embedded::claims::{Claims, Wrong, claims, differs};
use crate::verify::embedded::list::List;

pub use beside::{BESIDE, SCRIPT, with_signed_list};
pub use tree_check::{as_counted, checks_tree};

/// The longest list that is read, in bytes.
const LONGEST_LIST: u64 = 16 * 1024 * 1024;

/// What came of looking at a payload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EmbeddedVerdict {
    /// The files.
    pub files: Vec<String>,
    /// Whose tree it is.
    pub node: Option<String>,
    /// How many paths the files install on the node.
    pub paths: usize,
    /// Paths of the tree that are not in these files and that only their owner may read on the node: of payloads in two
    /// parts they are in the secret one.
    pub elsewhere: Vec<String>,
    /// Everything that is wrong; empty means verified.
    pub problems: Vec<Problem>,
}

/// One file as it was read.
struct Payload {
    listing: Listing,
    kept: Kept,
}

/// Verifies the files of a payload by the signed list that one of them contains.
///
/// Whatever the files' content makes fail is among the problems; errors are the machine's.
pub fn verify_embedded(files: &[PathBuf], key: &PublicKey) -> Result<EmbeddedVerdict> {
    let mut verdict = EmbeddedVerdict {
        files: files
            .iter()
            .map(|file| file.display().to_string())
            .collect(),
        ..EmbeddedVerdict::default()
    };
    let mut wrong: Vec<Wrong> = Vec::new();
    match by_list(files, key, &mut verdict, &mut wrong) {
        Ok(()) => {}
        Err(error) if is_machines(&error) => return Err(error),
        Err(error) => {
            let files = verdict.files.join(" ");
            wrong.push(Wrong::new(Id::VerifyPayloadUnfit, files, one_line(&error)));
        }
    }
    wrong.sort_by(|a, b| (&a.path, &a.rule).cmp(&(&b.path, &b.rule)));
    wrong.dedup();
    verdict.problems = wrong;
    Ok(verdict)
}

fn by_list(
    files: &[PathBuf],
    key: &PublicKey,
    verdict: &mut EmbeddedVerdict,
    wrong: &mut Vec<Wrong>,
) -> Result<()> {
    if let Some((list, signed)) = signed_list(files, key, wrong)? {
        verdict.node = Some(list.node.clone());
        compare(files, (&list, &signed, key), verdict, wrong)?;
    }
    Ok(())
}

/// What is beside a list: its bytes, the signature, and the one for ssh-keygen.
struct Signed {
    sums: Vec<u8>,
    signature: Vec<u8>,
    ssh: Option<String>,
}

/// The list that a payload contains, if its signature fits.
fn signed_list(
    files: &[PathBuf],
    key: &PublicKey,
    wrong: &mut Vec<Wrong>,
) -> Result<Option<(List, Signed)>> {
    let hidden = BESIDE.map(|path| format!("{COPY}/root{path}"));
    let mut found: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for file in files {
        let wanted = BESIDE.into_iter().chain(hidden.iter().map(String::as_str));
        let Some(payload) = read(file, Kept::at(wanted, LONGEST_LIST), wrong)? else {
            continue;
        };
        for (path, bytes) in payload.kept.files {
            let path = path.strip_prefix(&format!("{COPY}/root")).unwrap_or(&path);
            if let Some(name) = BESIDE.iter().find(|name| **name == path)
                && found.insert(name, bytes).is_some()
            {
                wrong.push(Wrong::new(Id::VerifyPayloadDiffers, path, "is there twice"));
            }
        }
    }
    let [sums, signature, public, ssh] = BESIDE.map(|name| found.remove(name));
    let first = files.first().map(|file| file.display().to_string());
    let (Some(sums), Some(signature)) = (sums, signature) else {
        let rule = "embeds no signed tree: name the SHA256SUMS of its bundle with --sums";
        wrong.push(Wrong::new(
            Id::VerifyPayloadUnfit,
            first.unwrap_or_default(),
            rule,
        ));
        return Ok(None);
    };
    let mut say = |id, path: &str, rule: &str| wrong.push(Wrong::new(id, path, rule));
    if !key.verifies(&sums, &signature) {
        say(
            Id::VerifySignature,
            BESIDE[1],
            "does not fit tree.sums and this public key",
        );
        return Ok(None);
    }
    // The check on the node would believe it.
    if public.as_deref() != Some(key.to_pem().as_bytes()) {
        say(Id::VerifySignature, BESIDE[2], "is another public key");
    }
    let ssh = ssh.map(|ssh| String::from_utf8_lossy(&ssh).into_owned());
    if ssh
        .as_ref()
        .is_some_and(|ssh| !key.verifies_ssh(&sums, ssh))
    {
        say(
            Id::VerifySignature,
            BESIDE[3],
            "does not fit tree.sums and this public key",
        );
    }
    match List::parse(&sums) {
        Ok(list) => {
            let signed = Signed {
                sums,
                signature,
                ssh,
            };
            Ok(Some((list, signed)))
        }
        Err(rule) => {
            say(Id::VerifyTreeInvalid, BESIDE[0], &rule);
            Ok(None)
        }
    }
}

fn read(file: &Path, kept: Kept, wrong: &mut Vec<Wrong>) -> Result<Option<Payload>> {
    let shown = file.display().to_string();
    let Some((listing, kept, outcome)) = list_keeping(file, Limits::default(), kept)? else {
        let rule = "is none of the payloads that embed a tree";
        wrong.push(Wrong::new(Id::VerifyPayloadUnfit, shown, rule));
        return Ok(None);
    };
    match outcome {
        Ok(()) => {}
        Err(error) if is_machines(&error) => return Err(error),
        Err(error) => wrong.push(Wrong::new(Id::VerifyPayloadUnfit, shown, one_line(&error))),
    }
    Ok(Some(Payload { listing, kept }))
}

/// Compares what the files install on a node with the list.
fn compare(
    files: &[PathBuf],
    (list, signed, key): (&List, &Signed, &PublicKey),
    verdict: &mut EmbeddedVerdict,
    wrong: &mut Vec<Wrong>,
) -> Result<()> {
    let wanted = wanted(list);
    let mut payloads = Vec::with_capacity(files.len());
    for file in files {
        payloads.extend(read(
            file,
            Kept::at(wanted.iter().map(String::as_str), LONGEST_LIST),
            wrong,
        )?);
    }
    let texts = texts(list, &payloads);
    let tree = match list.tree(&texts) {
        Ok(tree) => tree,
        Err(rule) => {
            wrong.push(Wrong::new(Id::VerifyTreeInvalid, BESIDE[0], rule));
            return Ok(());
        }
    };
    let signatures = (&signed.signature[..], signed.ssh.as_deref());
    let tree = with_signed_list(&tree, &signed.sums, signatures, key)?;
    let formats: BTreeSet<&str> = payloads.iter().map(|all| all.listing.format).collect();
    let expected = match formats.iter().copied().collect::<Vec<_>>()[..] {
        ["tarball" | "initramfs"] => members(&tree)?,
        ["ignition"] => in_ignition(&tree),
        [_] => {
            let rule = "its format says more than a tree, which only SHA256SUMS vouches for: name that with --sums";
            wrong.push(Wrong::new(
                Id::VerifyPayloadUnfit,
                verdict.files.join(" "),
                rule,
            ));
            return Ok(());
        }
        _ => {
            let rule = "are payloads of several formats: verify one at a time";
            wrong.push(Wrong::new(
                Id::VerifyPayloadUnfit,
                verdict.files.join(" "),
                rule,
            ));
            return Ok(());
        }
    };
    let mut here: Claims = Claims::new();
    for payload in &payloads {
        if payload.listing.format == "ignition" {
            keys::check(Path::new(&payload.listing.file), wrong)?;
        }
        says_no_more(payload, list, wrong);
        let claims = claims(&payload.listing, &payload.kept.files, wrong);
        here.extend(own(claims, &expected, &payload.listing, wrong));
    }
    verdict.paths = here.len();
    absent(&expected, &here, verdict, wrong);
    Ok(())
}

/// What of a payload is read into memory: the texts of units, and the lists of what is copied.
fn wanted(list: &List) -> Vec<String> {
    let units = list
        .units
        .keys()
        .map(|name| format!("{UNIT_FOLDER}/{name}"));
    let units = units.flat_map(|path| [format!("{COPY}/root{path}"), path]);
    let lists = ["files", "secrets", "assets"].map(|name| format!("{COPY}/list.{name}"));
    units.chain(lists).collect()
}

/// The texts of units that are what the list says.
fn texts(list: &List, payloads: &[Payload]) -> BTreeMap<String, Vec<u8>> {
    use sha2::{Digest, Sha256};
    let all = payloads.iter().flat_map(|payload| &payload.kept.files);
    let text = |(path, bytes): (&String, &Vec<u8>)| {
        let path = path.strip_prefix(&format!("{COPY}/root")).unwrap_or(path);
        let right = list
            .entries
            .get(path)
            .is_some_and(|entry| match &entry.kind {
                EntryKind::File(content) => {
                    content.sha256() == Sha256Digest::from(Sha256::digest(bytes))
                }
                EntryKind::Directory | EntryKind::Symlink(_) => false,
            });
        right.then(|| (path.to_owned(), bytes.clone()))
    };
    all.filter_map(text).collect()
}

/// Ignition masks units by a word of its own, and needs a preset for what stays off.
fn in_ignition(tree: &NodeTree) -> BTreeMap<NodePath, Entry> {
    let mut entries = tree.materialised();
    for (name, unit) in tree.units() {
        if unit.masked {
            entries.remove(format!("{UNIT_FOLDER}/{name}").as_str());
        }
    }
    entries.extend(preset(tree));
    entries
}

/// What a payload says beside files must follow from the list.
fn says_no_more(payload: &Payload, list: &List, wrong: &mut Vec<Wrong>) {
    let listing = &payload.listing;
    let mut say =
        |path: &str, rule: String| wrong.push(Wrong::new(Id::VerifyPayloadSaysMore, path, rule));
    let known = |note: &str| note.starts_with("Ignition specification ");
    for note in listing.notes.iter().filter(|note| !known(note)) {
        say(&listing.file, format!("{note}: nobody signed that"));
    }
    for (_, document) in &payload.kept.documents {
        let fields = document.as_object().into_iter().flatten();
        let said = fields.filter(|(key, value)| *key != "ignition" && !is_empty(value));
        for (key, _) in said {
            say(&listing.file, format!("says {key}: nobody signed that"));
        }
        let ignition = document["ignition"].as_object().into_iter().flatten();
        let said = ignition.filter(|(key, value)| *key != "version" && !is_empty(value));
        for (key, _) in said {
            say(
                &listing.file,
                format!("says ignition.{key}: nobody signed that"),
            );
        }
    }
    if listing.format != "ignition" {
        return;
    }
    let state = |enabled: Option<bool>, masked: bool| match (masked, enabled) {
        (true, _) => Some("masked"),
        (false, Some(true)) => Some("enabled"),
        (false, Some(false)) => Some("disabled"),
        (false, None) => None,
    };
    let mut states = BTreeMap::new();
    for unit in &listing.units {
        if states
            .insert(unit.name.as_str(), state(unit.enabled, unit.masked))
            .is_some()
        {
            say(&unit.name, "is there twice".to_owned());
        }
    }
    let names: BTreeSet<&str> = list
        .units
        .keys()
        .map(String::as_str)
        .chain(states.keys().copied())
        .collect();
    for name in names {
        let (said, right) = (states.get(name).copied().flatten(), list.units.get(name));
        if said != right.map(String::as_str) {
            let word = |state: Option<&str>| state.unwrap_or("left as it is").to_owned();
            let right = word(right.map(String::as_str));
            say(name, format!("is {}, not {right}", word(said)));
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_empty),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The claims that are of the tree; what else there is, or differs, is a problem. An initramfs payload also lists the
/// folders above its files, for the kernel.
fn own(
    claims: Claims,
    expected: &BTreeMap<NodePath, Entry>,
    listing: &Listing,
    wrong: &mut Vec<Wrong>,
) -> Claims {
    let rows = listing.members.iter().flat_map(|member| &member.entries);
    let rows = rows.filter(|row| row.kind != RowKind::Directory);
    let rows = rows.map(|row| row.path.as_str());
    let others: BTreeSet<&str> = rows.chain(expected.keys().map(NodePath::as_str)).collect();
    let is_above = |path: &NodePath| {
        let below = format!("{path}/");
        let first = others.range(below.as_str()..).next();
        listing.format == "initramfs" && first.is_some_and(|path| path.starts_with(&below))
    };
    let mut of_tree = Claims::new();
    for (path, claim) in claims {
        let Some(entry) = expected.get(&path) else {
            if !(claim.is_plain_folder() && is_above(&path)) {
                wrong.push(Wrong::new(
                    Id::VerifyFileExtra,
                    path.to_string(),
                    "is extra",
                ));
            }
            continue;
        };
        if let Some(rule) = differs(&claim, entry) {
            wrong.push(Wrong::new(Id::VerifyPayloadDiffers, path.to_string(), rule));
        }
        of_tree.insert(path, claim);
    }
    of_tree
}

/// What the list has and no file: of payloads in two parts the secret one may be elsewhere.
fn absent(
    expected: &BTreeMap<NodePath, Entry>,
    here: &Claims,
    verdict: &mut EmbeddedVerdict,
    wrong: &mut Vec<Wrong>,
) {
    for (path, entry) in expected {
        if here.contains_key(path) {
            continue;
        }
        if matches!(entry.kind, EntryKind::File(_)) && entry.mode & 0o077 == 0 {
            verdict.elsewhere.push(path.to_string())
        } else {
            let rule = "is missing; name the payload's other parts and its archive of assets too";
            wrong.push(Wrong::new(Id::VerifyFileMissing, path.to_string(), rule));
        }
    }
}
