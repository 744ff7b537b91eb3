//! The records of a pax header (POSIX, pax, "pax Extended Header"). The crate's own reader takes a line for a record, but
//! values may hold line feeds: extended attributes of `tar --xattrs` do, and so may paths.

use anyhow::bail;

use crate::error::Result;

/// Key and value.
type Record<'a> = (&'a [u8], &'a [u8]);

/// The records, in their order.
pub fn records(mut bytes: &[u8]) -> impl Iterator<Item = Result<Record<'_>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let Some((record, rest)) = record(bytes) else {
            bytes = &[];
            return Some(broken());
        };
        bytes = rest;
        Some(Ok(record))
    })
}

/// `LENGTH KEY=VALUE\n`, where the length is that of all of it, and what follows.
fn record(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let digits = &bytes[..space];
    // The library's parser would take a sign.
    let length = std::str::from_utf8(digits)
        .ok()
        .filter(|_| digits.iter().all(u8::is_ascii_digit))?;
    let (record, rest) = bytes.split_at_checked(length.parse().ok()?)?;
    let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some(((&record[..equals], &record[equals + 1..]), rest))
}

fn broken<T>() -> Result<T> {
    bail!("a record that is none")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<Vec<Record<'_>>> {
        records(bytes).collect::<Result<_>>().ok()
    }

    #[test]
    fn a_value_may_hold_line_feeds_and_equals_signs() {
        let found = read(b"12 path=a\n\n\n17 a.b=c=d\ne 9=f\n").expect("good");
        assert_eq!(
            found,
            [(&b"path"[..], &b"a\n\n"[..]), (b"a.b", b"c=d\ne 9=f")]
        );
        assert_eq!(read(b"").expect("none").len(), 0);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for bad in [
            "path=a\n",
            "8 path=a\n",
            "11 path=a\n",
            "10 path=ab",
            "7 path\n",
            "2 \n",
            "1 ",
            "-1 a=b\n",
            "\n",
            "99999999999999999999 a=b\n",
            "0 a=b\n",
            "+7 a=b\n",
        ] {
            assert!(read(bad.as_bytes()).is_none(), "{bad:?}");
        }
    }
}
