//! Files of logrotate (logrotate.conf(5); logrotate/logrotate, `config.c`: readConfigFile). Where something is wrong in a definition,
//! logrotate passes over the whole of it, and its logs grow until the disk is full.

use crate::host_files::fault::{Fault, position};
use crate::report::Id;

/// Endings of names that logrotate passes over in a folder (`defTabooExts`).
const PASSED_OVER: [&str; 24] = [
    ",v",
    ".bak",
    ".cfsaved",
    ".disabled",
    ".dpkg-bak",
    ".dpkg-del",
    ".dpkg-dist",
    ".dpkg-new",
    ".dpkg-old",
    ".dpkg-tmp",
    ".new",
    ".old",
    ".orig",
    ".pacnew",
    ".pacorig",
    ".pacsave",
    ".rpmnew",
    ".rpmorig",
    ".rpmsave",
    ".swp",
    ".ucf-dist",
    ".ucf-new",
    ".ucf-old",
    "~",
];
/// Directives without a value.
const FLAGS: [&str; 37] = [
    "allowhardlink",
    "compress",
    "copy",
    "copytruncate",
    "daily",
    "dateext",
    "datehourago",
    "dateyesterday",
    "delaycompress",
    "errors",
    "hourly",
    "ifempty",
    "ignoreduplicates",
    "mailfirst",
    "maillast",
    "missingok",
    "noallowhardlink",
    "nocompress",
    "nocopy",
    "nocopytruncate",
    "nocreate",
    "nocreateolddir",
    "nodateext",
    "nodatehourago",
    "nodateyesterday",
    "nodelaycompress",
    "nomail",
    "nomissingok",
    "noolddir",
    "norenamecopy",
    "nosharedscripts",
    "noshred",
    "notifempty",
    "renamecopy",
    "sharedscripts",
    "shred",
    "yearly",
];
/// Directives with a script, which ends at `endscript`.
const SCRIPTS: [&str; 5] = [
    "prerotate",
    "postrotate",
    "firstaction",
    "lastaction",
    "preremove",
];
/// Directives with a whole number.
const NUMBERS: [&str; 6] = [
    "maxage",
    "minage",
    "minutes",
    "rotate",
    "shredcycles",
    "start",
];
const SIZES: [&str; 3] = ["maxsize", "minsize", "size"];
/// Directives with any text.
const TEXTS: [&str; 7] = [
    "addextension",
    "compressoptions",
    "dateformat",
    "extension",
    "include",
    "tabooext",
    "taboopat",
];
/// Directives with a path or an address, in which there is no blank.
const WORDS: [&str; 5] = [
    "compresscmd",
    "compressext",
    "mail",
    "olddir",
    "uncompresscmd",
];
/// Directives of a whole file only.
const OUTSIDE: [&str; 2] = ["tabooext", "taboopat"];

/// Whether logrotate reads a file of this name in a folder that it includes.
pub fn is_read(name: &str) -> bool {
    !PASSED_OVER.iter().any(|ending| name.ends_with(ending))
}

/// Reads a file.
pub fn read(text: &str) -> Vec<Fault> {
    let mut reader = Reader {
        text,
        at: 0,
        definition: None,
        faults: Vec::new(),
    };
    while reader.step() {}
    if let Some(start) = reader.definition {
        reader.fault(start, "a definition must be closed by a line with }");
    }
    reader.faults
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// Where the definition begins that is open.
    definition: Option<usize>,
    faults: Vec<Fault>,
}

impl<'t> Reader<'t> {
    fn fault(&mut self, at: usize, rule: impl Into<String>) {
        let at = position(self.text, at);
        self.faults
            .push(Fault::at(Id::SettingsFileInvalid, at, rule));
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic());
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    /// Reads a directive, the names of logs or the end of a definition; whether there was one.
    fn step(&mut self) -> bool {
        self.skip_blanks();
        let start = self.at;
        match self.rest().chars().next() {
            None => return false,
            Some('\n') => self.at += 1,
            Some('#') => self.skip_line(),
            Some(c) if c.is_ascii_alphabetic() => self.directive(),
            Some('/' | '"' | '\'' | '~') => self.names(),
            Some('}') => {
                self.at += 1;
                if self.definition.take().is_none() {
                    self.fault(start, "this } closes no definition");
                }
                self.skip_blanks();
                if !matches!(self.rest().chars().next(), None | Some('\n')) {
                    self.fault(self.at, "nothing may be behind } in its line");
                    self.skip_line();
                }
            }
            Some('\r') => {
                let rule = "logrotate takes a carriage return for a part of the line, so save the file with LF alone";
                self.fault(start, rule);
                self.at = self.text.len();
                self.definition = None;
            }
            Some(_) => {
                self.fault(
                    start,
                    "a line must begin with a directive or with the path of a log",
                );
                self.skip_line();
            }
        }
        true
    }

    /// The paths of logs in front of a brace.
    fn names(&mut self) {
        let start = self.at;
        if self.definition.is_some() {
            let rule = "the definition before this path must be closed by a line with }";
            self.fault(start, rule);
        }
        self.definition = None;
        let mut names = String::new();
        for line in self.rest().split_inclusive('\n') {
            if line.trim_start().starts_with('#') {
                self.at += line.len();
                continue;
            }
            let brace = line.find(['{', '}']);
            names.push_str(&line[..brace.unwrap_or(line.len())]);
            self.at += brace.map_or(line.len(), |brace| brace + 1);
            match brace.map(|brace| line.as_bytes()[brace]) {
                Some(b'{') => {
                    if words(&names).is_none() {
                        self.fault(
                            start,
                            "the paths of logs have a quotation mark that is not closed",
                        );
                    }
                    self.definition = Some(start);
                    return;
                }
                Some(_) => {
                    self.fault(self.at - 1, "this } closes no definition");
                    return;
                }
                None => {}
            }
        }
        self.fault(start, "the paths of logs must be followed by {");
    }

    fn directive(&mut self) {
        let start = self.at;
        let word = self.word();
        let next = self.rest().chars().next();
        if next.is_some_and(|c| !c.is_whitespace() && c != '=') {
            let rule = "a directive must be letters, with a blank or = behind it";
            self.fault(start, rule);
            return self.skip_line();
        }
        if FLAGS.contains(&word) {
            return;
        }
        if SCRIPTS.contains(&word) {
            return self.script(start, word);
        }
        if OUTSIDE.contains(&word) && self.definition.is_some() {
            self.fault(start, format!("{word}: must not be in a definition"));
        }
        self.skip_blanks();
        if self.rest().starts_with('=') {
            self.at += 1;
            self.skip_blanks();
        }
        let from = self.at;
        self.skip_line();
        let value = self.text[from..self.at].trim_end();
        if let Some(rule) = refused(word, value) {
            let at = if value.is_empty() { start } else { from };
            let at = position(self.text, at);
            let fault = Fault::at(Id::SettingsFileInvalid, at, rule);
            let is_commented = value.contains('#') && !value.starts_with('#');
            self.faults.push(if is_commented {
                fault.help("write the comment in a line of its own: here it is a part of the value")
            } else {
                fault
            });
        }
    }

    fn script(&mut self, start: usize, word: &str) {
        while !self.rest().is_empty() {
            self.skip_blanks();
            if self.word() == "endscript" {
                return;
            }
            self.skip_line();
            self.at += usize::from(!self.rest().is_empty());
        }
        self.fault(
            start,
            format!("{word}: a script must end in a line with endscript"),
        );
        // The end of the definition is a part of the script then.
        self.definition = None;
    }
}

/// Words as popt's `poptParseArgvString` divides them; None where a quotation mark is open.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let (mut quote, mut is_in_word) = (None, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let is_end = quote.is_none() && c.is_whitespace();
        if !is_end && !is_in_word {
            words.push(String::new());
        }
        is_in_word = !is_end;
        let Some(word) = words.last_mut().filter(|_| !is_end) else {
            continue;
        };
        match (c, quote) {
            ('\\', _) => word.extend(chars.next()),
            (c, Some(mark)) if c == mark => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (c, _) => word.push(c),
        }
    }
    quote.is_none().then_some(words)
}

/// The rule that the value of a directive breaks.
fn refused(word: &str, value: &str) -> Option<String> {
    let rule = |rule: &str| Some(format!("{word}: {rule}"));
    let is_permission = |mode: &str| i32::from_str_radix(mode, 8).is_ok_and(|mode| mode >= 0);
    match word {
        "weekly" | "monthly" => {
            let most = if word == "weekly" { 7 } else { 31 };
            let day = value.trim().parse::<u32>();
            let is_day = value.is_empty() || day.is_ok_and(|day| day <= most);
            (!is_day)
                .then(|| format!("{word}: must be followed by nothing or a day from 0 to {most}"))
        }
        "create" | "createolddir" => match words(value).as_deref() {
            None => rule("has a quotation mark that is not closed"),
            Some([]) => None,
            Some([mode] | [mode, _, _]) if is_permission(mode) => None,
            // Before 3.22 two words are mode and user, from then on user and group.
            Some([_, _]) => None,
            Some(_) => rule("must be MODE, USER GROUP, or MODE USER GROUP, with an octal mode"),
        },
        "su" => match words(value).as_deref() {
            Some([_, _]) => None,
            _ => rule("must be USER GROUP"),
        },
        _ if !is_known(word) => rule("is not a directive of logrotate, which passes over the line"),
        _ if value.is_empty() => rule("must have a value"),
        _ if NUMBERS.contains(&word) => {
            let least = match word {
                "rotate" => -1,
                "minutes" => 1,
                _ => 0,
            };
            let number = whole(value);
            let fits = number.is_some_and(|number| (least..=i64::from(i32::MAX)).contains(&number));
            (!fits).then(|| format!("{word}: must be a whole number of at least {least}"))
        }
        _ if SIZES.contains(&word) => {
            let digits = value.strip_suffix(['k', 'K', 'M', 'G']).unwrap_or(value);
            let is_size = whole(digits).is_some_and(|size| size >= 0)
                || (digits.is_empty() && value.len() == 1);
            (!is_size)
                .then(|| format!("{word}: must be a number with nothing, k, M or G behind it"))
        }
        _ if WORDS.contains(&word) && value.contains([' ', '\t']) => {
            rule("must not have a blank in it")
        }
        _ => None,
    }
}

fn is_known(word: &str) -> bool {
    [&NUMBERS[..], &SIZES, &TEXTS, &WORDS]
        .iter()
        .any(|words| words.contains(&word))
}

/// A number as `strtol` with base 0 reads it.
fn whole(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = match digits.strip_prefix('0') {
        Some("") => Ok(0),
        Some(rest) => match rest.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => i64::from_str_radix(hexadecimal, 16),
            None => i64::from_str_radix(rest, 8),
        },
        None => digits.parse(),
    };
    number.ok().map(|number| sign * number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_read_with_the_line_of_each_fault() {
        for (text, line) in [
            ("", None),
            (
                "# a\nweekly\nrotate 4\ncreate\ninclude /etc/logrotate.d\n",
                None,
            ),
            (
                "/var/log/a.log\n/var/log/b.log\n{\n\tdaily rotate=7\n\tsize 10M\n\tpostrotate\n\t\tkill }\n\tendscript\n} \n",
                None,
            ),
            (
                "\"/var/log/a b.log\" /var/log/*.log {\n # }\n su root adm\n create 0640 root adm\n monthly 3\n}",
                None,
            ),
            ("/a {\n daily\n", Some(1)),
            ("/a {\n daily\n/b {\n}\n", Some(3)),
            ("/a {\n}\n}\n", Some(3)),
            ("/a {\n} /b {\n}\n", Some(2)),
            ("/a\n", Some(1)),
            ("/a }\n", Some(1)),
            ("/a {\n rotate 7 # a week\n}\n", Some(2)),
            ("/a {\n rotate\n}\n", Some(2)),
            ("/a {\n rotate: 7\n}\n", Some(2)),
            ("/a {\n rotate seven\n}\n", Some(2)),
            ("/a {\n maxage -1\n}\n", Some(2)),
            ("/a {\n size 10MB\n}\n", Some(2)),
            ("/a {\n weekly 8\n}\n", Some(2)),
            ("/a {\n create 0640 root\n}\n", None),
            ("/a {\n create rw-r--r-- root adm\n}\n", Some(2)),
            ("/a {\n su root\n}\n", Some(2)),
            ("/a {\n dialy\n}\n", Some(2)),
            ("/a {\n olddir /x y\n}\n", Some(2)),
            ("/a {\n postrotate\n x\n}\n", Some(2)),
            ("/a {\n tabooext + .x\n}\n", Some(2)),
            ("- /a {\n}\n", Some(1)),
            ("\"/a {\n}\n", Some(1)),
            ("/a {\r\n daily\r\n}\r\n", Some(1)),
        ] {
            let found = read(text);
            let line_of = found.first().and_then(|fault| Some(fault.position?.line));
            assert_eq!(line_of, line, "{text}: {found:?}");
        }
    }

    #[test]
    fn numbers_are_those_of_strtol() {
        for (text, number) in [
            ("7", Some(7)),
            ("-1", Some(-1)),
            ("0", Some(0)),
            ("010", Some(8)),
            ("0x10", Some(16)),
            ("+3", Some(3)),
            ("", None),
            ("7d", None),
            ("--1", None),
            ("09", None),
        ] {
            assert_eq!(whole(text), number, "{text}");
        }
    }
}
