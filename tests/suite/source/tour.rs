//! The order of the rooms, as people read it: the list in src/lib.rs and the table in docs/architecture.md.

use std::fs;
use std::path::Path;

use crate::source::rooms::FLOORS;

/// src/lib.rs is the tour: its rooms are in the order of the floors.
#[test]
fn the_tour_goes_up_the_floors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tour = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    let rooms = tour
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "));
    let rooms: Vec<&str> = rooms.map(|room| room.trim_end_matches(';')).collect();
    let floors = FLOORS.iter().flat_map(|floor| {
        let here = rooms.iter().copied().filter(|room| floor.contains(room));
        here.collect::<Vec<_>>()
    });
    assert_eq!(rooms, floors.collect::<Vec<_>>());
}

/// The table of docs/architecture.md, from the top to the ground.
#[test]
fn the_table_of_the_rooms_has_these_floors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let table = page.split("| floor |").nth(1).unwrap();
    let rows = table.split("\n\n").next().unwrap().lines().skip(2);
    let shown: Vec<String> = rows
        .map(|row| row.split('|').take(3).collect::<Vec<_>>().join("|"))
        .collect();
    let floors = FLOORS.iter().enumerate().rev();
    let expected: Vec<String> = floors
        .map(|(number, rooms)| format!("| {number} | `{}` ", rooms.join("`, `")))
        .collect();
    assert_eq!(shown, expected, "docs/architecture.md");
}
