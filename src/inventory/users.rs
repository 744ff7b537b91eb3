//! `users`: who may log in, by name. A password has no place in an inventory: its hash is in a file of the project.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{keys, texts};
use crate::inventory::text::{ProjectFile, checked};
use crate::model::{NodePath, Spanned, User};
use crate::report::Id;

/// The longest name that useradd takes.
const LONGEST_NAME: usize = 32;

/// What a public key may begin with (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").
const KEY_TYPES: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// What may precede a command (sudoers(5), "Tag_Spec").
const TAGS: [&str; 16] = [
    "EXEC",
    "NOEXEC",
    "FOLLOW",
    "NOFOLLOW",
    "INTERCEPT",
    "NOINTERCEPT",
    "LOG_INPUT",
    "NOLOG_INPUT",
    "LOG_OUTPUT",
    "NOLOG_OUTPUT",
    "MAIL",
    "NOMAIL",
    "PASSWD",
    "NOPASSWD",
    "SETENV",
    "NOSETENV",
];

keys! {
    for User: "user", by name: Account, as User = home_for_keys {
        /// its number; without it the system chooses
        "uid" => uid: Option<u32>,
        /// further groups, which the image has
        "groups" => groups: Vec<Account>,
        /// the login shell
        "shell" => shell: Option<NodePathText>,
        /// the home folder
        "home" => home: Option<NodePathText>,
        /// whether it is a system user, without a home
        "system" => system: bool = false,
        /// what sudo allows it: a rule of sudoers(5) without the name
        "sudo" => sudo: Option<SudoRule>,
        /// public keys that may log in
        "sshKeys" => ssh_keys: Vec<SshKey>,
        /// a file of the project that holds the hash of its password, as `openssl passwd -6` prints it
        "passwordHashFile" => password_hash: Option<Spanned<ProjectFile>>,
    }
}

texts! {
    /// A user or group of the machine.
    Account or NameInvalid: String = account, r"^[a-z_][a-z0-9_-]{0,31}$", ["core"];
    /// A path on the node, as text.
    NodePathText or PathInvalid: String = node_path, r"^/.", ["/usr"];
    /// What sudo allows a user.
    SudoRule or UserInvalid: String = sudo_rule, r"^[^=]+=.+$", ["ALL=(ALL) NOPASSWD:ALL"];
    /// A public key of SSH.
    SshKey or SshKeyInvalid: String = ssh_key, "",
        ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEIt/gB17M99Oy+25s8Mpip2flkQFa4hZghPaHHp6gG me"];
}

fn home_for_keys(user: User, at: &Cursor<'_>) -> Option<User> {
    if user.system && !user.ssh_keys.is_empty() {
        at.report(
            Id::UserInvalid,
            "a system user gets no home, so there is no place for sshKeys",
        );
        return None;
    }
    Some(user)
}

fn node_path(text: &str) -> Result<String, &'static str> {
    NodePath::parse(text).map(|path| path.to_string())
}

/// Hosts, `=` and commands, in one line: the user specification of sudoers(5) after its list of users. A file that sudo
/// cannot parse switches that file off, so what is no rule for certain is refused.
fn sudo_rule(rule: &str) -> Result<String, String> {
    let rule = rule.trim();
    let (hosts, commands) = rule.split_once('=').unwrap_or((rule, ""));
    let of_hosts = |c: char| c.is_ascii_alphanumeric() || ".:/!-_%+".contains(c);
    let is_one_line = !rule.contains(|c: char| c.is_control() || "#\"\\".contains(c));
    let mut hosts = hosts.split(',').map(str::trim);
    let has_hosts = hosts.all(|host| !host.is_empty() && host.chars().all(of_hosts));
    let good = is_one_line && has_hosts && are_commands(commands);
    checked(rule, good, || {
        format!(
            "must be a rule of sudoers without the user's name (for example \"ALL=(ALL) NOPASSWD:ALL\"); got {rule:?}"
        )
    })
}

/// Commands with the users that they run as and their tags: `(ALL) NOPASSWD: /usr/bin/journalctl, /usr/bin/ctr`.
fn are_commands(mut rest: &str) -> bool {
    loop {
        rest = rest.trim_start();
        if let Some(users) = rest.strip_prefix('(') {
            let of_users = |c: char| c.is_ascii_alphanumeric() || " ,:%-_!+.".contains(c);
            match users.split_once(')') {
                Some((users, after)) if users.chars().all(of_users) => rest = after.trim_start(),
                _ => return false,
            }
        }
        while let Some((_, after)) = rest
            .split_once(':')
            .filter(|(tag, _)| TAGS.contains(&tag.trim()))
        {
            rest = after.trim_start();
        }
        let (command, after) = match rest.split_once(',') {
            Some((command, after)) => (command, Some(after)),
            None => (rest, None),
        };
        let command = command.trim_start_matches(['!', ' ']).trim_end();
        let is_alias = command.starts_with(|c: char| c.is_ascii_uppercase())
            && command
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let is_path = command.starts_with('/') && !command.contains([':', '=', '(', ')']);
        if !(is_alias || is_path) {
            return false;
        }
        match after {
            Some(after) => rest = after,
            None => return true,
        }
    }
}

/// The name of a user or group, as every useradd takes it.
fn account(name: &str) -> Result<String, String> {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    let good = begins && name.len() <= LONGEST_NAME && name.chars().all(fits);
    checked(name, good, || {
        format!(
            "must be the name of a user or group: at most {LONGEST_NAME} of a-z, 0-9, _ and -, not beginning with a digit or -; got {name:?}"
        )
    })
}

/// A line of `authorized_keys`: options, if there are any, then type, key and comment. The error holds nothing of the
/// text: somebody may have pasted the wrong half of a pair.
fn ssh_key(line: &str) -> Result<String, &'static str> {
    let line = line.trim();
    if line.contains("PRIVATE KEY") {
        return Err("is a private key: it must not leave its owner, give the public one");
    }
    if line.contains(|c: char| c.is_control()) {
        return Err("must be one line");
    }
    if line.starts_with(['/', '~', '.']) || line.ends_with(".pub") {
        return Err("is the path of a file: give the key that is in it");
    }
    if is_public_key(line) || after_options(line).is_some_and(is_public_key) {
        Ok(line.to_owned())
    } else {
        Err("must be an SSH public key (for example \"ssh-ed25519 AAAA… comment\")")
    }
}

/// Type, then the key in base64, which is a list of strings with their lengths, the first of them the type again
/// (RFC 4253, 6.6).
fn is_public_key(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let (Some(kind), Some(key)) = (words.next(), words.next()) else {
        return false;
    };
    let Ok(bytes) = STANDARD.decode(key) else {
        return false;
    };
    let mut rest = &bytes[..];
    let mut strings = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Some((string, after)) = usize::try_from(u32::from_be_bytes(*length))
            .ok()
            .and_then(|length| after.split_at_checked(length))
        else {
            return false;
        };
        strings.push(string);
        rest = after;
    }
    let says_its_type = strings.first() == Some(&kind.as_bytes());
    KEY_TYPES.contains(&kind) && says_its_type && strings.len() > 1 && rest.is_empty()
}

/// What follows the options, which end at the first blank outside quotes.
fn after_options(line: &str) -> Option<&str> {
    let mut quoted = false;
    let end = line.find(|c: char| {
        quoted ^= c == '"';
        !quoted && (c == ' ' || c == '\t')
    })?;
    Some(line[end..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `ssh-keygen -t ed25519`; nobody has the other half.
    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEIt/gB17M99Oy+25s8Mpip2flkQFa4hZghPaHHp6gG";

    #[test]
    fn keys_are_public_ones() {
        for good in [
            KEY.to_owned(),
            format!(" {KEY} me@example.com\n"),
            format!("restrict,command=\"echo a b\" {KEY}"),
        ] {
            assert_eq!(ssh_key(&good).as_deref(), Ok(good.trim()));
        }
        for (bad, part) in [
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
            ("ssh-ed25519", "an SSH public key"),
            ("ssh-ed25519 AAAA", "an SSH public key"),
            (&KEY.replacen("ed25519", "rsa", 1), "an SSH public key"),
            (&KEY[..40], "an SSH public key"),
            (&format!("{KEY}\n{KEY}"), "one line"),
        ] {
            assert!(ssh_key(bad).expect_err(bad).contains(part), "{bad}");
        }
    }

    #[test]
    fn rules_of_sudo_have_hosts_and_commands() {
        for good in [
            "ALL=(ALL) NOPASSWD:ALL",
            "ALL=(ALL:ALL) NOPASSWD: ALL",
            " ALL = NOPASSWD: SETENV: /usr/bin/journalctl -u kubelet, (root) !/usr/bin/su ",
            "node-1,node-2=KUBE_TOOLS",
        ] {
            assert_eq!(sudo_rule(good).as_deref(), Ok(good.trim()));
        }
        for bad in [
            "",
            "ALL",
            "ALL=",
            "true",
            "NOPASSWD:ALL",
            "ops ALL=(ALL) NOPASSWD",
            "ALL=(ALL NOPASSWD:ALL",
            "ALL=(ALL) NOPASSWORD:ALL",
            "ALL=(ALL) journalctl",
            "ALL=ALL,",
            "ALL=ALL # all",
            "ALL=ALL\nroot ALL=ALL",
            "ALL=ALL \\",
        ] {
            assert!(sudo_rule(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_what_useradd_takes() {
        for good in ["core", "_apt", "a-1", &"a".repeat(32)] {
            assert!(account(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "-a", "Core", "a b", "a:b", &"a".repeat(33)] {
            assert!(account(bad).is_err(), "{bad}");
        }
    }
}
