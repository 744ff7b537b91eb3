//! Derived forms of contents that many nodes share (a data URL, an indented YAML block), made once in a build and then
//! lent to every thread. Contents of one node only are never kept, or memory would grow with the number of nodes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use crate::error::Result;
use crate::model::Sha256Digest;
use crate::payload::ignition::DataUrl;
use crate::tree::{Blob, Content};

/// The forms kept during one build; start with [`Forms::default`].
#[derive(Default)]
pub struct Forms {
    pub(super) data_urls: Kept<Arc<DataUrl>>,
    pub(super) contents: Kept<Arc<str>>,
    pub(super) packed: Kept<Arc<str>>,
    /// Assets as gzip members, where that pays.
    pub(super) packed_assets: Kept<Option<Content>>,
}

/// One kind of form by the digest of what it was made from.
pub(super) struct Kept<T> {
    made: RwLock<HashMap<Sha256Digest, Arc<Cell<T>>>>,
}

/// A form, if it was made.
struct Cell<T> {
    form: OnceLock<T>,
    /// Held while the form is made: what it is made from may be large, and is read once.
    making: Mutex<()>,
}

impl<T> Default for Cell<T> {
    fn default() -> Self {
        Self {
            form: OnceLock::new(),
            making: Mutex::default(),
        }
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            made: RwLock::default(),
        }
    }
}

impl<T: Clone> Kept<T> {
    /// The form of a blob: looked up when nodes share the blob, else made again.
    pub(super) fn of(&self, content: &Content, blob: &Blob, make: impl FnOnce() -> T) -> T {
        if !blob.is_shared() {
            return make();
        }
        // The map is locked only to find the cell: while one thread fills it, others go on with other cells.
        self.cell(content.sha256()).form.get_or_init(make).clone()
    }

    /// The form of something that all nodes share, by its digest.
    pub(super) fn of_digest(
        &self,
        digest: Sha256Digest,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let cell = self.cell(digest);
        if let Some(form) = cell.form.get() {
            return Ok(form.clone());
        }
        let _making = cell.making.lock().unwrap_or_else(PoisonError::into_inner);
        match cell.form.get() {
            Some(form) => Ok(form.clone()),
            None => {
                let form = make()?;
                Ok(cell.form.get_or_init(|| form).clone())
            }
        }
    }

    fn cell(&self, digest: Sha256Digest) -> Arc<Cell<T>> {
        // A poisoned lock is no danger: the map only ever gains empty cells.
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = made.get(&digest) {
            return Arc::clone(cell);
        }
        drop(made);
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(made.entry(digest).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shared_contents_are_kept() {
        let kept = Kept::<u32>::default();
        let mut made = 0;
        let mut ask = |content: &Content| {
            let Content::Blob(blob) = content else {
                panic!("a blob was made")
            };
            kept.of(content, blob, || {
                made += 1;
                made
            });
            made
        };
        // Equal bytes in two blobs are one form.
        assert_eq!(ask(&Content::shared("ca")), 1);
        assert_eq!(ask(&Content::shared("ca")), 1);
        assert_eq!(ask(&Content::shared("other")), 2);
        assert_eq!(ask(&Content::bytes("ca")), 3);
        assert_eq!(ask(&Content::bytes("ca")), 4);
    }
}
