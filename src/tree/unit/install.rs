//! Enablement: the links that `systemctl enable` would make, and whether there is anything to link. Source: systemd.unit(5),
//! "[Install] Section Options", and src/shared/install.c.

use crate::model::NodePath;
use crate::report::Id;
use crate::tree::unit::{InstallLink, Position, UNIT_FOLDER, Unit, UnitFault};

impl Unit {
    /// The links that `systemctl enable` would make from the `[Install]` sections of the text and the drop-ins: WantedBy,
    /// RequiredBy, UpheldBy, Alias. Of a template they are those of its default instance. Empty for the image's own units, whose
    /// text we do not have.
    pub fn install_links(&self, name: &str) -> Vec<InstallLink> {
        if self.text.is_none() {
            return Vec::new();
        }
        let said = self.effective();
        let mut links = Vec::new();
        let target = format!("{UNIT_FOLDER}/{name}");
        let mut push = |path: String| {
            if let Ok(path) = NodePath::parse(&path) {
                let target = target.clone();
                links.push(InstallLink { path, target });
            }
        };
        // A template itself is never started.
        let started = match (template(name), said.value("Install", "DefaultInstance")) {
            (Some((stem, kind)), Some(instance)) => format!("{stem}@{instance}.{kind}"),
            (Some(_), None) => String::new(),
            (None, _) => name.to_owned(),
        };
        for (key, folder) in [
            ("WantedBy", "wants"),
            ("RequiredBy", "requires"),
            ("UpheldBy", "upholds"),
        ] {
            for word in said.values("Install", key).flat_map(str::split_whitespace) {
                if !started.is_empty() {
                    push(format!("{UNIT_FOLDER}/{word}.{folder}/{started}"));
                }
            }
        }
        for word in said
            .values("Install", "Alias")
            .flat_map(str::split_whitespace)
        {
            push(format!("{UNIT_FOLDER}/{word}"));
        }
        links.sort();
        links.dedup();
        links
    }

    /// Why a unit that is enabled would not start at boot.
    pub fn enabled_in_vain(&self, name: &str) -> Option<UnitFault> {
        if self.enabled != Some(true) || self.masked || self.text.is_none() {
            return None;
        }
        let said = self.effective();
        let keys = ["WantedBy", "RequiredBy", "UpheldBy", "Alias", "Also"];
        let has_links = keys.iter().any(|key| {
            said.values("Install", key)
                .any(|value| !value.trim().is_empty())
        });
        let (message, help) = if !has_links {
            (
                "the unit is enabled, and no [Install] section says what starts it",
                "add [Install] with WantedBy=multi-user.target to its text, or leave enabled out",
            )
        } else if template(name).is_some() && said.value("Install", "DefaultInstance").is_none() {
            (
                "the unit is enabled and is a template, of which only instances start",
                "enable an instance (NAME@INSTANCE.service), or set DefaultInstance= in [Install]",
            )
        } else {
            return None;
        };
        Some(UnitFault {
            id: Id::UnitNotInstallable,
            text: 0,
            position: Position { line: 1, column: 1 },
            message: message.to_owned(),
            help: Some(help.to_owned()),
        })
    }
}

/// What is before the `@` of a template's name, and its type.
fn template(name: &str) -> Option<(&str, &str)> {
    let (stem, kind) = name.rsplit_once('.')?;
    Some((stem.strip_suffix('@')?, kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Content, Origin};

    fn unit(text: &str) -> Unit {
        Unit {
            text: Some((Content::bytes(text), Origin("t".into()))),
            enabled: Some(true),
            ..Unit::default()
        }
    }

    fn links(name: &str, text: &str) -> Vec<String> {
        let links = unit(text).install_links(name).into_iter();
        let below = |link: InstallLink| link.path.as_str().replace("/etc/systemd/system/", "");
        links.map(below).collect()
    }

    #[test]
    fn enablement_follows_the_install_section() {
        for (name, text, expected) in [
            (
                "kubelet.service",
                "[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\nAlias=k.service\n",
                &["k.service", "multi-user.target.wants/kubelet.service"][..],
            ),
            (
                "a.service",
                "[Install]\nWantedBy=a.target\nWantedBy=\nRequiredBy=b.target c.target\n",
                &["b.target.requires/a.service", "c.target.requires/a.service"],
            ),
            (
                "a@.service",
                "[Install]\nWantedBy=a.target\nDefaultInstance=x\n",
                &["a.target.wants/a@x.service"],
            ),
            ("a@.service", "[Install]\nWantedBy=a.target\n", &[]),
            (
                "a@y.service",
                "[Install]\nWantedBy=a.target\n",
                &["a.target.wants/a@y.service"],
            ),
        ] {
            assert_eq!(links(name, text), expected, "{text}");
        }
    }

    #[test]
    fn a_unit_that_nothing_starts_is_enabled_in_vain() {
        let is_vain = |name, text| unit(text).enabled_in_vain(name).is_some();
        let wanted = "[Install]\nWantedBy=a.target\n";
        assert!(is_vain("a.service", "[Service]\nExecStart=/x\n"));
        assert!(is_vain("a.service", "[Install]\nDefaultInstance=x\n"));
        assert!(is_vain("a@.service", wanted));
        assert!(!is_vain("a.service", wanted));
        assert!(!is_vain("a@x.service", wanted));
        assert!(!is_vain(
            "a@.service",
            "[Install]\nWantedBy=a.target\nDefaultInstance=x\n"
        ));
        assert!(!is_vain("a.service", "[Install]\nAlias=b.service\n"));
        let mut other = unit("[Service]\nExecStart=/x\n");
        other.enabled = None;
        assert!(other.enabled_in_vain("a.service").is_none());
    }
}
