//! The default write method: `O_APPEND` and vectored writes.
//!
//! Promises: lines go from the batch to the kernel without a copy in between; nothing is allocated. A short write (full
//! disk, signal) continues at the byte where it stopped; if that fails, the file is cut to its last whole line. A crash
//! leaves whole lines, except for a line longer than a page (see [`super::pages`]).
use std::io::IoSlice;

use super::pages::{Layout, PAGE_BYTES, Run, spaces, spaces_and_newline};
use super::segment::{Appended, WriteMethod};
use crate::core::Lines;
use ringseal_base::storage::{StorageFile, append_slices};

/// Slices of one system call; the limit of Linux is 1024.
const SLICES_MAX: usize = 1000;
/// Slices for a small batch, so that a single line does not pay for clearing a long array.
const SLICES_SMALL: usize = 16;
/// A run takes at most this many slices.
const SLICES_PER_RUN: usize = 3;

/// See the module.
#[derive(Debug)]
pub(super) struct AppendMethod {
    page_align: bool,
    /// The expected maximum length of the first line of the next batch.
    first_line_bytes: usize,
}

impl AppendMethod {
    pub fn new(page_align: bool) -> Self {
        Self { page_align, first_line_bytes: 0 }
    }

    /// The first line of a batch is the only one whose predecessor cannot be stretched any more. Space for the longest
    /// recent first line is provided; the estimate shrinks by an eighth with each batch, so that one long line does not
    /// cost space permanently.
    fn update_first_line_bytes(&mut self, lines: Lines<'_>) {
        let kept = self.first_line_bytes - self.first_line_bytes / 8;
        self.first_line_bytes = kept.max(lines.end(0).min(PAGE_BYTES));
    }

    fn layout(&self, lines: Lines<'_>, len_max: u64) -> Layout {
        // Up to a 32nd of the batch may be padding: from 128 KiB on, every batch ends on a boundary.
        let ahead = self.first_line_bytes.max(lines.bytes().len() / 32);
        Layout { page_align: self.page_align, len_max, ahead }
    }
}

impl WriteMethod for AppendMethod {
    fn append(
        &mut self,
        file: &mut dyn StorageFile,
        len: u64,
        lines: Lines<'_>,
        len_max: u64,
    ) -> Appended {
        if lines.is_empty() {
            return Appended::default();
        }
        self.update_first_line_bytes(lines);
        let layout = self.layout(lines, len_max);
        if lines.bytes().len() <= PAGE_BYTES * (SLICES_SMALL / SLICES_PER_RUN - 1) {
            append_once::<SLICES_SMALL>(file, &layout, len, lines)
        } else {
            append_once::<SLICES_MAX>(file, &layout, len, lines)
        }
    }
}

/// Plans and writes what one system call can take, and not more: if other processes truncate the file meanwhile, the
/// end of the call shows where its lines are.
fn append_once<const N: usize>(
    file: &mut dyn StorageFile,
    layout: &Layout,
    len: u64,
    lines: Lines<'_>,
) -> Appended {
    let mut done = Appended::default();
    let mut slices = Slices::<N>::new();
    let taken = slices.fill(layout, lines, len);
    if taken == 0 {
        done.full = true;
        return done;
    }
    let (written, result) = append_slices(file, &mut slices.slices[..slices.used]);
    let Err(error) = result else {
        done.add(taken, written, slices.padding);
        return done;
    };
    let whole = layout.whole_within(lines, len, written);
    done.add(whole.lines, whole.bytes, whole.padding);
    done.torn_bytes = (written - whole.bytes) as u64;
    done.error = Some(error);
    done
}

/// The slices of one system call.
struct Slices<'a, const N: usize> {
    slices: [IoSlice<'a>; N],
    used: usize,
    padding: usize,
}

impl<'a, const N: usize> Slices<'a, N> {
    fn new() -> Self {
        Self { slices: [IoSlice::new(&[]); N], used: 0, padding: 0 }
    }

    /// Plans runs until the lines or the slices are used up; returns how many lines it took.
    fn fill(&mut self, layout: &Layout, lines: Lines<'a>, len: u64) -> usize {
        let mut rest = lines;
        let mut end = len;
        while self.used + SLICES_PER_RUN <= N {
            let Some(run) = layout.next_run(rest, end) else { break };
            self.push_run(run, rest);
            end += run.len_bytes(rest) as u64;
            rest = rest.split_at(run.count).1;
        }
        lines.count() - rest.count()
    }

    fn push_run(&mut self, run: Run, lines: Lines<'a>) {
        let bytes = &lines.bytes()[..lines.end(run.count - 1)];
        if run.front > 0 {
            self.push(spaces(run.front));
        }
        if run.back > 0 {
            self.push(&bytes[..bytes.len() - 1]);
            self.push(spaces_and_newline(run.back));
        } else {
            self.push(bytes);
        }
        self.padding += run.front + run.back;
    }

    fn push(&mut self, bytes: &'a [u8]) {
        self.slices[self.used] = IoSlice::new(bytes);
        self.used += 1;
    }
}
