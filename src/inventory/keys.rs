//! Keys, each declared once: from one line in [`keys!`] come the field of the type, the row of the table that the schema
//! and the manual are made of, and its reading with findings. A kind of value is a [`Shaped`] type.
//!
//! Why not serde: it stops at the first mistake, and users shall see all of them in one run. Why not a derive macro: it
//! needs a crate of its own, and three lines for what is one here.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::closest::closest;
use crate::inventory::cursor::Cursor;
use crate::inventory::shape::{Rule, Shape, Struct};
use crate::model::{FieldLocation, Location};
use crate::report::Id;
use crate::yaml::{Located, Map, Value};

/// So many keys of a map are shown where it is none.
const SHOWN: usize = 3;

/// A kind of value: what is allowed there, and how it is read.
pub trait Shaped {
    /// The type that it is read as.
    type Value;
    /// What is allowed there.
    const SHAPE: Shape;
    /// Whether the key must be there, where no default is declared.
    const REQUIRED: bool = true;

    /// Reads it; None after a finding.
    fn read(at: &Cursor<'_>) -> Option<Self::Value>;

    /// The value where the key is absent, or broken, for which there is a finding. None: the map `around` it has no value
    /// either.
    fn absent(around: &Cursor<'_>) -> Option<Self::Value> {
        let _ = around;
        None
    }
}

/// What the key of an entry may be, where the keys are the user's.
pub trait EntryKey {
    /// The type that it is read as.
    type Key;
    /// What it looks like.
    const RULE: &'static Rule;

    /// Reads the key of an entry; None after a finding.
    fn read_key(at: &Cursor<'_>) -> Option<Self::Key>;
}

/// A kind of text, alone or as the key of an entry.
pub trait TextKind {
    /// The type that it is read as.
    type Parsed;
    /// What it looks like.
    const LOOK: &'static Rule;
    /// The finding about what is none.
    const ID: Id;

    /// Makes something of a text at a location; the error is the rule that it breaks.
    fn parse(text: &str, location: impl FnOnce() -> FieldLocation) -> Result<Self::Parsed, String>;
}

impl<K: TextKind> Shaped for K {
    type Value = K::Parsed;
    const SHAPE: Shape = Shape::Text(K::LOOK);

    fn read(at: &Cursor<'_>) -> Option<K::Parsed> {
        at.parse_like(K::ID, K::LOOK.examples, |text| {
            K::parse(text, || at.location())
        })
    }
}

impl<K: TextKind> EntryKey for K {
    type Key = K::Parsed;
    const RULE: &'static Rule = K::LOOK;

    fn read_key(at: &Cursor<'_>) -> Option<K::Parsed> {
        at.parse_key(K::ID, |key| K::parse(key, || at.key_location()))
    }
}

/// The entries of a map whose keys are the user's: each is read with its key.
pub trait Entry: Shaped {
    /// What its key looks like.
    const KEY: &'static Rule;
}

/// A map whose keys are ours.
pub trait Keys: Sized {
    /// Its table.
    const TABLE: &'static Struct;

    /// Reads those keys of an open map; None after a finding.
    fn take(fields: &Fields<'_>) -> Option<Self>;
}

/// A map whose keys are ours: what its struct does not have is unknown.
pub struct Fields<'a> {
    at: Cursor<'a>,
    map: &'a Map,
    of: &'static Struct,
}

impl<'a> Fields<'a> {
    /// The fields of a map whose keys are those of a table.
    pub fn open(at: &Cursor<'a>, of: &'static Struct) -> Option<Self> {
        // Those that must be there, or else the first ones.
        let keys = |required: bool| {
            let fields = of.fields().filter(|field| field.required || !required);
            fields
                .map(|field| field.key)
                .take(SHOWN)
                .collect::<Vec<_>>()
        };
        let shown = Some(keys(true)).filter(|keys| !keys.is_empty());
        let is_whole = at.location().path.is_empty();
        let shown = shown.filter(|_| !is_whole).unwrap_or_else(|| keys(false));
        Some(Self {
            at: at.clone(),
            map: at.map_of(if is_whole { &[] } else { &shown })?,
            of,
        })
    }

    /// A field of a kind. Where it is absent or broken, its `default` counts, in JSON, or what its kind has for that.
    pub fn take<K: Shaped>(&self, key: &'static str, default: &str) -> Option<K::Value> {
        let field = self
            .map
            .get(key)
            .filter(|field| field.value.value != Value::Null);
        if let Some(field) = field {
            let read = K::read(&self.at.child(key, &field.value));
            if read.is_some() {
                return read;
            }
        } else if K::REQUIRED && default.is_empty() && !self.is_meant(key) {
            let message = format!("the field {key:?} is missing");
            self.at.report(Id::FieldMissing, message);
        }
        let Some(tree) = default_tree(&self.at.located().location, default) else {
            return K::absent(&self.at);
        };
        // It is where the map is: nobody wrote its key.
        let read = self.at.instead(&tree, K::read);
        debug_assert!(read.is_some(), "{key} does not take its default");
        read
    }

    /// Whether a key that is unknown here was meant to be this one: then it is not missing, but misspelt.
    fn is_meant(&self, key: &str) -> bool {
        let unknown = self
            .map
            .keys()
            .filter(|known| self.of.field(known).is_none());
        unknown
            .into_iter()
            .any(|unknown| self.nearest(unknown) == Some(key))
    }

    /// The key that an unknown one was meant to be.
    fn nearest(&self, key: &str) -> Option<&'static str> {
        let known = self.of.fields().map(|field| field.key);
        let near = self.of.near.iter().copied().filter(|near| *near != key);
        closest(key, known.chain(near))
    }

    /// The cursor of the map as a whole.
    pub fn cursor(&self) -> &Cursor<'a> {
        &self.at
    }
}

/// A default as if it were where the map around it does.
pub fn default_tree(location: &Location, json: &str) -> Option<Located> {
    fn tree(location: &Location, json: Json) -> Option<Located> {
        let value = match json {
            Json::Bool(value) => Value::Bool(value),
            Json::Number(number) => Value::Int(number.as_i64()?),
            Json::String(text) => Value::String(text.into()),
            Json::Array(items) => {
                let items = items.into_iter().map(|item| tree(location, item));
                Value::List(Arc::new(items.collect::<Option<Vec<_>>>()?))
            }
            Json::Null | Json::Object(_) => return None,
        };
        Some(Located {
            location: location.clone(),
            value,
        })
    }
    tree(location, serde_json::from_str(json).ok()?)
}

/// A parser's error as a finding's rule.
pub fn rule_as_text<T, E: ToString>(parsed: Result<T, E>) -> Result<T, String> {
    parsed.map_err(|rule| rule.to_string())
}

/// The words of a choice.
pub const fn words_of<const N: usize, T: Copy>(choices: &[(&'static str, T)]) -> [&'static str; N] {
    let mut words = [""; N];
    let mut index = 0;
    while index < N {
        words[index] = choices[index].0;
        index += 1;
    }
    words
}

/// Declares a map whose keys are ours. A key is what it is for, as schema and manual say it, and
///
/// ```text
/// "yamlKey" => member: Kind,
/// "yamlKey" => member: Kind = DEFAULT,
/// ```
///
/// where the kind decides whether it may be absent. The head is `pub struct Type: "name in schemas"`, or `for Type: …`
/// where the type is there already, as plain data of a lower room. Then, each where it is needed, in this order:
///
/// - `here member: Type = function` is made of the map as a whole;
/// - `by member: Kind` is the key of an entry whose map has the user's keys;
/// - `near [KEYS]` are keys of what else is allowed there, to be named beside an unknown one;
/// - `as Value = function` checks what was read, or makes another type of it.
///
/// Among the keys, `first` and `then` are those that several maps share, before or after their own, and `also` are those
/// that somebody else reads.
macro_rules! keys {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident: $called:literal
            $(, here $here:ident: $here_type:ty = $make:path)*
            $(, by $by:ident: $by_kind:ty)?
            $(, near $near:tt)?
            $(, as $value:ty = $convert:path)?
        {
            $(first $first:ident: $first_type:ty,)*
            $($(#[doc = $about:literal])+ $key:literal => $member:ident: $kind:ty $(= $default:expr)?,)*
            $(then $then:ident: $then_type:ty,)*
            $(also $also:ty,)*
        }
        $($further:tt)*
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $(
                /// Made of the map as a whole.
                $vis $here: $here_type,
            )*
            $(
                /// Its key.
                $vis $by: <$by_kind as $crate::inventory::keys::EntryKey>::Key,
            )?
            $(
                /// Keys that it shares with others.
                $vis $first: $first_type,
            )*
            $(
                $(#[doc = $about])+
                $vis $member: <$kind as $crate::inventory::keys::Shaped>::Value,
            )*
            $(
                /// Keys that it shares with others.
                $vis $then: $then_type,
            )*
        }
        $crate::inventory::keys::keys! {
            for $name: $called
                $(, here $here: $here_type = $make)*
                $(, by $by: $by_kind)?
                $(, near $near)?
                $(, as $value = $convert)?
            {
                $(first $first: $first_type,)*
                $($(#[doc = $about])+ $key => $member: $kind $(= $default)?,)*
                $(then $then: $then_type,)*
                $(also $also,)*
            }
            $($further)*
        }
    };
    (
        for $name:ident: $called:literal
            $(, here $here:ident: $here_type:ty = $make:path)*
            $(, by $by:ident: $by_kind:ty)?
            $(, near $near:tt)?
            $(, as $value:ty = $convert:path)?
        {
            $(first $first:ident: $first_type:ty,)*
            $($(#[doc = $about:literal])+ $key:literal => $member:ident: $kind:ty $(= $default:expr)?,)*
            $(then $then:ident: $then_type:ty,)*
            $(also $also:ty,)*
        }
        $($further:tt)*
    ) => {
        impl $crate::inventory::keys::Keys for $name {
            const TABLE: &'static $crate::inventory::shape::Struct = {
                use $crate::inventory::{keys as kinds, shape};
                static TABLE: shape::Struct = shape::Struct {
                    name: $called,
                    groups: &[
                        $(<$first_type as kinds::Keys>::TABLE.groups[0],)*
                        &[$(shape::Field {
                            key: $key,
                            about: str::trim_ascii(concat!($($about),+)),
                            shape: <$kind as kinds::Shaped>::SHAPE,
                            required: <$kind as kinds::Shaped>::REQUIRED
                                && concat!($(stringify!($default))?).is_empty(),
                            default: concat!($(stringify!($default))?),
                        },)*],
                        $(<$then_type as kinds::Keys>::TABLE.groups[0],)*
                        $(<$also as kinds::Keys>::TABLE.groups[0],)*
                    ],
                    near: keys!(@near $($near)?),
                };
                &TABLE
            };

            fn take(fields: &$crate::inventory::keys::Fields<'_>) -> Option<Self> {
                $(let $by = <$by_kind as $crate::inventory::keys::EntryKey>::read_key(fields.cursor());)?
                $(let $first = <$first_type as $crate::inventory::keys::Keys>::take(fields);)*
                $(let $member = fields.take::<$kind>($key, concat!($(stringify!($default))?));)*
                $(let $then = <$then_type as $crate::inventory::keys::Keys>::take(fields);)*
                Some(Self {
                    $($here: $make(fields.cursor()),)*
                    $($by: $by?,)?
                    $($first: $first?,)*
                    $($member: $member?,)*
                    $($then: $then?,)*
                })
            }
        }

        impl $crate::inventory::keys::Shaped for $name {
            type Value = keys!(@value $name $(, $value)?);
            const SHAPE: $crate::inventory::shape::Shape =
                $crate::inventory::shape::Shape::Struct(<$name as $crate::inventory::keys::Keys>::TABLE);

            fn read(at: &$crate::inventory::cursor::Cursor<'_>) -> Option<Self::Value> {
                let fields = $crate::inventory::keys::Fields::open(at, <$name as $crate::inventory::keys::Keys>::TABLE)?;
                let read = <$name as $crate::inventory::keys::Keys>::take(&fields);
                fields.finish();
                keys!(@convert read?, at $(, $convert)?)
            }
        }

        $(impl $crate::inventory::keys::Entry for $name {
            const KEY: &'static $crate::inventory::shape::Rule =
                <$by_kind as $crate::inventory::keys::EntryKey>::RULE;
        })?
        $crate::inventory::keys::keys! { $($further)* }
    };
    () => {};
    (@near) => { &[] };
    (@near $near:tt) => { &$near };
    (@value $name:ident) => { $name };
    (@value $name:ident, $value:ty) => { $value };
    (@convert $read:expr, $at:ident) => { Some($read) };
    (@convert $read:expr, $at:ident, $convert:path) => { $convert($read, $at) };
}

/// Declares kinds of text: the type that `parse` makes of it, the pattern and examples for editors. `or ID` is the finding about what is none of them. A pattern is a regular
/// expression of the sort that all dialects share, empty for any text, and takes all that `parse` takes, which has the last word.
macro_rules! texts {
    // What takes any text refuses only what is none.
    (@id) => { $crate::report::Id::ValueTypeWrong };
    (@id $id:ident) => { $crate::report::Id::$id };
    ($($(#[$doc:meta])* $name:ident $(or $id:ident)?: $value:ty = $parse:expr, $pattern:expr, $examples:tt;)*) => {$(
        $(#[$doc])*
        pub enum $name {}

        impl $crate::inventory::keys::TextKind for $name {
            type Parsed = $value;
            const LOOK: &'static $crate::inventory::shape::Rule =
                &$crate::inventory::shape::Rule { pattern: $pattern, examples: &$examples, template: false };
            const ID: $crate::report::Id = $crate::inventory::keys::texts!(@id $($id)?);

            fn parse(text: &str, _: impl FnOnce() -> $crate::model::FieldLocation) -> Result<$value, String> {
                $crate::inventory::keys::rule_as_text(($parse)(text))
            }
        }
    )*};
}

/// Declares choices: words, and what each of them is; `else` is what counts where the key is absent.
macro_rules! choices {
    (@required) => { true };
    (@required $absent:expr) => { false };
    ($($(#[$doc:meta])* $name:ident: $value:ty = $choices:expr $(, else $absent:expr)?;)*) => {$(
        $(#[$doc])*
        pub enum $name {}

        impl $name {
            const CHOICES: &'static [(&'static str, $value)] = &$choices;
        }

        impl $crate::inventory::keys::Shaped for $name {
            type Value = $value;
            const SHAPE: $crate::inventory::shape::Shape = $crate::inventory::shape::Shape::Words(
                &$crate::inventory::keys::words_of::<{ <$name>::CHOICES.len() }, $value>(<$name>::CHOICES),
            );
            const REQUIRED: bool = $crate::inventory::keys::choices!(@required $($absent)?);

            fn read(at: &$crate::inventory::cursor::Cursor<'_>) -> Option<$value> {
                at.choice(Self::CHOICES)
            }

            $(
                fn absent(_: &$crate::inventory::cursor::Cursor<'_>) -> Option<$value> {
                    Some($absent)
                }
            )?
        }
    )*};
}

/// Declares choices that are read as the words themselves.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $words:tt;)*) => {$(
        $(#[$doc])*
        pub enum $name {}

        impl $crate::inventory::keys::Shaped for $name {
            type Value = String;
            const SHAPE: $crate::inventory::shape::Shape = $crate::inventory::shape::Shape::Words(&$words);

            fn read(at: &$crate::inventory::cursor::Cursor<'_>) -> Option<String> {
                at.word(&$words).map(str::to_owned)
            }
        }
    )*};
}

/// Lets types of [`named!`](crate::model::named) be read by their words.
macro_rules! by_name {
    ($($name:ty),*) => {$(
        impl $crate::inventory::keys::Shaped for $name {
            type Value = Self;
            const SHAPE: $crate::inventory::shape::Shape = $crate::inventory::shape::Shape::Words(<$name>::NAMES);

            fn read(at: &$crate::inventory::cursor::Cursor<'_>) -> Option<Self> {
                Self::of_name(at.word(Self::NAMES)?)
            }
        }
    )*};
}

pub(crate) use {by_name, choices, keys, texts, words};

mod unknown;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub use tests::read_text;
