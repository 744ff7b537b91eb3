//! What a service may do: system calls, namespaces, address families, credentials, verified images.

use crate::tree::unit::value::choice::boolean;
use crate::tree::unit::value::name::{is_credential, is_errno};
use crate::tree::unit::value::path::absolute;
use crate::tree::unit::value::{Taken, ValueFault, each, is_open, whole};

/// Groups of system calls (src/shared/seccomp-util.c).
const GROUPS: &str = "@aio @basic-io @chown @clock @cpu-emulation @debug @default @file-system @io-event @ipc @keyring @known \
    @memlock @module @mount @network-io @obsolete @pkey @privileged @process @raw-io @reboot @resources @sandbox @setuid \
    @signal @swap @sync @system-service @timer";
/// Machines (src/shared/seccomp-util.c, seccomp_arch_from_string).
const ARCHITECTURES: &str = "native x86 x86-64 x32 arm arm64 loongarch64 mips mips64 mips64-n32 mips-le mips64-le \
    mips64-le-n32 parisc parisc64 ppc ppc64 ppc64-le riscv64 s390 s390x";
/// namespaces(7); `time` is newer.
const NAMESPACES: [&str; 8] = ["cgroup", "ipc", "net", "mnt", "pid", "user", "uts", "time"];
/// address_families(7).
const FAMILIES: &str = "ALG APPLETALK ASH ATMPVC ATMSVC AX25 BLUETOOTH BRIDGE CAIF CAN DECnet ECONET FILE IB IEEE802154 INET \
    INET6 IPX IRDA ISDN IUCV KCM KEY LLC LOCAL MCTP MPLS NETBEUI NETLINK NETROM NFC PACKET PHONET PPPOX QIPCRTR RDS ROSE \
    ROUTE RXRPC SECURITY SMC SNA TIPC UNIX VSOCK WANPIPE X25 XDP";
/// Where a program of BPF can be attached (src/core/bpf-foreign.c).
const ATTACHMENTS: &str = "egress ingress sock_create post_bind4 post_bind6 connect4 connect6 sendmsg4 sendmsg6 recvmsg4 \
    recvmsg6 getsockopt setsockopt bind4 bind6 getpeername4 getpeername6 getsockname4 getsockname6 sock_ops device sysctl";
/// Partitions of an image (src/shared/dissect-image.c).
const PARTITIONS: [&str; 9] = [
    "root", "usr", "home", "srv", "esp", "xbootldr", "tmp", "var", "swap",
];

/// Checks the values of parsers that read such; None for another parser.
pub fn check(parser: &str, value: &str) -> Option<Vec<ValueFault>> {
    let faults = match parser {
        "syscall_filter" | "syscall_log" => calls(value),
        "syscall_archs" => each(value, |word| {
            among(
                word,
                ARCHITECTURES,
                "a machine that systemd knows (for example x86-64 or native)",
            )
        }),
        "syscall_errno" => whole(
            value,
            if value == "kill" {
                Ok(())
            } else {
                errno(value)
            },
        ),
        "namespace_flags" => whole(value, namespaces(value)),
        "address_families" => families(value),
        "bpf_foreign_program" => whole(value, program(value)),
        "set_credential" => credential(value),
        "load_credential" => whole(value, loaded(value)),
        "exec_root_hash" => whole(value, root_hash(value)),
        "root_image_options" => each(value, |word| match word.split_once(':') {
            Some((partition, _)) if !PARTITIONS.contains(&partition) => Err(format!(
                "must be options, or PARTITION:OPTIONS with one of {}",
                PARTITIONS.join(", ")
            )),
            _ => Ok(()),
        }),
        "restrict_filesystems" => each(value.strip_prefix('~').unwrap_or(value), |_| Ok(())),
        _ => return None,
    };
    Some(faults)
}

fn among(word: &str, words: &str, what: &str) -> Taken {
    if words.split_whitespace().any(|known| known == word) {
        Ok(())
    } else {
        Err(format!("must be {what}"))
    }
}

fn errno(value: &str) -> Taken {
    if is_errno(value) {
        Ok(())
    } else {
        Err("must be an error (for example EPERM), its number, or kill".to_owned())
    }
}

/// Names of calls differ by machine and by libseccomp; groups are systemd's.
fn calls(value: &str) -> Vec<ValueFault> {
    let (is_denied, list) = match value.strip_prefix('~') {
        Some(list) => (true, list),
        None => (false, value),
    };
    let shift = value.len() - list.len();
    let mut faults = each(list, |word| {
        let (name, error) = word
            .split_once(':')
            .map_or((word, None), |(name, error)| (name, Some(error)));
        if let Some(error) = error {
            if error != "kill" {
                errno(error)?;
            }
            if !is_denied {
                return Err(
                    "must have no error: only calls that are denied, with ~ in front, take one"
                        .to_owned(),
                );
            }
        }
        if name.starts_with('@') {
            return among(
                name,
                GROUPS,
                "a group of system calls that systemd knows (systemd-analyze syscall-filter)",
            );
        }
        if name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.is_empty()
        {
            Ok(())
        } else {
            Err("must be the name of a system call or of a group".to_owned())
        }
    });
    faults.iter_mut().for_each(|fault| fault.at += shift);
    faults
}

fn namespaces(value: &str) -> Taken {
    let list = value.strip_prefix('~').unwrap_or(value);
    let mut words = list.split_whitespace();
    if boolean(value).is_ok() || words.all(|word| NAMESPACES.contains(&word)) {
        Ok(())
    } else {
        Err(format!(
            "must be yes, no, or namespaces: {}",
            NAMESPACES.join(", ")
        ))
    }
}

fn families(value: &str) -> Vec<ValueFault> {
    if value == "none" {
        return Vec::new();
    }
    each(value.strip_prefix('~').unwrap_or(value), |word| {
        let name = word.strip_prefix("AF_");
        if name.is_some_and(|name| FAMILIES.split_whitespace().any(|known| known == name)) {
            Ok(())
        } else {
            Err("must be an address family (for example AF_INET)".to_owned())
        }
    })
}

fn program(value: &str) -> Taken {
    match value.split_once(':') {
        Some((attachment, path)) => {
            among(
                attachment,
                ATTACHMENTS,
                "an attachment and a path (for example egress:/sys/fs/bpf/x)",
            )?;
            absolute(path)
        }
        None => {
            Err("must be an attachment and a path (for example egress:/sys/fs/bpf/x)".to_owned())
        }
    }
}

/// `ID:VALUE`. The value is a secret, so that no part of it is repeated.
fn credential(value: &str) -> Vec<ValueFault> {
    match value.split_once(':') {
        Some((id, _)) if is_open(id) || is_credential(id) => Vec::new(),
        _ => vec![ValueFault::new(0, "must be ID:VALUE")],
    }
}

/// `ID[:PATH]`; a path that is not absolute is the name of a credential.
fn loaded(value: &str) -> Taken {
    let (id, path) = value.split_once(':').unwrap_or((value, ""));
    let is_source =
        path.is_empty() || is_open(path) || is_credential(path) || absolute(path).is_ok();
    if is_source && (is_open(id) || is_credential(id)) {
        Ok(())
    } else {
        Err("must be ID or ID:PATH with an absolute path".to_owned())
    }
}

fn root_hash(value: &str) -> Taken {
    let is_hash = value.len() >= 32
        && value.len().is_multiple_of(2)
        && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash {
        Ok(())
    } else {
        absolute(value).map_err(|_| {
            "must be a hash of at least 32 hexadecimal digits, or an absolute path".to_owned()
        })
    }
}
