//! Masks private keys and values of sensitive keys that span several lines of text, for `pipe`.
use std::ops::Range;
use std::sync::Arc;

use ringseal_redact::{HitKind, RedactOutcome, Redactor, Rules};

use super::dump_block::DumpBlock;
use super::filter::masks_private_keys;
use super::key_block::KeyBlock;

/// The state between the lines of one stream.
#[derive(Debug)]
pub struct KeyMask {
    /// `None` if the rules do not mask private keys.
    block: Option<KeyBlock>,
    dump: DumpBlock,
    redactor: Redactor,
}

impl KeyMask {
    /// The state at the start of a stream.
    pub fn of(rules: Arc<Rules>) -> Self {
        let masks = masks_private_keys(&mut Redactor::new(Arc::clone(&rules)));
        Self {
            block: masks.then(KeyBlock::default),
            dump: DumpBlock::default(),
            redactor: Redactor::new(rules),
        }
    }

    /// Counts a line of JSON, which is not part of a key.
    pub fn other_line(&mut self) {
        if let Some(block) = &mut self.block {
            block.other_line();
        }
        self.dump.close();
    }

    /// The line with the part masked that belongs to a value of earlier lines; `None` if no part does. Also returns
    /// whether it is a part of a private key.
    pub fn masked(&mut self, line: &str) -> Option<(String, bool)> {
        if let Some(part) = self.block.as_mut().and_then(|block| block.line(line.as_bytes())) {
            let mask = self.redactor.rules().profile().mask(HitKind::PrivateKey);
            return Some((with_part(line, part, mask)?, true));
        }
        let (part, class) = self.dump.line(line.as_bytes(), self.redactor.rules())?;
        let mut mask = Vec::new();
        let text = line.get(part.clone())?;
        match self.redactor.value(class, text.as_bytes(), false, &mut mask) {
            RedactOutcome::Clean => None,
            RedactOutcome::Replaced => {
                Some((with_part(line, part, str::from_utf8(&mask).ok()?)?, false))
            }
        }
    }
}

/// The line with other text in the place of a part.
fn with_part(line: &str, part: Range<usize>, text: &str) -> Option<String> {
    Some(format!("{}{text}{}", line.get(..part.start)?, line.get(part.end..)?))
}
