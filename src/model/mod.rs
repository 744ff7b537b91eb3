//! Plain data that every room may know: paths, owners, users, networks, digests, locations, and what the inventory decides about
//! output. Nothing here reads, writes or renders.

mod approval;
mod digest;
/// Where users wrote things.
pub mod location;
/// Machines by their names.
mod machine;
mod named;
mod network;
mod node_state;
/// How payloads are written.
pub mod output;
mod owner;
mod path;
mod token_usage;
mod user;

pub use approval::Approval;
pub use digest::{Sha256Digest, Sha512Digest, hex, unhex};
pub use location::{FieldLocation, Location, Spanned};
pub use machine::MACHINES;
pub(crate) use named::named;
pub use network::{
    Bond, Bridge, CloudInitRelease, FIRST_DYNAMIC_METRIC, Gateway, ImageCloudInit, Interface, Link,
    MAIN_TABLE, Network, Renderer, Route, RoutingRule,
};
pub use node_state::NodeState;
pub use owner::Owner;
pub use path::NodePath;
pub use token_usage::TokenUsage;
pub use user::User;
