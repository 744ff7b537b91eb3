//! Values with templates, rendered before they are read: a tree of the same form, in which each text is what its key takes.
//! An entry or an item whose template renders to nothing is left out.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::inventory::cell::Cell;
use crate::inventory::cursor::child_path;
use crate::inventory::shape::Shape;
use crate::inventory::text::Text;
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::template::{Scope, TemplateId, TemplateSet, Templates};
use crate::yaml::{Field, Located, Map, Value};

/// Templates by their text.
#[derive(Default)]
pub struct Names {
    set: TemplateSet,
    ids: HashMap<Arc<str>, TemplateId>,
}

impl Names {
    /// Collects the templates of a tree; whether there are any.
    pub fn collect(&mut self, at: &Located, path: &str) -> bool {
        match &at.value {
            Value::String(text) => self.add(text, &at.location, path),
            Value::List(items) => {
                let items = items.iter().enumerate();
                let found =
                    items.map(|(index, item)| self.collect(item, &format!("{path}[{index}]")));
                found.fold(false, |any, one| any | one)
            }
            Value::Map(map) => map.iter().fold(false, |any, (key, field)| {
                let path = child_path(path, key);
                let key = self.add(key, &field.key, &path);
                any | key | self.collect(&field.value, &path)
            }),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
        }
    }

    fn add(&mut self, text: &Arc<str>, location: &Location, path: &str) -> bool {
        let is_template = Text::looks_like_template(text);
        if is_template && !self.ids.contains_key(text) {
            let id = self.set.add(text, location, &path.into());
            self.ids.insert(text.clone(), id);
        }
        is_template
    }

    /// Compiles them; what is wrong with one for every node is a finding.
    pub fn compile(self, report: &RefCell<Report>) -> (Self, Templates) {
        let templates = self.set.compile(&mut report.borrow_mut());
        let names = Self {
            set: TemplateSet::default(),
            ids: self.ids,
        };
        (names, templates)
    }
}

/// The rendering for one node, or for nodes that have the same.
pub struct Rendering<'r> {
    names: &'r Names,
    templates: &'r Templates,
    scope: &'r Scope,
    report: &'r RefCell<Report>,
    /// What to do about a name that is not known here.
    repair: &'static str,
    /// How many templates could not be rendered.
    failed: usize,
    /// In the entries of which keys.
    broken: Broken,
}

/// Entries of which a template could not be rendered, by their keys.
#[derive(Default)]
pub struct Broken {
    names: HashSet<Arc<str>>,
    /// One without a name: nobody knows which.
    is_open: bool,
}

impl Broken {
    /// Whether the entry of a key may be one of them.
    pub fn has(&self, name: &str) -> bool {
        self.is_open || self.names.contains(name)
    }
}

impl<'r> Rendering<'r> {
    /// With what templates see of the node; findings go to the report.
    pub fn new(
        (names, templates): &'r (Names, Templates),
        scope: &'r Scope,
        report: &'r RefCell<Report>,
        repair: &'static str,
    ) -> Self {
        Self {
            names,
            templates,
            scope,
            report,
            repair,
            failed: 0,
            broken: Broken::default(),
        }
    }

    /// A single value; None where it renders to nothing, and an error after a finding.
    pub fn one(
        mut self,
        at: &Located,
        path: &str,
        shape: &'static Shape,
    ) -> Result<Option<Located>, ()> {
        let rendered = self.value(at, path, Some(shape));
        if self.failed == 0 {
            Ok(rendered)
        } else {
            Err(())
        }
    }

    /// A map of a shape, and the entries that are not whole.
    pub fn whole(mut self, at: &Located, path: &str, shape: &'static Shape) -> (Located, Broken) {
        let rendered = self.value(at, path, Some(shape));
        let rendered = rendered.unwrap_or_else(|| Located {
            location: at.location.clone(),
            value: Value::Map(Arc::default()),
        });
        (rendered, self.broken)
    }

    fn value(
        &mut self,
        at: &Located,
        path: &str,
        shape: Option<&'static Shape>,
    ) -> Option<Located> {
        let value = match &at.value {
            Value::String(text) if Text::looks_like_template(text) => {
                let text = self.text(text, &at.location, path)?;
                let cell = shape.and_then(Cell::of_shape).unwrap_or_else(Cell::text);
                cell.value(&at.location, &text)
            }
            Value::List(items) => {
                let of = shape.and_then(Shape::item);
                let items = items
                    .iter()
                    .enumerate()
                    .filter_map(|(index, item)| self.value(item, &format!("{path}[{index}]"), of));
                Value::List(Arc::new(items.collect()))
            }
            Value::Map(map) => Value::Map(Arc::new(self.map(map, path, shape))),
            other => other.clone(),
        };
        Some(Located {
            location: at.location.clone(),
            value,
        })
    }

    fn map(&mut self, map: &Map, path: &str, shape: Option<&'static Shape>) -> Map {
        let mut rendered = Map::new();
        for (key, field) in map {
            let path = child_path(path, key);
            let before = self.failed;
            let key = if Text::looks_like_template(key) {
                self.text(key, &field.key, &path).map(Arc::from)
            } else {
                Some(key.clone())
            };
            let Some(key) = key else {
                self.broken.is_open |= self.failed > before;
                continue;
            };
            let of = shape.and_then(|shape| {
                let mut structs = shape.structs();
                let own = structs.find_map(|of| of.field(&key));
                own.map(|field| &field.shape).or_else(|| shape.value())
            });
            let value = self.value(&field.value, &path, of);
            if self.failed > before {
                self.broken.names.insert(key.clone());
            }
            let Some(value) = value else {
                continue;
            };
            if rendered.contains_key(&key) {
                let rule = format!("{key} is there already");
                let finding = Finding::new(Id::YamlKeyRepeated, &field.key, &*path, rule);
                self.report
                    .borrow_mut()
                    .add(finding.help("give each a name of its own"));
                continue;
            }
            let field = Field {
                key: field.key.clone(),
                value,
            };
            rendered.insert(key, field);
        }
        rendered
    }

    /// What a template renders to; None where that is nothing, or after a finding at its location.
    fn text(&mut self, text: &Arc<str>, location: &Location, path: &str) -> Option<String> {
        let id = self.names.ids.get(text)?;
        match self.templates.render(*id, self.scope) {
            Ok(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Err(finding) => {
                // Equal texts are one template, which has the location of the first.
                let finding = Finding {
                    location: location.clone(),
                    path: path.into(),
                    ..finding
                };
                let finding = match finding.help {
                    Some(_) => finding,
                    None => finding.help(self.repair),
                };
                self.report.borrow_mut().add(finding);
                self.failed += 1;
                None
            }
        }
    }
}
