//! The groups that a bootstrap token puts its holder into: one for all nodes, which RBAC is bound to, and one for the
//! node alone, which audit logs show.

use crate::wording::counted;

/// The group of every bootstrap token, whatever its Secret says.
pub const IMPLICIT_GROUP: &str = "system:bootstrappers";
/// The pattern of a node's own group.
pub const DEFAULT_NODE_GROUP: &str = "system:bootstrappers:node:{node}";

/// The longest text that is allowed between the prefix and the last character.
const LONGEST_MIDDLE: usize = 255;

/// The groups of a cluster's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// The group of all nodes.
    pub shared: String,
    /// The group of one node, with `{node}` for its name.
    pub node: String,
}

impl Groups {
    /// A node's own group. A dot is not allowed in a group but does in node names, and a colon is not allowed in node
    /// names, so that two names never become one group.
    pub fn of_node(&self, node: &str) -> String {
        self.node.replace("{node}", &node.replace('.', ":"))
    }

    /// The groups that a node's Secret must name: those that are not implicit, each once.
    pub fn extra(&self, node: &str) -> Vec<String> {
        let mut groups = vec![self.shared.clone(), self.of_node(node)];
        groups.retain(|group| group != IMPLICIT_GROUP);
        groups.dedup();
        groups
    }
}

/// The group of a cluster that does not choose one: its own, so that tokens made by other means, which all are in
/// `system:bootstrappers`, get no rights from our RBAC.
pub fn default_group(cluster: &str) -> String {
    format!("{IMPLICIT_GROUP}:nodebake:{}", cluster.replace('.', ":"))
}

/// Why the API server would not take a group; it then refuses the whole token without a word. The rule is
/// `\Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z` (k8s.io/cluster-bootstrap), or the implicit group.
pub fn group_fault(group: &str) -> Option<String> {
    if group == IMPLICIT_GROUP {
        return None;
    }
    let Some(rest) = group
        .strip_prefix(IMPLICIT_GROUP)
        .and_then(|rest| rest.strip_prefix(':'))
    else {
        return Some(format!(
            "the group {group} must be {IMPLICIT_GROUP} or begin with {IMPLICIT_GROUP}:"
        ));
    };
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if let Some(wrong) = rest
        .chars()
        .find(|c| !is_end(*c) && !matches!(c, ':' | '-'))
    {
        return Some(format!(
            "the group {group} holds {wrong:?}; a group holds a-z, 0-9, : and - only"
        ));
    }
    if !rest.ends_with(is_end) {
        return Some(format!(
            "the group {group} must end with a letter or a digit"
        ));
    }
    (rest.len() > LONGEST_MIDDLE + 1).then(|| {
        format!(
            "the group {group} is too long: {} may follow {IMPLICIT_GROUP}:",
            counted(LONGEST_MIDDLE + 1, "character")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_become_colons_and_names_stay_apart() {
        let groups = Groups {
            shared: default_group("prod.example"),
            node: DEFAULT_NODE_GROUP.into(),
        };
        assert_eq!(
            groups.extra("gpu-1.example.com"),
            [
                "system:bootstrappers:nodebake:prod:example",
                "system:bootstrappers:node:gpu-1:example:com"
            ]
        );
        assert_ne!(groups.of_node("a.b"), groups.of_node("a-b"));
    }

    /// Names of every shape that Kubernetes allows, of all lengths, dotted and not, from a fixed seed.
    #[test]
    fn a_hundred_thousand_names_have_valid_groups_of_their_own() {
        const SYMBOLS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-.";
        let mut state = 20_261_124_u64;
        let mut draw = |below: usize| {
            // Knuth's MMIX generator; the high bits are the random ones.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut names = std::collections::HashSet::new();
        // Pairs that a careless encoding of the dot would make one.
        names.extend(["a.b", "a-b", "a--b", "a.b.c", "a-b.c", "a.b-c", "ab"].map(str::to_owned));
        while names.len() < 100_000 {
            let length = 1 + draw(63);
            let name: String = (0..length)
                .map(|_| SYMBOLS[draw(SYMBOLS.len())] as char)
                .collect();
            if crate::kubernetes::names::node_name(&name).is_ok() {
                names.insert(name);
            }
        }
        for node in [DEFAULT_NODE_GROUP, "system:bootstrappers:{node}"] {
            let groups = Groups {
                shared: default_group("prod"),
                node: node.into(),
            };
            let mut seen = std::collections::HashSet::new();
            for name in &names {
                let group = groups.of_node(name);
                assert_eq!(group_fault(&group), None, "{name}");
                assert!(seen.insert(group), "{name} shares its group");
            }
        }
    }

    #[test]
    fn the_implicit_group_and_repeats_are_left_out() {
        let groups = |shared: &str, node: &str| {
            Groups {
                shared: shared.into(),
                node: node.into(),
            }
            .extra("a")
        };
        assert_eq!(
            groups(IMPLICIT_GROUP, "system:bootstrappers:{node}"),
            ["system:bootstrappers:a"]
        );
        assert_eq!(
            groups("system:bootstrappers:a", "system:bootstrappers:{node}"),
            ["system:bootstrappers:a"]
        );
        assert!(groups(IMPLICIT_GROUP, IMPLICIT_GROUP).is_empty());
    }

    #[test]
    fn a_group_that_the_api_server_refuses_has_a_fault() {
        let long = format!("system:bootstrappers:{}", "a".repeat(256));
        for good in [
            "system:bootstrappers",
            "system:bootstrappers:a",
            "system:bootstrappers:-:0",
            &long,
        ] {
            assert_eq!(group_fault(good), None, "{good}");
        }
        let longer = format!("{long}a");
        for (bad, why) in [
            ("system:masters", "must be"),
            ("system:bootstrappersx", "must be"),
            ("system:bootstrappers:", "must end"),
            ("system:bootstrappers:a-", "must end"),
            ("system:bootstrappers:a:", "must end"),
            ("system:bootstrappers:a.b", "holds '.'"),
            ("system:bootstrappers:A", "holds 'A'"),
            ("system:bootstrappers:a_b", "holds '_'"),
            ("system:bootstrappers:a\n", "holds '\\n'"),
            ("system:bootstrappers:{node}", "holds '{'"),
            (&longer, "too long"),
        ] {
            let fault = group_fault(bad).unwrap();
            assert!(fault.contains(why), "{bad}: {fault}");
        }
    }
}
