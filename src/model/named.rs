//! Values that have a word: what users write and read for each value of a type.

/// Declares types whose values have words. The type, the words, the list of all values and serde's names are made of the
/// same lines.
macro_rules! named {
    ($($(#[$about:meta])* pub enum $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $value,)*
        }

        impl $name {
            /// All values in their order.
            pub const ALL: &'static [Self] = &[$(Self::$value,)*];
            /// Their words in the same order.
            pub const NAMES: &'static [&'static str] = &[$($word,)*];

            /// The word that people and programs write and read.
            pub fn name(self) -> &'static str {
                Self::NAMES[self as usize]
            }

            /// The value of a word.
            pub fn of_name(word: &str) -> Option<Self> {
                let at = Self::NAMES.iter().position(|name| *name == word)?;
                Some(Self::ALL[at])
            }
        }
    )*};
}

pub(crate) use named;
