//! Command lines (systemd.service(5)): several commands are separated by a lone `;`.

use crate::tree::unit::value::ValueFault;
use crate::tree::unit::words::{Word, split};

/// The programs of a command line that are named by absolute paths.
pub fn programs(value: &str) -> Vec<String> {
    let words = split(value).unwrap_or_default();
    let commands = words.split(|word| is_separator(word, value));
    let programs = commands.filter_map(<[Word]>::first);
    // What is in front of a path says how it is started (systemd.service(5), "Command lines").
    let programs = programs.map(|word| word.text.trim_start_matches(PREFIXES));
    let programs = programs.filter(|program| program.starts_with('/'));
    programs.map(str::to_owned).collect()
}

/// What a shell would read as an operator.
const OPERATORS: [&str; 8] = ["|", "||", "&&", "&", ">", ">>", "<", "2>&1"];
/// What may be in front of a program's path.
const PREFIXES: [char; 6] = ['@', '-', ':', '+', '!', '|'];

/// Whether a word ends a command.
fn is_separator(word: &Word, value: &str) -> bool {
    word.text == ";" && value[word.at..].starts_with(';')
}

/// Checks a command line.
pub fn check(value: &str) -> Vec<ValueFault> {
    let words = match split(value) {
        Ok(words) => words,
        Err((at, rule)) => return vec![ValueFault::new(at, rule)],
    };
    let commands = words.split(|word| is_separator(word, value));
    let mut faults: Vec<ValueFault> = commands
        .filter_map(<[Word]>::first)
        .filter_map(program)
        .collect();
    // No shell reads it: these words go to the program as they are.
    let shell = words.iter().enumerate().find(|(index, word)| {
        let is_bare = value[word.at..].starts_with(word.text.as_str());
        let is_first = *index == 0 && word.text.ends_with(';');
        is_bare && (is_first || OPERATORS.contains(&word.text.as_str()))
    });
    let shell = shell.map(|(_, word)| word);
    if let Some(word) = shell.filter(|_| faults.is_empty() && !starts_shell(&words)) {
        let rule = format!(
            "no shell reads the command line, so {:?} is one more argument of the program",
            word.text
        );
        faults.push(ValueFault::new(word.at, rule).help("start a shell: /bin/sh -c '…'"));
    }
    faults
}

/// Whether the program is a shell, which gets words of its own kind as arguments.
fn starts_shell(words: &[Word]) -> bool {
    words.iter().any(|word| {
        let name = word.text.rsplit('/').next().unwrap_or_default();
        ["sh", "bash", "dash", "zsh", "busybox"].contains(&name)
    })
}

fn program(word: &Word) -> Option<ValueFault> {
    let path = word.text.trim_start_matches(PREFIXES);
    if path.is_empty() {
        return Some(ValueFault::new(word.at, "the command has no program"));
    }
    if path.starts_with('%') {
        return None;
    }
    if !path.starts_with('/') {
        let rule = format!(
            "the program must be an absolute path, since systemd searches fixed folders only; got {path:?}"
        );
        return Some(ValueFault::new(word.at, rule).help("write the program's whole path"));
    }
    if path.ends_with('/') {
        Some(ValueFault::new(
            word.at,
            format!("the program {path:?} is a folder"),
        ))
    } else {
        None
    }
}
