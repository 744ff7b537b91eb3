//! The program: parse, call, print, exit code.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use nodebake::cli::{Cli, Command};
use nodebake::cmd;
use nodebake::error::{Exit, Result, one_line};
use nodebake::redact::redacted;
use nodebake::signals;
use nodebake::terminal::{self, shown};
use nodebake::unfinished::go_on_or_wait;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(error),
    };
    terminal::set_colors(cli.color.choice());
    let ended = begin().and_then(|()| run(&cli));
    // After a signal the process is about to end by it, and what failed for that reason is not said.
    signals::wait_if_ending();
    go_on_or_wait();
    let ended = match ended {
        Ok(exit) => exit,
        Err(error) if is_closed_pipe(&error) => Exit::Good,
        Err(error) => {
            // If stderr is gone too, the exit code is all that is left to say.
            let line = format!("nodebake: {}\n", one_line(&error));
            // In one piece, so that a signal cannot cut it in two.
            let _ = terminal::stderr().write_all(line.as_bytes());
            Exit::Error
        }
    };
    ExitCode::from(ended as u8)
}

/// Help, the version, or what is wrong with the command line. clap repeats arguments as they are, and they may be names of
/// files that a glob found, or secrets: it is asked again about arguments without either, which are as wrong.
fn usage(error: clap::Error) -> ExitCode {
    let escaped = env::args_os().map(|arg| shown(&redacted(&arg.to_string_lossy())));
    let error = Cli::try_parse_from(escaped).err().unwrap_or(error);
    // If stderr is gone too, the exit code is all that is left to say.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8))
}

/// Before anything is read: no core dump, which would hold tokens and keys, and an orderly end by signals.
fn begin() -> Result<()> {
    // The limit holds for files that the kernel writes; a program that `core_pattern` names gets no dump of a process
    // that is not dumpable. Another process of the same user cannot attach to one and read its memory either.
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).context("ruling out core dumps")?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("ruling out core dumps")?;
    signals::watch()
}

fn run(cli: &Cli) -> Result<Exit> {
    match &cli.command {
        Command::Init(args) => cmd::init::run(args),
        Command::Import(args) => cmd::import::run(args),
        Command::Check(args) => cmd::check::run(args),
        Command::Build(args) => cmd::build::run(args),
        Command::Show(args) => cmd::show::run(args),
        Command::Preflight(args) => cmd::preflight::run(args),
        Command::Profile(args) => cmd::profile::run(args),
        Command::Overlay(args) => cmd::overlay::run(args),
        Command::Inspect(args) => cmd::inspect::run(args),
        Command::Initrd(args) => cmd::initrd::run(args),
        Command::Verify(args) => cmd::verify::run(args),
        Command::Diff(args) => cmd::diff::run(args),
        Command::Sign(args) => cmd::sign::run(args),
        Command::Token(args) => cmd::token::run(args),
        Command::Csr(args) => cmd::csr::run(args),
        Command::Key(args) => cmd::key::run(args),
        Command::Pki(args) => cmd::pki::run(args),
        Command::Man(args) => cmd::man::man(args),
        Command::Explain(args) => cmd::explain::run(args),
        Command::Schema(args) => cmd::schema::run(args),
        Command::Completions(args) => cmd::man::completions(args),
    }
}

/// `nodebake show … | head`: the reader has seen enough, which is no error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref::<io::Error>() {
        Some(error) => error.kind() == io::ErrorKind::BrokenPipe,
        None => cause
            .downcast_ref::<serde_json::Error>()
            .is_some_and(|error| error.io_error_kind() == Some(io::ErrorKind::BrokenPipe)),
    };
    error.chain().any(kind)
}
