//! Files that are installed as they are, and name what only templates know: `content` where `template` was meant, a file of an
//! overlay without `.tera`. Programs have templates of their own with the same braces, so that it is a warning.

use crate::compile::class::Compiler;
use crate::compile::overlay::{Overlay, OverlayBody};
use crate::inventory::{Body, FileSpec};
use crate::model::{FieldLocation, Location};
use crate::report::Id;
use crate::template::SCOPE;
use crate::tree::Content;

impl Compiler<'_> {
    /// Looks at what a layer puts into a file.
    pub(super) fn unrendered_file(&mut self, file: &FileSpec, content: &Content) {
        let repair = "write it as `template`";
        match &file.body {
            Body::Content(text) => self.unrendered(content, &text.location, repair),
            Body::Source(source) => {
                let at = Location::file(source.value.as_str());
                let location = FieldLocation::new(at, source.location.path.clone());
                self.unrendered(content, &location, repair);
            }
            Body::Template(_) | Body::Elsewhere(_) => {}
        }
    }

    /// Looks at an overlay's files.
    pub(super) fn unrendered_overlay(&mut self, overlay: &Overlay) {
        for entry in &overlay.entries {
            if let OverlayBody::Static(content) = &entry.body {
                let location = FieldLocation::new(entry.location.clone(), "");
                let repair = "let the name of the file end in `.tera`";
                self.unrendered(content, &location, repair);
            }
        }
    }

    fn unrendered(&mut self, content: &Content, location: &FieldLocation, repair: &str) {
        let Content::Blob(blob) = content else {
            return;
        };
        let text = std::str::from_utf8(blob.bytes()).ok();
        let Some((text, (at, name))) = text.and_then(|text| Some((text, first(text)?))) else {
            return;
        };
        let mut location = location.clone();
        if location.at.line == 0 {
            // A file of its own.
            let before = &text[..at];
            let line = before.rsplit('\n').next().unwrap_or_default();
            let (line, column) = (before.matches('\n').count(), line.chars().count());
            let position = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
            location.at = Location::new(location.at.file, position(line), position(column));
        }
        let rule = format!("is installed as it is, with {name} in it");
        self.report
            .add(location.finding(Id::FileNotRendered, rule).help(repair));
    }
}

/// The first print of a value that templates of ours have, and where it begins.
fn first(text: &str) -> Option<(usize, String)> {
    let mut found = text.match_indices("{{").filter_map(|(at, _)| {
        let rest = text[at + 2..].trim_start_matches(['-', ' ', '\t']);
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let end = rest.find(|c| !name(c)).unwrap_or(rest.len());
        let (map, key) = rest[..end].split_once('.')?;
        let is_ours = SCOPE.contains(&map) && !key.is_empty();
        is_ours.then(|| (at, format!("{{{{ {map}.{key} }}}}")))
    });
    found.next()
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn values_of_our_templates_are_known_from_those_of_others() {
        for (text, expected) in [
            ("a {{ node.name }} b", Some("{{ node.name }}")),
            ("{{cluster.name}}", Some("{{ cluster.name }}")),
            ("{{- paths.kubelet | upper -}}", Some("{{ paths.kubelet }}")),
            ("{{ .Values.node.name }}", None),
            ("{{ node \"x\" }}", None),
            ("{{ range nodes }}{{ .Name }}", None),
            ("{{ nodes.name }}", None),
            ("${node.name} {node.name}", None),
            ("{{", None),
            ("{{ node. }}", None),
            ("{{ é }} {{ vars.rack }}", Some("{{ vars.rack }}")),
        ] {
            assert_eq!(
                first(text).map(|(_, name)| name).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
