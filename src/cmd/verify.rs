//! `nodebake verify`: whether a bundle is what its signer made, all of it and nothing else; or files of it that came alone.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::{Print, Verify};
use crate::cmd::usage;
use crate::error::{Exit, Result};
use crate::model::Location;
use crate::project::judged_at;
use crate::report::{Finding, Id, Report};
use crate::signing::PublicKey;
use crate::terminal::{self, shown};
use crate::timing::parse_rfc3339;
use crate::verify::embedded::{EmbeddedVerdict, verify_embedded};
use crate::verify::{Problem, Single, SumsFiles, Verdict, verify, verify_files, verify_partial};

/// So many files are named in a warning; more are counted, and JSON lists them all.
const NAMED: usize = 5;

/// The verdict as JSON: whether it is good is said first, so that no program has to count problems.
#[derive(Serialize)]
struct Said<'a, T: Serialize> {
    verified: bool,
    #[serde(flatten)]
    verdict: &'a T,
}

/// Prints a verdict and says how the program ends.
pub(super) fn say(verdict: &Verdict, output: Print) -> Result<Exit> {
    print(output, verdict.is_good(), &verdict.to_string(), verdict)
}

fn print(output: Print, verified: bool, text: &str, verdict: &impl Serialize) -> Result<Exit> {
    let mut stdout = terminal::stdout();
    match output {
        Print::Text => write!(stdout, "{text}")?,
        Print::Json => {
            terminal::write_json(&mut stdout, &Said { verified, verdict })?;
        }
    }
    Ok(match verified {
        true => Exit::Good,
        false => Exit::VerificationFailed,
    })
}

/// Runs `verify`.
pub fn run(args: &Verify) -> Result<Exit> {
    let mut report = Report::default();
    let shown = args.key.display().to_string();
    let Some(key) = PublicKey::load(&args.key, &shown, &mut report)? else {
        write!(terminal::stderr(), "{report}")?;
        return Ok(Exit::Findings);
    };
    let mut folders = 0;
    for path in &args.paths {
        let looking = || format!("looking at {}", path.display());
        folders += usize::from(std::fs::metadata(path).with_context(looking)?.is_dir());
    }
    match (folders, &args.paths[..]) {
        (0, _) if args.partial => usage("--partial is about a bundle's folder"),
        (0, files) => single(args, files, &key),
        (1, [out]) if args.sums.is_none() => bundle(args, out, &key),
        _ => usage("name one folder, or files and no folder"),
    }
}

fn bundle(args: &Verify, out: &Path, key: &PublicKey) -> Result<Exit> {
    let at = judged_at(args.at);
    let mut verdict = match args.partial {
        true => verify_partial(out, key, args.min_generation)?,
        false => verify(out, key, args.min_generation)?,
    };
    warn(&verdict)?;
    if let Some(wanted) = usable_at(args)? {
        verdict.require_usable(wanted);
        return say(&verdict, args.output);
    }
    let until = verdict.usable_until.as_deref().and_then(parse_rfc3339);
    if verdict.is_good() && until.is_some_and(|until| until <= at) {
        let rule = "what its nodes need to join has expired, for some of them at least";
        let finding = Finding::new(
            Id::BundleExpired,
            &Location::file(&*verdict.bundle),
            "",
            rule,
        );
        let mut report = Report::default();
        report.add(finding.help("mint tokens and build it anew before nodes boot from it"));
        write!(terminal::stderr(), "{report}")?;
    }
    say(&verdict, args.output)
}

/// The time after which all that nodes need to join must still be good, where that is asked for.
fn usable_at(args: &Verify) -> Result<Option<OffsetDateTime>> {
    let time = args.usable_for.or(args.usable.then_some(Duration::ZERO));
    let Some(time) = time else { return Ok(None) };
    let at = judged_at(args.at);
    Ok(Some(
        at.checked_add(time.try_into()?)
            .context("adding --usable-for to the time")?,
    ))
}

/// What is no fault of the bundle's bytes, and still to be mended where it is.
fn warn(verdict: &Verdict) -> Result<()> {
    let mut report = Report::default();
    let location = Location::file(&*verdict.bundle);
    if !verdict.exposed.is_empty() {
        let named = verdict.exposed.iter().take(NAMED).map(String::as_str);
        let named = named.collect::<Vec<_>>().join(", ");
        let more = match verdict.exposed.len() {
            count if count > NAMED => format!(" and {} more", count - NAMED),
            _ => String::new(),
        };
        let rule = format!("files with secrets may be read by others: {named}{more}");
        let folders: BTreeSet<&str> = verdict.exposed.iter().map(|path| folder_of(path)).collect();
        let folders = folders
            .iter()
            .map(|folder| format!("{}/{folder}", verdict.bundle));
        let folders = folders.collect::<Vec<_>>().join(" ");
        let repair = format!(
            "run `chmod -R go= {folders}`, or copy with what keeps modes, as `tar -p` and `cp -a` do"
        );
        report.add(Finding::new(Id::BundleExposed, &location, "", rule).help(repair));
    }
    for name in &verdict.leftovers {
        let rule = format!(
            "{name} was left by a build that was killed; it is no part of the bundle, and was not verified"
        );
        report.add(
            Finding::new(Id::BundleLeftovers, &location, "", rule)
                .help("remove it, or build again, which removes it"),
        );
    }
    Ok(write!(terminal::stderr(), "{report}")?)
}

/// What is made tight again: the folders of all nodes, or the folder that the file is in.
fn folder_of(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some((folder, _)) if !folder.starts_with("nodes/") => folder,
        _ => "nodes/*",
    }
}

/// Files that came alone: by the signed list of their bundle, or by the signed tree that they carry.
fn single(args: &Verify, files: &[PathBuf], key: &PublicKey) -> Result<Exit> {
    let sums = match &args.sums {
        Some(list) => Some(SumsFiles {
            list: list.clone(),
            signature: args.signature.clone(),
        }),
        None => files.first().and_then(|file| SumsFiles::above(file)),
    };
    if let Some(sums) = sums {
        let wanted = (args.min_generation, usable_at(args)?);
        let single = verify_files(files, &sums, key, wanted)?;
        let good = single.problems.is_empty();
        return print(args.output, good, &single_text(&single), &single);
    }
    if args.usable || args.usable_for.is_some() {
        return usage(
            "a tree does not say until when its node can join: name the SHA256SUMS of the bundle with --sums",
        );
    }
    if args.min_generation.is_some() {
        return usage(
            "a tree does not say its generation: name the SHA256SUMS of the bundle with --sums",
        );
    }
    let verdict = verify_embedded(files, key)?;
    let good = verdict.problems.is_empty();
    print(args.output, good, &embedded_text(&verdict), &verdict)
}

fn problems(all: &[Problem], shown_as: &str) -> String {
    let mut text = String::new();
    for problem in all {
        text.push_str(&format!(
            "{}: {}\n",
            shown(&problem.path),
            shown(&problem.rule)
        ));
    }
    if !all.is_empty() {
        text.push_str(&format!("{shown_as}: NOT verified\n"));
    }
    text
}

fn single_text(single: &Single) -> String {
    let mut text = problems(&single.problems, "files");
    for file in &single.files {
        let whose = match (&single.cluster, single.generation) {
            (Some(cluster), Some(generation)) => {
                format!(" of cluster {}, generation {generation}", shown(cluster))
            }
            _ => String::new(),
        };
        let is = file.is.iter().map(|path| shown(path)).collect::<Vec<_>>();
        let file = shown(&file.file);
        let word = if single.problems.is_empty() {
            "verified"
        } else {
            "right by itself"
        };
        text.push_str(&format!("{file}: {word}: {}{whose}\n", is.join(", ")));
    }
    text
}

fn embedded_text(verdict: &EmbeddedVerdict) -> String {
    let files = shown(&verdict.files.join(" "));
    let mut text = problems(&verdict.problems, &files);
    if !verdict.problems.is_empty() {
        return text;
    }
    let node = shown(verdict.node.as_deref().unwrap_or_default());
    let paths = verdict.paths;
    text.push_str(&format!(
        "{files}: verified: {paths} paths, as they were signed for the node {node}, and nothing else; of which generation, no tree says\n"
    ));
    for path in &verdict.elsewhere {
        text.push_str(&format!(
            "{}: is not in it, as secrets are in a part of their own\n",
            shown(path)
        ));
    }
    text
}
