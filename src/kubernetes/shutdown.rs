//! How long a kubelet holds up the machine's shutdown (pkg/kubelet/nodeshutdown, periodRequested).

use std::time::Duration;

use serde_json::Value as Json;

use crate::kubernetes::value::duration;

const PERIOD: &str = "shutdownGracePeriod";
const BY_PRIORITY: &str = "shutdownGracePeriodByPodPriority";

/// The time that logind must give to the kubelet of a rendered configuration, and the field that asks for it. Periods by
/// priority come one after the other, and take the place of the one period.
pub fn needed(config: &Json) -> (Duration, &'static str) {
    let period = config.get(PERIOD).and_then(Json::as_str);
    let period = period.and_then(|text| duration(text).ok());
    let periods = config.get(BY_PRIORITY).and_then(Json::as_array);
    let seconds = periods.into_iter().flatten().filter_map(|one| {
        let seconds = one.get("shutdownGracePeriodSeconds")?;
        seconds.as_u64().or_else(|| seconds.as_str()?.parse().ok())
    });
    let all = seconds.fold(0, u64::saturating_add);
    match (period.unwrap_or_default(), Duration::from_secs(all)) {
        (one, by_priority) if by_priority > one => (by_priority, BY_PRIORITY),
        (one, _) => (one, PERIOD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_by_priority_are_added() {
        for (config, seconds, field) in [
            (serde_json::json!({}), 0, PERIOD),
            (serde_json::json!({"shutdownGracePeriod": "0s"}), 0, PERIOD),
            (
                serde_json::json!({"shutdownGracePeriod": "1m30s"}),
                90,
                PERIOD,
            ),
            (
                serde_json::json!({"shutdownGracePeriodByPodPriority": [
                    {"priority": 0, "shutdownGracePeriodSeconds": 30},
                    {"priority": 1000, "shutdownGracePeriodSeconds": 60},
                ]}),
                90,
                BY_PRIORITY,
            ),
        ] {
            assert_eq!(
                needed(&config),
                (Duration::from_secs(seconds), field),
                "{config}"
            );
        }
    }
}
