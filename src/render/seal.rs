//! Secrets that are sealed to the node's TPM. The tree has them in one credential, which everybody may read, and a link in
//! place of each secret file; a unit opens the credential at each boot and writes the files to /run, which is memory.
//! So formats have nothing to do: the tree has no secret any more.

use zeroize::Zeroizing;

use crate::model::{FieldLocation, NodePath};
use crate::plan::{NodePlan, Sealing, sealing_location};
use crate::render::NodeRendering;
use crate::render::builder::UnitSource;
use crate::render::unit_part::UnitPart;
use crate::report::Id;
use crate::seal::{CONTENT_LIMIT, seal, seal_for_size};
use crate::tree::{Content, Entry, NodeTree, Origin, Permissions, Unit, tmpfiles};
use crate::wording::counted;

/// The credential's name, which is inside it too.
const NAME: &str = "nodebake-secrets";
/// Where systemd has sealed credentials (systemd.exec(5)).
const CREDENTIAL: &str = "/etc/credstore.encrypted/nodebake-secrets";
/// Below it the files are at their own paths. Nothing is written to a disk.
const OPENED: &str = "/run/nodebake/secrets";
/// What opens the credential.
const UNIT: &str = "nodebake-secrets.service";
const UNIT_TEXT: &str = include_str!("seal/open.service");
/// What is started where it cannot be opened.
const FAILED_UNIT: &str = "nodebake-secrets-failed.service";
const FAILED_UNIT_TEXT: &str = include_str!("seal/failed.service");
const FAILED_SCRIPT: &str = "/etc/nodebake/why-not-opened";
const FAILED_SCRIPT_TEXT: &str = include_str!("seal/why.sh");
/// Lets units that read the files wait for them. They start all the same where the files could not be had: a kubelet that
/// has joined needs them no more.
const DROPIN: &str = "15-nodebake-secrets.conf";
const DROPIN_TEXT: &str = include_str!("seal/wait.conf");

/// What is read before units of ours can open anything, or must be a file itself.
const EARLY: [&str; 11] = [
    "/boot",
    "/etc/NetworkManager",
    "/etc/crypttab",
    "/etc/credstore",
    "/etc/credstore.encrypted",
    "/etc/fstab",
    "/etc/netplan",
    "/etc/systemd",
    "/etc/wpa_supplicant",
    "/usr/lib/systemd",
    "/etc/cloud",
];
/// What programs change by replacing it, which would put a file in place of the link.
const REPLACED: [&str; 4] = ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"];

/// Folders of runtimes' configurations, and the units that read them.
const RUNTIMES: [(&str, &str); 4] = [
    ("/etc/containerd/", "containerd.service"),
    ("/etc/crio/", "crio.service"),
    ("/etc/containers/", "crio.service"),
    ("/etc/docker/", "docker.service"),
];
const KUBELET: &str = "kubelet.service";

impl NodeRendering<'_> {
    /// Seals the secret files of a node whose secrets are to be sealed.
    pub(super) fn seal(&mut self, node: &NodePlan) {
        let Some(sealing) = &node.sealing else {
            return;
        };
        let secrets = secret_files(self.builder.so_far());
        if secrets.is_empty() {
            return;
        }
        let location = sealing_location(&node.class.spec);
        if !self.can_be_sealed(&secrets, &location) {
            return;
        }
        let Some(credential) = self.sealed(sealing, &secrets, &location) else {
            return;
        };
        let origin = Origin("generator sealing".into());
        let tree = self.builder.tree();
        for (path, _) in &secrets {
            tree.remove(path);
            let link = Entry::symlink(format!("{OPENED}{path}"), origin.clone());
            // There was a file in the same place.
            let placed = tree.add(path.clone(), link);
            debug_assert!(placed.is_ok(), "{placed:?}");
        }
        for (path, text, mode) in [
            (CREDENTIAL, credential.as_str(), 0o644),
            (FAILED_SCRIPT, FAILED_SCRIPT_TEXT, 0o755),
        ] {
            let entry = Entry::file(Content::bytes(text), mode, origin.clone());
            self.builder.add(path, entry, false, &location);
        }
        self.opening_units(&secrets, &origin, &location);
    }

    /// Finds secrets that no link can take the place of.
    fn can_be_sealed(&mut self, secrets: &[(NodePath, Entry)], location: &FieldLocation) -> bool {
        let mut findings = Vec::new();
        for (path, _) in secrets {
            let is_at = |folder: &str| {
                let rest = path.as_str().strip_prefix(folder);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let rule = if EARLY.iter().any(|folder| is_at(folder)) {
                format!("{path} is read before sealed secrets can be opened")
            } else if REPLACED.iter().any(|file| is_at(file)) {
                format!("{path} must be a file, and a sealed secret is a link to one")
            } else {
                continue;
            };
            let at = self.builder.entry_location(path);
            let at = at.unwrap_or_else(|| location.clone());
            let repair = "leave it out, or set output.secrets to separate for the node";
            findings.push(at.finding(Id::SealingImpossible, rule).help(repair));
        }
        let can = findings.is_empty();
        self.builder.fail(findings);
        can
    }

    /// The credential with all secrets.
    fn sealed(
        &mut self,
        sealing: &Sealing,
        secrets: &[(NodePath, Entry)],
        location: &FieldLocation,
    ) -> Option<String> {
        let lines = || {
            let lines = secrets.iter();
            lines.map(|(path, entry)| (format!("{OPENED}{path}"), entry))
        };
        let size: u64 = lines()
            .map(|(path, entry)| tmpfiles::size(&path, entry))
            .sum();
        let room = usize::try_from(size).ok();
        let Some(room) = room.filter(|size| *size <= CONTENT_LIMIT) else {
            let size = counted(size, "byte");
            let rule = format!(
                "the sealed secrets would have {size}, and systemd takes {CONTENT_LIMIT} at most"
            );
            let finding = location.finding(Id::CredentialTooLarge, rule);
            self.builder
                .fail([finding.help("seal a key in place of large files")]);
            return None;
        };
        // A size that is enough from the start: a buffer that grows would leave copies behind.
        let mut content = Zeroizing::new(Vec::with_capacity(room));
        for (path, entry) in lines() {
            if let Err(error) = tmpfiles::write(&path, entry, &mut *content) {
                let rule = format!("{path} cannot be sealed: {error:#}");
                self.builder
                    .fail([location.finding(Id::SealingImpossible, rule)]);
                return None;
            }
        }
        let (seed, key) = (&sealing.seed, &sealing.key);
        let text = if self.renderer.is_for_check {
            seal_for_size(seed, key, NAME, &content)
        } else {
            seal(seed, key, NAME, &content).map(|sealed| sealed.text)
        };
        let text = text.map_err(|rule| location.finding(Id::CredentialTooLarge, rule));
        self.builder.take(text)
    }

    /// The unit that opens the credential, the one that says why it could not, and who waits for it.
    fn opening_units(
        &mut self,
        secrets: &[(NodePath, Entry)],
        origin: &Origin,
        location: &FieldLocation,
    ) {
        let waiting = waiting(self.builder.so_far(), secrets);
        let mut texts = vec![
            (UNIT.to_owned(), None, UNIT_TEXT),
            (FAILED_UNIT.to_owned(), None, FAILED_UNIT_TEXT),
        ];
        let dropins = waiting.into_iter();
        texts.extend(dropins.map(|unit| (unit, Some(DROPIN.to_owned()), DROPIN_TEXT)));
        for (unit, dropin, text) in texts {
            let source = UnitSource {
                part: UnitPart { unit, dropin },
                content: Content::bytes(text),
                origin: origin.clone(),
                permissions: Permissions::default(),
                location: location.clone(),
            };
            self.builder.unit_text(source, false, location);
        }
        let unit = self.builder.tree().unit_mut(UNIT);
        unit.enabled = Some(true);
        unit.origin = Some(origin.clone());
    }
}

/// The folder below which a node has its secrets once they are opened; None for a tree without sealed ones.
pub fn opened_secrets(tree: &NodeTree) -> Option<&'static str> {
    tree.get(CREDENTIAL).map(|_| OPENED)
}

fn secret_files(tree: &NodeTree) -> Vec<(NodePath, Entry)> {
    let secret = tree.entries().iter();
    secret
        .filter(|(_, entry)| entry.is_secret_file())
        .map(|(path, entry)| (path.clone(), entry.clone()))
        .collect()
}

/// The services that read one of the files: the kubelet, a runtime whose configuration is secret, and each one whose text
/// names one.
fn waiting(tree: &NodeTree, secrets: &[(NodePath, Entry)]) -> Vec<String> {
    let mut waiting = vec![KUBELET.to_owned()];
    for (folder, unit) in RUNTIMES {
        let mut paths = secrets.iter();
        if paths.any(|(path, _)| path.as_str().starts_with(folder)) {
            waiting.push(unit.to_owned());
        }
    }
    // In a unit `%` begins a specifier, and `%%` is the sign itself.
    let in_units = secrets
        .iter()
        .map(|(path, _)| path.as_str().replace('%', "%%"));
    let in_units: Vec<String> = in_units.collect();
    let names_one = |unit: &Unit| {
        let texts = unit.text.iter().chain(unit.dropins.values());
        let mut texts = texts.filter_map(|(content, _)| match content {
            Content::Blob(blob) => std::str::from_utf8(blob.bytes()).ok(),
            Content::Asset(_) => None,
        });
        texts.any(|text| in_units.iter().any(|path| text.contains(path)))
    };
    let services = tree.units().iter();
    let services = services.filter(|(name, unit)| name.ends_with(".service") && !unit.masked);
    waiting.extend(
        services
            .filter(|(_, unit)| names_one(unit))
            .map(|(name, _)| name.clone()),
    );
    waiting.sort();
    waiting.dedup();
    waiting
}
