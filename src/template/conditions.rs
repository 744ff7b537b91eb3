//! What a template's conditions ask for. Tera takes something undefined in `{% if … %}`, `{% elif … %}`, `{% set … %}`
//! and `{{ … or … }}` for false, so that a misspelt name would be no error there. In: a template's text. Out: the names
//! that must be defined when it is rendered.

use std::collections::HashSet;

use crate::template::SCOPE;
use crate::template::metered::Position;

/// What makes a condition of a printed expression.
const CHOICES: [&str; 4] = ["if", "and", "or", "not"];

/// A name like `vars.rack` in a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The name with its dots.
    pub name: String,
    /// 1-based line.
    pub line: usize,
    /// Column in characters, from 0 as Tera counts.
    pub column: usize,
}

/// The names that conditions ask for, without those that the template itself asks whether they are defined, or gives a
/// default, and without what is below them.
pub fn asked(text: &str) -> Vec<Asked> {
    let mut found = Vec::new();
    let mut guarded = HashSet::new();
    let mut position = Position::new(text);
    for (start, tag) in tags(text) {
        names(tag, |at, name, after| {
            if is_guard(after) {
                guarded.insert(name.to_owned());
            } else if !is_keyword_argument(after) {
                let (line, column) = position.of(start + at);
                found.push(Asked {
                    name: name.to_owned(),
                    line,
                    column,
                });
            }
        });
    }
    found.retain(|asked| {
        let dots = asked.name.match_indices('.').map(|(at, _)| at);
        let mut prefixes = dots.chain([asked.name.len()]);
        !prefixes.any(|end| {
            asked
                .name
                .get(..end)
                .is_some_and(|name| guarded.contains(name))
        })
    });
    found
}

/// `is defined`, `is not defined`, `is undefined`, a default, or `?.`: the template minds the case itself.
fn is_guard(after: &str) -> bool {
    let words: Vec<&str> = after.split_whitespace().take(3).collect();
    let is_test = match words[..] {
        ["is", "not", test] | ["is", test, ..] => {
            test.starts_with("defined") || test.starts_with("undefined")
        }
        _ => false,
    };
    let filter = after.trim_start().strip_prefix('|');
    let is_default = filter.is_some_and(|filter| filter.trim_start().starts_with("default"));
    is_test || is_default || after.starts_with('?')
}

/// `name=value` inside a call, or the name that a `set` makes.
fn is_keyword_argument(after: &str) -> bool {
    let after = after.trim_start();
    after.starts_with('=') && !after.starts_with("==")
}

/// The insides of the tags that hold conditions, each with its location in the text.
fn tags(text: &str) -> Vec<(usize, &str)> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(open) = find(text, at, "{") {
        let rest = text.get(open..).unwrap_or_default();
        let end = if rest.starts_with("{#") {
            find(text, open, "#}")
        } else if rest.starts_with("{%") {
            find(text, open, "%}")
        } else if rest.starts_with("{{") {
            find(text, open, "}}")
        } else {
            Some(open)
        };
        let Some(end) = end else { break };
        at = end + 1;
        let Some(inside) = text.get(open + 2..end) else {
            continue;
        };
        if rest.starts_with("{{")
            && inside
                .split_whitespace()
                .any(|word| CHOICES.contains(&word))
        {
            tags.push((open + 2, inside));
        }
        if !rest.starts_with("{%") {
            continue;
        }
        match inside.trim_start_matches('-').split_whitespace().next() {
            Some("if" | "elif" | "set") => tags.push((open + 2, inside)),
            // Between the two nothing is a tag.
            Some("raw") => at = find(text, end, "endraw").unwrap_or(text.len()),
            _ => {}
        }
    }
    tags
}

fn find(text: &str, from: usize, what: &str) -> Option<usize> {
    text.get(from..)?.find(what).map(|at| from + at)
}

/// Calls `each` with every dotted name that starts from the scope: its location, the name, and what follows it.
fn names<'t>(tag: &'t str, mut each: impl FnMut(usize, &'t str, &'t str)) {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let mut quote = None;
    let mut at = 0;
    while let Some(next) = tag.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = tag.get(at..).unwrap_or_default();
        let mut width = next.len_utf8();
        match quote {
            Some(open) if open == next => quote = None,
            Some(_) => {}
            None if matches!(next, '"' | '\'' | '`') => quote = Some(next),
            None if is_part(next) => {
                width = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                let (name, after) = rest.split_at(width);
                let name = name.trim_end_matches('.');
                if SCOPE.contains(&name.split('.').next().unwrap_or_default()) {
                    each(at, name, after);
                }
            }
            None => {}
        }
        at += width;
    }
}

#[cfg(test)]
mod tests {
    use super::asked;

    fn names(text: &str) -> Vec<String> {
        let place =
            |asked: &super::Asked| format!("{}:{} {}", asked.line, asked.column, asked.name);
        asked(text).iter().map(place).collect()
    }

    #[test]
    fn conditions_ask_for_names_at_their_locations() {
        for (text, expected) in [
            ("{% if vars.rack %}x{% endif %}", &["1:6 vars.rack"][..]),
            (
                "é\n {%- elif not node.a == vars.b -%}",
                &["2:14 node.a", "2:24 vars.b"],
            ),
            ("{% set x = vars.a.b %}", &["1:11 vars.a.b"]),
            (
                "{{ vars.a or node.b }}{{ 1 if vars.c else 2 }}",
                &["1:3 vars.a", "1:13 node.b", "1:30 vars.c"],
            ),
            ("{% if vars.a[0] %}", &["1:6 vars.a"]),
            ("{% if vars.a | length > 1 %}", &["1:6 vars.a"]),
            ("{% if f(node=vars.a) %}", &["1:13 vars.a"]),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
    }

    #[test]
    fn what_the_template_minds_itself_is_not_asked_for() {
        for text in [
            "{% if vars.a is defined %}{% if vars.a.b %}{% endif %}{% endif %}",
            "{% if vars.a is not defined or vars.a.b == 1 %}",
            "{% if vars.a is undefined %}",
            "{% if vars.a | default(value=1) %}",
            "{% if vars?.a %}",
            "{% if x == \"vars.a\" or 'node.b' == `vars.c` %}",
            "{% if my.vars.a or i.node %}",
            "{# {% if vars.a %} #}{% raw %}{% if vars.a %}{% endraw %}",
            "{{ vars.a }}{% for x in vars.b %}{% if x.y %}{% endif %}{% endfor %} if vars.c",
            "{% if vars.a",
        ] {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }
}
