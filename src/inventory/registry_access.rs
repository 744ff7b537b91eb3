//! How nodes speak to a server of images: a login, a client certificate, headers. What is secret is a file of the project.

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{Shaped, keys, texts};
use crate::inventory::kinds::{MapOf, OneOrMore, Pair};
use crate::inventory::shape::Shape;
use crate::inventory::text::{PemFile, ProjectFile, checked};
use crate::model::Spanned;
use crate::report::Id;

keys! {
    /// How a server of images is spoken to.
    #[derive(Clone, Debug, Default)]
    pub struct Access: "registryAccess" {
        /// who pulls images there
        "login" => login: Option<Spanned<Login>>,
        /// the certificate that nodes show there
        "client" => client: Option<ClientCertificate>,
        /// headers of every request, which everybody on the node can read
        "headers" => headers: MapOf<Pair<HeaderName, OneOrMore<HeaderValue>>>,
        /// whether its certificate is not checked
        "skipVerify" => skip_verify: Unverified = false,
    }

    /// Who pulls images.
    #[derive(Clone, Debug)]
    pub struct Login: "registryLogin", as Login = login {
        /// the name
        "username" => username: Option<Username>,
        /// a file of the project that holds the password
        "passwordFile" => password: Option<Spanned<ProjectFile>>,
        /// a file of the project that holds both, as base64 of NAME:PASSWORD
        "authFile" => auth: Option<Spanned<ProjectFile>>,
    }

    /// A certificate that nodes show to a registry.
    #[derive(Clone, Debug)]
    pub struct ClientCertificate: "registryClient" {
        /// the certificate, a file of the project
        "certificate" => certificate: Spanned<PemFile>,
        /// its private key, a file of the project
        "keyFile" => key: Spanned<ProjectFile>,
    }
}

texts! {
    /// The name of a header.
    HeaderName or NameInvalid: String = header_name, r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", ["X-Site"];
    /// The value of a header.
    HeaderValue or NameInvalid: String = header_value, r"^[^\x00-\x08\x0a-\x1f\x7f]*$", ["rack-1"];
    /// A name at a registry.
    Username or NameInvalid: String = username, "^[^:]+$", ["robot"];
}

/// Whether the certificate of a server is not checked, which is worth a warning.
pub enum Unverified {}

impl Shaped for Unverified {
    type Value = bool;
    const SHAPE: Shape = Shape::Bool;

    fn read(at: &Cursor<'_>) -> Option<bool> {
        let is_unverified = at.bool()?;
        if is_unverified {
            let finding = at.location().finding(
                Id::RegistryUnverified,
                "images would come from whoever answers",
            );
            at.add(finding.help("name the CA of the server in `ca`"));
        }
        Some(is_unverified)
    }
}

fn login(login: Login, at: &Cursor<'_>) -> Option<Login> {
    let has_both = at.has("username") && at.has("passwordFile");
    let has_one = at.has("username") || at.has("passwordFile");
    if has_one == at.has("authFile") || has_one != has_both {
        at.report(
            Id::FieldsExclusive,
            "needs username and passwordFile, or authFile alone",
        );
        return None;
    }
    Some(login)
}

/// Source: RFC 9110, section 5.6.2. A login in a header would be readable by everybody on the node.
fn header_name(text: &str) -> Result<String, String> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if ["authorization", "proxy-authorization", "cookie"].contains(&&*text.to_lowercase()) {
        return Err(format!(
            "must hold no secret, because everybody on the node can read it: use `login`; got {text:?}"
        ));
    }
    checked(text, !text.is_empty() && text.chars().all(is_token), || {
        format!("must be the name of a header; got {text:?}")
    })
}

/// Without the value itself in the rule: it may be a secret by mistake.
fn header_value(text: &str) -> Result<String, String> {
    let fits = |c: char| c == '\t' || !c.is_control();
    checked(text, text.chars().all(fits), || {
        "must be one line without control characters".to_owned()
    })
}

/// Source: RFC 7617, section 2: the name ends at the first colon.
fn username(text: &str) -> Result<String, String> {
    let fits = |c: char| c != ':' && !c.is_control();
    checked(text, !text.is_empty() && text.chars().all(fits), || {
        format!("must be a name without a colon; got {text:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_those_of_http_and_hold_no_login() {
        for good in ["X-Site", "x_y", "Accept"] {
            assert!(header_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a:", "Authorization", "COOKIE", "é"] {
            assert!(header_name(bad).is_err(), "{bad}");
        }
        assert!(header_value("a\tb é").is_ok());
        let rule = header_value("hunter2\r\nX: y").expect_err("two lines");
        assert!(!rule.contains("hunter2"), "{rule}");
        assert!(username("robot$ci+pull").is_ok() && username("a:b").is_err());
    }
}
