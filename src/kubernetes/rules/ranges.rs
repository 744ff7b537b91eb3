//! Numbers between two others. A field that is absent has its default, which is good; so has a zero in the fields
//! where upstream takes zero for "not set".

use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::report::Id;

/// A field's range, from the minor on in which the kubelet began to look.
struct Range {
    path: &'static str,
    least: i64,
    most: i64,
    since: u32,
    /// In minors before, the kubelet fails when it starts what the number is for.
    at_start_before: bool,
}

const NO_END: i64 = i64::MAX;

const fn range(path: &'static str, least: i64, most: i64) -> Range {
    since(path, least, most, 16)
}

const fn since(path: &'static str, least: i64, most: i64, since: u32) -> Range {
    Range {
        path,
        least,
        most,
        since,
        at_start_before: false,
    }
}

const RANGES: [Range; 24] = [
    range("nodeLeaseDurationSeconds", 0, NO_END),
    range("eventBurst", 0, NO_END),
    range("eventRecordQPS", 0, NO_END),
    range("port", 0, 65535),
    range("readOnlyPort", 0, 65535),
    range("healthzPort", 0, 65535),
    range("imageGCHighThresholdPercent", 0, 100),
    range("imageGCLowThresholdPercent", 0, 100),
    range("iptablesDropBit", 0, 31),
    range("iptablesMasqueradeBit", 0, 31),
    range("kubeAPIBurst", 0, NO_END),
    range("kubeAPIQPS", 0, NO_END),
    range("maxOpenFiles", 0, NO_END),
    range("maxPods", 0, NO_END),
    range("oomScoreAdj", -1000, 1000),
    range("podsPerCore", 0, NO_END),
    range("registryBurst", 0, NO_END),
    range("registryPullQPS", 0, NO_END),
    since("nodeStatusMaxImages", -1, NO_END, 19),
    since("maxParallelImagePulls", 1, NO_END, 27),
    since("containerLogMaxWorkers", 1, NO_END, 30),
    // The log manager refused fewer before that (NewContainerLogManager).
    Range {
        at_start_before: true,
        ..since("containerLogMaxFiles", 2, NO_END, 33)
    },
    since("tracing.samplingRatePerMillion", 0, 1_000_000, 25),
    since("logging.verbosity", 0, i32::MAX as i64, 23),
];

/// All fields with a range.
pub fn fields(reading: &ConfigReader<'_>) -> Known<()> {
    for range in &RANGES {
        // A template in one field leaves the others to be checked.
        let Ok(Some(number)) = reading.int(range.path) else {
            continue;
        };
        if (range.least..=range.most).contains(&number) {
            continue;
        }
        let rule = match range.most {
            NO_END => format!("must be {} or more; got {number}", range.least),
            most => format!("must be between {} and {most}; got {number}", range.least),
        };
        if reading.minor >= range.since {
            reading.say(Id::KubeletFieldRange, range.path, rule);
        } else if range.at_start_before {
            reading.say_at_start(
                Id::KubeletFieldRange,
                range.path.split('.').map(str::to_owned).collect(),
                rule,
            );
        }
    }
    Ok(())
}
