//! An inventory of Ansible, of the kind that kubespray has: its groups divide control planes from workers, and
//! its variables have the settings of the cluster. Values with templates of Jinja are left aside; Ansible alone can render them.

mod ini;
mod inventory;
mod kubelet;
mod mirrors;
mod range;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::import::documents;
use crate::import::facts::{Facts, KubeletSettings, NodeFact};
use crate::import::read_text;
use crate::import::tables::with_v;
use crate::import::values::{items, text};
use crate::import::write::{list, scalar};
use crate::inventory::nth_address;
use crate::kubernetes::names::{label_key, label_value, node_name, taint_name};
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::yaml::{Located, Value};

use inventory::{Inventory, Vars};

/// Groups of nodes with an API server, by their names of today and of before.
const SERVERS: [&str; 3] = ["kube_control_plane", "kube-master", "kube-control-plane"];
/// Groups of workers.
const WORKERS: [&str; 2] = ["kube_node", "kube-node"];
/// The group of all nodes. kubespray makes it by itself where an inventory does not name it.
const WHOLE: [&str; 2] = ["k8s_cluster", "k8s-cluster"];
/// Files of an inventory's folder, the first of which is read.
const FILES: [&str; 8] = [
    "inventory.ini",
    "hosts.ini",
    "hosts.yaml",
    "hosts.yml",
    "inventory.yaml",
    "inventory.yml",
    "hosts",
    "inventory",
];
/// What kubespray takes where its inventory says nothing.
const SERVICES: &str = "10.233.0.0/18";
const PODS: &str = "10.233.64.0/18";
const LOCAL_DNS: &str = "169.254.25.10";

/// Reads inventories: files, or folders with one and with `group_vars` and `host_vars`.
pub fn read(files: &[PathBuf], facts: &mut Facts, report: &mut Report) -> Result<()> {
    let mut all = Inventory::default();
    for path in files {
        let mut named = FILES.iter().map(|name| path.join(name));
        let found = if path.is_dir() {
            named.find(|file| file.is_file())
        } else {
            Some(path.clone())
        };
        let Some(file) = found else {
            let at = Location::file(path.display().to_string());
            let rule = format!("the folder has none of {}", FILES.join(", "));
            report.add(Finding::new(Id::ImportInvalid, &at, "", rule));
            continue;
        };
        let Some((shown, content)) = read_text(&file, report)? else {
            continue;
        };
        let ending = file.extension().and_then(|ending| ending.to_str());
        let is_tree = matches!(ending, Some("yml" | "yaml" | "json"))
            || content.trim_start().starts_with(['{', '-'])
            || content.lines().any(|line| line.trim_end() == "all:");
        if is_tree {
            for tree in documents::read(&shown, &content, report) {
                all.read_tree(&tree, report);
            }
        } else {
            ini::read(&shown, &content, &mut all, report);
        }
        let folder = file.parent().unwrap_or(Path::new("."));
        variables(&folder.join("group_vars"), false, &mut all, report)?;
        variables(&folder.join("host_vars"), true, &mut all, report)?;
    }
    all.whole_cluster(WHOLE, &[&SERVERS[..], &WORKERS[..]].concat());
    take(&all, facts, report);
    Ok(())
}

/// Reads `group_vars` or `host_vars`: a file or a folder of files for each group or host.
fn variables(folder: &Path, is_host: bool, all: &mut Inventory, report: &mut Report) -> Result<()> {
    for entry in entries(folder) {
        let Some(name) = entry
            .file_stem()
            .and_then(|name| name.to_str())
            .map(str::to_owned)
        else {
            continue;
        };
        let files = if entry.is_dir() {
            entries(&entry)
        } else {
            vec![entry]
        };
        for file in files.iter().filter(|file| file.is_file()) {
            let ending = file.extension().and_then(|ending| ending.to_str());
            if !matches!(ending, None | Some("yml" | "yaml" | "json")) {
                continue;
            }
            let Some((shown, content)) = read_text(file, report)? else {
                continue;
            };
            if content.starts_with("$ANSIBLE_VAULT") {
                let rule = "is encrypted with ansible-vault: nothing is taken from it";
                report.add(Finding::new(
                    Id::ImportKindUnknown,
                    &Location::file(shown),
                    "",
                    rule,
                ));
                continue;
            }
            for tree in documents::read(&shown, &content, report) {
                all.add_vars(&name, is_host, &tree);
            }
        }
    }
    Ok(())
}

/// The entries of a folder, sorted; none where there is no folder.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    paths
}

/// A variable's text; None where it is a template, for which there is a finding.
fn said(vars: &Vars, key: &str, report: &mut Report) -> Option<(String, Location)> {
    let at = vars.get(key)?;
    let value = match &at.value {
        Value::String(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        _ => return None,
    };
    if is_template(&value) {
        template(key, &at.location, report);
        return None;
    }
    (!value.is_empty()).then(|| (value, at.location.clone()))
}

/// Whether Ansible renders a text before it is used.
fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// That a variable is a template.
fn template(key: &str, at: &Location, report: &mut Report) {
    let rule = "is a template of Jinja, which Ansible alone can render: it is left out";
    let repair = format!("look at it with `ansible all -m debug -a var={key}`");
    left_out(key, at, (rule, &repair), report);
}

/// That nothing is taken from a variable, and what to do instead.
fn left_out(key: &str, at: &Location, (rule, repair): (&str, &str), report: &mut Report) {
    let finding = Finding::new(Id::ImportFieldLeftOut, at, key, rule);
    report.add(finding.help(repair));
}

/// What was said, or kubespray's default where nothing is.
fn or_default(
    found: Option<(String, Location)>,
    vars: &Vars,
    key: &str,
    default: &str,
) -> Option<(String, Location)> {
    let is_silent = !vars.contains_key(key);
    let default = || (default.to_owned(), Location::file("group_vars"));
    found.or_else(|| is_silent.then(default))
}

/// A switch; Ansible takes these words for true.
fn is_on(vars: &Vars, key: &str, default: bool) -> bool {
    match vars.get(key).map(|at| &at.value) {
        Some(Value::Bool(value)) => *value,
        Some(Value::String(text)) => {
            matches!(
                text.to_ascii_lowercase().as_str(),
                "true" | "yes" | "on" | "1"
            )
        }
        _ => default,
    }
}

fn take(all: &Inventory, facts: &mut Facts, report: &mut Report) {
    let (mut of_cluster, mut of_workers) = (None, None);
    let mut kubelets = Vec::new();
    for (host, at) in all.hosts() {
        let is_server = SERVERS.iter().any(|group| all.is_in(host, group));
        let is_worker = WORKERS.iter().any(|group| all.is_in(host, group));
        if !is_server && !is_worker {
            continue;
        }
        let vars = all.vars(host);
        let name = node(host, at, (&vars, is_server), facts, report);
        kubelets.extend(name.map(|name| kubelet::Own {
            name,
            is_server,
            config: kubelet::config(&vars, report),
        }));
        if !is_server {
            of_workers.get_or_insert_with(|| vars.clone());
        }
        if of_cluster.is_none() || is_server {
            of_cluster.get_or_insert(vars);
        }
    }
    let Some(vars) = of_cluster else {
        return;
    };
    facts.read += facts.nodes.len();
    cluster(&vars, facts, report);
    runtime(of_workers.as_ref().unwrap_or(&vars), facts, report);
    let (shared, own) = kubelet::shared(&kubelets);
    let part = |config, at: Location| KubeletSettings {
        config,
        at,
        is_part: true,
    };
    if !shared.is_empty() {
        let at = Location::file("group_vars");
        facts.kubelet.push((0, part(shared.into(), at)));
    }
    for (name, config) in own {
        let at = facts.nodes[&name].at.clone();
        facts.configz.insert(name, part(config.into(), at));
    }
}

fn node(
    host: &str,
    at: &Location,
    (vars, is_server): (&Vars, bool),
    facts: &mut Facts,
    report: &mut Report,
) -> Option<String> {
    let name = said(vars, "kube_override_hostname", report)
        .map_or_else(|| host.to_owned(), |(name, _)| name);
    let name = name.to_ascii_lowercase();
    if let Err(rule) = node_name(&name) {
        report.add(Finding::new(
            Id::ImportInvalid,
            at,
            "",
            format!("{name:?}: {rule}"),
        ));
        return None;
    }
    let mut node = NodeFact::new(&name, at);
    node.control_plane = is_server;
    node.version = said(vars, "kube_version", report).map(|(version, _)| with_v(version));
    for keys in [
        ["ip", "access_ip", "ansible_host"],
        ["ip6", "access_ip6", ""],
    ] {
        let mut found = keys.iter().filter_map(|key| {
            let (text, _) = said(vars, key, report)?;
            text.parse::<IpAddr>().ok()
        });
        node.addresses.extend(found.next());
    }
    if node.addresses.is_empty() {
        node.addresses.extend(host.parse::<IpAddr>().ok());
    }
    for (key, field) in vars
        .get("node_labels")
        .and_then(Located::as_map)
        .into_iter()
        .flat_map(|map| map.iter())
    {
        let value = match &field.value.value {
            Value::String(text) => text.to_string(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            _ => continue,
        };
        match label_key(key).and_then(|()| label_value(&value)) {
            Ok(()) => _ = node.labels.insert(key.to_string(), value),
            Err(rule) => report.add(Finding::new(
                Id::ImportInvalid,
                &field.key,
                "node_labels",
                rule,
            )),
        }
    }
    let taints = vars.get("node_taints");
    for taint in taints.into_iter().flat_map(|at| items(at, &[])) {
        let Some((key, effect)) = taint.as_str().and_then(|text| text.rsplit_once(':')) else {
            continue;
        };
        let (key, value) = key.split_once('=').unwrap_or((key, ""));
        let taint_text = format!("{key}:{effect}");
        match taint_name(&taint_text)
            .map(drop)
            .and_then(|()| label_value(value))
        {
            Ok(()) => _ = node.taints.insert(taint_text, value.to_owned()),
            Err(rule) => report.add(Finding::new(
                Id::ImportInvalid,
                &taint.location,
                "node_taints",
                rule,
            )),
        }
    }
    facts.nodes.insert(name.clone(), node);
    Some(name)
}

fn cluster(vars: &Vars, facts: &mut Facts, report: &mut Report) {
    let source = "the inventory";
    if let Some((version, at)) = said(vars, "kube_version", report) {
        facts.version.add(0, with_v(version), &at, source);
    }
    let dual = is_on(
        vars,
        "ipv6_stack",
        is_on(vars, "enable_dual_stack_networks", false),
    );
    for (keys, default, claims) in [
        (
            ["kube_service_addresses", "kube_service_addresses_ipv6"],
            SERVICES,
            &mut facts.services,
        ),
        (
            ["kube_pods_subnet", "kube_pods_subnet_ipv6"],
            PODS,
            &mut facts.pods,
        ),
    ] {
        let first = said(vars, keys[0], report);
        // A template is another value than the default, and nobody here knows it.
        let Some((first, at)) = or_default(first, vars, keys[0], default) else {
            continue;
        };
        let mut cidrs = crate::import::kubeadm::list(&first);
        if dual {
            cidrs.extend(said(vars, keys[1], report).map(|(cidr, _)| cidr));
        }
        claims.add(0, cidrs, &at, source);
    }
    // kubespray's name of the cluster is its DNS domain.
    let domain = said(vars, "dns_domain", report).or_else(|| said(vars, "cluster_name", report));
    if let Some((domain, at)) = or_default(domain, vars, "cluster_name", "cluster.local") {
        facts.domain.add(0, domain, &at, source);
    }
    let dns = if is_on(vars, "enable_nodelocaldns", true) {
        let own = said(vars, "nodelocaldns_ip", report);
        or_default(own, vars, "nodelocaldns_ip", LOCAL_DNS)
    } else {
        let services = facts
            .services
            .value()
            .and_then(|cidrs| cidrs.first()?.parse::<ipnet::IpNet>().ok());
        let third = services.and_then(|network| nth_address(network.network(), 3));
        let third = third.map(|address| (address.to_string(), Location::file("group_vars")));
        said(vars, "skydns_server", report).or(third)
    };
    if let Some((dns, at)) = dns {
        facts.dns.add(0, vec![dns], &at, source);
    }
    url(vars, facts, report);
    let proxies = [("httpProxy", "http_proxy"), ("httpsProxy", "https_proxy")];
    let mut written = Vec::new();
    for (ours, theirs) in proxies {
        written
            .extend(said(vars, theirs, report).map(|(url, _)| format!("{ours}: {}", scalar(&url))));
    }
    if !written.is_empty() {
        if let Some((hosts, _)) = said(vars, "no_proxy", report) {
            written.push(format!(
                "noProxy: {}",
                list(&crate::import::kubeadm::list(&hosts))
            ));
        }
        facts
            .further
            .push(format!("proxies: {{{}}}\n", written.join(", ")));
    }
}

/// Where new nodes get their images from, by the variables of workers.
fn runtime(vars: &Vars, facts: &mut Facts, report: &mut Report) {
    facts.further.extend(mirrors::registries(vars, report));
    if let Some((runtime, at)) =
        said(vars, "container_manager", report).filter(|(name, _)| name != "containerd")
    {
        let rule = format!("the nodes run {runtime}, and new nodes get containerd");
        let repair = "see `nodebake-inventory(7)` for another runtime";
        left_out("container_manager", &at, (&rule, repair), report);
    }
}

/// The URL: a load balancer, else the proxy that kubespray runs on each node, else the first control plane.
fn url(vars: &Vars, facts: &mut Facts, report: &mut Report) {
    let port = said(vars, "kube_apiserver_port", report)
        .map_or_else(|| "6443".to_owned(), |(port, _)| port);
    let balancer = vars.get("loadbalancer_apiserver");
    let address = balancer.and_then(|at| text(at, &["address"]));
    if let (Some(at), Some(address)) = (balancer, address) {
        let own = at.get("port").map(|port| match &port.value {
            Value::Int(port) => port.to_string(),
            _ => port.as_str().unwrap_or(&*String::new()).to_owned(),
        });
        let host = said(vars, "apiserver_loadbalancer_domain_name", report);
        let host = host.map_or_else(|| address.to_owned(), |(host, _)| host);
        let port = own.filter(|port| !port.is_empty()).unwrap_or(port);
        facts.url.add(
            0,
            format!("https://{}:{port}", bracketed(&host)),
            &at.location,
            "the inventory",
        );
        return;
    }
    let servers = facts.nodes.values().filter(|node| node.control_plane);
    let servers: Vec<(String, Location)> = servers
        .filter_map(|node| {
            Some((
                bracketed(&node.addresses.first()?.to_string()),
                node.at.clone(),
            ))
        })
        .collect();
    let Some((first, at)) = servers.first().cloned() else {
        return;
    };
    if is_on(vars, "loadbalancer_apiserver_localhost", true) {
        facts.endpoints = servers
            .iter()
            .map(|(host, _)| format!("{host}:{port}"))
            .collect();
        let local =
            said(vars, "loadbalancer_apiserver_port", report).map_or(port, |(port, _)| port);
        facts.url.add(
            0,
            format!("https://127.0.0.1:{local}"),
            &at,
            "the inventory",
        );
    } else {
        facts
            .url
            .add(0, format!("https://{first}:{port}"), &at, "the inventory");
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}
