//! The hash of a user's password: a secret, for whoever has it can look for the password.

use crate::secrets::Secret;

/// A user and the hash of its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserHash {
    /// The user's name.
    pub user: String,
    /// The hash as crypt(5) has it.
    pub hash: Secret,
}

/// What characters of salts and hashes are in crypt(5).
fn is_of_crypt(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '/';
    !text.is_empty() && text.chars().all(fits)
}

/// Whether a text has the form of a hash of crypt(5): yescrypt, gost-yescrypt, scrypt, bcrypt, SHA-512, SHA-256 or MD5. The old
/// form without a `$` is not among them: a password would be taken for it.
pub fn is_user_hash(text: &str) -> bool {
    let Some((kind, rest)) = text.strip_prefix('$').and_then(|text| text.split_once('$')) else {
        return false;
    };
    let hash = |text: &str, length: usize| text.len() == length && is_of_crypt(text);
    match kind {
        "y" | "gy" => {
            let parts: Vec<&str> = rest.split('$').collect();
            let [options, salt, digest] = parts[..] else {
                return false;
            };
            is_of_crypt(options)
                && salt.len() <= 86
                && (salt.is_empty() || is_of_crypt(salt))
                && hash(digest, 43)
        }
        "7" => rest.split_once('$').is_some_and(|(salt, digest)| {
            (11..=97).contains(&salt.len()) && is_of_crypt(salt) && hash(digest, 43)
        }),
        "2a" | "2b" | "2x" | "2y" => rest.split_once('$').is_some_and(|(cost, digest)| {
            cost.len() == 2 && cost.chars().all(|c| c.is_ascii_digit()) && hash(digest, 53)
        }),
        "5" => salted(rest, true, 16).is_some_and(|digest| hash(digest, 43)),
        "6" => salted(rest, true, 16).is_some_and(|digest| hash(digest, 86)),
        "1" => salted(rest, false, 8).is_some_and(|digest| hash(digest, 22)),
        _ => false,
    }
}

/// What follows the rounds, where there may be any, and the salt.
fn salted(rest: &str, has_rounds: bool, longest: usize) -> Option<&str> {
    let rest = match rest.strip_prefix("rounds=").filter(|_| has_rounds) {
        Some(rounds) => {
            let (number, rest) = rounds.split_once('$')?;
            let is_number = number.chars().all(|c| c.is_ascii_digit());
            if number.is_empty() || number.starts_with('0') || !is_number {
                return None;
            }
            rest
        }
        None => rest,
    };
    let (salt, digest) = rest.split_once('$')?;
    let fits = |c: char| c.is_ascii_graphic() && c != ':';
    ((1..=longest).contains(&salt.len()) && salt.chars().all(fits)).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl passwd`, `mkpasswd` and Python's crypt, of the word "hunter2" or like it.
    #[test]
    fn hashes_are_known_by_their_form() {
        let of = |start: &str, length: usize| format!("{start}{}", "a".repeat(length));
        for good in [
            of("$6$saltsalt$", 86),
            of("$6$rounds=5000$saltsalt$", 86),
            of("$5$s$", 43),
            of("$5$rounds=10000$s!t-$", 43),
            of("$1$saltsalt$", 22),
            of("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$", 43),
            of("$gy$j9T$F5Jx5fExrKuPp53xLKQ..1$", 43),
            of("$7$CU..../....abcdefgh$", 43),
            of("$2b$12$", 53),
            of("$2y$05$", 53),
        ] {
            assert!(is_user_hash(&good), "{good}");
        }
        for bad in [
            String::new(),
            "hunter2".to_owned(),
            "$6$".to_owned(),
            // The old form, which a password of 13 letters has too.
            "aaJfMKNH1hTm2".to_owned(),
            "!".to_owned(),
            "*".to_owned(),
            of("$6$saltsalt$", 85),
            of("$6$saltsalt$", 87),
            of("$6$$", 86),
            of("$6$rounds=0$saltsalt$", 86),
            of("$6$rounds=$saltsalt$", 86),
            of("$6$salt:alt$", 86),
            of("$6$seventeenletters7$", 86),
            of("$5$s$", 86),
            of("$2b$1$", 53),
            of("$9$x$", 43),
            of("!$6$saltsalt$", 86),
            of("$6$saltsalt$", 86) + "\n",
        ] {
            assert!(!is_user_hash(&bad), "{bad}");
        }
    }
}
