//! Redaction: finds secrets and personal data in values and replaces them before any sink sees them.
//!
//! Two questions are answered. For a key, once per call site: do its values hold a secret or personal data
//! ([`Rules::key`])? For a value, every time: does it contain any ([`Redactor::value`])? Values are decoded
//! text, before escaping could hide something. [`Redactor::mark_dirty`] answers the second question for
//! many values in one buffer, in a single pass.
//!
//! No regular expressions are used. One pass computes byte classes of 64 bytes at a time and yields
//! candidate positions; a hand-written detector reads a bounded distance around each of them.
//!
//! Promises: a value is either clean, and may be written unchanged, or replaced as a whole. A value that
//! cannot be examined within its budget is masked whole and counted (fail closed); time is linear in the
//! length of a value. Redacting twice changes nothing. In steady state nothing is allocated; nothing ever
//! blocks; no file is read or written, except keyset files by the calls that [`token`] lists. A value grows
//! by at most 14 bytes per hit, or 51 for a token.
//!
//! Rules cannot find names and addresses in free prose, or secrets that look like words.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod byte_classes;
mod byte_masks;
mod bytes;
mod candidates;
mod compat;
mod detect;
mod found_values;
mod hits;
mod json;
mod key;
mod key_cache;
mod key_memo;
mod key_path;
mod key_split;
mod key_table;
mod key_tails;
mod key_words;
mod kind;
mod literal_forms;
mod number_filter;
#[cfg(any(test, fuzzing))]
mod oracle;
mod provider_table;
mod redactor;
#[cfg(feature = "rules-toml")]
mod rule_file;
mod rules;
mod rules_hash;
mod scan_batch;
mod scan_value;
mod scope;
mod sign_memo;
#[cfg(test)]
mod tests;
mod text_tail;
pub mod token;
mod user_literals;
mod value_forms;

pub use key::{KeyMatch, classify_key};
#[doc(hidden)]
pub use key_cache::KeyCache;
pub use kind::{HitKind, KINDS, KeyClass, KindSet, MASK_BYTES_MAX, Profile, is_mask, mask_len};
/// For the fuzzer only.
#[cfg(fuzzing)]
#[doc(hidden)]
pub use oracle::{open as naive_rules, redacted as naive};
pub use redactor::{RedactOutcome, Redactor, Tokenize};
pub use rules::{KeyRule, LiteralRule, Preset, RuleError, RuleSet, Rules, TokenRule};
#[doc(hidden)]
pub use scope::{KeyFacts, KeyRole, Ruling, Scope};
pub use token::HmacTokenizer;

/// The clock and the file system, as this crate takes them; the same types as in `ringseal::system`.
pub mod system {
    pub use ringseal_base::clock::{Clock, ManualClock, Now, SystemClock};
    pub use ringseal_base::storage::{
        FileId, FileKind, FileLock, FileStat, OpenMode, OsStorage, Storage, StorageFile,
    };
}
