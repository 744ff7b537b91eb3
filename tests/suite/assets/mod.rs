//! Assets, the large files that nodes get: programs, archives and images, from the project or fetched, packed once.

pub mod binaries;
pub mod fetched;
pub mod images;
pub mod large;
pub mod reading;
pub mod shared;
pub mod templates;
pub mod unpack;
