//! Opening a project: its files read, its plan decided, everything prepared that its nodes are rendered from.

mod cloud_init_files;
mod credentials;
mod guard;
mod ignition_configs;
pub(super) mod network_boot;
mod storage_keys;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use time::OffsetDateTime;

use crate::error::Result;
use crate::identity::{CaBundle, CaSource};
use crate::inventory::Inventory;
use crate::plan::{Inputs, Plan};
use crate::preflight::memory;
use crate::project::open::guard::guarded;
use crate::project::{Project, extract};
use crate::project_folder::ProjectFolder;
use crate::render::Renderer;
use crate::report::Report;
use crate::secrets::{
    SECRETS_FILE, SecretsChoice, Token, TokenStore, check_recipients, project_tokens,
};

/// A project, and how it is read and checked.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The project's folder.
    pub dir: PathBuf,
    /// Folders outside of it whose files it may name.
    pub allow: Vec<PathBuf>,
    /// The time that expirations are checked at; now where there is none.
    pub at: Option<OffsetDateTime>,
    /// Whether warnings are errors.
    pub strict: bool,
    /// Which file holds its tokens.
    pub secrets: SecretsChoice,
    /// Whether that file is read.
    pub tokens: Tokens,
}

/// Where a project's tokens come from.
#[derive(Clone, Debug)]
pub enum Tokens {
    /// Its own file, or the one that the user names.
    File,
    /// These, by node, and placeholders for all other nodes.
    Placeholders(BTreeMap<String, Vec<Token>>),
}

impl Tokens {
    /// Without tokens where `--no-tokens` asks for that and no token is known.
    pub fn asked(without: bool) -> Self {
        if without {
            Self::Placeholders(BTreeMap::new())
        } else {
            Self::File
        }
    }

    /// A sentence for people about the checks that are left out.
    pub fn note(&self) -> Option<String> {
        let Self::Placeholders(known) = self else {
            return None;
        };
        let which = if known.is_empty() {
            "tokens are placeholders"
        } else {
            "tokens are those of the old bundle, and placeholders for new nodes"
        };
        let rest = "the project's own, and when they end, were not looked at";
        Some(format!("--no-tokens: {which}; {rest}"))
    }
}

impl Reading {
    /// The project's folder, and what may be read in it.
    pub fn folder(&self) -> Result<ProjectFolder> {
        ProjectFolder::new(&self.dir, &self.allow)
    }

    /// Turns warnings into errors where `strict` is set.
    pub fn apply_strictness(&self, report: &mut Report) {
        if self.strict {
            report.make_strict();
        }
    }
}

/// The time that expirations are checked at. It changes findings only, and the user may set it.
pub fn time_of_check(said: Option<OffsetDateTime>) -> OffsetDateTime {
    said.unwrap_or_else(OffsetDateTime::now_utc)
}

/// Reads a project and decides its plan. None if there is nothing to go on with; the report says why.
pub(super) fn open(reading: &Reading, report: &mut Report) -> Result<Option<Project>> {
    let project = &reading.folder()?;
    let at = time_of_check(reading.at);
    let mut tokens = match reading.tokens {
        Tokens::File => project_tokens(project.path(), &reading.secrets, report)?,
        Tokens::Placeholders(_) => TokenStore::new(SECRETS_FILE),
    };
    let Some(inventory) = Inventory::load(project, report) else {
        return Ok(None);
    };
    let recipients = &inventory.cluster.tokens.recipients;
    check_recipients(recipients, &reading.secrets, &tokens, report);
    if let Tokens::Placeholders(known) = &reading.tokens {
        let nodes = inventory.nodes.iter();
        tokens = TokenStore::placeholders(nodes.map(|node| node.name.value.as_str()), known);
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
        storage_keys: storage_keys::load(project, &inventory, report)?,
        ca,
        at,
    };
    let guarded = guarded(project, &reading.secrets, &inputs.ca, &tokens);
    let guarded = Arc::new(guarded);
    report.set_nodes(inventory.nodes.len());
    let review = extract(&inventory, &tokens, Some(inputs.ca.not_after));
    let plan = Plan::resolve(inventory, inputs, report);
    let renderer = Renderer::new(&plan, Arc::clone(&guarded), report)?;
    let merges = ignition_configs::load(project, &plan, &guarded, report)?;
    let user_files = cloud_init_files::load(project, &plan, &guarded, report)?;
    network_boot::check(project, &plan, &guarded, report);
    let bases = memory::bases(project, &plan);
    let opened = Project {
        plan,
        renderer,
        merges,
        user_files,
        bases,
        review,
    };
    opened.name_nodes(report);
    Ok(Some(opened))
}

/// The cluster's CA; `None` if something is wrong with it.
pub(super) fn ca_bundle(
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
