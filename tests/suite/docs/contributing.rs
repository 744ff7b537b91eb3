//! The pages for contributors: what they show runs, and what they name is there. CONTRIBUTING.md and everything below
//! `docs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use nodebake::kubernetes::kubelet_config::Schema;
use nodebake::model::output::Format;
use walkdir::WalkDir;

use crate::docs::readme::{Block, Room, matches, normal, steps};
use crate::support::fixture::text;

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page: its path in the repository, and its text.
struct Page {
    path: PathBuf,
    text: String,
}

/// CONTRIBUTING.md, then all below `docs`.
fn pages() -> Vec<Page> {
    let below = WalkDir::new(root().join("docs")).sort_by_file_name();
    let below = below.into_iter().map(|entry| entry.unwrap().into_path());
    let below = below.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let pages: Vec<Page> = std::iter::once(root().join("CONTRIBUTING.md"))
        .chain(below)
        .map(|path| Page {
            text: fs::read_to_string(&path).unwrap(),
            path: path.strip_prefix(root()).unwrap().to_owned(),
        })
        .collect();
    assert!(pages.len() >= 7);
    pages
}

/// The fenced blocks of a page in order; those of a list's items are indented, and lose that.
fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    for line in page.lines() {
        let indent = line.len() - line.trim_start().len();
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take().map(|(_, block)| block)),
            (Some(language), None) => {
                let block = Block {
                    language: language.to_owned(),
                    text: String::new(),
                };
                open = Some((indent, block));
            }
            (None, Some((indent, block))) => {
                block.text += line.get(*indent..).unwrap_or_default();
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// What a page quotes between backticks outside of its blocks.
fn quoted(page: &str) -> Vec<String> {
    let mut inside = false;
    let lines = page.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    let prose = lines.collect::<Vec<_>>().join("\n");
    let parts = prose.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

/// All text of the source and of the tests.
fn sources() -> String {
    let mut all = fs::read_to_string(root().join("Makefile")).unwrap();
    for folder in ["src", "tests/suite"] {
        for entry in WalkDir::new(root().join(folder)) {
            let path = entry.unwrap().into_path();
            if path.extension().is_some_and(|ending| ending == "rs") {
                all += &fs::read_to_string(path).unwrap();
            }
        }
    }
    all
}

/// Whether a text has something that no letter, digit or underscore follows.
fn has_whole(text: &str, what: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(what)
        .any(|(at, _)| !text[at + what.len()..].starts_with(is_part))
}

#[test]
fn every_page_runs_from_top_to_bottom() {
    let mut ran = 0;
    for page in pages() {
        let mut room = Room::new();
        for block in blocks(&page.text) {
            match block.language.as_str() {
                // A file of the project in which the page is, named by its first line, which is a comment in YAML.
                "yaml" | "jinja" => {
                    let (name, rest) = block.text.split_once('\n').unwrap();
                    let file = room.at.join(name.strip_prefix("# ").unwrap());
                    fs::create_dir_all(file.parent().unwrap()).unwrap();
                    let is_yaml = block.language == "yaml";
                    fs::write(file, if is_yaml { &block.text } else { rest }).unwrap();
                }
                "console" => {
                    for (command, shown) in steps(&block) {
                        let output = room.run(&command);
                        let said = text(&output.stdout);
                        let normal_said: Vec<String> = said.lines().map(normal).collect();
                        let normal_shown: Vec<String> =
                            shown.iter().map(|line| normal(line)).collect();
                        assert!(
                            output.status.success() && matches(&normal_shown, &normal_said),
                            "{}: $ {command}\nsaid:\n{said}\nthe page shows:\n{}",
                            page.path.display(),
                            shown.join("\n")
                        );
                        ran += 1;
                    }
                }
                "sh" | "rust" | "text" => {}
                other => panic!(
                    "{}: blocks of {other:?} are not tested",
                    page.path.display()
                ),
            }
        }
    }
    assert!(ran >= 12, "{ran}");
}

#[test]
fn every_path_that_a_page_names_is_there() {
    let mut seen = 0;
    for page in pages() {
        for part in quoted(&page.text) {
            let below = ["src/", "tests/", "docs/", "profiles/", "overlays/", ".ci/"];
            let is_root = |ending: &str| part.ends_with(ending) && !part.contains(['/', ' ']);
            if below.iter().any(|folder| part.starts_with(folder))
                || [".md", ".toml", "Makefile"].into_iter().any(is_root)
            {
                let named = root().join(&part);
                assert!(named.exists(), "{}: {part}", page.path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

/// Where a heading is found: lower case, words joined by dashes, no punctuation.
fn anchor(heading: &str) -> String {
    let letters = heading.trim_start_matches('#').trim().to_lowercase();
    let letters = letters
        .chars()
        .filter(|c| c.is_alphanumeric() || [' ', '-'].contains(c));
    letters.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_linked() {
    let mut linked = BTreeSet::new();
    let front = ["README.md", "SECURITY.md"].map(|name| Page {
        path: name.into(),
        text: fs::read_to_string(root().join(name)).unwrap(),
    });
    for page in front.into_iter().chain(pages()) {
        for rest in page.text.split("](").skip(1) {
            let link = rest.split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let path = root()
                .join(page.path.parent().unwrap())
                .join(file)
                .canonicalize();
            let shown = format!("{}: {link}", page.path.display());
            let path = path.unwrap_or_else(|error| panic!("{shown}: {error}"));
            if !heading.is_empty() {
                let text = fs::read_to_string(&path).unwrap();
                let headings = text.lines().filter(|line| line.starts_with('#'));
                assert!(
                    headings.map(anchor).any(|found| found == heading),
                    "{shown}"
                );
            }
            let _ = linked.insert(path);
        }
    }
    for page in pages() {
        let path = root().join(&page.path).canonicalize().unwrap();
        assert!(
            linked.contains(&path),
            "nothing links {}",
            page.path.display()
        );
    }
}

#[test]
fn every_item_that_a_page_names_is_declared() {
    let all = sources();
    let declared = |name: &str| {
        let kinds = ["struct", "enum", "trait", "type"].into_iter();
        kinds
            .map(|kind| format!("{kind} {name}"))
            .any(|item| has_whole(&all, &item))
    };
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let mut seen = 0;
    for page in pages() {
        let shown = page.path.display();
        for part in quoted(&page.text) {
            if let Some(function) = part.strip_suffix("()").filter(|name| is_name(name)) {
                assert!(
                    has_whole(&all, &format!("fn {function}")),
                    "{shown}: {part}"
                );
            } else if let Some(name) = part.strip_suffix('!').filter(|name| is_name(name)) {
                assert!(
                    all.contains(&format!("macro_rules! {name} ")),
                    "{shown}: {part}"
                );
            } else if part.starts_with(|c: char| c.is_ascii_uppercase()) {
                let (name, member) = part.split_once("::").unwrap_or((&part, ""));
                if !is_name(name) || !is_name(member) || name == "Makefile" {
                    continue;
                }
                if name.len() > 1 && name.chars().all(|c| !c.is_ascii_lowercase()) {
                    assert!(has_whole(&all, name), "{shown}: {part}");
                } else {
                    assert!(declared(name), "{shown}: {part} is declared nowhere");
                }
                assert!(has_whole(&all, member), "{shown}: {part}");
            } else {
                continue;
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

/// Whether a filter of the suite is a folder or a file of it, or the name of a test.
fn is_filter(filter: &str) -> bool {
    let suite = root().join("tests/suite");
    let path = filter.trim_end_matches("::").replace("::", "/");
    if suite.join(&path).is_dir() || suite.join(format!("{path}.rs")).is_file() {
        return true;
    }
    let (file, function) = path.rsplit_once('/').unwrap_or(("main", &path));
    let source = fs::read_to_string(suite.join(format!("{file}.rs"))).unwrap_or_default();
    source.contains(&format!("fn {function}"))
}

#[test]
fn every_command_that_a_page_gives_can_be_typed() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let mut seen = (0, 0);
    for page in pages() {
        let of_block = |block: &Block| block.text.lines().map(str::to_owned).collect::<Vec<_>>();
        let commands = blocks(&page.text);
        let commands = commands.iter().filter(|block| block.language == "sh");
        let commands = commands.flat_map(of_block).chain(quoted(&page.text));
        let mut folder = root().to_owned();
        for command in commands {
            let shown = format!("{}: {command}", page.path.display());
            if let Some(below) = command.strip_prefix("cd ") {
                folder = folder.join(below);
                assert!(folder.is_dir(), "{shown}");
            }
            let target = command
                .split("make ")
                .nth(1)
                .filter(|_| !command.contains("cargo"));
            if let Some(target) = target {
                let target = target.split(' ').next().unwrap();
                assert!(makefile.contains(&format!("\n{target}:")), "{shown}");
                seen.0 += 1;
            }
            if let Some((_, filters)) = command.split_once("--test suite -- ") {
                for filter in filters.split(' ') {
                    assert!(is_filter(filter), "{shown}: no test is called {filter}");
                    seen.1 += 1;
                }
            }
            if let Some((_, filter)) = command.split_once("--lib -- ") {
                let room = filter.trim_end_matches("::").replace("::", "/");
                assert!(root().join("src").join(room).exists(), "{shown}");
            }
        }
    }
    assert!(seen.0 > 15 && seen.1 > 8, "{seen:?}");
    assert!(is_filter("docs::") && is_filter("docs::readme::help_is_as_recorded"));
    assert!(!is_filter("documents::") && !is_filter("docs::readme::help_was"));
}

/// Code on a page is quoted from the source, so that it cannot grow old.
#[test]
fn code_of_pages_stands_in_the_source() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let all = words(&sources());
    for page in pages() {
        let blocks = blocks(&page.text);
        for block in blocks.iter().filter(|block| block.language == "rust") {
            let code = words(&block.text);
            assert!(all.contains(&code), "{}: {code}", page.path.display());
        }
    }
}

#[test]
fn every_built_in_profile_is_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for entry in fs::read_dir(root().join("profiles")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".yaml");
        let named = readme.contains(&format!("`{name}`"));
        assert!(
            named || name == "defaults",
            "README.md lacks the profile {name}"
        );
    }
}

#[test]
fn every_format_is_in_the_guides_and_in_the_project_that_has_everything() {
    for file in [
        "src/man/inventory.md",
        "src/man/payloads.md",
        "tests/suite/support/everything.rs",
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        for name in Format::NAMES {
            assert!(has_whole(&text, name), "{file} lacks the format {name}");
        }
    }
}

/// `1.16 to 1.37` wherever it is.
#[test]
fn documents_name_the_minors_that_are_known() {
    let (oldest, newest) = Schema::load().minors().into_inner();
    let start = format!("1.{oldest} to ");
    let mut seen = 0;
    let guides = fs::read_dir(root().join("src/man")).unwrap();
    let guides = guides.map(|entry| entry.unwrap().path());
    for path in guides.chain([root().join("README.md")]) {
        let text = fs::read_to_string(&path).unwrap();
        for rest in text.split(&start).skip(1) {
            let shown: String = rest.chars().take(8).collect();
            assert!(
                rest.starts_with(&format!("1.{newest}")),
                "{}: {start}{shown}",
                path.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 0);
}
