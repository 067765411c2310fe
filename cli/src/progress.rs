//! Progress for people: a bar with rate and remaining time on a terminal, silence everywhere else.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::World;

/// One bar, removed when dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar over `total` bytes, or a spinner with the bytes so far when the length is not known.
    pub(crate) fn bytes(world: &World, verb: &'static str, total: Option<u64>) -> Self {
        if world.quiet() || world.json() || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let template = match total {
            Some(_) => "{msg:>10} {wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
            None => "{msg:>10} {spinner} {bytes}  {bytes_per_sec}",
        };
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(8));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(verb);
        Self(bar)
    }

    /// A bar over `total` things.
    pub(crate) fn items(world: &World, verb: &'static str, total: usize) -> Self {
        if world.quiet() || world.json() || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let total = u64::try_from(total).ok();
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(8));
        if let Ok(style) = ProgressStyle::with_template("{msg:>10} {wide_bar} {pos}/{len}  {eta} left") {
            bar.set_style(style);
        }
        bar.set_message(verb);
        Self(bar)
    }

    /// One thing more is done.
    pub(crate) fn advance(&self) {
        self.0.inc(1);
    }

    /// Says that `position` bytes in all are done.
    pub(crate) fn set(&self, position: u64) {
        self.0.set_position(position);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
