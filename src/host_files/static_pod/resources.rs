//! Requests and limits of a container. Source: kubernetes `pkg/apis/core/validation/validation.go`, ValidateContainerResourceRequirements,
//! and `pkg/apis/core/helper/helpers.go`.

use crate::host_files::static_pod::walk::{Walk, set};
use crate::kubernetes::names::label_key;
use crate::kubernetes::value::{exact, quantity};
use crate::yaml::{Located, Value};

const BILLION: i128 = 1_000_000_000;
/// What the names of huge pages begin with.
pub const HUGE: &str = "hugepages-";
/// The first minor that wants whole pages (IsHugePageResourceValueDivisible).
const WHOLE_PAGES: u32 = 21;

/// Whose resources they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A container's.
    Container,
    /// A pod's as a whole.
    Pod,
}

/// Checks requests and limits.
pub fn check(walk: &mut Walk<'_>, at: &Located) {
    // Those of claims and of the pod as a whole follow other rules.
    if !walk.path_of("").contains("ontainers[") {
        return;
    }
    let limits = amounts(walk, at, "limits", Level::Container);
    let requests = amounts(walk, at, "requests", Level::Container);
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
pub type Amounts<'v> = Vec<(&'v str, &'v Located, i128)>;

/// The amounts of a map below here, each name and value checked by itself.
pub fn amounts<'v>(walk: &mut Walk<'_>, at: &'v Located, path: &str, level: Level) -> Amounts<'v> {
    let mut amounts = Vec::new();
    let kind = path.rsplit('.').next().unwrap_or_default();
    let map = set(at, kind).and_then(Located::as_map);
    for (name, field) in map.into_iter().flat_map(|map| map.iter()) {
        let path = format!("{path}[{name}]");
        if let Some(rule) = refused(name, level) {
            walk.invalid(&field.value, &path, &rule);
            continue;
        }
        let Some(amount) = amount_of(&field.value) else {
            continue;
        };
        if amount < 0 {
            walk.invalid(&field.value, &path, "must not be negative");
        } else if !is_native(name) && amount % BILLION != 0 {
            walk.invalid(&field.value, &path, "must be a whole number");
        } else if walk.minor >= WHOLE_PAGES && !is_whole(name, amount) {
            walk.invalid(&field.value, &path, "must be a multiple of the page's size");
        }
        amounts.push((&**name, &field.value, amount));
    }
    amounts
}

/// A quantity in billionths. One of the wrong type has been said, and a larger one than fits is as good as none here.
pub fn amount_of(value: &Located) -> Option<i128> {
    let text = match &value.value {
        Value::String(text) => text.trim().to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        _ => return None,
    };
    quantity(&text).ok()?;
    exact(&text)
}

/// Whether an amount of huge pages is one of whole pages.
fn is_whole(name: &str, amount: i128) -> bool {
    let Some(size) = name.strip_prefix(HUGE) else {
        return true;
    };
    match exact(size) {
        // The API rounds both up to whole bytes.
        Some(size) if size > 0 && size % BILLION == 0 => {
            let bytes = amount.div_euclid(BILLION) + i128::from(amount % BILLION != 0);
            bytes % (size / BILLION) == 0
        }
        _ => false,
    }
}

fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// The rule that a resource's name breaks.
fn refused(name: &str, level: Level) -> Option<String> {
    if let Err(rule) = label_key(name) {
        return Some(format!("is not the name of a resource: {rule}"));
    }
    if level == Level::Pod {
        let is_one = matches!(name, "cpu" | "memory") || name.starts_with(HUGE);
        return (!is_one).then(|| "must be cpu, memory or hugepages-SIZE for a pod".to_owned());
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
