//! What a drop-in of 1.28 does or leaves undone that its writer may not have meant, and how that is said.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::kubernetes::BrokenRule;
use crate::kubernetes::effective::{Effective, Source};
use crate::report::Id;

/// By the field.
pub(in crate::kubernetes::effective) type Surprises = BTreeMap<Vec<String>, Surprise>;

/// What became of one field.
#[derive(Debug)]
pub(in crate::kubernetes::effective) enum Surprise {
    /// The drop-in of that index does not say it, and its default took the place of this value.
    Default(usize, Json),
    /// The drop-in of that index says this, which is zero, and something else holds.
    Zero(usize, Json),
}

impl Effective<'_> {
    /// What of the surprises no flag made good, one broken rule for each drop-in and kind.
    pub(in crate::kubernetes::effective) fn surprised(&mut self) {
        let mut all: BTreeMap<(usize, bool), (Vec<String>, Vec<String>)> = BTreeMap::new();
        for (path, surprise) in &self.surprises {
            if matches!(self.source(path), Some(Source::Flag(_))) {
                continue;
            }
            let field = path.join(".");
            let now = self
                .at(path)
                .map_or_else(|| "its default".to_owned(), in_words);
            let (index, is_zero, meant) = match surprise {
                Surprise::Default(index, old) => (*index, false, old),
                Surprise::Zero(index, given) => (*index, true, given),
            };
            let text = format!("{field} is {now} and not {}", in_words(meant));
            let (_, texts) = all
                .entry((index, is_zero))
                .or_insert_with(|| (path.clone(), Vec::new()));
            texts.push(text);
        }
        for ((index, is_zero), (path, texts)) in all {
            let (rule, help) = if is_zero {
                (
                    "a kubelet of 1.28 leaves out what is false, 0 or empty in a drop-in",
                    "write it in kubelet.config and in each drop-in, or as a flag",
                )
            } else {
                (
                    "a kubelet of 1.28 gives each drop-in all defaults, which win over what was set before",
                    "write these fields in the drop-in too, with the values that are meant",
                )
            };
            self.of_drop_ins.push((
                index,
                BrokenRule {
                    id: Id::KubeletDropInInvalid,
                    path,
                    flag: None,
                    message: format!("{rule}: {}", texts.join(", ")),
                    help: Some(help.to_owned()),
                    at_start: true,
                },
            ));
        }
    }
}

/// A value in a sentence.
fn in_words(value: &Json) -> String {
    match value {
        Json::String(text) if text.is_empty() => "empty".to_owned(),
        Json::String(text) => text.clone(),
        value => value.to_string(),
    }
}
