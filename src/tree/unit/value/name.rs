//! Names: units, users, variables, documents.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::tree::unit::value::{Taken, ValueFault, each, is_open, one, whole};
use crate::tree::unit::words::{Word, split};
use crate::tree::unit_name;

/// Errors that people name; the kernel knows some more (errno(3)).
const ERRORS: &str = "EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY \
    EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE \
    EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP EWOULDBLOCK ENOMSG EIDRM ENOSTR ENODATA ETIME ENOSR ENONET ENOLINK \
    EPROTO EBADMSG EOVERFLOW EILSEQ EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT \
    ESOCKTNOSUPPORT EOPNOTSUPP ENOTSUP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET \
    ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH \
    EALREADY EINPROGRESS ESTALE EUCLEAN EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED \
    EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON";

/// Checks the values of parsers that read names; None for another parser.
pub fn check(parser: &str, value: &str) -> Option<Vec<ValueFault>> {
    let faults = match parser {
        "user_group_compat" => whole(value, owner(value)),
        "user_group_strv_compat" => each(value, owner),
        "unit_slice" => whole(value, unit_of(value, &["slice"])),
        "socket_service" => whole(value, unit_of(value, &["service"])),
        "service_sockets" => each(value, |word| unit_of(word, &["socket"])),
        "trigger_unit" if is_open(value) => Vec::new(),
        "trigger_unit" => whole(
            value,
            unit_name(value).map_err(|_| "must be the whole name of a unit".to_owned()),
        ),
        "pass_environ" => each(value, |word| {
            variable(word, is_open(word) || is_variable(word))
        }),
        "unset_environ" => each(value, |word| {
            let name = word.split_once('=').map_or(word, |(name, _)| name);
            variable(word, is_open(word) || is_variable(name))
        }),
        "documentation" => value
            .split_whitespace()
            .flat_map(|word| {
                let at = word.as_ptr() as usize - value.as_ptr() as usize;
                one(at, word, document(word))
            })
            .collect(),
        "log_extra_fields" => each(value, field),
        "log_namespace" => whole(
            value,
            if is_open(value) || !value.contains(['/', ' ']) {
                Ok(())
            } else {
                Err("must be a name without slashes and blanks".to_owned())
            },
        ),
        "exec_input_text" => whole(value, unescaped(value)),
        "exec_input_data" => {
            let data: String = value.split_whitespace().collect();
            let is_data = BASE64.decode(data.as_bytes()).is_ok();
            whole(
                value,
                if is_data {
                    Ok(())
                } else {
                    Err("must be base64".to_owned())
                },
            )
        }
        "bus_name" => whole(value, bus(value)),
        "fdname" => whole(
            value,
            if value.contains(':') || value.chars().any(char::is_control) || value.len() > 255 {
                Err("must be a name without colons".to_owned())
            } else {
                Ok(())
            },
        ),
        _ => return None,
    };
    Some(faults)
}

/// Names are split at blanks alone: a backslash is a part of them (`dev-disk-by\\x2duuid`).
pub fn units(value: &str) -> Vec<ValueFault> {
    let at = |word: &str| word.as_ptr() as usize - value.as_ptr() as usize;
    let words = value.split_ascii_whitespace();
    // What a specifier stands for is not known here.
    words
        .filter(|word| !word.contains('%'))
        .filter_map(|word| {
            let rule = unit_name(word.trim_matches(['"', '\''])).err()?;
            Some(ValueFault::new(at(word), rule).help("write the whole name of a unit"))
        })
        .collect()
}

/// Assignments of variables.
pub fn environment(value: &str) -> Vec<ValueFault> {
    let words = match split(value) {
        Ok(words) => words,
        Err((at, rule)) => return vec![ValueFault::new(at, rule)],
    };
    let is_one = |word: &&Word| {
        let name = word.text.split_once('=').map(|(name, _)| name);
        name.is_some_and(is_variable) || word.text.contains('%')
    };
    words
        .iter()
        .filter(|word| !is_one(word))
        .map(|word| {
            // Without the word: it may be a part of a password.
            ValueFault::new(
                word.at,
                "each word must be an assignment (for example NAME=value)",
            )
            .help("quote the whole of it: \"NAME=a b\"")
        })
        .collect()
}

fn is_variable(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn variable(_: &str, is_one: bool) -> Taken {
    if is_one {
        Ok(())
    } else {
        Err("must be the name of a variable".to_owned())
    }
}

/// A user or a group (src/basic/user-util.c, valid_user_group_name with the relaxed rules that old units need).
fn owner(name: &str) -> Taken {
    let number = name.strip_prefix('-').unwrap_or(name);
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let taken = if is_open(name) {
        true
    } else if is_number {
        // 65535 and 4294967295 stand for nobody at all.
        name.parse::<u32>()
            .is_ok_and(|id| id != 65535 && id != u32::MAX)
    } else {
        let fits = |c: char| !c.is_control() && c != ':' && c != '/';
        name.chars().all(fits)
            && name != "."
            && name != ".."
            && name.trim() == name
            && name.len() < 256
    };
    if taken {
        Ok(())
    } else {
        Err("must be the name or the number of a user or group".to_owned())
    }
}

fn unit_of(name: &str, kinds: &[&str]) -> Taken {
    let is_kind = name
        .rsplit_once('.')
        .is_some_and(|(_, kind)| kinds.contains(&kind));
    if is_kind && (is_open(name) || unit_name(name).is_ok()) {
        Ok(())
    } else {
        Err(format!(
            "must be the name of a {} (for example kube.{})",
            kinds[0], kinds[0]
        ))
    }
}

/// src/shared/web-util.c, documentation_url_is_valid.
fn document(word: &str) -> Taken {
    let web = ["http://", "https://"]
        .iter()
        .find_map(|scheme| word.strip_prefix(scheme));
    let local = ["file:", "info:", "man:"]
        .iter()
        .find_map(|scheme| word.strip_prefix(scheme));
    let is_one = web.or(local).is_some_and(|rest| !rest.is_empty()) && !word.starts_with("file:x");
    if is_one || is_open(word) {
        Ok(())
    } else {
        Err("must be a URL that begins with http://, https://, file:/, info: or man:".to_owned())
    }
}

/// Text with escapes as in C.
fn unescaped(value: &str) -> Taken {
    // Between quotes blanks belong to the word, and quotes themselves are escaped.
    let quoted = format!("\"{}\"", value.replace('"', "\\\""));
    match split(&quoted) {
        Ok(_) => Ok(()),
        Err((_, rule)) => Err(format!("must be text with escapes as in C: {rule}")),
    }
}

/// A field of the journal: capital letters, digits and underscores, and not one of the journal's own.
fn field(word: &str) -> Taken {
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_one = word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(fits)
            && name.len() <= 64
    });
    if is_one || is_open(word) {
        Ok(())
    } else {
        Err("must be FIELD=value with a field of capital letters".to_owned())
    }
}

/// The D-Bus specification, "Bus names".
fn bus(name: &str) -> Taken {
    let is_unique = name.starts_with(':');
    let parts: Vec<&str> = name.trim_start_matches(':').split('.').collect();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_part = |part: &&str| {
        !part.is_empty()
            && part.chars().all(fits)
            && (is_unique || !part.starts_with(|c: char| c.is_ascii_digit()))
    };
    if (parts.len() > 1 && parts.iter().all(is_part) && name.len() < 256) || is_open(name) {
        Ok(())
    } else {
        Err("must be a name on the bus (for example org.example.Name)".to_owned())
    }
}

/// Whether it is an error's name or number.
pub fn is_errno(text: &str) -> bool {
    ERRORS.split_whitespace().any(|name| name == text)
        || text
            .parse::<u16>()
            .is_ok_and(|number| (1..4096).contains(&number))
}

/// Whether it can be the name of a credential: a file's name without a colon.
pub fn is_credential(name: &str) -> bool {
    !name.is_empty()
        && name.len() < 256
        && !name.contains(['/', ':'])
        && name != "."
        && name != ".."
}
