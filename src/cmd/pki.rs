//! `nodebake pki`: certificates for clusters that do without bootstrap tokens.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use serde::Serialize;

use crate::cli::{Pki, PkiInit, PkiIssue};
use crate::cmd::{print, print_findings};
use crate::error::{Exit, Result};
use crate::identity::CaFiles;
use crate::project::pki::{Issuance, create_ca, issue};
use crate::report::Report;
use crate::terminal;
use crate::wording::counted;

/// Runs `pki …`.
pub fn run(args: &Pki) -> Result<Exit> {
    match args {
        Pki::Init(args) => init(args),
        Pki::Issue(args) => issued(args),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made<'a> {
    ca: &'a Path,
    key: &'a Path,
    control_plane: &'a Path,
    encrypted: bool,
}

fn init(args: &PkiInit) -> Result<Exit> {
    let mut report = Report::default();
    let made = create_ca(&args.request()?, &mut report);
    print_findings(&report)?;
    let Some(made) = made? else {
        return Ok(Exit::Findings);
    };
    if made.completed {
        let said = "what an earlier run had made and not put in its place is there now";
        writeln!(terminal::stderr(), "nodebake: {said}")?;
    }
    let encrypted = args.passphrase_file.is_some();
    let json = Made {
        ca: &made.files.ca,
        key: &made.files.key,
        control_plane: &made.files.control_plane,
        encrypted,
    };
    print(args.output, &json, || init_text(&made.files, encrypted))?;
    Ok(Exit::Good)
}

fn init_text(files: &CaFiles, encrypted: bool) -> String {
    let how = if encrypted { "encrypted, 0600" } else { "0600" };
    format!(
        "{}: the CA's certificate\n\
         {}: the CA's key, {how}; whoever has it is the whole cluster: keep it elsewhere\n\
         {}: what kubeadm or you put into /etc/kubernetes/pki, and kubeconfigs; admin.conf may do everything\n",
        files.ca.display(),
        files.key.display(),
        files.control_plane.display()
    )
}

fn issued(args: &PkiIssue) -> Result<Exit> {
    let mut report = Report::default();
    let done = issue(&args.request()?, &mut report)?;
    if let Some(issuance) = &done {
        print(args.output, &issuance.certificates, || {
            issued_text(issuance)
        })?;
    }
    print_findings(&report)?;
    Ok(done.map_or(Exit::Findings, |_| Exit::Good))
}

fn issued_text(issuance: &Issuance) -> String {
    let all = &issuance.certificates;
    if all.is_empty() {
        let of = format!("none of {}", counted(issuance.nodes, "node"));
        return format!("{of} asks for a certificate: see `identity` and `kubeconfigs`\n");
    }
    let mut text = String::new();
    for one in all.iter().filter(|one| one.issued) {
        let until = one.not_after.as_deref().unwrap_or_default();
        let (node, certificate) = (&one.node, &one.certificate);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{node}: issued {certificate}, good until {until}");
    }
    let issued = all.iter().filter(|one| one.issued).count();
    let good = all.len() - issued;
    let _ = writeln!(text, "{issued} issued, {good} good as they are");
    text
}
