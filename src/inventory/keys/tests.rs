//! What `keys!` makes of a sample.

use super::*;
use crate::inventory::kinds::{MapOf, Pair};
use crate::inventory::text::Any;

/// What a text is read as, and the findings.
pub fn read_text<K: Shaped>(text: &str) -> (Option<K::Value>, String) {
    let mut report = crate::report::Report::default();
    let tree = crate::yaml::parse(&"t".into(), text, &mut report).expect("valid YAML");
    let report = std::cell::RefCell::new(report);
    let value = K::read(&Cursor::new(&tree, "", &report));
    (value, report.into_inner().to_string())
}

keys! {
    struct Sample: "sample", near ["other"] {
        /// about it
        "name" => name: Option<Any>,
        /// about it
        "b" => b: bool = false,
        /// about it
        "c" => c: Vec<Any>,
        /// about it
        "d" => d: u8 = 7,
        /// about it
        "e" => e: MapOf<Pair<Any, u8>>,
        /// about it
        "must" => must: Any,
    }
}

fn read(text: &str) -> (Option<Sample>, String) {
    read_text::<Sample>(text)
}

#[test]
fn unknown_fields_are_all_named_with_the_nearest_known_one() {
    assert_eq!(
        read("nmae: x\nq: 1\nothre: 1\nmust: x\n").1,
        "error: t:1:1: nmae: unknown field; did you mean \"name\"?\n\
         error: t:2:1: q: unknown field; remove it; the fields here are name, b, c, d, e, must\n\
         error: t:3:1: othre: unknown field; did you mean \"other\"?\n"
    );
}

#[test]
fn wrong_types_say_what_is_wanted() {
    let (sample, found) = read("name: 5\nb: yes\nc: x\nd: 300\ne: {x: true}\n");
    assert_eq!(
        found,
        "error: t:1:1: the field \"must\" is missing\n\
         error: t:1:7: name: must be a string, not a whole number; put it in quotes\n\
         error: t:2:4: b: must be true or false, not a string; write true or false\n\
         error: t:3:4: c: must be a list, not a string; write it as [x]\n\
         error: t:4:4: d: 300 is out of range\n\
         error: t:5:8: e.x: must be a whole number, not a boolean\n"
    );
    assert!(sample.is_none());
}

#[test]
fn what_is_absent_or_null_has_its_default() {
    let (sample, found) = read("must: x\nd: null\n");
    let sample = sample.expect(&found);
    assert_eq!((sample.b, sample.d, sample.must.as_str()), (false, 7, "x"));
    assert!(sample.name.is_none() && sample.c.is_empty() && sample.e.is_empty());
    let table = <Sample as crate::inventory::keys::Keys>::TABLE;
    let required: Vec<&str> = table
        .fields()
        .filter(|f| f.required)
        .map(|f| f.key)
        .collect();
    assert_eq!(required, ["must"]);
}
