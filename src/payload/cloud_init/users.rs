//! `users`: who may log in. `default` stays the first, or cloud-init would leave the image's own user unmade, to whom
//! a cloud gives its keys.

use std::fmt::Write as _;

use crate::model::User;
use crate::payload::NodeFacts;
use crate::yaml::push_quoted;

/// The `users:` lines, with passwords or without; empty where the inventory has no users.
pub fn lines(facts: &NodeFacts, has_secrets: bool) -> String {
    if facts.users.is_empty() {
        return String::new();
    }
    let mut out = "users:\n- default\n".to_owned();
    for user in facts.users.iter() {
        push_user(&mut out, user);
        if let Some(hash) = facts.password_of(&user.name).filter(|_| has_secrets) {
            push_password(&mut out, hash);
        }
    }
    out
}

/// The passwords alone: cloud-init puts users of one name together (distros/ug_util.py, `_normalize_users`).
pub fn passwords(facts: &NodeFacts) -> String {
    let mut out = String::new();
    for password in facts.passwords.iter() {
        out.push_str(if out.is_empty() {
            "users:\n- name: "
        } else {
            "- name: "
        });
        push_quoted(&mut out, &password.user);
        out.push('\n');
        push_password(&mut out, password.hash.expose());
    }
    out
}

/// It counts for a user that is there already, too. cloud-init locks every password unless it is told otherwise.
fn push_password(out: &mut String, hash: &str) {
    out.push_str("  hashed_passwd: ");
    push_quoted(out, hash);
    out.push_str("\n  lock_passwd: false\n");
}

fn push_user(out: &mut String, user: &User) {
    out.push_str("- name: ");
    push_quoted(out, &user.name);
    out.push('\n');
    let mut field = |key: &str, value: &Option<String>| {
        if let Some(value) = value {
            let _ = write!(out, "  {key}: ");
            push_quoted(out, value);
            out.push('\n');
        }
    };
    field("shell", &user.shell);
    field("homedir", &user.home);
    if let Some(uid) = user.uid {
        let _ = writeln!(out, "  uid: {uid}");
    }
    if user.system {
        out.push_str("  system: true\n");
    }
    for (key, values) in [
        ("groups", &user.groups),
        ("ssh_authorized_keys", &user.ssh_keys),
    ] {
        if values.is_empty() {
            continue;
        }
        let _ = writeln!(out, "  {key}:");
        for value in values {
            out.push_str("  - ");
            push_quoted(out, value);
            out.push('\n');
        }
    }
}
