use super::*;

fn places(kind: Kind, text: &str) -> Vec<(Id, Option<(usize, usize)>)> {
    let faults = read(kind, 0o644, text);
    let at = |fault: Fault| (fault.id, fault.position.map(|at| (at.line, at.column)));
    faults.into_iter().map(at).collect()
}

#[test]
fn each_fault_is_at_its_place() {
    let text = "[Match]\nName=a\n[Network]\nAdress=1\n Address = 10.0.0.5/99\nFrobnicate=1\n[Route]\nMetric=9\n[Zebra]\n";
    assert_eq!(
        places(Kind::Network, text),
        [
            (Id::NetworkFileKeyUnknown, Some((9, 1))),
            (Id::NetworkFileInvalid, Some((4, 1))),
            (Id::NetworkFileInvalid, Some((5, 12))),
            (Id::NetworkFileKeyUnknown, Some((6, 1))),
            (Id::NetworkFileInvalid, Some((7, 1))),
        ]
    );
    assert_eq!(
        places(Kind::Link, "[Match]\n[Link]\nName=a\n"),
        [(Id::NetworkFileUnused, Some((1, 1)))]
    );
    assert_eq!(
        places(Kind::Netdev, "# nothing\n"),
        [(Id::NetworkFileUnused, None)]
    );
    // An empty file hides another one.
    assert_eq!(places(Kind::Network, ""), []);
}

#[test]
fn names_say_what_a_file_is() {
    for (path, expected) in [
        ("/etc/systemd/network/10-a.network", Some(Kind::Network)),
        ("/usr/lib/systemd/network/10-a.netdev", Some(Kind::Netdev)),
        ("/etc/systemd/network/10-a.link", Some(Kind::Link)),
        (
            "/etc/systemd/network/10-a.network.d/b.conf",
            Some(Kind::Dropin("network")),
        ),
        ("/etc/systemd/network/10-a.network.d/b.network", None),
        ("/etc/systemd/network/10-a.conf", Some(Kind::Unread)),
        ("/etc/systemd/network/10-a.network.bak", None),
        ("/etc/systemd/network/README.md", None),
        (
            "/etc/systemd/networkd.conf",
            Some(Kind::Settings("networkd")),
        ),
        (
            "/usr/lib/systemd/logind.conf.d/a.conf",
            Some(Kind::Settings("logind")),
        ),
        ("/etc/systemd/networkd.conf.d/a", None),
        ("/etc/systemd/networkd.conf.d/b/a.conf", None),
        ("/etc/systemd/sleep.conf", None),
    ] {
        assert_eq!(kind(path), expected, "{path}");
    }
    let text = "[Match]\nName=a\n";
    assert_eq!(places(Kind::Unread, text), [(Id::NetworkFileUnused, None)]);
    assert_eq!(places(Kind::Unread, "words\n"), []);
    assert_eq!(places(Kind::Dropin("network"), "[Network]\nDHCP=yes\n"), []);
}

#[test]
fn networkd_is_not_root() {
    let text = "[Match]\nName=a\n";
    for (kind, mode, is_read) in [
        (Kind::Network, 0o600, false),
        (Kind::Network, 0o640, true),
        (Kind::Netdev, 0o600, false),
        (Kind::Link, 0o600, true),
    ] {
        let faults = read(kind, mode, text);
        assert_eq!(
            !faults
                .iter()
                .any(|fault| fault.position.is_none() && fault.rule.contains("mode")),
            is_read,
            "{mode:o}"
        );
    }
}
