//! What templates see of a node's layers, as values to start from. Interfaces and the sources of assets are rendered before
//! anything is decided, so they see this much and no more.

use serde_json::json;

use crate::inventory::os::Os;
use crate::kubernetes::version::Version;
use crate::template::ScopeValue;
use crate::yaml::Located;

/// `vars`: free values; empty where there are none.
pub fn vars(vars: Option<&Located>) -> ScopeValue {
    ScopeValue::new(&vars.map_or_else(|| json!({}), Located::to_json))
}

/// `os`: the operating system.
pub fn os(os: &Os) -> ScopeValue {
    ScopeValue::new(&json!({ "name": os.name, "arch": os.arch }))
}

/// `kubelet`, as far as it is known before its configuration is.
pub(super) fn kubelet(version: &Version) -> ScopeValue {
    ScopeValue::new(&json!({ "version": version, "minor": version.minor() }))
}
