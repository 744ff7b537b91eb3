//! Rules for the source itself.

pub mod rooms;
