//! One bootstrap token: what it is made of, and how it is created.

use anyhow::anyhow;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::model::Location;
use crate::secrets::Secret;

/// The characters of ids and secrets (k8s.io/cluster-bootstrap `token/api`).
const SYMBOLS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// Length of an id in characters.
const ID_LENGTH: usize = 6;
/// Length of a secret in characters.
const SECRET_LENGTH: usize = 16;

/// A bootstrap token. Only the id may be shown: the API server itself logs it as `system:bootstrap:ID`.
#[derive(Clone, Debug)]
pub struct Token {
    /// Six characters of a-z and 0-9, unique in the cluster.
    pub id: String,
    /// Sixteen characters of a-z and 0-9.
    pub secret: Secret,
    /// The how-manieth token of its node this is, from 1.
    pub epoch: u32,
    /// When it was created; UTC, whole seconds.
    pub created: OffsetDateTime,
    /// When the API server stops taking it; UTC, whole seconds.
    pub expires: OffsetDateTime,
    /// Free text; may be empty.
    pub description: String,
    /// Set when another token took its place: its Secret stays among the manifests and ends then, before `expires`.
    pub until: Option<OffsetDateTime>,
    /// When it was revoked: it makes no payload and no Secret any more, but its id still says whose it was.
    pub revoked: Option<OffsetDateTime>,
    /// Where it is written; `None` for one that was just created.
    pub location: Option<Location>,
}

impl Token {
    /// `ID.SECRET`, as a kubeconfig and `kubeadm join` want it.
    pub fn bearer(&self) -> Secret {
        // Sized beforehand: a growing string would leave a copy behind that is never wiped.
        let mut text = String::with_capacity(self.id.len() + 1 + self.secret.expose().len());
        text.push_str(&self.id);
        text.push('.');
        text.push_str(self.secret.expose());
        text.into()
    }

    /// What may be shown of `ID.SECRET`.
    pub fn hidden(&self) -> String {
        format!("{}.<hidden>", self.id)
    }

    /// Whether the API server takes the token at a time.
    pub fn is_valid(&self, at: OffsetDateTime) -> bool {
        at < self.ends() && self.revoked.is_none()
    }

    /// The end of its Secret.
    pub fn ends(&self) -> OffsetDateTime {
        self.until
            .map_or(self.expires, |until| until.min(self.expires))
    }
}

/// Whether a text is a token's id.
pub fn is_id(text: &str) -> bool {
    is_drawn_from_symbols(text, ID_LENGTH)
}

/// Whether a text is a token's secret.
pub fn is_secret(text: &str) -> bool {
    is_drawn_from_symbols(text, SECRET_LENGTH)
}

fn is_drawn_from_symbols(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| SYMBOLS.contains(&byte))
}

/// A new id, which may already be taken.
pub(super) fn draw_id() -> Result<String> {
    let mut fill = operating_system;
    Ok(draw(ID_LENGTH, &mut fill)?.to_string())
}

/// A new secret.
pub(super) fn draw_secret() -> Result<Secret> {
    let mut fill = operating_system;
    Ok(draw(SECRET_LENGTH, &mut fill)?.as_str().into())
}

fn operating_system(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| anyhow!("reading the system's randomness: {error}"))
}

/// Draws symbols with equal chances. 36 does not divide 256, so the 4 highest bytes are drawn again rather than
/// folded, which would favour the first symbols.
fn draw(length: usize, fill: &mut dyn FnMut(&mut [u8]) -> Result<()>) -> Result<Zeroizing<String>> {
    const FAIR: u8 = (256 / SYMBOLS.len() * SYMBOLS.len()) as u8;
    let mut text = Zeroizing::new(String::with_capacity(length));
    let mut bytes = Zeroizing::new([0; 2 * SECRET_LENGTH]);
    while text.len() < length {
        fill(bytes.as_mut_slice())?;
        let missing = length - text.len();
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        for byte in fair.take(missing) {
            text.push(SYMBOLS[usize::from(*byte) % SYMBOLS.len()] as char);
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_secrets_have_the_form_that_kubernetes_asks_for() {
        for _ in 0..100 {
            assert!(is_id(&draw_id().unwrap()));
            assert!(is_secret(draw_secret().unwrap().expose()));
        }
        for text in ["abcde", "abcdefg", "ABCDEF", "abc-ef", "äbcde", ""] {
            assert!(!is_id(text), "{text}");
        }
        assert!(!is_secret("0123456789abcde") && !is_secret("0123456789abcdeF"));
    }

    #[test]
    fn every_symbol_has_the_same_chance() {
        // All 256 bytes in turn: each symbol must come exactly 7 times, and the 4 bytes over must be dropped.
        let mut next = 0_u8;
        let mut fill = |bytes: &mut [u8]| {
            for byte in bytes {
                *byte = next;
                next = next.wrapping_add(1);
            }
            Ok(())
        };
        let text = draw(252, &mut fill).unwrap();
        for symbol in SYMBOLS {
            assert_eq!(text.bytes().filter(|byte| byte == symbol).count(), 7);
        }
        assert!(text.ends_with("xyz"));
    }

    #[test]
    fn no_randomness_is_an_error() {
        let error = draw(6, &mut |_| Err(anyhow!("no entropy"))).unwrap_err();
        assert_eq!(error.to_string(), "no entropy");
    }

    #[test]
    fn a_token_shows_only_its_id() {
        let token = Token {
            id: "abcdef".into(),
            secret: "0123456789abcdef".into(),
            epoch: 1,
            created: OffsetDateTime::UNIX_EPOCH,
            expires: OffsetDateTime::UNIX_EPOCH,
            description: String::new(),
            until: None,
            revoked: None,
            location: None,
        };
        assert!(!format!("{token:?} {:#?} {}", token.bearer(), token.hidden()).contains("0123"));
        assert_eq!(token.bearer().expose(), "abcdef.0123456789abcdef");
    }
}
