//! Every command of the tool, with arguments under which it has secrets in hand.

use clap::CommandFactory;
use nodebake::cli::Cli;

use super::{BY_CERTIFICATE, NODE};

/// One run.
pub struct Case {
    pub args: Vec<&'static str>,
    /// The exit code that is right.
    pub exit: i32,
    /// A file of the project, for standard input.
    pub input: Option<&'static str>,
}

impl Case {
    /// The command that it runs, as `token list`.
    pub fn command(&self) -> String {
        let known = all();
        let two = self
            .args
            .iter()
            .take(2)
            .copied()
            .collect::<Vec<_>>()
            .join(" ");
        if known.contains(&two) {
            two
        } else {
            self.args[0].to_owned()
        }
    }
}

/// The commands that there are, each with its group: a new one needs a case.
pub fn all() -> Vec<String> {
    let mut all = Vec::new();
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let mut within = command.get_subcommands().map(clap::Command::get_name);
        match within.next() {
            None => all.push(name.to_owned()),
            Some(first) => {
                let both = std::iter::once(first).chain(within);
                all.extend(both.map(|inner| format!("{name} {inner}")));
            }
        }
    }
    all
}

/// In this order: later ones read what earlier ones wrote.
pub fn cases() -> Vec<Case> {
    let case = |exit, line: &'static str, input| Case {
        args: line.split(' ').collect(),
        exit,
        input,
    };
    let mut cases: Vec<Case> = LINES.map(|(exit, line)| case(exit, line, None)).into();
    cases.extend(WITH_INPUT.map(|(exit, line, file)| case(exit, line, Some(file))));
    for node in [NODE, BY_CERTIFICATE] {
        for more in SHOWN {
            let mut shown = case(0, "show", None);
            shown.args.push(node);
            shown.args.extend(more);
            cases.push(shown);
        }
    }
    // Secrets where something else is asked for.
    for file in [
        "secrets.yaml",
        "keys/sign.key",
        "identity.txt",
        "pki/ca.key",
    ] {
        let mut inspected = case(1, "inspect", None);
        inspected.args.push(file);
        cases.push(inspected);
    }
    cases.extend(CHANGING.map(|(exit, line)| case(exit, line, None)));
    cases
}

const SHOWN: [&[&str]; 4] = [&[], &["-o", "json"], &["--origin"], &["--sizes"]];

/// Exit code, and the command line.
const LINES: [(i32, &str); 51] = [
    (0, "profile"),
    (0, "overlay kubelet"),
    (3, "import secrets.yaml --project imported"),
    (
        3,
        "import identity.txt keys/sign.key pki/ca.key --project imported",
    ),
    (1, "show by-certificate --file /etc/declared"),
    (
        0,
        "show gpu-1.example.com --file /etc/kubernetes/bootstrap-kubelet.kubeconfig",
    ),
    (0, "init other"),
    (0, "check"),
    (0, "check --format json"),
    (0, "check --format sarif"),
    (0, "check --format github"),
    (3, "check --at 2199-01-01T00:00:00Z"),
    (3, "check --at 2199-01-01T00:00:00Z --format json"),
    (0, "build --unsigned"),
    (0, "sign out --key keys/sign.key"),
    (0, "build --print json --upgrade-from before"),
    (0, "build --node gpu-*"),
    (3, "build --at 2199-01-01T00:00:00Z"),
    (1, "build -o keys"),
    (0, "preflight"),
    (0, "preflight -o json"),
    (
        0,
        "inspect out/nodes/gpu-1.example.com/gpu-1.example.com.secrets.tar.gz",
    ),
    (0, "inspect out/nodes/gpu-1.example.com/user-data -o json"),
    (
        0,
        "inspect out/nodes/gpu-1.example.com/config.ign --extract extracted",
    ),
    (0, "verify out --key keys/sign.pub"),
    (0, "verify out --key keys/sign.pub -o json"),
    (3, "verify out --key keys/sign.key"),
    (3, "verify out --key secrets.yaml"),
    (0, "diff before --at 2027-06-01T00:00:00Z"),
    (0, "diff before out"),
    (0, "diff before out -o json"),
    (0, "token list"),
    (0, "token list -o json"),
    (0, "token list --reveal"),
    (3, "token expiring --within 100000d"),
    (1, "token import secrets.yaml"),
    (3, "token encrypt"),
    (0, "csr approver-settings"),
    (0, "csr export-ids"),
    (0, "csr export-ids --out review.json"),
    (0, "csr review requests.json --ids review.json"),
    (0, "check --no-tokens"),
    (0, "key generate more"),
    (0, "key generate"),
    (0, "pki issue . --force"),
    (1, "pki init ."),
    (0, "man secrets"),
    (0, "completions bash"),
    (0, "schema"),
    (0, "explain"),
    (0, "explain secrets-invalid"),
];

/// After all others, since they change the tokens.
const CHANGING: [(i32, &str); 3] = [
    (0, "token create ."),
    (0, "token rotate . gpu-1.example.com --overlap 2d"),
    (0, "token revoke . edge-001"),
];

/// The same, with a file on standard input.
const WITH_INPUT: [(i32, &str, &str); 2] = [
    (0, "csr review -", "requests.json"),
    (
        0,
        "initrd append --base base-initrd --node gpu-1.example.com --key keys/sign.pub -o appended",
        "requests.json",
    ),
];
