//! What CIS asks of the kubelet's settings (4.2), by their values in effect. A manual rule fails only where the value is
//! plainly against it; what a person must weigh stays manual.

use crate::kubernetes::kubelet_config::{FieldAnswer, Schema};
use crate::kubernetes::security::{
    ANONYMOUS, AUTHORIZATION, CIPHERS, CLIENT_CA, EVENT_QPS, HOSTNAME_OVERRIDE, IDLE_TIMEOUT,
    IPTABLES_CHAINS, POD_PIDS, READ_ONLY_PORT, ROTATION, SECCOMP, SERVER_BOOTSTRAP, Setting,
    TLS_CERTIFICATE, TLS_KEY, TLS_MINIMUM, is_strong, is_tls13_only,
};
use crate::kubernetes::value::duration;
use crate::policy::Subject;
use crate::policy::judged::{Judged, Verdict, met};

/// The gate without which no serving certificate is renewed.
const SERVING_GATE: &str = "RotateKubeletServerCertificate";

/// Judges one setting by its value.
fn by_value(
    subject: &Subject<'_>,
    setting: &Setting,
    otherwise: Verdict,
    is_met: impl Fn(&serde_json::Value) -> bool,
) -> Judged {
    let (found, shown, at) = subject.found(setting);
    Judged::new(met(is_met(&found.value), otherwise), shown, at)
}

pub(super) fn anonymous(subject: &Subject<'_>) -> Judged {
    by_value(subject, &ANONYMOUS, Verdict::Fail, |value| *value == false)
}

pub(super) fn authorization(subject: &Subject<'_>) -> Judged {
    let is_met = |value: &serde_json::Value| *value == "Webhook";
    by_value(subject, &AUTHORIZATION, Verdict::Fail, is_met)
}

pub(super) fn client_ca(subject: &Subject<'_>) -> Judged {
    by_value(subject, &CLIENT_CA, Verdict::Fail, |value| {
        value.as_str().is_some_and(|path| !path.is_empty())
    })
}

pub(super) fn read_only_port(subject: &Subject<'_>) -> Judged {
    by_value(subject, &READ_ONLY_PORT, Verdict::Fail, |value| *value == 0)
}

/// The field's zero is the default; only the flag can switch the timeout off.
pub(super) fn idle_timeout(subject: &Subject<'_>) -> Judged {
    by_value(subject, &IDLE_TIMEOUT, Verdict::Fail, |value| {
        let text = value.as_str().unwrap_or_default();
        duration(text).is_ok_and(|length| !length.is_zero())
    })
}

pub(super) fn iptables_chains(subject: &Subject<'_>) -> Judged {
    by_value(subject, &IPTABLES_CHAINS, Verdict::Fail, |value| {
        *value == true
    })
}

pub(super) fn hostname_override(subject: &Subject<'_>) -> Judged {
    let (found, shown, at) = subject.found(&HOSTNAME_OVERRIDE);
    match found.text() {
        None => Judged::new(Verdict::Pass, "--hostname-override is not set", at),
        Some(_) => Judged::new(Verdict::Manual, subject.name_told(shown), at).note(
            "the name is the inventory's, which `csr review` holds requests against; --hostname-override: null leaves it out",
        ),
    }
}

/// Source: cmd/kubelet/app/server.go hands the rate to client-go, whose default is five where it is zero.
pub(super) fn event_rate(subject: &Subject<'_>) -> Judged {
    let judged = by_value(subject, &EVENT_QPS, Verdict::Manual, |value| {
        value.as_i64().is_some_and(|rate| rate > 0)
    });
    match judged.verdict {
        Verdict::Pass => judged,
        _ => judged.note("0 is documented as no limit, and is 5 each second in fact"),
    }
}

pub(super) fn serving_certificate(subject: &Subject<'_>) -> Judged {
    let (certificate, shown, at) = subject.found(&TLS_CERTIFICATE);
    let (key, _, _) = subject.found(&TLS_KEY);
    if certificate.text().is_some() && key.text().is_some() {
        return Judged::new(Verdict::Pass, shown, at);
    }
    let (asks, shown, at) = subject.found(&SERVER_BOOTSTRAP);
    if asks.is_true() {
        return Judged::new(Verdict::Pass, shown, at).note("the cluster's CA signs it");
    }
    Judged::new(Verdict::Manual, shown, at).note("the kubelet signs a certificate for itself")
}

pub(super) fn rotation(subject: &Subject<'_>) -> Judged {
    let judged = by_value(subject, &ROTATION, Verdict::Fail, |value| *value == true);
    if judged.verdict == Verdict::Fail && !subject.asks() {
        let why = format!("{}; the node brings its certificate", judged.value);
        return Judged {
            location: judged.location,
            ..Judged::not_applicable(why)
        };
    }
    judged
}

pub(super) fn serving_rotation(subject: &Subject<'_>) -> Judged {
    let (certificate, shown, at) = subject.found(&TLS_CERTIFICATE);
    if certificate.text().is_some() {
        return Judged {
            location: at,
            ..Judged::not_applicable(format!("{shown}: whoever issued it renews it"))
        };
    }
    let (asks, shown, at) = subject.found(&SERVER_BOOTSTRAP);
    let gate = subject.settings.gate(SERVING_GATE).unwrap_or(true);
    let shown = format!("{shown}, gate {SERVING_GATE}: {gate}");
    let verdict = if !gate {
        Verdict::Fail
    } else {
        met(asks.is_true(), Verdict::Manual)
    };
    Judged::new(verdict, shown, at)
}

pub(super) fn ciphers(subject: &Subject<'_>) -> Judged {
    if is_tls13_only(&subject.settings) {
        let (_, shown, at) = subject.found(&TLS_MINIMUM);
        return Judged::new(Verdict::Pass, shown, at).note("TLS 1.3 has strong suites only");
    }
    let (found, shown, at) = subject.found(&CIPHERS);
    let list = found.value.as_array().filter(|list| !list.is_empty());
    let Some(list) = list else {
        let value = "tlsCipherSuites is not set: Go chooses";
        return Judged::new(Verdict::Manual, value, "");
    };
    let weak = list.iter().filter_map(|suite| suite.as_str());
    let weak: Vec<&str> = weak.filter(|suite| !is_strong(suite)).collect();
    if weak.is_empty() {
        return Judged::new(Verdict::Pass, shown, at);
    }
    let value = format!("tlsCipherSuites has {}", weak.join(", "));
    Judged::new(Verdict::Fail, value, at)
}

pub(super) fn pod_pids(subject: &Subject<'_>) -> Judged {
    let (found, shown, at) = subject.found(&POD_PIDS);
    let is_limit = found.value.as_i64().is_some_and(|limit| limit > 0);
    let otherwise = if found.is_written() {
        Verdict::Fail
    } else {
        Verdict::Manual
    };
    Judged::new(met(is_limit, otherwise), shown, at)
}

/// Source: the field is there since 1.22; before 1.25 the kubelet ends without the gate.
pub(super) fn seccomp(subject: &Subject<'_>) -> Judged {
    let (found, shown, at) = subject.found(&SECCOMP);
    let minor = subject.minor();
    let field = Schema::load().root().field(SECCOMP.field, minor);
    if !matches!(field, FieldAnswer::Found(_)) {
        return Judged::not_applicable(format!("Kubernetes 1.{minor} has no seccompDefault"));
    }
    let otherwise = if found.is_written() {
        Verdict::Fail
    } else {
        Verdict::Manual
    };
    Judged::new(met(found.is_true(), otherwise), shown, at)
}
