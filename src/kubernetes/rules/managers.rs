//! The topology, CPU and memory managers.

use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::report::Id;

const POLICIES: [&str; 4] = ["none", "best-effort", "restricted", "single-numa-node"];

/// Policy and scope of the topology manager; an empty one is the default.
pub fn topology(reading: &ConfigReader<'_>) -> Known<()> {
    const POLICY: &str = "topologyManagerPolicy";
    const SCOPE: &str = "topologyManagerScope";
    let or = |default: &'static str, written| match written {
        "" => default,
        written => written,
    };
    let policy = or("none", reading.text(POLICY)?);
    let scope = or("container", reading.text(SCOPE)?);
    if reading.minor < 27 {
        for (path, written, default) in [(POLICY, policy, "none"), (SCOPE, scope, "container")] {
            if written != default {
                super::images::needs(reading, path, "TopologyManager");
            }
        }
    }
    if reading.minor >= 20 {
        reading.one_of(Id::KubeletManagerInvalid, POLICY, policy, &POLICIES);
    } else if !POLICIES.contains(&policy) {
        let rule = format!("must be one of {}; got {policy:?}", POLICIES.join(", "));
        reading.say_at_start(Id::KubeletManagerInvalid, vec![POLICY.to_owned()], rule);
    }
    reading.one_of(
        Id::KubeletManagerInvalid,
        SCOPE,
        scope,
        &["container", "pod"],
    );
    Ok(())
}

/// Policies that the container manager reads when it starts (pkg/kubelet/cm, NewManager of each).
pub fn cpu_and_memory(reading: &ConfigReader<'_>) -> Known<()> {
    for (path, words) in [
        ("cpuManagerPolicy", ["none", "static"]),
        ("memoryManagerPolicy", ["None", "Static"]),
    ] {
        let policy = reading.text(path)?;
        if !policy.is_empty() && !words.contains(&policy) {
            let rule = format!("must be one of {}; got {policy:?}", words.join(", "));
            reading.say_at_start(Id::KubeletManagerInvalid, vec![path.to_owned()], rule);
        }
    }
    let hairpin = reading.text("hairpinMode")?;
    if !hairpin.is_empty() {
        let modes = ["none", "hairpin-veth", "promiscuous-bridge"];
        reading.one_of(Id::KubeletManagerInvalid, "hairpinMode", hairpin, &modes);
    }
    let driver = reading.text("cgroupDriver")?;
    if !["", "cgroupfs", "systemd"].contains(&driver) {
        let rule = format!("must be one of cgroupfs, systemd; got {driver:?}");
        reading.say_at_start(
            Id::KubeletManagerInvalid,
            vec!["cgroupDriver".to_owned()],
            rule,
        );
    }
    Ok(())
}
