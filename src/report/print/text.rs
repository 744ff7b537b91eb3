//! Findings for people: the rule, the location, the line with a mark under the value, and what to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::report::{Finding, Id, Report, Severity};
use crate::terminal::shown;
use crate::wording::{counted, named};

/// So many nodes are named; the others are counted.
const NAMED: usize = 5;

/// All findings and the summary, with or without colours. Nothing if there is nothing to say.
pub fn text(report: &Report, styled: bool) -> String {
    let renderer = if styled {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut text = String::new();
    let summary = report.summary();
    for finding in report.sorted() {
        let group = group(report, &finding, summary.nodes);
        text.push_str(&renderer.render(&[group]));
        text.push_str("\n\n");
    }
    if !text.is_empty() || summary.accepted > 0 {
        text.push_str(&format!("{summary}\n"));
    }
    text.push_str(&accepted(report));
    text
}

/// A line for each finding that the project accepts and each reason, with how often it was found.
fn accepted(report: &Report) -> String {
    let mut counts = BTreeMap::<(Id, Arc<String>), usize>::new();
    for finding in report.accepted() {
        let reason = finding.reason().cloned().unwrap_or_default();
        *counts.entry((finding.id, reason)).or_default() += 1;
    }
    let line = |((id, reason), count): ((Id, Arc<String>), usize)| {
        let times = if count == 1 {
            String::new()
        } else {
            format!(" ({})", counted(count, "time"))
        };
        format!("accepted: {id}{times}: {}\n", shown(&reason))
    };
    counts.into_iter().map(line).collect()
}

fn group<'a>(report: &Report, finding: &'a Finding, of_all: Option<usize>) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(shown(&finding.message));
    let at = &finding.location;
    let file = shown(&at.file);
    let quote = Some(at).filter(|_| finding.id.entry().may_quote());
    let quote = quote.and_then(|at| report.sources().quote(at));
    let title = title.id(finding.id.as_str());
    let mut group = match quote {
        Some(quote) => {
            let line = usize::try_from(at.line).unwrap_or(usize::MAX);
            let mark = AnnotationKind::Primary.span(quote.span);
            let snippet = Snippet::source(quote.line).line_start(line).path(file);
            title.element(snippet.annotation(mark))
        }
        None => title.element(origin(file, at.line, at.column)),
    };
    if !finding.path.is_empty() {
        group = group.element(note("field", &finding.path));
    }
    let nodes = &finding.nodes;
    if !nodes.is_empty() && Some(nodes.len()) != of_all {
        group = group.element(note("nodes", &named(nodes, NAMED)));
    }
    if let Some(reason) = finding.reason() {
        group = group.element(note("level", &format!("set by the project: {reason}")));
    }
    match &finding.help {
        Some(help) => group.element(Level::HELP.message(shown(help))),
        None => group,
    }
}

fn origin(file: String, line: u32, column: u32) -> Origin<'static> {
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let origin = Origin::path(file);
    match line {
        0 => origin,
        line => origin.line(number(line)).char_column(number(column)),
    }
}

fn note(name: &'static str, text: &str) -> annotate_snippets::Message<'static> {
    Level::NOTE.with_name(Some(name)).message(shown(text))
}
