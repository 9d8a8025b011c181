//! The layout `audit_members`: the members of a JSON object, which the audit log completes to an entry.
//!
//! `"event_type":"user.login","action":"login","outcome":"success","actor":{…}`
//!
//! Canonical as `docs/audit-format.md` defines it: no insignificant bytes, no repeated keys in an object, only the
//! escapes of RFC 8785. Keys that the entry uses itself get the prefix `field.`. Promises: nothing is allocated once
//! scratch and output have grown. Members that would exceed the bound are left out, and the last member is then
//! `"is_cut":true`.
use super::dedup::{Order, Scratch};
use super::{RenderContext, json_value};
use crate::encode::Out;
use ringseal_base::value::{Entries, ReadError, ValueRef};

/// Writes the members of audit entries.
#[derive(Debug, Default)]
pub struct AuditMembers {
    scratch: Scratch,
}

/// Keys that an entry uses itself, and the mark of left-out members.
const OWN_KEYS: [&[u8]; 5] = [b"seq", b"timestamp", b"_prev_signature", b"_signature", b"is_cut"];

impl AuditMembers {
    /// Appends the entries of a map as members, in their order, in at most `bytes_max` bytes. Returns whether all of
    /// them fit.
    pub fn write(
        &mut self,
        entries: &[u8],
        bytes_max: usize,
        members: &mut Vec<u8>,
    ) -> Result<bool, ReadError> {
        const CUT: &[u8] = b",\"is_cut\":true";
        let (base, bytes_max) = (members.len(), bytes_max.saturating_sub(CUT.len()));
        let mut is_whole = true;
        let result =
            self.scratch.for_each_last(Order::Logged, Entries(entries), |scratch, key, value| {
                if value == ValueRef::Absent {
                    return Ok(());
                }
                let start = members.len();
                let mut out = Out::new(members);
                out.reserve(key.len() + 16);
                if start > base {
                    out.byte(b',');
                }
                out.byte(b'"');
                out.raw(prefix(key));
                out.string_part(key);
                out.raw(b"\":");
                let context = RenderContext::BOUND.under(key);
                json_value::value(&mut out, scratch, context, value)?;
                drop(out);
                unescape_separators(members, start);
                if members.len() - base > bytes_max {
                    members.truncate(start);
                    is_whole = false;
                }
                Ok(())
            });
        if result.is_err() {
            members.truncate(base);
        } else if !is_whole {
            members.extend_from_slice(&CUT[usize::from(members.len() == base)..]);
        }
        result.map(|()| is_whole)
    }
}

/// Replaces escaped U+2028 and U+2029 after `from` by the characters: other layouts escape them, the canonical form
/// does not.
fn unescape_separators(members: &mut Vec<u8>, from: usize) {
    let (mut read, mut write) = (from, from);
    while let Some(found) = memchr::memmem::find(&members[read..], b"\\u202") {
        let at = read + found;
        let backslashes = members[from..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        let raw: &[u8] = match members.get(at + 5) {
            // An odd number of backslashes before it: this backslash is escaped, and the rest is text.
            _ if backslashes % 2 == 1 => b"",
            Some(b'8') => "\u{2028}".as_bytes(),
            Some(b'9') => "\u{2029}".as_bytes(),
            _ => b"",
        };
        let end = at + if raw.is_empty() { 1 } else { 6 };
        let kept = if raw.is_empty() { end } else { at };
        members.copy_within(read..kept, write);
        write += kept - read;
        members[write..write + raw.len()].copy_from_slice(raw);
        write += raw.len();
        read = end;
    }
    let len = members.len();
    members.copy_within(read..len, write);
    members.truncate(write + len - read);
}

/// `field.` for a key that an entry uses itself, and for one that already has the prefix.
fn prefix(key: &[u8]) -> &'static [u8] {
    let mut unprefixed = key;
    while let Some(rest) = unprefixed.strip_prefix(b"field.") {
        unprefixed = rest;
    }
    if OWN_KEYS.contains(&unprefixed) { b"field." } else { b"" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringseal_base::limits::Limits;
    use ringseal_base::value::{Map, ValueWriter};

    fn members(bytes_max: usize, fill: impl FnOnce(&mut ValueWriter<'_>)) -> (String, bool) {
        let mut bytes = vec![0; 1 << 16];
        let mut out = ValueWriter::new(&mut bytes, Limits::default());
        fill(&mut out);
        let len = out.len_bytes();
        let mut text = Vec::new();
        let is_whole = AuditMembers::default().write(&bytes[..len], bytes_max, &mut text).unwrap();
        (String::from_utf8(text).unwrap(), is_whole)
    }

    #[test]
    fn members_keep_order_and_reserved_keys_are_prefixed() {
        let (text, is_whole) = members(1000, |out| {
            out.entry("event_type", &"user.login");
            out.entry("seq", &1);
            out.entry("field.seq", &2);
            out.entry("twice", &1);
            out.entry("actor", &Map(&[("type", &"user"), ("id", &"u\n\u{1}\u{7f}\u{2028}\"\\/")]));
            out.entry("twice", &2);
        });
        assert!(is_whole);
        assert_eq!(
            text,
            "\"event_type\":\"user.login\",\"field.seq\":1,\"field.field.seq\":2,\
             \"actor\":{\"type\":\"user\",\"id\":\"u\\n\\u0001\u{7f}\u{2028}\\\"\\\\/\"},\"twice\":2"
        );
    }

    #[test]
    fn separators_are_not_escaped_and_backslashes_stay() {
        for text in [
            "\u{2028}",
            "a\u{2029}b\u{2028}\u{2028}",
            r"\u2028",
            r"\\u2029",
            "\\\u{2028}",
            r"\u202",
        ] {
            let (found, _) = members(1000, |out| out.entry("k", &text));
            let expected = format!("\"k\":\"{}\"", text.replace('\\', r"\\"));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn members_above_the_bound_are_left_out() {
        let fill = |out: &mut ValueWriter<'_>| {
            out.entry("a", &1);
            out.entry("b", &"x".repeat(100));
            out.entry("c", &2);
        };
        assert_eq!(members(60, fill), ("\"a\":1,\"c\":2,\"is_cut\":true".into(), false));
        assert_eq!(members(14, |out| out.entry("b", &"xyz")), ("\"is_cut\":true".into(), false));
        assert!(members(200, fill).1);
    }
}
