//! nodebake: one cluster inventory in; signed, reproducible, ready-to-boot Kubernetes node payloads out.
//!
//! ```text
//! inventory → plan → compile → render → tree → payload → bundle
//! ```
//! Each stage takes the previous stage's value and returns its own; nothing reaches backwards. The rooms below are in
//! their order, from the ground up: each uses only rooms above it in this list. A test of the suite holds them to it.

// Unit tests read what they wrote themselves.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

/// Plain data that every room may know.
pub mod model;
/// Messages without secrets.
pub mod redact;
/// What strangers wrote, as a terminal may show it.
pub mod terminal;

/// What somebody may have meant.
pub mod closest;
/// Tables for people.
pub mod columns;
/// Operational errors and exit codes.
pub mod error;
/// Readers and writers around others.
pub mod io;
/// Times and durations as text.
pub mod timing;
/// Pieces of sentences and of command lines.
pub mod wording;

/// Decompression of foreign bytes, within bounds.
pub mod decompress;
/// Opening and reading files that users name.
pub mod input;
/// What goes again when a run fails.
pub mod unfinished;

/// One writer for each output.
pub mod lock;
/// Findings in what the user wrote.
pub mod report;
/// Signals that end the run.
pub mod signals;
/// Folders in which outputs are made.
pub mod staging;

/// Who else could exchange a file.
pub mod access;
/// Output files, made new.
pub mod create;
/// What a bundle says of itself.
pub mod manifest;
/// Templates, within bounds.
pub mod template;
/// Sets of files that come into being together.
pub mod together;
/// YAML in with locations, quoted YAML out.
pub mod yaml;

/// One node as files and units.
pub mod tree;

/// Facts about Kubernetes, by version.
pub mod kubernetes;
/// A project's folder, and what may be read in it.
pub mod project_folder;
/// Secrets that only a machine's own TPM opens.
pub mod seal;
/// Keys that sign bundles.
pub mod signing;

/// What the user wrote.
pub mod inventory;
/// Bootstrap tokens.
pub mod secrets;

/// The objects that an administrator applies.
pub mod cluster;
/// Kubeconfigs and certificates.
pub mod identity;

/// Requests for certificates, held against an extract of the inventory.
pub mod review;

/// Files of nodes, read as their readers read them.
pub mod host_files;
/// Everything decided.
pub mod plan;

/// What is the same for a class of nodes, made once.
pub mod compile;

/// A class and a node as the node's tree.
pub mod render;

/// The tree in each output format.
pub mod payload;
/// JSON Schema of what users write.
pub mod schema;

/// What is in payloads, ours and others'.
pub mod inspect;

/// Nodes against security benchmarks.
pub mod policy;
/// What nodes need that no payload contains.
pub mod preflight;
/// Whether what arrived is what was signed.
pub mod verify;

/// The output folder, written and replaced.
pub mod bundle;

/// What changed between two bundles.
pub mod diff;
/// One initrd of a base and an initramfs payload.
pub mod initrd;

/// A project: opened, checked, built and compared.
pub mod project;

/// A project out of a cluster that is there.
pub mod import;

/// What the user may say.
pub mod cli;

/// Manual pages.
pub mod man;

/// What each subcommand does.
pub mod cmd;
