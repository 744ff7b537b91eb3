//! The servers of `time` and the overlays that read them.

use std::sync::Arc;

use serde_json::json;

use crate::compile::class::Compiler;
use crate::compile::overlay::Overlay;
use crate::inventory::{OverlayUse, Spec};
use crate::model::FieldLocation;
use crate::report::Id;
use crate::template::ScopeValue;

/// The overlays, one for each program.
const CHRONY: &str = "chrony";
const TIMESYNCD: &str = "timesyncd";

/// The servers, as templates see them.
pub(super) fn time_scope(spec: &Spec) -> ScopeValue {
    let time = &spec.time;
    let all: Vec<&String> = time.all().collect();
    ScopeValue::new(&json!({
        "servers": time.servers,
        "pools": time.pools,
        "all": all,
        "nts": time.nts,
    }))
}

impl Compiler<'_> {
    /// Finds a program without servers, and two programs that would both set the clock.
    pub(super) fn time(&mut self, spec: &Spec, overlays: &[(Arc<Overlay>, bool)]) {
        // A project's own overlay of that name asks whatever it asks.
        let is_built_in = |name: &str| {
            let mut overlays = overlays.iter().flat_map(|(overlay, _)| &overlay.entries);
            let start = format!("built-in:overlays/{name}/");
            overlays.any(|entry| entry.location.file.starts_with(&start))
        };
        let used = |name: &str| {
            let mut all = spec.overlays.iter();
            all.find(|used| used.name.value == name && is_built_in(name))
        };
        let (chrony, timesyncd) = (used(CHRONY), used(TIMESYNCD));
        if let (Some(_), Some(second)) = (chrony, timesyncd) {
            let rule = "chrony and systemd-timesyncd would both set the clock";
            let finding = second.name.location.finding(Id::FieldsExclusive, rule);
            self.report.add(finding.help("leave one of the two out"));
        }
        let is_empty = spec.time.all().next().is_none();
        if let Some(first) = chrony.or(timesyncd).filter(|_| is_empty) {
            let rule = format!("the overlay {} has no server to ask", first.name.value);
            let finding = first.name.location.finding(Id::TimeServersMissing, rule);
            self.report
                .add(finding.help("list servers in time.servers or time.pools"));
        }
        if let Some(timesyncd) = timesyncd.filter(|_| spec.time.nts) {
            self.no_nts(timesyncd, spec);
        }
    }

    fn no_nts(&mut self, used: &OverlayUse, spec: &Spec) {
        let nts = spec.merged.get("time").and_then(|time| time.get("nts"));
        let location = nts.map_or_else(
            || used.name.location.clone(),
            |nts| FieldLocation::new(nts.location.clone(), "time.nts"),
        );
        let rule = "systemd-timesyncd knows no NTS, so it would ask without";
        let finding = location.finding(Id::FieldsExclusive, rule);
        self.report
            .add(finding.help("use the overlay `chrony`, or set nts to false"));
    }

    /// Finds servers that no overlay and no template of the project reads.
    pub(super) fn unread_time(&mut self, spec: &Spec) {
        let mut keys = ["servers", "pools", "all"].iter();
        let is_read = keys.any(|key| self.templates.reads("time", key));
        if spec.time.all().next().is_none() || is_read {
            return;
        }
        let Some(time) = spec.merged.get("time") else {
            return;
        };
        let location = FieldLocation::new(time.location.clone(), "time");
        let rule = "nothing reads these servers: no overlay and no template asks for them";
        let finding = location.finding(Id::TimeServersUnused, rule);
        self.report
            .add(finding.help("add the overlay `chrony` or `timesyncd`"));
    }
}
