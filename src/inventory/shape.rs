//! Tables of all keys that users may write. The loader finds unknown keys by them. The JSON Schema for editors and the
//! manual are made from them. [`crate::inventory::keys`] makes them of the keys' declarations.

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// `true` or `false`.
    Bool,
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// A string.
    Text(&'static Rule),
    /// One of a few strings.
    Words(&'static [&'static str]),
    /// A list of one kind.
    List(&'static Shape),
    /// A map whose keys are the user's.
    Map(&'static Entries),
    /// A map whose keys are ours.
    Struct(&'static Struct),
    /// One of several; which one, its reader decides.
    Either(&'static [Shape]),
    /// What layers say together: its texts and keys may be templates, which are rendered for each node before it is read.
    PerNode(&'static Shape),
    /// Anything.
    Any,
    /// A KubeletConfiguration of the node's version; its table is in `kubernetes`.
    KubeletConfig,
    /// The kubelet's flags of the node's version; their table is in `kubernetes`.
    KubeletFlags,
}

/// What a string looks like. Regular expressions are of the sort that all dialects share, and take all that the loader
/// takes: the last word is the loader's.
#[derive(Debug)]
pub struct Rule {
    /// A regular expression; empty for any string.
    pub pattern: &'static str,
    /// Strings that fit.
    pub examples: &'static [&'static str],
    /// Whether a template is allowed there.
    pub template: bool,
}

/// The entries of a map whose keys are the user's.
#[derive(Debug)]
pub struct Entries {
    /// Its keys.
    pub key: &'static Rule,
    /// Its values.
    pub value: Shape,
    /// Keys that have a meaning of their own, and what each is.
    pub known: &'static [(&'static str, &'static str)],
}

/// A map whose keys are ours.
#[derive(Debug)]
pub struct Struct {
    /// What a schema calls it.
    pub name: &'static str,
    /// Its fields, in the order that users would write them; groups are shared by several structs.
    pub groups: &'static [&'static [Field]],
    /// Keys of the alternatives to this map. They are suggested for an unknown key.
    pub near: &'static [&'static str],
}

/// One key of a map.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// What its value may be.
    pub shape: Shape,
    /// What it is for, in one line.
    pub about: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What counts where it is absent, as JSON; empty where that depends on something else.
    pub default: &'static str,
}

impl Struct {
    /// Its fields.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        self.groups.iter().flat_map(|group| group.iter())
    }

    /// The field of a key.
    pub fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields().find(|field| field.key == key)
    }
}

impl Shape {
    /// Itself, or what it may be one of.
    pub fn alternatives(&'static self) -> &'static [Shape] {
        match self {
            Self::Either(all) => all,
            Self::PerNode(inner) => inner.alternatives(),
            one => std::slice::from_ref(one),
        }
    }

    /// The shape of an item of a list.
    pub fn item(&'static self) -> Option<&'static Shape> {
        self.alternatives().iter().find_map(|one| match one {
            Self::List(item) => Some(*item),
            _ => None,
        })
    }

    /// The shape of a value of a map whose keys are the user's.
    pub fn value(&'static self) -> Option<&'static Shape> {
        self.alternatives().iter().find_map(|one| match one {
            Self::Map(entries) => Some(&entries.value),
            Self::KubeletFlags => Some(&Self::Any),
            _ => None,
        })
    }

    /// Keys of a map that have a meaning of their own, and what each is.
    pub fn known(&'static self) -> &'static [(&'static str, &'static str)] {
        let maps = self.alternatives().iter().filter_map(|one| match one {
            Self::Map(entries) => Some(entries.known),
            _ => None,
        });
        maps.into_iter()
            .find(|known| !known.is_empty())
            .unwrap_or(&[])
    }

    /// The structs that it may be.
    pub fn structs(&'static self) -> impl Iterator<Item = &'static Struct> {
        self.alternatives().iter().filter_map(|one| match one {
            Self::Struct(of) => Some(*of),
            _ => None,
        })
    }
}
