//! The suite's own harness. It looks like the standard one, but it knows at run time what could not be asked: a test
//! that was asked in part or not at all is *ignored*, with its reason, and never passed. The end is a count of them.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;
use libtest_mimic::{Arguments, Completion, Failed, FormatSetting, Trial};

use super::reason::{Ignored, Reason, summary};

/// A test as `#[test]` lists it.
pub struct Test {
    /// The module's path and the function's name.
    pub name: &'static str,
    /// The test.
    pub body: fn(),
}

inventory::collect!(Test);

impl Test {
    /// The name as people write it: without the binary's own.
    pub fn short_name(&self) -> &'static str {
        self.name.split_once("::").map_or(self.name, |(_, it)| it)
    }
}

/// All tests, by name.
pub fn tests() -> Vec<&'static Test> {
    let mut tests: Vec<_> = inventory::iter::<Test>().collect();
    tests.sort_by_key(|test| test.name);
    tests
}

/// The standard harness's arguments, and as many filters as it takes.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    first: Arguments,
    /// More filters: a test that matches any of them is run.
    more: Vec<String>,
}

impl Options {
    /// The arguments with names to skip for filters: libtest-mimic takes a single filter, and any number of names.
    fn arguments(mut self, names: &[&'static str]) -> Arguments {
        let matches = |filter: &String, name: &str| {
            if self.first.exact {
                name == filter
            } else {
                name.contains(filter.as_str())
            }
        };
        let filters: Vec<&String> = self.first.filter.iter().chain(&self.more).collect();
        let runs = |name: &str| {
            (filters.is_empty() || filters.iter().any(|filter| matches(filter, name)))
                && !self.first.skip.iter().any(|skip| matches(skip, name))
        };
        let skipped = names.iter().filter(|name| !runs(name));
        self.first.skip = skipped.map(|&name| name.to_owned()).collect();
        self.first.exact = true;
        self.first.filter = None;
        self.first
    }
}

/// Set by a test that starts this binary again, as a process of its own: it runs no tests, but the child of that name
/// in [`main`]'s list.
pub const CHILD: &str = "NODEBAKE_TEST_CHILD";

/// Names a file that gets the count too: `make conformance` shows it at its own end.
const SUMMARY: &str = "NODEBAKE_SUMMARY";

/// Runs the tests that the arguments ask for, or the child that this process is.
pub fn main(children: &[(&str, fn())]) -> ExitCode {
    if let Ok(child) = std::env::var(CHILD) {
        let it = children.iter().find(|(name, _)| *name == child);
        it.expect("a test starts a child of the list").1();
        return ExitCode::SUCCESS;
    }
    let tests = tests();
    let names: Vec<&str> = tests.iter().map(|test| test.short_name()).collect();
    let arguments = Options::parse().arguments(&names);
    let trials = tests
        .iter()
        .map(|test| Trial::ignorable_test(test.short_name(), || run_and_note(test.body)));
    let trials = trials.collect();
    print_panics_of_threads_only();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list && arguments.format != Some(FormatSetting::Json) {
        let ran = conclusion.num_passed + conclusion.num_failed;
        let ignored = IGNORED.lock().expect("no test holds it");
        let summary = summary(ran, &ignored);
        println!("{summary}\n");
        if let Some(file) = std::env::var_os(SUMMARY) {
            std::fs::write(file, summary + "\n").expect("its folder is there");
        }
    }
    conclusion.exit_code()
}

/// The tests that were not asked in full.
static IGNORED: Mutex<Vec<Ignored>> = Mutex::new(Vec::new());

/// What a test has done so far.
#[derive(Default)]
struct Run {
    /// The programs that it asked for, be they there or not.
    asked: BTreeSet<String>,
    /// What it could not ask.
    not_asked: BTreeSet<Reason>,
    /// Its last panic, with the place.
    panic: Option<String>,
}

thread_local! {
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

/// Ends a test early: all of it that could be asked here has been.
struct Ended;

/// Runs a test: whether it was asked in full, and its message where it failed.
fn run(body: fn()) -> Result<Option<Ignored>, String> {
    RUN.set(Some(Run::default()));
    let ended = catch_unwind(AssertUnwindSafe(body));
    let run = RUN.take().unwrap_or_default();
    let early = match ended {
        Ok(()) => false,
        Err(payload) if payload.is::<Ended>() => true,
        Err(payload) => return Err(run.panic.unwrap_or_else(|| message(&*payload))),
    };
    let ignored = Ignored {
        in_part: !early,
        reasons: run.not_asked,
    };
    Ok(Some(ignored).filter(|ignored| !ignored.reasons.is_empty()))
}

/// The same for libtest-mimic, and noted for the end.
fn run_and_note(body: fn()) -> Result<Completion, Failed> {
    let Some(ignored) = run(body)? else {
        return Ok(Completion::Completed);
    };
    let text = ignored.to_string();
    IGNORED.lock().expect("no test holds it").push(ignored);
    Ok(Completion::ignored_with(text))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}

/// A test's panic is told with the failures, or not at all where the test caught it.
fn print_panics_of_threads_only() {
    let standard = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let is_test = RUN.with_borrow_mut(|run| match run {
            Some(run) => {
                run.panic = Some(info.to_string());
                true
            }
            None => false,
        });
        if !is_test {
            standard(info);
        }
    }));
}

/// Notes what the running test cannot ask; it will be ignored for that, whatever else it asks.
pub fn not_asked(reason: Reason) {
    RUN.with_borrow_mut(|run| {
        let run = run.as_mut().expect("a test asks on its own thread");
        run.not_asked.insert(reason);
    });
}

/// Ends the running test as ignored where something was noted that it cannot ask.
pub fn end_if_not_asked() {
    let ends = RUN.with_borrow(|run| run.as_ref().is_some_and(|run| !run.not_asked.is_empty()));
    if ends {
        resume_unwind(Box::new(Ended));
    }
}

/// Notes that the running test asks for a program.
pub fn asks(program: &str) {
    RUN.with_borrow_mut(|run| {
        let run = run.as_mut().expect("a test asks on its own thread");
        run.asked.insert(program.to_owned());
    });
}

/// Whether the running test has asked for a program. On a thread that a test started nobody knows.
pub fn has_asked(program: &str) -> bool {
    RUN.with_borrow(|run| run.as_ref().is_some_and(|run| run.asked.contains(program)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::thread;

    use super::*;
    use crate::support::oracles;

    /// A test of its own, beside the one that looks at it.
    fn outcome(body: fn()) -> Result<String, String> {
        let ignored = thread::spawn(move || run(body)).join().unwrap()?;
        Ok(ignored.map_or("asked in full".to_owned(), |ignored| ignored.to_string()))
    }

    fn machine() -> Reason {
        Reason::Machine("needs a moon".to_owned())
    }

    #[test]
    fn what_could_not_be_asked_makes_a_test_ignored_and_nothing_else_does() {
        assert_eq!(outcome(|| {}).unwrap(), "asked in full");
        let early = outcome(|| {
            not_asked(machine());
            end_if_not_asked();
            unreachable!("it has ended");
        });
        assert_eq!(early.unwrap(), "needs a moon");
        let in_part = outcome(|| not_asked(machine()));
        assert_eq!(in_part.unwrap(), "in part: needs a moon");
        let failed = outcome(|| {
            not_asked(machine());
            panic!("and it failed");
        });
        assert!(failed.unwrap_err().ends_with("and it failed"));
    }

    #[test]
    fn a_test_fails_that_asks_what_it_did_not_name() {
        let ask = || drop(oracles::command(Path::new("/"), "tar"));
        let failed = outcome(ask).unwrap_err();
        assert!(failed.contains("asks tar and does not say so"), "{failed}");
        let named = outcome(|| {
            asks("tar");
            drop(oracles::command(Path::new("/"), "tar"));
        });
        assert_eq!(named.unwrap(), "asked in full");
    }
}
