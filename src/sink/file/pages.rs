//! The positions of lines in a file, chosen so that no reader sees half a line.
//!
//! Linux moves the visible length of a file forward page by page inside one `write` (measured on ext4 and tmpfs: after
//! a plain write of many lines, a reader finds a torn last line in 30 to 80 % of reads at random moments).
//! Each of those steps ends on a multiple of [`PAGE_BYTES`] of the file or at the end of the write. So no line may
//! cross such a boundary: where the next line would, the previous one is stretched with spaces before its newline up to
//! exactly the boundary. White space after a JSON text is part of the grammar (RFC 8259, section 2).
//!
//! A line that is already in the file cannot be stretched. So the last line of a batch is stretched *ahead* if it ends
//! close to the boundary (`ahead` sets the distance; the caller chooses it from the lines it has seen). If a line comes
//! that is nevertheless longer than the remaining space, spaces go in *front* of it, up to the boundary: the line is
//! still valid JSON and is seen whole or not at all, but for the time of one copy the file ends in spaces after its
//! last newline. Lines longer than a page have to cross boundaries and are written unchanged.
//!
//! This module only computes: it allocates nothing, never blocks and never fails.
use crate::core::Lines;

/// The step in which the visible length grows: the smallest page of the supported platforms. Boundaries of larger pages
/// are boundaries of this size too.
pub(super) const PAGE_BYTES: usize = 4096;

/// Spaces and one newline; the last `n + 1` bytes stretch a line by `n` spaces.
static STRETCH: [u8; PAGE_BYTES + 1] = {
    let mut bytes = [b' '; PAGE_BYTES + 1];
    bytes[PAGE_BYTES] = b'\n';
    bytes
};

/// `count` spaces.
pub(super) fn spaces(count: usize) -> &'static [u8] {
    &STRETCH[..count.min(PAGE_BYTES)]
}

/// `count` spaces and a newline.
pub(super) fn spaces_and_newline(count: usize) -> &'static [u8] {
    &STRETCH[PAGE_BYTES - count.min(PAGE_BYTES)..]
}

/// Lines that are written together, and the spaces around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The number of offered lines; at least one.
    pub count: usize,
    /// Spaces in front of the first of them.
    pub front: usize,
    /// Spaces before the newline of the last of them.
    pub back: usize,
}

/// The limits of a file and the layout of its lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Whether boundaries are respected at all.
    pub page_align: bool,
    /// The length that the file must not exceed.
    pub len_max: u64,
    /// Stretch the last line when at most this many bytes are left to the boundary after it.
    pub ahead: usize,
}

impl Layout {
    /// The next run if the file is `len` bytes long, or `None` if the first line does not fit under `len_max`. An empty
    /// file takes one line of any length.
    pub fn next_run(&self, lines: Lines<'_>, len: u64) -> Option<Run> {
        if lines.is_empty() {
            return None;
        }
        let budget = usize::try_from(self.len_max.saturating_sub(len)).unwrap_or(usize::MAX);
        let run = if self.page_align {
            self.aligned_run(lines, PAGE_BYTES - (len % PAGE_BYTES as u64) as usize, budget)
        } else {
            Some(lines.count_within(budget)).filter(|&count| count > 0).map(Run::plain)
        };
        run.or_else(|| (len == 0).then_some(Run::plain(1)))
    }

    fn aligned_run(&self, lines: Lines<'_>, space: usize, budget: usize) -> Option<Run> {
        let count = count_within_page(lines, space.min(budget));
        if count == 0 {
            return first_does_not_fit(lines.end(0), space, budget);
        }
        let used = lines.end(count - 1);
        let gap = space - used;
        let stretch = if count == lines.count() {
            gap <= self.ahead && used + gap <= budget
        } else {
            let next = lines.end(count) - used;
            next <= PAGE_BYTES && space + next <= budget
        };
        Some(Run { count, front: 0, back: if stretch { gap } else { 0 } })
    }
}

/// [`Lines::count_within`] for a small number of bytes: examines the first few ends in order. A binary search over all
/// ends of a large batch would cost one or two cache misses per page.
fn count_within_page(lines: Lines<'_>, len_bytes: usize) -> usize {
    let mut window = 32;
    while window < lines.count() && lines.end(window - 1) <= len_bytes {
        window *= 2;
    }
    lines.split_at(window.min(lines.count())).0.count_within(len_bytes)
}

fn first_does_not_fit(first: usize, space: usize, budget: usize) -> Option<Run> {
    if first > budget {
        return None;
    }
    if first > PAGE_BYTES {
        return Some(Run::plain(1));
    }
    // Here space < first <= PAGE_BYTES: the line is put at the start of the next page.
    (space + first <= budget).then_some(Run { count: 1, front: space, back: 0 })
}

impl Run {
    fn plain(count: usize) -> Run {
        Run { count, front: 0, back: 0 }
    }

    /// Bytes in the file, of a run over the first lines of `lines`.
    pub fn len_bytes(&self, lines: Lines<'_>) -> usize {
        self.front + lines.end(self.count - 1) + self.back
    }
}

/// The part of a planned stretch that is in place when only its first bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct WholeLines {
    /// The number of whole lines.
    pub lines: usize,
    /// Where the last of them ends, from the start of the stretch.
    pub bytes: usize,
    /// Spaces among those bytes.
    pub padding: usize,
}

impl Layout {
    /// Which lines are whole when `written` bytes of the plan that starts at `len` are in the file.
    pub fn whole_within(&self, lines: Lines<'_>, len: u64, written: usize) -> WholeLines {
        let mut whole = WholeLines::default();
        let mut rest = lines;
        while let Some(run) = self.next_run(rest, len + whole.bytes as u64) {
            let run_bytes = run.len_bytes(rest);
            if whole.bytes + run_bytes > written {
                let partial = partial_run(run, rest, written - whole.bytes);
                whole.lines += partial.lines;
                whole.bytes += partial.bytes;
                whole.padding += partial.padding;
                break;
            }
            whole.lines += run.count;
            whole.bytes += run_bytes;
            whole.padding += run.front + run.back;
            rest = rest.split_at(run.count).1;
        }
        whole
    }
}

/// `written` is less than the run's length.
fn partial_run(run: Run, lines: Lines<'_>, written: usize) -> WholeLines {
    let count = lines.count_within(written.saturating_sub(run.front)).min(run.count);
    // The newline of a stretched last line follows the spaces, which are not all there.
    let count = if run.back > 0 { count.min(run.count - 1) } else { count };
    if count == 0 {
        return WholeLines::default();
    }
    WholeLines { lines: count, bytes: run.front + lines.end(count - 1), padding: run.front }
}
