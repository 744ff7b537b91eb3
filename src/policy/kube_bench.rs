//! The verdicts that kube-bench 0.15 gives (cfg/cis-1.12/node.yaml, cfg/config.yaml, check/test.go), and why they are other
//! ones than ours. It has no file for CIS 2.0, whose worker rules are those of 1.12. It knows fixed lists of paths, takes the first that exists, compares text, and for some rules asks only
//! whether a setting is there.

use serde_json::Value as Json;

use crate::kubernetes::security::{
    ANONYMOUS, AUTHORIZATION, CIPHERS, CLIENT_CA, EVENT_QPS, Found, HOSTNAME_OVERRIDE,
    IDLE_TIMEOUT, IPTABLES_CHAINS, POD_PIDS, READ_ONLY_PORT, ROTATION, SECCOMP, Setting, Source,
    TLS_CERTIFICATE, TLS_KEY,
};
use crate::policy::Weight::{Automated, Manual};
use crate::policy::files::Asked;
use crate::policy::judged::{Judged, KubeBench, Verdict};
use crate::policy::{Rule, Subject};

/// Where it looks for the configuration, as far as a payload could have the file.
const CONFIGS: [&str; 17] = [
    "/etc/kubernetes/kubelet-config.yaml",
    "/etc/kubernetes/kubelet/kubelet-config.json",
    "/var/lib/rancher/rke2/agent/etc/kubelet.conf.d",
    "/var/lib/kubelet/config.yaml",
    "/etc/kubernetes/azure.json",
    "/var/lib/kubelet/config.yml",
    "/etc/kubernetes/kubelet/config.json",
    "/etc/kubernetes/kubelet/config",
    // On nodes of GKE, in a home folder.
    concat!("/", "home/kubernetes/kubelet-config.yaml"),
    concat!("/", "home/kubernetes/kubelet-config.yml"),
    "/etc/default/kubeletconfig.json",
    "/etc/default/kubelet",
    "/var/lib/kubelet/kubeconfig",
    "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
    "/etc/systemd/system/kubelet.service",
    "/lib/systemd/system/kubelet.service",
    "/etc/kubernetes/kubelet.yaml",
];
const UNITS: [&str; 3] = [
    "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
    "/etc/systemd/system/kubelet.service",
    "/lib/systemd/system/kubelet.service",
];
const KUBECONFIGS: [&str; 7] = [
    "/etc/kubernetes/kubelet.conf",
    "/etc/kubernetes/kubelet-kubeconfig.conf",
    "/var/lib/kubelet/kubeconfig",
    "/etc/kubernetes/kubelet-kubeconfig",
    "/etc/kubernetes/kubelet/kubeconfig",
    "/etc/kubernetes/ssl/kubecfg-kube-node.yaml",
    "/etc/kubernetes/kubeconfig-kubelet",
];
const PROXY_KUBECONFIGS: [&str; 5] = [
    "/etc/kubernetes/kubelet-kubeconfig",
    "/etc/kubernetes/kubelet-kubeconfig.conf",
    "/etc/kubernetes/kubelet/config",
    "/etc/kubernetes/ssl/kubecfg-kube-proxy.yaml",
    "/var/lib/kubelet/kubeconfig",
];
const CAS: [&str; 5] = [
    "/var/lib/rancher/rke2/agent/client-ca.crt",
    "/var/lib/rancher/rke2/server/tls/server-ca.crt",
    "/etc/kubernetes/pki/ca.crt",
    "/etc/kubernetes/certs/ca.crt",
    "/etc/kubernetes/cert/ca.pem",
];
/// The suites of its list, which has two names that are not Go's.
const SUITES: [&str; 6] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
];

/// What kube-bench makes of a rule: whether it is met, and why that may not be what we say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// PASS, and else FAIL or WARN.
    pub is_met: bool,
    because: String,
}

/// kube-bench's verdict about a node that has joined and runs no kube-proxy.
pub fn seen(number: &str, subject: &Subject<'_>) -> Option<Seen> {
    let own_list = "it has its own list of paths";
    let file = |list: &[&str], joined: Option<&str>, asked| {
        let (is_met, looked_at) = looked_at(subject, list, joined, asked);
        let because = match looked_at {
            Some(path) => format!("{own_list} and looks at {path}"),
            None => format!("{own_list}, and finds no file there"),
        };
        Some(Seen { is_met, because })
    };
    let closed = Asked::Mode(0o600);
    let joined = subject.path("kubeconfig");
    match number {
        "4.1.1" => file(&UNITS, None, closed),
        "4.1.2" => file(&UNITS, None, Asked::Root),
        "4.1.3" => proxy(subject, joined),
        "4.1.4" => proxy(subject, joined),
        "4.1.5" => file(&KUBECONFIGS, joined, closed),
        "4.1.6" => file(&KUBECONFIGS, joined, Asked::Root),
        "4.1.7" | "4.1.8" => {
            let asked = match number {
                "4.1.7" => Asked::Mode(0o644),
                _ => Asked::Root,
            };
            match subject.path("client-ca-file") {
                Some(path) => file(&[path], None, asked),
                None => file(&CAS, None, asked),
            }
        }
        "4.1.9" => file(&CONFIGS, joined, closed),
        "4.1.10" => file(&CONFIGS, joined, Asked::Root),
        "4.3.1" => Some(Seen {
            is_met: false,
            because: "it finds no process of kube-proxy".to_owned(),
        }),
        _ => setting(number, subject, joined),
    }
}

/// The first file of a list, and whether it has what is asked. `joined` is written by the kubelet with 0600.
fn looked_at(
    subject: &Subject<'_>,
    list: &[&str],
    joined: Option<&str>,
    asked: Asked,
) -> (bool, Option<String>) {
    for path in list {
        if let Some(entry) = subject.file(path) {
            return (asked.is_met(entry), Some((*path).to_owned()));
        }
        if joined == Some(path) {
            return (true, Some((*path).to_owned()));
        }
    }
    (false, None)
}

fn proxy(subject: &Subject<'_>, joined: Option<&str>) -> Option<Seen> {
    let (is_met, path) = looked_at(subject, &PROXY_KUBECONFIGS, joined, Asked::Mode(0o600));
    let because = match path {
        Some(path) => format!("it takes {path} for kube-proxy's"),
        None => "it wants a kubeconfig of kube-proxy, which runs in a pod".to_owned(),
    };
    Some(Seen { is_met, because })
}

/// A rule about the kubelet's settings.
fn setting(number: &str, subject: &Subject<'_>, joined: Option<&str>) -> Option<Seen> {
    const ABSENT: &str =
        "it takes a setting that is not written for an unsafe one, and the default is safe";
    const PRESENT: &str = "it asks only whether the setting is there";
    // It reads the first file of its list, whatever --config names.
    let (_, read) = looked_at(subject, &CONFIGS, joined, Asked::Root);
    let reads = read.as_deref() == subject.path("config");
    let settings = subject.without_drop_ins.as_ref();
    let settings = settings.unwrap_or(&subject.settings);
    let value = |setting: &Setting| -> Option<Found> {
        let found = settings.get(setting);
        let is_seen = match found.source {
            Source::Flag => true,
            Source::Field => reads && found.value != "",
            Source::Default => false,
        };
        is_seen.then_some(found)
    };
    let is = |setting: &Setting, absent: bool, rule: &dyn Fn(&Found) -> bool| {
        value(setting).map_or(absent, |found| rule(&found))
    };
    let (is_met, because) = match number {
        "4.2.1" => (is(&ANONYMOUS, false, &|found| found.value == false), ABSENT),
        "4.2.2" => {
            let rule = |found: &Found| found.text() != Some("AlwaysAllow");
            (is(&AUTHORIZATION, false, &rule), ABSENT)
        }
        "4.2.3" => (is(&CLIENT_CA, false, &|_| true), PRESENT),
        "4.2.4" => (is(&READ_ONLY_PORT, true, &|found| found.value == 0), ABSENT),
        "4.2.5" => (
            is(&IDLE_TIMEOUT, true, &|found| found.text() != Some("0")),
            "it compares text, and takes 0s for another value than 0",
        ),
        "4.2.6" => (is(&IPTABLES_CHAINS, true, &|found| found.is_true()), ABSENT),
        "4.2.7" => (is(&HOSTNAME_OVERRIDE, true, &|_| false), PRESENT),
        "4.2.8" => {
            let rule = |found: &Found| found.value.as_i64().is_some_and(|rate| rate >= 0);
            (
                is(&EVENT_QPS, true, &rule),
                "it takes 0 for no limit, as the documentation does",
            )
        }
        "4.2.9" => (
            is(&TLS_CERTIFICATE, false, &|_| true) && is(&TLS_KEY, false, &|_| true),
            "it knows certificates in files only, and none that the cluster signs (serverTLSBootstrap)",
        ),
        "4.2.10" => (
            is(&ROTATION, true, &|found| found.is_true()),
            "it takes a setting that is not written for true, and the default is false",
        ),
        "4.2.11" => {
            let gate = settings.gate("RotateKubeletServerCertificate");
            (
                gate != Some(false),
                "it looks at the gate alone, and that renews nothing without serverTLSBootstrap",
            )
        }
        "4.2.12" => {
            let rule = |found: &Found| {
                let list = found.value.as_array().into_iter().flatten();
                let mut names = list.filter_map(Json::as_str);
                names.all(|suite| SUITES.contains(&suite))
            };
            (
                is(&CIPHERS, false, &rule),
                "its list lacks names that Go has, and it does not look at tlsMinVersion",
            )
        }
        "4.2.13" => (is(&POD_PIDS, false, &|_| true), PRESENT),
        "4.2.14" => (is(&SECCOMP, false, &|_| true), PRESENT),
        _ => return None,
    };
    let because = if !reads && subject.path("config").is_some() {
        "it does not read the file that --config names"
    } else if subject.without_drop_ins.is_some() {
        "it does not read the drop-ins of --config-dir"
    } else {
        because
    };
    let because = because.to_owned();
    Some(Seen { is_met, because })
}

impl Seen {
    /// The difference to our verdict, where there is one. A manual rule that fails is a WARN there.
    pub fn difference(self, rule: &Rule, judged: &Judged) -> Option<KubeBench> {
        let same = match judged.verdict {
            Verdict::Pass => self.is_met,
            Verdict::Fail | Verdict::Manual | Verdict::Accepted => !self.is_met,
            Verdict::NotApplicable => false,
        };
        let verdict = match (self.is_met, rule.weight) {
            (true, _) => "PASS",
            (false, Manual) => "WARN",
            (false, Automated) => "FAIL",
            (false, _) => return None,
        };
        (!same).then_some(KubeBench {
            verdict,
            because: self.because,
        })
    }
}
