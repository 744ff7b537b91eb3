//! Where a setting of a kubelet lives. Over the years flags became fields of the configuration, and flags of what is
//! gone went with it; a profile that serves every minor says each thing once, and this room says where it goes.
//!
//! A setting may move only where it means the same: to the field that the flag sets, to the flag that a later field
//! came from, or to nowhere if the kubelet of that minor does so by itself.

use crate::kubernetes::gates::{self, Gates};
use crate::kubernetes::kubelet_config::{FieldAnswer, Schema};

/// Where a flag or field of a minor belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// Where it is.
    Here,
    /// In this field, by its path below the configuration.
    Field(&'static str),
    /// In this flag.
    Flag(&'static str),
    /// Nowhere: the kubelet does so by itself, for the reason given.
    Implied(&'static str),
    /// Nowhere yet: it came with this later minor.
    NotYet(u32),
    /// Nowhere as long as this feature gate is off.
    Gated(&'static str),
    /// Nowhere any more, or nobody knows it: a mistake.
    Nowhere,
}

/// A flag that says nothing from some minor on.
struct Implied {
    flag: &'static str,
    /// The value that is implied; None: whatever it is.
    value: Option<&'static str>,
    since: u32,
    why: &'static str,
}

const NO_DOCKERSHIM: &str = "dockershim's own, which went with Kubernetes 1.24";
const STDERR: &str = "the kubelet logs to stderr by itself";

/// Source: the kubelet's change logs for 1.24 (dockershim), 1.26 (klog's flags) and 1.27 (container-runtime), and
/// `component-base/logs`, which always set `logtostderr`.
const IMPLIED: [Implied; 16] = [
    implied(
        "container-runtime",
        Some("remote"),
        24,
        "the only runtime since 1.24",
    ),
    implied("network-plugin", Some("cni"), 24, NO_DOCKERSHIM),
    implied("cni-conf-dir", None, 24, NO_DOCKERSHIM),
    implied("cni-bin-dir", None, 24, NO_DOCKERSHIM),
    implied("cni-cache-dir", None, 24, NO_DOCKERSHIM),
    implied("network-plugin-mtu", None, 24, NO_DOCKERSHIM),
    implied("image-pull-progress-deadline", None, 24, NO_DOCKERSHIM),
    implied("docker-endpoint", None, 24, NO_DOCKERSHIM),
    implied(
        "pod-infra-container-image",
        None,
        35,
        "the container runtime's configuration names that image",
    ),
    implied("logtostderr", Some("true"), 23, STDERR),
    implied("alsologtostderr", Some("false"), 23, STDERR),
    implied("log-dir", Some(""), 23, STDERR),
    implied("log-file", Some(""), 23, STDERR),
    implied("skip-headers", Some("false"), 23, STDERR),
    implied("add-dir-header", Some("false"), 23, STDERR),
    implied("stderrthreshold", None, 23, STDERR),
];

const fn implied(
    flag: &'static str,
    value: Option<&'static str>,
    since: u32,
    why: &'static str,
) -> Implied {
    Implied {
        flag,
        value,
        since,
        why,
    }
}

/// Where a flag (without its dashes) belongs in a minor.
pub fn flag(name: &str, value: &str, minor: u32) -> Home {
    let says_nothing = |one: &&Implied| {
        one.flag == name && one.since <= minor && one.value.is_none_or(|implied| implied == value)
    };
    if let Some(found) = IMPLIED.iter().find(says_nothing) {
        return Home::Implied(found.why);
    }
    let schema = Schema::load();
    let answer = schema.flag(name, minor);
    if let (FieldAnswer::Unknown { .. }, _) | (_, None) = (&answer, schema.field_of(name, minor)) {
        return match answer {
            FieldAnswer::Found(_) => Home::Here,
            FieldAnswer::NotYet { since } => Home::NotYet(since),
            FieldAnswer::Gone { .. } | FieldAnswer::Unknown { .. } => Home::Nowhere,
        };
    }
    schema.field_of(name, minor).map_or(Home::Here, Home::Field)
}

/// Where a field belongs in a minor, by its path below the configuration: `logging.format`.
pub fn field(path: &str, minor: u32, gates: &Gates) -> Home {
    let schema = Schema::load();
    match schema.path(path, minor) {
        FieldAnswer::Found(_) => match gates::of_field(path, minor) {
            Some(gate) if !gates.enabled(gate) => Home::Gated(gate),
            _ => Home::Here,
        },
        FieldAnswer::NotYet { since } => match schema.flag_of(path, minor) {
            Some(flag) => Home::Flag(flag),
            None => Home::NotYet(since),
        },
        FieldAnswer::Gone { .. } => match schema.flag_of(path, minor) {
            Some(flag) => Home::Flag(flag),
            None => Home::Nowhere,
        },
        FieldAnswer::Unknown { .. } => Home::Nowhere,
    }
}

impl Schema {
    /// What a path of keys below the configuration means in one minor.
    pub fn path(&self, path: &str, minor: u32) -> FieldAnswer {
        let mut at = self.root();
        let mut keys = path.split('.').peekable();
        while let Some(key) = keys.next() {
            let answer = at.field(key, minor);
            if keys.peek().is_none() {
                return answer;
            }
            match answer {
                FieldAnswer::Found(crate::kubernetes::kubelet_config::FieldKind::Struct(of)) => {
                    at = *of
                }
                FieldAnswer::Found(_) => break,
                answer => return answer,
            }
        }
        FieldAnswer::Unknown { suggestion: None }
    }

    /// The field that a flag sets, if this minor has that field: whether it has the flag or had it once.
    pub fn field_of(&'static self, flag: &str, minor: u32) -> Option<&'static str> {
        let spans = self.flag_fields.get(flag)?;
        let now = spans.iter().find(|span| span.holds(minor));
        // A flag that is gone had its field in its last minor; one that is there is bound to it, or is not.
        let is_there = matches!(self.flag(flag, minor), FieldAnswer::Found(_));
        let span = now.or_else(|| spans.last().filter(|_| !is_there))?;
        let found = matches!(self.path(&span.kind, minor), FieldAnswer::Found(_));
        found.then_some(span.kind.as_str())
    }

    /// The flag of this minor that sets a field, or will do so when the field is there.
    pub fn flag_of(&'static self, path: &str, minor: u32) -> Option<&'static str> {
        let flags = self.flag_fields.iter();
        let mut flags = flags.filter(|(_, spans)| spans.iter().any(|span| span.kind == path));
        flags
            .find(|(flag, _)| matches!(self.flag(flag, minor), FieldAnswer::Found(_)))
            .map(|(flag, _)| flag.as_str())
    }

    /// Whether the kubelet of a minor warns about the use of a flag.
    pub fn is_deprecated(&self, flag: &str, minor: u32) -> bool {
        let spans = self.deprecated_flags.get(flag);
        spans.is_some_and(|spans| spans.iter().any(|span| span.holds(minor)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_fields_or_say_nothing_any_more() {
        for (name, value, minor, home) in [
            ("container-runtime-endpoint", "unix:///x", 26, Home::Here),
            (
                "container-runtime-endpoint",
                "unix:///x",
                27,
                Home::Field("containerRuntimeEndpoint"),
            ),
            ("volume-plugin-dir", "/x", 18, Home::Here),
            (
                "volume-plugin-dir",
                "/x",
                19,
                Home::Field("volumePluginDir"),
            ),
            ("cgroup-driver", "systemd", 16, Home::Field("cgroupDriver")),
            ("register-with-taints", "a=b:NoSchedule", 22, Home::Here),
            (
                "register-with-taints",
                "a=b:NoSchedule",
                23,
                Home::Field("registerWithTaints"),
            ),
            (
                "iptables-drop-bit",
                "15",
                31,
                Home::Field("iptablesDropBit"),
            ),
            ("container-runtime", "remote", 23, Home::Here),
            (
                "container-runtime",
                "remote",
                24,
                Home::Implied("the only runtime since 1.24"),
            ),
            ("container-runtime", "docker", 24, Home::Here),
            ("container-runtime", "docker", 27, Home::Nowhere),
            ("logtostderr", "true", 22, Home::Here),
            ("logtostderr", "true", 34, Home::Implied(STDERR)),
            ("logtostderr", "false", 34, Home::Nowhere),
            ("pod-infra-container-image", "pause:3", 34, Home::Here),
            ("config-dir", "/x", 27, Home::NotYet(28)),
            ("root-dir", "/x", 37, Home::Here),
            ("node-labels", "a=b", 37, Home::Here),
            ("v", "2", 37, Home::Here),
            ("nonsense", "", 37, Home::Nowhere),
        ] {
            assert_eq!(
                flag(name, value, minor),
                home,
                "{name}={value} in 1.{minor}"
            );
        }
    }

    #[test]
    fn fields_become_the_flags_that_they_came_from() {
        for (path, minor, home) in [
            (
                "containerRuntimeEndpoint",
                26,
                Home::Flag("container-runtime-endpoint"),
            ),
            ("containerRuntimeEndpoint", 27, Home::Here),
            (
                "imageServiceEndpoint",
                16,
                Home::Flag("image-service-endpoint"),
            ),
            ("registerWithTaints", 22, Home::Flag("register-with-taints")),
            ("volumePluginDir", 18, Home::Flag("volume-plugin-dir")),
            ("providerID", 18, Home::Flag("provider-id")),
            ("maxParallelImagePulls", 26, Home::NotYet(27)),
            ("shutdownGracePeriod", 19, Home::NotYet(20)),
            (
                "shutdownGracePeriod",
                20,
                Home::Gated("GracefulNodeShutdown"),
            ),
            ("shutdownGracePeriod", 21, Home::Here),
            ("seccompDefault", 24, Home::Gated("SeccompDefault")),
            ("seccompDefault", 25, Home::Here),
            ("seccompDefault", 37, Home::Here),
            ("logging.format", 34, Home::Here),
            ("logging.sanitization", 24, Home::Nowhere),
            ("nonsense", 34, Home::Nowhere),
        ] {
            let gates = Gates::new(Default::default(), minor);
            assert_eq!(field(path, minor, &gates), home, "{path} in 1.{minor}");
        }
    }

    #[test]
    fn deprecated_are_those_that_a_field_replaces_and_those_that_go() {
        let schema = Schema::load();
        assert!(schema.is_deprecated("max-pods", 16));
        assert!(!schema.is_deprecated("container-runtime-endpoint", 26));
        assert!(schema.is_deprecated("container-runtime-endpoint", 27));
        assert!(schema.is_deprecated("container-runtime", 24));
        assert!(!schema.is_deprecated("logtostderr", 22));
        assert!(schema.is_deprecated("logtostderr", 23));
        assert!(!schema.is_deprecated("v", 34));
    }
}
