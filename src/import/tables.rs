//! Nodes out of tables of other tools: a CSV export or JSON, as NetBox gives them. Which column is what is said by a mapping;
//! the columns of NetBox are known.

use std::sync::Arc;

use crate::import::documents;
use crate::import::facts::{Facts, NodeFact};
use crate::import::values::invalid;
use crate::kubernetes::names::{label_key, label_value, node_name, taint_name};
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::yaml::{Located, Value};

/// What a column may be for; behind `label.` and `taint.` the key follows.
pub const KEYS: [&str; 8] = [
    "name",
    "address",
    "mac",
    "kubernetes",
    "status",
    "certSAN",
    "label.KEY",
    "taint.KEY:EFFECT",
];

/// Columns that are taken where no mapping says more, as NetBox calls them: in a table of its pages, in what its import takes,
/// and in what its API gives.
const KNOWN: [(&str, &str); 17] = [
    ("name", "name"),
    ("name", "hostname"),
    ("address", "primary_ip4"),
    ("address", "primary_ip4.address"),
    ("address", "IPv4 Address"),
    ("address", "primary_ip6"),
    ("address", "primary_ip6.address"),
    ("address", "IPv6 Address"),
    ("address", "address"),
    ("address", "IP Address"),
    ("address", "ip"),
    ("mac", "mac_address"),
    ("mac", "MAC Address"),
    ("mac", "mac"),
    ("status", "status"),
    ("status", "status.value"),
    ("kubernetes", "kubernetes"),
];

/// Statuses of machines that are in use.
const IN_USE: [&str; 2] = ["active", ""];

/// The rows of a CSV file, each as a map of its columns.
pub fn csv(file: &Arc<str>, text: &str, report: &mut Report) -> Vec<Located> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (text, above) = without_sep(text);
    // Spreadsheets of some countries write semicolons.
    let head = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t', b'|']
        .into_iter()
        .max_by_key(|delimiter| head.bytes().filter(|byte| byte == delimiter).count());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(_) => csv::StringRecord::new(),
    };
    let mut rows = Vec::new();
    for record in reader.records() {
        let (record, line) = match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line) + above;
                (record, line)
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line) + above;
                let at = Location::new(file.clone(), u32::try_from(line).unwrap_or(u32::MAX), 1);
                report.add(Finding::new(
                    Id::CsvInvalid,
                    &at,
                    "",
                    "the line does not fit the header",
                ));
                continue;
            }
        };
        // Spreadsheets leave empty rows behind.
        if record.len() > 1 && record.iter().all(str::is_empty) {
            continue;
        }
        let at = Location::new(file.clone(), u32::try_from(line).unwrap_or(u32::MAX), 1);
        let cells = header.iter().zip(&record);
        let cells = cells.map(|(column, value)| (column.into(), Located::string(&at, value)));
        rows.push(Located::map(&at, cells));
    }
    rows
}

/// The text without the line `sep=;`, by which Excel knows the delimiter, and how many lines that are.
fn without_sep(text: &str) -> (&str, u64) {
    let first = text.split_inclusive('\n').next().unwrap_or_default();
    let is_sep = first
        .trim_matches(['"', '\r', '\n', ' '])
        .strip_prefix("sep=")
        .is_some_and(|mark| mark.chars().count() == 1);
    if is_sep {
        (&text[first.len()..], 1)
    } else {
        (text, 0)
    }
}

/// The rows of JSON: a list of objects, alone or below `results`, `items` or `nodes`.
pub fn json(file: &Arc<str>, text: &str, report: &mut Report) -> Vec<Located> {
    let mut rows = Vec::new();
    for tree in documents::read(file, text, report) {
        let below = ["results", "items", "nodes"];
        let list = below.iter().find_map(|key| tree.get(key));
        let list = list.or_else(|| only_list(&tree)).unwrap_or(&tree);
        match &list.value {
            Value::List(items) => rows.extend(items.iter().cloned()),
            Value::Map(_) => rows.push(list.clone()),
            _ => report.add(invalid(&list.location, "", "must be a list of objects")),
        }
    }
    rows
}

/// The list of an answer of GraphQL: `{"data": {"device_list": […]}}`, maps with one key down to the list.
fn only_list(tree: &Located) -> Option<&Located> {
    let map = tree.as_map()?;
    let (_, only) = map.iter().next().filter(|_| map.len() == 1)?;
    match &only.value.value {
        Value::List(_) => Some(&only.value),
        _ => only_list(&only.value),
    }
}

/// Takes the nodes of a table. `mapping` is pairs of what a column is for and its name.
pub fn nodes(
    (file, rows): (&Arc<str>, &[Located]),
    mapping: &[(String, String)],
    facts: &mut Facts,
    report: &mut Report,
) {
    facts.read += rows.len();
    let Some(first) = rows.first() else {
        return;
    };
    let mapping = match complete(mapping, rows) {
        Ok(mapping) => mapping,
        Err(rule) => {
            let columns = first.as_map().into_iter().flat_map(|map| map.keys());
            let columns: Vec<&str> = columns.map(|column| &**column).collect();
            let finding = invalid(&Location::new(file.clone(), 1, 1), "", rule);
            report.add(finding.help(format!("the columns are {}", columns.join(", "))));
            return;
        }
    };
    for row in rows {
        node(row, &mapping, facts, report);
    }
}

/// The mapping with what is known without one; an error where a column is not there, or none has the names.
fn complete(
    mapping: &[(String, String)],
    rows: &[Located],
) -> Result<Vec<(String, String)>, String> {
    let is_there = |column: &str| rows.iter().any(|row| cell(row, column).is_some());
    let mut all = mapping.to_vec();
    for (key, column) in mapping {
        let base = key.split_once('.').map_or(key.as_str(), |(base, _)| base);
        let is_known = KEYS
            .iter()
            .any(|known| known.split('.').next() == Some(base));
        if !is_known {
            return Err(format!("must map one of {}; got {key:?}", KEYS.join(", ")));
        }
        if !is_there(column) {
            return Err(format!("there is no column {column:?}"));
        }
    }
    for (key, column) in KNOWN {
        let is_mapped = mapping.iter().any(|(known, _)| known == key);
        if !is_mapped && is_there(column) {
            all.push((key.to_owned(), column.to_owned()));
        }
    }
    if all.iter().any(|(key, _)| key == "name") {
        Ok(all)
    } else {
        Err("no column has the nodes' names: map one with --map name=COLUMN".to_owned())
    }
}

/// A cell by its column: a name, whatever the case of its letters, or a path of keys with dots.
fn cell(row: &Located, column: &str) -> Option<String> {
    let map = row.as_map()?;
    let named = map.get(column).or_else(|| {
        let mut found = map
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(column));
        found.next().map(|(_, field)| field)
    });
    let found = match named {
        Some(field) => &field.value,
        None => column.split('.').try_fold(row, |at, key| at.get(key))?,
    };
    match &found.value {
        Value::String(text) => Some(text.trim().to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null => Some(String::new()),
        Value::List(items) => {
            let texts: Vec<&str> = items.iter().filter_map(Located::as_str).collect();
            Some(texts.join(" "))
        }
        Value::Map(_) => None,
    }
}

fn node(row: &Located, mapping: &[(String, String)], facts: &mut Facts, report: &mut Report) {
    let at = &row.location;
    let of = |key: &str| {
        let columns = mapping.iter().filter(|(known, _)| known == key);
        columns
            .filter_map(|(_, column)| cell(row, column))
            .filter(|text| !text.is_empty())
            .collect::<Vec<String>>()
    };
    let Some(name) = of("name")
        .into_iter()
        .next()
        .map(|name| name.to_ascii_lowercase())
    else {
        report.add(Finding::new(
            Id::ImportNodeSkipped,
            at,
            "",
            "the row has no name: it is left out",
        ));
        return;
    };
    if let Some(status) = of("status").first()
        && !IN_USE.contains(&status.to_ascii_lowercase().as_str())
    {
        let rule = format!("{name} has the status {status}: it is left out");
        report.add(Finding::new(Id::ImportNodeSkipped, at, "", rule));
        return;
    }
    if let Err(rule) = node_name(&name) {
        report.add(invalid(at, "name", format!("{name:?}: {rule}")));
        return;
    }
    if facts.nodes.contains_key(&name) {
        report.add(invalid(at, "name", format!("{name} is there twice")));
        return;
    }
    let mut node = NodeFact::new(&name, at);
    let words = |texts: Vec<String>| {
        let words = texts.iter().flat_map(|text| text.split([' ', ',', ';']));
        let words = words.filter(|word| !word.is_empty());
        words.map(str::to_owned).collect::<Vec<String>>()
    };
    for word in words(of("address")) {
        let address = word.split('/').next().unwrap_or_default();
        match address.parse() {
            Ok(address) if !node.addresses.contains(&address) => node.addresses.push(address),
            Ok(_) => {}
            Err(_) => report.add(invalid(
                at,
                "address",
                format!("must be an address; got {word:?}"),
            )),
        }
    }
    node.macs = words(of("mac"))
        .into_iter()
        .map(|text| mac(&text))
        .collect();
    node.names = words(of("certSAN"));
    node.version = of("kubernetes").into_iter().next().map(with_v);
    for (key, column) in mapping {
        let Some(value) = cell(row, column) else {
            continue;
        };
        if let Some(label) = key.strip_prefix("label.").filter(|_| !value.is_empty()) {
            match label_key(label).and_then(|()| label_value(&value)) {
                Ok(()) => _ = node.labels.insert(label.to_owned(), value),
                Err(rule) => report.add(invalid(at, column, format!("{value:?}: {rule}"))),
            }
        } else if let Some(taint) = key.strip_prefix("taint.").filter(|_| !value.is_empty()) {
            match taint_name(taint)
                .map(drop)
                .and_then(|()| label_value(&value))
            {
                Ok(()) => _ = node.taints.insert(taint.to_owned(), value),
                Err(rule) => report.add(invalid(at, column, rule)),
            }
        }
    }
    facts.planned.push(name.clone());
    facts.nodes.insert(name, node);
}

/// A MAC address with colons, however a switch or a table writes it: `52-54-00-12-34-56`, `5254.0012.3456`, `525400123456`.
fn mac(text: &str) -> String {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, ':' | '-' | '.'))
        .collect();
    let digits = digits.to_ascii_lowercase();
    if digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return text.to_ascii_lowercase();
    }
    let pairs: Vec<&str> = (0..12).step_by(2).map(|at| &digits[at..at + 2]).collect();
    pairs.join(":")
}

/// A version with the `v` that its tags have.
pub fn with_v(version: String) -> String {
    if version.starts_with(|c: char| c.is_ascii_digit()) {
        format!("v{version}")
    } else {
        version
    }
}
