//! Progress bars on standard error for work that takes long.
//!
//! A bar is drawn only if standard error is a terminal and standard output is not (there it would mix with the lines),
//! and only after a second of work.
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Shorter work shows no bar.
const SILENT_FOR: Duration = Duration::from_secs(1);
/// Bytes of work between two redraws.
const REDRAW_BYTES: u64 = 1 << 20;

/// Progress of work on a number of bytes.
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

    /// Creates a bar that is never drawn, for work without an end.
    pub fn hidden() -> Self {
        let mut progress = Self::new(0);
        progress.total_bytes = None;
        progress
    }

    /// Adds finished work.
    pub fn add(&mut self, bytes: usize) {
        self.done_bytes += bytes as u64;
        if self.done_bytes - self.drawn_bytes < REDRAW_BYTES {
            return;
        }
        self.drawn_bytes = self.done_bytes;
        self.draw();
    }

    /// Runs `write`, which writes to standard error, with the bar hidden.
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
            // Compressed segments expand beyond their file length.
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

/// A bar on standard error for work that is always long; drawn only on a terminal.
#[derive(Debug)]
pub struct Meter(Option<ProgressBar>);

impl Meter {
    /// Creates a bar of `len` units with a template of `indicatif`.
    pub fn new(len: u64, template: &str) -> Self {
        Self(io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(len);
            let style = ProgressStyle::with_template(template);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        }))
    }

    /// Sets the number of finished units.
    pub fn set(&mut self, done: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(done);
        }
    }

    /// Adds one finished unit.
    pub fn advance(&mut self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }

    /// Sets the text beside the bar; `message` is called only if the bar is drawn.
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
