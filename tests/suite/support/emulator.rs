//! QEMU without KVM: a machine that runs until it switches itself off, and what it wrote on its console.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::oracles;

/// What every kernel is told. An emulated timer may be late on a busy host, and a kernel that tests it would panic.
pub const ARGUMENTS: &str = "console=ttyS0 panic=-1 no_timer_check";

/// Runs a machine in a folder; one that is not off after so long is switched off.
pub fn run(folder: &Path, patience: Duration, args: &[&str]) -> String {
    let mut child = oracles::command(folder, "qemu-system-x86_64")
        .args("-machine q35 -cpu max -accel tcg -display none -monitor none -no-reboot".split(' '))
        .args(["-serial", "file:console"])
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > patience {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    console(folder)
}

/// What the last machine of a folder wrote.
pub fn console(folder: &Path) -> String {
    let said = fs::read(folder.join("console")).unwrap();
    String::from_utf8_lossy(&said).replace('\r', "")
}
