//! That bundle.json, index.json and SHA256SUMS say the same: a program that trusts one of them must not be told
//! another story than one that trusts the next.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use crate::manifest::sums::{Sums, check_path};
use crate::manifest::{FileRecord, MANIFEST_LIMIT, Manifest, NodeRecord, ReadIndex};
use crate::manifest::{INDEX, MANIFEST, SERVED, TREE_JSON, TREE_SUMS, is_served};
use crate::report::Id;
use crate::verify::Verdict;
use crate::verify::scan::listed;

/// Compares all three and adds what differs to the verdict.
pub fn agree(out: &Path, manifest: &Manifest, sums: &Sums, verdict: &mut Verdict) {
    let mut named = vec![false; sums.lines().len()];
    if let Some(index) = sums.position(MANIFEST) {
        named[index] = true;
    }
    for file in &manifest.files {
        if ["nodes/", "shared/"]
            .iter()
            .any(|folder| file.path.starts_with(folder))
            || is_served(&file.path)
        {
            verdict.add(
                Id::VerifyManifestDisagrees,
                &file.path,
                "a node's file is listed under the cluster's",
            );
        }
        same_digest(file, sums, &mut named, verdict);
    }
    agree_on_shared(manifest, sums, &mut named, verdict);
    let mut names = HashSet::new();
    for node in &manifest.nodes {
        if !names.insert(node.name.as_str()) {
            verdict.add(
                Id::VerifyManifestDisagrees,
                MANIFEST,
                format!("node {:?} is listed twice", node.name),
            );
        }
        agree_on_node(node, sums, &mut named, verdict);
    }
    for (index, (path, _)) in sums.lines().iter().enumerate() {
        if !named[index] {
            verdict.add(
                Id::VerifyManifestDisagrees,
                path,
                "is in SHA256SUMS and not in bundle.json",
            );
        }
    }
    agree_on_index(out, manifest, sums, verdict);
}

/// Every shared file is some node's, and every one that a node names is there.
fn agree_on_shared(manifest: &Manifest, sums: &Sums, named: &mut [bool], verdict: &mut Verdict) {
    let mut unused: BTreeSet<&str> = BTreeSet::new();
    for file in &manifest.shared {
        if !file.path.starts_with("shared/") || file.secret {
            verdict.add(
                Id::VerifyManifestDisagrees,
                &file.path,
                "is not a file that nodes may share",
            );
        }
        unused.insert(&file.path);
        same_digest(file, sums, named, verdict);
    }
    let listed = unused.clone();
    for node in &manifest.nodes {
        for path in &node.shared {
            unused.remove(&**path);
            if !listed.contains(&**path) {
                let rule = format!("is named by node {} and not listed", node.name);
                verdict.add(Id::VerifyManifestDisagrees, path, rule);
            }
        }
        if !node.shared.is_sorted_by(|a, b| a < b) {
            let rule = format!(
                "node {} names a shared file twice or out of order",
                node.name
            );
            verdict.add(Id::VerifyManifestDisagrees, MANIFEST, rule);
        }
    }
    for path in unused {
        verdict.add(Id::VerifyManifestDisagrees, path, "is shared by no node");
    }
}

fn agree_on_node(node: &NodeRecord, sums: &Sums, named: &mut [bool], verdict: &mut Verdict) {
    if node.name.contains('/') || check_path(&node.name).is_err() {
        verdict.add(
            Id::VerifyManifestDisagrees,
            MANIFEST,
            format!("{:?} is not a node's name", node.name),
        );
        return;
    }
    let folder = format!("nodes/{}/", node.name);
    let served = format!("{SERVED}/{}/", node.name);
    for file in &node.files {
        let own = file.path.strip_prefix(&folder);
        // What everybody may read holds no secret.
        let open = file.path.strip_prefix(&served).filter(|_| !file.secret);
        if own.or(open).is_none_or(|name| name.contains('/')) {
            let rule = format!("is not in the folder of its node {}", node.name);
            verdict.add(Id::VerifyManifestDisagrees, &file.path, rule);
        }
        same_digest(file, sums, named, verdict);
    }
    if sums.get(&format!("{folder}{TREE_SUMS}")) != Some(&node.tree_digest) {
        let rule = "is not the tree that bundle.json gives for the node";
        verdict.add(
            Id::VerifyManifestDisagrees,
            &format!("{folder}{TREE_SUMS}"),
            rule,
        );
    }
    if sums.get(&format!("{folder}{TREE_JSON}")).is_none() {
        verdict.add(
            Id::VerifyManifestDisagrees,
            &format!("{folder}{TREE_JSON}"),
            "is not listed",
        );
    }
}

fn same_digest(file: &FileRecord, sums: &Sums, named: &mut [bool], verdict: &mut Verdict) {
    match sums.position(&file.path) {
        None => verdict.add(
            Id::VerifyManifestDisagrees,
            &file.path,
            "is in bundle.json and not in SHA256SUMS",
        ),
        Some(index) if named[index] => verdict.add(
            Id::VerifyManifestDisagrees,
            &file.path,
            "is listed twice in bundle.json",
        ),
        Some(index) => {
            named[index] = true;
            if sums.lines()[index].1 != file.sha256 {
                verdict.add(
                    Id::VerifyManifestDisagrees,
                    &file.path,
                    "has another digest in bundle.json",
                );
            }
        }
    }
}

fn agree_on_index(out: &Path, manifest: &Manifest, sums: &Sums, verdict: &mut Verdict) {
    let Some(bytes) = listed(out, INDEX, sums, MANIFEST_LIMIT, verdict) else {
        return;
    };
    let index = match serde_json::from_slice::<ReadIndex>(&bytes) {
        Ok(index) => index,
        Err(error) => {
            verdict.add(
                Id::VerifyManifestInvalid,
                INDEX,
                format!("is not an index: {error}"),
            );
            return;
        }
    };
    let same = index.len() == manifest.nodes.len()
        && manifest.nodes.iter().all(|node| {
            index.get(&node.name).is_some_and(|files| {
                files.len() == node.files.len() + node.shared.len()
                    && node
                        .index()
                        .all(|(name, path)| files.get(&*name).is_some_and(|listed| listed == path))
            })
        });
    if !same {
        verdict.add(
            Id::VerifyManifestDisagrees,
            INDEX,
            "does not say the same as bundle.json",
        );
    }
}
