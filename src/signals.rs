//! Ending early on purpose: SIGINT, SIGTERM and SIGHUP remove what the run has made and not finished, and then end it as
//! they would have done by themselves, so that shells and service managers see which signal it was.

use std::io;
use std::os::raw::c_int;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::error::Result;
use crate::input::{self, Limit};
use crate::unfinished;

/// Set by the signals' handlers themselves, in whatever thread they run.
static ENDING: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Waits for the end if a signal has come. A system call that the signal has cut short fails before the thread that
/// watches knows of it; nothing is to be said about that.
pub fn wait_if_ending() {
    while ENDING
        .get()
        .is_some_and(|ending| ending.load(Ordering::SeqCst))
    {
        thread::park();
    }
}

/// Watches for these signals from now on, in a thread of its own.
pub fn watch() -> Result<()> {
    let signals: Vec<c_int> = [SIGINT, SIGTERM, SIGHUP]
        .into_iter()
        .filter(|signal| !is_ignored(*signal))
        .collect();
    register(&signals).context("watching for signals")
}

fn register(signals: &[c_int]) -> io::Result<()> {
    let mut watched = Signals::new(signals)?;
    let wait = move || {
        if let Some(signal) = watched.forever().next() {
            unfinished::interrupt();
            end_by(signal);
        }
    };
    let thread = thread::Builder::new().name("signals".to_owned());
    thread.spawn(wait)?;
    // After the watch has begun: whoever sees the flag waits for the thread above.
    let ending = ENDING.get_or_init(Arc::default);
    for signal in signals {
        // A second Ctrl-C ends the process at once. Not a second one of the others: service managers send SIGTERM
        // and SIGHUP together, and neither is from somebody who is tired of waiting.
        if *signal == SIGINT {
            flag::register_conditional_default(*signal, ending.clone())?;
        }
        flag::register(*signal, ending.clone())?;
    }
    Ok(())
}

/// Ends the process as the signal does by default.
fn end_by(signal: c_int) {
    // The kernel withholds from a container's first process what it would end by; a shell's code for it is the next
    // best.
    if std::process::id() != 1 {
        let _ = emulate_default_handler(signal);
    }
    std::process::exit(128 + signal);
}

/// Whether whoever started us wants the signal ignored, as nohup does. Where the kernel does not tell, it is left alone.
fn is_ignored(signal: c_int) -> bool {
    let status = input::read(Path::new("/proc/self/status"), Limit::mib(1)).unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 << (signal - 1) != 0)
}
