//! Rules of the DISA Kubernetes STIG V2R4 about workers. Where its text asks for a setting to be written down, and the
//! default is as good, that is a remark: the value in effect decides.

use std::ops::RangeInclusive;

use crate::kubernetes::security::{
    ANONYMOUS, AUTHORIZATION, CLIENT_CA, HOSTNAME_OVERRIDE, IDLE_TIMEOUT, KERNEL_DEFAULTS,
    READ_ONLY_PORT, SERVER_BOOTSTRAP, STATIC_PODS, Setting, Source, TLS_CERTIFICATE, TLS_KEY,
};
use crate::kubernetes::value::duration;
use crate::policy::Weight::{High, Medium};
use crate::policy::cis::rules;
use crate::policy::files::{self, Asked};
use crate::policy::judged::{Judged, Verdict, met};
use crate::policy::{Rule, Subject};

const READABLE: Asked = Asked::Mode(0o644);
const CLOSED: Asked = Asked::Mode(0o600);
const PKI: &str = "/etc/kubernetes/pki";
const DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf";
/// The units of the SSH server on one distribution or another.
const SSH: [&str; 3] = ["sshd.service", "ssh.service", "ssh.socket"];

pub(super) static RULES: &[Rule] = rules! {
    "V-242387" High "The read-only port is off" = |node| written(node, &READ_ONLY_PORT, |value| *value == 0);
    "V-242391" High "Requests without credentials are refused" = |node| written(node, &ANONYMOUS, |value| *value == false);
    "V-242392" High "The kubelet asks who may do what" = authorization;
    "V-242393" Medium "The SSH server does not run" = ssh;
    "V-242394" Medium "The SSH server is not enabled" = ssh;
    "V-242396" Medium "kubectl is not an old one" = |_| Judged::not_applicable("kubectl is not in the payload");
    "V-242397" High "There is no folder of static pods" = static_pods;
    "V-242398" Medium "The gate DynamicAuditing is off" = |node| gate(node, "DynamicAuditing", 13..=18, (false, |_| false));
    "V-242399" Medium "The gate DynamicKubeletConfig is off" = dynamic_config;
    "V-242404" Medium "The node's name is the host's" = hostname_override;
    "V-242406" Medium "The kubelet's configuration is root's" = |node| files::config(node, Asked::Root);
    "V-242407" Medium "Only root changes the kubelet's configuration (0644)" = |node| files::config(node, READABLE);
    "V-242408" Medium "Only root changes manifests of static pods (0644)" = |node| files::below(node, "/etc/kubernetes/manifests", "", READABLE);
    "V-242420" Medium "The kubelet has a CA for its clients" = |node| written(node, &CLIENT_CA, |value| value.as_str().is_some_and(|path| !path.is_empty()));
    "V-242424" Medium "The serving key is a CA's" = |node| serving(node, &TLS_KEY);
    "V-242425" Medium "The serving certificate is a CA's" = |node| serving(node, &TLS_CERTIFICATE);
    "V-242434" High "The kernel's settings must be the kubelet's" = |node| written(node, &KERNEL_DEFAULTS, |value| *value == true);
    "V-242443" Medium "Versions are supported ones" = |_| Judged::not_applicable("support ends while a node runs");
    "V-242447" Medium "Only root changes kube-proxy's kubeconfig (0644)" = |_| Judged::not_applicable("kube-proxy is not in the payload");
    "V-242448" Medium "kube-proxy's kubeconfig is root's" = |_| Judged::not_applicable("kube-proxy is not in the payload");
    "V-242449" Medium "Only root changes the CA of clients (0644)" = |node| files::client_ca(node, READABLE);
    "V-242450" Medium "The CA of clients is root's" = |node| files::client_ca(node, Asked::Root);
    "V-242451" Medium "Files of the PKI are root's" = |node| files::below(node, PKI, "", Asked::Root);
    "V-242452" Medium "Only root changes the kubelet's kubeconfig (0644)" = |node| files::kubeconfig(node, READABLE);
    "V-242453" Medium "The kubelet's kubeconfig is root's" = |node| files::kubeconfig(node, Asked::Root);
    "V-242454" Medium "kubeadm's drop-in is root's" = |node| files::one(node, DROP_IN, Asked::Root);
    "V-242455" Medium "Only root changes kubeadm's drop-in (0644)" = |node| files::one(node, DROP_IN, READABLE);
    "V-242456" Medium "Only root changes the kubelet's configuration (0644)" = |node| files::config(node, READABLE);
    "V-242457" Medium "The kubelet's configuration is root's" = |node| files::config(node, Asked::Root);
    "V-242466" Medium "Only root changes certificates of the PKI (0644)" = |node| files::below(node, PKI, ".crt", READABLE);
    "V-242467" Medium "Keys of the PKI are closed to others (0600)" = |node| files::below(node, PKI, ".key", CLOSED);
    "V-245541" Medium "Idle streams are closed after five minutes or later" = idle_timeout;
    "V-254801" High "The gate PodSecurity is on" = |node| gate(node, "PodSecurity", 22..=27, (true, |minor| minor >= 23));
};

/// Judges a setting, with the remarks that the STIG's text deserves: it wants fields, not flags, and wants them written.
fn written(
    subject: &Subject<'_>,
    setting: &Setting,
    is_met: impl Fn(&serde_json::Value) -> bool,
) -> Judged {
    let (found, shown, at) = subject.found(setting);
    let verdict = met(is_met(&found.value), Verdict::Fail);
    let judged = Judged::new(verdict, shown, at);
    match (verdict, found.source) {
        (Verdict::Pass, Source::Default) if setting.flag != READ_ONLY_PORT.flag => {
            judged.note("by the letter it must be written down")
        }
        (Verdict::Pass, Source::Flag) => judged.note("by the letter it must be a field"),
        _ => judged,
    }
}

/// Here the letter wants the flag, which is deprecated and which all neighbours forbid.
fn authorization(subject: &Subject<'_>) -> Judged {
    let (found, shown, at) = subject.found(&AUTHORIZATION);
    let verdict = met(found.text() == Some("Webhook"), Verdict::Fail);
    let judged = Judged::new(verdict, shown, at);
    if verdict == Verdict::Pass && found.source != Source::Flag {
        return judged.note("by the letter --authorization-mode=Webhook must be given as a flag");
    }
    judged
}

fn static_pods(subject: &Subject<'_>) -> Judged {
    let (found, shown, at) = subject.found(&STATIC_PODS);
    let verdict = met(found.text().is_none(), Verdict::Fail);
    let judged = Judged::new(verdict, shown, at);
    if verdict == Verdict::Fail {
        return judged.note("kubelet.config.staticPodPath: null where no static pod runs");
    }
    judged
}

fn hostname_override(subject: &Subject<'_>) -> Judged {
    let (found, shown, at) = subject.found(&HOSTNAME_OVERRIDE);
    let verdict = met(found.text().is_none(), Verdict::Fail);
    Judged::new(verdict, subject.name_told(shown), at)
}

fn idle_timeout(subject: &Subject<'_>) -> Judged {
    written(subject, &IDLE_TIMEOUT, |value| {
        let text = value.as_str().unwrap_or_default();
        duration(text).is_ok_and(|length| length.as_secs() >= 300)
    })
}

/// Certificates that the cluster signs and renews have no file that a setting names.
fn serving(subject: &Subject<'_>, setting: &Setting) -> Judged {
    let (found, shown, at) = subject.found(setting);
    if found.text().is_some() {
        return Judged::new(Verdict::Pass, shown, at);
    }
    let (asks, shown, at) = subject.found(&SERVER_BOOTSTRAP);
    let judged = Judged::new(met(asks.is_true(), Verdict::Fail), shown, at);
    if asks.is_true() {
        return judged.note(format!(
            "the cluster's CA signs it; by the letter {} must name a file",
            setting.field
        ));
    }
    judged
}

/// A gate of some minors, what it must be, and its default: one that a kubelet does not know would stop it.
fn gate(
    subject: &Subject<'_>,
    name: &str,
    minors: RangeInclusive<u32>,
    (wanted, default): (bool, fn(u32) -> bool),
) -> Judged {
    let minor = subject.minor();
    if !minors.contains(&minor) {
        return Judged::not_applicable(format!("Kubernetes 1.{minor} has no gate {name}"));
    }
    let set = subject.settings.gate(name);
    let value = set.unwrap_or_else(|| default(minor));
    let verdict = met(value == wanted, Verdict::Fail);
    match set {
        Some(_) => Judged::new(verdict, format!("gate {name}: {value}"), ""),
        None => Judged::new(verdict, format!("gate {name}: {value} (the default)"), "")
            .note("by the letter it must be written down"),
    }
}

/// The gate alone does nothing: without `--dynamic-config-dir` the kubelet takes no configuration from the cluster
/// (cmd/kubelet/app/server.go, until 1.23).
fn dynamic_config(subject: &Subject<'_>) -> Judged {
    const GATE: &str = "DynamicKubeletConfig";
    let judged = gate(subject, GATE, 16..=25, (false, |minor| minor < 22));
    let is_idle = !subject.settings.has_flag("dynamic-config-dir");
    if judged.verdict == Verdict::Fail && is_idle && subject.settings.gate(GATE).is_none() {
        return Judged::new(Verdict::Pass, "--dynamic-config-dir is not set", "")
            .note(format!("by the letter the gate {GATE} must be false"));
    }
    judged
}

/// Only an image has an SSH server; a payload can mask it.
fn ssh(subject: &Subject<'_>) -> Judged {
    let masked: Vec<&str> = SSH
        .into_iter()
        .filter(|unit| subject.is_masked(unit))
        .collect();
    if masked.contains(&"sshd.service") || masked.len() == SSH.len() - 1 {
        return Judged::new(Verdict::Pass, format!("masked: {}", masked.join(", ")), "");
    }
    Judged::not_applicable(
        "the SSH server is the image's; units: {sshd.service: {masked: true}} masks it",
    )
}
