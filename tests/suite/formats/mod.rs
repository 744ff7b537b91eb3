//! Payloads, one file or folder for each format: given to the programs that unpack or obey them in the field.

pub mod archives;
pub mod boot_formats;
pub mod budgets;
pub mod credential;
pub mod ignition;
pub mod initrd;
pub mod seeds;
pub mod separate;
pub mod sysext;
