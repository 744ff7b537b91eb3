//! Bundles, checked by openssl, ssh-keygen, sha256sum and find, and by a process that is killed.

pub mod child;
pub mod golden;
mod hostile;
mod identical;
mod keys;
mod publish;
mod receiver;
mod reuse;
mod signing_key;
mod stages;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nodebake::bundle::{BundleBuilder, BundleHeader, Finished, NodeSays, SignatureSource};
use nodebake::error::Result;
use nodebake::manifest::BundleKind;
use nodebake::payload::{Destination, Output};
use nodebake::report::Report;
use nodebake::signing::{PublicKey, Signer, generate_keys};
use nodebake::tree::listing::TreeListing;
use nodebake::verify::{Verdict, verify};
use tempfile::TempDir;

pub const NODES: [&str; 3] = ["gpu-1.example.com", "node-a", "node-b"];

/// A scratch folder with a key pair and a place for a bundle.
pub struct Room {
    pub folder: TempDir,
    pub out: PathBuf,
    pub public: PublicKey,
}

impl Room {
    pub fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    pub fn at(folder: TempDir) -> Self {
        let public = generate_keys(&folder.path().join("keys")).unwrap().key;
        let out = folder.path().join("out");
        Self {
            folder,
            out,
            public,
        }
    }

    pub fn key(&self, name: &str) -> PathBuf {
        self.folder.path().join("keys").join(name)
    }

    pub fn signer(&self) -> Arc<Signer> {
        load(&self.key("sign.key"))
    }

    /// A signed bundle of all nodes; `text` is in every payload.
    pub fn build(&self, text: &str) -> Finished {
        bake(&self.out, SignatureSource::Key(self.signer()), text).unwrap()
    }

    pub fn verify(&self) -> Verdict {
        verify(&self.out, &self.public, None).unwrap()
    }

    /// What the documented lines say: their output, and whether they are content.
    pub fn receiver(&self) -> (bool, String) {
        let output = std::process::Command::new("sh")
            .args(["-c", nodebake::manifest::RECEIVER_CHECK])
            .current_dir(&self.out)
            .env("KEY", self.key("sign.pub"))
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }
}

pub fn load(key: &Path) -> Arc<Signer> {
    let mut report = Report::default();
    let signer = Signer::load(key, "sign.key", &mut report).unwrap();
    Arc::new(signer.unwrap_or_else(|| panic!("{report}")))
}

pub fn header(kind: BundleKind) -> BundleHeader {
    BundleHeader {
        kind,
        cluster: "kubernetes".into(),
        generation: 3,
        libraries: BTreeMap::from([("zlib-rs".to_owned(), "0.5".to_owned())]),
    }
}

pub fn says(name: &str) -> NodeSays {
    NodeSays {
        kubernetes: Some("v1.34.4".into()),
        token_id: Some(format!("{:.6}", format!("{name}xxxxxx").replace('-', "x"))),
        usable_until: Some("2027-01-01T00:00:00Z".into()),
        initramfs: None,
        upgrade_from: Vec::new(),
    }
}

pub fn listing(name: &str, text: &str) -> TreeListing {
    TreeListing {
        json: format!("{{\"node\": \"{name}\"}}\n").into_bytes(),
        sums: format!("#nodebake-tree\t1\t{name}\n#{text}\n").into_bytes(),
    }
}

/// What all nodes share.
pub const SHARED: &str = "assets-0123456789ab.tar.gz";

/// One node's folder: a tree and two payloads, one of them bigger than any buffer.
pub fn bake_node(builder: &BundleBuilder, name: &str, text: &str) -> Result<()> {
    let mut folder = builder.node(name, says(name))?;
    folder.tree(&listing(name, text))?;
    folder.file(Destination::Secret, "user-data", &mut |out| {
        Ok(write!(out, "#cloud-config\n# {name} {text}\n")?)
    })?;
    folder.file(Destination::Secret, &format!("{name}.tar.gz"), &mut |out| {
        for line in 0..5_000 {
            writeln!(out, "{name} {text} {line}")?;
        }
        Ok(())
    })?;
    folder.file(Destination::Node, "network-config", &mut |out| {
        Ok(out.write_all(b"version: 2\n")?)
    })?;
    folder.file(Destination::Shared, SHARED, &mut |out| {
        Ok(out.write_all(&[7; 100_000])?)
    })?;
    folder.finish()
}

pub fn bake_cluster(builder: &BundleBuilder, text: &str) -> Result<()> {
    let file = |path: &str, secret| {
        builder.file(path, secret, &mut |out| {
            Ok(writeln!(out, "# {path} {text}")?)
        })
    };
    file("cluster/node-labels.sh", false)?;
    file("cluster/rbac/kustomization.yaml", false)?;
    file("cluster/tokens/kustomization.yaml", false)?;
    file("cluster/tokens/tokens.yaml", true)
}

/// A whole bundle, its nodes made in parallel.
pub fn bake(out: &Path, signatures: SignatureSource, text: &str) -> Result<Finished> {
    use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
    let builder = BundleBuilder::begin(out, header(BundleKind::Bundle), signatures)?;
    NODES
        .par_iter()
        .try_for_each(|name| bake_node(&builder, name, text))?;
    bake_cluster(&builder, text)?;
    builder.finish()
}

/// Every path with type, mode and content.
pub fn snapshot(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().strip_prefix(folder).unwrap();
            let metadata = entry.path().symlink_metadata().unwrap();
            let content = if metadata.is_file() {
                fs::read(entry.path()).unwrap()
            } else {
                Vec::new()
            };
            (path.display().to_string(), (metadata.mode(), content))
        })
        .collect()
}
