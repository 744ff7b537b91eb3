//! Printed findings as lines that tests compare: one line each, without the quoted source.

/// A finding as it is read back.
#[derive(Default)]
struct Printed {
    severity: String,
    message: String,
    place: String,
    field: String,
    nodes: String,
    help: String,
}

impl Printed {
    fn begin(line: &str) -> Option<Self> {
        let (severity, rest) = line.split_once('[')?;
        let (_, message) = rest.split_once("]: ")?;
        matches!(severity, "error" | "warning").then(|| Self {
            severity: severity.to_owned(),
            message: message.to_owned(),
            ..Self::default()
        })
    }

    /// Whether a line is part of it.
    fn take(&mut self, line: &str) -> bool {
        let is_part =
            line.starts_with([' ', '-']) || line.starts_with(|c: char| c.is_ascii_digit());
        let line = line.trim_start();
        for (mark, part) in [
            ("--> ", &mut self.place),
            ("= field: ", &mut self.field),
            ("= nodes: ", &mut self.nodes),
            ("= help: ", &mut self.help),
        ] {
            if let Some(rest) = line.strip_prefix(mark) {
                *part = rest.to_owned();
            }
        }
        is_part && !line.is_empty()
    }

    fn line(&self) -> String {
        let mut line = format!("{}: {}", self.severity, self.place);
        if !self.field.is_empty() {
            line += &format!(": {}", self.field);
        }
        line += &format!(": {}", self.message);
        if !self.help.is_empty() {
            line += &format!("; {}", self.help);
        }
        if !self.nodes.is_empty() {
            line += &format!(" ({})", self.nodes);
        }
        line + "\n"
    }
}

/// A text with each printed finding on one line (`error: place: field: message; help (nodes)`) and without their summary.
pub fn one_line_each(text: &str) -> String {
    let mut out = String::new();
    let mut current: Option<Printed> = None;
    let mut found = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches('\n');
        if let Some(printed) = &mut current {
            if printed.take(bare) {
                continue;
            }
            out += &printed.line();
            current = None;
            if bare.is_empty() {
                continue;
            }
        }
        current = Printed::begin(bare);
        found |= current.is_some();
        let is_summary = bare.contains(" error") && bare.contains(" warning") && found;
        if current.is_none() && !is_summary {
            out += line;
        }
    }
    out + &current.map(|printed| printed.line()).unwrap_or_default()
}

#[test]
fn printed_findings_are_read_back() {
    let text = "before\nerror[field-unknown]: no field\n --> a.yaml:4:1\n  |\n4 | nmae: bad\n  | ^^^^\n  |\n  = field: nmae\n  \
                = nodes: a, b\n  = help: correct it\n\nwarning[ca-invalid]: bad\n--> pki/ca.pem\n\n1 error, 1 warning\nafter\n";
    let lines = "before\nerror: a.yaml:4:1: nmae: no field; correct it (a, b)\nwarning: pki/ca.pem: bad\nafter\n";
    assert_eq!(one_line_each(text), lines);
}
