//! Logins to registries go into containerd's configuration, which is a secret file then: `hosts.toml` cannot hold them for
//! servers that give out tokens, and containerd 1.x replaces the whole table of a plugin by that of a file that it imports.

use std::fmt::Write;

use zeroize::Zeroizing;

use crate::host_files::registry_plugin;
use crate::model::NodePath;
use crate::render::NodeRendering;
use crate::render::containerd_files::text_of;
use crate::report::Id;
use crate::tree::{Content, Entry, EntryKind};

const CONFIG: &str = "/etc/containerd/config.toml";

impl NodeRendering<'_> {
    /// Adds the logins to the configuration that is there.
    pub(super) fn logins(&mut self) {
        let Some(first) = self.class.logins.first() else {
            return;
        };
        let entry = self.builder.so_far().get(CONFIG);
        let text = entry.and_then(|entry| text_of(&entry.kind));
        let (Some(entry), Some(text)) = (entry, text) else {
            let rule = format!("the login goes into {CONFIG}, which nothing writes");
            let finding = first.location.finding(Id::RegistriesUnused, rule);
            self.builder
                .fail([finding.help("add the overlay `containerd`")]);
            return;
        };
        let mut text = Zeroizing::new(text);
        let plugin = registry_plugin(&text);
        for login in &self.class.logins {
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "\n[plugins.\"{plugin}\".registry.configs.\"{}\".auth]\n{}",
                login.host,
                login.keys.as_str()
            );
        }
        let secret = Entry {
            kind: EntryKind::File(Content::bytes(text.as_bytes())),
            mode: entry.mode & 0o700,
            secret: true,
            ..entry.clone()
        };
        if let Ok(path) = NodePath::parse(CONFIG) {
            let _ = self.builder.tree().replace(path, secret);
        }
    }
}
