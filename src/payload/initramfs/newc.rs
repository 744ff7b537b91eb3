//! Headers of newc members (Documentation/driver-api/early-userspace/buffer-format.rst), written by hand: the crate's
//! builder formats thirteen strings for each, which was a twentieth of a build.

use std::io::{self, Write};

/// Bytes of a header before the name.
const LENGTH: usize = 110;
/// Zeros to the next boundary of four bytes.
const ZEROS: [u8; 3] = [0; 3];

/// What a header says. All numbers that are not here are zero.
pub struct Header<'a> {
    /// The path, relative.
    pub name: &'a str,
    /// The number of the inode; the kernel takes equal ones for hard links.
    pub inode: u32,
    /// The type and the permission bits, as in `st_mode` (inode(7)).
    pub mode: u32,
    /// The owning user.
    pub user: u32,
    /// The owning group.
    pub group: u32,
    /// How many names the inode has.
    pub links: u32,
    /// The time of change, in seconds.
    pub mtime: u32,
    /// The bytes that follow.
    pub size: u32,
}

impl Header<'_> {
    /// Writes it; the content is next, and then [`pad`].
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let name = u32::try_from(self.name.len() + 1).map_err(io::Error::other)?;
        let numbers = [
            self.inode, self.mode, self.user, self.group, self.links, self.mtime, self.size, 0, 0,
            0, 0, name, 0,
        ];
        let mut header = Vec::with_capacity(LENGTH + self.name.len() + 4);
        header.extend_from_slice(b"070701");
        for number in numbers {
            header.extend_from_slice(&digits(number));
        }
        header.extend_from_slice(self.name.as_bytes());
        header.push(0);
        header.resize(header.len().next_multiple_of(4), 0);
        out.write_all(&header)
    }
}

/// Writes what follows a content of so many bytes.
pub fn pad(size: u32, out: &mut dyn Write) -> io::Result<()> {
    let more = size.wrapping_neg() % 4;
    out.write_all(&ZEROS[..more as usize])
}

/// Eight hexadecimal digits.
fn digits(number: u32) -> [u8; 8] {
    let mut digits = [0; 8];
    for (at, byte) in number.to_be_bytes().into_iter().enumerate() {
        for (half, nibble) in [byte >> 4, byte & 15].into_iter().enumerate() {
            digits[2 * at + half] = b"0123456789abcdef"[usize::from(nibble)];
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use cpio::newc::{Builder, ModeFileType};

    use super::*;

    #[test]
    fn members_are_those_of_the_crate() {
        for (name, mode, size) in [
            ("a", 0o644, 0),
            ("etc/kubernetes/pki/ca.crt", 0o600, 1),
            ("etc/kubernetes/pki/ca.crt2", 0o600, 2),
            ("etc/kubernetes/pki/ca.crt23", 0o4755, 3),
            ("bin/x.y", 0o7777, 4096),
        ] {
            let content = vec![b'x'; size as usize];
            let mut expected = Builder::new(name)
                .ino(0xfedc_ba98)
                .nlink(1)
                .mode(mode)
                .set_mode_file_type(ModeFileType::Regular)
                .uid(1000)
                .gid(65_534)
                .mtime(315_532_800)
                .write(Vec::new(), size);
            expected.write_all(&content).expect("memory");
            let expected = expected.finish().expect("memory");
            let header = Header {
                name,
                inode: 0xfedc_ba98,
                mode: 0o100_000 | mode,
                user: 1000,
                group: 65_534,
                links: 1,
                mtime: 315_532_800,
                size,
            };
            let mut member = Vec::new();
            header.write(&mut member).expect("memory");
            member.extend_from_slice(&content);
            pad(size, &mut member).expect("memory");
            assert_eq!(member, expected, "{name}");
        }
    }
}
