//! What a field takes, and whether a scalar fits it. The rules are those of Go's JSON reading with strict decoding:
//! nothing is converted between numbers, booleans and strings.

use crate::kubernetes::kubelet_config::{About, TypeRef};
use crate::kubernetes::table::Span;
use crate::kubernetes::value;

/// What a field takes. `null` fits every kind and means the default.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldKind {
    /// `true` or `false`.
    Bool,
    /// A whole number of so many bits.
    Int {
        /// 32 or 64.
        bits: u8,
        /// Whether it may be negative.
        signed: bool,
    },
    /// Any number.
    Float,
    /// Any string.
    String,
    /// A string with a duration like `45s`.
    Duration,
    /// A duration, or a whole number of nanoseconds.
    DurationOrNanoseconds,
    /// A quantity like `100Mi`, or a number.
    Quantity,
    /// An RFC 3339 time.
    Time,
    /// A string or a whole number of 32 bits.
    IntOrString,
    /// Anything.
    Any,
    /// One of a few strings; the empty one means the default.
    Enum(EnumRef),
    /// A list of one kind.
    List(Box<FieldKind>),
    /// A map from strings to one kind.
    Map(Box<FieldKind>),
    /// A struct with fields of its own.
    Struct(TypeRef),
}

/// One enumeration of the table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EnumRef {
    about: About,
    index: usize,
}

impl EnumRef {
    pub(super) fn new(about: About, index: usize) -> Self {
        Self { about, index }
    }

    /// The values of one minor, sorted.
    pub fn values(self, minor: u32) -> impl Iterator<Item = &'static str> {
        let found = self.about.schema().enums.get_index(self.index);
        let (_, members) = found.expect("made from an index of this very table");
        super::present(members, minor)
    }

    /// The values of one minor, or all that there ever were, sorted.
    pub fn all_values(self, minor: Option<u32>) -> impl Iterator<Item = &'static str> {
        let found = self.about.schema().enums.get_index(self.index);
        let (_, members) = found.expect("made from an index of this very table");
        let holds = move |spans: &[Span]| {
            minor.is_none_or(|minor| spans.iter().any(|span| span.holds(minor)))
        };
        let held = members.iter().filter(move |(_, spans)| holds(spans));
        held.map(|(name, _)| name.as_str())
    }
}

impl std::fmt::Debug for EnumRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let found = self.about.schema().enums.get_index(self.index);
        f.write_str(found.map_or("", |(name, _)| name))
    }
}

impl FieldKind {
    /// A kind by the name that the table gives it; names that are no basic kind are structs or enumerations.
    pub(super) fn from_table(
        name: &str,
        structs: &dyn Fn(&str) -> Option<TypeRef>,
        enums: &dyn Fn(&str) -> Option<EnumRef>,
    ) -> Self {
        let inside = |prefix: &str| name.strip_prefix(prefix)?.strip_suffix('>');
        if let Some(element) = inside("list<") {
            return Self::List(Box::new(Self::from_table(element, structs, enums)));
        }
        if let Some(element) = inside("map<") {
            return Self::Map(Box::new(Self::from_table(element, structs, enums)));
        }
        let int = |bits, signed| Self::Int { bits, signed };
        match name {
            "bool" => Self::Bool,
            "int32" => int(32, true),
            "int64" => int(64, true),
            "uint32" => int(32, false),
            "uint64" => int(64, false),
            "float" => Self::Float,
            "string" => Self::String,
            "duration" => Self::Duration,
            "durationOrNanoseconds" => Self::DurationOrNanoseconds,
            "quantity" => Self::Quantity,
            "time" => Self::Time,
            "intOrString" => Self::IntOrString,
            "any" => Self::Any,
            name => structs(name)
                .map(Self::Struct)
                .or_else(|| enums(name).map(Self::Enum))
                .expect("the generator writes every name that it uses: a test reads them all"),
        }
    }

    /// The kind in words: "must be …".
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int { signed: true, .. } => "a whole number",
            Self::Int { signed: false, .. } => "a whole number that is not negative",
            Self::Float => "a number",
            Self::String | Self::Enum(_) => "a string",
            Self::Duration => "a duration like 45s",
            Self::DurationOrNanoseconds => "a duration like 5s or a whole number of nanoseconds",
            Self::Quantity => "a quantity like 100Mi",
            Self::Time => "a time like 2026-12-01T00:00:00Z",
            Self::IntOrString => "a whole number or a string",
            Self::Any => "anything",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Struct(_) => "a map",
        }
    }

    /// Whether a string fits.
    pub fn check_text(&self, text: &str, minor: u32) -> Result<(), String> {
        match self {
            Self::String | Self::IntOrString | Self::Any => Ok(()),
            Self::Duration | Self::DurationOrNanoseconds => value::duration(text).map(|_| ()),
            Self::Quantity => value::quantity(text),
            Self::Enum(values) => {
                if text.is_empty() || values.values(minor).any(|value| value == text) {
                    return Ok(());
                }
                let values: Vec<&str> = values.values(minor).collect();
                Err(format!(
                    "must be one of {}; got {text:?}",
                    values.join(", ")
                ))
            }
            Self::Time => {
                time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
                    .map(|_| ())
                    .map_err(|_| self.not("the string", &format!("{text:?}")))
            }
            _ => Err(self.not("the string", &format!("{text:?}"))),
        }
    }

    /// Whether a whole number fits.
    pub fn check_integer(&self, number: i128) -> Result<(), String> {
        match self {
            Self::Int { bits, signed } => {
                let range = Self::range(*bits, *signed);
                if range.contains(&number) {
                    return Ok(());
                }
                Err(format!(
                    "must be between {} and {}; got {number}",
                    range.start(),
                    range.end()
                ))
            }
            Self::Float | Self::Quantity | Self::Any => Ok(()),
            Self::IntOrString => Self::Int {
                bits: 32,
                signed: true,
            }
            .check_integer(number),
            Self::DurationOrNanoseconds if i64::try_from(number).is_ok() => Ok(()),
            _ => Err(self.not("the number", &number.to_string())),
        }
    }

    /// Whether a number with a fraction fits; `text` is how it was written.
    pub fn check_float(&self, text: &str) -> Result<(), String> {
        match self {
            Self::Float | Self::Quantity | Self::Any => Ok(()),
            _ => Err(self.not("the number", text)),
        }
    }

    /// Whether `true` or `false` fits.
    pub fn check_bool(&self, value: bool) -> Result<(), String> {
        match self {
            Self::Bool | Self::Any => Ok(()),
            _ => Err(self.not("the boolean", &value.to_string())),
        }
    }

    /// Whether a flag's value fits. Flags are texts, and each kind is parsed from its text.
    pub fn check_flag(&self, text: &str) -> Result<(), String> {
        match self {
            Self::Bool => match value::go_bool(text) {
                Some(_) => Ok(()),
                None => Err(self.not("the text", text)),
            },
            Self::Int { .. } => match text.parse() {
                Ok(number) => self.check_integer(number),
                Err(_) => Err(self.not("the text", text)),
            },
            Self::Float => match text.parse::<f64>() {
                Ok(_) => Ok(()),
                Err(_) => Err(self.not("the text", text)),
            },
            Self::Duration => value::duration(text).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// What an integer of so many bits may be.
    pub fn range(bits: u8, signed: bool) -> std::ops::RangeInclusive<i128> {
        let size = 1_i128 << (bits - u8::from(signed));
        let least = if signed { -size } else { 0 };
        least..=size - 1
    }

    fn not(&self, what: &str, text: &str) -> String {
        format!("must be {}, not {what} {text}", self.describe())
    }
}
