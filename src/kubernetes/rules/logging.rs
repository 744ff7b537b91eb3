//! Logs, traces and metrics of the kubelet, and the logs of containers. Source: component-base `logs/api/v1`
//! (`logs/validate.go` before 1.25), `tracing/api/v1` and `metrics`.

use serde_json::Value as Json;

use crate::kubernetes::rules::images::needs;
use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::kubernetes::value;
use crate::report::Id;

/// The format and what only some formats have.
pub fn format(reading: &ConfigReader<'_>) -> Known<()> {
    let format = reading.text("logging.format")?;
    if reading.minor >= 19 {
        reading.one_of(
            Id::KubeletLoggingInvalid,
            "logging.format",
            if format.is_empty() { "text" } else { format },
            &["text", "json"],
        );
    }
    if reading.minor >= 25 && format == "json" {
        needs(reading, "logging.format", "LoggingBetaOptions");
    }
    if reading.minor >= 37
        && let Some(frequency) = reading.at("logging.flushFrequency")?
    {
        let nanoseconds = match frequency {
            Json::String(text) => value::nanoseconds(text).ok(),
            other => other.as_i64(),
        };
        // Zero is "not set", and has a default.
        if nanoseconds.is_some_and(|n| n < 0) {
            reading.say(
                Id::KubeletLoggingInvalid,
                "logging.flushFrequency",
                "must be more than zero",
            );
        }
    }
    if reading.minor >= 25 {
        for options in ["json", "text"] {
            let split = format!("logging.options.{options}.splitStream");
            if reading.bool_or(&split, false)? {
                needs(reading, &split, "LoggingAlphaOptions");
            }
            let size = format!("logging.options.{options}.infoBufferSize");
            let text = match reading.at(&size)? {
                Some(Json::String(text)) => text.clone(),
                Some(number) => number.to_string(),
                None => "0".to_owned(),
            };
            if !value::is_zero(&text) {
                needs(reading, &size, "LoggingAlphaOptions");
            }
        }
    }
    Ok(())
}

/// Verbosity by file, for the text format alone.
pub fn vmodule(reading: &ConfigReader<'_>) -> Known<()> {
    const VMODULE: &str = "logging.vmodule";
    let items = reading.list(VMODULE)?.unwrap_or_default();
    let format = reading.text("logging.format")?;
    if !items.is_empty() && !["", "text"].contains(&format) {
        reading.say(
            Id::KubeletLoggingInvalid,
            VMODULE,
            "is for the text format alone",
        );
    }
    for (index, item) in items.iter().enumerate() {
        let pattern = item
            .get("filePattern")
            .and_then(Json::as_str)
            .unwrap_or_default();
        if pattern.is_empty() || pattern.contains(['=', ',']) {
            let rule = format!("filePattern {pattern:?} must not be empty or hold = or ,");
            reading.say_of(Id::KubeletLoggingInvalid, VMODULE, &index.to_string(), rule);
        }
        let verbosity = item.get("verbosity").and_then(Json::as_i64).unwrap_or(0);
        if verbosity > i64::from(i32::MAX) {
            let rule = format!("verbosity {verbosity} must be {} or less", i32::MAX);
            reading.say_of(Id::KubeletLoggingInvalid, VMODULE, &index.to_string(), rule);
        }
    }
    Ok(())
}

/// Where traces go, and which hidden metrics are shown.
pub fn tracing(reading: &ConfigReader<'_>) -> Known<()> {
    if reading.minor < 34 && reading.at("tracing")?.is_some() && reading.has("tracing") {
        needs(reading, "tracing", "KubeletTracing");
    }
    if reading.minor >= 34 || reading.enabled("KubeletTracing") {
        let endpoint = reading.text("tracing.endpoint")?;
        if let Some((scheme, _)) = endpoint.split_once("//") {
            let scheme = scheme.trim_end_matches(':');
            if !["dns", "unix", "unix-abstract"].contains(&scheme) {
                let rule = format!(
                    "must be HOST:PORT, dns://…, unix://… or unix-abstract://…; got {endpoint:?}"
                );
                reading.say(Id::KubeletLoggingInvalid, "tracing.endpoint", rule);
            }
        }
    }
    let shown = reading.text("showHiddenMetricsForVersion")?;
    let before = format!("1.{}", reading.minor - 1);
    if reading.minor >= 18 && !shown.is_empty() && shown != before {
        let rule = format!("must be {before:?}, the minor before this kubelet's; got {shown:?}");
        reading.say(
            Id::KubeletLoggingInvalid,
            "showHiddenMetricsForVersion",
            rule,
        );
    }
    Ok(())
}

/// Rotation and folder of the containers' logs.
pub fn container_logs(reading: &ConfigReader<'_>) -> Known<()> {
    if let Some(interval) = reading.duration("containerLogMonitorInterval")?
        && interval < 3_000_000_000
        && reading.minor >= 30
    {
        reading.say(
            Id::KubeletLoggingInvalid,
            "containerLogMonitorInterval",
            "must be 3s or longer",
        );
    }
    let size = reading.text("containerLogMaxSize")?;
    // pkg/kubelet/logs/container_log_manager.go, parseMaxSize
    let whole = || {
        let rule = "must be a whole number of bytes, without a fraction (for example 10Mi)";
        // Since 1.19 a negative size switches rotation off.
        let is_whole = value::is_whole(size) && (reading.minor >= 19 || !size.starts_with('-'));
        is_whole
            .then_some(())
            .ok_or(format!("{rule}; got {size:?}"))
    };
    if !size.is_empty()
        && let Err(rule) = value::quantity(size).and_then(|()| whole())
    {
        reading.say_at_start(
            Id::KubeletLoggingInvalid,
            vec!["containerLogMaxSize".to_owned()],
            rule,
        );
    }
    let folder = reading.text("podLogsDir")?;
    // One that is not absolute is taken from the file's folder, and cleaned (pkg/kubelet/kubeletconfig/configfiles).
    let is_relative = !folder.starts_with('/') && folder.is_ascii();
    if reading.minor >= 30 && !is_relative && !is_clean(folder) {
        let rule = format!(
            "must be a path in ASCII, without //, . and .. or a slash at its end; got {folder:?}"
        );
        reading.say(Id::KubeletLoggingInvalid, "podLogsDir", rule);
    }
    Ok(())
}

/// As Go's `path.Clean` leaves it.
fn is_clean(path: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..");
    let below = path.strip_prefix('/');
    path.is_ascii() && below.is_some_and(|below| below.is_empty() || below.split('/').all(part))
}
