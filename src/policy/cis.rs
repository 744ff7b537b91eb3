//! Section 4 of the CIS Kubernetes Benchmark 1.12; 2.0 has the same rules.

use crate::policy::Rule;
use crate::policy::Weight::{Automated, Manual};
use crate::policy::cis_kubelet as kubelet;
use crate::policy::files::{self, Asked};
use crate::policy::judged::Judged;

const CLOSED: Asked = Asked::Mode(0o600);
const READABLE: Asked = Asked::Mode(0o644);

/// kube-proxy runs in pods; where it does not, its files are somebody else's.
const PROXY: &str = "kube-proxy is not in the payload";

macro_rules! rules {
    ($($number:literal $weight:ident $title:literal = $judge:expr;)+) => {
        &[$(Rule { number: $number, weight: $weight, title: $title, judge: $judge },)+]
    };
}
pub(super) use rules;

pub(super) static RULES: &[Rule] = rules! {
    "4.1.1" Automated "The kubelet's unit is closed to others (0600)" = |node| files::unit(node, CLOSED);
    "4.1.2" Automated "The kubelet's unit is root's" = |node| files::unit(node, Asked::Root);
    "4.1.3" Manual "kube-proxy's kubeconfig is closed to others (0600)" = |_| Judged::not_applicable(PROXY);
    "4.1.4" Manual "kube-proxy's kubeconfig is root's" = |_| Judged::not_applicable(PROXY);
    "4.1.5" Automated "The kubelet's kubeconfig is closed to others (0600)" = |node| files::kubeconfig(node, CLOSED);
    "4.1.6" Automated "The kubelet's kubeconfig is root's" = |node| files::kubeconfig(node, Asked::Root);
    "4.1.7" Manual "Only root changes the CA of clients (0644)" = |node| files::client_ca(node, READABLE);
    "4.1.8" Manual "The CA of clients is root's" = |node| files::client_ca(node, Asked::Root);
    "4.1.9" Automated "The kubelet's configuration is closed to others (0600)" = |node| files::config(node, CLOSED);
    "4.1.10" Automated "The kubelet's configuration is root's" = |node| files::config(node, Asked::Root);
    "4.2.1" Automated "Requests without credentials are refused" = kubelet::anonymous;
    "4.2.2" Automated "The kubelet asks who may do what" = kubelet::authorization;
    "4.2.3" Automated "The kubelet has a CA for its clients" = kubelet::client_ca;
    "4.2.4" Manual "The read-only port is off" = kubelet::read_only_port;
    "4.2.5" Manual "Idle streams are closed" = kubelet::idle_timeout;
    "4.2.6" Automated "The kubelet makes its chains of iptables" = kubelet::iptables_chains;
    "4.2.7" Manual "The node's name is the host's" = kubelet::hostname_override;
    "4.2.8" Manual "Events are recorded at a rate that loses none" = kubelet::event_rate;
    "4.2.9" Manual "The serving certificate comes from a CA" = kubelet::serving_certificate;
    "4.2.10" Automated "The client certificate is renewed" = kubelet::rotation;
    "4.2.11" Manual "The serving certificate is renewed" = kubelet::serving_rotation;
    "4.2.12" Manual "TLS has strong suites only" = kubelet::ciphers;
    "4.2.13" Manual "Pods have a limit of processes" = kubelet::pod_pids;
    "4.2.14" Manual "Pods get a seccomp profile by default" = kubelet::seccomp;
    "4.3.1" Automated "kube-proxy shows its metrics to the node alone" = |_| Judged::not_applicable(PROXY);
};
