//! Redaction in the writer: every event passes here between its record and its lines.
//!
//! An event's values are scanned once for all outputs: the positions of its texts are collected and scanned together. A
//! clean event is passed through unchanged. For any other event a redacted copy of the values is made and encoded
//! instead. What was masked under a key is masked wherever else the same event holds it.
//!
//! Promises: in steady state nothing is allocated; nothing blocks. Keys are classified once per call site,
//! and once per key that is known only at run time. Fails closed: if the rules themselves fail (a panic in
//! a detector), every value of the event that could hold text is masked, and the event is counted as
//! `failed`.
mod clean_texts;
mod copies;
mod key_facts;
mod prescan;
mod preview;
mod rewrite;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use self::copies::Shape;
use self::key_facts::Keys;
use self::prescan::Prescan;
use self::preview::TextBatch;
pub(super) use self::preview::{Preview, Verdict};
use self::rewrite::Rewriter;
use crate::core::callsite::Callsite;
use crate::encode::layout::{Source, to_entries};
use crate::metrics::{RedactionMetrics, RuleHits};
use ringseal_base::value::ReadError;
use ringseal_redact::{
    KeyClass, KeyFacts, RedactOutcome, Redactor, Rules, Ruling, Scope, Tokenize,
};

/// The writer's redaction settings.
#[derive(Clone, Default)]
pub struct RedactionConfig {
    /// The rules; `None` writes everything unchanged, except values that the producer has marked as secret.
    pub rules: Option<Arc<Rules>>,
    /// Makes tokens where the rules require them.
    pub tokenizer: Option<Arc<dyn Tokenize>>,
}

impl std::fmt::Debug for RedactionConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedactionConfig")
            .field("is_on", &self.rules.is_some())
            .field("tokenizes", &self.tokenizer.is_some())
            .finish()
    }
}

/// The entries of a map that may leave the process. Allocates; not for the writer.
pub(crate) fn redact_fields(config: &RedactionConfig, entries: &[u8]) -> Vec<u8> {
    // What cannot be read is not shown.
    Redaction::new(config.clone()).entries(entries).map(<[u8]>::to_vec).unwrap_or_default()
}

/// The key decisions for a call site.
#[derive(Debug)]
struct Site {
    /// The keys: of values that contain others, they decide about the keys in them.
    names: &'static [&'static str],
    rulings: Box<[Ruling]>,
    /// What the keys say, if values decide about other values.
    open: Option<Box<[KeyFacts]>>,
    /// The redacted event name, if the name itself contains a hit.
    name: Option<Box<[u8]>>,
    /// The redacted target, if the target itself contains a hit.
    target: Option<Box<[u8]>>,
    /// Whether nothing but the values decides about the event.
    is_plain: bool,
}

impl Site {
    /// Whether its name or target contains a hit.
    fn has_dirty_names(&self) -> bool {
        self.name.is_some() || self.target.is_some()
    }
}

/// The redactor and the rest of a writer's redaction state.
#[derive(Debug)]
pub(super) struct Redaction {
    redactor: Redactor,
    is_on: bool,
    /// Whether every event takes the way of those that have to be redacted.
    takes_all: bool,
    /// By call site id.
    sites: Vec<Option<Box<Site>>>,
    /// Whether the ids in records are those of another process, and so not the ids of `sites`.
    has_foreign_ids: bool,
    keys: Keys,
    prescan: Prescan,
    batch: TextBatch,
    /// Counts the changes of rules: verdicts made by earlier rules are not valid.
    generation: u64,
    buffers: Buffers,
    /// Hits under rules that are no longer in use.
    earlier: BTreeMap<String, u64>,
    failed: u64,
}

#[derive(Debug, Default)]
struct Buffers {
    /// The redacted values, and what they were before copies were masked.
    payload: Vec<u8>,
    before_copies: Vec<u8>,
    /// A redacted name and target.
    name: Vec<u8>,
    target: Vec<u8>,
    /// Input and output for one value.
    value_text: Vec<u8>,
    redacted_text: Vec<u8>,
}

/// The parts of an event that may be encoded.
pub(super) struct Redacted<'a> {
    pub(super) source: Source<'a>,
    pub(super) payload: &'a [u8],
    pub(super) has_stack: bool,
}

impl Redaction {
    pub(super) fn new(config: RedactionConfig) -> Self {
        let is_on = config.rules.is_some();
        let rules = config.rules.unwrap_or_else(|| Arc::new(Rules::standard()));
        let mut redactor = Redactor::new(rules);
        if let Some(tokenizer) = config.tokenizer {
            redactor = redactor.with_tokenizer(tokenizer);
        }
        Self {
            redactor,
            is_on,
            takes_all: false,
            sites: Vec::new(),
            has_foreign_ids: false,
            keys: Keys::new(),
            prescan: Prescan::default(),
            batch: TextBatch::new(),
            generation: 1,
            buffers: Buffers::default(),
            earlier: BTreeMap::new(),
            failed: 0,
        }
    }

    /// Uses these rules from now on, or none.
    pub(super) fn set_rules(&mut self, rules: Option<Arc<Rules>>) {
        for hits in self.hits() {
            *self.earlier.entry(hits.rule).or_default() += hits.hits;
        }
        self.is_on = rules.is_some();
        self.generation += 1;
        // The redactor's counters restart, also if no new rules are set.
        let next = rules.unwrap_or_else(|| Arc::clone(self.redactor.rules()));
        self.redactor.set_rules(next);
        self.sites.clear();
        self.batch.clean.clear();
        self.keys.clear();
    }

    /// The rules in use.
    pub(super) fn rules(&self) -> Option<&Arc<Rules>> {
        self.is_on.then(|| self.redactor.rules())
    }

    /// Whether anything is redacted.
    #[inline(always)]
    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether an event is already known to be clean.
    #[inline]
    fn is_clean(&self, verdict: Verdict) -> bool {
        !self.is_on || verdict == Verdict::Clean
    }

    /// The records are those of another process: each event is scanned once its call site is known.
    pub(super) fn expect_foreign_ids(&mut self) {
        self.has_foreign_ids = true;
    }

    /// From now on, no event passes.
    pub(super) fn take_all(&mut self) {
        self.takes_all = true;
    }

    /// Whether an event can be encoded as it is.
    #[inline]
    pub(super) fn passes(&self, verdict: Verdict) -> bool {
        !self.takes_all && self.is_clean(verdict)
    }

    /// The parts of an event that may be encoded.
    #[inline]
    pub(super) fn event<'a>(
        &'a mut self,
        source: Source<'a>,
        payload: &'a [u8],
        has_stack: bool,
        verdict: Verdict,
    ) -> Result<Redacted<'a>, ReadError> {
        if self.is_clean(verdict) {
            return Ok(Redacted { source, payload, has_stack });
        }
        match source {
            Source::Site(callsite) => self.site_event(callsite, payload, has_stack, verdict),
            Source::Dynamic { target, event } => self.dynamic_event(target, event, payload),
        }
    }

    #[inline]
    fn site_event<'a>(
        &'a mut self,
        callsite: &'static Callsite,
        payload: &'a [u8],
        has_stack: bool,
        verdict: Verdict,
    ) -> Result<Redacted<'a>, ReadError> {
        let index = callsite.id() as usize;
        if !matches!(self.sites.get(index), Some(Some(_))) {
            self.register_site(callsite, index);
        }
        let source = Source::Site(callsite);
        let Some(Some(site)) = self.sites.get(index) else {
            return Ok(Redacted { source, payload, has_stack });
        };
        if verdict == Verdict::Dirty {
            return self.rewrite_site(callsite, index, payload, has_stack, true);
        }
        self.prescan.clear();
        let scanned = catch_unwind(AssertUnwindSafe(|| {
            self.prescan.values(
                &site.rulings,
                site.names,
                payload,
                &mut self.redactor,
                &mut self.keys,
            )?;
            Ok(site.open.is_none() && self.prescan.is_clean(payload, &mut self.redactor))
        }));
        let is_clean = match scanned {
            Ok(result) => Some(result?),
            Err(_) => None,
        };
        if is_clean == Some(true) && !site.has_dirty_names() {
            return Ok(Redacted { source, payload, has_stack });
        }
        self.rewrite_site(callsite, index, payload, has_stack, is_clean.is_some())
    }

    #[cold]
    #[inline(never)]
    fn rewrite_site<'a>(
        &'a mut self,
        callsite: &'static Callsite,
        index: usize,
        payload: &'a [u8],
        has_stack: bool,
        is_sound: bool,
    ) -> Result<Redacted<'a>, ReadError> {
        let Redaction { redactor, keys, sites, buffers, failed, .. } = self;
        let Some(Some(site)) = sites.get(index) else {
            // It was registered a moment ago.
            return Ok(Redacted { source: Source::Site(callsite), payload: &[], has_stack });
        };
        let metadata = callsite.metadata();
        // A name among the values is found there.
        let has_message = callsite.message().is_some();
        let is_renamed = site.has_dirty_names();
        let shape = if is_renamed && !has_message { Shape::Entries } else { Shape::Values };
        redactor.start_event();
        let written = write_or_mask(buffers, failed, is_sound, redactor, keys, shape, |rewriter| {
            rewriter.values(&site.rulings, site.open.as_deref(), site.names, shape, payload)
        });
        redactor.end_event();
        written?;
        let Buffers { payload, before_copies: entries, .. } = buffers;
        if !is_renamed {
            return Ok(Redacted { source: Source::Site(callsite), payload, has_stack });
        }
        let (event, payload) = match has_message {
            true => (to_entries(callsite, payload, has_stack, entries)?, &entries[..]),
            false => (site.name.as_deref().unwrap_or(metadata.event.as_bytes()), &payload[..]),
        };
        let target = site.target.as_deref().unwrap_or(metadata.target.as_bytes());
        // The stack is an ordinary entry now.
        Ok(Redacted { source: Source::Dynamic { target, event }, payload, has_stack: false })
    }

    fn dynamic_event<'a>(
        &'a mut self,
        target: &'a [u8],
        event: &'a [u8],
        payload: &'a [u8],
    ) -> Result<Redacted<'a>, ReadError> {
        let Redaction { redactor, buffers, .. } = self;
        redactor.start_event();
        let mut plain = |text: &'a [u8], out: &mut Vec<u8>| {
            out.clear();
            let result = catch_unwind(AssertUnwindSafe(|| {
                redactor.value(KeyClass::Plain, text, false, out) == RedactOutcome::Clean
            }));
            if result.is_err() {
                out.clear();
                out.extend_from_slice(FAILED);
            }
            result.unwrap_or(false)
        };
        let is_target_clean = plain(target, &mut buffers.target);
        let is_event_clean = plain(event, &mut buffers.name);
        let is_payload_clean = self.rewrite_entries(payload)?;
        let Redaction { redactor, buffers, .. } = self;
        let is_event_clean = copies::mask_in_name(redactor, event, is_event_clean, buffers);
        redactor.end_event();
        let Buffers { payload: redacted, name, target: redacted_target, .. } = &self.buffers;
        let source = Source::Dynamic {
            target: if is_target_clean { target } else { redacted_target },
            event: if is_event_clean { event } else { name },
        };
        let payload = if is_payload_clean { payload } else { redacted };
        Ok(Redacted { source, payload, has_stack: false })
    }

    /// The bound fields that may be encoded.
    pub(super) fn entries<'a>(&'a mut self, entries: &'a [u8]) -> Result<&'a [u8], ReadError> {
        self.entries_with(Verdict::Unknown, entries)
    }

    /// The same of entries with this verdict.
    pub(super) fn entries_with<'a>(
        &'a mut self,
        verdict: Verdict,
        entries: &'a [u8],
    ) -> Result<&'a [u8], ReadError> {
        if self.is_clean(verdict) {
            return Ok(entries);
        }
        self.redactor.start_event();
        let is_clean = self.rewrite_entries(entries);
        self.redactor.end_event();
        Ok(if is_clean? { entries } else { &self.buffers.payload })
    }

    /// Scans the entries of a map. Returns true if they are clean; otherwise the redacted copy is in the
    /// buffer.
    fn rewrite_entries(&mut self, entries: &[u8]) -> Result<bool, ReadError> {
        let Redaction { redactor, keys, prescan, buffers, failed, .. } = self;
        prescan.clear();
        let scanned = catch_unwind(AssertUnwindSafe(|| {
            prescan.entries(entries, b"", entries, redactor, keys)?;
            Ok(prescan.is_clean(entries, redactor) && !redactor.may_have_copies(entries))
        }));
        let is_sound = match scanned {
            Ok(result) => match result? {
                true => return Ok(true),
                false => true,
            },
            Err(_) => false,
        };
        write_or_mask(buffers, failed, is_sound, redactor, keys, Shape::Entries, |rewriter| {
            rewriter.entries(Ruling::default(), entries, b"")
        })?;
        Ok(false)
    }

    /// Redacts a text of the engine.
    pub(super) fn text(&mut self, text: &str) -> String {
        let mut out = Vec::new();
        let is_clean = !self.is_on
            || self.redactor.value(KeyClass::Plain, text.as_bytes(), false, &mut out)
                == RedactOutcome::Clean;
        if is_clean { text.to_owned() } else { String::from_utf8_lossy(&out).into_owned() }
    }

    #[cold]
    fn register_site(&mut self, callsite: &'static Callsite, index: usize) {
        let metadata = callsite.metadata();
        let rules = Arc::clone(self.redactor.rules());
        // If the name is a value, it is redacted with the values.
        let name = callsite.message().is_none().then(|| self.dirty(metadata.event)).flatten();
        // Others are paths of modules, or constants in the source.
        let target = callsite.is_foreign().then(|| self.dirty(metadata.target)).flatten();
        let facts: Vec<_> =
            metadata.keys.iter().map(|key| rules.key_facts(key.as_bytes(), None)).collect();
        let mut scope = Scope::default();
        let rulings: Box<[Ruling]> = facts.iter().map(|facts| scope.entry(facts)).collect();
        let open = scope.may_resolve().then(|| facts.into_boxed_slice());
        let is_plain = open.is_none()
            && name.is_none()
            && target.is_none()
            && rulings.iter().all(|ruling| ruling.class == KeyClass::Plain);
        let site = Site { names: metadata.keys, rulings, open, name, target, is_plain };
        if self.sites.len() <= index {
            self.sites.resize_with(index + 1, || None);
        }
        self.sites[index] = Some(Box::new(site));
    }

    /// The redacted form of a text of a call site, if it contains a hit.
    fn dirty(&mut self, text: &str) -> Option<Box<[u8]>> {
        let mut redacted = Vec::new();
        let outcome = self.redactor.value(KeyClass::Plain, text.as_bytes(), false, &mut redacted);
        (outcome == RedactOutcome::Replaced).then(|| redacted.into_boxed_slice())
    }

    fn hits(&self) -> Vec<RuleHits> {
        let rules = self.redactor.rules();
        let counts = self.redactor.counts().iter().enumerate().filter(|(_, count)| **count > 0);
        let named = counts.filter_map(|(rule, &hits)| {
            rules.rule_name(rule).map(|name| RuleHits { rule: name.to_owned(), hits })
        });
        named.collect()
    }

    /// All hits since the start.
    pub(super) fn metrics(&self) -> RedactionMetrics {
        let mut sum = self.earlier.clone();
        for hits in self.hits() {
            *sum.entry(hits.rule).or_default() += hits.hits;
        }
        RedactionMetrics {
            is_on: self.is_on,
            rules_hash: self.rules().map(|rules| rules_hash(rules)).unwrap_or_default(),
            hits: sum.into_iter().map(|(rule, hits)| RuleHits { rule, hits }).collect(),
            failed: self.failed,
        }
    }
}

/// A rule set's hash as hexadecimal text.
pub(crate) fn rules_hash(rules: &Rules) -> String {
    rules.hash().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces every text of an event for which the rules have failed.
const FAILED: &[u8] = b"***REDACTED***";

/// Writes a redacted copy; if the rules fail, one in which every value is masked.
fn write_or_mask(
    buffers: &mut Buffers,
    failed: &mut u64,
    is_sound: bool,
    redactor: &mut Redactor,
    keys: &mut Keys,
    shape: Shape,
    mut write: impl FnMut(&mut Rewriter<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    if is_sound {
        let written = catch_unwind(AssertUnwindSafe(|| {
            write(&mut Rewriter::new(redactor, keys, buffers, false))?;
            copies::mask(redactor, keys, buffers, shape)
        }));
        if let Ok(result) = written {
            return result;
        }
    }
    *failed += 1;
    write(&mut Rewriter::new(redactor, keys, buffers, true))
}
