//! Reads control entries: exactly what `put` writes.
use super::{
    Algorithm, CHECKED_SEGMENTS_MAX, CONTINUED_MAX, CheckStatus, CheckedSegment, Checksum,
    Continued, Control, Epoch, FORMAT, Integrity, MismatchKind, PRUNED_SEGMENTS_MAX, Prune,
    PruneReason, PruneTerms, Rebuilt, Recovery, RotateReason, SealedSegment, SegmentStart, Start,
    StateMismatch, StatePlace, Statement, StopReason, TornFrom, TornPiece, Trigger,
};
use crate::entry::json::{ScanState, Scanner};
use crate::entry::{Entry, ParseError, ParseErrorKind, Scheme};
use ringseal_base::digest::Hash;
use ringseal_base::digest::text::{Base64, base64_array, hex_array};

type Result<T> = std::result::Result<T, ParseError>;

impl Control {
    /// Reads a control entry. Offsets in errors count from the entry's `"event_type"`.
    pub fn read(entry: &Entry<'_>) -> Result<Statement> {
        let mut state = ScanState::default();
        let mut reader = Reader { scan: Scanner::new(entry.body.as_bytes(), &mut state)? };
        reader.expect(b"\"event_type\":\"", "\"event_type\"")?;
        reader.expect(entry.event_type.as_bytes(), "the event type")?;
        reader.expect(b"\"", "a quote")?;
        let mut has_mismatch = false;
        let control = match entry.event_type {
            "ringseal.start" => Control::Start(reader.start()?),
            "ringseal.segment" => Control::Segment(reader.segment_start()?),
            "ringseal.epoch" => Control::Epoch(reader.epoch()?),
            "ringseal.recovery" => Control::Recovery(reader.recovery(&mut has_mismatch)?),
            "ringseal.prune" => Control::Prune(reader.prune()?),
            "ringseal.integrity" => Control::Integrity(reader.integrity()?),
            "ringseal.stop" => {
                Control::Stop(reader.word("reason", StopReason::ALL, |w| w.as_str())?)
            }
            _ => return reader.error("a control entry of format 1 or 2"),
        };
        // In format 1 a stop is not signed.
        let is_unsigned_stop = matches!(control, Control::Stop(_)) && reader.scan.rest().is_empty();
        let is_signed = control.is_statement() && !is_unsigned_stop;
        let signature = if is_signed { Some(reader.signature()?) } else { None };
        let format = format_of(&control, is_signed, has_mismatch);
        match reader.scan.rest() {
            [] => Ok(Statement { control, signature, format }),
            _ => reader.error("no more members"),
        }
    }
}

/// The first format that has this form of an entry.
const fn format_of(control: &Control, is_signed: bool, has_mismatch: bool) -> u64 {
    match control {
        Control::Start(start) => start.format,
        Control::Stop(_) if !is_signed => 1,
        Control::Recovery(_) if !has_mismatch => 1,
        Control::Prune(prune) if prune.terms.is_none() => 1,
        _ => FORMAT,
    }
}

/// The signed text of a statement, without the prefix and the origin.
pub(crate) fn statement_text<'a>(entry: &Entry<'a>) -> Option<&'a [u8]> {
    const TAIL: usize = b",\"signature\":\"".len() + 86 + 1;
    let after_body = super::super::PREV_KEY.len() + super::super::SIGNATURE_BYTES + 1;
    entry.signed.len().checked_sub(after_body + TAIL).and_then(|len| entry.signed.get(..len))
}

struct Reader<'a, 'n> {
    scan: Scanner<'a, 'n>,
}

impl<'a> Reader<'a, '_> {
    fn error<T>(&self, what: &'static str) -> Result<T> {
        self.scan.error(ParseErrorKind::Control(what))
    }

    fn expect(&mut self, literal: &[u8], what: &'static str) -> Result<()> {
        if !self.skip_if(literal) {
            return self.error(what);
        }
        Ok(())
    }

    fn skip_if(&mut self, literal: &[u8]) -> bool {
        let there = self.scan.rest().starts_with(literal);
        self.scan.at += if there { literal.len() } else { 0 };
        there
    }

    /// A key, and the comma before it unless it is the first of its object.
    fn key(&mut self, key: &'static str) -> Result<()> {
        if !matches!(self.scan.bytes.get(..self.scan.at), Some([.., b'{'])) {
            self.expect(b",", key)?;
        }
        self.expect(b"\"", key)?;
        self.expect(key.as_bytes(), key)?;
        self.expect(b"\":", key)
    }

    /// A string of printable ASCII without escapes.
    fn ascii_string(&mut self, what: &'static str) -> Result<&'a str> {
        self.expect(b"\"", what)?;
        let plain = |byte: &&u8| matches!(byte, 0x20..=0x7E) && !matches!(byte, b'"' | b'\\');
        let len = self.scan.rest().iter().take_while(plain).count();
        let text = self.scan.rest().get(..len).and_then(|text| std::str::from_utf8(text).ok());
        self.scan.at += len;
        self.expect(b"\"", what)?;
        match text {
            Some(text) => Ok(text),
            None => self.error(what),
        }
    }

    fn text(&mut self, key: &'static str) -> Result<String> {
        self.key(key)?;
        self.ascii_string(key).map(str::to_owned)
    }

    fn number(&mut self, key: &'static str) -> Result<u64> {
        self.key(key)?;
        self.scan.decimal()
    }

    fn hash(&mut self, key: &'static str) -> Result<Hash> {
        self.key(key)?;
        match hex_array(self.ascii_string(key)?.as_bytes()) {
            Ok(hash) => Ok(hash),
            Err(_) => self.error("64 hexadecimal digits"),
        }
    }

    fn word<T: Copy>(
        &mut self,
        key: &'static str,
        all: &[T],
        as_str: impl Fn(T) -> &'static str,
    ) -> Result<T> {
        self.key(key)?;
        self.one_of(key, all, as_str)
    }

    fn one_of<T: Copy>(
        &mut self,
        what: &'static str,
        all: &[T],
        as_str: impl Fn(T) -> &'static str,
    ) -> Result<T> {
        let found = self.ascii_string(what)?;
        match all.iter().find(|word| as_str(**word) == found) {
            Some(word) => Ok(*word),
            None => self.error(what),
        }
    }

    fn list<T>(
        &mut self,
        key: &'static str,
        count_max: usize,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.key(key)?;
        self.expect(b"[", key)?;
        let mut items = Vec::new();
        while !self.skip_if(b"]") {
            if items.len() == count_max {
                return self.error("no more items");
            }
            if !items.is_empty() {
                self.expect(b",", "a comma")?;
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn signature(&mut self) -> Result<[u8; 64]> {
        self.key("signature")?;
        match base64_array(Base64::Url, self.ascii_string("signature")?.as_bytes()) {
            Ok(signature) => Ok(signature),
            Err(_) => self.error("86 digits of base64url"),
        }
    }

    fn start(&mut self) -> Result<Start> {
        let format = self.number("format")?;
        if !(1..=FORMAT).contains(&format) {
            return self.error("format 1 or 2");
        }
        Ok(Start {
            format,
            origin: self.text("origin")?,
            scheme: self.word("algorithm", &[Scheme::Mac, Scheme::Hash], Scheme::as_str)?,
            ratchet: self.number("ratchet")?,
            checkpoint_seconds: self.number("checkpoint_seconds")?,
            checkpoint_entries: self.number("checkpoint_entries")?,
            public_key: self.text("public_key")?,
            writer: self.text("writer")?,
            state: match format {
                1 => StatePlace::Log,
                _ => self.word("state", StatePlace::ALL, StatePlace::as_str)?,
            },
            continued: match self.scan.rest().starts_with(b",\"continued\":") && format > 1 {
                true => Some(self.continued()?),
                false => None,
            },
        })
    }

    fn continued(&mut self) -> Result<Continued> {
        self.key("continued")?;
        self.expect(b"{", "an object")?;
        let continued = Continued {
            dir: self.text("dir")?,
            entries: self.number("entries")?,
            tree_root: self.hash("tree_root")?,
            epoch: self.number("epoch")?,
            chain_keys: self.list("chain_keys", CONTINUED_MAX, |reader| reader.scan.decimal())?,
            damage: self.text("damage")?,
        };
        self.expect(b"}", "the end of the object")?;
        Ok(continued)
    }

    fn sealed(&mut self) -> Result<SealedSegment> {
        self.expect(b"{", "an object")?;
        Ok(SealedSegment {
            name: self.text("name")?,
            bytes: self.number("bytes")?,
            sha256: self.hash("sha256")?,
            first_seq: self.number("first_seq")?,
            last_seq: self.number("last_seq")?,
        })
    }

    fn segment_start(&mut self) -> Result<SegmentStart> {
        let number = self.number("number")?;
        let reason = self.word("reason", RotateReason::ALL, RotateReason::as_str)?;
        self.key("previous")?;
        let previous = self.sealed()?;
        let extra = if self.skip_if(b"}") { None } else { Some(self.extra()?) };
        Ok(SegmentStart { number, reason, previous, extra })
    }

    fn extra(&mut self) -> Result<Checksum> {
        let checksum = if self.scan.rest().starts_with(b",\"sha512\"") {
            self.key("sha512")?;
            self.checksum("sha512", Algorithm::Sha512)?
        } else {
            self.key("crc32")?;
            self.checksum("crc32", Algorithm::Crc32)?
        };
        self.expect(b"}", "the end of the object")?;
        Ok(checksum)
    }

    fn checksum(&mut self, what: &'static str, algorithm: Algorithm) -> Result<Checksum> {
        let text = self.ascii_string(what)?.as_bytes();
        let checksum = match algorithm {
            Algorithm::Sha256 => hex_array(text).ok().map(Checksum::Sha256),
            Algorithm::Sha512 => hex_array(text).ok().map(Checksum::Sha512),
            Algorithm::Crc32 => {
                hex_array(text).ok().map(|bytes| Checksum::Crc32(u32::from_be_bytes(bytes)))
            }
        };
        match checksum {
            Some(checksum) => Ok(checksum),
            None => self.error("the hexadecimal digits of a checksum"),
        }
    }

    fn epoch(&mut self) -> Result<Epoch> {
        Ok(Epoch {
            number: self.number("number")?,
            old_key: self.text("old_key")?,
            new_key: self.text("new_key")?,
        })
    }

    fn torn(&mut self) -> Result<TornPiece> {
        self.expect(b"{", "an object")?;
        let piece = TornPiece {
            kept: self.text("kept")?,
            from: self.word("from", TornFrom::ALL, TornFrom::as_str)?,
            offset: self.number("offset")?,
            bytes: self.number("bytes")?,
            sha256: self.hash("sha256")?,
        };
        self.expect(b"}", "the end of the object")?;
        Ok(piece)
    }

    fn recovery(&mut self, has_mismatch: &mut bool) -> Result<Recovery> {
        let torn = self.list("torn", usize::MAX, Self::torn)?;
        let rebuilt = self.list("rebuilt", Rebuilt::ALL.len(), |reader| {
            reader.one_of("rebuilt", Rebuilt::ALL, Rebuilt::as_str)
        })?;
        *has_mismatch = self.scan.rest().starts_with(b",\"mismatch\":");
        let mismatch = if *has_mismatch { self.mismatch()? } else { None };
        let in_order = rebuilt.windows(2).all(|pair| (pair[0] as u8) < (pair[1] as u8));
        if !in_order || (torn.is_empty() && rebuilt.is_empty() && mismatch.is_none()) {
            return self.error("at least one repair, each once and in order");
        }
        Ok(Recovery { torn, rebuilt, mismatch })
    }

    fn mismatch(&mut self) -> Result<Option<StateMismatch>> {
        self.key("mismatch")?;
        if self.skip_if(b"null") {
            return Ok(None);
        }
        self.expect(b"{", "an object")?;
        let mismatch = StateMismatch {
            kind: self.word("kind", MismatchKind::ALL, MismatchKind::as_str)?,
            expected_entries: self.number("expected_entries")?,
            expected_root: self.hash("expected_root")?,
            found_entries: self.number("found_entries")?,
            found_root: self.hash("found_root")?,
        };
        self.expect(b"}", "the end of the object")?;
        Ok(Some(mismatch))
    }

    fn prune(&mut self) -> Result<Prune> {
        let before_seq = self.number("before_seq")?;
        let reason = self.word("reason", PruneReason::ALL, PruneReason::as_str)?;
        let segments = self.list("segments", PRUNED_SEGMENTS_MAX, |reader| {
            let sealed = reader.sealed()?;
            reader.expect(b"}", "the end of the object")?;
            Ok(sealed)
        })?;
        let consecutive = segments
            .windows(2)
            .all(|pair| pair[0].last_seq.checked_add(1) == Some(pair[1].first_seq));
        let last = segments.last().and_then(|last| last.last_seq.checked_add(1));
        if !consecutive || last != Some(before_seq) {
            return self.error("consecutive segments up to before_seq");
        }
        let has_terms = self.scan.rest().starts_with(b",\"policy\":");
        let terms = if has_terms { Some(self.terms()?) } else { None };
        Ok(Prune { before_seq, reason, segments, terms })
    }

    fn terms(&mut self) -> Result<PruneTerms> {
        self.key("policy")?;
        self.expect(b"{", "an object")?;
        let segments_max = self.number_or_null("segments_max")?;
        let seconds_max = self.number_or_null("seconds_max")?;
        let bytes_max = self.number_or_null("bytes_max")?;
        self.expect(b"}", "the end of the object")?;
        let tree_root = self.hash("tree_root")?;
        Ok(PruneTerms { segments_max, seconds_max, bytes_max, tree_root })
    }

    fn number_or_null(&mut self, key: &'static str) -> Result<Option<u64>> {
        self.key(key)?;
        if self.skip_if(b"null") {
            return Ok(None);
        }
        self.scan.decimal().map(Some)
    }

    fn checksum_or_null(
        &mut self,
        key: &'static str,
        algorithm: Algorithm,
    ) -> Result<Option<Checksum>> {
        self.key(key)?;
        if self.skip_if(b"null") {
            return Ok(None);
        }
        self.checksum(key, algorithm).map(Some)
    }

    fn checked(&mut self) -> Result<CheckedSegment> {
        self.expect(b"{", "an object")?;
        let name = self.text("name")?;
        let algorithm = self.word("algorithm", Algorithm::ALL, Algorithm::as_str)?;
        let checked = CheckedSegment {
            name,
            algorithm,
            bytes: self.number("bytes")?,
            expected: self.checksum_or_null("expected", algorithm)?,
            found: self.checksum_or_null("found", algorithm)?,
            status: self.word("status", CheckStatus::ALL, CheckStatus::as_str)?,
        };
        self.expect(b"}", "the end of the object")?;
        Ok(checked)
    }

    fn integrity(&mut self) -> Result<Integrity> {
        let trigger = self.word("trigger", Trigger::ALL, Trigger::as_str)?;
        let algorithm = self.word("algorithm", Algorithm::ALL, Algorithm::as_str)?;
        let outer = [CheckStatus::Ok, CheckStatus::Mismatch];
        let status = self.word("status", &outer, CheckStatus::as_str)?;
        let integrity = Integrity {
            trigger,
            algorithm,
            log_bytes: self.number("log_bytes")?,
            log_entries: self.number("log_entries")?,
            segments: self.list("segments", CHECKED_SEGMENTS_MAX, Self::checked)?,
        };
        if integrity.status() != status {
            return self.error("the status that follows from the segments");
        }
        Ok(integrity)
    }
}
