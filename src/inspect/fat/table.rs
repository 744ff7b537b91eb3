//! The table that gives its name to the file system: for each cluster the next one.

use std::fs::File;
use std::os::unix::fs::FileExt;

use anyhow::{Context, bail};

use crate::error::Result;
use crate::inspect::fat::volume::FatVolume;

/// How much of the table is kept: it may be a gigabyte. A page, since a chain may jump at every step.
const WINDOW: usize = 4096;

/// The table's first copy.
pub struct Table<'f> {
    file: &'f File,
    bits: u32,
    clusters: u32,
    offset: u64,
    size: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'f> Table<'f> {
    pub fn new(file: &'f File, volume: &FatVolume) -> Self {
        Self {
            file,
            bits: volume.bits,
            clusters: volume.clusters,
            offset: volume.table_offset,
            size: volume.table_size,
            window: Vec::new(),
            window_at: 0,
        }
    }

    /// The clusters from a first one to the end of its chain.
    pub fn chain<'t>(&'t mut self, first: u32) -> Chain<'t, 'f> {
        Chain {
            table: self,
            next: first,
            marked: None,
            steps: 0,
            lap: 1,
        }
    }

    /// What is in the table for a cluster, the marks of an end as one that no image has.
    fn after(&mut self, cluster: u32) -> Result<u32> {
        let bit = u64::from(cluster) * u64::from(self.bits);
        let mut bytes = [0; 4];
        let count = if self.bits == 32 { 4 } else { 2 };
        self.read(bit / 8, &mut bytes[..count])
            .context("reading the table of clusters")?;
        let value = u32::from_le_bytes(bytes);
        Ok(match self.bits {
            12 => (value >> (bit % 8)) & 0xfff,
            16 => value,
            // The upper four bits are nobody's.
            _ => value & 0x0fff_ffff,
        })
    }

    fn read(&mut self, at: u64, bytes: &mut [u8]) -> Result<()> {
        let end = at + bytes.len() as u64;
        if end > self.size {
            bail!("it ends too early");
        }
        if at < self.window_at || end > self.window_at + self.window.len() as u64 {
            let length = (self.size - at).min(WINDOW as u64);
            self.window.resize(length as usize, 0);
            self.window_at = at;
            if let Err(error) = self.file.read_exact_at(&mut self.window, self.offset + at) {
                self.window.clear();
                return Err(error.into());
            }
        }
        let start = (at - self.window_at) as usize;
        bytes.copy_from_slice(&self.window[start..start + bytes.len()]);
        Ok(())
    }
}

/// A chain of clusters. A circle in it is found by a mark that is set again after 1, 2, 4, 8… steps (Brent).
pub struct Chain<'t, 'f> {
    table: &'t mut Table<'f>,
    next: u32,
    marked: Option<u32>,
    steps: u64,
    lap: u64,
}

impl Chain<'_, '_> {
    /// The next cluster; None at the end.
    pub fn next(&mut self) -> Result<Option<u32>> {
        let cluster = self.next;
        let end = [0xff8, 0xfff8, 0x0fff_fff8][(self.table.bits / 16) as usize];
        if cluster >= end || (cluster == 0 && self.marked.is_none()) {
            return Ok(None);
        }
        if cluster < 2 || cluster - 2 >= self.table.clusters {
            bail!("a chain leads to cluster {cluster}, which does not exist");
        }
        if self.marked == Some(cluster) {
            bail!("a chain of clusters leads in a circle");
        }
        if self.marked.is_none() || self.steps == self.lap {
            (self.marked, self.steps) = (Some(cluster), 0);
            self.lap *= 2;
        }
        self.steps += 1;
        self.next = self.table.after(cluster)?;
        Ok(Some(cluster))
    }
}
