//! CertificateSigningRequests as kubectl prints them: certificates.k8s.io/v1 and v1beta1, a list or a single one.

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Result;

/// The API group, before the version.
const GROUP: &str = "certificates.k8s.io/";

/// One request.
#[derive(Debug)]
pub struct Request {
    pub(super) name: String,
    pub(super) created: OffsetDateTime,
    pub(super) username: String,
    /// What the API server said of the requestor beside the name.
    pub(super) groups: Vec<String>,
    /// `None` before Kubernetes 1.18.
    pub(super) signer: Option<String>,
    pub(super) usages: Vec<String>,
    /// PEM in base64.
    pub(super) request: String,
    /// The type of a condition, or that there is a certificate.
    pub(super) decided: Option<String>,
}

impl Request {
    /// One request as the API server writes it.
    pub fn parse(item: &Value) -> Result<Self> {
        let object = Object::deserialize(item).context("reading a request")?;
        request(object, "a request", false)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who made it, as the API server says.
    pub fn requestor(&self) -> &str {
        &self.username
    }

    /// Whether it is approved, denied or failed already.
    pub fn is_decided(&self) -> bool {
        self.decided.is_some()
    }

    pub(super) fn was_approved(&self) -> bool {
        self.decided.as_deref() == Some("approved")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    api_version: Option<String>,
    kind: Option<String>,
    items: Option<Vec<Object>>,
    metadata: Option<Metadata>,
    spec: Option<Spec>,
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    name: String,
    creation_timestamp: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    request: Option<String>,
    signer_name: Option<String>,
    username: Option<String>,
    groups: Option<Vec<String>>,
    usages: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
struct Status {
    conditions: Option<Vec<Condition>>,
    certificate: Option<String>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
}

/// All requests of a dump, in its order.
pub(super) fn requests(bytes: &[u8], name: &str) -> Result<Vec<Request>> {
    let object: Object = match serde_json::from_slice(bytes) {
        Ok(object) => object,
        Err(error) => bail!("reading {name}: not the JSON of `kubectl get csr -o json`: {error}"),
    };
    let mut found = Vec::new();
    match object.items {
        Some(items) => {
            for item in items {
                found.push(request(item, name, false)?);
            }
        }
        None => found.push(request(object, name, true)?),
    }
    Ok(found)
}

/// The items of a raw list (`kubectl get --raw`) leave out their kind; single ones may not.
fn request(object: Object, name: &str, is_single: bool) -> Result<Request> {
    const KIND: &str = "CertificateSigningRequest";
    let kind = object.kind.as_deref();
    let version = object.api_version.as_deref();
    if kind.is_some_and(|kind| kind != KIND)
        || version.is_some_and(|version| !version.starts_with(GROUP))
        || is_single && kind.is_none()
    {
        bail!("reading {name}: there is something in it that is not a {KIND}");
    }
    let (Some(metadata), Some(spec)) = (object.metadata, object.spec) else {
        bail!("reading {name}: a {KIND} has no metadata or no spec");
    };
    let created = metadata.creation_timestamp.as_deref();
    let created = created.and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
    Ok(Request {
        created: created.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        decided: decided(object.status.unwrap_or_default()),
        name: metadata.name,
        username: spec.username.unwrap_or_default(),
        groups: spec.groups.unwrap_or_default(),
        signer: spec.signer_name,
        usages: spec.usages.unwrap_or_default(),
        request: spec.request.unwrap_or_default(),
    })
}

/// A denial wins, as it does for the API server, which refuses both at once.
fn decided(status: Status) -> Option<String> {
    let conditions = status.conditions.unwrap_or_default();
    let has = |kind: &str| conditions.iter().any(|condition| condition.kind == kind);
    let found = ["Denied", "Failed", "Approved"]
        .into_iter()
        .find(|kind| has(kind));
    let issued = status.certificate.filter(|text| !text.is_empty());
    found
        .or(issued.map(|_| "Approved"))
        .map(str::to_ascii_lowercase)
}
