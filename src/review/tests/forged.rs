//! Requests that are damaged, or made so that two readers see two things in them.

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use crate::review::Decision::{Approve, Deny, Leave};
use crate::review::tests::{
    BY_NODE, BY_TOKEN, CLIENT, FOR_CLIENTS, FOR_SERVERS, SERVING, csr, decided, der, pem, to_pem,
    verdict,
};

#[test]
fn a_signature_by_another_key_is_denied() {
    let mut der = der("client");
    // The last byte of s: still a signature, of something else.
    *der.last_mut().unwrap() ^= 1;
    let (found, why) = decided(&to_pem(&der), BY_TOKEN, CLIENT, FOR_CLIENTS);
    assert_eq!(
        (found, why.as_str()),
        (Deny, "it is not signed with its own key")
    );
}

#[test]
fn what_cannot_be_read_is_left() {
    let good = pem("client");
    let cut = &der("client")[..100];
    let mut longer = der("client");
    longer.push(0);
    for text in [
        String::new(),
        "hello".into(),
        good.replace("CERTIFICATE REQUEST", "CERTIFICATE"),
        // Which of two would be read?
        format!("{good}{}", pem("client-of-2")),
        format!("{}{good}", pem("client-of-2")),
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{good}"),
        good.replacen("\nMI", "\n!!", 1),
        to_pem(cut),
        to_pem(&longer),
    ] {
        let (found, why) = decided(&text, BY_TOKEN, CLIENT, FOR_CLIENTS);
        assert_eq!(found, Leave, "{text}: {why}");
    }
    let mut not_base64 = csr("csr-1", &good, BY_TOKEN, CLIENT, FOR_CLIENTS);
    not_base64["spec"]["request"] = "*".into();
    assert_eq!(verdict(not_base64).decision, Leave);
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82][..], &length, &content].concat()
}

/// A request with attributes of our own; its signature is broken, which the rules look at last.
fn with_attributes(attributes: &[&[u8]]) -> String {
    let der = der("client");
    let (_, request) = X509CertificationRequest::from_der(&der).unwrap();
    let info = &request.certification_request_info;
    let version = [2, 1, 0];
    let all = tlv(0xa0, attributes);
    let new = tlv(
        0x30,
        &[&version, info.subject.as_raw(), info.subject_pki.raw, &all],
    );
    let start = der.windows(info.raw.len()).position(|w| w == info.raw);
    let rest = &der[start.unwrap() + info.raw.len()..];
    to_pem(&tlv(0x30, &[&new, rest]))
}

/// subjectAltName with one DNS name.
fn extensions(name: &str) -> Vec<u8> {
    let names = tlv(0x30, &[&tlv(0x82, &[name.as_bytes()])]);
    let oid = [6, 3, 0x55, 0x1d, 0x11];
    tlv(0x30, &[&tlv(0x30, &[&oid, &tlv(4, &[&names])])])
}

fn extension_request(values: &[&[u8]]) -> Vec<u8> {
    let oid = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
    tlv(0x30, &[&oid, &tlv(0x31, values)])
}

/// A reader that takes the first of a repeated thing would not see the name that is hidden in the second.
#[test]
fn repeated_attributes_hide_nothing() {
    let (own, other) = (extensions("edge-001"), extensions("edge-002"));
    let requests = |names: &[&[u8]]| {
        let attributes: Vec<Vec<u8>> = names.iter().map(|n| extension_request(&[n])).collect();
        let attributes: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
        with_attributes(&attributes)
    };
    let serving = |pem: &str| decided(pem, BY_NODE, SERVING, FOR_SERVERS);
    // The way in which these are made is sound: only the signature is wrong.
    let (found, why) = serving(&requests(&[&own]));
    assert_eq!(
        (found, why.as_str()),
        (Deny, "it is not signed with its own key")
    );
    let (found, why) = serving(&requests(&[&own, &other]));
    assert!(found == Deny && why.contains("the name edge-002"), "{why}");
    let both = [&own[4..], &other[4..]].concat();
    let (found, why) = serving(&requests(&[&tlv(0x30, &[&both])]));
    assert_ne!(found, Approve, "{why}");
    let (found, why) = serving(&with_attributes(&[&extension_request(&[&own, &other])]));
    assert!(found == Leave && why.contains("cannot be read"), "{why}");
    let empty = tlv(0x30, &[]);
    let client = requests(&[&empty, &other]);
    let (found, why) = decided(&client, BY_TOKEN, CLIENT, FOR_CLIENTS);
    assert!(found == Deny && why.contains("asks for edge-002"), "{why}");
}
