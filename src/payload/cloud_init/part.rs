//! A part of user-data that the user adds: of which type it is, and whether cloud-init does anything with it (its
//! `cloudinit/handlers`).

use crate::model::CloudInitRelease;

/// What a part begins with, and what it is then (`INCLUSION_TYPES_MAP`); longer marks first.
const KINDS: [(&str, &str); 9] = [
    ("#cloud-config-archive", "text/cloud-config-archive"),
    ("#cloud-config-jsonp", "text/cloud-config-jsonp"),
    ("## template: jinja", JINJA),
    ("#cloud-boothook", "text/cloud-boothook"),
    ("#cloud-config", CONFIG),
    ("#include-once", "text/x-include-once-url"),
    ("#part-handler", HANDLER),
    ("#include", "text/x-include-url"),
    ("#!", "text/x-shellscript"),
];
const CONFIG: &str = "text/cloud-config";
const JINJA: &str = "text/jinja2";
/// A program of the user's for parts of further types.
const HANDLER: &str = "text/part-handler";
/// Types that no beginning stands for: scripts that run more or less often than once for an instance
/// (`shell_script_by_frequency.py`).
const FREQUENCIES: [&str; 3] = [
    "text/x-shellscript-per-boot",
    "text/x-shellscript-per-instance",
    "text/x-shellscript-per-once",
];
/// The first release that has them.
const FREQUENCIES_SINCE: CloudInitRelease = CloudInitRelease {
    year: 22,
    number: 1,
};
/// Types for which cloud-init looks at how the part begins (`user_data.py`, `TYPE_NEEDED`).
const OPEN: [&str; 2] = ["text/plain", "text/x-not-multipart"];
/// What may be behind the first line of a Jinja template: cloud-init renders no other kinds (`jinja_template.py`).
const RENDERED: [&str; 3] = ["#cloud-config", "#!", BOOTHOOK];
const BOOTHOOK: &str = "#cloud-boothook";
/// A release that renders the last of them; 22.4 does not.
const RENDERED_BOOTHOOK_SINCE: CloudInitRelease = CloudInitRelease {
    year: 25,
    number: 1,
};

/// A part of the user's.
#[derive(Clone, Debug)]
pub struct UserPart {
    name: String,
    kind: String,
    text: String,
    secret: bool,
}

impl UserPart {
    /// A part by its file's name and text, whose type follows from how it begins; the error is the rule.
    pub fn new(name: &str, text: String, secret: bool) -> Result<Self, String> {
        Self::of_type(name, text, secret, None)
    }

    /// The same of a type that is written beside it, in lower case.
    pub fn of_type(
        name: &str,
        text: String,
        secret: bool,
        kind: Option<&str>,
    ) -> Result<Self, String> {
        let kind = match kind.filter(|kind| !OPEN.contains(kind)) {
            Some(kind) => kind,
            None => begins(&text).ok_or_else(|| {
                let marks: Vec<&str> = KINDS.iter().map(|(mark, _)| *mark).collect();
                format!(
                    "cloud-init cannot tell what it is: it begins with none of {}; set its `type`",
                    marks.join(", ")
                )
            })?,
        };
        if let Some(rule) = unusable(kind, &text) {
            return Err(rule);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let name = name.rsplit('/').next().unwrap_or(name);
        let name = name.chars().map(|c| if plain(c) { c } else { '_' });
        Ok(Self {
            name: name.collect(),
            kind: kind.to_owned(),
            text,
            secret,
        })
    }

    /// The rule that it breaks among the parts before it, for a release of cloud-init that may be known.
    pub fn unhandled(&self, before: &[&Self], release: Option<CloudInitRelease>) -> Option<String> {
        let kind = &*self.kind;
        if FREQUENCIES.contains(&kind) {
            let old = release.filter(|release| *release < FREQUENCIES_SINCE)?;
            return Some(format!(
                "cloud-init {old} has no {kind}, which came with {FREQUENCIES_SINCE}"
            ));
        }
        if kind == JINJA && rest_of_jinja(&self.text).starts_with(BOOTHOOK) {
            let is_old = release.is_none_or(|release| release < RENDERED_BOOTHOOK_SINCE);
            return is_old.then(|| {
                format!(
                    "cloud-init renders Jinja of {BOOTHOOK} since {RENDERED_BOOTHOOK_SINCE}; set os.cloudInit.version if the image has that"
                )
            });
        }
        let is_known = KINDS.iter().any(|(_, known)| *known == kind);
        let has_handler = before.iter().any(|part| part.kind == HANDLER);
        (!is_known && !has_handler).then(|| {
            let known: Vec<&str> = KINDS.iter().map(|(_, known)| *known).collect();
            let known = [&known[..], &FREQUENCIES].concat().join(", ");
            format!(
                "cloud-init does nothing with a part of the type {kind} unless a {HANDLER} comes before it; its own are {known}"
            )
        })
    }

    /// The last component of its path.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its MIME type.
    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds a secret.
    pub(super) fn is_secret(&self) -> bool {
        self.secret
    }

    /// Whether it is a configuration that does not say itself how it is to be merged.
    pub(super) fn is_merged_by_default(&self) -> bool {
        let is_config = match &*self.kind {
            CONFIG => true,
            JINJA => rest_of_jinja(&self.text).starts_with("#cloud-config"),
            _ => false,
        };
        let says = ["merge_how", "merge_type"];
        is_config && !says.iter().any(|key| self.text.contains(key))
    }
}

/// What a text is by its beginning. Blanks before it and the case of letters do not count (`type_from_starts_with`).
fn begins(text: &str) -> Option<&'static str> {
    let start = text.trim_start().to_ascii_lowercase();
    let found = KINDS.iter().find(|(mark, _)| start.starts_with(mark));
    found.map(|(_, kind)| *kind)
}

/// Why cloud-init could not use a text of a type.
fn unusable(kind: &str, text: &str) -> Option<String> {
    if (kind == "text/x-shellscript" || FREQUENCIES.contains(&kind)) && !text.starts_with("#!") {
        // It is written to a file and started (`subp`), where the kernel needs it.
        return Some(format!("a part of the type {kind} must begin with #!"));
    }
    if kind != JINJA {
        return None;
    }
    let head = text.lines().next().unwrap_or_default().to_ascii_lowercase();
    if !head.starts_with("## template:") || !head.contains("jinja") {
        return Some(format!(
            "a part of the type {JINJA} must begin with ## template: jinja"
        ));
    }
    let rest = rest_of_jinja(text);
    let may_be = rest.starts_with('{') || RENDERED.iter().any(|mark| rest.starts_with(mark));
    (!may_be).then(|| {
        format!(
            "cloud-init renders Jinja of one of {} only; write it into the second line",
            RENDERED.join(", ")
        )
    })
}

/// A Jinja template without its first line.
fn rest_of_jinja(text: &str) -> &str {
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    rest.trim_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str, kind: Option<&str>) -> Result<String, String> {
        UserPart::of_type("a/b c", text.to_owned(), false, kind).map(|part| part.kind)
    }

    #[test]
    fn a_part_is_known_by_how_it_begins() {
        for (text, wanted) in [
            ("#!/bin/sh\n", "text/x-shellscript"),
            ("#cloud-config\n", "text/cloud-config"),
            ("\n#Cloud-Config\n", "text/cloud-config"),
            ("#cloud-config-archive\n", "text/cloud-config-archive"),
            ("#cloud-config-jsonp\n[]\n", "text/cloud-config-jsonp"),
            ("#include-once\n", "text/x-include-once-url"),
            ("#include\nhttps://a/b\n", "text/x-include-url"),
            ("#cloud-boothook\n#!/bin/sh\n", "text/cloud-boothook"),
            ("#part-handler\n", "text/part-handler"),
            ("## template: jinja\n#cloud-config\n", "text/jinja2"),
        ] {
            for open in [None, Some("text/plain")] {
                assert_eq!(kind(text, open).as_deref(), Ok(wanted), "{text}");
            }
        }
        assert!(kind("runcmd: []\n", None).is_err());
    }

    #[test]
    fn a_type_must_fit_its_text() {
        for (text, of) in [
            ("#!/bin/sh\n", "text/x-shellscript-per-boot"),
            ("#!/bin/sh\n", "text/x-shellscript-per-once"),
            ("runcmd: []\n", "text/cloud-config"),
            ("## template: jinja\n#!/bin/sh\n", "text/jinja2"),
            ("anything", "text/x-mine"),
        ] {
            assert_eq!(kind(text, Some(of)).as_deref(), Ok(of), "{text}");
        }
        for (text, of) in [
            ("echo a\n", "text/x-shellscript-per-boot"),
            ("echo a\n", "text/x-shellscript"),
            ("#cloud-config\n", "text/jinja2"),
            ("## template: jinja\n#include\n", "text/jinja2"),
        ] {
            assert!(kind(text, Some(of)).is_err(), "{text}");
        }
    }

    #[test]
    fn cloud_init_must_handle_a_type() {
        let part = |text: &str, kind| UserPart::of_type("a", text.to_owned(), false, kind).unwrap();
        let release = |year, number| Some(CloudInitRelease { year, number });
        let often = part("#!/bin/sh\n", Some("text/x-shellscript-per-boot"));
        assert!(often.unhandled(&[], None).is_none());
        assert!(often.unhandled(&[], release(22, 1)).is_none());
        assert!(often.unhandled(&[], release(20, 4)).is_some());
        let hook = part("## template: jinja\n#cloud-boothook\n", None);
        assert!(hook.unhandled(&[], None).is_some());
        assert!(hook.unhandled(&[], release(25, 1)).is_none());
        let handler = part("#part-handler\n", None);
        let mine = part("x", Some("text/x-mine"));
        assert!(mine.unhandled(&[], None).is_some());
        assert!(mine.unhandled(&[&often, &handler], None).is_none());
    }
}
