//! Which TLS suites are strong, and which are broken.

use serde_json::Value as Json;

use crate::kubernetes::security::{CIPHERS, Settings, TLS_MINIMUM};

/// The suites that CIS allows, by Go's names since 1.19 and by the two shorter ones that every kubelet knows
/// (component-base/cli/flag/ciphersuites_flag.go). TLS 1.3 has strong ones only.
const STRONG: [&str; 11] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];

/// Suites with RC4, 3DES or a CBC that leaks (Lucky 13): Go's crypto/tls.InsecureCipherSuites before Go 1.22, which added
/// those without forward secrecy.
const BROKEN: [&str; 8] = [
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
];

/// Whether CIS allows a suite.
pub fn is_strong(suite: &str) -> bool {
    STRONG.contains(&suite)
}

/// Whether the kubelet speaks TLS 1.3 alone: it ignores the list of suites then (cmd/kubelet/app/server.go, InitializeTLS).
pub fn is_tls13_only(settings: &Settings<'_>) -> bool {
    settings.get(&TLS_MINIMUM).text() == Some("VersionTLS13")
}

/// The broken suites that are asked for.
pub(super) fn broken(settings: &Settings<'_>) -> Vec<String> {
    if is_tls13_only(settings) {
        return Vec::new();
    }
    let found = settings.get(&CIPHERS);
    let list = found.value.as_array().into_iter().flatten();
    let broken = list.filter_map(Json::as_str);
    let broken = broken.filter(|suite| BROKEN.contains(suite));
    broken.map(str::to_owned).collect()
}
