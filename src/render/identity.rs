//! The certificates that a node brings, and the kubeconfigs of other clients.

use serde_json::Value as Json;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::compile::class::{AuthTemplate, KubeconfigTemplate};
use crate::identity::Auth;
use crate::plan::NodePlan;
use crate::render::NodeRendering;
use crate::render::entries::origin;
use crate::render::facts::Flags;
use crate::tree::{Content, Entry, Origin};

/// Where a kubelet keeps certificates if no flag says otherwise (kubernetes `cmd/kubelet/app/options`).
const CERT_DIR: &str = "/var/lib/kubelet/pki";

impl<'o> NodeRendering<'o> {
    /// The kubelet's own certificates, where it brings any.
    pub(super) fn credentials(
        &mut self,
        node: &NodePlan,
        paths: &serde_json::Map<String, Json>,
        flags: &Flags,
    ) {
        self.client_certificate(node, flags);
        if let Some(credential) = &node.credentials.serving {
            let origin = || Origin("generator serving-certificate".into());
            let certificates = Content::bytes(credential.certificates.as_str());
            let entry = Entry::file(certificates, 0o644, origin());
            self.generate("servingCertificate", paths, entry);
            let key = Content::bytes(credential.key.expose());
            self.generate("servingKey", paths, Entry::secret_file(key, origin()));
        }
    }

    /// As the kubelet's own store has it (client-go `util/certificate`): a dated file, and a link to it that a rotation
    /// turns to the next one. The kubeconfig names the link, so that a rotated certificate survives a restart.
    fn client_certificate(&mut self, node: &NodePlan, flags: &Flags) {
        let Some(credential) = &node.credentials.client else {
            return;
        };
        let text = |name: &str| flags.get(name).and_then(Json::as_str);
        // A kubelet without the flag has its finding.
        let Some(kubeconfig) = text("kubeconfig").map(str::to_owned) else {
            return;
        };
        let folder = text("cert-dir").unwrap_or(CERT_DIR).trim_end_matches('/');
        let dated = format!(
            "{folder}/kubelet-client-{}.pem",
            stamp(credential.not_before)
        );
        let current = format!("{folder}/kubelet-client-current.pem");
        let spec = &node.class.spec;
        let location = spec.identity.client.location.clone();
        let origin = || Origin("generator client-certificate".into());
        let pair = Content::bytes(credential.to_pem().as_slice());
        let file = self
            .renderer
            .kubelet
            .render(&Auth::CertificateFile(&current));
        let entries = [
            (dated.clone(), Entry::secret_file(pair, origin())),
            (current, Entry::symlink(dated, origin())),
            (
                kubeconfig,
                Entry::file(Content::bytes(file), 0o600, origin()),
            ),
        ];
        for (path, entry) in entries {
            self.builder.add(&path, entry, false, &location);
        }
    }

    /// Kubeconfigs of other clients.
    pub(super) fn kubeconfigs(&mut self, node: &NodePlan) {
        for piece in &self.class.kubeconfigs {
            self.kubeconfig(piece, node);
        }
    }

    fn kubeconfig(&mut self, piece: &'o KubeconfigTemplate, node: &NodePlan) {
        let Some(path) = self.render(&piece.path) else {
            return;
        };
        let file = match &piece.auth {
            AuthTemplate::TokenFile(token) => {
                let Some(token) = self.render(token) else {
                    return;
                };
                let file = piece.head.render(&Auth::TokenFile(&token));
                self.token_files.push(token.into_owned());
                (file, false)
            }
            AuthTemplate::User(user) => {
                let mut users = node.credentials.users.iter();
                // One that could not be read has its finding.
                let Some((_, credential)) = users.find(|(known, _)| known == user) else {
                    return;
                };
                let auth = Auth::Embedded {
                    certificates: &credential.certificates,
                    key: credential.key.expose(),
                };
                (piece.head.render(&auth), true)
            }
        };
        let (bytes, secret) = file;
        let entry = Entry {
            user: piece.attributes.user.clone(),
            group: piece.attributes.group.clone(),
            secret,
            ..Entry::file(
                Content::bytes(bytes),
                piece.attributes.mode.unwrap_or(0o600),
                origin(&piece.path.location),
            )
        };
        self.builder
            .add(&path, entry, piece.attributes.replace, &piece.path.location);
    }
}

/// The kubelet's own stamp. It writes local time; the build knows no time zone, so this is UTC.
fn stamp(at: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day]-[hour]-[minute]-[second]");
    at.format(&form).unwrap_or_default()
}
