//! `Display` and `Debug`, formatted straight into the ring, bounded.
use std::fmt::{self, Write};

use super::{Value, ValueWriter};
use crate::limits::{Limits, floor_char_boundary};

/// A value by its `Display`; `%value` in the macros.
#[derive(Debug, Clone, Copy)]
pub struct DisplayValue<T>(pub T);

/// A value by its `Debug`; `?value` in the macros.
#[derive(Debug, Clone, Copy)]
pub struct DebugValue<T>(pub T);

impl<T: fmt::Display> Value for DisplayValue<T> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        9 + limits.value_bytes_max as usize
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        write_formatted(out, format_args!("{}", self.0));
    }
}

impl<T: fmt::Debug> Value for DebugValue<T> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        9 + limits.value_bytes_max as usize
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        write_formatted(out, format_args!("{:?}", self.0));
    }
}

/// Formats into the free bytes. The formatter is stopped when they are full, so that endless output also ends.
pub(super) fn write_formatted(out: &mut ValueWriter<'_>, arguments: fmt::Arguments<'_>) {
    let Some(free) = out.formatted_begin() else { return };
    let mut bounded = Bounded { free, len: 0, cut: false };
    // If the implementation returns an error, its output is truncated there. Both cases are marked.
    let failed = bounded.write_fmt(arguments).is_err();
    let (len, cut) = (bounded.len, bounded.cut || failed);
    out.formatted_end(len, cut);
}

struct Bounded<'a> {
    free: &'a mut [u8],
    len: usize,
    cut: bool,
}

impl Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.free.len() - self.len;
        let kept = if text.len() <= room { text.len() } else { floor_char_boundary(text, room) };
        self.free[self.len..self.len + kept].copy_from_slice(&text.as_bytes()[..kept]);
        self.len += kept;
        if kept < text.len() {
            self.cut = true;
            return Err(fmt::Error);
        }
        Ok(())
    }
}
