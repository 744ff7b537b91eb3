//! What the control plane of a lab needs beside its CA: the files that kubeadm would make, under kubeadm's names, so
//! that its folder can be copied to `/etc/kubernetes/pki`. etcd's own certificates are left to whoever runs etcd.

use std::net::IpAddr;
use std::time::Duration;

use time::OffsetDateTime;

use crate::error::Result;
use crate::identity::authority::{Authority, Leaf, Purpose};
use crate::identity::kubeconfig::{Auth, Kubeconfig};
use crate::identity::private_key::PrivateKey;
use crate::secrets::Secret;

/// What the certificates are made from.
#[derive(Clone, Debug)]
pub struct ControlPlane<'a> {
    /// The cluster's name, in kubeconfigs.
    pub cluster: &'a str,
    /// The API server's URL.
    pub url: &'a str,
    /// The API server's DNS names, beside those that every cluster has.
    pub names: Vec<String>,
    /// The API server's addresses.
    pub addresses: Vec<IpAddr>,
    /// Who the API server is when it calls a kubelet.
    pub kubelet_client_user: &'a str,
    /// When they are made.
    pub now: OffsetDateTime,
    /// How long certificates are valid.
    pub lifetime: Duration,
    /// How long the front proxy's CA is valid.
    pub ca_lifetime: Duration,
}

/// A file of the control plane: its name, and its text.
pub type NamedFile = (&'static str, FileText);

/// What a file says, and whether it is a secret.
#[derive(Debug)]
pub enum FileText {
    /// For everybody's eyes.
    Public(String),
    /// For its owner's eyes only.
    Secret(Secret),
}

impl ControlPlane<'_> {
    /// All files. Kubeconfigs are as kubeadm has them: who may do everything, and the two controllers.
    pub fn files(&self, ca: &Authority) -> Result<Vec<NamedFile>> {
        let proxy_ca = Authority::generate("front-proxy-ca", self.now, self.ca_lifetime)?;
        let accounts = PrivateKey::generate()?;
        let mut files = vec![
            ("ca.crt", FileText::Public(ca.pem())),
            ("front-proxy-ca.crt", FileText::Public(proxy_ca.pem())),
            (
                "front-proxy-ca.key",
                FileText::Secret(proxy_ca.key().to_pem()),
            ),
            ("sa.key", FileText::Secret(accounts.to_pem())),
            ("sa.pub", FileText::Public(accounts.public_pem())),
        ];
        let server = Leaf {
            names: self.names.clone(),
            addresses: self.addresses.clone(),
            ..leaf("kube-apiserver", None, Purpose::Serving)
        };
        let kubelets = leaf(self.kubelet_client_user, None, Purpose::Client);
        let proxy = leaf("front-proxy-client", None, Purpose::Client);
        for (names, signer, leaf) in [
            (["apiserver.crt", "apiserver.key"], ca, server),
            (
                [
                    "apiserver-kubelet-client.crt",
                    "apiserver-kubelet-client.key",
                ],
                ca,
                kubelets,
            ),
            (
                ["front-proxy-client.crt", "front-proxy-client.key"],
                &proxy_ca,
                proxy,
            ),
        ] {
            let issued = signer.issue(&leaf, self.now, self.lifetime)?;
            files.push((names[0], FileText::Public(issued.certificates)));
            files.push((names[1], FileText::Secret(issued.key.to_pem())));
        }
        for (name, user, group) in [
            ("admin.conf", "kubernetes-admin", Some("system:masters")),
            (
                "controller-manager.conf",
                "system:kube-controller-manager",
                None,
            ),
            ("scheduler.conf", "system:kube-scheduler", None),
        ] {
            files.push((name, FileText::Secret(self.kubeconfig(ca, user, group)?)));
        }
        Ok(files)
    }

    fn kubeconfig(&self, ca: &Authority, user: &str, group: Option<&str>) -> Result<Secret> {
        let issued = ca.issue(&leaf(user, group, Purpose::Client), self.now, self.lifetime)?;
        let key = issued.key.to_pem();
        let auth = Auth::Embedded {
            certificates: &issued.certificates,
            key: key.expose(),
        };
        let file = Kubeconfig::new(self.cluster, self.url, ca.pem().as_bytes(), user).render(&auth);
        Ok(Secret::from(String::from_utf8(file)?))
    }
}

fn leaf(user: &str, group: Option<&str>, purpose: Purpose) -> Leaf {
    Leaf {
        common_name: user.to_owned(),
        organization: group.map(str::to_owned),
        purpose,
        names: Vec::new(),
        addresses: Vec::new(),
    }
}
