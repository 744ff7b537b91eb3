//! What an inspected file holds, for people and for programs.

use std::fmt::Write;

use serde::{Serialize, Serializer};

use crate::decompress::Packing;
use crate::model::{Sha256Digest, hex};
use crate::terminal::shown;
use crate::wording::counted;

/// A file and what is in it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    /// The file, as it was named.
    pub file: String,
    /// `initramfs`, `tarball`, `ignition`, `cloudInit`, `iso9660` or `fat`.
    pub format: &'static str,
    /// Its size in bytes.
    pub size: u64,
    /// An initrd's archives in their order; of everything else there is one.
    pub members: Vec<Member>,
    /// Units of an Ignition configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<UnitRow>,
    /// What is odd in it, or cannot be listed.
    pub notes: Vec<String>,
    /// Why the listing ends before the file does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One archive of a file.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Where in the file it begins, in bytes.
    pub offset: u64,
    /// How many bytes of the file it takes.
    pub size: u64,
    /// Zero bytes between it and what is before it.
    pub padding: u64,
    /// How it is packed.
    pub compression: Packing,
    /// How many bytes it is unpacked.
    pub unpacked: u64,
    /// Whether it is for the kernel's early loader of microcode and ACPI tables, which reads it before anything is
    /// unpacked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub early: bool,
    /// An ISO image's volume label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What is in it, in its own order.
    pub entries: Vec<ListingRow>,
}

impl Member {
    /// The only one of its file.
    pub fn whole(compression: Packing, unpacked: u64) -> Self {
        Self {
            offset: 0,
            size: 0,
            padding: 0,
            compression,
            unpacked,
            early: false,
            label: None,
            entries: Vec::new(),
        }
    }
}

/// The type of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RowKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Another name of a file.
    HardLink,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// What a later version of the format may mean.
    Unknown,
}

impl RowKind {
    /// What a POSIX mode says.
    pub(super) fn of_mode(mode: u32) -> Self {
        match mode & 0o170_000 {
            0o010_000 => Self::Fifo,
            0o020_000 => Self::CharacterDevice,
            0o040_000 => Self::Directory,
            0o060_000 => Self::BlockDevice,
            0o100_000 => Self::File,
            0o120_000 => Self::Symlink,
            0o140_000 => Self::Socket,
            _ => Self::Unknown,
        }
    }

    /// What `ls -l` begins a line with; `h` for a hard link, as tar has it.
    fn letter(self) -> char {
        match self {
            Self::File => '-',
            Self::Directory => 'd',
            Self::Symlink => 'l',
            Self::HardLink => 'h',
            Self::CharacterDevice => 'c',
            Self::BlockDevice => 'b',
            Self::Fifo => 'p',
            Self::Socket => 's',
            Self::Unknown => '?',
        }
    }
}

/// One path.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListingRow {
    /// Absolute, as on the node; bytes that are no UTF-8 are U+FFFD.
    pub path: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: RowKind,
    /// Permissions with the special bits, where the format says them.
    #[serde(serialize_with = "octal", skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// The owner's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u64>,
    /// The group's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gid: Option<u64>,
    /// The owner's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The group's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// A file's length in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// A file's digest, where its content is there.
    #[serde(serialize_with = "digest", skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Digest>,
    /// Where a link leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// From where the node fetches the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// A device's major and minor number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<(u32, u32)>,
}

impl ListingRow {
    /// A row that says nothing yet but path and type.
    pub fn new(path: String, kind: RowKind) -> Self {
        Self {
            path,
            kind,
            mode: None,
            uid: None,
            gid: None,
            user: None,
            group: None,
            size: None,
            sha256: None,
            target: None,
            source: None,
            device: None,
        }
    }
}

/// A unit of an Ignition configuration.
#[derive(Clone, Debug, Serialize)]
pub struct UnitRow {
    /// `kubelet.service`.
    pub name: String,
    /// Null leaves it to the image.
    pub enabled: Option<bool>,
    /// Whether it can be started at all.
    pub masked: bool,
    /// The names of its drop-ins.
    pub dropins: Vec<String>,
}

fn octal<S: Serializer>(mode: &Option<u32>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{:04o}", mode.unwrap_or_default()))
}

fn digest<S: Serializer>(sha256: &Option<Sha256Digest>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&sha256.map(|digest| hex(&digest)).unwrap_or_default())
}

impl Listing {
    /// A file of which nothing was read yet.
    pub fn new(file: String, format: &'static str, size: u64) -> Self {
        Self {
            file,
            format,
            size,
            members: Vec::new(),
            units: Vec::new(),
            notes: Vec::new(),
            error: None,
        }
    }

    /// Writes it for people: a head line, and for each member a line and its entries.
    pub fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let several = self.format == "initramfs";
        writeln!(
            out,
            "{}: {}, {}",
            shown(&self.file),
            self.format,
            counted(self.size, "byte")
        )?;
        for (number, member) in (1..).zip(&self.members) {
            if several {
                writeln!(out, "member {number}: {}", member.head())?
            } else {
                member.write_facts(out)?
            }
            for row in &member.entries {
                out.write_all(row.line().as_bytes())?;
            }
        }
        for unit in &self.units {
            let state = match (unit.masked, unit.enabled) {
                (true, _) => "masked",
                (false, Some(true)) => "enabled",
                (false, Some(false)) => "disabled",
                (false, None) => "as the image has it",
            };
            writeln!(out, "unit {} {state}", shown(&unit.name))?;
        }
        for note in &self.notes {
            writeln!(out, "note: {}", shown(note))?;
        }
        Ok(())
    }
}

impl Member {
    fn head(&self) -> String {
        let mut head = format!("offset {}, {}", self.offset, counted(self.size, "byte"));
        // Writing to a String cannot fail.
        let _ = match self.compression {
            Packing::None => write!(head, ", not compressed"),
            packing => write!(head, ", {}, {} unpacked", packing.name(), self.unpacked),
        };
        if self.padding > 0 {
            let _ = write!(head, ", {} before it", counted(self.padding, "zero"));
        }
        if self.early {
            head.push_str(", early microcode or tables");
        }
        head
    }

    fn write_facts(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        if self.compression != Packing::None {
            let name = self.compression.name();
            let unpacked = counted(self.unpacked, "byte");
            writeln!(out, "{name}, {unpacked} unpacked")?;
        }
        match &self.label {
            Some(label) => writeln!(out, "label {}", shown(label)),
            None => Ok(()),
        }
    }
}

impl ListingRow {
    fn line(&self) -> String {
        let mode = self
            .mode
            .map_or("-".to_owned(), |mode| format!("{mode:04o}"));
        let owner = |name: &Option<String>, id: Option<u64>| match (name, id) {
            (_, Some(id)) => id.to_string(),
            (Some(name), None) => shown(name),
            (None, None) => "-".to_owned(),
        };
        let owners = format!(
            "{}:{}",
            owner(&self.user, self.uid),
            owner(&self.group, self.gid)
        );
        let size = match (self.size, self.device) {
            (_, Some((major, minor))) => format!("{major},{minor}"),
            (Some(size), None) => size.to_string(),
            (None, None) => String::new(),
        };
        let mut line = format!(
            "{} {mode} {owners} {size:>10} {}",
            self.kind.letter(),
            shown(&self.path)
        );
        let more = match self.kind {
            RowKind::HardLink => " link to ",
            _ => " -> ",
        };
        for (word, text) in [(more, &self.target), (" from ", &self.source)] {
            if let Some(text) = text {
                line.push_str(word);
                line.push_str(&shown(text));
            }
        }
        line.push('\n');
        line
    }
}
