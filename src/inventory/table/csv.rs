//! Tables in CSV: one node a line.

use std::sync::Arc;

use ::csv::{ErrorKind, Position, ReaderBuilder, StringRecord};

use crate::inventory::table::column::Column;
use crate::inventory::table::unknown::unknown;
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::wording::counted;
use crate::yaml::{Located, Map, Value};

/// Reads a CSV file into nodes.
pub fn read(file: &Arc<str>, text: &str, report: &mut Report) -> Vec<Located> {
    let mut reader = ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let Ok(mut header) = reader.headers().cloned() else {
        report.add(Finding::new(
            Id::CsvInvalid,
            &Location::file(file.clone()),
            "",
            "not a CSV file",
        ));
        return Vec::new();
    };
    header.trim();
    if let Some((name, mark)) = other_separator(&header) {
        let rule = format!("columns must be separated by commas, and here they are by {name}");
        let finding = Finding::new(Id::CsvInvalid, &Location::new(file.clone(), 1, 1), "", rule);
        report.add(finding.help(format!(
            "write \",\" in place of {mark:?}, or export the table with commas"
        )));
        return Vec::new();
    }
    let Some(columns) = columns(file, &header, report) else {
        return Vec::new();
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut nodes = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => nodes.push(node(file, &columns, &record, &lines)),
            Err(error) => {
                let line = error.position().map_or(0, Position::line);
                let location =
                    Location::new(file.clone(), u32::try_from(line).unwrap_or(u32::MAX), 1);
                report.add(Finding::new(Id::CsvInvalid, &location, "", wording(&error)));
            }
        }
    }
    nodes
}

/// What separates the columns of a table that some programs write: a header of one column that has several names.
fn other_separator(header: &StringRecord) -> Option<(&'static str, char)> {
    let only = header.get(0).filter(|_| header.len() == 1)?;
    let marks = [("semicolons", ';'), ("tabs", '\t'), ("bars", '|')];
    marks.into_iter().find(|(_, mark)| {
        only.split(*mark).any(|part| part.trim() == "name") && only.contains(*mark)
    })
}

fn wording(error: &::csv::Error) -> String {
    match error.kind() {
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!(
                "the line has {}, the header {expected_len}",
                counted(*len, "column")
            )
        }
        ErrorKind::Utf8 { .. } => "the line is not UTF-8".to_owned(),
        _ => "the line is not CSV".to_owned(),
    }
}

/// The columns of a header; None for one that is unknown, for which there is a finding. Nothing if no line can be read.
fn columns(
    file: &Arc<str>,
    header: &StringRecord,
    report: &mut Report,
) -> Option<Vec<Option<Column>>> {
    let mut good = true;
    let line = header.iter().collect::<Vec<_>>().join(",");
    let mut columns: Vec<Option<Column>> = Vec::new();
    for (index, name) in header.iter().enumerate() {
        let location = Location::new(file.clone(), 1, column_of(&line, index));
        let column = Column::of(name);
        if column.is_none() {
            let (rule, repair) = unknown(name);
            let finding = Finding::new(Id::CsvColumnUnknown, &location, name, rule);
            report.add(finding.help(repair));
        }
        let mut earlier = header.iter().zip(&columns);
        let other = earlier.find_map(|(other, known)| {
            let (known, column) = (known.as_ref()?, column.as_ref()?);
            known.overlaps(column).then_some(other)
        });
        if let Some(other) = other {
            let rule = if other == name {
                "the column is there twice".to_owned()
            } else {
                format!("the column sets what {other} sets")
            };
            report
                .add(Finding::new(Id::CsvColumnRepeated, &location, name, rule).help("remove one"));
            good = false;
        }
        columns.push(column);
    }
    if !header.iter().any(|column| column == "name") {
        report.add(Finding::new(
            Id::CsvColumnMissing,
            &Location::new(file.clone(), 1, 1),
            "",
            "the column \"name\" is missing",
        ));
        good = false;
    }
    good.then_some(columns)
}

fn node(
    file: &Arc<str>,
    columns: &[Option<Column>],
    record: &StringRecord,
    lines: &[&str],
) -> Located {
    let line = record.position().map_or(0, Position::line);
    let line_number = u32::try_from(line).unwrap_or(u32::MAX);
    let text = usize::try_from(line)
        .ok()
        .and_then(|line| lines.get(line.wrapping_sub(1)))
        .copied()
        .unwrap_or_default();
    let mut node = Map::new();
    for (index, (column, value)) in columns.iter().zip(record).enumerate() {
        let Some(column) = column else {
            continue;
        };
        let at = column_of(text, index);
        let value = value.trim();
        // Labels of roles have no value: a field that is empty in quotes is one, and a field without them is none.
        if value.is_empty() && !(column.keeps_empty() && is_quoted(text, at)) {
            continue;
        }
        let location = Location::new(file.clone(), line_number, at);
        column.insert(&mut node, column.value(&location, value));
    }
    Located {
        location: Location::new(file.clone(), line_number, 1),
        value: Value::Map(Arc::new(node)),
    }
}

/// Whether the field that begins at a 1-based column is in quotes, which the CSV reader does not tell.
fn is_quoted(line: &str, column: u32) -> bool {
    let skip = usize::try_from(column - 1).unwrap_or(usize::MAX);
    line.chars().nth(skip) == Some('"')
}

/// The 1-based column in characters at which a field of a line starts; commas inside quotes do not count.
fn column_of(line: &str, field: usize) -> u32 {
    let mut quoted = false;
    let mut commas = 0;
    let mut column = 1;
    for c in line.chars() {
        if commas == field {
            break;
        }
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => commas += 1,
            _ => {}
        }
        column += 1;
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_a_node_with_locations() {
        let mut report = Report::default();
        let text = "name,addresses,label:rack\nn1,\"fd00::2;fd00::1\",r1\nn2,fd00::3,\n";
        let nodes = read(&"racks.csv".into(), text, &mut report);
        assert!(report.is_empty(), "{report}");
        let text = crate::yaml::to_text(&nodes).expect("writable");
        assert_eq!(
            text,
            "- name: n1\n  addresses:\n  - fd00::2\n  - fd00::1\n  labels:\n    rack: r1\n- name: n2\n  addresses:\n  - fd00::3\n"
        );
        let rack = nodes[0]
            .get("labels")
            .and_then(|labels| labels.get("rack"))
            .expect("a label");
        assert_eq!(rack.location.to_string(), "racks.csv:2:22");
    }

    #[test]
    fn quotes_make_an_empty_value() {
        let mut report = Report::default();
        let text =
            "name,label:role,taint:gpu:NoSchedule,kubernetes\na,,,v1.33.6\nb,\"\",\"\",\nc, ,x,\n";
        let nodes = read(&"r.csv".into(), text, &mut report);
        assert!(report.is_empty(), "{report}");
        assert_eq!(
            crate::yaml::to_text(&nodes).expect("writable"),
            "- name: a\n  kubernetes: v1.33.6\n- name: b\n  labels:\n    role: \"\"\n  taints:\n    \"gpu:NoSchedule\": \"\"\n\
             - name: c\n  taints:\n    \"gpu:NoSchedule\": x\n"
        );
    }

    #[test]
    fn spaces_do_not_count_and_other_separators_are_named() {
        let mut report = Report::default();
        let nodes = read(&"r.csv".into(), " name, macs \nb, \n", &mut report);
        assert_eq!((nodes.len(), report.to_string().as_str()), (1, ""));
        for (text, name) in [
            ("name;macs\na;b\n", "semicolons"),
            ("macs\tname\na\tb\n", "tabs"),
            ("name|macs\n", "bars"),
        ] {
            let mut report = Report::default();
            assert_eq!(read(&"r.csv".into(), text, &mut report).len(), 0);
            let said = report.to_string();
            assert!(said.contains(&format!("here they are by {name}")), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }

    #[test]
    fn all_mistakes_of_a_file_are_found() {
        let mut report = Report::default();
        read(&"r.csv".into(), "name,macz,name\n", &mut report);
        assert_eq!(
            report.to_string(),
            "error: r.csv:1:6: macz: unknown column; did you mean macs?\n\
             error: r.csv:1:11: name: the column is there twice; remove one\n"
        );
        let mut report = Report::default();
        read(
            &"r.csv".into(),
            "name,label:a,labels.a,vars.a,vars.a.b\n",
            &mut report,
        );
        assert_eq!(
            report.to_string(),
            "error: r.csv:1:14: labels.a: the column sets what label:a sets; remove one\n\
             error: r.csv:1:30: vars.a.b: the column sets what vars.a sets; remove one\n"
        );
        let mut report = Report::default();
        let nodes = read(&"r.csv".into(), "name,macs\na\nb,\n", &mut report);
        assert_eq!(nodes.len(), 1);
        assert_eq!(
            report.to_string(),
            "error: r.csv:2:1: the line has 1 column, the header 2\n"
        );
    }
}
