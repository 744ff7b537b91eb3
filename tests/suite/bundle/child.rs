//! This test binary again, as a process of its own: one that can be killed, and that has its own umask and mounts.

use std::path::{Path, PathBuf};
use std::process::Command;

use nodebake::bundle::SignatureSource;
use nodebake::verify::verify;

use crate::support::harness::CHILD;

use super::{Room, bake, load};

/// The name of such a process.
pub const NAME: &str = "bundle";
const OUT: &str = "NODEBAKE_TEST_OUT";
const KEY: &str = "NODEBAKE_TEST_KEY";
const ACT: &str = "NODEBAKE_TEST_ACT";

/// A command that does `act` in a shell line's own surroundings: `setup` runs first, `"$@"` is the child.
pub fn child(room: &Room, act: &str, setup: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", setup, "sh"])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, NAME)
        .env(OUT, &room.out)
        .env(KEY, room.key("sign.key"))
        .env(ACT, act)
        .stdout(std::process::Stdio::null());
    command
}

/// What the child does.
pub fn main() {
    let out = PathBuf::from(std::env::var_os(OUT).unwrap());
    let key = PathBuf::from(std::env::var_os(KEY).unwrap());
    let act = std::env::var(ACT).unwrap();
    match act.as_str() {
        "forever" => {
            std::fs::write(out.with_file_name("ready"), "").unwrap();
            for turn in 0.. {
                build(&out, &key, &turn.to_string());
            }
        }
        "twice" => {
            for text in ["one", "two"] {
                build(&out, &key, text);
                let verdict = verify(&out, load(&key).public(), None).unwrap();
                assert!(verdict.is_good(), "{verdict}");
                let payload = std::fs::read(out.join("nodes/node-a/user-data")).unwrap();
                assert!(
                    String::from_utf8(payload)
                        .unwrap()
                        .ends_with(&format!("{text}\n"))
                );
            }
        }
        text => build(&out, &key, text),
    }
}

fn build(out: &Path, key: &Path, text: &str) {
    bake(out, SignatureSource::Key(load(key)), text).unwrap();
}
