//! nodebake: one cluster inventory in; signed, reproducible, ready-to-boot Kubernetes node payloads out.
//!
//! ```text
//! inventory → plan → node tree → payload → bundle
//! ```
//! Each stage takes the previous stage's value and returns its own; nothing reaches backwards.

// Unit tests read what they wrote themselves.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

/// Who else could exchange a file.
pub mod access;
/// One initrd of a base and an overlay.
pub mod append;
/// The output folder: manifest, signature, verifying.
pub mod bundle;
/// Signed trees inside payloads.
pub mod carried;
/// What the user may say.
pub mod cli;
/// The objects that an administrator applies.
pub mod cluster;
/// What each subcommand does.
pub mod cmd;
/// Tables for people.
pub mod columns;
/// Decompression of foreign bytes, within bounds.
pub mod decompress;
/// What changed between two bundles.
pub mod diff;
/// Operational errors and exit codes.
pub mod error;
/// Kubeconfigs and certificates.
pub mod identity;
/// Opening and reading files that users name.
pub mod input;
/// What is in payloads, ours and others'.
pub mod inspect;
/// What the user wrote.
pub mod inventory;
/// Facts about Kubernetes, by version.
pub mod kubernetes;
/// One writer for each output.
pub mod lock;
/// Manual pages.
pub mod man;
/// One node as a tree of files and units.
pub mod node;
/// The tree in each output format.
pub mod payload;
/// Everything decided.
pub mod plan;
/// A project's folder, and what may be read in it.
pub mod project_folder;
/// Messages without secrets.
pub mod redact;
/// Findings in what the user wrote.
pub mod report;
/// JSON Schema of what users write.
pub mod schema;
/// Bootstrap tokens.
pub mod secrets;
/// Signals that end the run.
pub mod signals;
/// What nodes need from where they stand.
pub mod site;
/// Folders in which outputs are made.
pub mod staging;
/// What strangers wrote, as a terminal may show it.
pub mod terminal;
/// Times and durations as text.
pub mod timing;
/// Sets of files that come into being together.
pub mod together;
/// What goes again when a run fails.
pub mod unfinished;
/// YAML in with places, quoted YAML out.
pub mod yaml;
