//! Values that are taken and values that are not, with the byte at which the fault is. The table of all parsers is a fixture of the
//! suite, which asks systemd too.

use super::*;

fn rules(parser: &'static str, value: &str) -> Vec<String> {
    let key = Key { parser, more: "" };
    let faults = check(&key, "Key", value).into_iter();
    faults
        .map(|fault| format!("{}: {}", fault.at, fault.message))
        .collect()
}

#[test]
fn good_values_are_taken() {
    for (parser, value) in [
        ("exec", "-/bin/sh -c 'exit 1' ; /bin/true"),
        ("exec", "/bin/sh -c 'a | b; c' | d"),
        ("exec", ""),
        ("exec", "!!/usr/bin/x \\; --50% ${A}"),
        ("bool", "Yes"),
        ("sec", "1min 30s"),
        ("sec", "2.5h"),
        ("sec", "infinity"),
        ("unit_deps", "a.service b@%i.timer dev-a\\x2db.device"),
        ("environ", "\"A=b c\" D=e"),
        ("unsigned", "3"),
        ("service_type", "notify-reload"),
        ("service_restart", ""),
        ("nobody_knows_this", "anything"),
    ] {
        assert_eq!(rules(parser, value), [""; 0], "{value}");
    }
}

#[test]
fn bad_values_are_named_at_their_byte() {
    for (parser, value, at, part) in [
        ("exec", "kubelet --x", 0, "an absolute path"),
        ("exec", "/x ; bin/y", 5, "an absolute path"),
        ("exec", "/x 'y", 3, "not closed"),
        ("exec", "/x/", 0, "a folder"),
        ("exec", "- /x", 0, "no program"),
        ("exec", "/x > /y", 3, "no shell"),
        ("exec", "/x; /y", 0, "no shell"),
        ("exec", "/bin/date +%F", 11, "%F is not a specifier"),
        ("bool", "maybe", 0, "must be yes or no"),
        ("sec", "5 parsecs", 0, "a span"),
        ("sec", "s", 0, "a span"),
        ("unit_deps", "a.service network", 10, "the name of a unit"),
        ("environ", "A=b c", 4, "an assignment"),
        ("environ", "1A=b", 0, "an assignment"),
        ("unsigned", "-1", 0, "a whole number"),
        ("service_type", "forked", 0, "one of simple"),
        ("service_restart", "allways", 0, "one of no"),
        ("kill_mode", "all", 0, "one of control-group"),
        ("unit_string_printf", "100%x", 3, "not a specifier"),
        (
            "namespace_path_strv",
            "/a b",
            3,
            "an absolute path; got \"b\"",
        ),
        ("syscall_filter", "~@mount @bogus", 8, "a group"),
    ] {
        let found = rules(parser, value);
        assert_eq!(found.len(), 1, "{value}: {found:?}");
        let start = format!("{at}: ");
        assert!(
            found[0].starts_with(&start) && found[0].contains(part),
            "{value}: {found:?}"
        );
    }
}

/// A credential's value is a secret.
#[test]
fn the_value_of_a_credential_is_not_repeated() {
    let found = rules("set_credential", "/a:hunter2");
    assert!(
        found.len() == 1 && !found[0].contains("hunter2"),
        "{found:?}"
    );
}
