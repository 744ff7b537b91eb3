//! nodebake-approver: approves the kubelets' requests for certificates in the cluster, by the rules of `nodebake csr review`
//! and a signed extract of the inventory. In: the extract's folder, the API server's requests. Out: approvals, denials, Events.

mod api;
mod arguments;
mod knowledge;
mod lease;
mod log;
mod metrics;
mod serve;
mod state;
mod store;
mod work;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;
use futures::future::join;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use nodebake::error::{Result, one_line};
use nodebake::signing::PublicKey;
use nodebake::terminal;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::api::Api;
use crate::arguments::Arguments;
use crate::knowledge::Reader;
use crate::lease::Lease;
use crate::metrics::Metrics;
use crate::state::{LeaseView, State};

/// The two signers of kubelets. Nothing else is watched.
pub const SIGNERS: [&str; 2] = [
    "kubernetes.io/kube-apiserver-client-kubelet",
    "kubernetes.io/kubelet-serving",
];
/// How often the folder and the Lease are read.
const EVERY: Duration = Duration::from_secs(2);
/// How long the end may take.
const END: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime");
    match runtime.and_then(|runtime| runtime.block_on(run(&arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("nodebake-approver: {}\n", one_line(&error));
            // If stderr is gone too, the exit code is all that is left to say.
            let _ = terminal::stderr().write_all(line.as_bytes());
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    let keys = arguments.public_key.iter().map(|key| public_key(key));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let config = config(arguments)
        .await
        .context("reading how the API server is reached")?;
    let client = Client::try_from(config).context("preparing calls of the API server")?;
    let listening = || format!("listening on {}", arguments.listen);
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(listening)?;
    let identity = match &arguments.identity {
        Some(identity) => identity.clone(),
        None => rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
    };
    let state = State {
        api: Api::new(client),
        dry_run: arguments.dry_run,
        reader: RefCell::new(Reader::new(&arguments.review, &arguments.cluster, keys)),
        leading: Cell::new(LeaseView::default()),
        metrics: RefCell::new(Metrics::default()),
        listed: RefCell::new(HashSet::new()),
        beat: Cell::new(Instant::now()),
    };
    log::info(
        "started",
        &[
            ("version", env!("CARGO_PKG_VERSION")),
            ("cluster", &arguments.cluster),
            ("identity", &identity),
        ],
    );
    let mut lease = Lease::new(&arguments.namespace, &arguments.lease, &identity);
    let mut terminate = signal(SignalKind::terminate()).context("watching signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("watching signals")?;
    let [client, serving] = SIGNERS.map(|signer| work::work(signer, &state));
    tokio::select! {
        _ = join(client, serving) => {}
        () = keep(&state, &mut lease) => {}
        () = serve::serve(listener, &state) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let _ = tokio::time::timeout(END, lease.release(&state.api)).await;
    log::info("ended", &[]);
    Ok(())
}

/// Reads the folder and renews the Lease, again and again.
async fn keep(state: &State, lease: &mut Lease) {
    let mut failure_told = String::new();
    let mut was_leader = false;
    loop {
        if state.reader.borrow_mut().read() {
            tell_knowledge(state);
        }
        if !state.dry_run {
            let newest = state
                .reader
                .borrow()
                .usable(time::OffsetDateTime::now_utc(), lease.seen())
                .map(|extract| extract.age());
            let said = match lease.renew(&state.api, newest.ok()).await {
                Ok(()) => String::new(),
                Err(failure) => {
                    state.metrics.borrow_mut().failure("lease", failure.code);
                    failure.to_string()
                }
            };
            if said != failure_told && !said.is_empty() {
                log::warn("reading or renewing the Lease failed", &[("reason", &said)]);
            }
            failure_told = said;
            state.leading.set(LeaseView {
                until: lease.held_until(),
                seen: lease.seen(),
            });
        }
        let is_leader = state.is_leader();
        if is_leader != was_leader {
            let what = if is_leader {
                "this replica acts"
            } else {
                "another replica acts"
            };
            log::info(what, &[]);
            was_leader = is_leader;
        }
        state.beat();
        sleep(EVERY).await;
    }
}

fn tell_knowledge(state: &State) {
    let reader = state.reader.borrow();
    match reader.usable(time::OffsetDateTime::now_utc(), state.leading.get().seen) {
        Ok(extract) => log::info(
            "a new extract",
            &[
                ("generation", &extract.generation.to_string()),
                ("nodes", &extract.nodes.len().to_string()),
            ],
        ),
        Err(reason) => log::warn(
            "there is no good extract, so everything is left",
            &[("reason", &reason)],
        ),
    }
}

fn public_key(line: &str) -> Result<PublicKey> {
    match PublicKey::from_line(line) {
        Ok(key) => Ok(key),
        Err(rule) => bail!("reading --public-key: {rule}"),
    }
}

async fn config(arguments: &Arguments) -> Result<Config> {
    Ok(match &arguments.kubeconfig {
        Some(file) => {
            let file = Kubeconfig::read_from(file)?;
            Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?
        }
        None => Config::incluster()?,
    })
}
