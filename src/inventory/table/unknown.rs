//! Columns that there are not: what there is in their place.

use crate::closest::closest;
use crate::inventory::shape::{Shape, Struct};
use crate::inventory::table::column::{NODE, head};
use crate::kubernetes::kubelet_config::Schema;

/// The rule that a name breaks, and the repair: the keys that are there at the level where the path ends.
pub fn unknown(name: &str) -> (String, String) {
    let rule = |text: &str| text.to_owned();
    let mut shape = NODE;
    let mut rest = name;
    let mut above = String::new();
    loop {
        let Some(of) = shape.structs().next() else {
            break;
        };
        let (head, tail) = head(rest);
        let Some(field) = of.field(head) else {
            return (rule("unknown column"), there_is(&above, head, of));
        };
        above = format!("{above}{head}.");
        shape = &field.shape;
        rest = tail.unwrap_or_default();
        // The keys of a map are the user's: behind one of them are ours again.
        let value = shape
            .value()
            .filter(|value| value.structs().next().is_some());
        if let Some((value, (key, tail))) = value.zip(rest.split_once('.')) {
            above = format!("{above}{key}.");
            (shape, rest) = (value, tail);
        }
        if rest.is_empty() {
            break;
        }
    }
    let is_whole = rest.is_empty();
    let repair = if let Some(of) = shape.structs().next().filter(|_| is_whole) {
        there_is(&above, "", of)
    } else if let Some(value) = shape.value() {
        let inner = value.structs().next().and_then(|of| of.fields().next());
        match inner {
            Some(field) => format!("write it like {above}NAME.{}", field.key),
            None => format!("write it like {above}KEY"),
        }
    } else if matches!(shape, Shape::KubeletConfig) {
        let fields = Schema::load().root().all_fields(None);
        let names: Vec<&str> = fields.map(|field| field.name).collect();
        match closest(rest, names.into_iter()) {
            Some(near) if !is_whole => format!("did you mean {above}{near}?"),
            _ => format!("write it like {above}maxPods, with a field of KubeletConfiguration"),
        }
    } else if shape.item().is_some() {
        "set it in cluster.yaml, in a profile or in a table in JSON".to_owned()
    } else {
        let above = above.trim_end_matches('.');
        format!("{above} has no keys; write it as {above}")
    };
    let message = if is_whole {
        "a cell cannot hold this"
    } else {
        "unknown column"
    };
    (rule(message), repair)
}

fn there_is(above: &str, key: &str, of: &'static Struct) -> String {
    let keys = || of.fields().map(|field| field.key);
    if let Some(near) = closest(key, keys()).filter(|_| !key.is_empty()) {
        return format!("did you mean {above}{near}?");
    }
    let keys: Vec<&str> = keys().collect();
    let keys = keys.join(", ");
    if above.is_empty() {
        format!(
            "write a label as labels.KEY and a value for templates as vars.NAME; the other columns begin with {keys}"
        )
    } else {
        format!("behind {above} come {keys}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::table::column::Column;

    #[test]
    fn an_unknown_column_says_what_there_is() {
        for (name, rule, repair) in [
            ("adresses", "unknown column", "did you mean addresses?"),
            (
                "rack",
                "unknown column",
                "write a label as labels.KEY and a value for templates as vars.NAME; \
              the other columns begin with name, addresses, macs, ",
            ),
            ("range", "unknown column", "write a label as "),
            (
                "labels",
                "a cell cannot hold this",
                "write it like labels.KEY",
            ),
            (
                "labels.",
                "a cell cannot hold this",
                "write it like labels.KEY",
            ),
            ("label:", "unknown column", "did you mean labels?"),
            (
                "interfaces",
                "a cell cannot hold this",
                "write it like interfaces.NAME.mac",
            ),
            (
                "interfaces.eth0",
                "unknown column",
                "write it like interfaces.NAME.mac",
            ),
            (
                "interfaces.eth0.adresses",
                "unknown column",
                "did you mean interfaces.eth0.addresses?",
            ),
            (
                "interfaces.eth0.zzz",
                "unknown column",
                "behind interfaces.eth0. come mac, addresses, dhcp, ",
            ),
            (
                "interfaces.eth0.routes",
                "a cell cannot hold this",
                "set it in cluster.yaml, in a profile or in a table in JSON",
            ),
            ("os", "a cell cannot hold this", "behind os. come "),
            ("os.arhc", "unknown column", "did you mean os.arch?"),
            (
                "kubernetes.minor",
                "unknown column",
                "kubernetes has no keys; write it as kubernetes",
            ),
            (
                "kubelet.config",
                "a cell cannot hold this",
                "write it like kubelet.config.maxPods, ",
            ),
            (
                "kubelet.config.maxPod",
                "unknown column",
                "did you mean kubelet.config.maxPods?",
            ),
        ] {
            assert_eq!(Column::of(name), None, "{name}");
            let (said, help) = unknown(name);
            assert_eq!(said, rule, "{name}");
            assert!(help.starts_with(repair), "{name}: {help}");
        }
    }
}
