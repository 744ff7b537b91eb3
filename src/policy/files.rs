//! Modes and owners of files.

use crate::policy::Subject;
use crate::policy::judged::{Judged, Verdict, met};
use crate::tree::{Entry, EntryKind};

/// The file that `--kubeconfig` names.
const KUBECONFIG: &str = "kubeconfig";

/// What is asked of a file.
#[derive(Clone, Copy)]
pub(super) enum Asked {
    /// No bit beside these.
    Mode(u32),
    /// Root's, user and group.
    Root,
}

impl Asked {
    pub(super) fn is_met(self, entry: &Entry) -> bool {
        match self {
            Self::Mode(most) => entry.mode & !most == 0,
            Self::Root => entry.user.id == 0 && entry.group.id == 0,
        }
    }

    fn shown(self, entry: &Entry) -> String {
        match self {
            Self::Mode(_) => format!("{:04o}", entry.mode),
            Self::Root => format!("{}:{}", entry.user.name, entry.group.name),
        }
    }
}

/// Judges several files: the first one that breaks the rule is told, or else the first.
pub(super) fn all(files: &[(&str, &Entry)], asked: Asked) -> Option<Judged> {
    let bad = files.iter().find(|(_, entry)| !asked.is_met(entry));
    let (path, entry) = bad.or(files.first())?;
    let value = format!("{path}: {}", asked.shown(entry));
    let verdict = met(bad.is_none(), Verdict::Fail);
    Some(Judged::new(verdict, value, entry.origin.to_string()))
}

/// The kubelet's unit with its drop-ins.
pub(super) fn unit(subject: &Subject<'_>, asked: Asked) -> Judged {
    let none = || Judged::not_applicable("the unit is the image's");
    all(&subject.unit(), asked).unwrap_or_else(none)
}

/// The kubelet's own kubeconfig. The kubelet writes it with 0600 at its join (client-go tools/clientcmd, WriteToFile).
pub(super) fn kubeconfig(subject: &Subject<'_>, asked: Asked) -> Judged {
    let Some(path) = subject.path(KUBECONFIG) else {
        return Judged::not_applicable("the kubelet has no kubeconfig");
    };
    match subject.file(path) {
        Some(entry) => all(&[(path, entry)], asked)
            .unwrap_or_else(|| Judged::not_applicable("the kubelet has no kubeconfig")),
        None => {
            let value = match asked {
                Asked::Mode(_) => "0600",
                Asked::Root => "root:root",
            };
            let value = format!("{path}: {value}, written by the kubelet when it joins");
            Judged::new(Verdict::Pass, value, "")
        }
    }
}

/// The CA of clients.
pub(super) fn client_ca(subject: &Subject<'_>, asked: Asked) -> Judged {
    let Some(path) = subject.client_ca() else {
        return Judged::new(Verdict::Fail, "there is no client CA", "");
    };
    of_payload(subject, &path, asked)
}

/// The KubeletConfiguration.
pub(super) fn config(subject: &Subject<'_>, asked: Asked) -> Judged {
    match subject.path("config") {
        Some(path) => of_payload(subject, path, asked),
        None => Judged::not_applicable("the kubelet is not told of a configuration file"),
    }
}

fn of_payload(subject: &Subject<'_>, path: &str, asked: Asked) -> Judged {
    let found = subject.file(path).map(|entry| [(path, entry)]);
    let judged = found.and_then(|files| all(&files, asked));
    judged.unwrap_or_else(|| {
        let value = format!("{path} is not in the payload");
        Judged::new(Verdict::Manual, value, "")
    })
}

/// Files below a folder whose names end so.
pub(super) fn below(subject: &Subject<'_>, folder: &str, ending: &str, asked: Asked) -> Judged {
    let mut files = subject.below(folder);
    files.retain(|(path, entry)| {
        let is_file = !matches!(entry.kind, EntryKind::Symlink(_));
        is_file && (ending.is_empty() || path.ends_with(ending))
    });
    let none = || Judged::not_applicable(format!("the payload has no such file below {folder}"));
    all(&files, asked).unwrap_or_else(none)
}

/// One file by its path, where the payload has it.
pub(super) fn one(subject: &Subject<'_>, path: &str, asked: Asked) -> Judged {
    let file = subject.file(path).map(|entry| [(path, entry)]);
    let judged = file.and_then(|files| all(&files, asked));
    judged.unwrap_or_else(|| Judged::not_applicable(format!("the payload has no {path}")))
}
