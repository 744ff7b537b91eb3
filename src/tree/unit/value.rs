//! Whether systemd takes a value for a key of its parser. In: an assignment. Out: faults with their places in the value. What
//! one release of systemd takes is taken: nodes run several.

mod address;
mod calendar;
mod choice;
mod command;
mod limit;
mod name;
mod number;
mod path;
mod resource;
mod sandbox;

pub use command::programs;

use crate::tree::unit::keys::Key;
use crate::tree::unit::words::{split, unknown_specifier};

/// What is wrong with a value, and at which of its bytes.
pub struct ValueFault {
    /// Byte of the value.
    pub at: usize,
    /// The rule and how it is broken.
    pub message: String,
    /// What to do about it.
    pub help: Option<&'static str>,
}

impl ValueFault {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            help: None,
        }
    }

    fn help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }
}

/// What a parser says to a value: the rule that it breaks.
type Taken = Result<(), String>;

/// Parsers that expand specifiers (those whose function in systemd's src/core calls `unit_*_printf`), as far as a value with
/// one is not looked at any further.
const EXPANDING: [&str; 53] = [
    "bind_network_interface",
    "bind_paths",
    "bpf_foreign_program",
    "colon_separated_paths",
    "device_allow",
    "documentation",
    "environ",
    "exec",
    "exec_apparmor_profile",
    "exec_directories",
    "exec_input",
    "exec_output",
    "exec_selinux_context",
    "exec_smack_process_label",
    "extension_images",
    "fdname",
    "import_credential",
    "io_device_latency",
    "io_device_weight",
    "io_limit",
    "ip_filter_bpf_progs",
    "load_credential",
    "log_extra_fields",
    "log_namespace",
    "mount_images",
    "mount_node",
    "namespace_path_strv",
    "open_file",
    "pass_environ",
    "path_spec",
    "pid_file",
    "reboot_parameter",
    "root_image_options",
    "service_sockets",
    "set_credential",
    "socket_bindtodevice",
    "socket_listen",
    "socket_service",
    "temporary_filesystems",
    "timer",
    "trigger_unit",
    "unit_condition_path",
    "unit_condition_string",
    "unit_cpu_set",
    "unit_deps",
    "unit_env_file",
    "unit_mounts_for",
    "unit_path_printf",
    "unit_path_strv_printf",
    "unit_slice",
    "unit_string_printf",
    "unset_environ",
    "user_group_compat",
];
/// More of them, whose values are words.
const EXPANDING_LISTS: [&str; 4] = [
    "unit_strv_printf",
    "user_group_strv_compat",
    "working_directory",
    "xattr",
];

/// Checks a value of a key, which is called by its name.
pub fn check(key: &Key, name: &str, value: &str) -> Vec<ValueFault> {
    let mut faults = of_parser(key, name, value);
    let parser = key.parser;
    let expands = EXPANDING.contains(&parser) || EXPANDING_LISTS.contains(&parser);
    if let Some((at, letter)) = unknown_specifier(value).filter(|_| expands) {
        let fault = ValueFault::new(at, format!("%{letter} is not a specifier of systemd"));
        faults.push(fault.help("write %% for a percent sign"));
    }
    faults
}

/// Checks a value by the name of a parser alone, for other files of systemd's: the rule that it breaks.
pub fn taken_by(parser: &'static str, value: &str) -> Result<(), String> {
    let key = Key { parser, more: "" };
    match of_parser(&key, "", value).into_iter().next() {
        Some(fault) => Err(fault.message),
        None => Ok(()),
    }
}

fn of_parser(key: &Key, name: &str, value: &str) -> Vec<ValueFault> {
    match key.parser {
        "exec" => return command::check(value),
        "environ" => return name::environment(value),
        "unit_deps" | "install" => return name::units(value),
        "bool" => return whole(value, choice::boolean(value)),
        // Nothing at all takes back what was set before.
        _ if value.is_empty() => return Vec::new(),
        _ => {}
    }
    let checked = path::check(key, value)
        .or_else(|| choice::check(key.parser, value))
        .or_else(|| number::check(key, value))
        .or_else(|| resource::check(key.parser, name, value))
        .or_else(|| limit::check(key, value))
        .or_else(|| sandbox::check(key.parser, value))
        .or_else(|| address::check(key, name, value))
        .or_else(|| name::check(key.parser, value));
    checked.unwrap_or_default()
}

/// The fault of a value as a whole.
fn whole(value: &str, taken: Taken) -> Vec<ValueFault> {
    one(0, value, taken)
}

/// The fault of one word of a value.
fn one(at: usize, word: &str, taken: Taken) -> Vec<ValueFault> {
    let rule = taken.err();
    rule.map(|rule| ValueFault::new(at, format!("{rule}; got {word:?}")))
        .into_iter()
        .collect()
}

/// The faults of a value's words, as systemd splits them.
fn each(value: &str, taken: impl Fn(&str) -> Taken) -> Vec<ValueFault> {
    match split(value) {
        Ok(words) => words
            .iter()
            .flat_map(|word| one(word.at, &word.text, taken(&word.text)))
            .collect(),
        Err((at, rule)) => vec![ValueFault::new(at, rule)],
    }
}

/// Whether a specifier is in a text, so that nobody knows here what it will be.
fn is_open(text: &str) -> bool {
    text.replace("%%", "").contains('%')
}

#[cfg(test)]
mod tests;
