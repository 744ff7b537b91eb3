//! Requests and limits of a pod as a whole, after the defaults that the kubelet's decoder sets. Source: kubernetes
//! `pkg/apis/core/validation/validation.go`, validatePodResources, and `pkg/apis/core/v1/defaults.go`, defaultPodRequests.

use std::collections::BTreeMap;

use crate::host_files::fault::Fault;
use crate::host_files::static_pod::resources::{HUGE, Level, amount_of, amounts};
use crate::host_files::static_pod::walk::{Walk, items, set, text};
use crate::host_files::yaml_text::position;
use crate::report::Id;
use crate::yaml::Located;

/// The last minor whose decoder fills in a pod's own requests and limits (later: the gate PodLevelResourcesFixDefaulting).
const DEFAULTED: u32 = 36;
/// The first minor whose kubelet validates a static pod with the options of its gates (pkg/kubelet/config/common.go); those before
/// take any amounts.
const VALIDATED: u32 = 35;

/// Amounts in billionths by resource.
type Sums<'v> = BTreeMap<&'v str, i128>;

/// Checks what a spec says of its pod's resources.
pub fn check(walk: &mut Walk<'_>, spec: &Located) {
    let Some(at) = set(spec, "resources").filter(|_| walk.minor >= 32) else {
        return;
    };
    if !walk.has_pod_resources {
        let rule = "spec.resources: the kubelet passes over it: its gate PodLevelResources is off";
        let fault = Fault::at(Id::StaticPodFieldUnknown, position(&at.location), rule);
        return walk.add(fault.help("set requests and limits of the containers"));
    }
    if walk.minor < VALIDATED {
        return;
    }
    if let Some(claims) = set(at, "claims") {
        let rule = "must not be set: claims are the containers'";
        walk.invalid(claims, "resources.claims", rule);
    }
    let path = |kind: &str| format!("resources.{kind}");
    let limits = amounts(walk, at, &path("limits"), Level::Pod);
    let requests = amounts(walk, at, &path("requests"), Level::Pod);
    // Where a value is, or the struct for what a default sets.
    let place = |kind: &str, name: &str| {
        let own = set(at, kind).and_then(|map| set(map, name));
        own.unwrap_or(at)
    };
    let sums = |amounts: &[(&'_ str, &'_ Located, i128)]| -> BTreeMap<String, i128> {
        amounts
            .iter()
            .map(|(name, _, amount)| ((*name).to_owned(), *amount))
            .collect()
    };
    let (mut limits, mut requests) = (sums(&limits), sums(&requests));
    let asked = together(spec, requested);
    let limited = together(spec, |container| own(container, "limits"));
    if walk.minor <= DEFAULTED {
        default(&mut limits, &mut requests, &asked, &limited);
    }
    for (name, request) in &requests {
        let rule = match limits.get(name) {
            Some(limit) if request > limit => "must not be more than its limit",
            Some(limit) if request != limit && is_huge(name) => "must be equal to its limit",
            None if is_huge(name) => "must have a limit, which is equal to it",
            _ => continue,
        };
        walk.invalid(
            place("requests", name),
            &format!("resources.requests[{name}]"),
            rule,
        );
    }
    let names = || limits.keys().chain(requests.keys());
    if let Some(name) = names().find(|name| is_huge(name))
        && !names().any(|name| matches!(name.as_str(), "cpu" | "memory"))
    {
        let rule = "huge pages need cpu or memory beside them";
        walk.invalid(place("limits", name), "resources", rule);
    }
    for (name, sum) in &asked {
        if requests.get(*name).is_some_and(|request| sum > request) {
            let rule = "must not be less than what the containers request together";
            walk.invalid(
                place("requests", name),
                &format!("resources.requests[{name}]"),
                rule,
            );
        }
    }
    for (name, sum) in limited.iter().filter(|(name, _)| is_huge(name)) {
        if limits.get(*name).is_some_and(|limit| sum > limit) {
            let rule = "must not be less than the limits of the containers together";
            walk.invalid(
                place("limits", name),
                &format!("resources.limits[{name}]"),
                rule,
            );
        }
    }
    for (index, container) in items(spec, "containers").iter().enumerate() {
        for (name, amount) in own(container, "limits") {
            if limits.get(name).is_some_and(|limit| amount > *limit) {
                let path = format!("containers[{index}].resources.limits[{name}]");
                walk.invalid(container, &path, "must not be more than the pod's limit");
            }
        }
    }
}

fn is_huge(name: &str) -> bool {
    name.starts_with(HUGE)
}

/// What a pod may say of itself.
fn is_supported(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || is_huge(name)
}

/// `defaultHugePagePodLimits` and `defaultPodRequests`.
fn default(
    limits: &mut BTreeMap<String, i128>,
    requests: &mut BTreeMap<String, i128>,
    asked: &Sums<'_>,
    limited: &Sums<'_>,
) {
    if limits.is_empty() && requests.is_empty() {
        return;
    }
    for (name, amount) in limited.iter().filter(|(name, _)| is_huge(name)) {
        if !requests.contains_key(*name) {
            limits.entry((*name).to_owned()).or_insert(*amount);
        }
    }
    if limits.is_empty() {
        return;
    }
    let common = |name: &&str| is_supported(name) && !is_huge(name);
    for (name, amount) in asked.iter().filter(|(name, _)| common(name)) {
        requests.entry((*name).to_owned()).or_insert(*amount);
    }
    for (name, amount) in &*limits {
        requests.entry(name.clone()).or_insert(*amount);
    }
}

/// The amounts of a container that can be read.
fn own<'v>(container: &'v Located, kind: &str) -> Sums<'v> {
    let resources = set(container, "resources").and_then(|resources| set(resources, kind));
    let map = resources.and_then(Located::as_map);
    let fields = map.into_iter().flat_map(|map| map.iter());
    fields
        .filter_map(|(name, field)| Some((&**name, amount_of(&field.value)?)))
        .collect()
}

/// What a container requests: its limit where it says nothing.
fn requested(container: &Located) -> Sums<'_> {
    let mut requests = own(container, "requests");
    for (name, limit) in own(container, "limits") {
        requests.entry(name).or_insert(limit);
    }
    requests
}

/// What containers need together: init containers run one by one, but those that go on do so beside all others
/// (component-helpers `resource/helpers.go`, AggregateContainerRequests).
fn together<'v>(spec: &'v Located, of: impl Fn(&'v Located) -> Sums<'v>) -> Sums<'v> {
    let (mut all, mut beside, mut most) = (Sums::new(), Sums::new(), Sums::new());
    for container in items(spec, "containers") {
        add(&mut all, &of(container));
    }
    for container in items(spec, "initContainers") {
        let mut own = of(container);
        let goes_on = text(container, "restartPolicy") == Some("Always");
        if goes_on {
            add(&mut all, &own);
            add(&mut beside, &own);
            own.clone_from(&beside);
        } else {
            add(&mut own, &beside);
        }
        larger(&mut most, &own);
    }
    larger(&mut all, &most);
    all
}

fn add<'v>(into: &mut Sums<'v>, more: &Sums<'v>) {
    for (name, amount) in more {
        *into.entry(name).or_default() += amount;
    }
}

fn larger<'v>(into: &mut Sums<'v>, other: &Sums<'v>) {
    for (name, amount) in other {
        let known = into.entry(name).or_insert(*amount);
        *known = (*known).max(*amount);
    }
}
