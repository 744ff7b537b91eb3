//! A difference for people and for programs, told while it is found. Nothing of it is escaped in JSON but what JSON escapes;
//! on a terminal, foreign text cannot move the cursor.

use std::collections::HashMap;
use std::io::Write;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::bundle::OldBundle;
use crate::diff::field::HIDDEN;
use crate::diff::summary::NAMED;
use crate::diff::{Change, ClusterDiff, ContentChange, FieldChange, Form, NodeDiff, Summary};
use crate::error::Result;
use crate::model::Sha256Digest;
use crate::terminal::shown;
use crate::wording::{counted, named};

/// The longest value that fits on one line for people, in characters.
const WIDE: usize = 72;

/// A bundle, and the folder where it is or will be.
pub type Side<'a> = (&'a OldBundle, &'a str);

/// Who is told.
pub trait Printer {
    /// What is of no node.
    fn begin(&mut self, old: Side<'_>, new: Side<'_>, cluster: &ClusterDiff) -> Result<()>;
    /// A node that differs.
    fn node(&mut self, diff: &NodeDiff) -> Result<()>;
    /// What is to be done.
    fn end(&mut self, summary: &Summary) -> Result<()>;
}

/// One JSON object; a node a line.
pub struct JsonPrinter<'a> {
    out: &'a mut dyn Write,
    any: bool,
}

impl<'a> JsonPrinter<'a> {
    /// Prints to `out`.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, any: false }
    }

    fn member(&mut self, key: &str, value: &impl Serialize) -> Result<()> {
        write!(self.out, "{}:", json!(key))?;
        serde_json::to_writer(&mut *self.out, value)?;
        Ok(writeln!(self.out, ",")?)
    }
}

impl Printer for JsonPrinter<'_> {
    fn begin(&mut self, old: Side<'_>, new: Side<'_>, cluster: &ClusterDiff) -> Result<()> {
        write!(self.out, "{{")?;
        self.member("apiVersion", &crate::manifest::API_VERSION)?;
        self.member("kind", &"Diff")?;
        for (key, (bundle, folder)) in [("old", old), ("new", new)] {
            let manifest = bundle.manifest();
            let said = json!({
                "bundle": folder,
                "cluster": manifest.cluster,
                "generation": manifest.generation,
            });
            self.member(key, &said)?;
        }
        self.member("facts", &cluster.facts)?;
        self.member("files", &cluster.files)?;
        Ok(write!(self.out, "\"nodes\":[")?)
    }

    fn node(&mut self, diff: &NodeDiff) -> Result<()> {
        let before = if self.any { ",\n" } else { "\n" };
        self.any = true;
        write!(self.out, "{before}")?;
        Ok(serde_json::to_writer(&mut *self.out, diff)?)
    }

    fn end(&mut self, summary: &Summary) -> Result<()> {
        write!(self.out, "],\n\"summary\":")?;
        serde_json::to_writer(&mut *self.out, summary)?;
        Ok(writeln!(self.out, "}}")?)
    }
}

/// Text. Nodes that differ in the same way as one before are named and not told again.
pub struct TextPrinter<'a> {
    out: &'a mut dyn Write,
    told: HashMap<Sha256Digest, String>,
    /// Nodes in a row that are as one before: the first, the last, how many, and as which.
    waiting: Option<(String, String, usize, String)>,
}

impl<'a> TextPrinter<'a> {
    /// Prints to `out`.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self {
            out,
            told: HashMap::new(),
            waiting: None,
        }
    }

    fn flush_waiting(&mut self) -> Result<()> {
        let Some((first, last, nodes, like)) = self.waiting.take() else {
            return Ok(());
        };
        let (first, last, like) = (shown(&first), shown(&last), shown(&like));
        match nodes {
            1 => writeln!(self.out, "node {first}: as {like}")?,
            2 => writeln!(self.out, "nodes {first}, {last}: as {like}")?,
            _ => writeln!(
                self.out,
                "nodes {first} to {last}, {nodes} of them: as {like}"
            )?,
        }
        Ok(())
    }
}

impl Printer for TextPrinter<'_> {
    fn begin(&mut self, _: Side<'_>, _: Side<'_>, cluster: &ClusterDiff) -> Result<()> {
        let mut text = Lines::default();
        for fact in &cluster.facts {
            text.field(0, fact);
        }
        for file in &cluster.files {
            text.head(0, file.change, &file.path, "");
            text.fields(2, &file.attributes);
            if let Some(content) = &file.content {
                text.content(2, content);
            }
        }
        Ok(self.out.write_all(text.0.as_bytes())?)
    }

    fn node(&mut self, diff: &NodeDiff) -> Result<()> {
        let is_token = |fact: &&FieldChange| fact.path == "tokenId";
        let token = diff.facts.iter().find(is_token);
        let body = body(diff);
        let digest = Sha256::digest(without_name(&body.0, &diff.node)).into();
        let like = self.told.get(&digest);
        if let Some(like) = like.filter(|_| diff.change == Change::Changed) {
            let like = like.clone();
            if token.is_none() {
                if let Some((_, last, nodes, same)) = &mut self.waiting
                    && *same == like
                {
                    last.clone_from(&diff.node);
                    *nodes += 1;
                    return Ok(());
                }
                self.flush_waiting()?;
                self.waiting = Some((diff.node.clone(), diff.node.clone(), 1, like));
                return Ok(());
            }
            self.flush_waiting()?;
            let (node, like) = (shown(&diff.node), shown(&like));
            write!(self.out, "node {node}: as {like}")?;
            return Ok(writeln!(self.out, "{}", token_words(token))?);
        }
        self.flush_waiting()?;
        let word = match diff.change {
            Change::Added => " added",
            Change::Removed => " removed",
            Change::Changed => "",
        };
        let token = match diff.change {
            Change::Removed => String::new(),
            _ => token_words(token),
        };
        writeln!(self.out, "node {}{word}{token}", shown(&diff.node))?;
        self.out.write_all(body.0.as_bytes())?;
        self.told.entry(digest).or_insert_with(|| diff.node.clone());
        Ok(())
    }

    fn end(&mut self, summary: &Summary) -> Result<()> {
        self.flush_waiting()?;
        if summary.same {
            return Ok(writeln!(self.out, "no difference")?);
        }
        writeln!(
            self.out,
            "\n{} changed, {} added, {} removed, {} the same",
            counted(summary.nodes_changed, "node"),
            summary.nodes_added,
            summary.nodes_removed,
            summary.nodes_same
        )?;
        if !summary.kubectl.is_empty() {
            writeln!(self.out, "needs kubectl:")?;
            for line in &summary.kubectl {
                writeln!(self.out, "  {}", shown(line))?;
            }
        }
        if !summary.payload.is_empty() {
            let nodes = shown(&named(&summary.payload, NAMED));
            writeln!(
                self.out,
                "needs the new payload, provisioned again or installed over and rebooted: {nodes}"
            )?;
        }
        if !summary.by_itself.is_empty() {
            writeln!(self.out, "needs nothing:")?;
            for line in &summary.by_itself {
                writeln!(self.out, "  {line}")?;
            }
        }
        for note in &summary.notes {
            writeln!(self.out, "note: {}", shown(note))?;
        }
        Ok(())
    }
}

/// A text with the node's own name taken out, so that nodes that differ in the same way are told by one of them. A name
/// that may as well be a value stays.
fn without_name(text: &str, node: &str) -> String {
    if node.len() > 2 && node.contains(|c: char| c.is_ascii_alphabetic()) {
        text.replace(node, "\0")
    } else {
        text.to_owned()
    }
}

fn token_words(token: Option<&FieldChange>) -> String {
    let word = |value: &Option<Value>| match value {
        Some(Value::String(id)) => shown(id),
        _ => "none".to_owned(),
    };
    token.map_or(String::new(), |token| match &token.old {
        None => format!(", token {}", word(&token.new)),
        old => format!(", token {} -> {}", word(old), word(&token.new)),
    })
}

/// All that differs of a node but its name and token.
fn body(diff: &NodeDiff) -> Lines {
    let mut text = Lines::default();
    if diff.change != Change::Changed {
        let files = diff.payloads.iter().map(|payload| payload.file.as_str());
        let files: Vec<String> = files.map(shown).collect();
        if diff.change == Change::Added && !files.is_empty() {
            text.line(2, &files.join(", "));
        }
        return text;
    }
    for fact in diff.facts.iter().filter(|fact| fact.path != "tokenId") {
        text.field(2, fact);
    }
    for entry in &diff.entries {
        let words = match entry.change {
            Change::Added => attributes(&entry.attributes),
            _ => String::new(),
        };
        text.head(2, entry.change, &entry.path, &words);
        if entry.change == Change::Changed {
            text.fields(6, &entry.attributes);
        }
        if let Some(content) = &entry.content {
            text.content(6, content);
        }
    }
    for unit in &diff.units {
        text.head(2, unit.change, &unit.unit, " (unit)");
        if unit.change != Change::Removed {
            text.fields(6, &unit.fields);
        }
    }
    for state in &diff.state {
        let words = shown(&state.in_words());
        text.line(2, &format!("! {words}"));
    }
    for payload in &diff.payloads {
        let words = if payload.change == Change::Changed && payload.fields.is_empty() {
            " (payload): packed otherwise, or says the same in other words"
        } else {
            " (payload)"
        };
        text.head(2, payload.change, &payload.file, words);
        text.fields(6, &payload.fields);
    }
    text
}

/// What a new entry is, in a row.
fn attributes(all: &[FieldChange]) -> String {
    let values = all.iter().filter(|field| field.path != "sha256");
    let values = values.filter_map(|field| match (&field.new, &*field.path) {
        (Some(Value::String(text)), "target") => Some(format!("-> {}", shown(text))),
        (Some(Value::String(text)), _) => Some(shown(text)),
        (Some(Value::Bool(true)), _) => Some("secret".to_owned()),
        (Some(Value::Number(size)), _) => Some(match size.as_u64() {
            Some(size) => counted(size, "byte"),
            None => size.to_string(),
        }),
        _ => None,
    });
    let values: Vec<String> = values.collect();
    format!("  {}", values.join(" "))
}

/// Text in the making.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, indent: usize, text: &str) {
        self.0.extend(std::iter::repeat_n(' ', indent));
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn head(&mut self, indent: usize, change: Change, name: &str, words: &str) {
        let sign = match change {
            Change::Added => '+',
            Change::Removed => '-',
            Change::Changed => '~',
        };
        self.line(indent, &format!("{sign} {}{words}", shown(name)));
    }

    fn content(&mut self, indent: usize, content: &ContentChange) {
        let says_all = !content.fields.is_empty() || content.unified.is_some();
        match content.form {
            Form::Secret if !says_all => self.line(indent, "its content, which is secret"),
            Form::Binary => self.line(indent, "its content, which is long or not text"),
            Form::Unread => self.line(indent, "its content, which no payload here has to read"),
            Form::Yaml | Form::Json | Form::Ini if content.unified.is_some() => {
                self.line(indent, "only order, layout or comments:");
            }
            _ => {}
        }
        self.fields(indent, &content.fields);
        for line in content.unified.iter().flat_map(|text| text.lines()) {
            self.line(indent, &shown_line(line));
        }
    }

    fn fields(&mut self, indent: usize, fields: &[FieldChange]) {
        for field in fields {
            self.field(indent, field);
        }
    }

    fn field(&mut self, indent: usize, field: &FieldChange) {
        let name = match field.path.as_str() {
            "" => String::new(),
            path => format!("{}: ", shown(path)),
        };
        match (&field.old, &field.new) {
            (None, Some(new)) => self.line(indent, &format!("+ {name}{}", value(new))),
            (Some(old), None) => self.line(indent, &format!("- {name}{}", value(old))),
            (Some(old), Some(new)) => {
                let (before, after) = (items(old), items(new));
                match before.zip(after) {
                    Some((before, after)) => self.items(indent, &name, &before, &after),
                    None if old == new => {
                        self.line(indent, &format!("~ {name}{}, another", value(new)));
                    }
                    None => {
                        let line = format!("~ {name}{} -> {}", value(old), value(new));
                        self.line(indent, &line);
                    }
                }
            }
            (None, None) => {}
        }
    }

    /// A list, or a long command line: what came and what went.
    fn items(&mut self, indent: usize, name: &str, old: &[String], new: &[String]) {
        let gone: Vec<&String> = old.iter().filter(|item| !new.contains(item)).collect();
        let come: Vec<&String> = new.iter().filter(|item| !old.contains(item)).collect();
        self.line(indent, &format!("~ {}", name.trim_end_matches([' ', ':'])));
        if gone.is_empty() && come.is_empty() {
            let hidden = new.iter().any(|item| item.contains(HIDDEN));
            let words = if hidden {
                "what is hidden in it is another"
            } else {
                "the same in another order, or more or less often"
            };
            self.line(indent + 4, words);
        }
        for (sign, items) in [('-', gone), ('+', come)] {
            for item in items {
                self.line(indent + 4, &format!("{sign} {}", cut(&shown(item))));
            }
        }
    }
}

/// The parts of a list, or the words of a text that is too long for a line.
fn items(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => Some(items.iter().map(ToString::to_string).collect()),
        Value::String(text) if text.chars().count() > WIDE && text.contains(' ') => {
            Some(text.split(' ').map(str::to_owned).collect())
        }
        _ => None,
    }
}

fn value(value: &Value) -> String {
    match value {
        // As it is where nobody can take it for anything else.
        Value::String(text)
            if !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_alphanumeric() || "-_./:<>=".contains(c)) =>
        {
            cut(text)
        }
        other => cut(&shown(&other.to_string())),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() > 2 * WIDE {
        text.chars().take(2 * WIDE).chain("...".chars()).collect()
    } else {
        text.to_owned()
    }
}

/// A line of a unified diff; tabs are plain text in it.
fn shown_line(line: &str) -> String {
    let parts: Vec<String> = line.split('\t').map(shown).collect();
    parts.join("\t")
}
