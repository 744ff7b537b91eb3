//! Rules for the source itself.

pub mod circles;
pub mod numbers;
pub mod rooms;
pub mod tour;
