//! The few calls to the API server. Each is one verb of the ServiceAccount's RBAC, and there is no other.

use std::fmt;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::Client;
use kube::core::WatchEvent;
use serde_json::{Value, json};
use tokio::time::timeout;

const CSRS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
/// An API server that does not answer in that time is away.
const ANSWER: Duration = Duration::from_secs(15);
/// Seconds; then the server ends a watch, and another one begins: a connection that died silently is found out by that.
pub const WATCH_SECONDS: u32 = 60;
/// Requests a page of a list.
const PAGE: u32 = 500;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status; 0 where there was no answer.
    pub code: u16,
    /// What was said.
    pub reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            0 => f.write_str(&self.reason),
            code => write!(f, "{code}: {}", self.reason),
        }
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self {
                code: status.code,
                reason: status.message,
            },
            other => Self {
                code: 0,
                reason: chain(&other),
            },
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

/// Events of a watch.
pub type Change = WatchEvent<Value>;

/// The API server.
pub struct Api {
    client: Client,
}

impl Api {
    /// By way of this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<(&str, Value)>,
    ) -> Result<Value, Failure> {
        let request = request(method, path, body)?;
        match timeout(ANSWER, self.client.request::<Value>(request)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Failure {
                code: 0,
                reason: format!("no answer within {} s", ANSWER.as_secs()),
            }),
        }
    }

    /// Verb `list`: all requests of a signer, and the version to watch from.
    pub async fn list(&self, signer: &str) -> Result<(Vec<Value>, String), Failure> {
        let mut found = Vec::new();
        let mut next = String::new();
        loop {
            let page = if next.is_empty() {
                String::new()
            } else {
                format!("&continue={next}")
            };
            let path = format!("{CSRS}?limit={PAGE}&{}{page}", of_signer(signer));
            let mut list = self.call("GET", &path, None).await?;
            if let Some(items) = list["items"].as_array_mut() {
                found.append(items);
            }
            let metadata = &list["metadata"];
            next = metadata["continue"].as_str().unwrap_or_default().to_owned();
            if next.is_empty() {
                let version = metadata["resourceVersion"].as_str().unwrap_or_default();
                return Ok((found, version.to_owned()));
            }
        }
    }

    /// Verb `watch`: what changes after a version.
    pub async fn watch(
        &self,
        signer: &str,
        version: &str,
    ) -> Result<impl Stream<Item = Result<Change, Failure>> + use<>, Failure> {
        let path = format!(
            "{CSRS}?watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={version}&{}",
            of_signer(signer)
        );
        let request = request("GET", &path, None)?;
        let events = timeout(ANSWER, self.client.request_events::<Value>(request)).await;
        let events = events.map_err(|_| Failure {
            code: 0,
            reason: "no answer to a watch".into(),
        })??;
        Ok(events.map(|event| event.map_err(Failure::from)))
    }

    /// Verb `patch` of `certificatesigningrequests/approval`, and `approve` of the signer: one condition more, if the
    /// request is still as it was seen.
    pub async fn decide(
        &self,
        name: &str,
        metadata: Value,
        conditions: Vec<Value>,
    ) -> Result<Value, Failure> {
        let body = json!({"metadata": metadata, "status": {"conditions": conditions}});
        let path = format!("{CSRS}/{name}/approval?fieldManager=nodebake-approver");
        let kind = "application/merge-patch+json";
        self.call("PATCH", &path, Some((kind, body))).await
    }

    /// Verb `create` of `events`.
    pub async fn event(&self, namespace: &str, event: Value) -> Result<(), Failure> {
        let path = format!("/api/v1/namespaces/{namespace}/events");
        let made = self
            .call("POST", &path, Some(("application/json", event)))
            .await;
        match made {
            // It was made before: by this program before it began again, or by the other replica.
            Err(failure) if failure.code == 409 => Ok(()),
            made => made.map(drop),
        }
    }

    /// Verb `get` of the Lease.
    pub async fn lease(&self, namespace: &str, name: &str) -> Result<Value, Failure> {
        self.call("GET", &lease(namespace, name), None).await
    }

    /// Verb `update` of the Lease.
    pub async fn update_lease(
        &self,
        namespace: &str,
        name: &str,
        object: Value,
    ) -> Result<Value, Failure> {
        let body = Some(("application/json", object));
        self.call("PUT", &lease(namespace, name), body).await
    }
}

fn lease(namespace: &str, name: &str) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}")
}

/// Nothing else is even seen.
fn of_signer(signer: &str) -> String {
    format!(
        "fieldSelector=spec.signerName%3D{}",
        signer.replace('/', "%2F")
    )
}

fn request(
    method: &str,
    path: &str,
    body: Option<(&str, Value)>,
) -> Result<http::Request<Vec<u8>>, Failure> {
    let builder = http::Request::builder().method(method).uri(path);
    let made = match body {
        Some((kind, value)) => builder
            .header("content-type", kind)
            .body(value.to_string().into_bytes()),
        None => builder.body(Vec::new()),
    };
    made.map_err(|error| Failure {
        code: 0,
        reason: error.to_string(),
    })
}
