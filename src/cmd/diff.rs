//! `nodebake diff`: what changed between two bundles, or between one and what the project makes now.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use zeroize::Zeroizing;

use crate::bundle::{OldBundle, PublicKey, Verdict};
use crate::cli::{Diff, Print, Project};
use crate::cmd::build;
use crate::cmd::project::Tokens;
use crate::diff::{JsonPrinter, Printer, TextPrinter, diff};
use crate::error::{Exit, Result};
use crate::report::Report;
use crate::secrets::{Token, of_secrets};
use crate::staging::Staging;
use crate::terminal;
use crate::unfinished::go_on_or_wait;

/// The Secrets of the tokens in a bundle.
const TOKENS: &str = "cluster/tokens/tokens.yaml";

/// Runs `diff`.
pub fn run(args: &Diff) -> Result<Exit> {
    let key = match key(args.key.as_deref())? {
        Ok(key) => key,
        Err(exit) => return Ok(exit),
    };
    let out = || build::out_of(&args.project);
    let old = args.old.clone().unwrap_or_else(&out);
    let old = match open(&old, key.as_ref())? {
        Ok(old) => old,
        Err(exit) => return Ok(exit),
    };
    let Some(new) = &args.new else {
        let tokens = match args.no_tokens {
            true => Tokens::StandIns(known(&old)?),
            false => Tokens::File,
        };
        tokens.say()?;
        let made = match make(args, &tokens)? {
            Ok(made) => made,
            Err(exit) => return Ok(exit),
        };
        // Nobody can have signed it.
        let new = open(&made.bundle(), None)?;
        return new.map_or_else(Ok, |new| say(args, (&old, &new), &out()));
    };
    let folder = new;
    let new = open(folder, key.as_ref())?;
    new.map_or_else(Ok, |new| say(args, (&old, &new), folder))
}

fn say(args: &Diff, (old, new): (&OldBundle, &OldBundle), folder: &Path) -> Result<Exit> {
    let (kind, other) = (old.manifest().kind, new.manifest().kind);
    if kind != other {
        bail!(
            "comparing a {} with a {}: only two of a kind say the same things",
            kind.name(),
            other.name()
        );
    }
    let mut out = BufWriter::new(terminal::stdout());
    let mut printer: Box<dyn Printer> = match args.output {
        Print::Text => Box::new(TextPrinter::new(&mut out)),
        Print::Json => Box::new(JsonPrinter::new(&mut out)),
    };
    let summary = diff(old, new, folder, &mut *printer)?;
    drop(printer);
    out.flush()?;
    Ok(match args.exit_code && !summary.same {
        true => Exit::Findings,
        false => Exit::Good,
    })
}

type Opened<T> = std::result::Result<T, Exit>;

fn key(file: Option<&Path>) -> Result<Opened<Option<PublicKey>>> {
    let Some(file) = file else {
        return Ok(Ok(None));
    };
    let mut report = Report::default();
    match PublicKey::load(file, &file.display().to_string(), &mut report)? {
        Some(key) => Ok(Ok(Some(key))),
        None => {
            write!(terminal::stderr(), "{report}")?;
            Ok(Err(Exit::Findings))
        }
    }
}

/// Opens a bundle of which every file is as its manifest lists it.
fn open(folder: &Path, key: Option<&PublicKey>) -> Result<Opened<Box<OldBundle>>> {
    let verdict: Verdict = match OldBundle::checked(folder, key)? {
        Ok(bundle) => return Ok(Ok(bundle)),
        Err(verdict) => verdict,
    };
    // What is missing from a folder that a signal has just removed is no news.
    go_on_or_wait();
    write!(terminal::stderr(), "{verdict}")?;
    Ok(Err(Exit::VerificationFailed))
}

/// What the project makes now, in a folder that goes when this is dropped.
struct Made(Staging);

impl Made {
    fn bundle(&self) -> PathBuf {
        self.0.join("project")
    }
}

/// The tokens in a bundle, so that what the project makes with them differs in nothing that only they decide.
fn known(old: &OldBundle) -> Result<BTreeMap<String, Vec<Token>>> {
    let nodes = old.nodes().iter();
    let newest = nodes.filter_map(|node| Some((node.token_id.as_deref()?, node.name.as_str())));
    let mut files = old.manifest().files.iter();
    let Some(secrets) = files.find(|file| &*file.path == TOKENS) else {
        return Ok(BTreeMap::new());
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(secrets.size)?));
    old.copy(secrets, &mut *bytes)?;
    let text = std::str::from_utf8(&bytes).with_context(|| format!("reading {TOKENS}"))?;
    Ok(of_secrets(text, &newest.collect()))
}

fn make(args: &Diff, tokens: &Tokens) -> Result<Opened<Made>> {
    let named = tempfile::Builder::new()
        .prefix("nodebake-diff-")
        .make(Staging::create);
    let named = named.context("making a folder for what the project builds")?;
    // It removes itself, on signals too.
    let (folder, path) = named.into_parts();
    path.keep()?;
    let made = Made(folder);
    let project = Project {
        dir: args.project.clone(),
        reading: args.reading.clone(),
    };
    Ok(match build::to_look_at(project, tokens, &made.bundle())? {
        true => Ok(made),
        false => Err(Exit::Findings),
    })
}
