//! What a kubelet refuses only when it starts: good and bad cases of each rule, by minor. That kubelets say the same is asked
//! of kubelets in the suite.

mod managers;
mod together;
mod words;

use super::*;
use crate::kubernetes::effective::{Effective, Layers};

/// `path: rule` of each broken rule; a flag's path begins with two dashes.
fn broken(minor: u32, config: &Json, flags: &[(&str, &str)]) -> Vec<String> {
    let is_template = |text: &str| text.contains("{{");
    let layers = Layers {
        file: config,
        drop_ins: None,
        flags,
        minor,
    };
    let effective = Effective::combine(&layers, is_template);
    let settings = Settings {
        config: &effective.config,
        flags,
        minor,
    };
    let broken = check(&settings, is_template).broken;
    let said = broken.iter().map(|one| match one.flag {
        Some(flag) => format!("--{flag}: {}", one.message),
        None => format!("{}: {}", one.path.join("/"), one.message),
    });
    said.collect()
}

/// Minor, configuration, flags, and the start of each rule that is broken.
type Case<'c> = (u32, Json, &'c [(&'c str, &'c str)], &'c [&'c str]);

fn checked(cases: &[Case<'_>]) {
    for (minor, config, flags, expected) in cases {
        let said = broken(*minor, config, flags);
        let about = format!("1.{minor} {config} {flags:?}: {said:?}");
        assert_eq!(said.len(), expected.len(), "{about}");
        for (said, expected) in said.iter().zip(*expected) {
            assert!(said.starts_with(expected), "{about}");
        }
    }
}
