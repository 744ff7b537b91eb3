//! What templates make that ask for nothing of the node's own: the same for all nodes of a class, made with the first of
//! them and then lent to the others. What fails is not kept: each node with a mistake has a finding of its own.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value as Json};

use crate::compile::text::TemplateText;
use crate::identity::Guarded;
use crate::kubernetes::paths::{ToldPath, of_paths, told};
use crate::render::NodeRendering;
use crate::template::{ScopeValue, TemplateId};
use crate::tree::Content;

/// What the nodes of one class share.
pub struct Steady {
    /// By template.
    texts: Vec<OnceLock<SteadyText>>,
    /// The well-known paths.
    pub paths: OnceLock<SteadyPaths>,
    /// The kubelet's configuration.
    pub config: OnceLock<SteadyConfig>,
    /// The paths that the kubelet of one of its nodes was told: those of another one with the same flags for them too.
    told: OnceLock<SteadyTold>,
    /// The endpoints that one of its nodes has for crictl, and the file that names them.
    pub crictl: OnceLock<([String; 2], Option<Content>)>,
}

/// A text that a template made.
pub struct SteadyText {
    text: String,
    /// The same as a file's bytes.
    content: OnceLock<Option<Content>>,
}

/// The well-known paths, and as templates see them.
#[derive(Clone)]
pub struct SteadyPaths {
    /// By name.
    pub map: Arc<Map<String, Json>>,
    /// The same for templates.
    pub scope: ScopeValue,
}

/// The kubelet's configuration in each of its forms.
pub struct SteadyConfig {
    /// As JSON.
    pub config: Arc<Json>,
    /// For templates.
    pub scope: ScopeValue,
    /// As the file on the node.
    pub file: OnceLock<Option<Content>>,
}

/// The paths that a kubelet is told by some flags and a configuration.
struct SteadyTold {
    /// The flags that hold paths, as they were rendered.
    flags: Vec<(String, Json)>,
    config: Arc<Json>,
    told: Arc<[ToldPath]>,
}

impl Steady {
    /// Room for what so many templates make.
    pub fn new(templates: usize) -> Self {
        Self {
            texts: (0..templates).map(|_| OnceLock::new()).collect(),
            paths: OnceLock::new(),
            config: OnceLock::new(),
            told: OnceLock::new(),
            crictl: OnceLock::new(),
        }
    }
}

impl SteadyText {
    /// The text as a file that many nodes share. None where it holds a secret: each node then has a file of its own, and is
    /// looked at for secrets.
    fn content(&self, guarded: &Guarded) -> Option<&Content> {
        let share = || shared(&self.text, guarded);
        self.content.get_or_init(share).as_ref()
    }
}

/// A text as a file that many nodes share, unless there is a secret in it.
pub fn shared(text: &str, guarded: &Guarded) -> Option<Content> {
    let is_private = guarded.find(text.as_bytes()).is_some();
    (!is_private).then(|| Content::shared(text))
}

impl<'o> NodeRendering<'o> {
    /// What the class shares, where it has more than one node.
    pub(super) fn steady(&self) -> Option<&'o Steady> {
        let renderer = self.renderer;
        renderer.steady.get(self.class_index)?.as_ref()
    }

    /// Whether a template makes the same for all nodes of the class, as far as the scope has come.
    pub(super) fn is_steady_template(&self, id: TemplateId) -> bool {
        self.renderer.templates.is_steady(id, &self.scope)
    }

    /// The same of a text that may be a template.
    pub(super) fn is_steady(&self, text: &TemplateText) -> bool {
        let id = text.as_template();
        id.is_none_or(|id| self.is_steady_template(id))
    }

    fn steady_text(&self, id: TemplateId) -> Option<&'o SteadyText> {
        let steady = self.steady()?;
        if !self.is_steady_template(id) {
            return None;
        }
        let cell = steady.texts.get(id.index())?;
        if cell.get().is_none() {
            // A failure is found again, and said, by who renders it for the node.
            let text = self.renderer.templates.render(id, &self.scope).ok()?;
            let content = OnceLock::new();
            // Another thread may have been quicker; it made the same.
            let _ = cell.set(SteadyText { text, content });
        }
        cell.get()
    }

    /// Renders a text of the class, or lends what another node's rendering made.
    pub(super) fn render(&mut self, piece: &'o TemplateText) -> Option<Cow<'o, str>> {
        let known = piece.as_template().and_then(|id| self.steady_text(id));
        if let Some(known) = known {
            return Some(Cow::Borrowed(&known.text));
        }
        let rendered = piece.render(&self.renderer.templates, &self.scope);
        self.builder.take(rendered)
    }

    /// Renders a template as the bytes of a file.
    pub(super) fn render_file(&mut self, id: TemplateId, is_secret: bool) -> Option<Content> {
        let known = self.steady_text(id).filter(|_| !is_secret);
        let known = known.and_then(|known| known.content(&self.renderer.guarded));
        if let Some(content) = known {
            return Some(content.clone());
        }
        self.render_of_file(id, is_secret).map(Content::bytes)
    }

    /// Every path that the kubelet is told.
    pub(super) fn told(&self, flags: &Map<String, Json>, config: &Arc<Json>) -> Arc<[ToldPath]> {
        let make = || told(flags, config, "/").into();
        let Some(steady) = self.steady() else {
            return make();
        };
        let known = steady.told.get_or_init(|| SteadyTold {
            flags: of_paths(flags)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            config: Arc::clone(config),
            told: make(),
        });
        let same = known.flags.iter().map(|(name, value)| (name, value));
        if Arc::ptr_eq(&known.config, config) && same.eq(of_paths(flags)) {
            Arc::clone(&known.told)
        } else {
            make()
        }
    }

    /// The configuration that all nodes of the class have, if this is it.
    pub(super) fn steady_config(&self, config: &Arc<Json>) -> Option<&'o SteadyConfig> {
        let known = self.steady()?.config.get()?;
        Arc::ptr_eq(&known.config, config).then_some(known)
    }
}
