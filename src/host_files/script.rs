//! Scripts: the kernel reads their first line (fs/binfmt_script.c), and an interpreter the rest.

use crate::host_files::fault::Fault;
use crate::report::Id;
use crate::tree::Position;

/// A byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// What of a program the kernel looks at (include/uapi/linux/binfmts.h, BINPRM_BUF_SIZE).
const FIRST_LINE: usize = 256;
/// Interpreters to which a carriage return is a part of the word before it.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"];

/// Whether the bytes are a script, or were meant to be one.
pub fn is_script(bytes: &[u8]) -> bool {
    bytes.strip_prefix(BOM).unwrap_or(bytes).starts_with(b"#!")
}

/// Reads a script; `is_program` says whether its mode lets it be started by its name.
pub fn read(bytes: &[u8], is_program: bool) -> Vec<Fault> {
    let first = Position { line: 1, column: 1 };
    let fault = |rule: String| Fault::at(Id::ScriptInvalid, first, rule);
    if bytes.starts_with(BOM) {
        let rule = "the script begins with a byte order mark, so the kernel does not see its #!";
        return vec![fault(rule.to_owned()).help("save it as UTF-8 without a byte order mark")];
    }
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let line = &bytes[..end.unwrap_or(bytes.len())];
    let words = String::from_utf8_lossy(line.get(2..).unwrap_or_default()).into_owned();
    let has_return = line.ends_with(b"\r");
    let mut words = words.split_ascii_whitespace();
    let interpreter = words.next().unwrap_or_default().to_owned();
    let name = interpreter.rsplit('/').next().unwrap_or_default();
    let name = match name {
        "env" => words
            .find(|word| !word.starts_with('-'))
            .unwrap_or_default(),
        "busybox" => words.next().unwrap_or_default(),
        name => name,
    };
    let is_shell = SHELLS.contains(&name);
    let lines = || {
        bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
    };
    if is_program || is_shell {
        let all_return = lines().count() > 1 && lines().skip(1).all(|line| line.ends_with(b"\r"));
        if has_return || (is_shell && all_return) {
            let rule = format!(
                "the lines of the script end in CRLF, and {} takes the carriage return for a part of its last word",
                if has_return { "the kernel" } else { name }
            );
            return vec![
                fault(rule).help("save it with LF alone, for example with `sed -i 's/\\r$//'`"),
            ];
        }
    }
    if !is_program {
        return Vec::new();
    }
    if interpreter.is_empty() {
        return vec![fault("the script's #! names no interpreter".to_owned())];
    }
    if !interpreter.starts_with('/') {
        let rule = "the interpreter of a script must be an absolute path".to_owned();
        return vec![
            fault(rule)
                .got(interpreter)
                .help("write /bin/sh or /usr/bin/env NAME"),
        ];
    }
    if line.len() >= FIRST_LINE {
        let rule = format!("the script's first line must be shorter than {FIRST_LINE} bytes");
        return vec![fault(rule)];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_start_are_taken() {
        for (text, is_program) in [
            ("#!/bin/sh\necho a\n", true),
            ("#! /usr/bin/env -S python3 -u\nprint(1)\n", true),
            // Python takes them, but not the kernel.
            ("#!/usr/bin/python3\nprint(1)\r\n", true),
            ("#!/usr/bin/python3\r\nprint(1)\r\n", false),
            // A carriage return that is meant.
            ("#!/bin/sh\nprintf 'a\r\nb'\n", true),
            ("#!/bin/sh", true),
            ("#!inner\n", false),
        ] {
            assert_eq!(read(text.as_bytes(), is_program), [], "{text:?}");
        }
    }

    #[test]
    fn scripts_that_do_not_start_are_named() {
        let long = format!("#!/bin/sh {}\n", "x".repeat(250));
        for (text, part) in [
            ("#!/bin/sh\r\necho a\r\n", "CRLF"),
            ("#!/bin/sh\necho a\r\nexit 0\r\n", "CRLF"),
            ("#!/usr/bin/env bash\necho a\r\n", "CRLF"),
            ("#!/bin/busybox sh\necho a\r\n", "CRLF"),
            ("#!/usr/bin/python3\r\nprint(1)\n", "CRLF"),
            ("\u{feff}#!/bin/sh\necho a\n", "byte order mark"),
            ("#!bash\n", "absolute path"),
            ("#!\necho\n", "no interpreter"),
            (&long, "shorter than"),
        ] {
            let found = read(text.as_bytes(), true);
            assert_eq!(found.len(), 1, "{text:?}");
            assert!(found[0].rule.contains(part), "{text:?}: {found:?}");
        }
    }
}
