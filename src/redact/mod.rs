//! Redaction: what must not reach a sink is found and replaced here.
//!
//! Two questions are asked. Of a key, once per call site: does it promise a secret or personal data
//! ([`Rules::key`])? Of a value, every time: does it hold any ([`Redactor::value`])? Values are decoded
//! text, before any escaping could hide something. [`Redactor::mark_dirty`] answers the second question for
//! a whole stretch of memory with many values at once, at the speed of one pass.
//!
//! There is no regular expression here. One pass computes byte classes of 64 bytes at a time and
//! yields places; a hand-written detector looks a bounded distance around each place.
//!
//! Promises: a value is either clean, and may be written as it is, or replaced as a whole. What
//! cannot be examined within its budget is masked whole and counted (fail closed); time is linear in
//! the length of a value. Redacting twice changes nothing. In steady state nothing is allocated; nothing
//! ever blocks; no file is touched (keysets are files: [`token`] says which calls read them). A value
//! grows by at most 14 bytes per hit, or 51 for a token.
//!
//! Out of reach of rules: names and addresses in free prose, and secrets that look like words.

mod byte_classes;
mod byte_masks;
mod bytes;
mod detect;
mod hits;
mod json;
mod key;
mod key_cache;
mod key_words;
mod kind;
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
#[cfg(test)]
mod tests;
pub mod token;
mod user_literals;

pub use key::{KeyMatch, classify_key};
pub(crate) use key_cache::KeyCache;
pub use kind::{HitKind, KINDS, KeyClass, KindSet, MASK_BYTES_MAX, Profile, is_mask, mask_len};
/// For the fuzzer alone.
#[cfg(fuzzing)]
#[doc(hidden)]
pub use oracle::{open as naive_rules, redacted as naive};
pub use redactor::{RedactOutcome, Redactor, Tokenize};
pub use rules::{KeyRule, LiteralRule, Preset, RuleError, RuleSet, Rules, TokenRule};
pub use token::HmacTokenizer;
