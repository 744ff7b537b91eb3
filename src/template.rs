//! Templates: the only user of Tera. Undefined is an error, and there is no way out to files, commands, the clock,
//! randomness or the environment: Tera 2 has no such functions, and none is added. What one rendering may take is
//! bounded: `meter.rs` says how, and why by these numbers.

mod conditions;
mod errors;
mod foreign;
mod meter;
mod metered;
mod scope;
mod uses;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use tera::{ErrorKind, Tera};

use crate::io::Limited;
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::template::conditions::{Asked, asked};
use crate::template::errors::{in_our_words, message, named, reported_location};
use crate::template::metered::Metered;
pub use crate::template::scope::{Scope, ScopeValue};
pub use crate::template::uses::Parts;
use crate::template::uses::uses;

/// The names that templates may start from.
pub const SCOPE: [&str; 8] = [
    "cluster",
    "node",
    "kubelet",
    "paths",
    "vars",
    "os",
    "containerd",
    "time",
];

/// One template of a [`TemplateSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TemplateId(usize);

impl TemplateId {
    /// Its number in the set, from 0.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Templates as they are collected; equal texts are one template.
#[derive(Default)]
pub struct TemplateSet {
    sources: Vec<TemplateSource>,
    by_text: HashMap<Arc<str>, TemplateId>,
}

struct TemplateSource {
    text: Arc<str>,
    location: Location,
    path: Arc<str>,
}

/// Compiled templates, shared by all threads.
pub struct Templates {
    tera: Tera,
    sources: Vec<TemplateSource>,
    /// As Tera compiled them.
    metered: Vec<Metered>,
    /// What the conditions of each ask for.
    asked: Vec<Vec<Asked>>,
    /// The parts of the scope that each asks for.
    uses: Vec<Parts>,
    /// What is wrong with those that could not be compiled.
    broken: HashMap<usize, Finding>,
}

impl TemplateSet {
    /// Adds a template. A location with line 0 is a file of its own: positions inside it are then exact.
    pub fn add(&mut self, text: &Arc<str>, location: &Location, path: &Arc<str>) -> TemplateId {
        if let Some(id) = self.by_text.get(text) {
            return *id;
        }
        let id = TemplateId(self.sources.len());
        self.sources.push(TemplateSource {
            text: text.clone(),
            location: location.clone(),
            path: path.clone(),
        });
        self.by_text.insert(text.clone(), id);
        id
    }

    /// Whether a template reads a key of a map: `map.key`, `map["key"]`, or the map as a whole.
    pub fn reads(&self, map: &str, key: &str) -> bool {
        let texts = self.sources.iter().map(|source| &*source.text);
        texts
            .filter(|text| text.contains(map))
            .any(|text| words::reads(text, map, key))
    }

    /// Compiles all templates; syntax errors and unknown names are findings, all of them.
    pub fn compile(self, report: &mut Report) -> Templates {
        let mut tera = Tera::default();
        // Nothing here is HTML.
        tera.autoescape_on(Vec::<&str>::new());
        meter::register(&mut tera);
        let (metered, mut broken) = self.metered(report);
        loop {
            let good = self
                .sources
                .iter()
                .enumerate()
                .filter(|(index, _)| !broken.contains_key(index));
            let rendering = good.map(|(index, source)| (index.to_string(), &*source.text));
            let Err(error) = tera.add_raw_templates(rendering) else {
                break;
            };
            let index = named(&error).filter(|index| !broken.contains_key(index));
            match index.and_then(|index| Some((index, self.sources.get(index)?))) {
                Some((index, source)) => {
                    let finding = source.finding(&error, &Metered::default());
                    report.add(finding.clone());
                    broken.insert(index, finding);
                }
                None => {
                    report.add(Finding::new(
                        Id::TemplateFailed,
                        &Location::file("templates"),
                        "",
                        message(&error),
                    ));
                    break;
                }
            }
        }
        for (index, source) in self.sources.iter().enumerate() {
            broken.extend(lint(&tera, index, source, report).map(|found| (index, found)));
            let Some(metered) = metered.get(index).filter(|_| !broken.contains_key(&index)) else {
                continue;
            };
            if *metered.text == *source.text {
                continue;
            }
            // What is wrong with the text as it is was said above.
            if let Err(error) = tera.add_raw_template(&index.to_string(), &metered.text) {
                let finding = source.finding(&error, metered);
                report.add(finding.clone());
                broken.insert(index, finding);
            }
        }
        let asked = self.sources.iter().map(|source| asked(&source.text));
        Templates {
            tera,
            asked: asked.collect(),
            uses: self.sources.iter().map(|one| uses(&one.text)).collect(),
            sources: self.sources,
            metered,
            broken,
        }
    }

    /// The templates with what counts their steps, and findings about those that cannot be bounded.
    fn metered(&self, report: &mut Report) -> (Vec<Metered>, HashMap<usize, Finding>) {
        let mut broken = HashMap::new();
        let mut all = Vec::new();
        for (index, source) in self.sources.iter().enumerate() {
            let metered = Metered::new(&source.text).unwrap_or_else(|refused| {
                let location = source.location_of(refused.line, refused.column);
                let rule = format!("template: {}", refused.rule);
                let finding =
                    Finding::new(Id::TemplateTagUnsupported, &location, &*source.path, rule);
                report.add(finding.clone());
                broken.insert(index, finding);
                Metered::default()
            });
            all.push(metered);
        }
        (all, broken)
    }
}

/// Tera takes an undefined name in `{% if x %}` for false, so the names to start from are checked beforehand. The finding about a
/// template of another language, which says all that there is to say.
fn lint(
    tera: &Tera,
    index: usize,
    source: &TemplateSource,
    report: &mut Report,
) -> Option<Finding> {
    let names = tera.get_template_variables(&index.to_string()).ok()?;
    let mut unknown: Vec<&str> = names
        .into_iter()
        .filter(|name| !SCOPE.contains(name))
        .collect();
    unknown.sort_unstable();
    if let (Some(name), Some(repair)) = (unknown.first(), foreign::repair(&source.text)) {
        let finding = source
            .whole(&format!("{name:?} is not defined"))
            .help(repair);
        report.add(finding.clone());
        return Some(finding);
    }
    for name in unknown {
        let rule = format!("the template uses {name:?}, which is not defined");
        let finding = Finding::new(
            Id::TemplateVariableUnknown,
            &source.name_location(name),
            &*source.path,
            rule,
        );
        report.add(finding.help(format!("start from one of {}", SCOPE.join(", "))));
    }
    None
}

impl Templates {
    /// Renders a template; the finding has the template's line and column.
    pub fn render(&self, id: TemplateId, scope: &Scope) -> Result<String, Finding> {
        // Said again rather than followed by others: the report says each finding once.
        if let Some(finding) = self.broken.get(&id.0) {
            return Err(finding.clone());
        }
        self.conditions(id, scope)?;
        let (Some(source), Some(metered)) = (self.sources.get(id.0), self.metered.get(id.0)) else {
            return Err(Finding::new(
                Id::TemplateFailed,
                &Location::file("templates"),
                "",
                "is not there",
            ));
        };
        meter::begin(metered.text.len(), scope.longest).map_err(|rule| source.whole(&rule))?;
        let mut out = Limited::new(Vec::new(), meter::OUTPUT);
        let rendered = self
            .tera
            .render_to(&id.0.to_string(), &scope.values, &mut out);
        let rendered = out.within(rendered);
        let text = rendered.map_err(|error| source.finding(&error, metered))?;
        let text = text.ok_or_else(|| {
            let most = meter::OUTPUT >> 20;
            source.whole(&format!("makes a text of more than {most} MiB"))
        })?;
        String::from_utf8(text).map_err(|_| source.whole("makes a text that is not UTF-8"))
    }
}

impl Templates {
    /// The number of templates.
    pub fn count(&self) -> usize {
        self.sources.len()
    }

    /// Whether a template makes the same of every scope whose steady parts are these: it asks for nothing else, and its steps
    /// do not cost more where a node's own texts are long.
    pub fn is_steady(&self, id: TemplateId, scope: &Scope) -> bool {
        let uses = self.uses.get(id.0);
        uses.is_some_and(|uses| scope.steady.has(*uses)) && meter::is_short(scope.longest)
    }

    /// The text of the template that is a file of its own.
    pub fn text_of(&self, file: &Location) -> Option<&str> {
        let source = self.sources.iter().find(|source| source.location == *file);
        source.map(|source| &*source.text)
    }

    /// What a condition asks for must be there: Tera would take a misspelt name for false.
    fn conditions(&self, id: TemplateId, scope: &Scope) -> Result<(), Finding> {
        let asked = self.asked.get(id.0).into_iter().flatten();
        let Some(asked) = asked.into_iter().find(|asked| !scope.has(&asked.name)) else {
            return Ok(());
        };
        let Some(source) = self.sources.get(id.0) else {
            return Ok(());
        };
        let name = &asked.name;
        let location = source.location_of(asked.line, asked.column);
        let rule = format!("template: `{name}` is not defined");
        let repair = format!("ask `{name} is defined` where it may be missing");
        Err(Finding::new(Id::TemplateVariableUnknown, &location, &*source.path, rule).help(repair))
    }
}

impl TemplateSource {
    /// About the template from its beginning.
    fn whole(&self, rule: &str) -> Finding {
        Finding::new(
            Id::TemplateFailed,
            &self.location_of(1, 0),
            &*self.path,
            format!("template: {rule}"),
        )
    }

    fn finding(&self, error: &tera::Error, metered: &Metered) -> Finding {
        let finding = self.finding_of(error, metered);
        match foreign::repair(&self.text) {
            Some(repair) if finding.help.is_none() => finding.help(repair),
            _ => finding,
        }
    }

    fn finding_of(&self, error: &tera::Error, metered: &Metered) -> Finding {
        match error.kind() {
            ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
                let span = report.span();
                let (line, column) = metered.original(span.start_line, span.start_col);
                let location = self.location_of(line, column);
                let mut rule = format!("template: {}", in_our_words(report.message()));
                if self.location.line != 0 && self.text.trim_end().contains('\n') {
                    rule.push_str(&format!(" (line {} of the text)", span.start_line));
                }
                Finding::new(Id::TemplateFailed, &location, &*self.path, rule)
            }
            ErrorKind::Msg(text) => match reported_location(text) {
                // The first line says what is wrong, and here columns count from 1.
                Some((_, line, column)) => {
                    let rule = text.lines().next().unwrap_or_default();
                    let rule = in_our_words(rule.trim_start_matches("error: "));
                    let (line, column) = metered.original(line, column.saturating_sub(1));
                    let location = self.location_of(line, column);
                    Finding::new(
                        Id::TemplateFailed,
                        &location,
                        &*self.path,
                        format!("template: {rule}"),
                    )
                }
                None => Finding::new(
                    Id::TemplateFailed,
                    &self.location,
                    &*self.path,
                    message(error),
                ),
            },
            _ => Finding::new(
                Id::TemplateFailed,
                &self.location,
                &*self.path,
                message(error),
            ),
        }
    }

    /// Tera counts lines from 1 and columns from 0. Inside a value of a YAML file only the value's own location is known.
    fn location_of(&self, line: usize, column: usize) -> Location {
        if self.location.line != 0 {
            return self.location.clone();
        }
        let clamp = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Location::new(self.location.file.clone(), clamp(line), clamp(column + 1))
    }

    /// Where a name is used first.
    fn name_location(&self, name: &str) -> Location {
        let found = self
            .text
            .lines()
            .enumerate()
            .find_map(|(line, text)| Some((line + 1, text.find(name)?)));
        match found {
            Some((line, column)) => self.location_of(line, column),
            None => self.location.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        let mut scope = Scope::default();
        scope.set(
            "node",
            ScopeValue::new(&serde_json::json!({"name": "n<1>", "list": [1, 2]})),
        );
        scope.set("vars", ScopeValue::new(&serde_json::json!({})));
        scope
    }

    fn render(text: &str) -> Result<String, String> {
        let mut set = TemplateSet::default();
        let id = set.add(&text.into(), &Location::file("t.tera"), &"".into());
        let mut report = Report::default();
        let templates = set.compile(&mut report);
        if !report.is_empty() {
            return Err(report.to_string());
        }
        templates
            .render(id, &scope())
            .map_err(|finding| finding.to_string())
    }

    #[test]
    fn nothing_is_escaped_and_filters_are_ours() {
        assert_eq!(
            render("{{ node.name }} {{ node.list | json }} {{ node.name | b64encode }}\n")
                .as_deref(),
            Ok("n<1> [1,2] bjwxPg==\n")
        );
    }

    #[test]
    fn undefined_is_an_error_with_line_and_column() {
        for (text, location) in [
            ("a\n {{ vars.dataDir }}", "error: t.tera:2:"),
            ("{{ node.name }}{{ node.nam }}", "error: t.tera:1:"),
            ("{{ nodes.name }}", "error: t.tera:1:4: "),
            ("{% if nodes %}x{% endif %}", "error: t.tera:1:7: "),
        ] {
            let error = render(text).expect_err(text);
            assert!(error.starts_with(location), "{text}: {error}");
        }
    }

    #[test]
    fn syntax_errors_are_all_found() {
        let mut set = TemplateSet::default();
        set.add(
            &"{{ node.name ".into(),
            &Location::file("a.tera"),
            &"".into(),
        );
        set.add(
            &"fine {{ node.name }}".into(),
            &Location::file("b.tera"),
            &"".into(),
        );
        set.add(&"{% if %}".into(), &Location::file("c.tera"), &"".into());
        let mut report = Report::default();
        set.compile(&mut report);
        let found = report.to_string();
        assert_eq!(found.lines().count(), 2, "{found}");
        assert!(
            found.contains("a.tera:1:") && found.contains("c.tera:1:"),
            "{found}"
        );
    }

    #[test]
    fn there_is_no_way_out() {
        for text in [
            "{{ get_env(name=\"HOME\") }}",
            "{{ now() }}",
            "{{ get_random(start=1, end=2) }}",
            "{% include \"/etc/passwd\" %}",
            "{{ node.name | date }}",
        ] {
            assert!(render(text).is_err(), "{text}");
        }
    }
}
