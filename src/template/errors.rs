//! What Tera says of a template, in our words and with the location that it names.

use tera::ErrorKind;

/// The index of the template that an error is about.
pub(super) fn named(error: &tera::Error) -> Option<usize> {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            report.filename().parse().ok()
        }
        ErrorKind::MissingParent { current, .. } => current.parse().ok(),
        ErrorKind::CircularExtend { tpl, .. } | ErrorKind::CircularInclude { tpl, .. } => {
            tpl.parse().ok()
        }
        // Of unknown filters, tests, functions and includes Tera says the location in its text only.
        ErrorKind::Msg(text) => reported_location(text).map(|(index, _, _)| index),
        _ => None,
    }
}

/// Template, line and column in ` --> 3:1:4`.
pub(super) fn reported_location(text: &str) -> Option<(usize, usize, usize)> {
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("--> "))?;
    let mut numbers = line.rsplitn(3, ':').map(str::parse);
    let (column, line, index) = (numbers.next()?, numbers.next()?, numbers.next()?);
    Some((index.ok()?, line.ok()?, column.ok()?))
}

pub(super) fn message(error: &tera::Error) -> String {
    format!(
        "template: {}",
        one_line(&crate::error::one_line(&anyhow::Error::msg(
            error.to_string()
        )))
    )
}

/// Tera's sentences, as ours begin and end.
pub(super) fn in_our_words(text: &str) -> String {
    let text = one_line(text).replace(". Available fields:", "; the fields are");
    let text = text.strip_suffix('.').unwrap_or(&text);
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_lowercase().to_string());
    first.unwrap_or_default() + rest.as_str()
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
