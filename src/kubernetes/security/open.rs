//! What makes a kubelet open to everybody on the network, or cuts it off when its certificate ends.

use crate::kubernetes::security::{
    ANONYMOUS, AUTHORIZATION, CIPHERS, CLIENT_CA, DEBUGGING, READ_ONLY_PORT, ROTATION, Setting,
    Settings, TLS_MINIMUM, tls,
};
use crate::report::Id;

/// A setting in effect that leaves the kubelet open.
#[derive(Debug)]
pub struct Open {
    /// Which rule.
    pub id: Id,
    /// The setting.
    pub setting: &'static Setting,
    /// The rule, and how it is broken.
    pub message: String,
    /// What to write.
    pub help: &'static str,
}

/// Everything that leaves a kubelet open. `asks` says whether it asks the cluster for its client certificate, which ends
/// after a while.
pub fn open(settings: &Settings<'_>, asks: bool) -> Vec<Open> {
    let mut found = Vec::new();
    let mut add = |id, setting: &'static Setting, rule: &str, help| {
        let value = settings.get(setting);
        found.push(Open {
            id,
            setting,
            message: format!("{rule}; got {}", value.shown()),
            help,
        });
    };
    let is_anonymous = settings.get(&ANONYMOUS).is_true();
    let is_allowed = settings.get(&AUTHORIZATION).text() == Some("AlwaysAllow");
    if is_anonymous {
        let rule = "must be false, or requests without credentials are answered (CIS 4.2.1, STIG V-242391)";
        add(Id::KubeletAnonymous, &ANONYMOUS, rule, "set it to false");
    }
    if is_allowed {
        let rule = "must be Webhook, or every caller may do everything (CIS 4.2.2, STIG V-242392)";
        add(
            Id::KubeletAuthorizationOpen,
            &AUTHORIZATION,
            rule,
            "set it to Webhook",
        );
    }
    if is_anonymous && is_allowed && settings.get(&DEBUGGING).is_true() {
        let rule = "must be false where callers need no credentials, or everybody runs commands in containers";
        add(
            Id::KubeletDebuggingOpen,
            &DEBUGGING,
            rule,
            "ask for credentials",
        );
    }
    if settings.get(&CLIENT_CA).text().is_none() {
        let rule = "must be the CA of the API server's client certificate, or the kubelet knows nobody (CIS 4.2.3, STIG V-242420)";
        add(
            Id::KubeletClientCaMissing,
            &CLIENT_CA,
            rule,
            "set it to \"{{ paths.clusterCA }}\"",
        );
    }
    if settings.get(&READ_ONLY_PORT).value != 0 {
        let rule = "must be 0, or pods and metrics are read without credentials (CIS 4.2.4, STIG V-242387)";
        add(
            Id::KubeletReadOnlyPort,
            &READ_ONLY_PORT,
            rule,
            "set it to 0",
        );
    }
    if asks && !settings.get(&ROTATION).is_true() {
        let rule =
            "must be true, or the node leaves the cluster when its certificate ends (CIS 4.2.10)";
        add(Id::KubeletRotationOff, &ROTATION, rule, "set it to true");
    }
    if let Some("VersionTLS10" | "VersionTLS11") = settings.get(&TLS_MINIMUM).text() {
        let rule = "must be VersionTLS12 or VersionTLS13: older ones are broken";
        add(
            Id::KubeletTlsWeak,
            &TLS_MINIMUM,
            rule,
            "set it to VersionTLS12",
        );
    }
    let broken = tls::broken(settings);
    if !broken.is_empty() {
        found.push(Open {
            id: Id::KubeletTlsWeak,
            setting: &CIPHERS,
            message: format!(
                "must have no suite that is broken (CIS 4.2.12); got {}",
                broken.join(", ")
            ),
            help: "remove them",
        });
    }
    found
}
