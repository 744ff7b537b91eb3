//! A CA, and what the control plane of a lab needs.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use time::OffsetDateTime;

use crate::error::Result;
use crate::identity::{Authority, CaFiles, ControlPlane, passphrase};
use crate::inventory::{Cluster, Inventory, host_of, nth_address};
use crate::project_folder::ProjectFolder;
use crate::report::Report;

/// A CA to be made.
#[derive(Clone, Debug)]
pub struct NewCa {
    /// The project.
    pub folder: ProjectFolder,
    /// How long the CA is valid.
    pub ca_ttl: Duration,
    /// How long the control plane's certificates are.
    pub ttl: Duration,
    /// Further names and addresses of the API server.
    pub sans: Vec<String>,
    /// The first line of this file encrypts the CA's key; `-` is stdin.
    pub passphrase_file: Option<PathBuf>,
}

/// A CA that is in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCaMade {
    /// Where it is.
    pub files: CaFiles,
    /// Whether an earlier run made it and was killed before it was in its place.
    pub completed: bool,
}

/// Makes it; None after findings.
pub fn create_ca(new: &NewCa, report: &mut Report) -> Result<Option<NewCaMade>> {
    let inventory = Inventory::load(&new.folder, report);
    let Some(inventory) = inventory.filter(|_| !report.has_errors()) else {
        return Ok(None);
    };
    let cluster = &inventory.cluster;
    let files = CaFiles::of(new.folder.path(), &cluster.api_server.ca.value);
    let _lock = files.lock()?;
    if files.complete()? {
        let completed = true;
        return Ok(Some(NewCaMade { files, completed }));
    }
    files.check()?;
    let now = OffsetDateTime::now_utc();
    let (names, addresses) = sans(cluster, &new.sans)?;
    let passphrase = passphrase(new.passphrase_file.as_deref())?;
    let ca = Authority::generate(&format!("{}-ca", cluster.name.value), now, new.ca_ttl)?;
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
        lifetime: new.ttl,
        ca_lifetime: new.ca_ttl,
    };
    let made = control_plane.files(&ca)?;
    files.write((&ca.pem(), key.expose()), &made)?;
    let completed = false;
    Ok(Some(NewCaMade { files, completed }))
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
        api.host(),
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
            Err(_) if !is_dns_name(&host) => {
                bail!("must be a DNS name or an address; got {host:?}")
            }
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
