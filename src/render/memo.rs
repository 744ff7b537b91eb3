//! What was found out about contents of nodes before: nodes of a class mostly have the same ones, and each is read once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, PoisonError, RwLock};

use crate::tree::Content;

/// A class of nodes, a name within the tree, and what else the answer depends on.
pub type Key<'a> = (usize, &'a str, u32);

/// As many contents of one name are remembered for a class: where each node has its own, remembering them all would take
/// memory for each node and help nobody.
const VARIANTS: usize = 16;

/// What is known of contents.
pub struct Memo<V> {
    known: RwLock<Remembered<V>>,
}

/// By hash of key and contents, and how many there are of each key.
struct Remembered<V> {
    by_hash: HashMap<u64, Vec<Known<V>>>,
    variants: HashMap<(usize, String, u32), usize>,
}

struct Known<V> {
    class: usize,
    name: String,
    more: u32,
    contents: Vec<Content>,
    value: Arc<V>,
}

impl<V> Default for Memo<V> {
    fn default() -> Self {
        let remembered = Remembered {
            by_hash: HashMap::new(),
            variants: HashMap::new(),
        };
        Self {
            known: RwLock::new(remembered),
        }
    }
}

impl<V> Memo<V> {
    /// What is known of contents, or found out now.
    pub fn of(&self, key: Key<'_>, contents: &[&Content], make: impl FnOnce() -> V) -> Arc<V> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        for content in contents {
            match content {
                // The bytes of a shared blob are the same blob in each node.
                Content::Blob(blob) if blob.is_shared() => Arc::as_ptr(blob).hash(&mut hasher),
                Content::Blob(blob) => blob.bytes().hash(&mut hasher),
                Content::Asset(asset) => asset.sha256.hash(&mut hasher),
            }
        }
        let hash = hasher.finish();
        let is_it = |known: &&Known<V>| {
            (known.class, known.name.as_str(), known.more) == key
                && known.contents.len() == contents.len()
                && known.contents.iter().zip(contents).all(|(a, b)| same(a, b))
        };
        // A thread that panicked has left a whole map behind.
        let read = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = read
            .by_hash
            .get(&hash)
            .and_then(|all| all.iter().find(is_it));
        if let Some(known) = found {
            return Arc::clone(&known.value);
        }
        let name = (key.0, key.1.to_owned(), key.2);
        let is_full = read
            .variants
            .get(&name)
            .is_some_and(|count| *count >= VARIANTS);
        drop(read);
        let value = Arc::new(make());
        if is_full {
            return value;
        }
        let known = Known {
            class: key.0,
            name: key.1.to_owned(),
            more: key.2,
            contents: contents.iter().map(|content| (*content).clone()).collect(),
            value: Arc::clone(&value),
        };
        let mut write = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *write.variants.entry(name).or_default() += 1;
        write.by_hash.entry(hash).or_default().push(known);
        value
    }
}

fn same(a: &Content, b: &Content) -> bool {
    match (a, b) {
        (Content::Blob(a), Content::Blob(b)) => Arc::ptr_eq(a, b) || a.bytes() == b.bytes(),
        (Content::Asset(a), Content::Asset(b)) => a.sha256 == b.sha256,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_found_out_once() {
        let memo = Memo::<usize>::default();
        let (one, other) = (Content::bytes("a"), Content::bytes("b"));
        let again = Content::bytes("a");
        let ask = |key, content: &Content, value| *memo.of(key, &[content], || value);
        assert_eq!(ask((0, "x", 0), &one, 1), 1);
        assert_eq!(ask((0, "x", 0), &again, 2), 1);
        assert_eq!(ask((0, "x", 0), &other, 3), 3);
        assert_eq!(ask((1, "x", 0), &one, 4), 4);
        assert_eq!(ask((0, "y", 0), &one, 5), 5);
        assert_eq!(ask((0, "x", 1), &one, 6), 6);
    }

    #[test]
    fn of_many_contents_only_some_are_remembered() {
        let memo = Memo::<usize>::default();
        let contents: Vec<Content> = (0..100).map(|n| Content::bytes(format!("{n}"))).collect();
        for (index, content) in contents.iter().enumerate() {
            assert_eq!(*memo.of((0, "x", 0), &[content], || index), index);
        }
        let again = |content: &Content| *memo.of((0, "x", 0), &[content], || 1000);
        assert_eq!(again(&contents[VARIANTS - 1]), VARIANTS - 1);
        assert_eq!(again(&contents[VARIANTS]), 1000);
    }
}
