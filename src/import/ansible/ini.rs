//! Inventories of Ansible in its INI form: hosts with variables, ranges of hosts, groups of groups, variables of groups.

use crate::import::ansible::inventory::Inventory;
use crate::import::ansible::range::expand;
use crate::import::values::invalid;
use crate::model::Location;
use crate::report::Report;
use crate::yaml::Located;

/// Reads an inventory.
pub fn read(file: &str, text: &str, inventory: &mut Inventory, report: &mut Report) {
    let (mut group, mut kind) = ("ungrouped".to_owned(), String::new());
    for (number, line) in (1..).zip(text.lines()) {
        let at = Location::new(file, number, 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            let Some(name) = name.split(']').next().filter(|_| line.contains(']')) else {
                report.add(invalid(&at, "", "the bracket of a group is not closed"));
                continue;
            };
            let (name, of) = name.split_once(':').unwrap_or((name, ""));
            (group, kind) = (name.trim().to_owned(), of.trim().to_owned());
            inventory.group(&group);
            continue;
        }
        match kind.as_str() {
            "children" => {
                let child = words(line).into_iter().next().unwrap_or_default();
                inventory.group(&child);
                inventory.group(&group).children.push(child);
            }
            "vars" => {
                if let Some((key, value)) = line.split_once('=') {
                    let value = value_of(value.trim(), &at);
                    let vars = &mut inventory.group(&group).vars;
                    vars.insert(key.trim().to_owned(), value);
                }
            }
            "" => host(line, &group, &at, inventory, report),
            other => {
                let rule = format!("must be a group, GROUP:children or GROUP:vars; got :{other}");
                report.add(invalid(&at, "", rule));
            }
        }
    }
}

fn host(line: &str, group: &str, at: &Location, inventory: &mut Inventory, report: &mut Report) {
    let mut words = words(line).into_iter();
    let Some(pattern) = words.next() else {
        return;
    };
    let mut names = Vec::new();
    if !expand(without_port(&pattern), &mut names) {
        let rule = format!("must be a host or a range like node[01:50]; got {pattern:?}");
        report.add(invalid(at, "", rule));
        return;
    }
    let vars: Vec<(String, Located)> = words
        .take_while(|word| !word.starts_with('#'))
        .filter_map(|word| {
            let (key, value) = word.split_once('=')?;
            Some((key.to_owned(), value_of(value, at)))
        })
        .collect();
    for name in names {
        let host = inventory.host(&name, at);
        host.extend(vars.iter().cloned());
        let hosts = &mut inventory.group(group).hosts;
        if !hosts.contains(&name) {
            hosts.push(name);
        }
    }
}

/// A host without the port of SSH, `node1:2222`. An IPv6 address has more than one colon, and a range has some in its brackets.
fn without_port(pattern: &str) -> &str {
    let rest = pattern.rsplit(']').next().unwrap_or(pattern);
    match rest.split_once(':') {
        Some((_, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            &pattern[..pattern.len() - port.len() - 1]
        }
        _ => pattern,
    }
}

/// Words with their quotes removed, as a shell reads them.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut is_word = false;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                is_word = true;
            }
            (None, c) if c.is_whitespace() => {
                if is_word {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            (_, c) => {
                word.push(c);
                is_word = true;
            }
        }
    }
    if is_word {
        words.push(word);
    }
    words
}

/// A value as Ansible reads it: a literal of Python, which YAML understands here, else text.
fn value_of(text: &str, at: &Location) -> Located {
    let text = text.trim();
    if text.starts_with(['{', '[']) {
        let mut report = Report::default();
        let read = crate::yaml::parse_part(&at.file, at.line.saturating_sub(1), text, &mut report);
        if let Some(read) = read {
            return read;
        }
    }
    Located::string(at, text.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(
            words("a b='c d' e=\"f\"  # g"),
            ["a", "b=c d", "e=f", "#", "g"]
        );
    }
}
