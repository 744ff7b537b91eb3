//! What `check`, `build` and `show` do first: read the project, decide the plan, prepare the renderer.

mod findings;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use time::OffsetDateTime;

use crate::cli::Reading;
use crate::cmd::credentials;
use crate::cmd::guard;
use crate::cmd::memory;
use crate::cmd::merges::{self, Merges};
use crate::cmd::pxe;
use crate::cmd::secrets_file::{check_recipients, tokens};
use crate::cmd::user_files::{self, OfClasses};
use crate::error::Result;
use crate::identity::{CaBundle, CaSource};
use crate::inventory::Inventory;
use crate::model::Location;
use crate::payload::NodeFacts;
use crate::plan::{Inputs, NodePlan, Plan};
use crate::project_folder::ProjectFolder;
use crate::render::{RenderedNode, Renderer};
use crate::report::Report;
use crate::secrets::{SECRETS_FILE, Token, TokenStore};
use crate::terminal;
use crate::yaml::Located;

/// The signing key of a project.
pub const SIGN_KEY: &str = "keys/sign.key";
/// Its public half.
pub const SIGN_PUB: &str = "keys/sign.pub";

/// A project that is ready to be baked, or to have more findings found in it.
pub struct Prepared {
    /// Everything decided.
    pub plan: Plan,
    /// Everything prepared.
    pub renderer: Renderer,
    merges: Merges,
    user_files: OfClasses,
    /// What each class's base initrds take in memory, where that is known.
    bases: Vec<Option<u64>>,
}

/// Where a project's tokens come from.
pub enum Tokens {
    /// Its own file, or the one that the user names.
    File,
    /// These, by node, and stand-ins for all other nodes.
    StandIns(BTreeMap<String, Vec<Token>>),
}

impl Tokens {
    /// What `--no-tokens` asks for where no token is known.
    pub fn asked(without: bool) -> Self {
        match without {
            true => Self::StandIns(BTreeMap::new()),
            false => Self::File,
        }
    }

    /// Says what is not checked.
    pub fn say(&self) -> Result<()> {
        let Self::StandIns(known) = self else {
            return Ok(());
        };
        let which = match known.is_empty() {
            true => "tokens are placeholders",
            false => "tokens are those of the old bundle, and placeholders for new nodes",
        };
        let rest = "the project's own, and when they end, were not looked at";
        Ok(writeln!(
            terminal::stderr(),
            "nodebake: --no-tokens: {which}; {rest}"
        )?)
    }
}

/// Reads a project and decides its plan. None if there is nothing to go on with; the report says why.
pub fn prepare(
    project: &ProjectFolder,
    reading: &Reading,
    from: &Tokens,
    report: &mut Report,
) -> Result<Option<Prepared>> {
    let at = judged_at(reading.at);
    let mut tokens = match from {
        Tokens::File => tokens(project.path(), &reading.secrets, report)?,
        Tokens::StandIns(_) => TokenStore::new(SECRETS_FILE),
    };
    let Some(inventory) = Inventory::load(project, report) else {
        return Ok(None);
    };
    check_recipients(&inventory.cluster.tokens, &reading.secrets, &tokens, report);
    if let Tokens::StandIns(known) = from {
        let nodes = inventory.nodes.iter();
        tokens = TokenStore::stand_ins(nodes.map(|node| node.name.value.as_str()), known);
    }
    // The findings about a bad CA are in the report; the rest is still looked at.
    let ca = ca_bundle(project, &inventory, at, report)?.unwrap_or_else(|| CaBundle {
        pem: String::new(),
        certificates: Vec::new(),
        not_after: at,
    });
    let inputs = Inputs {
        tokens: &tokens,
        credentials: credentials::load(project, &inventory, (&ca, at), report)?,
        ca,
        at,
    };
    let guarded = guard::guarded(project, &reading.secrets, &inputs.ca, &tokens);
    let guarded = Arc::new(guarded);
    let plan = Plan::resolve(inventory, inputs, report);
    let renderer = Renderer::new(&plan, Arc::clone(&guarded), report)?;
    let merges = merges::load(project, &plan, &guarded, report)?;
    let user_files = user_files::load(project, &plan, &guarded, report)?;
    pxe::check(project, &plan, &guarded, report);
    let bases = memory::bases(project, &plan);
    let prepared = Prepared {
        plan,
        renderer,
        merges,
        user_files,
        bases,
    };
    prepared.name_nodes(report);
    Ok(Some(prepared))
}

/// The cluster's CA; `None` if something is wrong with it.
pub fn ca_bundle(
    project: &ProjectFolder,
    inventory: &Inventory,
    at: OffsetDateTime,
    report: &mut Report,
) -> Result<Option<CaBundle>> {
    let ca = &inventory.cluster.api_server.ca;
    let source = CaSource {
        name: &ca.value,
        location: &ca.location.at,
        field: &ca.location.path,
        at,
    };
    CaBundle::load(project, &source, report)
}

/// The clock decides findings only, and the user may set it.
pub fn judged_at(said: Option<OffsetDateTime>) -> OffsetDateTime {
    said.unwrap_or_else(OffsetDateTime::now_utc)
}

impl Prepared {
    /// What packagers need to know of a node beside its tree.
    pub fn facts(&self, node: &NodePlan, baked: &RenderedNode) -> NodeFacts {
        let plan = &self.plan;
        NodeFacts {
            cluster: plan.cluster.name.value.clone(),
            generation: plan.cluster.generation,
            name: node.name.clone(),
            hostname: baked.hostname.clone(),
            network: node.network.as_deref().cloned(),
            users: node.class.spec.users.clone(),
            kernel_arguments: {
                let arguments = node.class.spec.os.kernel_arguments.iter();
                arguments.map(|argument| argument.value.clone()).collect()
            },
            user_files: self
                .user_files
                .get(node.class.index)
                .cloned()
                .unwrap_or_default(),
            merges: self
                .merges
                .get(node.class.index)
                .cloned()
                .unwrap_or_default(),
            removals: None,
        }
    }
}

/// Where a field of a node's layers was set.
pub fn location_of(merged: &Located, field: &str) -> Option<Location> {
    let mut keys = field.split('.');
    let found = keys.try_fold(merged, |at, key| at.get(key))?;
    Some(found.location.clone())
}

/// Prints findings for people, on stderr.
pub fn say(report: &Report) -> Result<()> {
    Ok(write!(terminal::stderr(), "{report}")?)
}
