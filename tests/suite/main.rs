//! The test suite: one binary, and one folder for each subject. This list is the tour.
#![allow(missing_docs)]
// Tests may panic: that is how they fail.
#![allow(clippy::panic, clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, clippy::print_stderr, clippy::print_stdout)]

// Its `#[test]` takes the place of the standard one, see `support::harness`.
#[macro_use]
extern crate nodebake_test_attribute;

// --- from a project to nodes in their cluster

// `cluster.yaml` and the files beside it: read, checked, and refused with a finding at its location.
mod project;

// Bootstrap tokens and the file that holds them.
mod tokens;

// Kubeconfigs, certificates, and certificate signing requests.
mod identity;

// Secrets that only a machine's own TPM opens.
mod seal;

// Objects for an administrator, upstream's own rules, real kubelets, the procedure by hand.
mod kubernetes;

// Programs, archives and images that nodes get: from the project or fetched, packed once.
mod assets;

// The files on a node and the programs that read them: units, networks, scripts, labels, upgrades.
mod node;

// Payloads, one for each format, given to the programs that unpack or obey them.
mod formats;

// The folder with all payloads: golden, identical for the same input, signed, published.
mod bundle;

// Machines that boot from payloads.
mod boot;

// --- across all of it

// Whole runs of the commands: exit codes, runs that end early, and `diff`, `inspect` and `verify`.
mod commands;

// Input that was made to hurt, and secrets that get out.
mod safety;

// README, help, guides and manual pages are true.
mod docs;

// Rules for the source itself.
mod source;

// --- no subject

// Helpers: the binary as a user runs it, oracles, projects to run it on, machines.
mod support;

/// What this binary does as a process that a test starts, see `support::harness::CHILD`.
const CHILDREN: [(&str, fn()); 3] = [
    (bundle::child::NAME, bundle::child::main),
    (safety::fuzz::child::NAME, safety::fuzz::child::main),
    (tokens::file::WRITER, tokens::file::a_writer),
];

fn main() -> std::process::ExitCode {
    support::harness::main(&CHILDREN)
}
