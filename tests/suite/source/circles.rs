//! No circle of files: a file that another one uses does not use that one, by whatever way. Only a module and what is below
//! it may know each other, as `mod.rs` and its files do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use walkdir::WalkDir;

/// A module's path, like `["bundle", "folder"]`; that of the crate is empty.
type Module = Vec<String>;

/// The modules of the library, each with the code of its file.
fn modules() -> BTreeMap<Module, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut modules = BTreeMap::new();
    for entry in WalkDir::new(&source) {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(&source).unwrap();
        // A program is a crate of its own.
        let is_program = path == Path::new("main.rs") || path.starts_with("bin");
        if path.extension().is_none_or(|name| name != "rs") || is_program {
            continue;
        }
        let path = path.with_extension("");
        let mut module: Module = path
            .components()
            .map(|part| part.as_os_str().to_str().unwrap().to_owned())
            .collect();
        module.pop_if(|last| last == "mod" || last == "lib");
        let text = fs::read_to_string(entry.path()).unwrap();
        modules.insert(module, code(&text));
    }
    modules
}

/// A file's text without comments and tests. Tests may look from above.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" {
            let item = lines.next().unwrap_or_default();
            if item.ends_with("mod tests {") {
                break;
            }
            // An item of several lines ends where its brace closes, at the same depth.
            if item.ends_with('{') {
                lines.by_ref().find(|line| *line == "}");
            }
            continue;
        }
        if !line.trim_start().starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

/// A path that a file uses: its segments, and the name that a `use` item gives it. Children can use that name too.
struct Use {
    path: Vec<String>,
    name: Option<String>,
}

/// All paths of a file's `use` items, and all that its code spells out from `crate` or `super`.
fn uses(code: &str) -> Vec<Use> {
    let mut uses = Vec::new();
    let mut rest = String::new();
    let mut item: Option<String> = None;
    for line in code.lines() {
        let trimmed = line.trim();
        if item.is_none() {
            let start = trimmed.find("use ").filter(|at| {
                let before = trimmed[..*at].trim_end();
                before.is_empty() || before.starts_with("pub") && !before.contains(' ')
            });
            match start {
                Some(at) => item = Some(trimmed[at + "use ".len()..].to_owned()),
                None => {
                    rest.push_str(line);
                    rest.push('\n');
                }
            }
        } else if let Some(tree) = &mut item {
            tree.push_str(trimmed);
        }
        if trimmed.ends_with(';')
            && let Some(tree) = item.take()
        {
            expand(tree.trim_end_matches(';'), &[], &mut uses);
        }
    }
    let mut spelled = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in rest.match_indices(start) {
            let end = rest[at..].find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            let path = rest[at..].get(..end.unwrap_or(rest.len() - at)).unwrap();
            expand(path.trim_end_matches(':'), &[], &mut spelled);
        }
    }
    uses.extend(spelled.into_iter().map(|one| Use { name: None, ..one }));
    uses
}

/// Adds each path of a tree like `crate::a::{B, c::D as E}`.
fn expand(tree: &str, above: &[&str], uses: &mut Vec<Use>) {
    let tree = tree.trim();
    let Some((head, inner)) = tree.split_once('{') else {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut path: Vec<String> = above
            .iter()
            .copied()
            .chain(path.split("::"))
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect();
        path.pop_if(|last| last == "self");
        if let Some(last) = path.last() {
            let name = if name.is_empty() { last } else { name.trim() };
            uses.push(Use {
                name: Some(name.to_owned()),
                path,
            });
        }
        return;
    };
    let mut path: Vec<&str> = above.to_vec();
    path.extend(
        head.split("::")
            .map(str::trim)
            .filter(|part| !part.is_empty()),
    );
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut from) = (0usize, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&inner[from..at], &path, uses);
                from = at + 1;
            }
            _ => {}
        }
    }
    expand(&inner[from..], &path, uses);
}

/// Which module uses which, leaving out a module and those below it.
struct Graph {
    uses: BTreeMap<Module, Vec<Use>>,
}

impl Graph {
    fn of(modules: &BTreeMap<Module, String>) -> Self {
        let uses = modules
            .iter()
            .map(|(module, code)| (module.clone(), uses(code)))
            .collect();
        Self { uses }
    }

    /// A path from the crate's root; None for those of other crates.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Vec<String>> {
        let mut base = module.clone();
        let mut path = path;
        match path.first()?.as_str() {
            "crate" => {
                base.clear();
                path = &path[1..];
            }
            "self" => path = &path[1..],
            "super" => {
                while path.first().is_some_and(|part| part == "super") {
                    base.pop();
                    path = &path[1..];
                }
            }
            child => {
                let mut below = module.clone();
                below.push(child.to_owned());
                if !self.uses.contains_key(&below) {
                    return None;
                }
            }
        }
        base.extend_from_slice(path);
        Some(base)
    }

    /// The module that declares what a path leads to, through names that modules hand on.
    fn declared_in(&self, path: &[String]) -> Module {
        let length = (0..=path.len())
            .rev()
            .find(|length| self.uses.contains_key(&path[..*length]));
        let (module, rest) = path.split_at(length.unwrap_or(0));
        let module = module.to_vec();
        if let Some(name) = rest.first()
            && let Some(all) = self.uses.get(&module)
            && let Some(found) = all.iter().find(|one| one.name.as_ref() == Some(name))
            && let Some(mut path) = self.absolute(&module, &found.path)
            && path != module
        {
            path.extend_from_slice(&rest[1..]);
            return self.declared_in(&path);
        }
        module
    }

    fn edges(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let mut edges = BTreeMap::new();
        for (module, uses) in &self.uses {
            let used = uses.iter().filter_map(|one| {
                let path = self.absolute(module, &one.path)?;
                let used = self.declared_in(&path);
                let related = used.starts_with(module) || module.starts_with(&used);
                (!related).then_some(used)
            });
            edges.insert(module, used.collect());
        }
        edges
    }

    /// Modules that reach each other, sorted.
    fn circles(&self) -> BTreeSet<Vec<String>> {
        let edges = self.edges();
        let reached = |from: &Module| {
            let mut seen: BTreeSet<&Module> = BTreeSet::new();
            let mut todo: Vec<&Module> = edges[from].iter().collect();
            while let Some(module) = todo.pop() {
                if seen.insert(module) {
                    todo.extend(edges[module].iter());
                }
            }
            seen
        };
        let reaches: BTreeMap<&Module, BTreeSet<&Module>> = edges
            .keys()
            .map(|module| (*module, reached(module)))
            .collect();
        let circle = |module: &Module| {
            let others = reaches[module].iter();
            let others = others.filter(|other| reaches[**other].contains(module));
            let names: BTreeSet<String> = others.map(|other| other.join("::")).collect();
            names.into_iter().collect::<Vec<_>>()
        };
        let circles = edges.keys().map(|module| circle(module));
        circles.filter(|circle| !circle.is_empty()).collect()
    }
}

#[test]
fn no_files_use_each_other() {
    let circles = Graph::of(&modules()).circles();
    let circles: Vec<String> = circles.iter().map(|circle| circle.join(" ")).collect();
    assert!(
        circles.is_empty(),
        "these files use each other:\n{}",
        circles.join("\n")
    );
}

#[test]
fn a_circle_is_found_through_names_that_are_handed_on() {
    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
    let of = |files: &[(&str, &str)]| {
        let mut modules: BTreeMap<Module, String> = files
            .iter()
            .map(|(path, text)| (module(path), code(text)))
            .collect();
        modules.insert(Vec::new(), "pub mod a;\n".to_owned());
        let circles = Graph::of(&modules).circles();
        circles.into_iter().map(|c| c.join(" ")).collect::<Vec<_>>()
    };
    let parent = (
        "a",
        "mod x;\nmod y;\npub use x::X;\npub use y::Y;\nuse y::{deep as other};\n",
    );
    // A module and its child.
    let x = ("a::x", "use crate::a::helper;\npub struct X;\n");
    assert_eq!(of(&[parent, x]), [""; 0]);
    // Two children, one by a name that the module hands on.
    let x = ("a::x", "use crate::a::{\n    other,\n};\npub struct X;\n");
    let y = ("a::y", "fn deep() {\n    super::x::make();\n}\n");
    assert_eq!(of(&[parent, x, y]), ["a::x a::y"]);
    // Only a comment and a test go back.
    let y = (
        "a::y",
        "// use crate::a::X;\nfn deep() {}\n#[cfg(test)]\nuse crate::a::X;\n#[cfg(test)]\nmod tests {\n    use crate::a::X;\n}\n",
    );
    assert_eq!(of(&[parent, x, y]), [""; 0]);
}
