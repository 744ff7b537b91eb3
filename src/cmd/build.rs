//! `nodebake build`: every node's payloads and the cluster's manifests, as one signed bundle.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, bail};
use globset::{Glob, GlobSet, GlobSetBuilder};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;

use crate::bundle::{
    BundleBuilder, Finished, Header, Kind, NodeSays, Old, OldBundle, PublicKey, Seal, SignedTrees,
    Signer, Trees,
};
use crate::cli::{Build, Print, Stage};
use crate::cmd::manifests::{self, Marks};
use crate::cmd::project::{Prepared, SIGN_KEY, facts, objections, prepare, say};
use crate::error::{Exit, Result};
use crate::inventory::format;
use crate::node::listing::TreeListing;
use crate::payload::{Forms, Job, Settings, libraries};
use crate::plan::NodePlan;
use crate::report::{Finding, Report};
use crate::timing::rfc3339;

/// Where things are when the user does not say.
const OUT: &str = "out";

/// A build under way.
struct Baking<'a> {
    prepared: &'a Prepared,
    builder: &'a BundleBuilder,
    forms: Forms,
    /// What `--format` says for all nodes.
    formats: Option<Vec<crate::payload::Format>>,
    kind: Kind,
    kept: Option<(GlobSet, &'a OldBundle)>,
    bar: ProgressBar,
    findings: Mutex<Vec<(String, Finding)>>,
}

/// Runs `build`.
pub fn run(args: &Build) -> Result<Exit> {
    if let Some(jobs) = args.jobs {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.get());
        pool.build_global().context("starting threads")?;
    }
    let mut report = Report::default();
    let dir = &args.project.dir;
    let signer = signer(args, &mut report)?;
    let prepared = prepare(dir, &args.project.reading, &mut report)?;
    if args.project.reading.strict {
        report.make_strict();
    }
    let Some(prepared) = prepared.filter(|_| !report.has_errors()) else {
        return stop(report, dir, args);
    };
    let out = args.out.clone().unwrap_or_else(|| out_of(dir));
    match bake(args, &prepared, &out, signer)? {
        Ok(finished) => {
            say(&report)?;
            print(args, &prepared, &target(args, &out), &finished)?;
            Ok(Exit::Good)
        }
        Err(findings) => {
            prepared.add(findings, &mut report);
            say(&report)?;
            Ok(Exit::Findings)
        }
    }
}

/// The bundle's folder where the user names none.
fn out_of(dir: &Path) -> PathBuf {
    match dir == Path::new(".") {
        true => OUT.into(),
        false => dir.join(OUT),
    }
}

/// Nothing will be written, so what else is wrong is looked for too.
fn stop(mut report: Report, dir: &Path, args: &Build) -> Result<Exit> {
    let mut again = Report::default();
    if let Some(prepared) = prepare(dir, &args.project.reading, &mut again)? {
        prepared.check_nodes(&mut report);
    }
    if args.project.reading.strict {
        report.make_strict();
    }
    say(&report)?;
    Ok(Exit::Findings)
}

fn signer(args: &Build, report: &mut Report) -> Result<Option<Arc<Signer>>> {
    if args.unsigned || args.stage.is_some() {
        return Ok(None);
    }
    let (path, shown) = match &args.key {
        Some(path) => (path.clone(), path.display().to_string()),
        None => (args.project.dir.join(SIGN_KEY), SIGN_KEY.to_owned()),
    };
    Ok(Signer::load(&path, &shown, report)?.map(Arc::new))
}

/// What the bundle's signatures come from.
fn seal(
    args: &Build,
    out: &Path,
    signer: Option<Arc<Signer>>,
) -> Result<std::result::Result<Seal, Finding>> {
    if args.stage != Some(Stage::Payloads) {
        return Ok(Ok(signer.map_or(Seal::Unsigned, Seal::Key)));
    }
    let mut report = Report::default();
    let shown = "keys/sign.pub";
    let Some(key) = PublicKey::load(&args.project.dir.join(shown), shown, &mut report)? else {
        let finding = report.into_findings().into_iter().next();
        return Ok(Err(finding.context("reading keys/sign.pub")?));
    };
    let trees = trees(args, out);
    match SignedTrees::open(&trees, &key)? {
        Trees::Verified(trees) => Ok(Ok(Seal::Trees(trees))),
        Trees::Refused(verdict) => bail!(
            "reading {}: {}",
            trees.display(),
            verdict.to_string().trim_end().replace('\n', "; ")
        ),
    }
}

/// The first stage's folder.
fn trees(args: &Build, out: &Path) -> PathBuf {
    let beside = || {
        let mut name = out.as_os_str().to_owned();
        name.push(".trees");
        name.into()
    };
    args.trees.clone().unwrap_or_else(beside)
}

/// The folder that this run writes.
fn target(args: &Build, out: &Path) -> PathBuf {
    match args.stage {
        Some(Stage::Trees) => trees(args, out),
        _ => out.to_owned(),
    }
}

/// Bakes all nodes into a bundle; findings of nodes leave nothing behind.
fn bake(
    args: &Build,
    prepared: &Prepared,
    out: &Path,
    signer: Option<Arc<Signer>>,
) -> Result<std::result::Result<Finished, Vec<Finding>>> {
    let kind = match args.stage {
        Some(Stage::Trees) => Kind::TreeBundle,
        _ => Kind::Bundle,
    };
    let target = target(args, out);
    let public = signer.as_ref().map(|signer| signer.public().clone());
    let seal = match seal(args, out, signer)? {
        Ok(seal) => seal,
        Err(finding) => return Ok(Err(vec![finding])),
    };
    let header = Header {
        kind,
        cluster: prepared.plan.cluster.name.value.clone(),
        generation: prepared.plan.cluster.generation,
        libraries: libraries(),
    };
    let builder = BundleBuilder::begin(&target, header, seal)?;
    let old = old(args, &target, public.as_ref(), &prepared.plan.nodes)?;
    let baking = Baking {
        prepared,
        builder: &builder,
        forms: Forms::default(),
        formats: formats(args)?,
        kind,
        kept: old.as_ref().map(|(globs, old)| (globs.clone(), &**old)),
        bar: bar(prepared.plan.nodes.len()),
        findings: Mutex::default(),
    };
    let nodes = &prepared.plan.nodes;
    let marks: Vec<Marks> = nodes
        .par_iter()
        .map(|node| baking.node(node))
        .collect::<Result<_>>()?;
    baking.bar.finish_and_clear();
    let findings = baking
        .findings
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if !findings.is_empty() {
        return Ok(Err(prepared.name_concerned(findings)));
    }
    if kind == Kind::Bundle {
        manifests::write(&builder, &prepared.plan, &marks)?;
    }
    builder.finish().map(Ok)
}

/// `--format`, checked.
fn formats(args: &Build) -> Result<Option<Vec<crate::payload::Format>>> {
    let formats = args
        .formats
        .iter()
        .map(|name| format(name).map_err(anyhow::Error::msg));
    let mut formats: Vec<_> = formats.collect::<Result<_>>().context("reading --format")?;
    formats.sort();
    formats.dedup();
    Ok((!formats.is_empty()).then_some(formats))
}

/// The nodes to bake anew and the bundle that the others are kept from.
fn old(
    args: &Build,
    out: &Path,
    key: Option<&PublicKey>,
    nodes: &[NodePlan],
) -> Result<Option<(GlobSet, Box<OldBundle>)>> {
    if args.nodes.is_empty() {
        return Ok(None);
    }
    let mut globs = GlobSetBuilder::new();
    for text in &args.nodes {
        let glob = Glob::new(text).with_context(|| format!("reading --node {text}"))?;
        let matcher = glob.compile_matcher();
        // Beside others that match, a misspelt name would look like a node that was baked.
        if !nodes.iter().any(|node| matcher.is_match(&node.name)) {
            bail!("there is no node {text} in the inventory");
        }
        let _ = globs.add(glob);
    }
    let globs = globs.build().context("reading --node")?;
    let Some(key) = key else {
        bail!("keeping nodes of the last bundle: that needs the key that signed it");
    };
    match OldBundle::open_verified(out, key)? {
        Old::Verified(old) => Ok(Some((globs, old))),
        Old::Unusable(reason) => bail!("keeping nodes of the last bundle: {reason}"),
    }
}

/// A bar on stderr when that is a terminal and there is something to wait for.
fn bar(nodes: usize) -> ProgressBar {
    let target = match io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(nodes as u64), target);
    match ProgressStyle::with_template("{bar:40} {pos}/{len} nodes") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Baking<'_> {
    /// Bakes one node into the bundle, or keeps it from the last one.
    fn node(&self, node: &NodePlan) -> Result<Marks> {
        let baked = match self.prepared.oven.bake(node) {
            Ok(baked) => baked,
            Err(findings) => return Ok(self.fail(node, findings)),
        };
        let marks = Marks(baked.admin_labels.clone());
        if let Some((globs, old)) = &self.kept
            && !globs.is_match(&node.name)
            && self.keep(old, node)?
        {
            self.bar.inc(1);
            return Ok(marks);
        }
        let settings = self.settings(node);
        let facts = facts(&self.prepared.plan, node, &baked);
        let objections = objections(&baked, &facts, &settings);
        if !objections.is_empty() {
            return Ok(self.fail(node, objections));
        }
        let mut folder = self.builder.node(
            &node.name,
            NodeSays {
                token_id: Some(node.token.id.clone()),
                usable_until: rfc3339(node.usable_until),
            },
        )?;
        let listing = TreeListing::of(&node.name, &baked.tree);
        let _ = folder.tree(&listing)?;
        if self.kind == Kind::Bundle {
            let job = Job {
                tree: &baked.tree,
                facts: &facts,
                settings: &settings,
            };
            for format in &settings.formats {
                format.write(&job, &self.forms, &mut folder)?;
            }
        }
        folder.finish()?;
        self.bar.inc(1);
        Ok(marks)
    }

    /// A node of the last bundle stays as it is, as long as it holds the token that the manifests make.
    fn keep(&self, old: &OldBundle, node: &NodePlan) -> Result<bool> {
        let same_token = old
            .node(&node.name)
            .is_some_and(|record| record.token_id.as_deref() == Some(&*node.token.id));
        Ok(same_token && self.builder.keep(old, &node.name)?)
    }

    fn settings(&self, node: &NodePlan) -> Settings {
        let mut settings = node.class.spec.output.clone();
        if let Some(formats) = &self.formats {
            settings.formats.clone_from(formats);
        }
        settings
    }

    fn fail(&self, node: &NodePlan, findings: Vec<Finding>) -> Marks {
        let mut all = self
            .findings
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.extend(
            findings
                .into_iter()
                .map(|finding| (node.name.clone(), finding)),
        );
        Marks::default()
    }
}

fn print(args: &Build, prepared: &Prepared, out: &Path, finished: &Finished) -> Result<()> {
    let until = prepared
        .plan
        .usable_until()
        .and_then(rfc3339)
        .unwrap_or_default();
    let mut stdout = io::stdout().lock();
    match args.print {
        Print::Text => {
            let signed = if finished.signed {
                "signed"
            } else {
                "not signed"
            };
            writeln!(
                stdout,
                "{}: {} nodes, {} files, {} bytes, {signed}, usable until {until}",
                out.display(),
                finished.nodes,
                finished.files,
                finished.bytes
            )?;
        }
        Print::Json => {
            let mut said: BTreeMap<String, serde_json::Value> =
                serde_json::from_value(serde_json::to_value(finished)?)?;
            let _ = said.insert("usableUntil".to_owned(), until.into());
            serde_json::to_writer_pretty(&mut stdout, &said)?;
            writeln!(stdout)?;
        }
    }
    Ok(())
}
