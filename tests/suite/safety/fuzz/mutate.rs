//! Changes that break readers: numbers at their ends, pieces cut, doubled and moved, words of other places. What a reader
//! looks at first and would turn away for (a checksum, a compressor's own check) is made right again by the seeds.

/// Numbers from a seed: xorshift over a state that splitmix spread.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64, round: u64) -> Self {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ round.wrapping_add(1);
        for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
            state = (state ^ (state >> 30)).wrapping_mul(factor);
        }
        Self(state | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below a bound, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// Ends of what fields of 8, 16, 32 and 64 bits hold, and what is just beyond limits.
const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x0fff,
    0x1001,
    0x7fff,
    0xffff,
    0x10_0001,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_ffff,
];

/// A changed copy; `other` lends pieces.
pub fn bytes(random: &mut Random, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(5) {
        if bytes.is_empty() {
            break;
        }
        change(random, &mut bytes, other);
    }
    // A change may double what another has doubled.
    bytes.truncate(4 << 20);
    bytes
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = place(random, bytes);
    let rest = bytes.len() - at;
    match random.below(11) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = *random.of(&[0, 1, 0x7f, 0x80, 0xff, b'0', b'f', b'/', b'.']),
        2 => {
            let number = random.of(&NUMBERS).to_le_bytes();
            put(bytes, at, &number[..*random.of(&[2, 4, 8])]);
        }
        3 => {
            let number = random.of(&NUMBERS).to_be_bytes();
            put(bytes, at, &number[8 - random.of(&[2, 4, 8])..]);
        }
        // Both byte orders beside each other, as ISO 9660 has it.
        4 => {
            let number = *random.of(&NUMBERS) as u32;
            put(
                bytes,
                at,
                &[number.to_le_bytes(), number.to_be_bytes()].concat(),
            );
        }
        5 => digits(random, bytes, at),
        6 => bytes.truncate(at),
        7 => {
            let length = 1 + random.below(rest.min(2048));
            bytes.drain(at..at + length);
        }
        8 => {
            let length = 1 + random.below(rest.min(2048));
            let piece = bytes[at..at + length].to_vec();
            let to = place(random, bytes);
            bytes.splice(to..to, piece);
        }
        9 => {
            let length = 1 + random.below(rest.min(2048));
            let piece = bytes[at..at + length].to_vec();
            let to = place(random, bytes);
            put(bytes, to, &piece);
        }
        _ if !other.is_empty() => {
            let from = place(random, other);
            let length = 1 + random.below((other.len() - from).min(4096));
            put(bytes, at, &other[from..from + length]);
        }
        _ => bytes.truncate(at),
    }
}

/// Somewhere, rather where there is something than in what pads it.
fn place(random: &mut Random, bytes: &[u8]) -> usize {
    let mut at = 0;
    for _ in 0..8 {
        at = random.below(bytes.len());
        if bytes[at] != 0 {
            break;
        }
    }
    at
}

fn put(bytes: &mut [u8], at: usize, piece: &[u8]) {
    let length = piece.len().min(bytes.len() - at);
    bytes[at..at + length].copy_from_slice(&piece[..length]);
}

/// A number of digits, as cpio and tar have them, from an offset where some are.
fn digits(random: &mut Random, bytes: &mut [u8], at: usize) {
    let Some(start) = bytes[at..]
        .windows(6)
        .position(|window| window.iter().all(u8::is_ascii_hexdigit))
    else {
        return;
    };
    let number = *random.of(&NUMBERS);
    let text = match random.below(2) {
        0 => format!("{:08x}", number as u32),
        _ => format!("{:011o}", number & 0o77_777_777_777),
    };
    put(bytes, at + start, text.as_bytes());
}

/// What YAML, JSON, templates, units and paths have their own opinion on.
const WORDS: [&str; 40] = [
    "null",
    "~",
    "true",
    "[]",
    "{}",
    "\"\"",
    "''",
    "-1",
    "0",
    "1e999",
    "18446744073709551616",
    "0x7fffffff",
    ".nan",
    "\u{feff}",
    "\u{0}",
    "\u{202e}",
    "é",
    "🔑",
    "*a",
    "&a [*a, *a]",
    "!!binary x",
    "<<: *a",
    "? x",
    "- ",
    "---\n",
    "...\n",
    "{{ node.name }}",
    "{{",
    "{% for x in range(end=99) %}",
    "..",
    "/",
    "//",
    "/../x",
    "%n",
    "\\",
    "a: b: c",
    "\t",
    "#",
    "999999999999999999999999h",
    "[1, [2, [3, [4]]]]",
];

/// A changed text, as bytes: it may be no text any more.
pub fn text(random: &mut Random, seed: &str, other: &str) -> Vec<u8> {
    let mut lines: Vec<String> = seed.lines().map(str::to_owned).collect();
    let others: Vec<&str> = other.lines().collect();
    for _ in 0..=random.below(4) {
        if lines.is_empty() {
            break;
        }
        change_lines(random, &mut lines, &others);
    }
    let mut text = lines.join("\n");
    text.push('\n');
    let mut bytes = text.into_bytes();
    if random.below(8) == 0 {
        change(random, &mut bytes, other.as_bytes());
    }
    bytes.truncate(1 << 20);
    bytes
}

fn change_lines(random: &mut Random, lines: &mut Vec<String>, others: &[&str]) {
    let (at, to) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(10) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(to, lines[at].clone()),
        2 => lines.swap(at, to),
        3 => {
            let indent = *random.of(&[" ", "  ", "- ", "\t"]);
            lines[at].insert_str(0, indent);
        }
        4 if lines[at].starts_with("  ") => drop(lines[at].drain(..2)),
        5 if !others.is_empty() => lines.insert(to, (*random.of(others)).to_owned()),
        6 => {
            let depth = *random.of(&[10, 200, 5000]);
            let (open, close) = *random.of(&[("[", "]"), ("{a: ", "}"), ("- ", "")]);
            let nest = format!("x: {}{}", open.repeat(depth), close.repeat(depth));
            lines.insert(to, nest);
        }
        _ => value(random, &mut lines[at]),
    }
}

/// Another value after a key, or another word in a line.
fn value(random: &mut Random, line: &mut String) {
    let word = *random.of(&WORDS);
    let ends: Vec<usize> = line
        .match_indices([' ', ',', '[', ']', '{', '}', '"', '=', ':'])
        .map(|(at, _)| at + 1)
        .collect();
    match (ends.is_empty(), line.split_once(": "), random.below(3)) {
        (_, Some((key, _)), 0) => *line = format!("{key}: {word}"),
        (false, _, 1) => line.insert_str(*random.of(&ends), word),
        (false, _, _) => {
            let (from, to) = (*random.of(&ends), *random.of(&ends));
            line.replace_range(from.min(to)..from.max(to), word);
        }
        (true, _, _) => line.push_str(word),
    }
}
