//! Network boot: scripts that lead each machine, by its MAC address, to a kernel, a base initrd and the node's
//! initramfs payload. In: a node's settings and where its initramfs payload is served. Out: the texts of iPXE, GRUB and
//! pxelinux.
//!
//! Everything below `boot/` of a bundle may be read by anybody. What holds a secret stays in the node's folder, and
//! comes over https or not by the network at all.

mod loader;
mod script;

use crate::model::output::{Format, KernelArgument, Mode, Pxe, Settings};
use crate::payload::{Job, Objection};
use crate::report::Id;
use crate::wording::counted;

pub use script::{Boot, BootEntry, entry, script, script_path};

/// The folder of a bundle that a boot server serves.
pub const FOLDER: &str = "boot";
/// Kernels and base initrds of the project, each under its path in the project.
pub const BASE_FOLDER: &str = "boot/base";

/// `COMMAND_LINE_SIZE` of x86-64 and arm64 is 2048, the final NUL included; what is longer is cut off without a word.
const LONGEST_LINE: usize = 2047;

/// Arguments by which installers and Ignition itself fetch a configuration (coreos-installer, `docs/getting-started.md`;
/// coreos/ignition, `docs/supported-platforms.md`).
const CONFIG_ARGUMENTS: [&str; 2] = ["coreos.inst.ignition_url", "ignition.config.url"];

/// What of a job cannot be booted over the network as its settings say.
pub fn check(job: &Job<'_>) -> Vec<Objection> {
    let Some(pxe) = &job.settings.pxe else {
        return Vec::new();
    };
    let mode = booted_mode(job.settings);
    // `--format` may have left the payloads out of this build.
    if mode.is_none() && !installs(job.settings) {
        return Vec::new();
    }
    let secrets = match mode {
        Some(mode) => secret_ways(job, pxe, mode),
        None => installer_secrets(job, pxe),
    };
    let mut objections: Vec<Objection> = secrets.into_iter().collect();
    objections.extend(words(job, pxe));
    objections
}

/// How machines boot the initramfs payload; None where they have none.
pub fn booted_mode(settings: &Settings) -> Option<Mode> {
    let has_one = settings.formats.contains(&Format::Initramfs);
    has_one.then_some(settings.initramfs.mode)
}

/// Whether machines boot an installer that fetches the Ignition payload and writes a disk, as coreos-installer does.
pub fn installs(settings: &Settings) -> bool {
    let formats = &settings.formats;
    formats.contains(&Format::Ignition) && !formats.contains(&Format::Initramfs)
}

/// The kernel's command line: what the mode needs, what the image wants, what the user adds. An installer gets the
/// user's alone: Ignition sets the image's on the disk.
pub fn arguments(
    pxe: &Pxe,
    mode: Option<Mode>,
    image: &[KernelArgument],
    node: &str,
) -> Vec<String> {
    let of_mode = mode.iter().flat_map(|mode| mode.kernel_arguments());
    let of_mode = of_mode.map(|word| (*word).to_owned());
    let of_image = image
        .iter()
        .filter(|argument| argument.wanted && mode.is_some());
    let own = pxe.arguments.iter().map(|word| of_node(word, node));
    of_mode
        .chain(of_image.map(|argument| argument.text.clone()))
        .chain(own)
        .collect()
}

/// A text of the settings for one node.
pub fn of_node(text: &str, node: &str) -> String {
    text.replace("{node}", node)
}

/// Secrets come by https, or by no network: nothing else is safe, and nothing at all would leave the node without its
/// token.
fn secret_ways(job: &Job<'_>, pxe: &Pxe, mode: Mode) -> Option<Objection> {
    let (settings, live) = (job.settings, mode == Mode::CoreosLive);
    // A live system reads one configuration; with its secrets kept apart Ignition fetches them.
    let fetched = live && settings.secrets.apart(Format::Ignition);
    let has_secrets = if live {
        job.has_secrets()
    } else {
        job.tree.has_secrets()
    };
    if !has_secrets || fetched || pxe.secrets_url.is_some() {
        return None;
    }
    let whole = live || !settings.secrets.apart(Format::Initramfs);
    let rule = match (whole, pxe.secrets_elsewhere) {
        (false, true) => return None,
        (false, false) => {
            "the node's secrets reach it by no way: set secretsURL to an https:// URL of initramfs.secrets.cpio, or secrets to \
             elsewhere where a credential or the machine's own disk brings them"
        }
        (true, _) => {
            "the initramfs payload itself holds the node's secrets, so it may be fetched by https only: set secretsURL, or \
             output.secrets to separate"
        }
    };
    Some(Objection::new(Id::SecretsUnreachable, "initramfs", rule).asked_by("output.pxe"))
}

/// An Ignition payload with secrets in it is fetched by https.
fn installer_secrets(job: &Job<'_>, pxe: &Pxe) -> Option<Objection> {
    if !job.has_secrets() || job.settings.secrets.apart(Format::Ignition) {
        return None;
    }
    let is_clear = |word: &&String| {
        word.split_once('=').is_some_and(|(key, url)| {
            CONFIG_ARGUMENTS.contains(&key) && !url.starts_with("https://")
        })
    };
    let word = pxe.arguments.iter().find(is_clear)?;
    let rule = "must be an https:// URL: the Ignition payload holds the node's secrets";
    Some(Objection::new(Id::SecretsUnreachable, word, rule).asked_by("output.pxe.arguments"))
}

/// Words that a loader's syntax cannot say, or that contradict one another.
fn words(job: &Job<'_>, pxe: &Pxe) -> Vec<Objection> {
    let mode = booted_mode(job.settings);
    let image = &job.facts.kernel_arguments;
    let all = arguments(pxe, mode, image, &job.facts.name);
    let mut objections = Vec::new();
    for word in &all {
        let own = pxe
            .arguments
            .iter()
            .any(|own| of_node(own, &job.facts.name) == *word);
        let field = if own {
            "output.pxe.arguments"
        } else {
            "os.kernelArguments"
        };
        let mut object = |rule: String| {
            objections.push(Objection::new(Id::KernelArgumentInvalid, word, rule).asked_by(field))
        };
        for loader in &pxe.loaders {
            if let Some(rule) = loader.value.cannot_say(word) {
                object(rule.to_owned());
            }
        }
        if word.starts_with("initrd=") {
            object("the initrds are named by the scripts themselves".to_owned());
        }
        if image
            .iter()
            .any(|unwanted| !unwanted.wanted && unwanted.text == *word)
        {
            object("os.kernelArguments says that it must not be there".to_owned());
        }
    }
    // pxelinux adds the URLs of kernel and initrds, and so they count.
    let sources = pxe.initrds.iter().chain([&pxe.kernel]);
    let urls: usize = sources
        .map(|source| source.url(&pxe.url, &job.facts.name).len() + 8)
        .sum();
    let overlays = 3 * (pxe.url.len() + job.facts.name.len() + 48);
    let length = all.iter().map(|word| word.len() + 1).sum::<usize>() + urls + overlays;
    if length > LONGEST_LINE {
        let rule = format!(
            "the kernel's command line would have up to {}, and it takes {LONGEST_LINE}",
            counted(length, "byte")
        );
        objections.push(
            Objection::new(Id::KernelCommandLineLong, "arguments", rule).asked_by("output.pxe"),
        );
    }
    objections
}
