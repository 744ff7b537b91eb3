//! Good and bad configurations, and their lines.

use super::*;

const OLD: Option<(u32, u32)> = Some((1, 7));
const NEW: Option<(u32, u32)> = Some((2, 1));

fn ids(text: &str, release: Option<(u32, u32)>) -> Vec<(Id, usize)> {
    let faults = read(text, release).into_iter();
    faults
        .map(|fault| (fault.id, fault.position.map_or(0, |at| at.line)))
        .collect()
}

#[test]
fn good_configurations_are_taken() {
    for (text, releases) in [
        ("", &[OLD, NEW, None][..]),
        (
            "version = 2\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n",
            &[OLD, NEW, None],
        ),
        (
            "version = 2\ndisabled_plugins = [\"io.containerd.snapshotter.v1.zfs\"]\n",
            &[OLD, NEW, None],
        ),
        (
            "disabled_plugins = [\"zfs\"]\n[plugins.cri]\nsandbox_image = \"a/b\"\n",
            &[OLD, NEW],
        ),
        (
            "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/x\"\n[plugins.\"io.containerd.grpc.v1.cri\".registry.configs.\"r\".auth]\nusername = \"u\"\n",
            &[OLD, NEW, None],
        ),
        (
            "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"\"\n[plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"r\"]\nendpoint = [\"https://r\"]\n",
            &[OLD, NEW],
        ),
        (
            "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]\nSystemdCgroup = true\n[plugins.'io.containerd.grpc.v1.cri']\ndisable_tcp_service = true\n",
            &[NEW, None],
        ),
        ("version = 4\n", &[Some((2, 3)), None]),
        (
            "version = 2\n[proxy_plugins.s]\ntype = \"snapshot\"\naddress = \"/run/s\"\n[debug]\nlevel = \"info\"\n",
            &[OLD, NEW],
        ),
    ] {
        for release in releases {
            assert_eq!(ids(text, *release), [], "{text} {release:?}");
        }
    }
}

#[test]
fn bad_configurations_are_named_at_their_line() {
    use Id::{
        ContainerdConfigInvalid as Invalid, ContainerdCriOff as Off,
        ContainerdKeyUnknown as Unknown, ContainerdKeyUnread as Unread,
    };
    for (text, release, id, line) in [
        ("version = 2\nbroken = [\n", None, Invalid, 2),
        ("version = 2\ndisabled_plugins = [\"cri\"]\n", None, Off, 2),
        ("disabled_plugins = [\"cri\"]\n", OLD, Off, 1),
        (
            "version = 2\ndisabled_plugins = [\n\"io.containerd.grpc.v1.cri\"]\n",
            NEW,
            Off,
            3,
        ),
        (
            "version = 3\ndisabled_plugins = [\"io.containerd.cri.v1.runtime\"]\n",
            NEW,
            Off,
            2,
        ),
        ("version = 2\noom_score = \"-999\"\n", OLD, Invalid, 2),
        ("version = 3\n[debug]\nlevel = 5\n", NEW, Invalid, 3),
        ("version = 4\n", NEW, Invalid, 1),
        ("version = 9\n", None, Invalid, 1),
        ("version = \"2\"\n", None, Invalid, 1),
        (
            "[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"a/b\"\n",
            OLD,
            Unread,
            1,
        ),
        (
            "version = 2\n[plugins.cri]\nsandbox_image = \"a/b\"\n",
            OLD,
            Invalid,
            2,
        ),
        (
            "version = 2\n[plugins.io.containerd.grpc.v1.cri]\nsandbox_image = \"a/b\"\n",
            None,
            Invalid,
            2,
        ),
        (
            "version = 3\n[plugins.\"io.containerd.cri.v1.runtime\"]\nenable_selinux = true\n",
            OLD,
            Unread,
            2,
        ),
        (
            "version = 2\n[plugins.\"io.containerd.cri.v1.runtime\"]\nenable_selinux = true\n",
            OLD,
            Unread,
            2,
        ),
        (
            "version = 3\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"a/b\"\n",
            NEW,
            Unread,
            3,
        ),
        (
            "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/x\"\n[plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"r\"]\nendpoint = [\"https://r\"]\n",
            OLD,
            Off,
            4,
        ),
        (
            "version = 3\n[plugins.\"io.containerd.cri.v1.images\".registry]\nconfig_path = \"/x\"\n[plugins.\"io.containerd.cri.v1.images\".registry.configs.\"r\".tls]\nca_file = \"/r\"\n",
            NEW,
            Unknown,
            4,
        ),
        ("version = 2\nplugin = 1\n", None, Unknown, 2),
        (
            "version = 2\n[\"io.containerd.grpc.v1.cri\"]\nx = 1\n",
            None,
            Unknown,
            2,
        ),
        ("version = 2\nplugins = 1\n", None, Invalid, 2),
        ("version = 2\nimports = \"x\"\n", None, Invalid, 2),
    ] {
        let found = ids(text, release);
        assert!(found.contains(&(id, line)), "{text} {release:?}: {found:?}");
    }
}
