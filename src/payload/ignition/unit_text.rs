//! Whether Ignition can read a unit's text: it does so before it writes the text, and a text that its parser refuses stops the
//! boot. The parser is go-systemd's (`unit/deserialize.go`), which differs from systemd's own: a comment ends a continued line,
//! and so does a carriage return behind the backslash.

/// Bytes of the text that are left, and the line of the first of them.
struct Rest<'t> {
    bytes: &'t [u8],
    line: usize,
}

impl Rest<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        self.line += usize::from(*first == b'\n');
        Some(*first)
    }

    /// What is left of the line, without its line feed.
    fn line(&mut self) -> &[u8] {
        let end = self.bytes.iter().position(|byte| *byte == b'\n');
        let (line, rest) = match end {
            Some(end) => (&self.bytes[..end], &self.bytes[end + 1..]),
            None => (self.bytes, &self.bytes[self.bytes.len()..]),
        };
        self.bytes = rest;
        self.line += usize::from(end.is_some());
        line
    }

    /// A comment, with the lines that a backslash makes part of it.
    fn comment(&mut self) {
        loop {
            let line = self.line();
            let line = line.strip_suffix(b" ").unwrap_or(line);
            if !line.ends_with(b"\\") || self.bytes.is_empty() {
                return;
            }
        }
    }

    /// A section's name and the rest of its line.
    fn section(&mut self) -> Result<(), &'static str> {
        while self.next().ok_or("has a section whose name does not end")? != b']' {}
        if self.line().trim_ascii().is_empty() {
            Ok(())
        } else {
            Err("has more than the section's name")
        }
    }

    /// An option's name and value.
    fn option(&mut self) -> Result<(), &'static str> {
        loop {
            match self.next() {
                None | Some(b'\n' | b'\r') => return Err("has an option without `=`"),
                Some(b'=') => break,
                Some(_) => {}
            }
        }
        while self.line().ends_with(b"\\") && !self.bytes.is_empty() {}
        Ok(())
    }
}

/// The line that Ignition refuses, and why. None if it takes the text.
pub fn refused(text: &str) -> Option<(usize, &'static str)> {
    let mut rest = Rest {
        bytes: text.as_bytes(),
        line: 1,
    };
    let mut inside = false;
    loop {
        let before = (rest.bytes, rest.line);
        let read = match rest.next()? {
            b'[' => {
                inside = true;
                rest.section()
            }
            b'#' | b';' => {
                rest.comment();
                Ok(())
            }
            // Before the first section everything is passed over.
            byte if !inside || byte.is_ascii_whitespace() => Ok(()),
            _ => {
                (rest.bytes, rest.line) = before;
                rest.option()
            }
        };
        if let Err(rule) = read {
            return Some((before.1, rule));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_go_systemd_reads_them() {
        for text in [
            "[Service]\nExecStart=/x \\\n  --a \\\n  --b\n[Install]\nWantedBy=a.target\n",
            "\u{feff}[Service]\nExecStart=/x\n",
            "# a \\\nb\n[Service]\n# c \\\nd\nExecStart=/x",
            "[Service]\r\nExecStart=/x\r\n",
            "nothing\n[Service]\n  ExecStart=/x\n\n",
            "[Service]\nExecStart=/x \\\n# why\n  --y=1\n",
        ] {
            assert_eq!(refused(text), None, "{text:?}");
        }
        for (text, line) in [
            ("[Service]\nExecStart=/x \\\n  # why\n  --y\n", 4),
            ("[Service]\nExecStart=/x \\\n; why\n  --y\n", 4),
            ("[Service]\nExecStart=/x \\\r\n  --y\r\n", 3),
            ("[Service]\nExecStart=/x \\\n\n  --y\n", 4),
            ("[Service\nExecStart=/x\n", 1),
            ("[Service] x\nExecStart=/x\n", 1),
            ("[Service]\nExecStart\n", 2),
        ] {
            assert_eq!(refused(text).map(|(line, _)| line), Some(line), "{text:?}");
        }
    }
}
