//! Every finding with its page, as sections of a guide: from the catalogue.

use crate::report::Id;

/// The guide's own text.
const HEAD: &str = include_str!("findings.md");

/// The guide, in Markdown.
pub fn guide() -> String {
    let mut text = HEAD.to_owned();
    let mut family = "";
    for id in Id::all() {
        let entry = id.entry();
        if entry.family.title != family {
            family = entry.family.title;
            text.push_str(&format!("\n## {family}\n"));
        }
        let firm = entry.firm.map_or("", |_| ", cannot be accepted");
        text.push_str(&format!(
            "\n### {id}\n\n{} ({}{firm})\n\n{}\n",
            entry.summary,
            entry.severity.name(),
            entry.page().unwrap_or_default()
        ));
    }
    text
}
