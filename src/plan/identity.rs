//! Who nodes are: which certificates they must bring, and what follows from that for their kubelets.

use std::collections::HashMap;
use std::sync::Arc;

use crate::identity::pki_files::NODES;
use crate::identity::{Credential, Leaf, Purpose};
use crate::inventory::{
    ClientIdentity, Inventory, KubeconfigAuth, Node, ServingIdentity, Spec, Text,
};
use crate::model::{FieldLocation, Spanned};
use crate::report::{Id, Report};
use crate::yaml::{Field, Located, Map, Value};

/// What a node shows a certificate for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The kubelet, when it calls the API server.
    Client,
    /// The kubelet, when it is called.
    Serving,
    /// Another client, by the name of its user.
    User(String),
}

/// A certificate that a node must bring, and where the project has it.
#[derive(Clone, Debug)]
pub struct WantedCredential<'i> {
    /// The node.
    pub node: &'i str,
    /// What for.
    pub role: Role,
    /// Relative to the project: certificate and key in one PEM file.
    pub file: String,
    /// What must be in it.
    pub leaf: Leaf,
}

/// The certificates that a node brings.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The kubelet's, when it calls.
    pub client: Option<Arc<Credential>>,
    /// The kubelet's, when it is called.
    pub serving: Option<Arc<Credential>>,
    /// Other clients', by user.
    pub users: Vec<(String, Arc<Credential>)>,
}

impl Credentials {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Credential> {
        let kubelet = self.client.iter().chain(&self.serving);
        let users = self.users.iter().map(|(_, credential)| credential);
        kubelet.chain(users).map(|credential| &**credential)
    }

    /// Those of one node, out of all that were read.
    pub(super) fn of(node: &Node, spec: &Spec, read: &HashMap<String, Arc<Credential>>) -> Self {
        let mut found = Self::default();
        for wanted in of_node(node, spec) {
            let Some(credential) = read.get(&wanted.file).cloned() else {
                continue;
            };
            match wanted.role {
                Role::Client => found.client = Some(credential),
                Role::Serving => found.serving = Some(credential),
                Role::User(user) => found.users.push((user, credential)),
            }
        }
        found
    }
}

/// Whether a node joins with a bootstrap token; one whose layers cannot be read may.
pub fn needs_token(spec: Option<&Spec>) -> bool {
    spec.is_none_or(|spec| spec.identity.client.value == ClientIdentity::BootstrapToken)
}

/// Every certificate that the inventory asks for, node by node.
pub fn wanted(inventory: &Inventory) -> Vec<WantedCredential<'_>> {
    let nodes = inventory.nodes.iter().zip(&inventory.spec_of);
    let spec = |index: Option<usize>| inventory.specs.get(index?);
    nodes
        .filter_map(|(node, index)| Some((node, spec(*index)?)))
        .flat_map(|(node, spec)| of_node(node, spec))
        .collect()
}

fn of_node<'i>(node: &'i Node, spec: &Spec) -> Vec<WantedCredential<'i>> {
    let name = node.name.value.as_str();
    let mut wanted = Vec::new();
    let mut add = |role: Role, file: &str, leaf: Leaf| {
        wanted.push(WantedCredential {
            node: name,
            role,
            file: format!("{NODES}/{name}/{file}.pem"),
            leaf,
        });
    };
    let leaf = |user: &str, group: Option<&str>, purpose| Leaf {
        common_name: user.to_owned(),
        organization: group.map(str::to_owned),
        purpose,
        names: Vec::new(),
        addresses: Vec::new(),
    };
    let kubelet = format!("system:node:{name}");
    if spec.identity.client.value == ClientIdentity::ClientCertificate {
        let leaf = leaf(&kubelet, Some("system:nodes"), Purpose::Client);
        add(Role::Client, "client", leaf);
    }
    if spec.identity.serving.as_ref().map(|at| at.value) == Some(ServingIdentity::PreIssued) {
        let leaf = Leaf {
            names: names(node, spec),
            addresses: node.all_addresses().collect(),
            ..leaf(&kubelet, Some("system:nodes"), Purpose::Serving)
        };
        add(Role::Serving, "serving", leaf);
    }
    let mut users: Vec<&str> = Vec::new();
    for kubeconfig in &spec.kubeconfigs {
        if let KubeconfigAuth::Certificate(who) = &kubeconfig.auth
            && !users.contains(&who.user.value.as_str())
        {
            let user = who.user.value.as_str();
            users.push(user);
            let leaf = leaf(user, who.group.as_deref(), Purpose::Client);
            add(Role::User(user.to_owned()), &format!("user-{user}"), leaf);
        }
    }
    wanted
}

/// The node's name, and its host name unless that is only known when it is rendered.
fn names(node: &Node, spec: &Spec) -> Vec<String> {
    let mut names = vec![node.name.value.clone()];
    if let Some(hostname) = spec.hostname.as_ref().filter(|text| !text.is_template())
        && *hostname.text != *node.name.value
    {
        names.push(hostname.text.to_string());
    }
    names.extend(node.further_names().map(str::to_owned));
    names
}

/// Checks what follows from the identities of a class.
pub(super) fn check(spec: &Spec, report: &mut Report) {
    let has_flag = |name: &str| spec.kubelet.flags.iter().any(|(flag, _)| flag == name);
    if !needs_token(Some(spec)) && !has_flag("kubeconfig") {
        let rule = format!(
            "identity.client is {}, and the kubelet has no flag kubeconfig to be told by",
            spec.identity.client.value.name()
        );
        let finding = spec
            .identity
            .client
            .location
            .finding(Id::IdentityConflict, rule);
        report.add(finding.help("set kubelet.flags.kubeconfig in a profile"));
    }
    let mut known: HashMap<&str, Option<&str>> = HashMap::new();
    for kubeconfig in &spec.kubeconfigs {
        let KubeconfigAuth::Certificate(who) = &kubeconfig.auth else {
            continue;
        };
        let group = who.group.as_deref();
        if *known.entry(&who.user.value).or_insert(group) != group {
            let rule = format!("{} has another group in another kubeconfig", who.user.value);
            report.add(who.user.location.finding(Id::KubeconfigGroupsDiffer, rule));
        }
    }
}

/// Flags in order.
type Flags = Vec<(String, Option<Text>)>;

/// The flags that a kubelet with this identity has: one that brings a certificate needs no bootstrap kubeconfig.
pub(super) fn flags(spec: &Spec, mut flags: Flags, report: &mut Report) -> Flags {
    const BOOTSTRAP: &str = "bootstrap-kubeconfig";
    if needs_token(Some(spec)) {
        return flags;
    }
    for (_, text) in flags.iter().filter(|(name, _)| name == BOOTSTRAP) {
        let own = text.as_ref().filter(|text| !is_built_in(&text.location));
        if let Some(text) = own {
            let client = spec.identity.client.value.name();
            let rule = format!("identity.client is {client}, so there is no bootstrap kubeconfig");
            report.add(
                text.location
                    .finding(Id::IdentityConflict, rule)
                    .help("remove it"),
            );
        }
    }
    flags.retain(|(name, _)| name != BOOTSTRAP);
    flags
}

/// Sets the fields of KubeletConfiguration that follow from `identity`.
pub(super) fn config(spec: &Spec, config: Located, report: &mut Report) -> Located {
    let identity = &spec.identity;
    let client = &identity.client;
    let client_fields = match client.value {
        // A kubelet that rotates calls with certificates alone, and drops what else its kubeconfig has, such as an exec
        // plugin (cmd/kubelet/app/server.go, buildKubeletClientConfig).
        ClientIdentity::Kubeconfig => vec![("rotateCertificates", Value::Bool(false))],
        ClientIdentity::BootstrapToken | ClientIdentity::ClientCertificate => Vec::new(),
    };
    let said = format!("identity.client is {}", client.value.name());
    let config = with_fields(config, client_fields, (&said, &client.location), report);
    let Some(serving) = &identity.serving else {
        return config;
    };
    let said = format!("identity.serving is {}", serving.value.name());
    with_fields(config, fields(serving), (&said, &serving.location), report)
}

/// Sets fields that follow from what the user says at a location; a finding where the user sets one otherwise.
fn with_fields(
    config: Located,
    fields: Vec<(&'static str, Value)>,
    (said, at): (&str, &FieldLocation),
    report: &mut Report,
) -> Located {
    let Value::Map(map) = &config.value else {
        return config;
    };
    let mut map = Map::clone(map);
    for (name, value) in fields {
        if let Some(found) = map.get(name) {
            let location = FieldLocation::new(
                found.value.location.clone(),
                format!("kubelet.config.{name}"),
            );
            if !is_built_in(&location) && found.value.value != value {
                let rule = format!("{said}, which sets this field otherwise");
                report.add(
                    location
                        .finding(Id::IdentityConflict, rule)
                        .help("remove it"),
                );
            }
        }
        let field = Field {
            key: at.at.clone(),
            value: Located {
                location: at.at.clone(),
                value,
            },
        };
        map.insert(name.into(), field);
    }
    Located {
        location: config.location,
        value: Value::Map(Arc::new(map)),
    }
}

/// The fields that a way to come to a serving certificate sets; paths are templates.
fn fields(serving: &Spanned<ServingIdentity>) -> Vec<(&'static str, Value)> {
    let bootstrap = serving.value == ServingIdentity::Bootstrap;
    let mut fields = vec![("serverTLSBootstrap", Value::Bool(bootstrap))];
    if serving.value == ServingIdentity::PreIssued {
        let path = |name: &str| Value::String(format!("{{{{ paths.{name} }}}}").into());
        fields.push(("tlsCertFile", path("servingCertificate")));
        fields.push(("tlsPrivateKeyFile", path("servingKey")));
    }
    fields
}

/// What a built-in profile says gives way to what the user says.
fn is_built_in(location: &FieldLocation) -> bool {
    location.at.file.starts_with("built-in:")
}
