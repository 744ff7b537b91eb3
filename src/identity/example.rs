//! A CA certificate for the example inventory of `init`.

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;

use crate::error::Result;
use crate::timing::whole_seconds;

/// Makes a CA certificate as PEM, valid for `days` from a day before `now`, so that clocks may differ. Its key is
/// dropped at once and was never written: the certificate can sign nothing, and stands where the user's own belongs.
pub fn example_ca(name: &str, now: OffsetDateTime, days: u32) -> Result<String> {
    let making = "making the example CA";
    let now = whole_seconds(now);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // As kubeadm's own CA has it.
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
        KeyUsagePurpose::KeyCertSign,
    ];
    let begin = now.checked_sub(time::Duration::DAY);
    let end = now.checked_add(time::Duration::days(i64::from(days)));
    params.not_before = begin.context(making)?;
    params.not_after = end.context(making)?;
    let key = KeyPair::generate().context(making)?;
    Ok(params
        .self_signed(&key)
        .context(making)?
        .pem()
        .replace("\r\n", "\n"))
}
