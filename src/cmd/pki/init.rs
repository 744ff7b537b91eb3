//! `nodebake pki init`: a CA, and what the control plane of a lab needs.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::{PkiInit, Print};
use crate::cmd::init::EXAMPLE_CA;
use crate::cmd::pki::{duration, passphrase};
use crate::cmd::project::say;
use crate::error::{Exit, Result};
use crate::identity::pki_files::{self, CA_KEY, CONTROL_PLANE};
use crate::identity::{Authority, CaBundle, ControlPlane, FileText};
use crate::input::{self, Limit};
use crate::inventory::{Cluster, Inventory, host_of, nth_address};
use crate::report::Report;
use crate::terminal;
use crate::unfinished::Unfinished;

/// Runs `pki init`.
pub(super) fn run(args: &PkiInit) -> Result<Exit> {
    let mut report = Report::default();
    let inventory = Inventory::load(&args.dir, &mut report);
    say(&report)?;
    let Some(inventory) = inventory.filter(|_| !report.has_errors()) else {
        return Ok(Exit::Findings);
    };
    let cluster = &inventory.cluster;
    let files = Files::of(&args.dir, cluster);
    files.check()?;
    let now = OffsetDateTime::now_utc();
    let ca_lifetime = duration("--ca-ttl", &args.ca_ttl)?;
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
        lifetime: duration("--ttl", &args.ttl)?,
        ca_lifetime,
    };
    let made = control_plane.files(&ca)?;
    files.write(&args.dir, (&ca.pem(), key.expose()), &made)?;
    print(args, &files)?;
    Ok(Exit::Good)
}

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

    /// The control plane's folder comes into being as a whole, and the certificate last: whoever has it has the rest.
    fn write(
        &self,
        dir: &Path,
        (ca, key): (&str, &str),
        made: &[(&'static str, FileText)],
    ) -> Result<()> {
        pki_files::prepare_folder(dir)?;
        let new = self.control_plane.with_extension("new");
        if pki_files::is_taken(&new) {
            fs::remove_dir_all(&new).with_context(|| format!("removing {}", new.display()))?;
        }
        // Named before it is made, so that no signal comes between.
        let mut unfinished = Unfinished::of(new.as_path());
        pki_files::make_folder(&new, 0o700)?;
        for (name, text) in made {
            let path = new.join(name);
            match text {
                FileText::Public(text) => pki_files::write_new(&path, 0o644, text)?,
                FileText::Secret(text) => pki_files::write_new(&path, 0o600, text.expose())?,
            }
        }
        pki_files::write_new(&self.key, 0o600, key)?;
        unfinished.add(&self.key);
        fs::rename(&new, &self.control_plane)
            .with_context(|| format!("writing {}", self.control_plane.display()))?;
        unfinished.add(&self.control_plane);
        if let Some(folder) = self.ca.parent() {
            pki_files::make_folder(folder, 0o755)?;
        }
        pki_files::replace(&self.ca, 0o644, ca)?;
        unfinished.finish();
        Ok(())
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
