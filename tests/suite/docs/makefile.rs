//! The Makefile chooses tests by parts of their names: each part must choose one, or a target would ask nothing.

use std::fs;
use std::path::Path;

use crate::support::harness;

/// The parts of names in a Makefile, one list for each line that runs the suite.
fn filters(makefile: &str) -> Vec<Vec<&str>> {
    let lines = makefile.lines();
    let after = lines.filter_map(|line| Some(line.split_once("--test suite -- ")?.1));
    after
        .map(|words| words.split_whitespace().collect())
        .collect()
}

#[test]
fn each_filter_of_the_makefile_chooses_a_test() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Makefile");
    let makefile = fs::read_to_string(file).unwrap();
    let filters = filters(&makefile);
    assert!(filters.len() >= 5, "{filters:?}");
    let tests = harness::tests();
    for filter in filters.concat() {
        // `fuzz::$(TARGET)` is any of them.
        let filter = filter.split('$').next().unwrap();
        let chosen = tests.iter().any(|test| test.short_name().contains(filter));
        assert!(chosen, "no test has {filter} in its name");
    }
}
