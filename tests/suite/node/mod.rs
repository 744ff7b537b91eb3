//! What is on a node and what its programs make of it: units, networks, scripts, labels, first boots and upgrades.

pub mod agreement;
mod alike;
mod bridges;
mod cloud_init;
mod cluster_settings;
pub mod first_boot;
pub mod host;
pub mod host_files;
pub mod interfaces;
mod kept_state;
pub mod links;
pub mod networks;
mod passwords;
pub mod permissions;
mod removed;
pub mod selinux;
pub mod shells;
pub mod tree_check;
mod twins;
pub mod unit_values;
pub mod units;
pub mod upgrade;
