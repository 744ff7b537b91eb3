//! YAML as libyaml composes it, for programs that read it so: each scalar is the text that was written, whatever it looks
//! like, and a key that is there twice is there twice. In: a text. Out: the nodes of its first document, with their places.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StructureStyle, options};

use crate::yaml::Fault;

/// More nodes than any file of a node has; aliases could make a text of a few lines as large as one likes.
const NODES: usize = 100_000;

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// What is there.
    pub content: NodeContent,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeContent {
    /// Text; nothing at all is an empty one.
    Scalar(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order it was written.
    Map(Vec<(Node, Node)>),
}

/// What a text holds.
#[derive(Debug)]
pub struct FirstDocument {
    /// The first document; None for a text without any.
    pub root: Option<Node>,
    /// The line of a second document that holds something.
    pub second: Option<usize>,
}

impl Node {
    /// The text of a scalar.
    pub fn as_scalar(&self) -> Option<&str> {
        match &self.content {
            NodeContent::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// How many nodes it and those below are.
    fn size(&self) -> usize {
        1 + match &self.content {
            NodeContent::Scalar(_) => 0,
            NodeContent::List(items) => items.iter().map(Self::size).sum(),
            NodeContent::Map(map) => map.iter().map(|(k, v)| k.size() + v.size()).sum(),
        }
    }
}

/// A collection that is not at its end yet.
struct Open {
    node: Node,
    anchor: usize,
    /// A mapping's key that waits for its value.
    key: Option<Node>,
    /// Whether it is in brackets or braces.
    is_flow: bool,
}

/// Reads a text.
pub fn first_document(text: &str) -> Result<FirstDocument, Fault> {
    // libyaml passes over a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut composer = Composer::default();
    let mut documents = 0;
    let mut second = None;
    let options = options! { emit_anchor_events: true };
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match next {
            Ok(next) => next,
            // What is behind the first document is not read.
            Err(_) if documents > 1 => break,
            Err(error) => return Err(fault(&error)),
        };
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
        }
        if documents > 1 {
            let is_something = match &event {
                Event::Scalar(..) => !span.is_empty(),
                Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(_) => true,
                _ => false,
            };
            if is_something {
                second = Some(span.start.line());
                break;
            }
            continue;
        }
        composer.event(event, &span)?;
    }
    Ok(FirstDocument {
        root: composer.root,
        second,
    })
}

#[derive(Default)]
struct Composer {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    names: HashSet<String>,
    nodes: usize,
}

impl Composer {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Fault> {
        match event {
            Event::Scalar(value, style, anchor, _) => {
                let is_flow = self.open.last().is_some_and(|open| open.is_flow);
                if is_flow && style == ScalarStyle::Plain && value.starts_with(':') {
                    // YAML 1.2 allows it, libyaml does not.
                    return Err(at(
                        span.start,
                        "a text that begins with a colon must be in quotes within braces",
                    ));
                }
                let value = if value == "~" && style == ScalarStyle::Plain {
                    // The parser's own word for nothing.
                    written_nothing(&value, span)
                } else {
                    value
                };
                let node = node(span, NodeContent::Scalar(value.into_owned()));
                self.add(node, anchor)
            }
            Event::SequenceStart(style, anchor, _) => {
                self.begin(node(span, NodeContent::List(Vec::new())), anchor, style);
                Ok(())
            }
            Event::MappingStart(style, anchor, _) => {
                self.begin(node(span, NodeContent::Map(Vec::new())), anchor, style);
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.add(open.node, open.anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(target) => {
                    let target = target.clone();
                    self.nodes += target.size();
                    self.add(target, 0)
                }
                None => Err(at(span.start, "an alias of what it is inside of")),
            },
            Event::Anchor(_, name) if !self.names.insert(name.clone().into_owned()) => {
                Err(at(span.start, "the anchor is there twice"))
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, node: Node, anchor: usize, style: StructureStyle) {
        self.open.push(Open {
            node,
            anchor,
            key: None,
            is_flow: style == StructureStyle::Flow,
        });
    }

    /// Puts a whole node to where it belongs.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > NODES {
            return Err(Fault {
                line: number(node.line),
                column: number(node.column),
                message: "too many values".to_owned(),
            });
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.node.content {
            NodeContent::List(items) => items.push(node),
            NodeContent::Map(map) => match open.key.take() {
                None => open.key = Some(node),
                Some(key) => map.push((key, node)),
            },
            NodeContent::Scalar(_) => {}
        }
        Ok(())
    }
}

/// Of `~`, whether somebody wrote it.
fn written_nothing<'t>(value: &Cow<'t, str>, span: &Span) -> Cow<'t, str> {
    if span.is_empty() {
        Cow::Borrowed("")
    } else {
        value.clone()
    }
}

fn node(span: &Span, content: NodeContent) -> Node {
    Node {
        line: span.start.line(),
        column: span.start.col() + 1,
        content,
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn at(mark: Marker, message: &str) -> Fault {
    Fault {
        line: number(mark.line()),
        column: number(mark.col() + 1),
        message: message.to_owned(),
    }
}

fn fault(error: &ScanError) -> Fault {
    at(*error.marker(), &error.info())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree as a text: scalars in quotes.
    fn shown(node: &Node) -> String {
        match &node.content {
            NodeContent::Scalar(text) => format!("'{text}'"),
            NodeContent::List(items) => {
                let items: Vec<String> = items.iter().map(shown).collect();
                format!("[{}]", items.join(" "))
            }
            NodeContent::Map(map) => {
                let entry =
                    |(key, value): &(Node, Node)| format!("{}:{}", shown(key), shown(value));
                let entries: Vec<String> = map.iter().map(entry).collect();
                format!("{{{}}}", entries.join(" "))
            }
        }
    }

    fn read(text: &str) -> String {
        let document = first_document(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        document.root.as_ref().map_or(String::new(), shown)
    }

    #[test]
    fn scalars_are_what_was_written() {
        for (text, tree) in [
            ("", ""),
            ("# nothing\n", ""),
            ("---\n", "''"),
            ("\u{feff}a: 010\r\n", "{'a':'010'}"),
            (
                "a: on\nb: 1.0\nc: ~\nd:\ne: 'x'\n",
                "{'a':'on' 'b':'1.0' 'c':'~' 'd':'' 'e':'x'}",
            ),
            (
                "a: {b: 1, b: 2}\na: [x]\n",
                "{'a':{'b':'1' 'b':'2'} 'a':['x']}",
            ),
            ("a: &x {b: 1}\nc: *x\n", "{'a':{'b':'1'} 'c':{'b':'1'}}"),
            (
                "<<: 1\n52:54:00:00:00:01: 1\n",
                "{'<<':'1' '52:54:00:00:00:01':'1'}",
            ),
        ] {
            assert_eq!(read(text), tree, "{text:?}");
        }
    }

    #[test]
    fn nodes_know_their_places_and_the_second_document_is_told() {
        let document = first_document("a:\n  ü: [x, y]\n---\nb: 1\n").expect("valid");
        assert_eq!(document.second, Some(4));
        let root = document.root.expect("a document");
        let NodeContent::Map(map) = &root.content else {
            panic!("a map")
        };
        let NodeContent::Map(inner) = &map[0].1.content else {
            panic!("a map")
        };
        let NodeContent::List(items) = &inner[0].1.content else {
            panic!("a list")
        };
        assert_eq!((items[1].line, items[1].column), (2, 10));
        assert_eq!(first_document("a: 1\n---\n").expect("valid").second, None);
    }

    #[test]
    fn what_is_no_yaml_is_a_fault_and_aliases_stay_small() {
        for text in [
            "a: [1\nb: 2\n",
            "a:\n\tb: 1\n",
            "a: *x\n",
            "a: {b: ::1}\n",
            "a: &x 1\nb: &x 2\n",
        ] {
            assert!(first_document(text).is_err(), "{text:?}");
        }
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let above = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb += &format!("a{level}: &a{level} [{above}]\n");
        }
        assert!(first_document(&bomb).is_err());
    }
}
