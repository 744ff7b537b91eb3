//! Calendar events, `OnCalendar=` (systemd.time(7); src/shared/calendarspec.c): whether systemd can parse one.

use crate::tree::unit::value::Taken;

/// Events that are one word.
const WORDS: [&str; 15] = [
    "minutely",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "quarterly",
    "semiannually",
    "semi-annually",
    "biannually",
    "bi-annually",
    "annually",
    "yearly",
    "anually",
    "semianually",
    "bianually",
];
const DAYS: [(&str, u8); 14] = [
    ("monday", 0),
    ("mon", 0),
    ("tuesday", 1),
    ("tue", 1),
    ("wednesday", 2),
    ("wed", 2),
    ("thursday", 3),
    ("thu", 3),
    ("friday", 4),
    ("fri", 4),
    ("saturday", 5),
    ("sat", 5),
    ("sunday", 6),
    ("sun", 6),
];
/// Zones that tzset knows by three letters on the usual machines, beside those of the zone database (Area/City).
const ZONES: [&str; 22] = [
    "CET",
    "CST6CDT",
    "EET",
    "EST",
    "EST5EDT",
    "GB",
    "GMT",
    "HST",
    "MET",
    "MST",
    "MST7MDT",
    "NZ",
    "PRC",
    "PST8PDT",
    "ROC",
    "ROK",
    "UCT",
    "UTC",
    "WET",
    "Zulu",
    "Japan",
    "Singapore",
];

/// Microseconds of a second.
const MICRO: u64 = 1_000_000;

/// A place in the text that is parsed.
struct Rest<'t>(&'t [u8]);

/// The numbers that a part allows, without which it is anything.
type Bounds = (u64, u64);

/// Checks a calendar event.
pub fn check(text: &str) -> Taken {
    let event = without_zone(text);
    let lower = event.to_ascii_lowercase();
    if WORDS.contains(&lower.as_str()) || parse(&lower).is_some() {
        Ok(())
    } else {
        Err(
            "must be a calendar event (for example daily, Mon..Fri 03:00 or *-*-01 00:00:00)"
                .to_owned(),
        )
    }
}

/// A zone may be the last word.
fn without_zone(text: &str) -> &str {
    match text.rsplit_once(' ') {
        Some((event, zone)) if ZONES.iter().any(|known| known.eq_ignore_ascii_case(zone)) => event,
        Some((event, zone))
            if zone.contains('/') && zone.starts_with(|c: char| c.is_ascii_uppercase()) =>
        {
            event
        }
        _ => text,
    }
}

fn parse(text: &str) -> Option<()> {
    let mut rest = Rest(text.as_bytes());
    if rest.0.is_empty() {
        return None;
    }
    rest.weekdays()?;
    let is_over = rest.date()?;
    if is_over {
        return rest.0.is_empty().then_some(());
    }
    rest.time()
}

impl Rest<'_> {
    fn peek(&self) -> u8 {
        self.0.first().copied().unwrap_or(0)
    }

    fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    fn blanks(&mut self) {
        while self.peek() == b' ' {
            self.skip(1);
        }
    }

    fn weekdays(&mut self) -> Option<()> {
        let (mut range, mut is_first) = (None, true);
        loop {
            let day = DAYS
                .iter()
                .find(|(name, _)| self.0.starts_with(name.as_bytes()));
            let Some((name, day)) = day else {
                return is_first.then_some(());
            };
            if !matches!(
                self.0.get(name.len()),
                None | Some(b'-' | b'.' | b',' | b' ')
            ) {
                return None;
            }
            if range.is_some_and(|from| from > *day) {
                return None;
            }
            self.skip(name.len());
            match self.peek() {
                0 => return Some(()),
                b' ' => {
                    self.blanks();
                    return Some(());
                }
                b'.' | b'-' if range.is_some() => return None,
                b'.' => {
                    if self.0.get(1) != Some(&b'.') {
                        return None;
                    }
                    range = Some(*day);
                    self.skip(2);
                }
                b'-' => {
                    range = Some(*day);
                    self.skip(1);
                }
                _ => {
                    range = None;
                    self.skip(1);
                }
            }
            if matches!(self.peek(), 0 | b' ') {
                self.blanks();
                return range.is_none().then_some(());
            }
            is_first = false;
        }
    }

    /// One number; seconds may have a part behind a point, and are in microseconds.
    fn number(&mut self, has_parts: bool, bounds: Bounds) -> Option<u64> {
        let count = self
            .0
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let digits = std::str::from_utf8(self.0.get(..count)?).ok()?;
        let number: u64 = digits.parse().ok()?;
        self.skip(count);
        if number > i32::MAX as u64 || number > bounds.1 {
            return None;
        }
        if !has_parts {
            return Some(number);
        }
        let mut parts = String::new();
        if self.peek() == b'.' && self.0.get(1) != Some(&b'.') {
            self.skip(1);
            let count = self
                .0
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            parts = std::str::from_utf8(self.0.get(..count)?).ok()?.to_owned();
            if count == 0 {
                return None;
            }
            self.skip(count);
        }
        parts.truncate(6);
        let parts: u64 = format!("{parts:0<6}").parse().ok()?;
        Some(number * MICRO + parts)
    }

    /// `*`, or numbers, ranges and steps with commas between them. The answer is whether it was `*`.
    fn chain(&mut self, has_parts: bool, bounds: Bounds) -> Option<bool> {
        if self.peek() == b'*' {
            self.skip(1);
            return Some(true);
        }
        loop {
            let from = self.number(has_parts, bounds)?;
            if from < bounds.0 {
                return None;
            }
            if self.0.starts_with(b"..") {
                self.skip(2);
                let to = self.number(has_parts, bounds)?;
                // A range of seconds without a step has one of a second.
                let is_short = has_parts && self.peek() != b'/' && from + MICRO > to;
                if to < from || is_short {
                    return None;
                }
            }
            if self.peek() == b'/' {
                self.skip(1);
                let step = self.number(has_parts, (0, i32::MAX as u64))?;
                if step == 0 {
                    return None;
                }
            }
            match self.peek() {
                b',' => self.skip(1),
                0 | b' ' | b'-' | b'~' | b':' => return Some(false),
                _ => return None,
            }
        }
    }

    /// The date, if there is one; the answer is whether nothing may follow.
    fn date(&mut self) -> Option<bool> {
        match self.peek() {
            0 => return Some(false),
            b'@' => {
                self.skip(1);
                self.number(false, (0, i32::MAX as u64))?;
                return Some(true);
            }
            _ => {}
        }
        let start = self.0;
        // What it is, a year, a month or an hour, is known from what follows.
        self.chain(false, (0, i32::MAX as u64))?;
        match self.peek() {
            0 | b':' => {
                self.0 = start;
                return Some(false);
            }
            b'-' | b'~' => {}
            _ => return None,
        }
        let is_end = self.peek() == b'~';
        self.skip(1);
        let second = self.0;
        self.chain(false, (0, i32::MAX as u64))?;
        match self.peek() {
            0 | b' ' => {
                let (mut month, mut day) = (Rest(start), Rest(second));
                month.chain(false, (1, 12))?;
                day.chain(false, (1, 31))?;
            }
            b'-' | b'~' if !is_end => {
                let mut month = Rest(second);
                month.chain(false, (1, 12))?;
                self.skip(1);
                self.chain(false, (1, 31))?;
                if !matches!(self.peek(), 0 | b' ') {
                    return None;
                }
                let mut year = Rest(start);
                year.chain(false, (0, 2199))?;
            }
            _ => return None,
        }
        self.blanks();
        Some(false)
    }

    fn time(&mut self) -> Option<()> {
        if self.0.is_empty() {
            return Some(());
        }
        self.chain(false, (0, 23))?;
        if self.peek() != b':' {
            return None;
        }
        self.skip(1);
        self.chain(false, (0, 59))?;
        if self.0.is_empty() {
            return Some(());
        }
        if self.peek() != b':' {
            return None;
        }
        self.skip(1);
        self.chain(true, (0, 60))?;
        self.0.is_empty().then_some(())
    }
}
