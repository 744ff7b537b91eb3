//! Commands of cloud-init's lists, and how they are written.

use crate::yaml::push_quoted;

/// One item of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Program and arguments, each passed as it is.
    Program(Vec<String>),
    /// A line for `sh`.
    Shell(String),
}

impl Command {
    /// A program with its arguments.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Program(words.into_iter().map(str::to_owned).collect())
    }
}

/// A list of commands under its key; empty when nothing is to be done.
pub fn list(key: &str, commands: &[Command]) -> String {
    if commands.is_empty() {
        return String::new();
    }
    let mut out = format!("{key}:\n");
    for command in commands {
        push_command(&mut out, command);
    }
    out
}

fn push_command(out: &mut String, command: &Command) {
    out.push_str("- ");
    match command {
        Command::Shell(line) => push_quoted(out, line),
        Command::Program(words) => {
            for (index, word) in words.iter().enumerate() {
                out.push_str(if index == 0 { "[" } else { ", " });
                push_quoted(out, word);
            }
            out.push(']');
        }
    }
    out.push('\n');
}
