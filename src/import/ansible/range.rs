//! Ranges of hosts in inventories of Ansible.

/// The most hosts that one range may name.
const LONGEST_RANGE: usize = 10_000;

/// Ranges: `node[01:50]`, `node[1:9:2]`, `rack-[a:f]`, several in one name.
pub fn expand(pattern: &str, names: &mut Vec<String>) -> bool {
    let Some((before, rest)) = pattern.split_once('[') else {
        names.push(pattern.to_owned());
        return names.len() <= LONGEST_RANGE;
    };
    let Some((range, after)) = rest.split_once(']') else {
        return false;
    };
    let mut parts = range.split(':');
    let (Some(first), Some(last)) = (parts.next(), parts.next()) else {
        return false;
    };
    let step = parts
        .next()
        .map_or(Some(1), |step| step.parse::<usize>().ok());
    let Some(step) = step.filter(|step| *step > 0) else {
        return false;
    };
    let members: Vec<String> = match (first.parse::<u32>(), last.parse::<u32>()) {
        (Ok(from), Ok(to)) if from <= to && (to - from) as usize / step < LONGEST_RANGE => {
            let width = if first.starts_with('0') {
                first.len()
            } else {
                0
            };
            (from..=to)
                .step_by(step)
                .map(|number| format!("{number:0width$}"))
                .collect()
        }
        _ => match (first.as_bytes(), last.as_bytes()) {
            ([from], [to])
                if from.is_ascii_alphabetic() && to.is_ascii_alphabetic() && from <= to =>
            {
                (*from..=*to)
                    .step_by(step)
                    .map(|letter| char::from(letter).to_string())
                    .collect()
            }
            _ => return false,
        },
    };
    members
        .iter()
        .all(|member| expand(&format!("{before}{member}{after}"), names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_name_their_members() {
        for (pattern, expected) in [
            ("n1", "n1"),
            ("n[1:3]", "n1 n2 n3"),
            ("n[08:10].lab", "n08.lab n09.lab n10.lab"),
            ("n[1:5:2]", "n1 n3 n5"),
            ("[a:c][1:2]", "a1 a2 b1 b2 c1 c2"),
        ] {
            let mut names = Vec::new();
            assert!(expand(pattern, &mut names), "{pattern}");
            assert_eq!(names.join(" "), expected);
        }
        for pattern in [
            "n[1",
            "n[3:1]",
            "n[1]",
            "n[1:99999999]",
            "n[1:2:0]",
            "n[aa:bb]",
        ] {
            assert!(!expand(pattern, &mut Vec::new()), "{pattern}");
        }
    }
}
