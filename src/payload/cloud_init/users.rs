//! `users`: who may log in. `default` stays the first, or cloud-init would leave the image's own user unmade, to whom
//! a cloud gives its keys.

use std::fmt::Write as _;

use crate::model::User;
use crate::yaml::push_quoted;

/// The `users:` lines; empty where the inventory has no users.
pub fn lines(users: &[User]) -> String {
    if users.is_empty() {
        return String::new();
    }
    let mut out = "users:\n- default\n".to_owned();
    for user in users {
        push_user(&mut out, user);
    }
    out
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
