//! CertificateSigningRequests as kubectl prints them: certificates.k8s.io/v1 and v1beta1, a list or a single one.

use anyhow::bail;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Result;

/// The API group, before the version.
const GROUP: &str = "certificates.k8s.io/";

/// One request.
#[derive(Debug)]
pub(super) struct Request {
    pub name: String,
    pub created: OffsetDateTime,
    pub username: String,
    /// What the API server said of the requestor beside the name.
    pub groups: Vec<String>,
    /// `None` before Kubernetes 1.18.
    pub signer: Option<String>,
    pub usages: Vec<String>,
    /// PEM in base64.
    pub request: String,
    /// The type of a condition, or that there is a certificate.
    pub decided: Option<String>,
}

impl Request {
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
