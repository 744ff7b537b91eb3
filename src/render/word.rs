//! Words of a unit's command line.

/// `--name=value` as one word of `ExecStart=`: systemd expands `%` and `$` and splits at blanks (systemd.service(5),
/// "Command lines").
pub fn unit_word(name: &str, value: Option<&str>) -> String {
    let Some(value) = value else {
        return format!("--{name}");
    };
    if !value.contains(is_special) {
        return format!("--{name}={value}");
    }
    let escaped = value.replace('%', "%%").replace('$', "$$");
    let plain = !escaped.contains(|c| is_special(c) && !matches!(c, '%' | '$'));
    if plain {
        format!("--{name}={escaped}")
    } else {
        let quoted = escaped
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
            .replace('\t', "\\t");
        format!("\"--{name}={quoted}\"")
    }
}

/// What systemd does not take as it is.
fn is_special(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '\\' | ';' | '%' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_survive_systemd() {
        assert_eq!(unit_word("v", Some("2")), "--v=2");
        assert_eq!(unit_word("fail", None), "--fail");
        assert_eq!(unit_word("x", Some("a b%i$HOME")), "\"--x=a b%%i$$HOME\"");
        assert_eq!(unit_word("x", Some("a\"b\\c")), "\"--x=a\\\"b\\\\c\"");
    }
}
