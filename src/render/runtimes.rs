//! Whether the runtime of pods that name none is one that some file of containerd's configuration defines.

use crate::host_files::default_runtime;
use crate::inventory::Spec;
use crate::render::NodeRendering;
use crate::render::containerd_files::{CONFIG, in_order};

impl NodeRendering<'_> {
    /// Finds a default that is no runtime, at the inventory's line where that set it.
    pub(super) fn check_runtimes(&mut self, spec: &Spec) {
        let files = in_order(self.builder.so_far());
        let texts: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
        let release = spec.containerd.version.as_ref().map(|at| at.value);
        let Some((index, fault)) = default_runtime(&texts, release) else {
            return;
        };
        let (path, text) = &files[index];
        let is_secret = self
            .builder
            .so_far()
            .get(path.as_str())
            .is_some_and(|entry| entry.secret);
        let own = spec.containerd.default_runtime.as_ref();
        let own =
            own.filter(|own| path.as_str() == CONFIG && fault.value.as_ref() == Some(&own.value));
        let finding = match (own, self.builder.text_location(path)) {
            (Some(own), _) => {
                let finding = own.location.finding(fault.id, fault.message(false));
                finding.help(fault.help.unwrap_or_default())
            }
            (None, Some(location)) => self.finding(location, path, text, &fault, is_secret),
            (None, None) => return,
        };
        self.builder.fail([finding]);
    }
}
