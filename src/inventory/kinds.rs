//! Kinds of values that are made of others: what may be absent, lists, maps, values with their locations.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{Entry, EntryKey, Shaped};
use crate::inventory::shape::{Entries, Rule, Shape};
use crate::model::Spanned;
use crate::yaml::Value;

impl Shaped for bool {
    type Value = Self;
    const SHAPE: Shape = Shape::Bool;

    fn read(at: &Cursor<'_>) -> Option<Self> {
        at.bool()
    }
}

macro_rules! integers {
    ($($integer:ident up to $most:expr,)*) => {$(
        impl Shaped for $integer {
            type Value = Self;
            const SHAPE: Shape = Shape::Integer(0, $most);

            fn read(at: &Cursor<'_>) -> Option<Self> {
                at.integer()
            }
        }
    )*};
}

integers! {
    u8 up to u8::MAX as i64,
    u16 up to u16::MAX as i64,
    u32 up to u32::MAX as i64,
    u64 up to i64::MAX,
}

impl<K: Shaped> Shaped for Option<K> {
    type Value = Option<K::Value>;
    const SHAPE: Shape = K::SHAPE;
    const REQUIRED: bool = false;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        K::read(at).map(Some)
    }

    fn absent(_: &Cursor<'_>) -> Option<Self::Value> {
        Some(None)
    }
}

/// A list; an item that cannot be read is left out.
impl<K: Shaped> Shaped for Vec<K> {
    type Value = Vec<K::Value>;
    const SHAPE: Shape = Shape::List(&K::SHAPE);
    const REQUIRED: bool = false;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        Some(at.items().iter().filter_map(K::read).collect())
    }

    fn absent(_: &Cursor<'_>) -> Option<Self::Value> {
        Some(Vec::new())
    }
}

/// With its location; where it is absent that is the location of the map around it.
impl<K: Shaped> Shaped for Spanned<K> {
    type Value = Spanned<K::Value>;
    const SHAPE: Shape = K::SHAPE;
    const REQUIRED: bool = K::REQUIRED;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        Some(Spanned {
            value: K::read(at)?,
            location: at.location(),
        })
    }

    fn absent(around: &Cursor<'_>) -> Option<Self::Value> {
        Some(Spanned {
            value: K::absent(around)?,
            location: around.location(),
        })
    }
}

impl<K: EntryKey> EntryKey for Spanned<K> {
    type Key = Spanned<K::Key>;
    const RULE: &'static Rule = K::RULE;

    fn read_key(at: &Cursor<'_>) -> Option<Self::Key> {
        Some(Spanned {
            value: K::read_key(at)?,
            location: at.key_location(),
        })
    }
}

/// A map whose keys are the user's; an entry that cannot be read is left out.
pub struct MapOf<E>(PhantomData<E>);

impl<E: Entry> MapOf<E> {
    const ENTRIES: Entries = Entries {
        key: E::KEY,
        value: E::SHAPE,
        known: &[],
    };
}

impl<E: Entry> Shaped for MapOf<E> {
    type Value = Vec<E::Value>;
    const SHAPE: Shape = Shape::Map(&Self::ENTRIES);
    const REQUIRED: bool = false;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        let example = E::KEY.examples.first().copied().unwrap_or("NAME");
        let entries = at.entries(example);
        Some(entries.iter().filter_map(E::read).collect())
    }

    fn absent(_: &Cursor<'_>) -> Option<Self::Value> {
        Some(Vec::new())
    }
}

/// A key of the user's and a value.
pub struct Pair<N, K>(PhantomData<(N, K)>);

impl<N: EntryKey, K: Shaped> Shaped for Pair<N, K> {
    type Value = (N::Key, K::Value);
    const SHAPE: Shape = K::SHAPE;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        let (key, value) = (N::read_key(at), K::read(at));
        Some((key?, value?))
    }
}

impl<N: EntryKey, K: Shaped> Entry for Pair<N, K> {
    const KEY: &'static Rule = N::RULE;
}

/// `true` for all defaults, `false` for nothing, or a map.
pub struct Switch<K>(PhantomData<K>);

impl<K: Shaped> Shaped for Switch<K> {
    type Value = Option<K::Value>;
    const SHAPE: Shape = Shape::Either(&[Shape::Bool, K::SHAPE]);

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        match at.located().as_map() {
            Some(_) => K::read(at).map(Some),
            None if at.bool()? => at.with_empty(K::read).map(Some),
            None => Some(None),
        }
    }
}

/// A map that may be absent: then each of its keys is.
pub struct Section<K>(PhantomData<K>);

impl<K: Shaped> Shaped for Section<K> {
    type Value = K::Value;
    const SHAPE: Shape = K::SHAPE;
    const REQUIRED: bool = false;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        K::read(at)
    }

    fn absent(around: &Cursor<'_>) -> Option<Self::Value> {
        around.with_empty(K::read)
    }
}

/// Where it is absent or broken its type has a value for that, which no word of the inventory says. Whether it must be there.
pub struct OrDefault<K, const MUST: bool = false>(PhantomData<K>);

impl<K: Shaped<Value: Default>, const MUST: bool> Shaped for OrDefault<K, MUST> {
    type Value = K::Value;
    const SHAPE: Shape = K::SHAPE;
    const REQUIRED: bool = MUST;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        K::read(at)
    }

    fn absent(_: &Cursor<'_>) -> Option<Self::Value> {
        Some(K::Value::default())
    }
}

/// What must be there, but reading goes on without it, so that what else is wrong is found in the same run.
pub type Required<K> = OrDefault<Option<K>, true>;

/// Shared by those who copy it.
impl<K: Shaped> Shaped for Arc<K> {
    type Value = Arc<K::Value>;
    const SHAPE: Shape = K::SHAPE;
    const REQUIRED: bool = K::REQUIRED;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        K::read(at).map(Arc::new)
    }

    fn absent(around: &Cursor<'_>) -> Option<Self::Value> {
        K::absent(around).map(Arc::new)
    }
}

/// One, or a list of them.
pub struct OneOrMore<K>(PhantomData<K>);

impl<K: Shaped> Shaped for OneOrMore<K> {
    type Value = Vec<K::Value>;
    const SHAPE: Shape = Shape::Either(&[K::SHAPE, Shape::List(&K::SHAPE)]);

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        match &at.located().value {
            Value::List(_) => Vec::<K>::read(at),
            _ => K::read(at).map(|one| vec![one]),
        }
    }
}

/// Any text, as it is.
pub fn plain(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}
