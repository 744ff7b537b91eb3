use super::*;

fn read_texts(texts: &[&str]) -> Vec<Vec<Fault>> {
    let files: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    read(&files)
}

/// Lines and columns of the faults of each file.
fn places(texts: &[&str]) -> Vec<Vec<(usize, usize)>> {
    let at = |fault: &Fault| {
        let at = fault.position.expect("a place");
        (at.line, at.column)
    };
    let faults = read_texts(texts);
    faults
        .iter()
        .map(|faults| faults.iter().map(at).collect())
        .collect()
}

#[test]
fn each_fault_is_at_its_place() {
    let text = "network:\n  version: 2\n  ethernets:\n    eth0:\n      dhcp4: maybe\n      adresses: [10.0.0.5/24]\n      addresses:\n        - 10.0.0.5\n      mtu: []\n";
    assert_eq!(places(&[text]), [vec![(5, 14), (6, 7), (8, 11), (9, 12)]]);
    let faults = &read_texts(&[text])[0];
    assert_eq!(
        faults[0].message(false),
        "dhcp4: must be true or false; got \"maybe\""
    );
    assert_eq!(faults[1].help.as_deref(), Some("did you mean addresses?"));
}

#[test]
fn files_are_one_configuration() {
    const CARD: &str = "network: {ethernets: {a: {}}}\n";
    const VLAN: &str = "network: {vlans: {v: {id: 7, link: a}}}\n";
    assert_eq!(places(&[CARD, VLAN]), [vec![], vec![]]);
    // netplan reads them by name, and a later one is not there yet.
    assert_eq!(places(&[VLAN, CARD]), [vec![(1, 36)], vec![]]);
    // What one file begins, another one may change.
    let more = "network: {ethernets: {a: {dhcp4: true}}}\n";
    assert_eq!(places(&[CARD, more, CARD]), [vec![], vec![], vec![]]);
    let other = "network: {bridges: {a: {}}}\n";
    assert_eq!(places(&[CARD, other]), [vec![], vec![(1, 21)]]);
    // The renderer of the last one is everybody's.
    let modem = "network: {modems: {m: {apn: x}}}\n";
    assert_eq!(places(&[modem]), [vec![(1, 20)]]);
    let renderer = "network: {renderer: NetworkManager}\n";
    assert_eq!(places(&[modem, renderer]), [vec![], vec![]]);
}

#[test]
fn secrets_are_not_repeated() {
    let text = "network: {wifis: {w: {access-points: {x: {password: hunter2}}}}, \
        tunnels: {t: {mode: gre, remote: 10.0.0.1, key: hunter2}}}\n";
    let faults = &read_texts(&[text])[0];
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(!format!("{faults:?}").contains("hunter2"), "{faults:?}");
}

#[test]
fn names_and_folders_are_netplans() {
    for (path, is_read) in [
        ("/etc/netplan/60-a.yaml", Some("60-a.yaml")),
        ("/usr/lib/netplan/00-a.yaml", Some("00-a.yaml")),
        ("/etc/netplan/60-a.yml", None),
        ("/etc/netplan/.a.yaml", None),
        ("/etc/netplan/old/a.yaml", None),
    ] {
        assert_eq!(name(path), is_read, "{path}");
    }
    assert!(rank("/run/netplan/a.yaml") < rank("/etc/netplan/a.yaml"));
    assert!(mode(0o644).is_some() && mode(0o600).is_none() && mode(0o711).is_none());
}

#[test]
fn other_encodings_are_refused() {
    assert_eq!(read(&[b"network: {\xe4: 1}".to_vec()])[0].len(), 1);
}
