//! What `build` shows of itself: a bar while it lasts, a line when it is done.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::bundle::Finished;
use crate::cli::{Build, Print};
use crate::cmd::project::Prepared;
use crate::error::Result;
use crate::terminal;
use crate::timing::rfc3339;

/// A bar on stderr when that is a terminal and there is something to wait for.
pub fn bar(nodes: usize) -> ProgressBar {
    let target = match terminal::is_watched() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(nodes as u64), target);
    match ProgressStyle::with_template("{bar:40} {pos}/{len} nodes") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Says what was made.
pub fn print(args: &Build, prepared: &Prepared, out: &Path, finished: &Finished) -> Result<()> {
    let until = prepared
        .plan
        .usable_until()
        .and_then(rfc3339)
        .unwrap_or_default();
    let mut stdout = terminal::stdout();
    match args.print {
        Print::Text => {
            let signed = if finished.signed {
                "signed"
            } else {
                "not signed"
            };
            writeln!(
                stdout,
                "{}: {} nodes, {} files, {} bytes, {signed}, usable until {until}",
                out.display(),
                finished.nodes,
                finished.files,
                finished.bytes
            )?;
        }
        Print::Json => {
            let mut said: BTreeMap<String, serde_json::Value> =
                serde_json::from_value(serde_json::to_value(finished)?)?;
            said.insert("usableUntil".to_owned(), until.into());
            terminal::write_json(&mut stdout, &said)?;
        }
    }
    Ok(())
}
