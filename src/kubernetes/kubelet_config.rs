//! What a KubeletConfiguration (`kubelet.config.k8s.io/v1beta1`) of each minor version may say: every field's kind,
//! and the minors that have it; the same for the kubelet's flags, and for a v1 Pod, which static pods are. Asked for one key at a time, so that a caller can walk its own located tree.
//!
//! ```
//! use nodebake::kubernetes::kubelet_config::{FieldAnswer, Schema};
//! let root = Schema::load().root();
//! assert!(matches!(root.field("maxPods", 16), FieldAnswer::Found(_)));
//! assert!(matches!(root.field("failCgroupV1", 16), FieldAnswer::NotYet { since: 31 }));
//! ```

mod kind;

use std::ops::RangeInclusive;
use std::sync::OnceLock;

use indexmap::IndexMap;

pub use crate::kubernetes::kubelet_config::kind::{EnumRef, FieldKind};
use crate::kubernetes::table::{Members, Span, Table};

/// What a table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// KubeletConfiguration.
    Kubelet,
    /// Pod of the API's v1.
    Pod,
    /// The tables of containerd's CRI plugins.
    Containerd,
}

impl About {
    /// The table, read on the first call.
    fn schema(self) -> &'static Schema {
        static KUBELET: OnceLock<Schema> = OnceLock::new();
        static POD: OnceLock<Schema> = OnceLock::new();
        static CONTAINERD: OnceLock<Schema> = OnceLock::new();
        let (read, text) = match self {
            Self::Kubelet => (&KUBELET, include_str!("kubelet_config.json")),
            Self::Pod => (&POD, include_str!("pod.json")),
            Self::Containerd => (&CONTAINERD, include_str!("containerd.json")),
        };
        read.get_or_init(|| {
            let table: Table = serde_json::from_str(text)
                .expect("the embedded tables are valid: a test reads them");
            Schema::from_table(table, self)
        })
    }
}

/// All kubelet configurations that upstream ever had, in the minors of [`Schema::minors`].
pub struct Schema {
    about: About,
    minors: RangeInclusive<u32>,
    self_labels: Members,
    self_label_namespaces: Members,
    enums: IndexMap<String, Members>,
    structs: IndexMap<String, Meanings>,
    flags: Meanings,
    pub(super) flag_fields: Members,
    pub(super) deprecated_flags: Members,
    pub(super) gates: Members,
    pub(super) gate_needs: Members,
}

/// Field or flag → what it means in which minors.
type Meanings = IndexMap<String, Vec<Meaning>>;

/// A field's kind in some minors.
struct Meaning {
    kind: FieldKind,
    span: Span,
}

/// One struct of the configuration; the root is the configuration itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TypeRef {
    about: About,
    index: usize,
}

/// A key with all that it ever meant, or what it means in one minor.
pub struct Declared {
    /// The key.
    pub name: &'static str,
    /// What it takes: more than one thing where that changed.
    pub kinds: Vec<&'static FieldKind>,
    /// The first minor that has it.
    pub since: u32,
    /// The last one, where the newest has it no longer.
    pub until: Option<u32>,
}

/// What the table knows of a key in one minor.
#[derive(Debug)]
pub enum FieldAnswer {
    /// The field is there and takes this.
    Found(&'static FieldKind),
    /// The field came with this later minor.
    NotYet {
        /// The first minor that has it.
        since: u32,
    },
    /// The field was dropped.
    Gone {
        /// The first minor that had it, or the oldest that is known.
        since: u32,
        /// The last minor that had it.
        until: u32,
    },
    /// No minor ever had it.
    Unknown {
        /// The field of this minor that was probably meant.
        suggestion: Option<&'static str>,
    },
}

impl Schema {
    /// The table of the kubelet's configuration, read on the first call.
    pub fn load() -> &'static Self {
        About::Kubelet.schema()
    }

    /// The table of pods, read on the first call. It has no flags, labels and feature gates.
    pub fn pod() -> &'static Self {
        About::Pod.schema()
    }

    /// The table of containerd's CRI plugins. Its minors are releases: 1.5 is 5, 1.7 is 7, 2.0 is 8, 2.1 is 9.
    pub fn containerd() -> &'static Self {
        About::Containerd.schema()
    }

    fn from_table(table: Table, about: About) -> Self {
        let enums: IndexMap<String, Members> = table.enums.into_iter().collect();
        let names: Vec<String> = table.structs.keys().cloned().collect();
        let kind = |name: &str| {
            FieldKind::from_table(
                name,
                &|name| {
                    let index = names.iter().position(|n| n == name)?;
                    Some(TypeRef { about, index })
                },
                &|name| Some(EnumRef::new(about, enums.get_index_of(name)?)),
            )
        };
        let meaning = |span: Span| Meaning {
            kind: kind(&span.kind),
            span,
        };
        let meanings = |members: Members| -> Meanings {
            let one = |spans: Vec<Span>| spans.into_iter().map(meaning).collect();
            members
                .into_iter()
                .map(|(key, spans)| (key, one(spans)))
                .collect()
        };
        let structs = table.structs.into_iter();
        let structs = structs
            .map(|(name, fields)| (name, meanings(fields)))
            .collect();
        Self {
            about,
            minors: table.minors.0..=table.minors.1,
            self_labels: table.self_labels,
            self_label_namespaces: table.self_label_namespaces,
            flags: meanings(table.flags),
            flag_fields: table.flag_fields,
            deprecated_flags: table.deprecated_flags,
            gates: table.feature_gates,
            gate_needs: table.feature_gate_needs,
            structs,
            enums,
        }
    }

    /// The minors whose types were read. Beyond them the answers are those of the nearest one, or guesses: a caller
    /// warns about a newer minor and refuses an older one.
    pub fn minors(&self) -> RangeInclusive<u32> {
        self.minors.clone()
    }

    /// KubeletConfiguration or Pod itself, with `apiVersion` and `kind`; PluginConfig of containerd.
    pub fn root(&self) -> TypeRef {
        let root = self.structure(match self.about {
            About::Kubelet => "KubeletConfiguration",
            About::Pod => "Pod",
            About::Containerd => "PluginConfig",
        });
        root.expect("the generator starts from it")
    }

    /// A struct by upstream's name.
    pub fn structure(&self, name: &str) -> Option<TypeRef> {
        Some(TypeRef {
            about: self.about,
            index: self.structs.get_index_of(name)?,
        })
    }

    /// What a flag (without its dashes) takes in one minor, on Linux. Its value is a text: see [`FieldKind::check_flag`].
    pub fn flag(&'static self, name: &str, minor: u32) -> FieldAnswer {
        answer(&self.flags, name, minor)
    }

    /// The flags of one minor, or all that there ever were, sorted by name.
    pub fn flags(&'static self, minor: Option<u32>) -> impl Iterator<Item = Declared> {
        declared(&self.flags, minor)
    }

    /// Labels that a kubelet of that minor may set on its own Node although they are Kubernetes' own.
    pub fn self_labels(&self, minor: u32) -> impl Iterator<Item = &str> {
        present(&self.self_labels, minor)
    }

    /// Label namespaces in which (and below which) a kubelet of that minor may set any label.
    pub fn self_label_namespaces(&self, minor: u32) -> impl Iterator<Item = &str> {
        present(&self.self_label_namespaces, minor)
    }
}

/// The members that hold in a minor, sorted.
fn present(members: &Members, minor: u32) -> impl Iterator<Item = &str> {
    members
        .iter()
        .filter(move |(_, spans)| spans.iter().any(|span| span.holds(minor)))
        .map(|(name, _)| name.as_str())
}

impl TypeRef {
    fn members(self) -> (&'static String, &'static Meanings) {
        let found = self.about.schema().structs.get_index(self.index);
        found.expect("made from an index of this very table")
    }

    /// Upstream's name of the struct, like `KubeletAuthentication`.
    pub fn name(self) -> &'static str {
        self.members().0
    }

    /// What a key means in one minor. Keys are compared as Kubernetes does it, by case.
    pub fn field(self, key: &str, minor: u32) -> FieldAnswer {
        answer(self.members().1, key, minor)
    }

    /// The fields of one minor, sorted by name, with their kinds.
    pub fn fields(self, minor: u32) -> impl Iterator<Item = (&'static str, &'static FieldKind)> {
        names(self.members().1, minor)
    }

    /// The fields of one minor, or all that there ever were, sorted by name.
    pub fn all_fields(self, minor: Option<u32>) -> impl Iterator<Item = Declared> {
        declared(self.members().1, minor)
    }
}

fn answer(all: &'static Meanings, key: &str, minor: u32) -> FieldAnswer {
    let Some(meanings) = all.get(key) else {
        return FieldAnswer::Unknown {
            suggestion: suggestion(all, key, minor),
        };
    };
    if let Some(found) = meanings.iter().find(|one| one.span.holds(minor)) {
        return FieldAnswer::Found(&found.kind);
    }
    match meanings.iter().find(|one| minor < one.span.first) {
        Some(later) => FieldAnswer::NotYet {
            since: later.span.first,
        },
        None => FieldAnswer::Gone {
            since: meanings
                .iter()
                .map(|one| one.span.first)
                .min()
                .unwrap_or(minor),
            until: meanings
                .iter()
                .filter_map(|one| one.span.last)
                .max()
                .unwrap_or(minor),
        },
    }
}

fn names(
    all: &'static Meanings,
    minor: u32,
) -> impl Iterator<Item = (&'static str, &'static FieldKind)> {
    all.iter().filter_map(move |(key, meanings)| {
        let found = meanings.iter().find(|one| one.span.holds(minor))?;
        Some((key.as_str(), &found.kind))
    })
}

fn declared(all: &'static Meanings, minor: Option<u32>) -> impl Iterator<Item = Declared> {
    all.iter().filter_map(move |(name, meanings)| {
        let holds = |one: &&Meaning| minor.is_none_or(|minor| one.span.holds(minor));
        let kinds: Vec<&FieldKind> = meanings.iter().filter(holds).map(|one| &one.kind).collect();
        let last = meanings.last().filter(|_| !kinds.is_empty())?;
        Some(Declared {
            name,
            kinds,
            since: meanings.first()?.span.first,
            until: last.span.last,
        })
    })
}

fn suggestion(all: &'static Meanings, key: &str, minor: u32) -> Option<&'static str> {
    let near = |(name, _): (&'static str, _)| {
        let close = strsim::jaro_winkler(&key.to_lowercase(), &name.to_lowercase());
        (close >= 0.9).then_some((close, name))
    };
    let all = names(all, minor).filter_map(near);
    all.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

impl std::fmt::Debug for TypeRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl FieldAnswer {
    /// The rule that a field's or flag's name breaks and the repair, in words for a finding; nothing if it is there.
    pub fn objection(&self, name: &str, minor: u32) -> Option<(String, Option<String>)> {
        let (oldest, newest) = Schema::load().minors().into_inner();
        match self {
            Self::Found(_) => None,
            Self::NotYet { since } => Some((
                format!("{name} came with Kubernetes 1.{since}, and this kubelet is 1.{minor}"),
                Some("remove it or set a newer kubernetes version".to_owned()),
            )),
            Self::Gone { since, until } => {
                let came = if *since > oldest {
                    format!("came with Kubernetes 1.{since} and was dropped after")
                } else {
                    "was dropped after Kubernetes".to_owned()
                };
                Some((
                    format!("{name} {came} 1.{until}, and this kubelet is 1.{minor}"),
                    Some("remove it".to_owned()),
                ))
            }
            Self::Unknown { suggestion } => Some((
                format!("{name} is known to no kubelet from 1.{oldest} to 1.{newest}"),
                suggestion.map(|name| format!("did you mean {name}?")),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
