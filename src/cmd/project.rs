//! What `check`, `build` and `show` do first: read the project, decide the plan, prepare the oven.

use std::io::{self, Write};
use std::path::Path;

use anyhow::anyhow;
use rayon::prelude::*;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::Reading;
use crate::error::Result;
use crate::identity::{CaBundle, CaSource};
use crate::inventory::{CLUSTER_FILE, Inventory};
use crate::node::{Baked, Oven};
use crate::payload::{Format, Job, NodeFacts, Settings};
use crate::plan::{Inputs, NodePlan, Plan};
use crate::report::{Finding, Place, Report};
use crate::secrets::{SECRETS_FILE, TokenStore};

/// The signing key of a project.
pub const SIGN_KEY: &str = "keys/sign.key";

/// A project that is ready to be baked, or to have more findings found in it.
pub struct Prepared {
    /// Everything decided.
    pub plan: Plan,
    /// Everything prepared.
    pub oven: Oven,
}

/// Reads a project and decides its plan. None if there is nothing to go on with; the report says why.
pub fn prepare(dir: &Path, reading: &Reading, report: &mut Report) -> Result<Option<Prepared>> {
    let at = judged_at(reading)?;
    let tokens = tokens(dir, reading, report)?;
    let Some(inventory) = Inventory::load(dir, report) else {
        return Ok(None);
    };
    let ca = &inventory.cluster.api_server.ca;
    let source = CaSource {
        name: &ca.value,
        place: &ca.spot.place,
        field: &ca.spot.path,
        at,
    };
    let ca = CaBundle::load(&dir.join(&ca.value), &source, report)?;
    let inputs = Inputs {
        tokens: &tokens,
        // The findings about a bad CA are in the report; the rest is still looked at.
        ca: ca.unwrap_or_else(|| CaBundle {
            pem: String::new(),
            certificates: Vec::new(),
            not_after: at,
        }),
        at,
    };
    let plan = Plan::resolve(inventory, inputs, report);
    let oven = Oven::new(&plan, report)?;
    let prepared = Prepared { plan, oven };
    prepared.name_nodes(report);
    Ok(Some(prepared))
}

/// The clock decides findings only, and the user may set it.
fn judged_at(reading: &Reading) -> Result<OffsetDateTime> {
    match &reading.at {
        None => Ok(OffsetDateTime::now_utc()),
        Some(text) => OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| anyhow!("reading --at {text}: not a time like 2026-12-01T00:00:00Z")),
    }
}

fn tokens(dir: &Path, reading: &Reading, report: &mut Report) -> Result<TokenStore> {
    let found = match &reading.secrets {
        Some(path) if path.as_os_str() == "-" => {
            Some(TokenStore::read(&mut io::stdin().lock(), "stdin", report)?)
        }
        Some(path) => TokenStore::load(path, &path.display().to_string(), report)?,
        None => TokenStore::load(&dir.join(SECRETS_FILE), SECRETS_FILE, report)?,
    };
    Ok(found.unwrap_or_else(|| TokenStore::new(SECRETS_FILE)))
}

impl Prepared {
    /// Bakes every node and throws the trees away: the findings are what is wanted.
    pub fn check_nodes(&self, report: &mut Report) {
        let findings: Vec<Finding> = self
            .plan
            .nodes
            .par_iter()
            .flat_map_iter(|node| match self.oven.bake(node) {
                Ok(baked) => {
                    let facts = facts(&self.plan, node, &baked);
                    objections(&baked, &facts, &node.class.spec.output)
                }
                Err(findings) => findings,
            })
            .collect();
        self.add(findings, report);
    }

    /// Adds what baking found.
    pub fn add(&self, findings: Vec<Finding>, report: &mut Report) {
        findings.into_iter().for_each(|finding| report.add(finding));
        self.name_nodes(report);
    }

    /// A finding in merged layers is named after the node that set the value.
    fn name_nodes(&self, report: &mut Report) {
        report.name_places(|place| self.plan.places.prefix(place));
    }
}

/// What packagers need to know of a node beside its tree.
pub fn facts(plan: &Plan, node: &NodePlan, baked: &Baked) -> NodeFacts {
    NodeFacts {
        cluster: plan.cluster.name.value.clone(),
        generation: plan.cluster.generation,
        name: node.name.clone(),
        hostname: baked.hostname.clone(),
        network: node.network.as_deref().cloned(),
    }
}

/// What a node's formats cannot say of its tree.
pub fn objections(baked: &Baked, facts: &NodeFacts, settings: &Settings) -> Vec<Finding> {
    let job = Job {
        tree: &baked.tree,
        facts,
        settings,
    };
    let objections = settings
        .formats
        .iter()
        .flat_map(|format: &Format| format.check(&job));
    objections
        .map(|objection| {
            let origin = baked
                .tree
                .get(&objection.subject)
                .map(|entry| &entry.origin);
            let mut rule = format!("{objection} (node {}", facts.name);
            if let Some(origin) = origin {
                rule.push_str(&format!(", written by {origin}"));
            }
            rule.push(')');
            Finding::error(&Place::file(CLUSTER_FILE), "output", rule)
        })
        .collect()
}

/// Prints findings for people, on stderr.
pub fn say(report: &Report) -> Result<()> {
    Ok(write!(io::stderr().lock(), "{report}")?)
}
