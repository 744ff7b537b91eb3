//! What the program's tasks share. They run on one thread.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use nodebake::review::Extract;
use time::OffsetDateTime;

use crate::api::Api;
use crate::knowledge::Reader;
use crate::metrics::{Gauges, Metrics};

/// A task that did nothing for so long hangs.
const HANGS_AFTER: Duration = Duration::from_secs(120);

/// What the tasks share.
pub struct State {
    /// The API server.
    pub api: Api,
    /// Whether nothing is written to the API server.
    pub dry_run: bool,
    /// The extract.
    pub reader: RefCell<Reader>,
    /// What the Lease said when it was last read.
    pub leading: Cell<LeaseView>,
    /// Counters.
    pub metrics: RefCell<Metrics>,
    /// The signers whose requests were listed.
    pub listed: RefCell<HashSet<&'static str>>,
    /// When a task last did something.
    pub beat: Cell<Instant>,
}

/// The Lease as other tasks see it while it is being renewed.
#[derive(Clone, Copy, Default)]
pub struct LeaseView {
    /// Until then this replica acts.
    pub until: Option<Instant>,
    /// The newest extract that was ever decided by.
    pub seen: Option<crate::knowledge::Age>,
}

impl State {
    /// Whether this replica acts. A dry run does so always, since it changes nothing.
    pub fn is_leader(&self) -> bool {
        let until = self.leading.get().until;
        self.dry_run || until.is_some_and(|until| Instant::now() < until)
    }

    /// The extract to decide by. None for a moment: it must be in the Lease before anything is decided by it, so that
    /// nobody goes back behind it.
    pub fn extract(&self) -> Option<Result<Rc<Extract>, String>> {
        let seen = self.leading.get().seen;
        let usable = self.reader.borrow().usable(OffsetDateTime::now_utc(), seen);
        let is_noted = |extract: &Rc<Extract>| self.dry_run || seen >= Some(extract.age());
        match usable {
            Ok(extract) if !is_noted(&extract) => None,
            usable => Some(usable),
        }
    }

    /// Says that a task is alive.
    pub fn beat(&self) {
        self.beat.set(Instant::now());
    }

    /// Whether the tasks go on.
    pub fn alive(&self) -> Result<(), String> {
        if self.beat.get().elapsed() < HANGS_AFTER {
            Ok(())
        } else {
            Err("nothing was done for two minutes".into())
        }
    }

    /// Whether requests would be decided, here or by the replica that acts.
    pub fn ready(&self) -> Result<(), String> {
        if self.listed.borrow().len() < crate::SIGNERS.len() {
            return Err("the requests were not listed yet".into());
        }
        let seen = self.leading.get().seen;
        let usable = self.reader.borrow().usable(OffsetDateTime::now_utc(), seen);
        usable.map(drop)
    }

    /// The text of `/metrics`.
    pub fn metrics(&self) -> String {
        let now = OffsetDateTime::now_utc();
        let reader = self.reader.borrow();
        let gauges = Gauges {
            extract: reader.extract(),
            is_usable: reader.usable(now, self.leading.get().seen).is_ok(),
            is_leader: self.is_leader(),
            now: now.unix_timestamp(),
        };
        self.metrics.borrow().text(&gauges)
    }
}
