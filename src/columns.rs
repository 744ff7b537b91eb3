//! Tables for people: columns as wide as their longest cell.

use std::fmt::Write;

use crate::terminal::shown;

/// Arranges rows in columns that are `padding` wider than their longest cell, and at least `narrowest` wide; the last one
/// ends the line and is not padded. Widths are in characters. Every row ends with a line break, and
/// no cell has one: cells are foreign text.
pub fn table<const N: usize>(rows: &[[String; N]], padding: usize, narrowest: usize) -> String {
    let rows = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| shown(cell)));
    let rows: Vec<[String; N]> = rows.collect();
    let mut widths = [narrowest; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (cell.chars().count() + padding).max(*width);
        }
    }
    if let Some(last) = widths.last_mut() {
        *last = 0;
    }
    let mut text = String::new();
    for row in &rows {
        for (width, cell) in widths.iter().zip(row) {
            // Writing to a String cannot fail.
            let _ = write!(text, "{cell:width$}", width = *width);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell_and_the_last_is_not_padded() {
        let rows = [["A", "B", "C"], ["żółć", "b", "c c"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows, 2, 0), "A     B  C\nżółć  b  c c\n");
        assert_eq!(table(&rows, 1, 6), "A     B     C\nżółć  b     c c\n");
    }
}
