//! kubeadm-flags.env: the kubelet's flags where kubeadm keeps them. systemd reads the file for the unit, and `kubeadm upgrade
//! node` reads it and writes it again: flags that it cannot read are lost then, and nobody is told
//! (cmd/kubeadm/app/phases/kubelet/flags.go, ReadKubeletDynamicEnvFile, since 1.32).

use crate::host_files::fault::{Fault, position};
use crate::report::Id;

/// Where it is.
pub const PATH: &str = "/var/lib/kubelet/kubeadm-flags.env";

const VARIABLE: &str = "KUBELET_KUBEADM_ARGS=";
const FORM: &str = "must be one line, KUBELET_KUBEADM_ARGS=\"--flag=value …\"";

/// Reads it as kubeadm does.
pub fn read(text: &str) -> Vec<Fault> {
    let fault = |at: usize, rule: &str| {
        Fault::at(Id::SettingsFileInvalid, position(text, at), rule.to_owned())
    };
    let Some(value) = text.strip_prefix(VARIABLE) else {
        return vec![fault(0, FORM)];
    };
    let value = value.trim_end();
    if let Some(end) = value.find('\n') {
        return vec![fault(VARIABLE.len() + end + 1, FORM)];
    }
    let flags = value
        .strip_prefix('"')
        .and_then(|flags| flags.strip_suffix('"'));
    let Some(flags) = flags.filter(|_| value.len() > 1) else {
        return vec![fault(VARIABLE.len(), FORM)];
    };
    let start = VARIABLE.len() + 1;
    let words = flags.split_whitespace().map(|word| {
        let at = word.as_ptr() as usize - flags.as_ptr() as usize;
        (start + at, word)
    });
    let broken = words.filter(|(_, word)| {
        let has_value = word.strip_prefix("--").is_some_and(|flag| {
            flag.split_once('=')
                .is_some_and(|(name, _)| !name.is_empty())
        });
        !has_value || word.contains(['"', '\'', '\\'])
    });
    let rule = "kubeadm splits flags at blanks and knows no quotes, so each must be --flag=value, true and false too, and \
                without a blank in its value";
    broken.map(|(at, word)| fault(at, rule).got(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_kubeadm_would_lose_are_found_at_their_column() {
        for (text, columns) in [
            ("KUBELET_KUBEADM_ARGS=\"\"\n", &[][..]),
            ("KUBELET_KUBEADM_ARGS=\"--a=b --c=\"\n", &[]),
            ("KUBELET_KUBEADM_ARGS=\"--a=b,c=d:e\"", &[]),
            ("# mine\nKUBELET_KUBEADM_ARGS=\"\"\n", &[1]),
            ("KUBELET_EXTRA_ARGS=\"\"\n", &[1]),
            ("KUBELET_KUBEADM_ARGS=\"\"\nX=y\n", &[1]),
            ("KUBELET_KUBEADM_ARGS=--a=b\n", &[22]),
            ("KUBELET_KUBEADM_ARGS=\"\n", &[22]),
            (
                "KUBELET_KUBEADM_ARGS=\"--v 4 --a=b --tail\"\n",
                &[23, 27, 35],
            ),
            ("KUBELET_KUBEADM_ARGS=\"--a=b c\"\n", &[29]),
            ("KUBELET_KUBEADM_ARGS=\"--a='b'\"\n", &[23]),
        ] {
            let found = read(text);
            let found: Vec<usize> = found
                .iter()
                .map(|fault| fault.position.as_ref().map_or(0, |at| at.column))
                .collect();
            assert_eq!(found, columns, "{text}");
        }
    }
}
