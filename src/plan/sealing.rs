//! Which nodes' secrets are sealed to the TPMs of their machines, and to which key.

use std::collections::HashMap;
use std::sync::Arc;

use crate::inventory::Spec;
use crate::model::output::Secrets;
use crate::model::{FieldLocation, Location};
use crate::report::{Finding, Id, Report};
use crate::seal::{SealingSeed, StorageKey};
use crate::secrets::TokenStore;

/// The first release of systemd that imports a key into the TPM (`tpm2_unseal()` of src/shared/tpm2-util.c).
const SYSTEMD: u32 = 255;

/// What a node's secrets are sealed with.
#[derive(Clone, Debug)]
pub struct Sealing {
    /// The key of its machine.
    pub key: Arc<StorageKey>,
    /// The project's seed.
    pub seed: Arc<SealingSeed>,
}

/// Decides it for one node after the other.
pub struct Sealer<'i> {
    keys: &'i HashMap<String, Option<Arc<StorageKey>>>,
    seed: Option<Arc<SealingSeed>>,
    /// Whether a node lacks nothing but the seed.
    lacks_seed: bool,
    /// What was found.
    found: Vec<Finding>,
}

impl<'i> Sealer<'i> {
    /// Begins with the keys of nodes and the project's tokens, which hold the seed.
    pub fn new(keys: &'i HashMap<String, Option<Arc<StorageKey>>>, tokens: &TokenStore) -> Self {
        Self {
            keys,
            seed: tokens.sealing_seed().map(Arc::new),
            lacks_seed: false,
            found: Vec::new(),
        }
    }

    /// What the node's secrets are sealed with. None where they are not sealed, or cannot be.
    pub fn of(&mut self, node: &str, spec: &Spec) -> Option<Sealing> {
        if !spec.output.secrets.seals() {
            return None;
        }
        let Some(known) = self.keys.get(node) else {
            if spec.output.secrets == Secrets::Sealed {
                let rule = "secrets are sealed to the TPM of each machine, and the node has no tpm";
                let finding = location(spec).finding(Id::TpmKeyMissing, rule);
                let repair = "write the public part of its storage key into `tpm` of the node, or set sealedWhereKnown";
                self.found.push(finding.help(repair).of_node(node));
            }
            return None;
        };
        let objections = objections(spec).into_iter();
        self.found
            .extend(objections.map(|finding| finding.of_node(node)));
        let key = known.clone()?;
        let Some(seed) = &self.seed else {
            self.lacks_seed = true;
            return None;
        };
        Some(Sealing {
            key,
            seed: seed.clone(),
        })
    }

    /// Adds what was found.
    pub fn finish(self, tokens: &TokenStore, report: &mut Report) {
        self.found
            .into_iter()
            .for_each(|finding| report.add(finding));
        if self.lacks_seed && !tokens.is_partial() {
            let location = Location::file(tokens.file());
            let rule = "secrets are sealed, and there is no sealing seed";
            let finding = Finding::new(Id::SealingSeedMissing, &location, "sealingSeed", rule);
            report.add(finding.help("run `nodebake token create`"));
        }
    }
}

/// What keeps a node from opening its secrets, or would bring some of them in the clear.
fn objections(spec: &Spec) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(systemd) = spec.os.systemd.as_ref().filter(|at| at.value < SYSTEMD) {
        let rule = format!(
            "systemd must be {SYSTEMD} or newer to open sealed secrets; {} has {}",
            spec.os.name, systemd.value
        );
        let finding = location(spec).finding(Id::SealingSystemdOld, rule);
        let repair = "bake a newer image and correct os.systemd, or set output.secrets to separate";
        findings.push(finding.help(repair));
    }
    if spec.output.credential {
        let rule = "output.credential would write the secrets in the clear";
        let finding = location(spec).finding(Id::SealingImpossible, rule);
        findings.push(finding.help("set output.credential to false"));
    }
    let parts = spec.output.cloud_init.parts.iter();
    let parts = parts.map(|part| (part.secret, &part.source));
    let merges = spec.output.ignition.merges.iter();
    let merges = merges.map(|merge| (merge.secret, &merge.source));
    for (is_secret, source) in parts.chain(merges) {
        if is_secret {
            let rule = format!(
                "{} is secret and a part of the payload itself, which is not sealed",
                source.value
            );
            let finding = source.location.finding(Id::SealingImpossible, rule);
            findings.push(finding.help("bring it as a file in `files` with secret: true"));
        }
    }
    findings
}

/// Where sealing was asked for.
pub fn location(spec: &Spec) -> FieldLocation {
    let settings = spec.merged.get("output");
    let said = settings.and_then(|output| output.get("secrets"));
    let location = said.map_or(&spec.kubernetes.location.at, |said| &said.location);
    FieldLocation::new(location.clone(), "output.secrets")
}
