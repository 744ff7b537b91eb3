//! `nodebake init`: a project that builds as it is, today and next month.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use time::OffsetDateTime;

use crate::cli::{Init, Token, TokenCreate, TokenFile};
use crate::error::{Exit, Result};
use crate::identity::example_ca;
use crate::lock::Lock;
use crate::schema::{Kind, text};
use crate::secrets::Keys;
use crate::signing::generate_keys;
use crate::terminal;
use crate::together::{Together, complete, is_work};
use crate::unfinished::{Unfinished, make_folders};
use crate::yaml::push_quoted;

/// How long the example CA lasts; it is to be replaced long before.
const CA_DAYS: u32 = 3650;
/// The name of the example CA.
pub const EXAMPLE_CA: &str = "nodebake-example-ca";

const CLUSTER: &str = r#"# yaml-language-server: $schema=schemas/cluster.schema.json
# The inventory: what is true of the cluster, and its nodes. `nodebake check` says what is wrong with it.
apiVersion: nodebake/v1
kind: Cluster
name: example
generation: 1                       # bump it to provision nodes anew
kubernetes: {VERSION}
apiServer:
  url: https://api.example.internal:6443
  ca: pki/ca.pem                    # an example: put your cluster's public CA certificate there
network:
  clusterDomain: cluster.local
  clusterDNS: [10.96.0.10]
  serviceCIDRs: [10.96.0.0/12]
  podCIDRs: [10.244.0.0/16]
tokens:
  ttl: 90d                          # how long a token lives
  shelfLife: 24h                    # how long a payload may lie before its node boots
  approval: review                  # client CSRs are approved by a person, not by the controller
{RECIPIENTS}profiles: [{PROFILE}]
nodes:
  - name: worker-1
    addresses: [192.168.10.11]
    labels: {topology.kubernetes.io/zone: a}
  - range: {names: "edge-[01-03]", start: 192.168.20.11, within: 192.168.20.0/24}
  - name: edge-02                   # refines a member of the range
    kubelet: {config: {maxPods: 60}}
"#;

const README: &str = r#"# A nodebake project

    nodebake check                             all findings, nothing written
    nodebake show worker-1                     one node's plan and tree
    nodebake build                             bakes every node into out/
    nodebake verify out --key keys/sign.pub    what a receiver does first
    nodebake token list                        until when the tokens are good

Before it is more than an example:

1. `pki/ca.pem` is an example CA whose key was thrown away: nothing can be signed with it. Put your cluster's public CA
   certificate there.
2. `cluster.yaml` names an API server and nodes that do not exist: write yours, then `nodebake token create`.
3. `secrets.yaml` and `keys/sign.key` are secrets, and git ignores them. Keep them in a safe place.

By the first line of `cluster.yaml` editors complete its keys, explain them and mark mistakes, without a network. A profile
names `schemas/profile.schema.json` in the same way, an `overlay.yaml` `schemas/overlay.schema.json`, each by its path from
the file's own folder. After an update of nodebake, `nodebake schema -o schemas` writes the schemas anew.

With a bundle in hand:

1. `kubectl apply -k out/cluster/rbac`, at any time, and `kubectl create -k out/cluster/tokens`, once.
2. Boot the nodes with what is in `out/nodes`.
3. `kubectl get csr -o json | nodebake csr review -`: what comes from your nodes and what does not; `--apply` acts on it.
4. `sh out/cluster/node-labels.sh`, when the nodes have joined.
"#;

const GITIGNORE: &str = ".*.nodebake-*\n/out/\n/out.trees/\n/secrets.yaml\n/secrets.yaml.lock\n/secrets.yaml.new\n/secrets.yaml.age.lock\n/secrets.yaml.age.new\n/keys/sign.key\n";

/// Where the tokens are, plain or encrypted.
const TOKENS: [&str; 2] = ["secrets.yaml", "secrets.yaml.age"];

/// Runs `init`.
pub fn run(args: &Init) -> Result<Exit> {
    let dir = &args.dir;
    let version = match args.profile.as_str() {
        "worker" => "v1.34.4",
        "by-hand" => "v1.16.6",
        other => bail!("there is no built-in profile {other}; there are worker and by-hand"),
    };
    if let Some(parent) = dir.parent().filter(|parent| *parent != Path::new("")) {
        make_folder(parent)?;
    }
    // Alone: what is made here goes again when it comes to nothing.
    let _lock = Lock::take(&dir.canonicalize().unwrap_or_else(|_| dir.clone()))?;
    let place = |name: &OsStr| dir.join(name);
    if complete(dir, &place)? {
        let said = "what an earlier run had made and not put in its place is there now";
        writeln!(terminal::stderr(), "nodebake: {said}")?;
        writeln!(terminal::stdout(), "next: nodebake build {}", dir.display())?;
        return Ok(Exit::Good);
    }
    let is_new = is_new(dir)?;
    let recipients = recipients(&args.recipients)?;
    // The folder itself goes too, where it is this run's.
    let mut unfinished = Unfinished::default();
    if is_new {
        unfinished.add(dir);
    }
    make_folder(dir)?;
    let set = Together::begin(dir)?;
    let base = set.folder();
    write_files(&base, (version, &args.profile, &recipients))?;
    let told = writeln!(
        terminal::stdout(),
        "{}: a project with one worker, three edge nodes, a signing key and tokens:",
        dir.display()
    );
    let create = TokenCreate {
        dir: base.clone(),
        nodes: Vec::new(),
        ttl: None,
        file: TokenFile::default(),
    };
    let created = crate::cmd::token::run(&Token::Create(create));
    // Whether or not anybody reads what is said: with its tokens the project is whole.
    if TOKENS.iter().any(|name| base.join(name).exists()) {
        set.finish(&place)?;
        unfinished.finish();
    }
    told?;
    let exit = created?;
    writeln!(terminal::stdout(), "next: nodebake build {}", dir.display())?;
    Ok(exit)
}

/// Whether a project's folder is not there yet; an error if it holds anything but what a run that died has left.
fn is_new(dir: &Path) -> Result<bool> {
    let reading = || format!("reading {}", dir.display());
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error).with_context(reading),
    };
    for entry in entries {
        if !is_work(&entry.with_context(reading)?.file_name()) {
            bail!("{} is not empty", dir.display());
        }
    }
    Ok(false)
}

/// Everything of a project but its tokens.
fn write_files(base: &Path, (version, profile, recipients): (&str, &str, &str)) -> Result<()> {
    for folder in ["pki", "profiles", "overlays", "schemas"] {
        make_folder(&base.join(folder))?;
    }
    let inventory = CLUSTER
        .replace("{VERSION}", version)
        .replace("{PROFILE}", profile)
        .replace("{RECIPIENTS}", recipients);
    write(&base.join("cluster.yaml"), &inventory)?;
    for kind in Kind::ALL {
        write(&base.join("schemas").join(kind.file()), &text(kind, None))?;
    }
    write(&base.join("README.md"), README)?;
    write(&base.join(".gitignore"), GITIGNORE)?;
    write(
        &base.join("pki/ca.pem"),
        &example_ca(EXAMPLE_CA, OffsetDateTime::now_utc(), CA_DAYS)?,
    )?;
    generate_keys(&base.join("keys")).map(drop)
}

/// The lines of `tokens.recipients`; nothing without recipients.
fn recipients(recipients: &[String]) -> Result<String> {
    let mut keys = Keys::default();
    let mut lines = String::new();
    for (index, recipient) in recipients.iter().enumerate() {
        if let Err(rule) = keys.add_recipient(recipient) {
            bail!("reading --recipient: the key {} {rule}", index + 1);
        }
        lines.push_str(if index == 0 {
            "  recipients:                       # who may read secrets.yaml.age\n"
        } else {
            ""
        });
        lines.push_str("    - ");
        push_quoted(&mut lines, recipient.trim());
        lines.push('\n');
    }
    Ok(lines)
}

fn make_folder(path: &Path) -> Result<()> {
    make_folders(path, 0o755).with_context(|| format!("creating {}", path.display()))
}

/// A new file, 0644 whatever the umask is.
fn write(path: &Path, text: &str) -> Result<()> {
    let writing = || format!("writing {}", path.display());
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)
        .with_context(writing)?;
    file.set_permissions(Permissions::from_mode(0o644))
        .with_context(writing)?;
    file.write_all(text.as_bytes()).with_context(writing)
}
