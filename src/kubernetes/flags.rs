//! The values of a kubelet's flags: by the kind that the table has, or by that of the field which the flag sets.

use crate::kubernetes::flag_value;
use crate::kubernetes::kubelet_config::{FieldAnswer, FieldKind, Schema};

/// Flags whose text the kubelet reads as an address although its field is any text. Source:
/// cmd/kubelet/app/options/options.go, AddKubeletConfigFlags, IPVar.
const ADDRESSES: [&str; 2] = ["address", "healthz-bind-address"];

/// Checks a flag's value for one minor; the error is the rule. A name that the minor does not have is not looked at.
pub fn check_flag(name: &str, text: &str, minor: u32) -> Result<(), String> {
    let FieldAnswer::Found(kind) = Schema::load().flag(name, minor) else {
        return Ok(());
    };
    kind.check_flag(text)?;
    if ADDRESSES.contains(&name) && text.parse::<std::net::IpAddr>().is_err() {
        return Err(format!("must be an IP address; got {text:?}"));
    }
    // It was a flag before it was a field.
    if name == "register-with-taints" {
        return flag_value::taints(text).map(|_| ());
    }
    match field_kind(name, minor) {
        Some(kind @ FieldKind::Enum(_)) => kind.check_text(text, minor),
        Some(kind) => flag_value::parse(name, text, kind).map(|_| ()),
        None => Ok(()),
    }
}

/// The kind of the field that a flag sets.
fn field_kind(name: &str, minor: u32) -> Option<&'static FieldKind> {
    let schema = Schema::load();
    match schema.path(schema.field_of(name, minor)?, minor) {
        FieldAnswer::Found(kind) => Some(kind),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_the_kind_of_their_flag() {
        assert!(check_flag("v", "4", 34).is_ok());
        assert!(check_flag("v", "much", 34).is_err());
        assert!(check_flag("image-pull-progress-deadline", "15m", 16).is_ok());
        assert!(check_flag("image-pull-progress-deadline", "15", 16).is_err());
        // The table has text for these; their fields are a map, a list and an address.
        assert!(check_flag("kube-reserved", "cpu=1,memory=1Gi", 34).is_ok());
        assert!(check_flag("kube-reserved", "cpu", 34).is_err());
        for minor in [16, 34] {
            assert!(check_flag("register-with-taints", "a=b:NoSchedule", minor).is_ok());
            assert!(check_flag("register-with-taints", "a=b", minor).is_err());
            assert!(check_flag("register-with-taints", "a=b:Never", minor).is_err());
        }
        assert!(check_flag("address", "node", 34).is_err());
    }
}
