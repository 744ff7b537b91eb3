//! What a program says of itself, read on its way through: the machine that it is for, and the version that its linker put
//! into it, Kubernetes' or containerd's. In: a file's bytes in pieces. Out: [`Binary`], if it is an ELF program.

use std::collections::BTreeSet;

use memchr::memmem;

use crate::kubernetes::version::Version;
use crate::model::MACHINES;

/// An ELF program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// `e_machine` of its header.
    pub machine: u16,
    /// The versions that are in it as the linker's `-X …version.gitVersion=` writes one: ended by a zero byte, which no
    /// other string of a Go program is.
    pub versions: BTreeSet<Version>,
    /// Major and minor of all versions that are written so, of programs that have reached 2 too.
    pub releases: BTreeSet<(u32, u32)>,
}

impl Binary {
    /// The name of its machine, if it is one of those that nodes run on.
    pub fn architecture(&self) -> Option<&'static str> {
        let known = MACHINES.iter().find(|(_, number)| *number == self.machine);
        known.map(|(name, _)| *name)
    }
}

/// The longest version that is looked for.
const LONGEST: usize = 64;
/// As much of an ELF header as says the machine.
const HEAD: usize = 20;

/// Looks at a file piece by piece.
#[derive(Default)]
pub struct BinaryScan {
    head: Vec<u8>,
    /// The end of what came before, for what is split over two pieces.
    window: Vec<u8>,
    versions: BTreeSet<Version>,
    releases: BTreeSet<(u32, u32)>,
}

/// How versions begin.
const STARTS: [&[u8]; 2] = [b"v1.", b"v2."];

impl BinaryScan {
    /// The next piece.
    pub fn push(&mut self, piece: &[u8]) {
        let wanted = (HEAD - self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..wanted]);
        if self.head.len() >= 4 && !self.head.starts_with(b"\x7fELF") {
            return;
        }
        self.window.extend_from_slice(piece);
        // What begins so near the end that it may go on is left for the next piece, with the byte before it.
        let end = self.window.len().saturating_sub(LONGEST);
        self.look(end);
        self.window.drain(..end.saturating_sub(1));
    }

    /// What was found.
    pub fn finish(mut self) -> Option<Binary> {
        self.look(self.window.len());
        let head: [u8; HEAD] = self.head.try_into().ok()?;
        if !head.starts_with(b"\x7fELF") {
            return None;
        }
        let machine = [head[18], head[19]];
        Some(Binary {
            // EI_DATA: 2 is big-endian.
            machine: match head[5] {
                2 => u16::from_be_bytes(machine),
                _ => u16::from_le_bytes(machine),
            },
            versions: self.versions,
            releases: self.releases,
        })
    }

    /// Takes the versions that begin before `end`.
    fn look(&mut self, end: usize) {
        let starts = STARTS
            .iter()
            .flat_map(|start| memmem::find_iter(&self.window, start));
        for at in starts.filter(|at| *at < end) {
            // The first byte was looked at before; here it only says what is before the second.
            let Some(before) = at.checked_sub(1).map(|before| self.window[before]) else {
                continue;
            };
            if before.is_ascii_alphanumeric() || b"/._-".contains(&before) {
                continue;
            }
            let rest = &self.window[at..self.window.len().min(at + LONGEST)];
            let Some(length) = rest.iter().position(|byte| *byte == 0) else {
                continue;
            };
            let Ok(text) = std::str::from_utf8(&rest[..length]) else {
                continue;
            };
            self.versions.extend(text.parse::<Version>().ok());
            self.releases.extend(release(text));
        }
    }
}

/// Major and minor of `v2.1.4` or `v1.7.0-rc.1`.
fn release(text: &str) -> Option<(u32, u32)> {
    let (version, suffix) = match text.find(['-', '+', '~']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let is_suffix = |c: char| c.is_ascii_alphanumeric() || "-+~.".contains(c);
    let mut numbers = version.strip_prefix('v')?.split('.');
    let mut number = || numbers.next()?.parse::<u32>().ok();
    let (major, minor, _) = (number()?, number()?, number()?);
    (numbers.next().is_none() && suffix.chars().all(is_suffix)).then_some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF header, and what follows it.
    fn program(machine: u16, data: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02".to_vec();
        bytes.push(data);
        bytes.resize(18, 0);
        bytes.extend(match data {
            2 => machine.to_be_bytes(),
            _ => machine.to_le_bytes(),
        });
        bytes.extend_from_slice(rest);
        bytes
    }

    fn scan(bytes: &[u8], piece: usize) -> Option<Binary> {
        let mut scan = BinaryScan::default();
        bytes.chunks(piece).for_each(|piece| scan.push(piece));
        scan.finish()
    }

    #[test]
    fn machines_have_the_names_that_go_gives_them() {
        for (machine, data, name) in [(62, 1, "amd64"), (183, 1, "arm64"), (22, 2, "s390x")] {
            let binary = scan(&program(machine, data, b""), 7).expect("a program");
            assert_eq!(binary.architecture(), Some(name));
        }
        let other = scan(&program(8, 1, b""), 99).expect("a program");
        assert_eq!(other.architecture(), None);
        assert_eq!(scan(b"#!/bin/sh\nv1.2.3\0", 4), None);
        assert_eq!(scan(b"\x7fELF", 1), None);
    }

    #[test]
    fn versions_are_found_wherever_the_pieces_end() {
        let mut rest = vec![b'x'; 300];
        rest.extend_from_slice(b"@v1.34.4\0 /v1.20.0\0 av1.2.3\0 v1.19.0 and no end");
        rest.extend_from_slice(&[b'y'; 200]);
        rest.extend_from_slice(b"\0v1.16.6-rc.1+k3s1\0v2.4.2\0v2.4.2/cmd/main.go\0v2.5\0");
        let bytes = program(62, 1, &rest);
        for piece in [1, 2, 63, 64, 65, 320, 321, 325, 10_000] {
            let binary = scan(&bytes, piece).expect("a program");
            let versions: Vec<String> = binary.versions.iter().map(ToString::to_string).collect();
            assert_eq!(versions, ["v1.16.6-rc.1+k3s1", "v1.34.4"], "{piece}");
            let releases: Vec<_> = binary.releases.into_iter().collect();
            assert_eq!(releases, [(1, 16), (1, 34), (2, 4)], "{piece}");
        }
    }
}
