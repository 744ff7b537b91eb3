//! YAML as programs of Kubernetes read it (sigs.k8s.io/yaml, a fork of go-yaml 2): the words of YAML 1.1 for true and false, and numbers
//! with underscores or a leading zero. Our own reader is one of YAML 1.2.

use std::sync::Arc;

use crate::host_files::fault::Fault;
use crate::host_files::yaml_text;
use crate::report::Id;
use crate::yaml::{Field, Located, Value};

/// Reads a text of one document. These programs pass over further ones, which is a mistake here unless they are empty.
pub fn read(text: &str, id: Id) -> Result<Located, Vec<Fault>> {
    let text = without_empty_end(text);
    let root = yaml_text::read(text, id)?;
    let lines: Vec<&str> = text.split('\n').collect();
    Ok(resolved(&root, &lines))
}

/// A text up to a last line of three dashes that nothing follows.
fn without_empty_end(text: &str) -> &str {
    let is_empty = |line: &str| line.trim().is_empty() || line.starts_with('#');
    let mut end = text.len();
    for line in text.split_inclusive('\n').rev() {
        let start = end - line.len();
        if line.trim_end() == "---" || line.trim_end() == "..." {
            // The mark of a first document stays: what is before it has no content.
            if text[..start].lines().all(is_empty) {
                return text;
            }
            return without_empty_end(&text[..start]);
        }
        if !is_empty(line) {
            return text;
        }
        end = start;
    }
    text
}

fn resolved(value: &Located, lines: &[&str]) -> Located {
    let changed = match &value.value {
        Value::List(items) => {
            let items = items.iter().map(|item| resolved(item, lines));
            Value::List(Arc::new(items.collect()))
        }
        Value::Map(map) => {
            let entries = map.iter().map(|(key, field)| {
                let value = resolved(&field.value, lines);
                let key_location = field.key.clone();
                (
                    key.clone(),
                    Field {
                        key: key_location,
                        value,
                    },
                )
            });
            Value::Map(Arc::new(entries.collect()))
        }
        Value::String(_) | Value::Int(_) | Value::Float(_) => match plain(value, lines) {
            Some(word) => scalar(word).unwrap_or_else(|| value.value.clone()),
            None => value.value.clone(),
        },
        Value::Null | Value::Bool(_) => value.value.clone(),
    };
    Located {
        location: value.location.clone(),
        value: changed,
    }
}

/// The word of a scalar of one word that is neither quoted nor tagged.
fn plain<'t>(value: &Located, lines: &[&'t str]) -> Option<&'t str> {
    let number = |number: u32| usize::try_from(number).ok()?.checked_sub(1);
    let line = lines.get(number(value.location.line)?)?;
    let start = line.char_indices().nth(number(value.location.column)?)?.0;
    let rest = &line[start..];
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '.');
    let end = rest.find(|c: char| !fits(c)).unwrap_or(rest.len());
    let (word, behind) = rest.split_at(end);
    let is_all = behind.trim_start().is_empty()
        || behind.starts_with([',', ']', '}'])
        || behind.trim_start().starts_with(['#', ',', ']', '}'])
            && behind.starts_with([' ', '\t', '\r']);
    if word.is_empty() || !is_all {
        return None;
    }
    match &value.value {
        // A text over several lines is another one than its first word.
        Value::String(text) => (**text == *word).then_some(word),
        _ => Some(word),
    }
}

/// What a plain word is for go-yaml where YAML 1.2 has it otherwise.
fn scalar(word: &str) -> Option<Value> {
    match word {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Some(Value::Bool(true)),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Some(Value::Bool(false)),
        _ => {}
    }
    let digits = word.replace('_', "");
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // Go's strconv.ParseInt with base 0.
    let number = match (digits.get(..2), digits.get(2..)) {
        (Some("0x" | "0X"), Some(rest)) => i64::from_str_radix(rest, 16).ok(),
        (Some("0b" | "0B"), Some(rest)) => i64::from_str_radix(rest, 2).ok(),
        (Some("0o" | "0O"), Some(rest)) => i64::from_str_radix(rest, 8).ok(),
        _ if digits.len() > 1 && digits.starts_with('0') => {
            i64::from_str_radix(&digits[1..], 8).ok()
        }
        _ => digits.parse().ok(),
    };
    number.map(|number| Value::Int(sign * number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_yaml_1_1() {
        let text = "a: [yes, \"yes\", off, 'no', nope, yes sir]\nb: 0644\nc: \"0644\"\nd: 1_000\ne: 0x1F\nf: 0o17\ng: -5 # x\nh: 08\ni: {x: on, y: 1.5}\nj: y\n";
        let root = read(text, Id::StaticPodInvalid).expect("YAML");
        let list = match &root.get("a").expect("a").value {
            Value::List(items) => items
                .iter()
                .map(|item| item.value.clone())
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let string = |text: &str| Value::String(text.into());
        assert_eq!(
            list,
            [
                Value::Bool(true),
                string("yes"),
                Value::Bool(false),
                string("no"),
                string("nope"),
                string("yes sir"),
            ]
        );
        let of = |key: &str| root.get(key).map(|value| value.value.clone()).expect(key);
        assert_eq!((of("b"), of("c")), (Value::Int(420), string("0644")));
        assert_eq!(
            (of("d"), of("e"), of("f")),
            (Value::Int(1000), Value::Int(31), Value::Int(15))
        );
        assert_eq!((of("g"), of("j")), (Value::Int(-5), Value::Bool(true)));
        let inner = root.get("i").expect("i");
        assert_eq!(
            inner.get("x").map(|x| x.value.clone()),
            Some(Value::Bool(true))
        );
        assert_eq!(
            inner.get("y").map(|y| y.value.clone()),
            Some(Value::Float(1.5))
        );
    }
}
