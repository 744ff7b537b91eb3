//! Certificates for clusters that do without bootstrap tokens.

mod init;
mod issue;

pub use init::{NewCa, NewCaMade, create_ca};
pub use issue::{Issuance, IssueRequest, IssuedCertificate, issue};
