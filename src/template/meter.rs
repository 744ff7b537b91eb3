//! What one rendering of a template may take. Tera bounds nesting (40), expressions (256 parts) and `range` (10^5 items),
//! but neither steps nor memory: forty times `{% set x = x ~ x %}` are 2^40 bytes. It has no hook for that, so each
//! template is rewritten before it is compiled (`metered.rs`): what a loop iterates over passes the filter [`ITERATE`],
//! and what is set, captured or listed passes [`KEEP`]. They count here, and the same template fails at the same step
//! everywhere: nothing is measured by a clock.
//!
//! - **Steps**, [`WORK`]: bytes of template text that are executed. A loop costs its items times its text, before it
//!   runs; a filter that makes a text, a part of its length; where a value is long, all costs more, since an operation may read all of it. At 10^6 short rounds, the most
//!   that fits, a rendering takes less than a second. The longest templates that we know of (a table of hosts for 1,000
//!   nodes) need a hundredth of it.
//! - **Memory**: a value of a template may have [`VALUE`] bytes, and all of them [`KEPT`] together; one expression can
//!   have some 100 operands, so that at most 100 MiB exist at one moment. Filters that multiply (`replace`, `join`,
//!   `indent`, `json`, `b64encode`) check the length of their result before they make it.
//! - **Output**, [`OUTPUT`]: far more than user-data (32 KiB) or a Kubernetes object (1.5 MiB) may have, and the limit of
//!   the files that nodebake reads as text.
//! - **Stack**: values are at most [`DEPTH`] deep, since they are dropped by recursion.

use crate::io::Limited;
use std::cell::Cell;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tera::{Error, Kwargs, State, StringInput, Tera, TeraResult, Value};

/// The filter on what loops iterate over.
pub const ITERATE: &str = "__iterate";
/// The filter on values that templates keep.
pub const KEEP: &str = "__keep";

/// Bytes of template text that may be executed.
const WORK: u64 = 64 << 20;
/// What a round of a loop costs beside its text.
const ROUND: u64 = 64;
/// A value of this length makes all twice as dear.
const LONG: u64 = 16 << 10;
/// Bytes of one value.
const VALUE: usize = 1 << 20;
/// Bytes of all values that are set, captured or listed.
const KEPT: u64 = 64 << 20;
/// Bytes that a value counts for beside its text: what Tera's values take.
const EACH: usize = 32;
/// Bytes of text that a template makes.
pub const OUTPUT: u64 = 16 << 20;
/// How deep values may be.
const DEPTH: usize = 64;
/// Items that `unique` compares with each other, two by two.
const COMPARED: usize = 4096;

thread_local! {
    /// Of the rendering on this thread; there is one at a time.
    static METER: Cell<Meter> = const { Cell::new(Meter { work: 0, kept: 0, longest: 0 }) };
}

#[derive(Clone, Copy)]
struct Meter {
    work: u64,
    kept: u64,
    longest: u64,
}

/// Begins to count for a rendering of a template that is so long, with a scope whose longest text is so long.
pub fn begin(template: usize, longest: usize) -> Result<(), String> {
    METER.set(Meter {
        work: 0,
        kept: 0,
        longest: longest as u64,
    });
    charge(template as u64)
}

/// Whether a scope whose longest text is so long makes no step dearer.
pub fn is_short(longest: usize) -> bool {
    (longest as u64) < LONG
}

/// The length of the longest text in a value.
pub fn longest(value: &Value) -> usize {
    if let Some(text) = value.as_str() {
        return text.len();
    }
    let items = value.as_array().unwrap_or_default().iter();
    let fields = value.as_map().into_iter().flat_map(|map| map.values());
    items.chain(fields).map(longest).max().unwrap_or(0)
}

fn charge(bytes: u64) -> Result<(), String> {
    let mut meter = METER.get();
    let dear = 1 + meter.longest / LONG;
    meter.work = meter.work.saturating_add(bytes.saturating_mul(dear));
    METER.set(meter);
    if meter.work > WORK {
        Err("takes too many steps: loops must have fewer rounds, or values be shorter".to_owned())
    } else {
        Ok(())
    }
}

/// A loop is about to run: `body` is the length of its text.
fn iterate(value: Value, arguments: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let body = arguments.must_get::<u64>("body")?;
    let rounds = value.len().unwrap_or(0) as u64;
    charge(rounds.saturating_mul(body + ROUND)).map_err(Error::message)?;
    Ok(value)
}

/// A value is set, captured or becomes an item of a list.
fn keep(value: Value, _: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let mut room = VALUE;
    measure(&value, DEPTH, &mut room).map_err(Error::message)?;
    let bytes = (VALUE - room) as u64;
    let mut meter = METER.get();
    meter.kept = meter.kept.saturating_add(bytes);
    meter.longest = meter.longest.max(longest(&value) as u64);
    METER.set(meter);
    if meter.kept > KEPT {
        Err(Error::message(format!(
            "the values of the template have more than {} MiB together",
            KEPT >> 20
        )))
    } else {
        Ok(value)
    }
}

/// Takes a value's bytes out of the room that there is. Shared values count each time: printing them prints them each time.
fn measure(value: &Value, depth: usize, room: &mut usize) -> Result<(), String> {
    if depth == 0 {
        return Err(format!("a value is more than {DEPTH} lists deep"));
    }
    let text = value.as_str().map_or(0, str::len);
    *room = room.checked_sub(text + EACH).ok_or_else(too_long)?;
    for item in value.as_array().unwrap_or_default() {
        measure(item, depth - 1, room)?;
    }
    for (key, item) in value.as_map().into_iter().flatten() {
        let name = key.as_str().map_or(0, str::len);
        *room = room.checked_sub(name).ok_or_else(too_long)?;
        measure(item, depth - 1, room)?;
    }
    Ok(())
}

fn too_long() -> String {
    format!("a value has more than {} MiB", VALUE >> 20)
}

/// A filter's result will be so long; what it reads costs too.
fn makes(bytes: usize) -> TeraResult<()> {
    charge(bytes as u64 / 16).map_err(Error::message)?;
    if bytes > VALUE {
        Err(Error::message(too_long()))
    } else {
        Ok(())
    }
}

/// Registers what counts, and the filters that multiply, with bounds.
pub fn register(tera: &mut Tera) {
    tera.register_filter(ITERATE, iterate);
    tera.register_filter(KEEP, keep);
    tera.register_filter("json", json);
    tera.register_filter("b64encode", b64encode);
    tera.register_filter("replace", replace);
    tera.register_filter("join", join);
    tera.register_filter("indent", indent);
    tera.register_filter("split", split);
    tera.register_filter("unique", unique);
}

/// `{{ value | json }}`: JSON, which is YAML too.
fn json(value: Value, _: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let mut out = Limited::new(Vec::new(), VALUE as u64);
    let written = serde_json::to_writer(&mut out, &value);
    let written = out.within(written);
    let text = written.map_err(|error| Error::message(format!("not JSON: {error}")))?;
    let text = text.ok_or_else(|| Error::message(too_long()))?;
    makes(text.len())?;
    Ok(String::from_utf8(text)?)
}

/// `{{ text | b64encode }}`: standard base64 with padding.
fn b64encode(text: &str, _: Kwargs, _: &State<'_>) -> TeraResult<String> {
    makes(text.len().saturating_mul(4) / 3)?;
    Ok(STANDARD.encode(text))
}

/// As Tera's.
fn replace(text: &str, arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let from = arguments.must_get::<&str>("from")?;
    let to = arguments.must_get::<&str>("to")?;
    let found = text.matches(from).count();
    let grown = found.saturating_mul(to.len().saturating_sub(from.len()));
    makes(text.len().saturating_add(grown))?;
    Ok(text.replace(from, to))
}

/// As Tera's.
fn join(items: &[Value], arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let between = arguments.get::<&str>("sep")?.unwrap_or_default();
    let mut out = Limited::new(Vec::new(), VALUE as u64);
    for (number, item) in items.iter().enumerate() {
        let written = match number {
            0 => write!(out, "{item}"),
            _ => write!(out, "{between}{item}"),
        };
        written.map_err(|_| Error::message(too_long()))?;
    }
    let text = out.into_inner();
    makes(text.len())?;
    Ok(String::from_utf8(text)?)
}

/// As Tera's.
fn indent(text: &str, arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let width = arguments.get::<usize>("width")?.unwrap_or(4).min(1000);
    let with = arguments.get::<StringInput>("indentation")?;
    let with = with.as_ref().map_or(" ", |with| with.as_str());
    let first = arguments.get::<bool>("first")?.unwrap_or(false);
    let blank = arguments.get::<bool>("blank")?.unwrap_or(false);
    if with.chars().count() != 1 {
        return Err(Error::message(
            "The `indentation` argument must contain exactly one character",
        ));
    }
    let margin = with.repeat(width);
    let grown = text.lines().count().saturating_mul(margin.len());
    makes(text.len().saturating_add(grown))?;
    let mut out = String::with_capacity(text.len() + grown);
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let is_indented = match number {
            0 => first,
            _ => blank || !line.is_empty(),
        };
        if is_indented {
            out.push_str(&margin);
        }
        out.push_str(line);
    }
    if text.ends_with('\n') {
        out.push('\n');
    }
    Ok(out)
}

/// As Tera's; an item takes more than a byte of text.
fn split(text: &str, arguments: Kwargs, _: &State<'_>) -> TeraResult<Vec<Value>> {
    let at = arguments.must_get::<&str>("pat")?;
    makes(text.len() + EACH * (text.matches(at).count() + 1))?;
    Ok(text.split(at).map(Value::from).collect())
}

/// As Tera's, which compares each item with all others.
fn unique(items: &[Value], _: Kwargs, _: &State<'_>) -> TeraResult<Vec<Value>> {
    if items.len() > COMPARED {
        return Err(Error::message(format!(
            "`unique` takes at most {COMPARED} items; got {}",
            items.len()
        )));
    }
    charge((items.len() * items.len()) as u64).map_err(Error::message)?;
    let mut found: Vec<Value> = Vec::new();
    for item in items {
        if !found.contains(item) {
            found.push(item.clone());
        }
    }
    Ok(found)
}
