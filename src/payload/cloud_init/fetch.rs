//! Commands that bring what user-data leaves out: a tarball of the rest, and assets from a server or a CD. All commands
//! of a node are one script, which ends where this fails: a node must not start a kubelet with half of its files.

use crate::model::output::{Assets, Format};
use crate::model::{NodePath, Sha256Digest, hex};
use crate::payload::assets::{apart, url_of};
use crate::payload::cloud_init::command::Command;
use crate::payload::cloud_init::early::early_mode;
use crate::payload::{AssetArchive, Job};
use crate::tree::{Content, Entry};
use crate::wording::shell_quoted;

/// `get URL FILE`. `--retry-connrefused`: the server may come up with the nodes.
const GET: &str = "nodebake_get() { curl -fsSL --retry 12 --retry-delay 5 --retry-connrefused -o \"$2\" \"$1\" || wget -qO \"$2\" \"$1\"; }";

/// `put DIGEST MODE PATH COMMAND…`: the command makes a file of the name that is added to it, which takes its place
/// only when it is the one that was meant. What is there already is left alone, so that a second run costs nothing.
const PUT: &str = "nodebake_put() { d=$1 m=$2 p=$3; shift 3; [ -f \"$p\" ] && [ \"$(sha256sum <\"$p\")\" = \"$d  -\" ] || \
    { mkdir -p -- \"${p%/*}\" && [ ! -d \"$p\" ] && \"$@\" \"$p.nodebake-new\" && [ \"$(sha256sum <\"$p.nodebake-new\")\" = \"$d  -\" ] && \
    mv -f -- \"$p.nodebake-new\" \"$p\"; } && chmod \"$m\" -- \"$p\" || \
    { rm -f -- \"$p.nodebake-new\"; [ -z \"${nodebake_cd-}\" ] || umount \"$nodebake_cd\"; echo \"nodebake: not fetched: $p\" >&2; exit 1; }; }";

/// The functions that the commands of a job need, each once: a body and assets may both be fetched.
pub fn functions(job: &Job<'_>, has_body: bool) -> Vec<Command> {
    let has_assets = apart(job, Format::CloudInit).next().is_some();
    let (get, put) = match job.settings.assets(Format::CloudInit) {
        Assets::Url => (has_assets, has_assets),
        Assets::Iso => (false, has_assets),
        Assets::Inside | Assets::Shared => (false, false),
    };
    let get = (get || has_body).then_some(GET);
    let put = put.then_some(PUT);
    let all = get.into_iter().chain(put);
    all.map(|line| Command::Shell(line.to_owned())).collect()
}

/// Fetches a tarball, makes sure that it is the one that was meant, and unpacks it.
pub fn body(url: &str, digest: &Sha256Digest) -> Command {
    let url = shell_quoted(url);
    let digest = hex(digest);
    Command::Shell(format!(
        "f=$(mktemp) && nodebake_get {url} \"$f\" && \
         echo \"{digest}  $f\" | sha256sum -c - && tar -C / -xpzf \"$f\" || \
         {{ rm -f \"$f\"; echo nodebake: not fetched: {url} >&2; exit 1; }}; rm -f \"$f\""
    ))
}

/// Brings the assets of a job that are not in its user-data.
pub fn assets(job: &Job<'_>) -> Vec<Command> {
    let settings = job.settings;
    let files: Vec<_> = apart(job, Format::CloudInit).collect();
    if files.is_empty() {
        return Vec::new();
    }
    match (settings.assets(Format::CloudInit), &settings.assets_url) {
        (Assets::Url, Some(url)) => {
            let of =
                |content: &Content| format!("nodebake_get {}", shell_quoted(&url_of(url, content)));
            files.iter().map(|file| put(*file, &of(file.2))).collect()
        }
        (Assets::Iso, _) => from_cd(job, &files),
        _ => Vec::new(),
    }
}

/// From the CD of the asset archive, whatever drive it is in.
fn from_cd(job: &Job<'_>, files: &[(&NodePath, &Entry, &Content)]) -> Vec<Command> {
    let Some(label) = AssetArchive::of(job.tree).map(|archive| archive.label()) else {
        return Vec::new();
    };
    let of = |content: &Content| {
        let digest = hex(&content.sha256());
        format!("cp -- \"$nodebake_cd/{digest}\"")
    };
    let mount = format!(
        "nodebake_cd=$(mktemp -d) && mount -t iso9660 -o ro /dev/disk/by-label/{label} \"$nodebake_cd\" || \
         {{ echo nodebake: not there: the CD {label} >&2; exit 1; }}"
    );
    let leave = "umount \"$nodebake_cd\" && rmdir \"$nodebake_cd\"; nodebake_cd=";
    let mut commands = vec![Command::Shell(mount)];
    commands.extend(files.iter().map(|file| put(*file, &of(file.2))));
    commands.push(Command::Shell(leave.to_owned()));
    commands
}

fn put((path, entry, content): (&NodePath, &Entry, &Content), how: &str) -> Command {
    let digest = hex(&content.sha256());
    let path = shell_quoted(path.as_str());
    Command::Shell(format!(
        "nodebake_put {digest} {:04o} {path} {how}",
        early_mode(entry)
    ))
}
