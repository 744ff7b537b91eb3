//! Logins to registries, read from the project's files: tables for containerd's configuration. They are secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::compile::class::Compiler;
use crate::compile::class::runtime::toml_value;
use crate::compile::registries::{host_of, server};
use crate::error::Result;
use crate::inventory::{Login, Spec};
use crate::model::{FieldLocation, Spanned};
use crate::report::Id;
use crate::tree::Content;

/// A login to one server.
pub struct RegistryLogin {
    /// The server, with its port where it has one.
    pub host: String,
    /// The keys of its table in containerd's configuration, as TOML.
    pub keys: Zeroizing<String>,
    /// Where it was asked for.
    pub location: FieldLocation,
}

impl Compiler<'_> {
    /// The logins of all registries and mirrors; containerd has one for each host.
    pub(super) fn logins(&mut self, spec: &Spec) -> Result<Vec<RegistryLogin>> {
        let mut logins: Vec<RegistryLogin> = Vec::new();
        for registry in &spec.registries {
            let own = server(registry).map(|server| (server, &registry.access));
            let mirrors = registry.mirrors.iter();
            let mirrors = mirrors.map(|mirror| (mirror.url.clone(), &mirror.access));
            for (url, access) in own.into_iter().chain(mirrors) {
                let Some(login) = &access.login else {
                    continue;
                };
                let Some(keys) = self.login_keys(&login.value)? else {
                    continue;
                };
                let host = host_of(&url).to_owned();
                match logins.iter().find(|known| known.host == host) {
                    Some(known) if known.keys == keys => {}
                    Some(_) => {
                        let rule = format!("containerd has one login for a host; {host} has two");
                        let finding = login.location.finding(Id::FieldsExclusive, rule);
                        self.report
                            .add(finding.help("write the same login at both"));
                    }
                    None => logins.push(RegistryLogin {
                        host,
                        keys,
                        location: login.location.clone(),
                    }),
                }
            }
        }
        Ok(logins)
    }

    fn login_keys(&mut self, login: &Login) -> Result<Option<Zeroizing<String>>> {
        let mut keys = Zeroizing::new(String::new());
        if let Some(username) = &login.username {
            keys.push_str(&format!(
                "username = {}\n",
                toml_value(&username.as_str().into())
            ));
        }
        if let Some(source) = &login.password {
            let Some(password) = self.secret_line(source, Id::RegistryLoginInvalid)? else {
                return Ok(None);
            };
            let value = Zeroizing::new(toml_value(&password.as_str().into()));
            keys.push_str("password = ");
            keys.push_str(&value);
            keys.push('\n');
        }
        if let Some(source) = &login.auth {
            let Some(auth) = self.secret_line(source, Id::RegistryLoginInvalid)? else {
                return Ok(None);
            };
            // containerd decodes it when it pulls (internal/cri/server/images/image_pull.go, ParseAuth).
            let decoded = STANDARD.decode(auth.as_bytes()).map(Zeroizing::new);
            if !decoded.is_ok_and(|decoded| decoded.contains(&b':')) {
                let rule = "must be NAME:PASSWORD in base64";
                self.refuse_text(source, rule, Id::RegistryLoginInvalid);
                return Ok(None);
            }
            keys.push_str(&format!("auth = \"{}\"\n", auth.as_str()));
        }
        Ok(Some(keys))
    }

    /// The one line of a file, without its end; what is none has this finding.
    pub(super) fn secret_line(
        &mut self,
        source: &Spanned<String>,
        id: Id,
    ) -> Result<Option<Zeroizing<String>>> {
        let Some(Content::Blob(blob)) = self.source(source, Some(true))? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(blob.bytes()).unwrap_or_default();
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() || line.contains(char::is_control) {
            self.refuse_text(source, "must be one line of text", id);
            return Ok(None);
        }
        Ok(Some(Zeroizing::new(line.to_owned())))
    }

    /// Says nothing of what is in the file.
    pub(super) fn refuse_text(&mut self, source: &Spanned<String>, rule: &str, id: Id) {
        let rule = format!("the text of {} {rule}", source.value);
        self.report.add(source.location.finding(id, rule));
    }
}
