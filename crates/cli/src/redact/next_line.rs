//! Values of sensitive keys on the line after the key's: `- name: DB_PASSWORD` and `value: …`, PHP's dumps, block
//! scalars of YAML, and a password that a sentence announces.
//!
//! The state between lines is the key's class and a counter. Allocates nothing.
use std::ops::Range;

use ringseal_redact::{KeyClass, Rules};

use super::dump_block::{Part, is_key, quoted};

/// Bytes of a key.
const KEY_BYTES_MAX: usize = 64;
/// Lines of a block scalar, and empty lines before a value that a sentence announces.
const LINES_MAX: u32 = 64;
const EMPTY_LINES_MAX: u32 = 2;
/// A value that a sentence announces has at least this many bytes.
const ANNOUNCED_BYTES_MIN: usize = 12;

/// What is expected on the next line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Announced {
    form: Form,
    class: KeyClass,
    indent: usize,
    lines: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `value: hunter2`, after `- name: DB_PASSWORD`.
    Entry,
    /// `string(7) "hunter2"`, after `["password"]=>`.
    Dump,
    /// Indented lines, after `password: |`.
    Block,
    /// The value alone on its line, after `Please use the following password:`.
    Alone,
}

/// Whether a line can announce a value: a filter that reads both ends of the line.
#[inline]
pub(super) fn may_announce(line: &[u8]) -> bool {
    match line.trim_ascii_end() {
        [.., b'=', b'>']
        | [.., b':']
        | [.., b' ', b'|' | b'>']
        | [.., b' ', b'|' | b'>', b'-' | b'+'] => true,
        line => starts_like_entry(line) && entry_name(line).is_some(),
    }
}

/// What `line`, which has no spaces at its end, announces.
pub(super) fn announced(line: &[u8], indent: usize, rules: &Rules) -> Option<Announced> {
    let (form, key) = if let Some(name) = entry_name(line) {
        (Form::Entry, name)
    } else if let Some(head) = line.strip_suffix(b"=>") {
        (Form::Dump, last_key(head)?)
    } else if let Some(head) = block_head(line) {
        (Form::Block, last_key(head.strip_suffix(b":")?)?)
    } else {
        (Form::Alone, announcing_word(line)?)
    };
    if !(2..=KEY_BYTES_MAX).contains(&key.len()) {
        return None;
    }
    let class = rules.key_facts(key, None).class;
    let is_wanted = match form {
        Form::Alone => class == KeyClass::Password,
        _ => class.is_secret(),
    };
    is_wanted.then_some(Announced { form, class, indent, lines: 0 })
}

impl Announced {
    /// The part of `line` that is the value, and what is expected on the line after it. `place` is the line without the
    /// spaces at its ends.
    pub(super) fn line(
        mut self,
        line: &[u8],
        place: Range<usize>,
    ) -> (Option<Part>, Option<Announced>) {
        self.lines += 1;
        let text = line.get(place.clone()).unwrap_or_default();
        let part = |range: Range<usize>| Some((range, self.class));
        match self.form {
            Form::Block => {
                let is_inside =
                    place.start > self.indent && !text.is_empty() && self.lines <= LINES_MAX;
                if is_inside { (part(place), Some(self)) } else { (None, None) }
            }
            Form::Alone if text.is_empty() && self.lines <= EMPTY_LINES_MAX => (None, Some(self)),
            Form::Alone => (is_password(text).then_some((place, self.class)), None),
            Form::Dump => (dumped(line, place).and_then(part), None),
            Form::Entry => (entry_value(line, place).and_then(part), None),
        }
    }
}

/// Whether the first letter of a line can be that of an entry: a filter that nearly no line of a log passes.
#[inline]
fn starts_like_entry(line: &[u8]) -> bool {
    let first = line.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
    matches!(first, Some(b'-' | b'n' | b'k' | b'"'))
}

/// The name in `- name: DB_PASSWORD`, `"key": "db.password",`.
fn entry_name(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"- ").unwrap_or(line).trim_ascii_start();
    let rest = ["name:", "key:", "\"name\":", "\"key\":", "\"Name\":", "\"Key\":"]
        .iter()
        .find_map(|name| line.strip_prefix(name.as_bytes()))?;
    let rest = rest.trim_ascii();
    let rest = rest.strip_suffix(b",").unwrap_or(rest);
    let name = match rest {
        [b'"', name @ .., b'"'] | [b'\'', name @ .., b'\''] => name,
        name => name,
    };
    name.iter().all(|byte| is_key(*byte)).then_some(name)
}

/// The key at the end of `head`, which may be in quotes and brackets.
fn last_key(head: &[u8]) -> Option<&[u8]> {
    let head = head.trim_ascii_end();
    let head = head.strip_suffix(b"]").unwrap_or(head);
    let head = match head {
        [inner @ .., b'"' | b'\''] => inner,
        _ => head,
    };
    let len = head.iter().rev().take_while(|byte| is_key(**byte)).count();
    (len > 0).then(|| &head[head.len() - len..])
}

/// What is before the mark of a block scalar: `password: |-`.
fn block_head(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"-").or(line.strip_suffix(b"+")).unwrap_or(line);
    match line {
        [head @ .., b' ', b'|' | b'>'] => Some(head.trim_ascii_end()),
        _ => None,
    }
}

/// The word for a password in a sentence that ends in a colon.
fn announcing_word(line: &[u8]) -> Option<&[u8]> {
    let sentence = line.strip_suffix(b":")?;
    let words = sentence.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let is_sentence = words.clone().count() > 2;
    let mut known = words.filter(|word| {
        [&b"password"[..], b"passphrase", b"passcode"]
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known))
    });
    if is_sentence { known.next() } else { None }
}

/// Letters and digits without spaces or signs of code.
fn is_password(text: &[u8]) -> bool {
    let is_in_alphabet =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_~!@#$%^&*-".contains(byte);
    text.len() >= ANNOUNCED_BYTES_MIN
        && text.iter().all(is_in_alphabet)
        && text.iter().any(u8::is_ascii_digit)
        && text.iter().any(u8::is_ascii_alphabetic)
}

/// The text of `string(7) "hunter2"`.
fn dumped(line: &[u8], place: Range<usize>) -> Option<Range<usize>> {
    let text = &line[place.clone()];
    let rest = text.strip_prefix(b"string(")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let start = place.start + b"string(".len() + digits + 2;
    rest[digits..].starts_with(b") \"").then(|| quoted(line, start, place.end))?
}

/// The text of `value: hunter2`, `"value": "hunter2"`; not references and expressions.
fn entry_value(line: &[u8], place: Range<usize>) -> Option<Range<usize>> {
    let text = &line[place.clone()];
    let names = ["value:", "\"value\":", "\"Value\":"];
    let name = names.iter().find(|name| text.starts_with(name.as_bytes()))?;
    let spaces = text[name.len()..].iter().take_while(|byte| **byte == b' ').count();
    let start = place.start + name.len() + spaces;
    let end = place.end - usize::from(line[..place.end].ends_with(b","));
    let first = line.get(start..end)?.first()?;
    match first {
        b'"' | b'\'' => quoted(line, start, end),
        b'$' | b'{' | b'[' | b'<' | b'*' | b'&' | b'!' | b'|' | b'>' | b'#' => None,
        _ => Some(start..end),
    }
}

#[cfg(test)]
mod tests {
    use super::super::dump_block::tests::masked;

    #[test]
    fn values_on_the_next_line_are_found() {
        for (text, want) in [
            ("- name: DB_PASSWORD\n  value: x y", "- name: DB_PASSWORD\n  value: #"),
            (
                "  - name: API_KEY\n    value: 'k9'\n  - name: B",
                "  - name: API_KEY\n    value: '#'\n  - name: B",
            ),
            (
                "  \"name\": \"DB_PASSWORD\",\n  \"value\": \"x\"\n}",
                "  \"name\": \"DB_PASSWORD\",\n  \"value\": \"#\"\n}",
            ),
            ("  [\"password\"]=>\n  string(7) \"a\\\"b\"", "  [\"password\"]=>\n  string(7) \"#\""),
            ("password: |\n  one\n  two\nuser: x", "password: |\n  #\n  #\nuser: x"),
            ("  secret_key: >-\n    k9\n  n: 1", "  secret_key: >-\n    #\n  n: 1"),
            (
                "Please use the following password to proceed:\n\n8f14e45fceea167a5a36\n\nx1y2z3a4b5c6d7",
                "Please use the following password to proceed:\n\n#\n\nx1y2z3a4b5c6d7",
            ),
        ] {
            assert_eq!(masked(text), want);
        }
    }

    #[test]
    fn other_lines_after_keys_stay() {
        for text in [
            "- name: LOG_LEVEL\n  value: debug",
            "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef: x",
            "- name: DB_PASSWORD\n  value: $(DB_PASSWORD)",
            "- name: DB_PASSWORD\n- value: x",
            "[\"user\"]=>\n  string(1) \"x\"",
            "[\"password\"]=>\n  NULL",
            "notes: |\n  a password",
            "password: |\nuser: x",
            "The password must meet these rules:\n\n- 12 characters\n- 1 digit",
            "password:\n8f14e45fceea167a5a36",
            "Enter the password for joe:\n\nlogged in as joe",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
