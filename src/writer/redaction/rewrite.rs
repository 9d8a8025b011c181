//! Makes a redacted copy of an event's values in the encoding of records.
//!
//! Clean values are copied byte for byte; a replaced value becomes text. Only events that the prescan rejects are
//! rewritten. Nothing is allocated once the buffers have grown.
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::copies::Shape;
use super::key_facts::{Keys, KnownKey};
use super::prescan::text_of;
use super::{Buffers, FAILED};
use ringseal_base::value::{Entries, PiiKind, ReadError, ValueRef, Values, tag};
use ringseal_redact::{KeyClass, KeyFacts, RedactOutcome, Redactor, Ruling, Scope};

/// Writes the copy.
pub(super) struct Rewriter<'a> {
    pub(super) redactor: &'a mut Redactor,
    keys: &'a mut Keys,
    /// The copy.
    pub(super) out: &'a mut Vec<u8>,
    /// The text of one value, and its redacted form.
    value_text: &'a mut Vec<u8>,
    pub(super) redacted_text: &'a mut Vec<u8>,
    /// The rules have failed: every value is masked.
    masks_all: bool,
}

impl<'a> Rewriter<'a> {
    /// Writes into `buffers.payload`. With `masks_all` the rules are not used.
    pub(super) fn new(
        redactor: &'a mut Redactor,
        keys: &'a mut Keys,
        buffers: &'a mut Buffers,
        masks_all: bool,
    ) -> Self {
        let Buffers { payload: out, value_text, redacted_text, .. } = buffers;
        out.clear();
        Self { redactor, keys, out, value_text, redacted_text, masks_all }
    }

    /// The values of a call site's fields, whose keys are `names`, and the stack after them; as values, or as entries
    /// of a map.
    pub(super) fn values(
        &mut self,
        rulings: &[Ruling],
        open: Option<&[KeyFacts]>,
        names: &[&str],
        shape: Shape,
        mut payload: &[u8],
    ) -> Result<(), ReadError> {
        let scope = match open {
            Some(facts) if !self.masks_all => self.site_scope(facts, payload)?,
            _ => Scope::default(),
        };
        for (index, &ruling) in rulings.iter().enumerate() {
            let name = names.get(index).map_or(&b""[..], |name| name.as_bytes());
            if shape == Shape::Entries {
                self.key(name);
            }
            let facts = open.and_then(|open| open.get(index));
            let ruling = facts.map_or(ruling, |facts| resolved(&scope, facts, ruling));
            self.next(ruling, name, &mut payload)?;
        }
        if !payload.is_empty() {
            if shape == Shape::Entries {
                self.key(b"stack");
            }
            self.next(Ruling::default(), b"", &mut payload)?;
        }
        Ok(())
    }

    /// What the values of a call site's fields say about each other.
    fn site_scope(&mut self, facts: &[KeyFacts], mut payload: &[u8]) -> Result<Scope, ReadError> {
        let mut scope = Scope::default();
        for facts in facts {
            scope.entry(facts);
            let value = ValueRef::read(&mut payload)?;
            self.label(&mut scope, facts, &value);
        }
        Ok(scope)
    }

    /// What the entries of a map say about each other.
    fn map_scope(
        &mut self,
        above: Ruling,
        entries: &[u8],
        parent: &[u8],
    ) -> Result<Scope, ReadError> {
        let mut scope = Scope::map(above);
        for entry in Entries(entries) {
            let (key, value) = entry?;
            let known = self.keys.facts(self.redactor, key, parent);
            scope.entry(&known.says);
            self.label(&mut scope, &known.says, &value);
        }
        Ok(scope)
    }

    fn label(&mut self, scope: &mut Scope, facts: &KeyFacts, value: &ValueRef<'_>) {
        if Scope::wants_text(facts)
            && let Some(text) = text_of(value)
        {
            let Self { keys, redactor, .. } = self;
            scope.label(facts, text, |text| keys.facts(redactor, text, b"").says.class);
        }
    }

    /// The entries of a map below `parent`, which are governed by `above`.
    pub(super) fn entries(
        &mut self,
        above: Ruling,
        mut entries: &[u8],
        parent: &[u8],
    ) -> Result<(), ReadError> {
        let mut scope = match self.masks_all {
            true => Scope::default(),
            false => self.map_scope(above, entries, parent)?,
        };
        while !entries.is_empty() {
            let key = read_key(&mut entries)?;
            let facts = match self.masks_all {
                true => KnownKey { says: KeyFacts::PLAIN, is_dirty: true },
                false => self.keys.facts(self.redactor, key, parent),
            };
            if !facts.is_dirty || self.text_of(KeyClass::Plain, key, false) == RedactOutcome::Clean
            {
                self.key(key);
            } else {
                let redacted_text = std::mem::take(self.redacted_text);
                self.key(&redacted_text);
                *self.redacted_text = redacted_text;
            }
            let ruling = scope.entry(&facts.says);
            self.next(resolved(&scope, &facts.says, ruling), key, &mut entries)?;
        }
        Ok(())
    }

    pub(super) fn key(&mut self, key: &[u8]) {
        let key = &key[..key.len().min(usize::from(u16::MAX))];
        // Truncated to at most 65,535 bytes.
        self.out.extend_from_slice(&(key.len() as u16).to_le_bytes());
        self.out.extend_from_slice(key);
    }

    /// Reads one value from the front of `payload` and writes its redacted form.
    fn next(
        &mut self,
        ruling: Ruling,
        parent: &[u8],
        payload: &mut &[u8],
    ) -> Result<(), ReadError> {
        let before = *payload;
        let value = ValueRef::read(payload)?;
        let raw = &before[..before.len() - payload.len()];
        match value {
            ValueRef::Array(values) => self.list(ruling, parent, false, values),
            ValueRef::Error(values) => self.nested(tag::ERROR, ruling, parent, values),
            ValueRef::Map(Entries(entries)) => {
                let open = self.open(tag::MAP);
                self.entries(ruling, entries, parent)?;
                self.close(open);
                Ok(())
            }
            ValueRef::Pii(kind, values) => self.personal(kind, parent, values),
            leaf => {
                let class = match leaf {
                    ValueRef::I64(_)
                    | ValueRef::U64(_)
                    | ValueRef::I128(_)
                    | ValueRef::U128(_)
                    | ValueRef::Number(_)
                    | ValueRef::F64(_)
                    | ValueRef::F32(_) => ruling.number_class(),
                    _ => ruling.class,
                };
                self.leaf(class, leaf, raw);
                Ok(())
            }
        }
    }

    fn nested(
        &mut self,
        tag: u8,
        ruling: Ruling,
        parent: &[u8],
        Values(mut values): Values<'_>,
    ) -> Result<(), ReadError> {
        let open = self.open(tag);
        while !values.is_empty() {
            self.next(ruling, parent, &mut values)?;
        }
        self.close(open);
        Ok(())
    }

    /// The items of a list, which can say something about each other.
    fn list(
        &mut self,
        ruling: Ruling,
        parent: &[u8],
        is_inner: bool,
        Values(mut values): Values<'_>,
    ) -> Result<(), ReadError> {
        let open = self.open(tag::ARRAY);
        let pair = if self.masks_all {
            KeyClass::Plain
        } else {
            self.pair(ruling, parent, is_inner, values)?
        };
        let mut scope = Scope::list(ruling, parent, is_inner);
        let mut index = 0;
        while !values.is_empty() {
            let value = ValueRef::read(&mut { values })?;
            let class = self.item(&mut scope, &value);
            let ruling = match (index, pair) {
                _ if self.masks_all || ruling.class != KeyClass::Plain => ruling,
                (1, pair) if pair != KeyClass::Plain => Ruling::strong(pair),
                _ => Ruling::strong(class),
            };
            if let ValueRef::Array(inner) = value {
                ValueRef::read(&mut values)?;
                self.list(ruling, parent, true, inner)?;
            } else {
                self.next(ruling, parent, &mut values)?;
            }
            index += 1;
        }
        self.close(open);
        Ok(())
    }

    fn item(&mut self, scope: &mut Scope, value: &ValueRef<'_>) -> KeyClass {
        if self.masks_all {
            return KeyClass::Plain;
        }
        let Self { keys, redactor, .. } = self;
        scope.item(text_of(value), |text| keys.facts(redactor, text, b"").says.class)
    }

    /// The class of the second item, if the list is a key and its value.
    fn pair(
        &mut self,
        ruling: Ruling,
        parent: &[u8],
        is_inner: bool,
        values: &[u8],
    ) -> Result<KeyClass, ReadError> {
        let mut scope = Scope::list(ruling, parent, is_inner);
        let mut texts = [&b""[..]; 2];
        for (index, value) in Values(values).take(3).enumerate() {
            let text = text_of(&value?);
            if let (Some(text), Some(slot)) = (text, texts.get_mut(index)) {
                *slot = text;
            }
            scope.item(text, |_| KeyClass::Plain);
        }
        let Self { keys, redactor, .. } = self;
        let [first, second] = texts;
        Ok(match scope.may_be_pair() {
            true => scope.pair(first, second, |text| keys.facts(redactor, text, b"").says.class),
            false => KeyClass::Plain,
        })
    }

    pub(super) fn open(&mut self, tag: u8) -> usize {
        self.out.push(tag);
        self.out.extend_from_slice(&[0; 4]);
        self.out.len()
    }

    pub(super) fn close(&mut self, open: usize) {
        let len = (self.out.len() - open) as u32;
        self.out[open - 4..open].copy_from_slice(&len.to_le_bytes());
    }

    /// Personal data is replaced as a whole, unless the rules keep its kind: then it is an ordinary value.
    fn personal(
        &mut self,
        kind: PiiKind,
        parent: &[u8],
        Values(values): Values<'_>,
    ) -> Result<(), ReadError> {
        let class = class_of(kind);
        let mut rest = values;
        if rest.is_empty() {
            self.out.push(tag::NULL);
            return Ok(());
        }
        let stays = class != KeyClass::Udf
            && class.kind().is_some_and(|kind| !self.redactor.rules().finds(kind));
        if stays {
            return self.next(Ruling::default(), parent, &mut rest);
        }
        let value = ValueRef::read(&mut rest)?;
        let raw = &values[..values.len() - rest.len()];
        match value {
            ValueRef::Null | ValueRef::Absent => self.out.extend_from_slice(raw),
            ValueRef::Str(b"") => self.out.extend_from_slice(raw),
            value => {
                self.spell(value);
                let value_text = std::mem::take(self.value_text);
                match self.text_of(class, &value_text, false) {
                    RedactOutcome::Replaced => self.put_answer(),
                    // Already a replacement, or a text without a hit: the caller's mark takes precedence.
                    RedactOutcome::Clean if ringseal_redact::is_mask(&value_text) => {
                        self.put_str(&value_text)
                    }
                    RedactOutcome::Clean => {
                        let mask = self.redactor.rules().profile().key_mask(class);
                        self.put_str(mask.as_bytes());
                    }
                }
                *self.value_text = value_text;
            }
        }
        Ok(())
    }

    /// Writes a value that contains no other value.
    fn leaf(&mut self, class: KeyClass, value: ValueRef<'_>, raw: &[u8]) {
        let outcome = match value {
            ValueRef::Null | ValueRef::Absent | ValueRef::Bool(_) | ValueRef::Deep => {
                RedactOutcome::Clean
            }
            _ if self.masks_all => self.text_of(class, &[], false),
            ValueRef::Secret => {
                let mask = self.redactor.rules().profile().key_mask(KeyClass::Secret);
                return self.put_str(mask.as_bytes());
            }
            ValueRef::Str(text) | ValueRef::Bytes(text) => self.text_of(class, text, false),
            ValueRef::StrCut(kept, whole) | ValueRef::BytesCut(kept, whole) => {
                match self.text_of(class, kept, true) {
                    // The mark of the cut belongs to the kept part of the text; a mask for the whole value
                    // needs none.
                    RedactOutcome::Replaced if class == KeyClass::Plain => {
                        return self.put_cut(whole);
                    }
                    outcome => outcome,
                }
            }
            ValueRef::I64(_)
            | ValueRef::U64(_)
            | ValueRef::I128(_)
            | ValueRef::U128(_)
            | ValueRef::Number(_) => self.number(class, value),
            ValueRef::F64(_)
            | ValueRef::F32(_)
            | ValueRef::Duration(..)
            | ValueRef::Since(_)
            | ValueRef::SinceMicros(_) => match class {
                KeyClass::Custom => self.spelt(class, value),
                KeyClass::Address => self.number(class, value),
                _ => RedactOutcome::Clean,
            },
            ValueRef::Ipv4(_)
            | ValueRef::Ipv6(_)
            | ValueRef::SocketV4(..)
            | ValueRef::SocketV6(..)
                if class == KeyClass::Plain && !self.redactor.rules().ips =>
            {
                RedactOutcome::Clean
            }
            ValueRef::Char(_) | ValueRef::Time(..) | ValueRef::Uuid(_) | ValueRef::SpanId(_)
                if class == KeyClass::Plain =>
            {
                RedactOutcome::Clean
            }
            _ => self.spelt(class, value),
        };
        match outcome {
            RedactOutcome::Clean => self.out.extend_from_slice(raw),
            RedactOutcome::Replaced => self.put_answer(),
        }
    }

    fn text_of(&mut self, class: KeyClass, text: &[u8], is_cut: bool) -> RedactOutcome {
        self.redacted_text.clear();
        if self.masks_all {
            self.redacted_text.extend_from_slice(FAILED);
            return RedactOutcome::Replaced;
        }
        self.redactor.value(class, text, is_cut, self.redacted_text)
    }

    fn number(&mut self, class: KeyClass, value: ValueRef<'_>) -> RedactOutcome {
        self.spell(value);
        self.redacted_text.clear();
        self.redactor.number(class, self.value_text, self.redacted_text)
    }

    /// Redacts a value by the text that a line would show.
    fn spelt(&mut self, class: KeyClass, value: ValueRef<'_>) -> RedactOutcome {
        self.spell(value);
        let value_text = std::mem::take(self.value_text);
        let outcome = self.text_of(class, &value_text, false);
        *self.value_text = value_text;
        outcome
    }

    /// The text of a value, close enough for the redactor.
    fn spell(&mut self, value: ValueRef<'_>) {
        let value_text = &mut *self.value_text;
        value_text.clear();
        // Writing into a vector cannot fail.
        let _ = match value {
            ValueRef::I64(number) => write!(value_text, "{number}"),
            ValueRef::U64(number) => write!(value_text, "{number}"),
            ValueRef::I128(number) => write!(value_text, "{number}"),
            ValueRef::U128(number) => write!(value_text, "{number}"),
            ValueRef::F64(number) => write!(value_text, "{number}"),
            ValueRef::F32(number) => write!(value_text, "{number}"),
            ValueRef::Char(number) => {
                write!(value_text, "{}", char::from_u32(number).unwrap_or('\u{FFFD}'))
            }
            ValueRef::Ipv4(octets) => write!(value_text, "{}", Ipv4Addr::from(octets)),
            ValueRef::Ipv6(octets) => write!(value_text, "{}", Ipv6Addr::from(octets)),
            ValueRef::SocketV4(octets, port) => {
                write!(value_text, "{}", SocketAddr::from((octets, port)))
            }
            ValueRef::SocketV6(octets, port) => {
                write!(value_text, "{}", SocketAddr::from((octets, port)))
            }
            ValueRef::Uuid(bytes) => {
                bytes.iter().try_for_each(|byte| write!(value_text, "{byte:02x}"))
            }
            ValueRef::SpanId(bytes) => {
                bytes.iter().try_for_each(|byte| write!(value_text, "{byte:02x}"))
            }
            ValueRef::Duration(seconds, nanos) => write!(value_text, "{seconds}.{nanos:09}"),
            ValueRef::Time(seconds, nanos) => write!(value_text, "{seconds}.{nanos:09}"),
            ValueRef::Number(text)
            | ValueRef::Str(text)
            | ValueRef::Bytes(text)
            | ValueRef::StrCut(text, _)
            | ValueRef::BytesCut(text, _) => value_text.write_all(text),
            // No part of a container may be shown.
            _ => value_text.write_all(b"?"),
        };
    }

    pub(super) fn put_answer(&mut self) {
        let redacted_text = std::mem::take(self.redacted_text);
        self.put_str(&redacted_text);
        *self.redacted_text = redacted_text;
    }

    fn put_str(&mut self, text: &[u8]) {
        self.out.push(tag::STR);
        self.out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.out.extend_from_slice(text);
    }

    pub(super) fn put_cut(&mut self, whole: u32) {
        self.out.push(tag::STR_CUT);
        self.out.extend_from_slice(&(self.redacted_text.len() as u32).to_le_bytes());
        self.out.extend_from_slice(&whole.to_le_bytes());
        self.out.extend_from_slice(self.redacted_text);
    }
}

/// The key class that corresponds to personal data of this kind.
fn class_of(kind: PiiKind) -> KeyClass {
    match kind {
        PiiKind::Name => KeyClass::Name,
        PiiKind::Email => KeyClass::Email,
        PiiKind::Phone => KeyClass::Phone,
        PiiKind::Address => KeyClass::Address,
        PiiKind::Ssn => KeyClass::Ssn,
        PiiKind::Card => KeyClass::Card,
        PiiKind::Iban => KeyClass::Bank,
        PiiKind::DateOfBirth => KeyClass::Dob,
        // Other, and a kind that this version does not know: masked as a whole.
        _ => KeyClass::Udf,
    }
}

/// The ruling for an entry, after all entries of its map were noted.
fn resolved(scope: &Scope, facts: &KeyFacts, ruling: Ruling) -> Ruling {
    match scope.resolved(facts) {
        KeyClass::Plain => ruling,
        _ if ruling.class != KeyClass::Plain => ruling,
        class => Ruling::strong(class),
    }
}

pub(super) fn read_key<'a>(entries: &mut &'a [u8]) -> Result<&'a [u8], ReadError> {
    let short = |expected, found: &[u8]| ReadError::Short { expected, found: found.len() };
    let (len, rest) = entries.split_first_chunk::<2>().ok_or_else(|| short(2, entries))?;
    let len = usize::from(u16::from_le_bytes(*len));
    let (key, rest) = rest.split_at_checked(len).ok_or_else(|| short(len, rest))?;
    *entries = rest;
    Ok(key)
}
