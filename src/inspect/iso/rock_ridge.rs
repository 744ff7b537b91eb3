//! Rock Ridge (RRIP 1.12) over the System Use Sharing Protocol: POSIX names, modes, owners and links in what follows a
//! record's name.

use std::fs::File;
use std::os::unix::fs::FileExt;

use anyhow::{Context, bail};

use crate::error::Result;
use crate::inspect::collect::Collector;
use crate::inspect::iso::SECTOR;
use crate::inspect::iso::record::{EntryFacts, Record};
use crate::inspect::{NAME_MAX, RowKind};
use crate::wording::counted;

/// How many continuation areas one record may have.
const CONTINUATIONS: usize = 64;

/// That an image has Rock Ridge, and where in each record it begins.
pub struct RockRidge {
    skip: usize,
}

/// One field: its two letters and what follows length and version.
struct SystemUseField<'a> {
    name: [u8; 2],
    data: &'a [u8],
}

impl RockRidge {
    /// Looks into the root directory's own record, which says that the protocol is in use.
    pub fn of_root(file: &File, root: &Record, into: &mut Collector) -> Result<Option<Self>> {
        let mut sector = [0; SECTOR as usize];
        if file
            .read_exact_at(&mut sector, root.extent * SECTOR)
            .is_err()
        {
            bail!("the root directory is beyond the end");
        }
        let own = Record::parse(&sector).context("the root directory has no record")?;
        let fields: Vec<SystemUseField<'_>> = fields(&own.system_use).collect();
        let sharing = fields.iter().find(|field| &field.name == b"SP");
        let Some([0xbe, 0xef, skip, ..]) = sharing.map(|field| field.data) else {
            return Ok(None);
        };
        let rock_ridge = Self {
            skip: usize::from(*skip),
        };
        // Others share the protocol as well; permissions are what Rock Ridge always has.
        let said = rock_ridge.read(file, &own, into)?;
        Ok(said.mode.is_some().then_some(rock_ridge))
    }

    /// What is said of a record. Continuation areas count as whole sectors: each is read again, though all records may
    /// name the same ones.
    pub fn read(&self, file: &File, record: &Record, into: &mut Collector) -> Result<EntryFacts> {
        let mut said = record.plain();
        let plain = std::mem::take(&mut said.name);
        let skip = if record.is_dot() { 0 } else { self.skip };
        let mut area = record.system_use.get(skip..).unwrap_or_default().to_vec();
        let mut target = Target::default();
        for _ in 0..CONTINUATIONS {
            let mut next = None;
            for field in fields(&area) {
                match &field.name {
                    b"CE" => next = field.numbers::<3>(),
                    b"ST" => break,
                    _ => add(&mut said, &mut target, &field)?,
                }
            }
            let Some([block, offset, length]) = next else {
                said.target = target.text;
                if said.name.is_empty() {
                    said.name = plain;
                }
                return Ok(said);
            };
            if length as u64 > SECTOR {
                bail!("a continuation area of {}", counted(length, "byte"));
            }
            into.afford(SECTOR)?;
            area = vec![0; length as usize];
            let at = u64::from(block) * SECTOR + u64::from(offset);
            file.read_exact_at(&mut area, at)
                .context("reading a continuation area")?;
        }
        bail!("a record with more than {CONTINUATIONS} continuation areas")
    }
}

fn add(said: &mut EntryFacts, target: &mut Target, field: &SystemUseField<'_>) -> Result<()> {
    match &field.name {
        b"PX" => {
            if let Some([mode, _links, uid, gid]) = field.numbers::<4>() {
                said.mode = Some(mode & 0o7777);
                said.kind = Some(RowKind::of_mode(mode));
                (said.uid, said.gid) = (Some(uid.into()), Some(gid.into()));
            }
        }
        b"PN" => {
            if let Some([high, low]) = field.numbers::<2>() {
                // With nothing in the upper half both numbers are in the lower.
                said.device = Some(match high {
                    0 => (low >> 8, low & 0xff),
                    high => (high, low),
                });
            }
        }
        b"NM" => said
            .name
            .extend_from_slice(field.data.get(1..).unwrap_or_default()),
        b"SL" => target.add(field.data.get(1..).unwrap_or_default()),
        b"CL" => said.moved_to = field.numbers::<1>().map(|[block]| block.into()),
        b"RE" => said.relocated = true,
        _ => {}
    }
    if said.name.len().max(target.text.len()) > NAME_MAX {
        bail!("a name of more than {NAME_MAX} bytes")
    } else {
        Ok(())
    }
}

/// A link's target, which comes in components that may go on in the next field.
#[derive(Default)]
struct Target {
    text: Vec<u8>,
    /// Whether the next component belongs to the one before it.
    open: bool,
    begun: bool,
}

impl Target {
    fn add(&mut self, mut components: &[u8]) {
        while let [flags, length, rest @ ..] = components {
            let (content, rest) = rest.split_at(rest.len().min(usize::from(*length)));
            components = rest;
            let root = flags & 8 != 0;
            if self.begun && !self.open && self.text.last() != Some(&b'/') {
                self.text.push(b'/');
            }
            match flags {
                flags if flags & 2 != 0 => self.text.push(b'.'),
                flags if flags & 4 != 0 => self.text.extend_from_slice(b".."),
                _ if root => self.text.push(b'/'),
                _ => self.text.extend_from_slice(content),
            }
            self.open = flags & 1 != 0;
            self.begun = true;
        }
    }
}

fn fields(mut area: &[u8]) -> impl Iterator<Item = SystemUseField<'_>> {
    std::iter::from_fn(move || {
        let [a, b, length, _version, ..] = area else {
            return None;
        };
        let (field, rest) = area.split_at_checked(usize::from(*length))?;
        let name = [*a, *b];
        area = rest;
        Some(SystemUseField {
            name,
            data: field.get(4..)?,
        })
    })
}

impl SystemUseField<'_> {
    /// Numbers that are there in both byte orders; the little-endian halves.
    fn numbers<const N: usize>(&self) -> Option<[u32; N]> {
        let mut numbers = [0; N];
        for (number, both) in numbers.iter_mut().zip(self.data.chunks_exact(8)) {
            *number = u32::from_le_bytes([both[0], both[1], both[2], both[3]]);
        }
        (self.data.len() >= 8 * N).then_some(numbers)
    }
}
