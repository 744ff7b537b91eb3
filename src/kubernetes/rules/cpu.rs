//! CPUs for the static policy of the CPU manager.

use crate::kubernetes::rules::reading::{ConfigReader, Known, Unknown};
use crate::kubernetes::value;
use crate::report::Id;

/// The static policy needs CPUs that no pod gets for itself. Source: pkg/kubelet/cm/cpumanager/cpu_manager.go, NewManager; and
/// cmd/kubelet/app/server.go, run: `reservedSystemCPUs` take the place of both reservations (1.17).
pub fn reservation(reading: &ConfigReader<'_>) -> Known<()> {
    if reading.text("cpuManagerPolicy")? != "static" || reading.is_off("CPUManager") {
        return Ok(());
    }
    if !reading.text("reservedSystemCPUs")?.is_empty() {
        return Ok(());
    }
    let mut sum = 0;
    for path in ["systemReserved", "kubeReserved"] {
        if let Some(amount) = reading.entry(path, "cpu")? {
            sum += value::exact(amount).ok_or(Unknown)?;
        }
    }
    if sum <= 0 {
        let rule = "static needs CPUs that are reserved from pods, and cpu of systemReserved and kubeReserved is zero";
        let repair = if reading.minor < 17 {
            "set cpu in kubeReserved, for example 500m"
        } else {
            "set cpu in kubeReserved (for example 500m), or reservedSystemCPUs"
        };
        reading.refuse(
            Id::KubeletReservedInvalid,
            &["cpuManagerPolicy"],
            rule,
            repair,
        );
    }
    Ok(())
}
