//! Hashes of users' passwords, read from the project's files. They are secret.

use std::sync::Arc;

use crate::compile::class::Compiler;
use crate::error::Result;
use crate::inventory::Spec;
use crate::report::Id;
use crate::secrets::{UserHash, is_user_hash};

impl Compiler<'_> {
    /// The hashes of all users that have one.
    pub(super) fn passwords(&mut self, spec: &Spec) -> Result<Arc<[UserHash]>> {
        let mut hashes = Vec::new();
        for user in spec.users.iter() {
            let Some(source) = &user.password_hash else {
                continue;
            };
            let Some(text) = self.secret_line(source, Id::UserPasswordInvalid)? else {
                continue;
            };
            if is_user_hash(&text) {
                hashes.push(UserHash {
                    user: user.name.clone(),
                    hash: text.as_str().into(),
                });
                continue;
            }
            // Nothing of what is in the file.
            let rule = format!(
                "the text of {} must be the hash of a password as crypt(5) has it ($6$…, $y$… and others)",
                source.value
            );
            let finding = source.location.finding(Id::UserPasswordInvalid, rule);
            self.report.add(finding.help(format!(
                "write it by `openssl passwd -6 > {}`",
                source.value
            )));
        }
        Ok(hashes.into())
    }
}
