//! Findings as GitHub's workflow commands, which become annotations of the lines of a change.
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use crate::report::{Finding, Report};
use crate::terminal::shown;

/// One command for each finding; `file_of` names a file as the repository does, or None if it is not in it.
pub fn text(report: &Report, file_of: impl Fn(&str) -> Option<String>) -> String {
    let findings = report.sorted();
    let commands = findings.iter().map(|finding| command(finding, &file_of));
    commands.collect()
}

fn command(finding: &Finding, file_of: impl Fn(&str) -> Option<String>) -> String {
    let at = &finding.location;
    let mut properties = Vec::new();
    let file = file_of(&at.file);
    if let Some(file) = &file {
        properties.push(format!("file={}", property(file)));
        if at.line > 0 {
            properties.push(format!("line={},col={}", at.line, at.column));
        }
        // An end in another line may have no column, and a last column is part of the value.
        if let Some(end) = at.end.filter(|end| end.line.get() == at.line) {
            let last = end.column.saturating_sub(1).max(at.column);
            properties.push(format!("endLine={},endColumn={last}", at.line));
        }
    }
    properties.push(format!("title={}", property(finding.id.as_str())));
    let outside = match file {
        Some(_) => String::new(),
        None => format!("{}: ", at),
    };
    format!(
        "::{} {}::{}\n",
        finding.severity.name(),
        properties.join(","),
        data(&format!("{outside}{}", finding.sentence()))
    )
}

/// What follows the second pair of colons.
fn data(text: &str) -> String {
    shown(text).replace('%', "%25")
}

/// The value of a property, which a comma or colon would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Location;
    use crate::report::Id;

    fn said(finding: Finding, inside: bool) -> String {
        let mut report = Report::default();
        report.add(finding);
        text(&report, |file| inside.then(|| format!("prod/{file}")))
    }

    #[test]
    fn what_would_end_a_command_or_a_property_is_escaped() {
        let at = Location::new("a,b:c%.yaml", 3, 5).spanning(2);
        let finding = Finding::new(Id::FieldUnknown, &at, "x", "100%\n::error::no");
        assert_eq!(
            said(finding.clone().help("remove it").of_node("n1"), true),
            "::error file=prod/a%2Cb%3Ac%25.yaml,line=3,col=5,endLine=3,endColumn=6,title=field-unknown::\
             x: 100%25\\n::error::no; remove it (node n1)\n"
        );
        let said = said(finding, false);
        assert!(
            said.starts_with("::error title=field-unknown::a,b:c%25.yaml:3:5: x"),
            "{said}"
        );
    }
}
