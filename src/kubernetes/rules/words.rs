//! Words that the kubelet looks up when it starts: TLS ciphers and versions, cloud providers, runtimes and their sockets.

use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::report::Id;

/// Ciphers by the minor that has them first. Source: component-base `cli/flag/ciphersuites_flag.go`; since 1.21 those of Go's
/// crypto/tls, which are the same.
const CIPHERS: [(&str, u32); 27] = [
    ("TLS_AES_128_GCM_SHA256", 19),
    ("TLS_AES_256_GCM_SHA384", 19),
    ("TLS_CHACHA20_POLY1305_SHA256", 19),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 16),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", 16),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 16),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", 16),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 16),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", 16),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 19),
    ("TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", 16),
    ("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", 16),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 16),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", 16),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 16),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", 16),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 16),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", 16),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 19),
    ("TLS_ECDHE_RSA_WITH_RC4_128_SHA", 16),
    ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", 16),
    ("TLS_RSA_WITH_AES_128_CBC_SHA", 16),
    ("TLS_RSA_WITH_AES_128_CBC_SHA256", 16),
    ("TLS_RSA_WITH_AES_128_GCM_SHA256", 16),
    ("TLS_RSA_WITH_AES_256_CBC_SHA", 16),
    ("TLS_RSA_WITH_AES_256_GCM_SHA384", 16),
    ("TLS_RSA_WITH_RC4_128_SHA", 16),
];

const TLS_VERSIONS: [&str; 4] = [
    "VersionTLS10",
    "VersionTLS11",
    "VersionTLS12",
    "VersionTLS13",
];

/// Cloud providers that are compiled in, with the last minor that has them. Source: pkg/cloudprovider/providers.
const CLOUDS: [(&str, u32); 5] = [
    ("aws", 26),
    ("azure", 29),
    ("gce", 30),
    ("openstack", 25),
    ("vsphere", 29),
];

/// Ciphers of the kubelet's server. Source: cmd/kubelet/app/server.go, InitializeTLS.
pub fn ciphers(reading: &ConfigReader<'_>) -> Known<()> {
    const FIELD: &str = "tlsCipherSuites";
    for (index, name) in reading.texts(FIELD)?.unwrap_or_default().iter().enumerate() {
        let known = |(known, since): &(&str, u32)| known == name && *since <= reading.minor;
        if CIPHERS.iter().any(known) {
            continue;
        }
        let rule = format!(
            "must be a cipher that a kubelet of 1.{} knows; got {name:?}",
            reading.minor
        );
        let names = CIPHERS.iter().filter(|(_, since)| *since <= reading.minor);
        let near = crate::closest::closest(name, names.map(|(name, _)| *name));
        let repair = match near {
            Some(near) => format!("did you mean {near}?"),
            None => "take a name like TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned(),
        };
        let path = [FIELD, &index.to_string()];
        reading.refuse(Id::KubeletTlsInvalid, &path, rule, &repair);
    }
    Ok(())
}

/// Without one of the ciphers that HTTP/2 insists on the server does not listen, and the kubelet ends. Source: Go's net/http,
/// http2ConfigureServer; pkg/kubelet/server/server.go, ListenAndServeKubeletServer. With TLS 1.3 alone the list has no effect.
pub fn ciphers_of_http2(reading: &ConfigReader<'_>) -> Known<()> {
    const FIELD: &str = "tlsCipherSuites";
    const NEEDED: [&str; 2] = [
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    ];
    let names = reading.texts(FIELD)?.unwrap_or_default();
    let is_there = names.iter().any(|name| NEEDED.contains(name));
    let is_known = |name: &&str| CIPHERS.iter().any(|(known, _)| known == name);
    if names.is_empty()
        || is_there
        // A name that is unknown has its finding, and may be meant for one of the two.
        || !names.iter().all(is_known)
        || reading.text("tlsMinVersion")? == "VersionTLS13"
        || !reading.bool_or("enableServer", true)?
    {
        return Ok(());
    }
    let rule = format!(
        "must have {} or {}, which HTTP/2 insists on",
        NEEDED[0], NEEDED[1]
    );
    reading.refuse(Id::KubeletTlsInvalid, &[FIELD], rule, "add one of the two");
    Ok(())
}

/// The oldest version of TLS. Source: the same function.
pub fn tls_version(reading: &ConfigReader<'_>) -> Known<()> {
    let version = reading.text("tlsMinVersion")?;
    if !version.is_empty() && !TLS_VERSIONS.contains(&version) {
        let rule = format!(
            "must be one of {}; got {version:?}",
            TLS_VERSIONS.join(", ")
        );
        reading.refuse(Id::KubeletTlsInvalid, &["tlsMinVersion"], rule, "");
    }
    Ok(())
}

/// The cloud that the node is in. Source: cmd/kubelet/app/server.go, run (until 1.33), and pkg/kubelet/kubelet.go,
/// NewMainKubelet; the gate DisableCloudProviders is on since 1.29, and nothing is compiled in since 1.31.
pub fn cloud_provider(reading: &ConfigReader<'_>) -> Known<()> {
    const FLAG: &str = "cloud-provider";
    let Some(name) = reading.flag(FLAG)? else {
        return Ok(());
    };
    if matches!(name, "" | "external") {
        return Ok(());
    }
    let minor = reading.minor;
    let known: Vec<&str> = CLOUDS
        .iter()
        .filter(|(_, last)| minor <= *last)
        .map(|(name, _)| *name)
        .collect();
    if minor >= 31 || (known.contains(&name) && reading.enabled("DisableCloudProviders")) {
        let rule = format!(
            "must be external or not set: the kubelet of 1.{minor} has no cloud providers of its own; got {name:?}"
        );
        let repair = "set it to external, and run the cloud's controller manager in the cluster";
        reading.refuse_flag(Id::KubeletWordUnknown, FLAG, rule, repair);
    } else if !known.contains(&name) {
        let rule = format!(
            "must be external or a provider of 1.{minor} ({}); got {name:?}",
            known.join(", ")
        );
        reading.refuse_flag(Id::KubeletWordUnknown, FLAG, rule, "set it to external");
    }
    Ok(())
}

/// The kind of runtime. Source: cmd/kubelet/app/options/options.go, ValidateKubeletFlags, and pkg/kubelet/kubelet.go,
/// NewMainKubelet before 1.24. From 1.27 on there is no such flag.
pub fn runtime(reading: &ConfigReader<'_>) -> Known<()> {
    const FLAG: &str = "container-runtime";
    let words: &[&str] = match reading.minor {
        ..24 => &["docker", "remote"],
        24..27 => &["remote"],
        _ => return Ok(()),
    };
    if let Some(word) = reading.flag(FLAG)?.filter(|word| !words.contains(word)) {
        let rule = format!("must be {}; got {word:?}", words.join(" or "));
        reading.refuse_flag(Id::KubeletWordUnknown, FLAG, rule, "set it to remote");
    }
    Ok(())
}

/// Sockets of the runtime. Source: pkg/kubelet/util/util_unix.go (since 1.31 cri-client `pkg/util/util_unix.go`),
/// GetAddressAndDialer, and the validation of an empty one since 1.26.
pub fn endpoints(reading: &ConfigReader<'_>) -> Known<()> {
    const RUNTIME: (&str, &str) = ("container-runtime-endpoint", "containerRuntimeEndpoint");
    const IMAGES: (&str, &str) = ("image-service-endpoint", "imageServiceEndpoint");
    for (flag, field) in [RUNTIME, IMAGES] {
        let is_field = reading.has(field);
        let by_flag = reading.flag(flag)?;
        let text = if is_field {
            Some(reading.text(field)?)
        } else {
            by_flag
        };
        let Some(text) = text else { continue };
        let rule = if text.is_empty() {
            // The default of the file takes the place of an empty field, and not that of an empty flag.
            if by_flag.is_none() || flag == IMAGES.0 {
                continue;
            }
            "must be the socket of the runtime; got an empty text".to_owned()
        } else {
            match objection(text) {
                Some(rule) => rule,
                None => continue,
            }
        };
        let repair = "write it as unix:///run/containerd/containerd.sock";
        if is_field {
            reading.refuse(Id::KubeletEndpointInvalid, &[field], rule, repair);
        } else {
            reading.refuse_flag(Id::KubeletEndpointInvalid, flag, rule, repair);
        }
    }
    Ok(())
}

/// What is wrong with a socket's URL; a path alone is taken too, as before there were URLs.
fn objection(text: &str) -> Option<String> {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    let scheme = scheme.filter(|scheme| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(fits)
    });
    match scheme.map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("unix") => {
            let path = &text["unix:".len()..];
            let host = path.strip_prefix("//")?;
            (!host.starts_with('/')).then(|| {
                format!("must have three slashes after unix:, or its first folder is taken for a host; got {text:?}")
            })
        }
        Some(_) => Some(format!("must be a Unix socket; got {text:?}")),
    }
}
