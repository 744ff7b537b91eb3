//! The process that runs a target: limited, watched, and dead when one input asks for too much.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::exit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::mutate::Random;
use super::targets::{Corpus, Target};

/// The name of such a process.
pub const NAME: &str = "fuzz";
/// What it does: `target:seed:from:to`.
pub const VARIABLE: &str = "NODEBAKE_FUZZ_CHILD";
/// The input that is tried.
pub const CURRENT: &str = "current";
/// Its number.
pub const ROUND: &str = "round";
/// The last input that was accepted.
pub const PASSED: &str = "passed";
/// An input that did harm and left the process alive; its number follows.
pub const FOUND: &str = "found-";

/// What may be allocated beside what the process begins with: the decoders' own limits (a window of 128 MiB for zstd, 80
/// MiB for xz) and what documents of the limits below take.
const MEMORY: u64 = 384 << 20;
/// The stack of a main thread.
const STACK: usize = 8 << 20;
/// Processor time for one input, of any length that the mutations make.
const CPU: Duration = Duration::from_secs(10);
/// The same on a machine that does much else.
const WALL: Duration = Duration::from_secs(120);

/// What the process does.
pub fn main() {
    let said = std::env::var(VARIABLE).unwrap();
    let words: Vec<&str> = said.split(':').collect();
    let number = |at: usize| words[at].parse::<u64>().unwrap();
    let target = Target::named(words[0]);
    let (seed, from, to) = (number(1), number(2), number(3));
    let corpus = target.corpus(Path::new("."));
    limit_memory();
    let watch = Watch::default();
    thread::scope(|scope| {
        let rounds = thread::Builder::new().stack_size(STACK);
        let rounds = rounds.spawn_scoped(scope, || {
            for round in from..to {
                watch.begin(round);
                one(target, &corpus, seed, round);
            }
            watch.end();
        });
        rounds.unwrap();
        watch.look();
    });
}

fn one(target: Target, corpus: &Corpus, seed: u64, round: u64) {
    let mut random = Random::new(seed, round);
    let input = corpus.mutated(&mut random);
    fs::write(CURRENT, &input.bytes).unwrap();
    fs::write(ROUND, round.to_string()).unwrap();
    let tried = catch_unwind(AssertUnwindSafe(|| target.try_on(corpus, &input, round)));
    match tried {
        Ok(true) => fs::write(PASSED, round.to_string()).unwrap(),
        Ok(false) => {}
        Err(_) => drop(fs::copy(CURRENT, format!("{FOUND}{round}")).unwrap()),
    }
}

fn limit_memory() {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let size = size.and_then(|size| size.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let limit = Some(size.unwrap() * 1024 + MEMORY);
    let limit = Rlimit {
        current: limit,
        maximum: limit,
    };
    setrlimit(Resource::As, limit).unwrap();
}

/// The time that the current input takes.
#[derive(Default)]
struct Watch {
    /// The round's number and 1, 0 when all are done.
    round: AtomicU64,
    ended: AtomicU64,
}

impl Watch {
    fn begin(&self, round: u64) {
        self.round.store(round + 1, Ordering::SeqCst);
    }

    fn end(&self) {
        self.ended.store(1, Ordering::SeqCst);
    }

    /// Watches until all is done; ends the process when one input takes too long.
    fn look(&self) {
        let mut seen = (0, Instant::now(), cpu());
        while self.ended.load(Ordering::SeqCst) == 0 {
            thread::sleep(Duration::from_millis(100));
            let round = self.round.load(Ordering::SeqCst);
            if round != seen.0 {
                seen = (round, Instant::now(), cpu());
            } else if cpu() - seen.2 > CPU || seen.1.elapsed() > WALL {
                eprintln!("it takes too long");
                exit(99);
            }
        }
    }
}

/// Processor time of the whole process: fields 14 and 15 of proc_pid_stat(5), in hundredths of a second on Linux.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after = stat.rsplit_once(") ").unwrap().1;
    let ticks = after.split(' ').skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}
