//! Logs that continue one that was set aside: the key of epoch 0 and the chain's first key follow from those of the
//! first log.
//!
//! Promises: one line in memory; a file that does not lead to the log's key changes nothing.
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::super::chain::Chain;
use super::super::keys::{ChainKey, verify_statement};
use super::super::note::Verifier;
use crate::entry::control::{Control, Start, statement_text};
use crate::entry::{LINE_BYTES_MAX, Parser, Scheme};
use crate::store::names::CONTINUED;
use ringseal_base::storage::{FileReader, OpenMode, Storage};

/// The key of the log's epoch 0, if signed changes of keys lead from `root` to it; else `root`.
pub(super) fn root_of(
    storage: &dyn Storage,
    dir: &Path,
    root: &Verifier,
    start: &Start,
) -> Verifier {
    if start.continued.is_none() || start.public_key == root.to_string() {
        return root.clone();
    }
    let followed = follow(storage, dir, root, &start.public_key);
    followed.unwrap_or_else(|| root.clone())
}

fn follow(storage: &dyn Storage, dir: &Path, root: &Verifier, named: &str) -> Option<Verifier> {
    let file = storage.open(&dir.join(CONTINUED), OpenMode::Read).ok()?;
    let mut lines = BufReader::new(FileReader { file, offset: 0 });
    let (mut parser, mut line, mut key) = (Parser::new(), Vec::new(), root.clone());
    loop {
        line.clear();
        let read = (&mut lines).take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line).ok()?;
        if read == 0 {
            return None;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let Ok(entry) = parser.entry(text) else { continue };
        let Ok(statement) = Control::read(&entry) else { continue };
        let (Control::Epoch(epoch), Some(signature)) = (statement.control, statement.signature)
        else {
            continue;
        };
        let is_signed =
            statement_text(&entry).is_some_and(|text| verify_statement(&key, text, &signature));
        if !is_signed || epoch.old_key != key.to_string() {
            continue;
        }
        key = Verifier::parse(&epoch.new_key).ok().filter(|next| next.name() == root.name())?;
        if epoch.new_key == named {
            return Some(key);
        }
    }
}

/// The chain of a log with this first entry; `None` if its signatures cannot be checked.
pub(crate) fn chain_of(start: &Start, first_key: Option<&ChainKey>) -> Option<Chain> {
    if start.scheme == Scheme::Hash {
        return Some(Chain::Hash);
    }
    let chain_keys = start.continued.as_ref().map_or(&[][..], |continued| &continued.chain_keys);
    let key = first_key?.continued(chain_keys)?;
    Some(Chain::with_key(&key, 0, start.ratchet))
}
