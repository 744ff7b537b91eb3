//! Maps whose keys and values are the user's own.

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{EntryKey, Shaped};
use crate::inventory::shape::{Entries, Shape};
use crate::inventory::text::Any;
use crate::yaml::Located;

/// Values for templates or for other programs: a map of anything.
pub enum Vars {}

impl Shaped for Vars {
    type Value = Located;
    const SHAPE: Shape = Shape::Map(&Entries {
        key: Any::RULE,
        value: Shape::Any,
        known: &[],
    });

    fn read(at: &Cursor<'_>) -> Option<Located> {
        at.map().map(|_| at.located().clone())
    }
}
