//! `nodebake pki init`: a CA, and what the control plane of a lab needs.

use std::ffi::OsStr;
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::bail;
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::{PkiInit, Print};
use crate::cmd::init::EXAMPLE_CA;
use crate::cmd::pki::passphrase;
use crate::cmd::say;
use crate::error::{Exit, Result};
use crate::identity::pki_files::{self, CA_KEY, CONTROL_PLANE};
use crate::identity::{Authority, CaBundle, ControlPlane, FileText};
use crate::input::{self, Limit};
use crate::inventory::{Cluster, Inventory, host_of, nth_address};
use crate::lock::Lock;
use crate::report::Report;
use crate::terminal;
use crate::together::{Together, complete};

/// Runs `pki init`.
pub(super) fn run(args: &PkiInit) -> Result<Exit> {
    let mut report = Report::default();
    let inventory = Inventory::load(&args.allow.folder(&args.dir)?, &mut report);
    say(&report)?;
    let Some(inventory) = inventory.filter(|_| !report.has_errors()) else {
        return Ok(Exit::Findings);
    };
    let cluster = &inventory.cluster;
    let files = Files::of(&args.dir, cluster);
    let _lock = Lock::take(&args.dir.join(FOLDER))?;
    if complete(&args.dir.join(FOLDER), &|name| files.location(name))? {
        let said = "what an earlier run had made and not put in its place is there now";
        writeln!(terminal::stderr(), "nodebake: {said}")?;
        print(args, &files)?;
        return Ok(Exit::Good);
    }
    files.check()?;
    let now = OffsetDateTime::now_utc();
    let ca_lifetime = args.ca_ttl;
    let (names, addresses) = sans(cluster, &args.sans)?;
    let passphrase = passphrase(args.passphrase_file.as_deref())?;
    let ca = Authority::generate(&format!("{}-ca", cluster.name.value), now, ca_lifetime)?;
    let key = match &passphrase {
        Some(passphrase) => ca.key().to_encrypted_pem(passphrase)?,
        None => ca.key().to_pem(),
    };
    let control_plane = ControlPlane {
        cluster: &cluster.name.value,
        url: &cluster.api_server.url.value,
        names,
        addresses,
        kubelet_client_user: &cluster.api_server.kubelet_client_user,
        now,
        lifetime: args.ttl,
        ca_lifetime,
    };
    let made = control_plane.files(&ca)?;
    files.write(&args.dir, (&ca.pem(), key.expose()), &made)?;
    print(args, &files)?;
    Ok(Exit::Good)
}

/// The folder that everything is made in.
const FOLDER: &str = "pki";
/// What is made in it: the control plane's folder, the CA's key and its certificate.
const NAMES: [&str; 3] = ["control-plane", "ca.key", "ca.pem"];

/// Where things go.
struct Files {
    ca: PathBuf,
    key: PathBuf,
    control_plane: PathBuf,
}

impl Files {
    fn of(dir: &Path, cluster: &Cluster) -> Self {
        Self {
            ca: dir.join(&cluster.api_server.ca.value),
            key: dir.join(CA_KEY),
            control_plane: dir.join(CONTROL_PLANE),
        }
    }

    /// Nothing is overwritten, but for the example that nothing can be signed with.
    fn check(&self) -> Result<()> {
        for path in [&self.key, &self.control_plane] {
            if pki_files::is_taken(path) {
                bail!(
                    "{} is there already, and is never overwritten",
                    path.display()
                );
            }
        }
        if pki_files::is_taken(&self.ca) && !is_example(&self.ca) {
            bail!(
                "{} is there already, and is never overwritten; `pki issue` works with its key",
                self.ca.display()
            );
        }
        Ok(())
    }

    /// All of it comes into being together: half of it could neither be used nor be overwritten.
    fn write(
        &self,
        dir: &Path,
        (ca, key): (&str, &str),
        made: &[(&'static str, FileText)],
    ) -> Result<()> {
        pki_files::prepare_folder(dir)?;
        let set = Together::begin(&dir.join(FOLDER))?;
        let new = set.path(NAMES[0]);
        pki_files::make_folder(&new, 0o700)?;
        for (name, text) in made {
            let path = new.join(name);
            match text {
                FileText::Public(text) => pki_files::write_new(&path, 0o644, text)?,
                FileText::Secret(text) => pki_files::write_new(&path, 0o600, text.expose())?,
            }
        }
        pki_files::write_new(&set.path(NAMES[1]), 0o600, key)?;
        pki_files::write_new(&set.path(NAMES[2]), 0o644, ca)?;
        self.make_folders()?;
        set.finish(&|name| self.location(name))
    }

    fn make_folders(&self) -> Result<()> {
        match self.ca.parent() {
            Some(folder) => pki_files::make_folder(folder, 0o755),
            None => Ok(()),
        }
    }

    /// Where one of [`NAMES`] goes.
    fn location(&self, name: &OsStr) -> PathBuf {
        match NAMES.iter().position(|known| name == *known) {
            Some(0) => self.control_plane.clone(),
            Some(1) => self.key.clone(),
            _ => self.ca.clone(),
        }
    }
}

/// Whether it is the CA that `init` made and whose key was thrown away.
fn is_example(path: &Path) -> bool {
    let bytes = input::read(path, Limit::mib(4)).unwrap_or_default();
    let subjects = CaBundle::subjects(&String::from_utf8_lossy(&bytes));
    matches!(&subjects[..], [only] if only == &format!("CN={EXAMPLE_CA}"))
}

/// Names and addresses of the API server: as nodes call it, as pods do, and what the user adds.
fn sans(cluster: &Cluster, further: &[String]) -> Result<(Vec<String>, Vec<IpAddr>)> {
    let api = &cluster.api_server;
    let domain = &cluster.network.cluster_domain;
    let mut hosts = vec![
        "kubernetes".to_owned(),
        "kubernetes.default".to_owned(),
        "kubernetes.default.svc".to_owned(),
        format!("kubernetes.default.svc.{domain}"),
        api.host.clone(),
    ];
    hosts.extend(api.endpoints.iter().map(|at| host_of(&at.value).to_owned()));
    // The service `kubernetes` has the first address of each range.
    let services = cluster.network.service_cidrs.iter();
    let first = services.filter_map(|at| nth_address(at.value.network(), 1));
    hosts.extend(first.map(|address| address.to_string()));
    hosts.extend(further.iter().cloned());
    let (mut names, mut addresses) = (Vec::new(), Vec::new());
    for host in hosts {
        match host.parse() {
            Ok(address) if !addresses.contains(&address) => addresses.push(address),
            Ok(_) => {}
            Err(_) if !is_dns_name(&host) => bail!("{host:?} is no DNS name and no address"),
            Err(_) if !names.contains(&host) => names.push(host),
            Err(_) => {}
        }
    }
    Ok((names, addresses))
}

/// RFC 1123, with a wildcard as the first label.
fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253
        && text
            .strip_prefix("*.")
            .unwrap_or(text)
            .split('.')
            .all(label)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made<'a> {
    ca: &'a Path,
    key: &'a Path,
    control_plane: &'a Path,
    encrypted: bool,
}

fn print(args: &PkiInit, files: &Files) -> Result<()> {
    let mut out = terminal::stdout();
    let encrypted = args.passphrase_file.is_some();
    if args.output == Print::Json {
        let made = Made {
            ca: &files.ca,
            key: &files.key,
            control_plane: &files.control_plane,
            encrypted,
        };
        return Ok(terminal::write_json(&mut out, &made)?);
    }
    let how = match encrypted {
        true => "encrypted, 0600",
        false => "0600",
    };
    writeln!(out, "{}: the CA's certificate", files.ca.display())?;
    writeln!(
        out,
        "{}: the CA's key, {how}; whoever has it is the whole cluster: keep it elsewhere",
        files.key.display()
    )?;
    writeln!(
        out,
        "{}: what kubeadm or you put into /etc/kubernetes/pki, and kubeconfigs; admin.conf may do everything",
        files.control_plane.display()
    )?;
    Ok(())
}
