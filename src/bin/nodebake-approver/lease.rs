//! The Lease: of several replicas one acts, and the newest extract that was ever decided by is written there. It is part of
//! the manifests, so that the ServiceAccount need not create any.

use std::time::{Duration, Instant};

use nodebake::timing::{parse_rfc3339, rfc3339};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::api::{Api, Failure};
use crate::knowledge::Age;

/// A Lease that nobody renewed for so long is free.
const DURATION: Duration = Duration::from_secs(15);
/// Its holder stops acting before others may begin.
const RENEWED_WITHIN: Duration = Duration::from_secs(10);
/// The annotation with the newest extract: `GENERATION TIME`.
const SEEN: &str = "nodebake.io/newest-extract";
/// How Kubernetes writes a MicroTime.
const MICRO: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

/// What this replica knows of the Lease.
pub struct Lease {
    namespace: String,
    name: String,
    identity: String,
    held_until: Option<Instant>,
    /// What was last read of another holder, and when it last changed, by our own clock: those of others may differ.
    observed: Option<(String, Instant)>,
    seen: Option<Age>,
}

impl Lease {
    /// Nothing was read yet.
    pub fn new(namespace: &str, name: &str, identity: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            identity: identity.to_owned(),
            held_until: None,
            observed: None,
            seen: None,
        }
    }

    /// Whether this replica acts now.
    pub fn is_held(&self) -> bool {
        self.held_until.is_some_and(|until| Instant::now() < until)
    }

    /// Until then this replica acts.
    pub fn held_until(&self) -> Option<Instant> {
        self.held_until
    }

    /// The newest extract that was ever decided by.
    pub fn seen(&self) -> Option<Age> {
        self.seen
    }

    /// Renews the Lease, or takes it where it is free. `newest` is the extract that this replica would decide by.
    pub async fn renew(&mut self, api: &Api, newest: Option<Age>) -> Result<(), Failure> {
        let asked = Instant::now();
        let object = api.lease(&self.namespace, &self.name).await?;
        self.read(&object);
        if !self.may_take(&object, asked) {
            self.held_until = None;
            return Ok(());
        }
        // An older one does not take the place of what the Lease has.
        let seen = self.seen.max(newest);
        let object = self.taken(object, seen);
        match api.update_lease(&self.namespace, &self.name, object).await {
            Ok(object) => {
                self.read(&object);
                self.held_until = Some(asked + RENEWED_WITHIN);
                Ok(())
            }
            // Another replica was first.
            Err(failure) if failure.code == 409 => {
                self.held_until = None;
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// Gives the Lease away, so that another replica need not wait for its end.
    pub async fn release(&mut self, api: &Api) -> Result<(), Failure> {
        if !self.is_held() {
            return Ok(());
        }
        self.held_until = None;
        let mut object = api.lease(&self.namespace, &self.name).await?;
        if object["spec"]["holderIdentity"].as_str() == Some(self.identity.as_str()) {
            object["spec"]["holderIdentity"] = json!("");
            api.update_lease(&self.namespace, &self.name, object)
                .await?;
        }
        Ok(())
    }

    fn read(&mut self, object: &Value) {
        let text = object["metadata"]["annotations"][SEEN].as_str();
        // Memory is the second place: it does not go back while the program runs.
        self.seen = self.seen.max(text.and_then(age));
    }

    fn may_take(&mut self, object: &Value, now: Instant) -> bool {
        let spec = &object["spec"];
        let holder = spec["holderIdentity"].as_str().unwrap_or_default();
        if holder.is_empty() || holder == self.identity {
            return true;
        }
        let renewed = spec["renewTime"].as_str().unwrap_or_default();
        let record = format!("{holder} {renewed}");
        match &self.observed {
            Some((known, since)) if *known == record => now.duration_since(*since) > DURATION,
            _ => {
                self.observed = Some((record, now));
                false
            }
        }
    }

    fn taken(&self, mut object: Value, seen: Option<Age>) -> Value {
        let now = OffsetDateTime::now_utc().format(MICRO).unwrap_or_default();
        let spec = &mut object["spec"];
        if spec["holderIdentity"].as_str() != Some(self.identity.as_str()) {
            let transitions = spec["leaseTransitions"].as_u64().unwrap_or_default();
            spec["holderIdentity"] = json!(self.identity);
            spec["acquireTime"] = json!(now);
            spec["leaseTransitions"] = json!(transitions + 1);
        }
        spec["leaseDurationSeconds"] = json!(DURATION.as_secs());
        spec["renewTime"] = json!(now);
        if let Some((generation, changed)) = seen {
            let changed = changed.and_then(rfc3339).unwrap_or_default();
            let text = format!("{generation} {changed}");
            object["metadata"]["annotations"][SEEN] = json!(text.trim_end());
        }
        object
    }
}

fn age(text: &str) -> Option<Age> {
    let (generation, changed) = text.split_once(' ').unwrap_or((text, ""));
    Some((generation.parse().ok()?, parse_rfc3339(changed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_taken_when_it_is_free_and_remembers_the_newest_extract() {
        let mut lease = Lease::new("ns", "name", "me");
        let now = Instant::now();
        let held = |by: &str, at: &str| json!({"spec": {"holderIdentity": by, "renewTime": at}});
        assert!(lease.may_take(&json!({"spec": {}}), now));
        assert!(lease.may_take(&held("me", "1"), now));
        assert!(!lease.may_take(&held("other", "1"), now));
        assert!(!lease.may_take(&held("other", "1"), now + DURATION));
        assert!(lease.may_take(&held("other", "1"), now + DURATION + Duration::from_secs(1)));
        assert!(!lease.may_take(&held("other", "2"), now + DURATION + Duration::from_secs(1)));
        for (written, known) in [("7 2026-11-24T15:00:00Z", true), ("7", false)] {
            let age = age(written).unwrap();
            assert_eq!((age.0, age.1.is_some()), (7, known));
            let object = lease.taken(json!({"metadata": {}, "spec": {}}), Some(age));
            assert_eq!(object["metadata"]["annotations"][SEEN], written);
            lease.read(&object);
            assert_eq!(lease.seen(), lease.seen().max(Some(age)));
        }
        // A smaller one does not take its place.
        lease.read(&json!({"metadata": {"annotations": {SEEN: "6"}}}));
        assert_eq!(lease.seen().unwrap().0, 7);
        assert_eq!(age("x"), None);
    }
}
