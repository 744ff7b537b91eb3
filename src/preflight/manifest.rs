//! The command lines of a control plane, out of the manifests that start it: static pods (as on every kubeadm control plane),
//! what `kubectl get pod -o yaml` prints, Deployments, and units of systemd. In: a file. Out: flags with their locations.

use std::sync::Arc;

use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::tree::{Content, Origin, Unit};
use crate::yaml::{Located, Value, parse};

/// A program of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager.
    ControllerManager,
}

impl Program {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
        }
    }
}

/// How a program of the control plane is started.
#[derive(Clone, Debug)]
pub struct CommandLine {
    /// The program.
    pub program: Program,
    /// The image's tag, as `v1.34.4`.
    pub tag: Option<String>,
    /// Where the command is.
    pub location: Location,
    /// Flags without dashes, in order; a flag may be there several times.
    flags: Vec<(String, String, Location)>,
}

impl CommandLine {
    /// The last value of a flag, which is the one that counts; `true` for a flag alone.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values(name).pop()
    }

    /// All values of a flag.
    fn values(&self, name: &str) -> Vec<&str> {
        let all = self.flags.iter().filter(|(known, _, _)| known == name);
        all.map(|(_, value, _)| value.as_str()).collect()
    }

    /// The words of a list, which several flags may add to.
    pub fn words(&self, name: &str) -> Vec<&str> {
        let words = self
            .values(name)
            .into_iter()
            .flat_map(|value| value.split(','));
        words
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .collect()
    }

    /// Whether a flag is there and not empty.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| !value.is_empty())
    }

    /// Where a flag is, or else the command.
    pub fn location_of(&self, name: &str) -> &Location {
        let mut flags = self.flags.iter().rev();
        let found = flags.find(|(known, _, _)| known == name);
        found.map_or(&self.location, |(_, _, location)| location)
    }

    fn of(program: Program, words: &[(String, Location)], tag: Option<String>) -> Option<Self> {
        let names = [program.name(), program.name().trim_start_matches("kube-")];
        let is_it = |word: &str| names.contains(&word.rsplit('/').next().unwrap_or_default());
        let at = words.iter().position(|(word, _)| is_it(word))?;
        let mut flags = Vec::new();
        let mut rest = words[at + 1..].iter().peekable();
        while let Some((word, location)) = rest.next() {
            // One dash is as good as two to Go's own package, which old programs had.
            let Some(flag) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
                continue;
            };
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, value.trim_matches(['"', '\'']).to_owned()),
                None => {
                    let value = rest.next_if(|(next, _)| !next.starts_with('-'));
                    (
                        flag,
                        value.map_or("true".to_owned(), |(value, _)| value.clone()),
                    )
                }
            };
            // Both spellings are one flag (k8s.io/component-base/cli/flag, WordSepNormalizeFunc).
            flags.push((name.replace('_', "-"), value, location.clone()));
        }
        Some(Self {
            program,
            tag,
            location: words[at].1.clone(),
            flags,
        })
    }
}

/// The command lines of a program that a file has, at least one; else there is a finding.
pub fn read(program: Program, file: &str, text: &str, report: &mut Report) -> Vec<CommandLine> {
    let whole = Location::file(file);
    let found = if text.lines().any(|line| line.trim() == "[Service]") {
        of_unit(program, text, &whole)
    } else {
        let name: Arc<str> = file.into();
        let Some(tree) = parse(&name, text, report) else {
            return Vec::new();
        };
        of_objects(program, &tree)
    };
    if found.is_empty() {
        let rule = format!(
            "must be a manifest that starts {} (for example /etc/kubernetes/manifests/{}.yaml), and no container of it does",
            program.name(),
            program.name()
        );
        let finding = Finding::new(Id::ControlPlaneFileInvalid, &whole, "", rule);
        report.add(finding.help("copy the static pod's manifest from a control-plane node"));
    }
    found
}

fn of_unit(program: Program, text: &str, location: &Location) -> Vec<CommandLine> {
    let unit = Unit {
        text: Some((Content::bytes(text), Origin("file".into()))),
        ..Unit::default()
    };
    let commands = unit.effective().commands("ExecStart").into_iter();
    let located = commands.map(|words| {
        let words = words.into_iter().map(|word| (word, location.clone()));
        words.collect::<Vec<_>>()
    });
    located
        .filter_map(|words| CommandLine::of(program, &words, None))
        .collect()
}

/// The command lines of a program in an object, or in the items of a list.
pub fn of_objects(program: Program, tree: &Located) -> Vec<CommandLine> {
    if let Some(Value::List(items)) = tree.get("items").map(|at| &at.value) {
        return items
            .iter()
            .flat_map(|item| of_objects(program, item))
            .collect();
    }
    let spec = tree.get("spec");
    let pod = spec
        .and_then(|spec| spec.get("template")?.get("spec"))
        .or(spec);
    let Some(Value::List(containers)) = pod
        .and_then(|pod| pod.get("containers"))
        .map(|at| &at.value)
    else {
        return Vec::new();
    };
    let of_container = |container: &Located| {
        let mut words = Vec::new();
        for key in ["command", "args"] {
            if let Some(Value::List(items)) = container.get(key).map(|at| &at.value) {
                let texts = items
                    .iter()
                    .filter_map(|at| Some((at.as_str()?, &at.location)));
                texts.for_each(|(text, at)| push(text, at, program, &mut words));
            }
        }
        let tag = container.get("image").and_then(Located::as_str);
        let tag = tag.and_then(|image| image.split('@').next()?.rsplit_once(':'));
        CommandLine::of(program, &words, tag.map(|(_, tag)| tag.to_owned()))
    };
    containers.iter().filter_map(of_container).collect()
}

/// One word, or those of a script that is one text: `[sh, -c, "exec kube-apiserver --a --b"]`.
fn push(text: &str, at: &Location, program: Program, words: &mut Vec<(String, Location)>) {
    let is_script = text.contains(char::is_whitespace) && text.contains(program.name());
    if is_script {
        let parts = text.split_whitespace().filter(|part| *part != "\\");
        words.extend(parts.map(|part| (part.to_owned(), at.clone())));
    } else {
        words.push((text.to_owned(), at.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> (Vec<CommandLine>, String) {
        let mut report = Report::default();
        let found = read(Program::ApiServer, "a.yaml", text, &mut report);
        (found, report.to_string())
    }

    #[test]
    fn commands_are_found_however_they_are_written() {
        let flags =
            "--authorization-mode=Node,RBAC --client_ca_file /ca --enable-bootstrap-token-auth";
        let listed: Vec<String> = flags.split(' ').map(|word| format!("\"{word}\"")).collect();
        let listed = listed.join(", ");
        for text in [
            format!(
                "kind: Pod\nspec:\n  containers:\n  - command: [kube-apiserver, {listed}]\n    image: r/kube-apiserver:v1.34.4\n"
            ),
            format!(
                "spec: {{containers: [{{command: [/usr/local/bin/kube-apiserver], args: [{listed}], image: \"r:5000/x:v1.34.4@sha256:00\"}}]}}\n"
            ),
            format!(
                "items: [{{spec: {{containers: [{{image: \"x:v1.34.4\", command: [sh, -c, \"exec kube-apiserver {flags}\"]}}]}}}}]\n"
            ),
            format!(
                "kind: Deployment\nspec: {{template: {{spec: {{containers: [{{image: \"x:v1.34.4\", command: [/hyperkube, apiserver, {listed}]}}]}}}}}}\n"
            ),
        ] {
            let (found, said) = lines(&text);
            assert_eq!(found.len(), 1, "{text}: {said}");
            let line = &found[0];
            assert_eq!(line.words("authorization-mode"), ["Node", "RBAC"], "{text}");
            assert_eq!(line.value("client-ca-file"), Some("/ca"), "{text}");
            assert_eq!(
                line.value("enable-bootstrap-token-auth"),
                Some("true"),
                "{text}"
            );
            assert_eq!(line.tag.as_deref(), Some("v1.34.4"), "{text}");
        }
        let unit = format!(
            "[Service]\nExecStart=/opt/k8s/bin/kube-apiserver \\\n  {}\n",
            flags.replace(' ', " \\\n  ")
        );
        assert_eq!(lines(&unit).0[0].value("client-ca-file"), Some("/ca"));
    }

    #[test]
    fn a_file_without_the_program_is_a_finding() {
        for text in [
            "kind: Pod\n",
            "spec: {containers: [{command: [etcd]}]}\n",
            "[Service]\nExecStart=/x\n",
            "a: [\n",
        ] {
            let (found, said) = lines(text);
            assert!(found.is_empty() && !said.is_empty(), "{text}: {said}");
        }
    }
}
