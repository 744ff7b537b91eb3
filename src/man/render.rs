//! Guides: Markdown to roff. What they use of Markdown is known here, anything else is an error that a test meets. The
//! parser and the writer are crates. `mandown` 1.1 joins them too, but prints a table as its source and knows no NAME, by
//! which apropos(1) finds a page.

use anyhow::{Context, bail};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use roff::{Inline, Roff, bold, italic, roman};

use crate::error::Result;
use crate::man::Page;

/// Renders a guide as a page.
pub fn guide(name: &str, section: u8, text: &str) -> Result<Page> {
    let rendering = || format!("rendering the guide {name}");
    let mut renderer = PageRenderer {
        name: name.to_owned(),
        ..PageRenderer::default()
    };
    let number = section.to_string();
    let title = name.to_uppercase();
    renderer.roff.control(
        "TH",
        [
            &*title,
            &*number,
            env!("CARGO_PKG_VERSION"),
            "nodebake",
            "nodebake",
        ],
    );
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        renderer.event(event).with_context(rendering)?;
    }
    let about = renderer.about.clone().with_context(rendering)?;
    Ok(Page {
        name: name.to_owned(),
        section,
        about,
        roff: renderer.roff.render(),
    })
}

/// How words are shown.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Face {
    #[default]
    Roman,
    Bold,
    Italic,
}

#[derive(Default)]
struct PageRenderer {
    roff: Roff,
    name: String,
    /// The first paragraph: what the page is about.
    about: Option<String>,
    line: Vec<Inline>,
    plain: String,
    face: Face,
    link: String,
    in_code: bool,
    /// The numbers of the lists that are open; None where they have dots.
    lists: Vec<Option<u64>>,
    /// Whether the item that is open has had its first paragraph.
    item_begun: bool,
    header: Vec<String>,
    cells: Vec<Vec<Inline>>,
    in_header: bool,
}

impl PageRenderer {
    fn event(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Start(tag) => self.start(tag)?,
            Event::End(tag) => self.end(tag)?,
            Event::Text(text) if self.in_code => {
                for line in text.lines() {
                    self.roff.text([roman(line)]);
                }
            }
            Event::Text(text) => self.push(&text, self.face),
            Event::Code(text) => self.push(&text, Face::Bold),
            Event::SoftBreak => self.push(" ", Face::Roman),
            other => bail!("{other:?} is not known here"),
        }
        Ok(())
    }

    fn push(&mut self, text: &str, face: Face) {
        self.plain.push_str(text);
        self.line.push(match face {
            Face::Roman => roman(text),
            Face::Bold => bold(text),
            Face::Italic => italic(text),
        });
    }

    fn start(&mut self, tag: Tag<'_>) -> Result<()> {
        match tag {
            Tag::Heading { .. } | Tag::TableCell => self.begin(),
            Tag::Paragraph => self.paragraph(),
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                self.in_code = true;
                self.roff.control("PP", []);
                self.roff.control("RS", ["4"]);
                self.roff.control("nf", []);
            }
            Tag::List(first) => {
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Emphasis => self.face = Face::Italic,
            Tag::Strong => self.face = Face::Bold,
            Tag::Link { dest_url, .. } => self.link = dest_url.to_string(),
            Tag::Table(_) => self.header.clear(),
            Tag::TableHead => self.in_header = true,
            Tag::TableRow => self.cells.clear(),
            other => bail!("{other:?} is not known here"),
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) -> Result<()> {
        match tag {
            TagEnd::Heading(HeadingLevel::H1) => self.begin(),
            TagEnd::Heading(level) => {
                let kind = if level == HeadingLevel::H2 {
                    "SH"
                } else {
                    "SS"
                };
                let title = std::mem::take(&mut self.plain);
                self.roff.control(kind, [&*title]);
                self.begin();
            }
            TagEnd::Paragraph | TagEnd::Item => self.flush(),
            TagEnd::CodeBlock => {
                self.in_code = false;
                self.roff.control("fi", []);
                self.roff.control("RE", []);
            }
            TagEnd::List(_) => drop(self.lists.pop()),
            TagEnd::Emphasis | TagEnd::Strong => self.face = Face::Roman,
            TagEnd::Link => {
                let link = std::mem::take(&mut self.link);
                // Other guides are pages, of the name that is shown.
                if !link.ends_with(".md") {
                    self.push(&format!(" <{link}>"), Face::Roman);
                }
            }
            TagEnd::TableCell if self.in_header => {
                self.header.push(std::mem::take(&mut self.plain))
            }
            TagEnd::TableCell => self.cells.push(std::mem::take(&mut self.line)),
            TagEnd::TableHead => self.in_header = false,
            TagEnd::TableRow => self.row(),
            TagEnd::Table => {}
            other => bail!("{other:?} is not known here"),
        }
        Ok(())
    }

    fn begin(&mut self) {
        self.line.clear();
        self.plain.clear();
    }

    fn paragraph(&mut self) {
        self.begin();
        match (self.about.is_some(), self.lists.is_empty(), self.item_begun) {
            (false, ..) => {}
            (true, true, _) => drop(self.roff.control("PP", [])),
            (true, false, true) => drop(self.roff.control("IP", ["", "3"])),
            (true, false, false) => {}
        }
        self.item_begun = true;
    }

    fn item(&mut self) {
        self.begin();
        self.item_begun = false;
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}.", *number - 1)
            }
            _ => "\u{2022}".to_owned(),
        };
        self.roff.control("IP", [&*mark, "3"]);
    }

    /// A row as a tagged paragraph: a table of our width is none on a terminal.
    fn row(&mut self) {
        self.roff.control("TP", []);
        let header = self.header.iter().skip(1);
        let mut cells = std::mem::take(&mut self.cells).into_iter();
        self.roff.text(cells.next().unwrap_or_default());
        let named = self.header.len() > 2;
        let mut line = Vec::new();
        for (name, cell) in header.zip(cells) {
            if !line.is_empty() {
                line.push(roman("; "));
            }
            if named && !name.is_empty() {
                line.push(italic(&**name));
                line.push(roman(": "));
            }
            line.extend(cell);
        }
        self.roff.text(line);
    }

    fn flush(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let line = std::mem::take(&mut self.line);
        let plain = std::mem::take(&mut self.plain);
        if self.about.is_some() {
            self.roff.text(line);
            return;
        }
        self.roff.control("SH", ["NAME"]);
        self.roff.text([roman(format!("{} - {plain}", self.name))]);
        self.about = Some(plain);
    }
}
