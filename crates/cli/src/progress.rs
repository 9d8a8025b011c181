//! A progress bar on standard error for work that turns out to be long.
//!
//! Drawn only when standard error is a terminal and standard output is not (there it would stand
//! between the lines), and only after a second of work.
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Work shorter than this shows nothing.
const SILENT_FOR: Duration = Duration::from_secs(1);
/// How much work between two looks at the clock.
const REDRAW_BYTES: u64 = 1 << 20;

/// How far some work on bytes is.
#[derive(Debug)]
pub struct Progress {
    /// `None`: never drawn.
    total_bytes: Option<u64>,
    done_bytes: u64,
    drawn_bytes: u64,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Work on about `total_bytes`.
    pub fn new(total_bytes: u64) -> Self {
        Self::visible_if(total_bytes, io::stderr().is_terminal() && !io::stdout().is_terminal())
    }

    /// Work on about `total_bytes` that writes nothing to standard output.
    pub fn without_output(total_bytes: u64) -> Self {
        Self::visible_if(total_bytes, io::stderr().is_terminal())
    }

    fn visible_if(total_bytes: u64, wanted: bool) -> Self {
        Self {
            total_bytes: wanted.then_some(total_bytes),
            done_bytes: 0,
            drawn_bytes: 0,
            started: Instant::now(),
            bar: None,
        }
    }

    /// Never drawn: work without an end.
    pub fn hidden() -> Self {
        let mut progress = Self::new(0);
        progress.total_bytes = None;
        progress
    }

    /// So much more is done.
    pub fn add(&mut self, bytes: usize) {
        self.done_bytes += bytes as u64;
        if self.done_bytes - self.drawn_bytes < REDRAW_BYTES {
            return;
        }
        self.drawn_bytes = self.done_bytes;
        self.draw();
    }

    /// Writes to standard error without the bar in between.
    pub fn suspended(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn draw(&mut self) {
        let Some(total_bytes) = self.total_bytes else { return };
        if self.bar.is_none() && self.started.elapsed() >= SILENT_FOR {
            let bar = ProgressBar::new(total_bytes).with_elapsed(self.started.elapsed());
            let form = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
            bar.set_style(
                ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            // Compressed segments hold more than their length says.
            if self.done_bytes > total_bytes {
                bar.set_length(self.done_bytes);
            }
            bar.set_position(self.done_bytes);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A bar on standard error for work that is known to be long; drawn on a terminal only.
#[derive(Debug)]
pub struct Meter(Option<ProgressBar>);

impl Meter {
    /// A bar of `len` units in this form, as `indicatif` writes forms.
    pub fn new(len: u64, form: &str) -> Self {
        Self(io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(len);
            let style = ProgressStyle::with_template(form);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        }))
    }

    /// So many units are done.
    pub fn set(&mut self, done: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(done);
        }
    }

    /// One unit more is done.
    pub fn advance(&mut self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }

    /// Says something beside the bar; `message` is called only when it is drawn.
    pub fn set_message(&mut self, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.0 {
            bar.set_message(message());
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
