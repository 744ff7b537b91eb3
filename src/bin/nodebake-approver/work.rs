//! One task for each signer: list, watch, decide, carry out.

use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use kube::core::WatchEvent;
use nodebake::review::Decision;
use nodebake::timing::rfc3339;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep, timeout_at};

use crate::api::{Change, Failure, WATCH_SECONDS};
use crate::log;
use crate::state::State;
use crate::store::{Action, Store};

/// Calls at once. API servers take hundreds; one approver needs no more.
const AT_ONCE: usize = 16;
/// So many are carried out before the watch is read again: a server ends watches that are not read.
const BATCH: usize = 256;
/// After a change: others come with it, as when a rack is switched on.
const TOGETHER: Duration = Duration::from_millis(100);
/// What is left is looked at again after so long: the extract, the Lease or the clock may have changed.
const AGAIN: Duration = Duration::from_secs(2);
/// The first pause after a failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// A watch that ends sooner is followed by a pause.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);
/// Events about objects of no namespace are in this one.
const EVENTS: &str = "default";
/// Characters of a message that events and conditions are given (`events.k8s.io` takes 1,024).
const LONGEST_MESSAGE: usize = 1000;
const COMPONENT: &str = "nodebake-approver";

/// Decides the requests of one signer until the program ends.
pub async fn work(signer: &'static str, state: &State) {
    let mut store = Store::default();
    let mut pause = FIRST_PAUSE;
    loop {
        let begun = Instant::now();
        if let Err(failure) = session(signer, state, &mut store).await {
            state.metrics.borrow_mut().failure("watch", failure.code);
            let reason = failure.to_string();
            log::warn(
                "watching requests failed",
                &[("signer", signer), ("reason", &reason)],
            );
        } else {
            pause = FIRST_PAUSE;
        }
        if begun.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        // Two replicas, or the two tasks, must not come back at the same moment.
        let jitter = u64::from(OffsetDateTime::now_utc().microsecond()) % 250;
        sleep(pause + Duration::from_millis(jitter)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        state.beat();
    }
}

/// A list, and watches from there for as long as versions are known. A version that the server forgot is a good end.
async fn session(signer: &'static str, state: &State, store: &mut Store) -> Result<(), Failure> {
    let (items, mut version) = state.api.list(signer).await?;
    store.replace(&items);
    drop(items);
    state.listed.borrow_mut().insert(signer);
    loop {
        let begun = Instant::now();
        // First the watch: what is decided by a list alone may be out of date at once.
        let events = state.api.watch(signer, &version).await?;
        let mut has_more = act(signer, state, store).await;
        match follow(signer, state, store, (events, &mut has_more)).await? {
            Some(newer) if newer == GONE => return Ok(()),
            Some(newer) => version = newer,
            None => {}
        }
        // A server that ends watches at once is not asked in a circle.
        if begun.elapsed() < SHORTEST_WATCH {
            sleep(SHORTEST_WATCH).await;
        }
    }
}

/// In place of a version: the server has forgotten ours.
const GONE: &str = "gone";

/// Follows one watch to its end, and returns the version that it came to.
async fn follow(
    signer: &'static str,
    state: &State,
    store: &mut Store,
    (events, has_more): (impl Stream<Item = Result<Change, Failure>>, &mut bool),
) -> Result<Option<String>, Failure> {
    let mut events = std::pin::pin!(events);
    let mut version = None;
    // The server ends it before that; if it does not, the connection is dead.
    let end = Instant::now() + Duration::from_secs(u64::from(WATCH_SECONDS) + 15);
    let mut has_ended = false;
    while !has_ended {
        let mut deadline = Instant::now() + if *has_more { TOGETHER } else { AGAIN };
        if deadline > end {
            return Err(Failure {
                code: 0,
                reason: "a watch did not end in its time".into(),
            });
        }
        // Everything that comes shortly after the first change is decided together.
        loop {
            match timeout_at(deadline, events.next()).await {
                Err(_) => break,
                Ok(None) => {
                    has_ended = true;
                    break;
                }
                Ok(Some(Err(failure))) if failure.code == 410 => return Ok(Some(GONE.to_owned())),
                Ok(Some(event)) => {
                    if let Some(seen) = take(store, event?)? {
                        version = Some(seen);
                    }
                    if version.as_deref() == Some(GONE) {
                        return Ok(version);
                    }
                    deadline = deadline.min(Instant::now() + TOGETHER);
                }
            }
        }
        *has_more = act(signer, state, store).await;
    }
    Ok(version)
}

/// Takes a change in, and returns the version that it brings.
fn take(store: &mut Store, event: Change) -> Result<Option<String>, Failure> {
    let version = |item: &Value| {
        item["metadata"]["resourceVersion"]
            .as_str()
            .map(str::to_owned)
    };
    Ok(match event {
        WatchEvent::Added(item) | WatchEvent::Modified(item) => {
            store.put(&item);
            version(&item)
        }
        WatchEvent::Deleted(item) => {
            store.remove(&item);
            version(&item)
        }
        WatchEvent::Bookmark(mark) => Some(mark.metadata.resource_version),
        WatchEvent::Error(status) if status.code == 410 => Some(GONE.to_owned()),
        WatchEvent::Error(status) => {
            return Err(Failure {
                code: status.code,
                reason: status.message,
            });
        }
    })
}

/// Decides all that waits and carries a part of it out, if this replica acts. Whether there is more to do.
async fn act(signer: &'static str, state: &State, store: &mut Store) -> bool {
    state.beat();
    let pending = store.pending();
    state
        .metrics
        .borrow_mut()
        .pending
        .insert(signer.to_owned(), pending);
    if pending == 0 || !state.is_leader() {
        return false;
    }
    let Some(knowledge) = state.extract() else {
        return true;
    };
    let mut actions = match &knowledge {
        Ok(extract) => store.actions(Ok(extract)),
        Err(reason) => store.actions(Err(reason)),
    };
    let has_more = actions.len() > BATCH;
    actions.truncate(BATCH);
    let done = stream::iter(actions).map(|action| async move {
        let result = carry_out(signer, state, &action).await;
        (action, result)
    });
    let mut done = std::pin::pin!(done.buffer_unordered(AT_ONCE));
    while let Some((action, result)) = done.next().await {
        state.beat();
        match result {
            Ok(()) => told(signer, state, store, &action),
            // It has changed since, or is gone: the watch tells.
            Err(failure) if [404, 409].contains(&failure.code) => {}
            Err(failure) => {
                store.has_failed(&action);
                let call = call(&action);
                state.metrics.borrow_mut().failure(call, failure.code);
                let reason = failure.to_string();
                let fields = [
                    ("call", call),
                    ("request", &*action.name),
                    ("reason", &*reason),
                ];
                log::warn("a call failed", &fields);
            }
        }
    }
    has_more
}

fn call(action: &Action) -> &'static str {
    match action.decision {
        Decision::Approve => "approve",
        Decision::Deny => "deny",
        Decision::Leave => "event",
    }
}

fn told(signer: &str, state: &State, store: &mut Store, action: &Action) {
    if action.decision != Decision::Leave {
        store.has_done(action);
    }
    if !store.has_told(action) {
        return;
    }
    let decision = action.decision.name();
    state.metrics.borrow_mut().verdict(decision, &action.rule);
    log::info(
        if state.dry_run {
            "verdict, not carried out"
        } else {
            "verdict"
        },
        &[
            ("decision", decision),
            ("rule", &action.rule),
            ("request", &action.name),
            ("requestor", &action.requestor),
            ("node", &action.node),
            ("signer", signer),
            ("reason", &action.message),
        ],
    );
}

async fn carry_out(signer: &str, state: &State, action: &Action) -> Result<(), Failure> {
    if state.dry_run {
        return Ok(());
    }
    // The Lease may have ended while others were carried out.
    if !state.is_leader() {
        return Err(Failure {
            code: 409,
            reason: "another replica acts".into(),
        });
    }
    let kind = match action.decision {
        Decision::Approve => "Approved",
        Decision::Deny => "Denied",
        Decision::Leave => return tell(signer, state, action).await,
    };
    let now = rfc3339(OffsetDateTime::now_utc()).unwrap_or_default();
    let mut conditions = action.conditions.clone();
    conditions.push(json!({
        "type": kind,
        "status": "True",
        "reason": COMPONENT,
        "message": message(action),
        "lastUpdateTime": now,
    }));
    // Only if it is the very request that was decided on, without another decision meanwhile.
    let metadata = json!({"uid": action.uid, "resourceVersion": action.version});
    state
        .api
        .decide(&action.name, metadata, conditions)
        .await
        .map(drop)
}

/// An Event with the reason. Its name follows from what it says, so that it is made once.
async fn tell(signer: &str, state: &State, action: &Action) -> Result<(), Failure> {
    let digest = Sha256::digest(format!("{} {}", action.uid, action.rule));
    let digest: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let now = rfc3339(OffsetDateTime::now_utc()).unwrap_or_default();
    let event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": format!("{COMPONENT}.{digest}"), "namespace": EVENTS},
        "involvedObject": {
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "name": action.name,
            "uid": action.uid,
        },
        "type": "Warning",
        "reason": "Left",
        "message": message(action),
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": signer,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    });
    state.api.event(EVENTS, event).await
}

fn message(action: &Action) -> String {
    let text = format!("{}: {}", action.rule, action.message);
    text.chars().take(LONGEST_MESSAGE).collect()
}
