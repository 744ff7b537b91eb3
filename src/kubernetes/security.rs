//! Settings that decide who may call a kubelet, how well it is protected and what it is told of the cluster, with their values in effect: the flag wins over
//! the field, and the field over the default of that minor. In: a configuration, flags, a minor. Out: values, and what is
//! open.
//!
//! Defaults are those of a kubelet with a configuration file (pkg/kubelet/apis/config/v1beta1/defaults.go); where there is
//! none, four of them are laxer (cmd/kubelet/app/options/options.go, applyLegacyDefaults). Read in the sources of 1.16 to
//! 1.37.

mod open;
mod tls;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::kubernetes::kubelet_config::{FieldAnswer, FieldKind, Schema};
use crate::kubernetes::value::duration;

pub use open::{Open, open};
pub use tls::{is_strong, is_tls13_only};

/// What a setting takes, and so how its flag is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Text,
    /// A field whose zero counts as absent.
    Duration,
    List,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// The flag without its dashes.
    pub flag: &'static str,
    /// The field, or an empty text where there is none.
    pub field: &'static str,
    kind: Kind,
    default: fn(u32) -> Json,
    /// The default of a kubelet without a configuration file, where it is another one.
    legacy: Option<fn() -> Json>,
}

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $kind:ident $flag:literal $field:literal = $default:expr $(, legacy $legacy:expr)?;)+) => {
        $($(#[$doc])* pub static $name: Setting = Setting {
            flag: $flag,
            field: $field,
            kind: Kind::$kind,
            default: $default,
            legacy: settings!(@legacy $($legacy)?),
        };)+

        /// All of them.
        pub static SETTINGS: &[&Setting] = &[$(&$name,)+];
    };
    (@legacy) => { None };
    (@legacy $legacy:expr) => { Some($legacy) };
}

settings! {
    /// Whether requests without credentials are answered.
    ANONYMOUS: Bool "anonymous-auth" "authentication.anonymous.enabled" = |_| json!(false), legacy || json!(true);
    /// Who may do what.
    AUTHORIZATION: Text "authorization-mode" "authorization.mode" = |_| json!("Webhook"), legacy || json!("AlwaysAllow");
    /// The CA of clients' certificates.
    CLIENT_CA: Text "client-ca-file" "authentication.x509.clientCAFile" = |_| Json::Null;
    /// The port without authentication.
    READ_ONLY_PORT: Int "read-only-port" "readOnlyPort" = |_| json!(0), legacy || json!(10255);
    /// Whether exec, attach, logs and port-forward are served.
    DEBUGGING: Bool "enable-debugging-handlers" "enableDebuggingHandlers" = |_| json!(true);
    /// When idle streams are closed.
    IDLE_TIMEOUT: Duration "streaming-connection-idle-timeout" "streamingConnectionIdleTimeout" = |_| json!("4h0m0s");
    /// Whether the kubelet makes its chains of iptables.
    IPTABLES_CHAINS: Bool "make-iptables-util-chains" "makeIPTablesUtilChains" = |_| json!(true);
    /// Another name than the host's.
    HOSTNAME_OVERRIDE: Text "hostname-override" "" = |_| Json::Null;
    /// Events each second.
    EVENT_QPS: Int "event-qps" "eventRecordQPS" = |minor| json!(if minor < 27 { 5 } else { 50 });
    /// The serving certificate's file.
    TLS_CERTIFICATE: Text "tls-cert-file" "tlsCertFile" = |_| Json::Null;
    /// The serving key's file.
    TLS_KEY: Text "tls-private-key-file" "tlsPrivateKeyFile" = |_| Json::Null;
    /// Whether the client certificate is renewed.
    ROTATION: Bool "rotate-certificates" "rotateCertificates" = |_| json!(false);
    /// Whether serving certificates are asked for.
    SERVER_BOOTSTRAP: Bool "rotate-server-certificates" "serverTLSBootstrap" = |_| json!(false);
    /// The ciphers of TLS 1.2.
    CIPHERS: List "tls-cipher-suites" "tlsCipherSuites" = |_| Json::Null;
    /// The oldest TLS.
    TLS_MINIMUM: Text "tls-min-version" "tlsMinVersion" = |_| json!("VersionTLS12");
    /// How many processes a pod may have.
    POD_PIDS: Int "pod-max-pids" "podPidsLimit" = |_| json!(-1);
    /// Whether pods get the runtime's seccomp profile.
    SECCOMP: Bool "seccomp-default" "seccompDefault" = |_| json!(false);
    /// Whether the kernel's settings must be the kubelet's.
    KERNEL_DEFAULTS: Bool "protect-kernel-defaults" "protectKernelDefaults" = |_| json!(false);
    /// Where manifests of static pods are.
    STATIC_PODS: Text "pod-manifest-path" "staticPodPath" = |_| Json::Null;
    /// The cluster's DNS domain.
    CLUSTER_DOMAIN: Text "cluster-domain" "clusterDomain" = |_| Json::Null;
    /// The DNS servers of pods.
    CLUSTER_DNS: List "cluster-dns" "clusterDNS" = |_| Json::Null;
    /// How many pods a node may have.
    MAX_PODS: Int "max-pods" "maxPods" = |_| json!(110);
}

/// Whether a flag needs a value, which may be the next word: all but the switches.
pub fn takes_a_value(flag: &str) -> bool {
    let schema = Schema::load();
    let is_switch = |minor| {
        let answer = schema.flag(flag, minor);
        matches!(answer, FieldAnswer::Found(FieldKind::Bool))
    };
    !schema.minors().any(is_switch)
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag.
    Flag,
    /// A field of the configuration.
    Field,
    /// Nobody set it.
    Default,
}

/// A value in effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The value; null where there is none.
    pub value: Json,
    /// Where it comes from.
    pub source: Source,
}

impl Found {
    /// Whether it is true.
    pub fn is_true(&self) -> bool {
        self.value == Json::Bool(true)
    }

    /// Its text, where it is one that is not empty.
    pub fn text(&self) -> Option<&str> {
        self.value.as_str().filter(|text| !text.is_empty())
    }

    /// Whether it was written.
    pub fn is_written(&self) -> bool {
        self.source != Source::Default
    }

    /// As it is printed.
    pub fn shown(&self) -> Cow<'_, str> {
        match &self.value {
            Json::Null => "nothing".into(),
            Json::String(text) if text.is_empty() => "an empty text".into(),
            Json::String(text) => text.as_str().into(),
            Json::Array(list) => {
                let words = list.iter().map(|word| word.as_str().unwrap_or_default());
                words.collect::<Vec<_>>().join(",").into()
            }
            other => other.to_string().into(),
        }
    }
}

/// All settings of one kubelet.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// The configuration; None where the kubelet reads no file.
    pub config: Option<&'a Json>,
    /// The flags by name; null for one without a value.
    pub flags: BTreeMap<&'a str, Option<&'a str>>,
    /// The kubelet's minor version.
    pub minor: u32,
}

impl Settings<'_> {
    /// The value in effect.
    pub fn get(&self, setting: &Setting) -> Found {
        if let Some(text) = self.flags.get(setting.flag) {
            return Found {
                value: of_flag(setting.kind, *text),
                source: Source::Flag,
            };
        }
        let field = self.field(setting.field).filter(|value| {
            let zero = |text: &str| duration(text).is_ok_and(|length| length.is_zero());
            setting.kind != Kind::Duration || !value.as_str().is_some_and(zero)
        });
        match field {
            Some(value) => Found {
                value: value.clone(),
                source: Source::Field,
            },
            None => Found {
                value: match setting.legacy.filter(|_| self.config.is_none()) {
                    Some(legacy) => legacy(),
                    None => (setting.default)(self.minor),
                },
                source: Source::Default,
            },
        }
    }

    /// Whether the flag is given.
    pub fn has_flag(&self, name: &str) -> bool {
        self.flags.contains_key(name)
    }

    /// A feature gate as it is set: the flag's entry counts before the field's.
    pub fn gate(&self, name: &str) -> Option<bool> {
        let of_flag = self.flags.get("feature-gates").copied().flatten();
        let pairs = of_flag.unwrap_or_default().split(',');
        let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
        let found = pairs.rfind(|(gate, _)| gate.trim() == name);
        match found {
            Some((_, value)) => Some(is_true(value.trim())),
            None => self.field("featureGates")?.get(name)?.as_bool(),
        }
    }

    fn field(&self, path: &str) -> Option<&Json> {
        if path.is_empty() {
            return None;
        }
        let found = path
            .split('.')
            .try_fold(self.config?, |at, key| at.get(key));
        found.filter(|value| !value.is_null())
    }
}

/// Go's strconv.ParseBool, as far as it is true.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// A flag's text as its field's value. What the kubelet cannot read has a finding of its own.
fn of_flag(kind: Kind, text: Option<&str>) -> Json {
    match (kind, text) {
        (Kind::Bool, text) => json!(text.is_none_or(is_true)),
        (Kind::Int, Some(text)) => text.parse::<i64>().map_or_else(|_| json!(text), Json::from),
        (Kind::List, Some(text)) => text.split(',').filter(|word| !word.is_empty()).collect(),
        (_, text) => json!(text.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings<'a>(
        config: Option<&'a Json>,
        flags: &[(&'a str, Option<&'a str>)],
        minor: u32,
    ) -> Settings<'a> {
        Settings {
            config,
            flags: flags.iter().copied().collect(),
            minor,
        }
    }

    #[test]
    fn a_flag_wins_over_a_field_and_that_over_the_default() {
        let empty = json!({});
        let config = json!({
            "authentication": {"anonymous": {"enabled": true}}, "readOnlyPort": 0, "podPidsLimit": null,
            "streamingConnectionIdleTimeout": "0s", "featureGates": {"A": true, "B": false},
        });
        let value = |setting, config: Option<&Json>, flags: &[(&str, Option<&str>)], minor| {
            let found = settings(config, flags, minor).get(setting);
            (found.value, found.source)
        };
        let no_flags = &[];
        for (setting, config, flags, minor, expected, source) in [
            (
                &ANONYMOUS,
                Some(&empty),
                &no_flags[..],
                34,
                json!(false),
                Source::Default,
            ),
            (
                &ANONYMOUS,
                Some(&config),
                no_flags,
                34,
                json!(true),
                Source::Field,
            ),
            (
                &ANONYMOUS,
                Some(&config),
                &[("anonymous-auth", Some("false"))],
                34,
                json!(false),
                Source::Flag,
            ),
            (
                &ANONYMOUS,
                Some(&empty),
                &[("anonymous-auth", None)],
                34,
                json!(true),
                Source::Flag,
            ),
            (&ANONYMOUS, None, no_flags, 34, json!(true), Source::Default),
            (
                &READ_ONLY_PORT,
                None,
                no_flags,
                16,
                json!(10255),
                Source::Default,
            ),
            (
                &READ_ONLY_PORT,
                Some(&config),
                &[("read-only-port", Some("10255"))],
                34,
                json!(10255),
                Source::Flag,
            ),
            (
                &EVENT_QPS,
                Some(&empty),
                no_flags,
                26,
                json!(5),
                Source::Default,
            ),
            (
                &EVENT_QPS,
                Some(&empty),
                no_flags,
                27,
                json!(50),
                Source::Default,
            ),
            (
                &POD_PIDS,
                Some(&config),
                no_flags,
                34,
                json!(-1),
                Source::Default,
            ),
            (
                &IDLE_TIMEOUT,
                Some(&config),
                no_flags,
                34,
                json!("4h0m0s"),
                Source::Default,
            ),
            (
                &IDLE_TIMEOUT,
                Some(&config),
                &[("streaming-connection-idle-timeout", Some("0"))],
                34,
                json!("0"),
                Source::Flag,
            ),
            (
                &CIPHERS,
                Some(&config),
                &[("tls-cipher-suites", Some("A,B"))],
                34,
                json!(["A", "B"]),
                Source::Flag,
            ),
        ] {
            let found = value(setting, config, flags, minor);
            assert_eq!(found, (expected, source), "{} {flags:?}", setting.flag);
        }
        let gates = settings(Some(&config), &[("feature-gates", Some("B=true,C=0"))], 34);
        assert_eq!(
            ["A", "B", "C", "D"].map(|name| gates.gate(name)),
            [Some(true), Some(true), Some(false), None]
        );
    }
}
