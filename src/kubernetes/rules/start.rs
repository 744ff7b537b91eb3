//! What the kubelet needs to start at all: files that go together, a way for others to call it, labels that it may set.

use crate::kubernetes::labels::self_settable;
use crate::kubernetes::names::{label_key, label_value};
use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::report::Id;

/// Folders and locks.
pub fn folders(reading: &ConfigReader<'_>) -> Known<()> {
    // pkg/kubelet/kubelet.go, setupDataDirs
    if let Some(folder) = reading.flag("root-dir")?
        && !folder.starts_with('/')
    {
        let rule = format!("must be an absolute path; got {folder:?}");
        reading.refuse_flag(Id::KubeletFlagInvalid, "root-dir", rule, "");
    }
    // cmd/kubelet/app/server.go, run
    const EXIT: &str = "exit-on-lock-contention";
    if reading.flag_is_set(EXIT)? && reading.flag("lock-file")?.is_none_or(str::is_empty) {
        let repair = "set kubelet.flags.lock-file, or remove it";
        reading.refuse_flag(
            Id::KubeletFlagInvalid,
            EXIT,
            "needs the flag lock-file",
            repair,
        );
    }
    Ok(())
}

/// The node's name. Source: component-helpers `node/util/hostname.go`, GetHostname; before 1.21 pkg/util/node.
pub fn host_name(reading: &ConfigReader<'_>) -> Known<()> {
    const FLAG: &str = "hostname-override";
    if let Some(name) = reading.flag(FLAG)?
        && !name.is_empty()
        && name.trim().is_empty()
    {
        let rule = format!("must be a host name; got {name:?}");
        reading.refuse_flag(Id::KubeletFlagInvalid, FLAG, rule, "");
    }
    Ok(())
}

/// Credential providers for images: with either flag the kubelet reads both. Source: pkg/kubelet/kubelet.go, NewMainKubelet.
pub fn credential_providers(reading: &ConfigReader<'_>) -> Known<()> {
    const CONFIG: &str = "image-credential-provider-config";
    const PROGRAMS: &str = "image-credential-provider-bin-dir";
    if reading.minor < 24 && !reading.enabled("KubeletCredentialProviders") {
        return Ok(());
    }
    for (one, other) in [(CONFIG, PROGRAMS), (PROGRAMS, CONFIG)] {
        let set = reading.flag(one)?.is_some_and(|text| !text.is_empty());
        if set && reading.flag(other)?.is_none_or(str::is_empty) {
            let rule = format!("needs the flag {other}");
            let repair = format!("set kubelet.flags.{other}, or remove it");
            reading.refuse_flag(Id::KubeletFlagInvalid, one, rule, &repair);
        }
    }
    Ok(())
}

/// The certificate of the kubelet's server and its key. Source: cmd/kubelet/app/server.go, InitializeTLS.
pub fn key_pair(reading: &ConfigReader<'_>) -> Known<()> {
    const CERTIFICATE: &str = "tlsCertFile";
    const KEY: &str = "tlsPrivateKeyFile";
    for (one, other) in [(CERTIFICATE, KEY), (KEY, CERTIFICATE)] {
        if !reading.text(one)?.is_empty() && reading.text(other)?.is_empty() {
            let rule = format!("needs {other}");
            reading.refuse(Id::KubeletTlsInvalid, &[one], rule, "set both, or neither");
        }
    }
    Ok(())
}

/// Somebody must be able to call the kubelet: 1.16 ends otherwise, later ones refuse every request. Source:
/// cmd/kubelet/app/auth.go, BuildAuthn; apiserver `authenticatorfactory/delegating.go`.
pub fn authentication(reading: &ConfigReader<'_>) -> Known<()> {
    let anonymous = reading.bool_or("authentication.anonymous.enabled", false)?;
    let webhook = reading.bool_or("authentication.webhook.enabled", true)?;
    if anonymous || webhook {
        return Ok(());
    }
    if reading.text("authentication.x509.clientCAFile")?.is_empty() {
        let rule = "nobody can call the kubelet: anonymous and webhook are off, and there is no x509.clientCAFile";
        let repair = "set authentication.x509.clientCAFile, or webhook.enabled to true";
        reading.refuse(Id::KubeletFieldsConflict, &["authentication"], rule, repair);
    }
    Ok(())
}

/// Labels that the user gives by the flag. Source: cmd/kubelet/app/options/options.go, ValidateKubeletFlags; that a label is
/// valid is looked at since 1.25, and before by the API server, which refuses the Node.
pub fn labels(reading: &ConfigReader<'_>) -> Known<()> {
    const FLAG: &str = "node-labels";
    let Some(text) = reading.flag(FLAG)? else {
        return Ok(());
    };
    for pair in text.split(',').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (key.trim(), value.trim());
        if !self_settable(key, reading.minor) {
            let rule = format!(
                "must not have a label of Kubernetes' own that a kubelet of 1.{} may not set; got {key:?}",
                reading.minor
            );
            let repair = "write it below `labels`, and let an admin set it";
            reading.refuse_flag(Id::LabelInvalid, FLAG, rule, repair);
        }
        for rule in [label_key(key).err(), label_value(value).err()]
            .into_iter()
            .flatten()
        {
            reading.refuse_flag(Id::LabelInvalid, FLAG, rule, "");
        }
    }
    Ok(())
}

/// Periods that must not be negative. Source: pkg/kubelet/kubelet.go, NewMainKubelet, for the first; with the second every call of
/// the runtime ends before it begins; over the third pkg/kubelet/config/file_linux.go panics.
pub fn frequencies(reading: &ConfigReader<'_>) -> Known<()> {
    for field in [
        "syncFrequency",
        "runtimeRequestTimeout",
        "fileCheckFrequency",
    ] {
        if reading.duration(field)?.is_some_and(|length| length < 0) {
            let rule = "must be more than zero";
            reading.refuse(Id::KubeletFieldRange, &[field], rule, "");
        }
    }
    Ok(())
}

/// The two marks of packets. Source: pkg/kubelet/kubelet.go, NewMainKubelet, until 1.27.
pub fn packet_marks(reading: &ConfigReader<'_>) -> Known<()> {
    const MASQUERADE: &str = "iptablesMasqueradeBit";
    const DROP: &str = "iptablesDropBit";
    if reading.minor > 27 || !reading.bool_or("makeIPTablesUtilChains", true)? {
        return Ok(());
    }
    let masquerade = reading.int(MASQUERADE)?.unwrap_or(14);
    if reading.int(DROP)?.unwrap_or(15) == masquerade {
        let rule = format!("must be different from {DROP} (15 by default); got {masquerade}");
        reading.refuse(Id::KubeletFieldsConflict, &[MASQUERADE], rule, "");
    }
    Ok(())
}
