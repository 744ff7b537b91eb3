//! The commands that bring a cluster in step when tokens end before their time.

use crate::secrets::Ended;
use crate::timing::rfc3339;

/// Names on one command line; the kernel takes some 2 MiB, people less.
const NAMES_A_LINE: usize = 50;

/// What makes a cluster that has the Secrets agree with the tokens' file. Ids are six of a-z and 0-9, so nothing is quoted.
pub fn commands_for_ended(ended: &[Ended]) -> Vec<String> {
    const KUBECTL: &str = "kubectl --namespace kube-system";
    let secret = |ended: &Ended| format!("bootstrap-token-{}", ended.id);
    let deleted: Vec<String> = ended.iter().filter(|e| e.delete).map(secret).collect();
    let mut commands: Vec<String> = deleted
        .chunks(NAMES_A_LINE)
        .map(|names| {
            let names = names.join(" ");
            format!("{KUBECTL} delete secret --ignore-not-found {names}")
        })
        .collect();
    commands.extend(ended.iter().filter(|ended| !ended.delete).map(|ended| {
        let until = rfc3339(ended.ends).unwrap_or_default();
        let patch = format!(r#"{{"stringData":{{"expiration":"{until}"}}}}"#);
        format!("{KUBECTL} patch secret {} --patch '{patch}'", secret(ended))
    }));
    commands
}
