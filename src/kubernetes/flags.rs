//! The values of a kubelet's flags: by the kind that the table has, and by the rules that the kubelet adds when it
//! starts.

use std::net::IpAddr;

use crate::kubernetes::kubelet_config::{FieldAnswer, Schema};

/// The minor from which `--node-ip` takes an address of each family (KEP-563).
const DUAL_STACK: u32 = 20;

/// Checks a flag's value for one minor; the error is the rule. A name that the minor does not have is not looked at.
pub fn check_flag(name: &str, text: &str, minor: u32) -> Result<(), String> {
    let FieldAnswer::Found(kind) = Schema::load().flag(name, minor) else {
        return Ok(());
    };
    kind.check_flag(text)?;
    match name {
        "node-ip" => node_ip(text, minor),
        _ => Ok(()),
    }
}

/// One address, or an IPv4 and an IPv6 one: with anything else the kubelet ends at once
/// (`nodeutil.ParseNodeIPArgument` and its callers).
fn node_ip(text: &str, minor: u32) -> Result<(), String> {
    let mut addresses = Vec::new();
    for part in text.split(',') {
        let address: Result<IpAddr, _> = part.trim().parse();
        addresses.push(address.map_err(|_| format!("must be an IP address; got {part:?}"))?);
    }
    match addresses.as_slice() {
        [_] => Ok(()),
        [one, other] if one.is_ipv4() != other.is_ipv4() && minor >= DUAL_STACK => Ok(()),
        _ if minor < DUAL_STACK => Err(format!(
            "--node-ip of a 1.{minor} kubelet is one address, not {text}"
        )),
        _ => Err(format!(
            "--node-ip is one address, or an IPv4 and an IPv6 one, not {text}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_one_address_of_each_family_at_most() {
        for (text, minor, good) in [
            ("10.0.0.1", 16, true),
            ("10.0.0.1,fd00::1", 16, false),
            ("10.0.0.1,fd00::1", 34, true),
            ("fd00::1,10.0.0.1", 34, true),
            ("10.0.0.1,10.0.0.2", 34, false),
            ("10.0.0.1,fd00::1,fd00::2", 34, false),
            ("10.0.0", 34, false),
        ] {
            let checked = check_flag("node-ip", text, minor);
            assert_eq!(checked.is_ok(), good, "{text} in 1.{minor}: {checked:?}");
        }
    }

    #[test]
    fn values_fit_the_kind_of_their_flag() {
        assert!(check_flag("v", "4", 34).is_ok());
        assert!(check_flag("v", "much", 34).is_err());
        assert!(check_flag("image-pull-progress-deadline", "15m", 16).is_ok());
        assert!(check_flag("image-pull-progress-deadline", "15", 16).is_err());
    }
}
