//! Pulling images and collecting them.

use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::report::Id;

/// The low mark below the high one; an absent one has its default.
pub fn thresholds(reading: &ConfigReader<'_>) -> Known<()> {
    const LOW: &str = "imageGCLowThresholdPercent";
    const HIGH: &str = "imageGCHighThresholdPercent";
    let (low, high) = (reading.int(LOW)?, reading.int(HIGH)?);
    let said = |number: Option<i64>, default: i64| match number {
        Some(number) => (number, ""),
        None => (default, ", the default"),
    };
    let ((lower, _), (higher, default)) = (said(low, 80), said(high, 85));
    if lower >= higher {
        let at = if low.is_some() { LOW } else { HIGH };
        let of_low = if low.is_none() { ", the default" } else { "" };
        let rule = format!("{LOW} ({lower}{of_low}) must be less than {HIGH} ({higher}{default})");
        reading.say(Id::KubeletImageGcInvalid, at, rule);
    }
    Ok(())
}

/// How old an image must and may be.
pub fn ages(reading: &ConfigReader<'_>) -> Known<()> {
    const MINUTES_2: i64 = 120_000_000_000;
    let least = reading.duration("imageMinimumGCAge")?.unwrap_or(0);
    if least < 0 && reading.minor >= 36 {
        reading.say(
            Id::KubeletImageGcInvalid,
            "imageMinimumGCAge",
            "must not be negative",
        );
    }
    let Some(most) = reading
        .duration("imageMaximumGCAge")?
        .filter(|most| *most != 0)
    else {
        return Ok(());
    };
    needs(reading, "imageMaximumGCAge", "ImageMaximumGCAge");
    let least = if least == 0 { MINUTES_2 } else { least };
    if most < 0 {
        reading.say(
            Id::KubeletImageGcInvalid,
            "imageMaximumGCAge",
            "must not be negative",
        );
    } else if most <= least {
        let rule = "must be longer than imageMinimumGCAge (2m0s by default)";
        reading.say(Id::KubeletImageGcInvalid, "imageMaximumGCAge", rule);
    }
    Ok(())
}

/// Pulls in parallel need serialised pulls to be off; where only the first is said, the second follows by itself.
pub fn pulls(reading: &ConfigReader<'_>) -> Known<()> {
    let parallel = reading.int("maxParallelImagePulls")?.unwrap_or(0);
    if parallel > 1 && reading.bool_or("serializeImagePulls", false)? {
        reading.advise(
            Id::KubeletImagePullInvalid,
            "maxParallelImagePulls",
            format!("{parallel} pulls at once are impossible while serializeImagePulls is true"),
            "set serializeImagePulls to false",
        );
    }
    Ok(())
}

/// Which images must be verified again for each pod.
pub fn credentials(reading: &ConfigReader<'_>) -> Known<()> {
    const POLICY: &str = "imagePullCredentialsVerificationPolicy";
    const LIST: &str = "preloadedImagesVerificationAllowlist";
    const GATE: &str = "KubeletEnsureSecretPulledImages";
    if !reading.has(POLICY) {
        return Ok(());
    }
    let policy = reading.text(POLICY)?;
    let patterns = reading.texts(LIST)?.unwrap_or_default();
    if !reading.enabled(GATE) {
        for (path, set) in [(POLICY, !policy.is_empty()), (LIST, !patterns.is_empty())] {
            if set {
                needs(reading, path, GATE);
            }
        }
        return Ok(());
    }
    // The words of the policy are an enumeration, which the types check.
    if !patterns.is_empty() && policy != "NeverVerifyAllowlistedImages" {
        let rule = format!("counts only with {POLICY}: NeverVerifyAllowlistedImages");
        reading.say(Id::KubeletImagePullInvalid, LIST, rule);
        return Ok(());
    }
    for (index, pattern) in patterns.iter().enumerate() {
        if let Some(rule) = pattern_objection(pattern) {
            reading.say_of(
                Id::KubeletImagePullInvalid,
                LIST,
                &index.to_string(),
                format!("{pattern:?} {rule}"),
            );
        }
    }
    Ok(())
}

/// A repository, or a prefix that ends in `/*`. Source: pkg/kubelet/images/pullmanager, getAllowlistImagePattern.
fn pattern_objection(pattern: &str) -> Option<&'static str> {
    if pattern.trim() != pattern || pattern.is_empty() {
        return Some("must not be empty or have spaces around it");
    }
    if let Some(prefix) = pattern.strip_suffix("/*") {
        return match prefix {
            "" => Some("must name a registry before the wildcard"),
            prefix if prefix.contains('*') => Some("may have one wildcard, at its end"),
            _ => None,
        };
    }
    if pattern.contains('*') {
        return Some("may have a wildcard only as /* at its end");
    }
    let last = pattern.rsplit('/').next().unwrap_or_default();
    if last.contains(':') || pattern.contains('@') {
        return Some("must have neither tag nor digest");
    }
    let clean = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/:".contains(c);
    (!pattern.chars().all(clean)).then_some("is not the name of an image")
}

/// Says that a field counts only with a feature that is off.
pub fn needs(reading: &ConfigReader<'_>, path: &str, gate: &str) {
    if !reading.enabled(gate) {
        reading.advise(
            Id::KubeletFeatureNeedsGate,
            path,
            format!(
                "needs the feature gate {gate}, which is off in Kubernetes 1.{}",
                reading.minor
            ),
            "remove it, or set the gate in featureGates",
        );
    }
}
