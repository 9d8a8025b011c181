//! Masks private keys that span several lines of text, for `pipe`.
use std::sync::Arc;

use ringseal_redact::{HitKind, Redactor, Rules};

use super::filter::masks_private_keys;
use super::key_block::KeyBlock;

/// The state between the lines of one stream.
#[derive(Debug)]
pub struct KeyMask {
    block: KeyBlock,
    mask: String,
}

impl KeyMask {
    /// `None` if the rules do not mask private keys.
    pub fn of(rules: Arc<Rules>) -> Option<Self> {
        let mask = rules.profile().mask(HitKind::PrivateKey).to_owned();
        let masks = masks_private_keys(&mut Redactor::new(rules));
        masks.then(|| Self { block: KeyBlock::default(), mask })
    }

    /// Counts a line of JSON, which is not part of a key.
    pub fn other_line(&mut self) {
        self.block.other_line();
    }

    /// The line with the part masked that belongs to a key; `None` if no part does.
    pub fn masked(&mut self, line: &str) -> Option<String> {
        let part = self.block.line(line.as_bytes())?;
        Some(format!("{}{}{}", line.get(..part.start)?, self.mask, line.get(part.end..)?))
    }
}
