//! Copies of a value in the other values of a line of JSON: `{"password":"hunter2x","msg":"tried hunter2x"}`.
//!
//! The redactor notes what it masks under keys. Only lines in which it has noted something that occurs in their output
//! are read once more. Copies in a line of text are found by the redactor itself.
use ringseal_redact::RedactOutcome;

use super::escape::{escape, unescape};
use super::filter::{Edits, Filter};
use super::json_leaves::{Leaf, LeafKind};
use crate::line::prefix::BYTE_ORDER_MARK;

impl Filter {
    /// Ends the current line: masks the copies in its output. Calls `hit` for each value that is changed.
    pub(super) fn finish_line(&mut self, edits: &mut Edits<'_>, hit: &mut dyn FnMut(u64, &Filter)) {
        let Some(start) = edits.end_line() else { return };
        if !self.redactor.may_have_copies(&edits.out[start..]) {
            return;
        }
        let mut line = std::mem::take(&mut self.before_copies);
        line.clear();
        line.extend_from_slice(&edits.out[start..]);
        let leaves = std::mem::take(&mut self.leaves);
        let from = if line.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        if self.json_line(&line, from..line.trim_ascii_end().len()) {
            edits.out.truncate(start);
            self.mask_copies(&line, edits, hit);
        }
        self.leaves = leaves;
        self.before_copies = line;
    }

    /// Writes `line`, whose leaves were listed, with copies masked.
    fn mask_copies(
        &mut self,
        line: &[u8],
        edits: &mut Edits<'_>,
        hit: &mut dyn FnMut(u64, &Filter),
    ) {
        let mut written = 0;
        for leaf in std::mem::take(&mut self.leaves) {
            let mut piece = std::mem::take(&mut self.piece);
            piece.clear();
            let (start, end) = (leaf.start as usize, leaf.end as usize);
            if self.masks_copies(&line[start..end], &leaf, &mut piece) {
                edits.out.extend_from_slice(&line[written..start]);
                match leaf.kind {
                    LeafKind::Line => edits.out.extend_from_slice(&piece),
                    kind => escape(&piece, kind == LeafKind::Text, edits.out),
                }
                written = end;
                hit(edits.last_line(), self);
            }
            self.piece = piece;
        }
        edits.out.extend_from_slice(&line[written..]);
    }

    /// Appends the replacement of a leaf that holds copies; false for other leaves.
    fn masks_copies(&mut self, raw: &[u8], leaf: &Leaf, piece: &mut Vec<u8>) -> bool {
        let outcome = match leaf.kind {
            LeafKind::Text | LeafKind::Line => self.redactor.copies(raw, piece),
            LeafKind::Escaped => {
                self.decoded.clear();
                unescape(raw, &mut self.decoded);
                self.redactor.copies(&self.decoded, piece)
            }
            _ => RedactOutcome::Clean,
        };
        outcome == RedactOutcome::Replaced
    }
}
