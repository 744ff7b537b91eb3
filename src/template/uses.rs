//! Which parts of the scope a template asks for. In: a template's text. Out: at least the parts that it asks for, so that
//! a template that asks for nothing of the node's own is rendered once for all nodes of a class.

use crate::template::words::{Is, Word, words};

/// Parts of what templates see. Each is the same for all nodes of a class, or it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts(u16);

impl Parts {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// `cluster`.
    pub const CLUSTER: Self = Self(1);
    /// `vars`.
    pub const VARS: Self = Self(1 << 1);
    /// `os`.
    pub const OS: Self = Self(1 << 2);
    /// `containerd`.
    pub const CONTAINERD: Self = Self(1 << 3);
    /// `paths`.
    pub const PATHS: Self = Self(1 << 4);
    /// `kubelet.version` and `kubelet.minor`.
    pub const VERSION: Self = Self(1 << 5);
    /// `kubelet.config` and `kubelet.shutdownSeconds`, which follows from it.
    pub const CONFIG: Self = Self(1 << 6);
    /// `kubelet.flags` and `kubelet.args`.
    pub const FLAGS: Self = Self(1 << 7);
    /// `node`.
    pub const NODE: Self = Self(1 << 8);
    /// All there is.
    pub const ALL: Self = Self(u16::MAX);

    /// Both.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of the other's parts are among these.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These parts, or none of them.
    pub fn only_if(self, is_so: bool) -> Self {
        if is_so { self } else { Self::NONE }
    }
}

/// `kubelet`, all of it.
const KUBELET: Parts = Parts::VERSION.with(Parts::CONFIG).with(Parts::FLAGS);

/// The parts that a template asks for, and maybe more: a name counts even where it is one of the template's own.
pub fn uses(text: &str) -> Parts {
    let words = words(text);
    let mut uses = Parts::NONE;
    for (index, word) in words.iter().enumerate() {
        let Is::Name(name) = word.is else { continue };
        if is_field(&words[..index]) {
            continue;
        }
        let field = match words.get(index + 1..index + 3) {
            Some([dot, field]) if dot.is == Is::Sign(b'.') => match field.is {
                Is::Name(field) => Some(field),
                _ => None,
            },
            _ => None,
        };
        uses = uses.with(match name {
            "cluster" => Parts::CLUSTER,
            "vars" => Parts::VARS,
            "os" => Parts::OS,
            "containerd" => Parts::CONTAINERD,
            "paths" => Parts::PATHS,
            "node" => Parts::NODE,
            "kubelet" => match field {
                Some("version" | "minor") => Parts::VERSION,
                Some("config" | "shutdownSeconds") => Parts::CONFIG,
                Some("flags" | "args") => Parts::FLAGS,
                // A flag may name the runtime, and so may a field.
                Some("runtimeEndpoint" | "runtimeUnit") => Parts::CONFIG.with(Parts::FLAGS),
                _ => KUBELET,
            },
            // Tera's own names, `__tera_context` among them, which is all of the scope.
            name if name.starts_with("__tera") => Parts::ALL,
            _ => Parts::NONE,
        });
    }
    uses
}

/// Whether what follows these words is a field of something, as `x` in `a.x`. Behind several dots a list or map begins.
fn is_field(before: &[Word<'_>]) -> bool {
    let is_dot = |word: &Word<'_>| word.is == Is::Sign(b'.');
    match before {
        [.., one, other] => is_dot(other) && !is_dot(one),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_template_asks_for_is_found_wherever_it_asks() {
        for (text, expected) in [
            ("no tag, node.name", Parts::NONE),
            (
                "{# {{ node.name }} #}{% raw %}{{ node }}{% endraw %}",
                Parts::NONE,
            ),
            ("{{ 'node' }}{{ \"kubelet.args\" }}", Parts::NONE),
            ("{{ vars.node_name }}", Parts::VARS),
            (
                "{{ cluster.name }}/{{ paths.kubelet }}",
                Parts::CLUSTER.with(Parts::PATHS),
            ),
            ("{{ vars.node.x }}{{ vars.os }}", Parts::VARS),
            ("{{ [...node] }}", Parts::NODE),
            (
                "{{ os.name }}{{ containerd.root }}",
                Parts::OS.with(Parts::CONTAINERD),
            ),
            ("{{ node.name }}", Parts::NODE),
            (
                "{% if 1 == 2 %}{% elif node is defined %}{% endif %}",
                Parts::NODE,
            ),
            ("{{ vars.map[node.name] }}", Parts::VARS.with(Parts::NODE)),
            (
                "{{ vars.x | default(value=node.name) }}",
                Parts::VARS.with(Parts::NODE),
            ),
            ("{% set n = node %}{{ n.name }}", Parts::NODE),
            (
                "{% for x in node.addresses %}{{ x }}{% endfor %}",
                Parts::NODE,
            ),
            ("{{ [x.y for x in node.macs] }}", Parts::NODE),
            ("{{ kubelet.minor }}{{ kubelet.version }}", Parts::VERSION),
            ("{{ kubelet . minor }}", Parts::VERSION),
            (
                "{{ kubelet.config.maxPods }}{{ kubelet.shutdownSeconds }}",
                Parts::CONFIG,
            ),
            (
                "{{ kubelet.runtimeUnit }}",
                Parts::CONFIG.with(Parts::FLAGS),
            ),
            ("{{ kubelet.args }}{{ kubelet.flags }}", Parts::FLAGS),
            ("{{ kubelet }}", KUBELET),
            ("{{ kubelet[\"minor\"] }}", KUBELET),
            ("{{ kubelet?.minor }}", KUBELET),
            ("{% set k = kubelet %}{{ k.minor }}", KUBELET),
            ("{{ __tera_context }}", Parts::ALL),
        ] {
            assert_eq!(uses(text), expected, "{text}");
        }
    }

    #[test]
    fn parts_are_counted_together() {
        let both = Parts::NODE.with(Parts::OS);
        assert!(both.has(Parts::NODE) && both.has(Parts::NONE) && Parts::ALL.has(both));
        assert!(!both.has(Parts::VARS) && !Parts::NODE.has(both));
        assert_eq!(both.only_if(false), Parts::NONE);
        assert_eq!(both.only_if(true), both);
    }
}
