//! Pieces: the inventory's text, prepared once per class and rendered once per node.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::inventory::Text;
use crate::kubernetes::kubelet_config::{FieldAnswer, FieldKind, Schema, TypeRef};
use crate::model::FieldLocation;
use crate::plan::check_value;
use crate::report::{Finding, Report};
use crate::template::{Scope, TemplateId, TemplateSet, Templates};
use crate::yaml::{Located, Value};

/// Text that is the same for every node, or a template.
#[derive(Clone, Debug)]
pub struct TemplateText {
    body: TextBody,
    /// Where it was written.
    pub location: FieldLocation,
}

#[derive(Clone, Debug)]
enum TextBody {
    Plain(Arc<str>),
    Template(TemplateId),
}

impl TemplateText {
    /// Prepares text that is a template if it looks like one.
    pub fn new(text: &Text, templates: &mut TemplateSet) -> Self {
        if text.is_template() {
            Self::template(text, templates)
        } else {
            Self::plain(text)
        }
    }

    /// Prepares text that is no template, whatever it looks like.
    pub fn plain(text: &Text) -> Self {
        Self {
            body: TextBody::Plain(text.text.clone()),
            location: text.location.clone(),
        }
    }

    /// Prepares a template.
    pub fn template(text: &Text, templates: &mut TemplateSet) -> Self {
        Self {
            body: TextBody::Template(templates.add(
                &text.text,
                &text.location.at,
                &text.location.path,
            )),
            location: text.location.clone(),
        }
    }

    /// Whether every node gets the same.
    pub fn is_plain(&self) -> bool {
        matches!(self.body, TextBody::Plain(_))
    }

    /// The text that every node gets, unless it is a template.
    pub fn as_plain(&self) -> Option<&str> {
        match &self.body {
            TextBody::Plain(text) => Some(text),
            TextBody::Template(_) => None,
        }
    }

    /// The template, if it is one.
    pub fn as_template(&self) -> Option<TemplateId> {
        match self.body {
            TextBody::Plain(_) => None,
            TextBody::Template(id) => Some(id),
        }
    }

    /// The text of one node.
    pub fn render(&self, templates: &Templates, scope: &Scope) -> Result<Cow<'_, str>, Finding> {
        match &self.body {
            TextBody::Plain(text) => Ok(Cow::Borrowed(text)),
            TextBody::Template(id) => templates.render(*id, scope).map(Cow::Owned),
        }
    }
}

/// A value of the kubelet's configuration.
#[derive(Clone, Debug)]
pub enum ConfigTemplate {
    /// The same for every node.
    Fixed(Json),
    /// A template, and what its field takes.
    Template(TemplateText, Option<&'static FieldKind>),
    /// A list with templates in it.
    List(Vec<ConfigTemplate>),
    /// A map with templates in it.
    Map(Vec<(Arc<str>, ConfigTemplate)>),
}

impl ConfigTemplate {
    /// Prepares a whole configuration of a minor version.
    pub fn new(config: &Located, minor: u32, templates: &mut TemplateSet) -> Self {
        let root = Schema::load().root();
        Prepare { minor, templates }.fields(config, Some(root), "kubelet.config")
    }

    /// Whether all its templates are of a kind.
    pub fn all(&self, is: &impl Fn(TemplateId) -> bool) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Template(text, _) => text.as_template().is_none_or(is),
            Self::List(items) => items.iter().all(|item| item.all(is)),
            Self::Map(entries) => entries.iter().all(|(_, entry)| entry.all(is)),
        }
    }

    /// The value of one node. A template that renders to nothing leaves its field out: None.
    pub fn render(
        &self,
        templates: &Templates,
        scope: &Scope,
        minor: u32,
    ) -> Result<Option<Json>, Vec<Finding>> {
        match self {
            Self::Fixed(value) => Ok(Some(value.clone())),
            Self::Template(piece, kind) => {
                let text = piece
                    .render(templates, scope)
                    .map_err(|finding| vec![finding])?;
                if text.is_empty() {
                    return Ok(None);
                }
                value_of(&text, *kind, &piece.location, minor).map(Some)
            }
            Self::List(items) => {
                let rendered = items
                    .iter()
                    .map(|item| item.render(templates, scope, minor));
                collect(rendered)
                    .map(|items| Some(Json::Array(items.into_iter().flatten().collect())))
            }
            Self::Map(entries) => {
                let rendered = entries.iter().map(|(key, piece)| {
                    let value = piece.render(templates, scope, minor)?;
                    Ok(value.map(|value| (key.to_string(), value)))
                });
                collect(rendered)
                    .map(|entries| Some(Json::Object(entries.into_iter().flatten().collect())))
            }
        }
    }
}

/// All results, or all findings.
fn collect<T>(
    results: impl Iterator<Item = Result<T, Vec<Finding>>>,
) -> Result<Vec<T>, Vec<Finding>> {
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for result in results {
        match result {
            Ok(value) => good.push(value),
            Err(findings) => bad.extend(findings),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(bad) }
}

/// A rendered template as the value that its field takes: `"{{ vars.pods }}"` may well stand for a number, and
/// `"{{ list | json }}"` for a list.
fn value_of(
    text: &str,
    kind: Option<&'static FieldKind>,
    location: &FieldLocation,
    minor: u32,
) -> Result<Json, Vec<Finding>> {
    let string = || Located::string(&location.at, text);
    let located = match kind {
        Some(
            FieldKind::Bool
            | FieldKind::Int { .. }
            | FieldKind::Float
            | FieldKind::List(_)
            | FieldKind::Map(_)
            | FieldKind::Struct(_),
        ) => {
            let mut report = Report::default();
            let parsed = crate::yaml::parse(&location.at.file, text, &mut report);
            parsed.map_or_else(string, |parsed| Located {
                location: location.at.clone(),
                ..parsed
            })
        }
        _ => string(),
    };
    let findings =
        kind.map(|kind| check_value(kind, &located, minor, &location.path).into_findings());
    match findings {
        Some(findings) if !findings.is_empty() => Err(findings),
        _ => Ok(located.to_json()),
    }
}

struct Prepare<'t> {
    minor: u32,
    templates: &'t mut TemplateSet,
}

impl Prepare<'_> {
    fn fields(&mut self, at: &Located, of: Option<TypeRef>, path: &str) -> ConfigTemplate {
        let kind = |key: &str| match of.map(|of| of.field(key, self.minor)) {
            Some(FieldAnswer::Found(kind)) => Some(kind),
            _ => None,
        };
        let fields = at.as_map().into_iter().flat_map(|map| map.iter());
        let kinds: Vec<_> = fields.map(|(key, field)| (key, field, kind(key))).collect();
        let texts = kinds.into_iter().map(|(key, field, kind)| {
            let path = crate::inventory::child_path(path, key);
            (key.clone(), self.value(&field.value, kind, &path))
        });
        let texts: Vec<(Arc<str>, ConfigTemplate)> = texts.collect();
        if texts
            .iter()
            .all(|(_, piece)| matches!(piece, ConfigTemplate::Fixed(_)))
        {
            ConfigTemplate::Fixed(at.to_json())
        } else {
            ConfigTemplate::Map(texts)
        }
    }

    fn value(
        &mut self,
        at: &Located,
        kind: Option<&'static FieldKind>,
        path: &str,
    ) -> ConfigTemplate {
        match (&at.value, kind) {
            (Value::String(text), _) => {
                let text = Text {
                    text: text.clone(),
                    location: FieldLocation::new(at.location.clone(), path),
                };
                if text.is_template() {
                    ConfigTemplate::Template(TemplateText::template(&text, self.templates), kind)
                } else {
                    ConfigTemplate::Fixed(at.to_json())
                }
            }
            (Value::Map(_), Some(FieldKind::Struct(of))) => self.fields(at, Some(*of), path),
            (Value::Map(_), Some(FieldKind::Map(of))) => self.map(at, Some(of), path),
            (Value::Map(_), _) => self.map(at, None, path),
            (Value::List(items), kind) => {
                let of = match kind {
                    Some(FieldKind::List(of)) => Some(&**of),
                    _ => None,
                };
                let texts = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.value(item, of, &format!("{path}[{index}]")));
                let texts: Vec<ConfigTemplate> = texts.collect();
                if texts
                    .iter()
                    .all(|piece| matches!(piece, ConfigTemplate::Fixed(_)))
                {
                    ConfigTemplate::Fixed(at.to_json())
                } else {
                    ConfigTemplate::List(texts)
                }
            }
            _ => ConfigTemplate::Fixed(at.to_json()),
        }
    }

    fn map(&mut self, at: &Located, of: Option<&'static FieldKind>, path: &str) -> ConfigTemplate {
        let entries = at.as_map().into_iter().flat_map(|map| map.iter());
        let texts = entries.map(|(key, field)| {
            (
                key.clone(),
                self.value(&field.value, of, &format!("{path}.{key}")),
            )
        });
        ConfigTemplate::Map(texts.collect())
    }
}
