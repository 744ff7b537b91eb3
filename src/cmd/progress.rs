//! A bar on stderr while nodes are baked, where somebody watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::project::Progress;
use crate::terminal;

/// The bar.
pub struct Bar(ProgressBar);

impl Default for Bar {
    /// A bar that is not shown yet.
    fn default() -> Self {
        let bar = ProgressBar::hidden();
        Self(
            match ProgressStyle::with_template("{bar:40} {pos}/{len} nodes") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            },
        )
    }
}

impl Progress for Bar {
    fn begin(&self, nodes: usize) {
        self.0.set_length(nodes as u64);
        if terminal::is_watched() {
            self.0.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    fn advance(&self) {
        self.0.inc(1);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
