//! Requests and limits of a container. Source: kubernetes `pkg/apis/core/validation/validation.go`, ValidateContainerResourceRequirements,
//! and `pkg/apis/core/helper/helpers.go`.

use crate::host_files::static_pod::walk::{Walk, set};
use crate::kubernetes::names::label_key;
use crate::kubernetes::value::{exact, quantity};
use crate::yaml::{Located, Value};

const BILLION: i128 = 1_000_000_000;
const HUGE: &str = "hugepages-";

/// Checks requests and limits.
pub fn check(walk: &mut Walk<'_>, at: &Located) {
    // Those of claims and of the pod as a whole follow other rules.
    if !walk.path_of("").contains("ontainers[") {
        return;
    }
    let limits = amounts(walk, at, "limits");
    let requests = amounts(walk, at, "requests");
    for (name, value, requested) in &requests {
        let limit = limits
            .iter()
            .find(|(known, ..)| known == name)
            .map(|(_, _, amount)| *amount);
        let may_differ = is_native(name) && !name.starts_with(HUGE);
        let rule = match limit {
            Some(limit) if *requested > limit => "must not be more than its limit",
            Some(limit) if *requested != limit && !may_differ => "must be equal to its limit",
            None if !may_differ => "must have a limit, which is equal to it",
            _ => continue,
        };
        walk.invalid(value, &format!("requests[{name}]"), rule);
    }
    let all = || limits.iter().chain(&requests);
    let huge = all().find(|(name, ..)| name.starts_with(HUGE));
    if let Some((_, value, _)) = huge
        && !all().any(|(name, ..)| matches!(*name, "cpu" | "memory"))
    {
        walk.invalid(value, "", "huge pages need cpu or memory beside them");
    }
}

/// Name, value and amount in billionths of each resource.
type Amounts<'v> = Vec<(&'v str, &'v Located, i128)>;

fn amounts<'v>(walk: &mut Walk<'_>, at: &'v Located, kind: &str) -> Amounts<'v> {
    let mut amounts = Vec::new();
    let map = set(at, kind).and_then(Located::as_map);
    for (name, field) in map.into_iter().flat_map(|map| map.iter()) {
        let path = format!("{kind}[{name}]");
        if let Some(rule) = refused(name) {
            walk.invalid(&field.value, &path, &rule);
            continue;
        }
        let text = match &field.value.value {
            Value::String(text) => text.trim().to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            _ => continue,
        };
        // Another text is of the wrong type, which has been said; a larger one than fits is as good as none here.
        if quantity(&text).is_err() {
            continue;
        }
        let Some(amount) = exact(&text) else { continue };
        if amount < 0 {
            walk.invalid(&field.value, &path, "must not be negative");
        } else if !is_native(name) && amount % BILLION != 0 {
            walk.invalid(&field.value, &path, "must be a whole number");
        }
        amounts.push((&**name, &field.value, amount));
    }
    amounts
}

fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// The rule that a resource's name breaks.
fn refused(name: &str) -> Option<String> {
    if let Err(rule) = label_key(name) {
        return Some(format!("is not the name of a resource: {rule}"));
    }
    let is_known = if name.contains('/') {
        is_native(name) || !name.starts_with("requests.")
    } else {
        matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with(HUGE)
    };
    let rule =
        "must be cpu, memory, ephemeral-storage, hugepages-SIZE, or a device like example.com/gpu";
    (!is_known).then(|| rule.to_owned())
}
