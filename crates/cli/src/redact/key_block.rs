//! Private keys in PEM form that span lines of the stream.
//!
//! After a line that ends in `-----BEGIN … PRIVATE KEY-----`, each line that looks like a part of a key is masked; the
//! marks stay, and every line stays a line. Other lines may come between (two programs writing at once) and are passed
//! on unchanged. The block ends with its END line, after [`OTHER_LINES_MAX`] other lines in a row, or after
//! [`KEY_BYTES_MAX`]. The state between lines is two counters.
use std::ops::Range;

/// Lines in a row without any part of a key, after which the block counts as ended.
pub(super) const OTHER_LINES_MAX: u32 = 64;
/// Bytes of one key: many times more than the largest keys in use.
pub(super) const KEY_BYTES_MAX: usize = 1 << 20;
/// After other text on the line, only a run of at least this many bytes is part of a key.
const TAIL_BYTES_MIN: usize = 16;

/// Whether a key is open.
#[derive(Debug, Default)]
pub(super) struct KeyBlock {
    open: Option<Open>,
}

#[derive(Debug, Default)]
struct Open {
    other_lines: u32,
    bytes: usize,
}

impl KeyBlock {
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Ends the block: the input or one of its files has ended.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Counts a line of JSON, which is not part of a key.
    pub(super) fn other_line(&mut self) {
        if let Some(open) = &mut self.open {
            open.other_lines += 1;
            if open.other_lines > OTHER_LINES_MAX {
                self.open = None;
            }
        }
    }

    /// The part of this line of text that belongs to a key.
    pub(super) fn line(&mut self, line: &[u8]) -> Option<Range<usize>> {
        if let Some(at) = mark_end(line, b"-----BEGIN ")
            && is_body(line[at..].trim_ascii())
        {
            self.open = Some(Open::default());
            // If the key follows on the same line and is long enough, the detector finds it.
            return body(line, at).filter(|body| !body.is_empty());
        }
        let open = self.open.as_mut()?;
        if let Some(end) = memchr::memmem::find(line, b"-----END ") {
            self.open = None;
            return body(line, 0).filter(|body| body.end <= end);
        }
        let Some(part) = part_of_key(line) else {
            self.other_line();
            return None;
        };
        open.other_lines = 0;
        open.bytes += part.len();
        if open.bytes > KEY_BYTES_MAX {
            self.open = None;
        }
        (!part.is_empty()).then_some(part)
    }
}

/// The position after the last `-----BEGIN … PRIVATE KEY-----` of the line.
fn mark_end(line: &[u8], begin: &[u8]) -> Option<usize> {
    let start = memchr::memmem::rfind(line, begin)? + begin.len();
    let label = line[start..].iter().take_while(|b| is_label(**b)).take(80).count();
    let is_private = [&b"PRIVATE KEY"[..], b"PRIVATE KEY BLOCK"]
        .iter()
        .any(|end| line[start..start + label].ends_with(end));
    let end = start + label;
    (is_private && line[end..].starts_with(b"-----")).then_some(end + 5)
}

fn is_label(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// Whether the text is only base64, or empty.
fn is_body(text: &[u8]) -> bool {
    text.iter().all(is_base64)
}

/// The text from `from` on without the white space around it, if it can be part of a key.
fn body(line: &[u8], from: usize) -> Option<Range<usize>> {
    let rest = &line[from..];
    let start = from + (rest.len() - rest.trim_ascii_start().len());
    let end = from + rest.trim_ascii_end().len();
    (start <= end && is_body(&line[start..end])).then_some(start..end.max(start))
}

/// The part of a line inside a block that belongs to the key; an empty range for lines of the block that
/// are not secret (blank ones, and headers such as `DEK-Info: …`).
fn part_of_key(line: &[u8]) -> Option<Range<usize>> {
    if let Some(whole) = body(line, 0) {
        return Some(whole);
    }
    const HEADERS: [&[u8]; 7] = [
        b"Proc-Type:",
        b"DEK-Info:",
        b"Version:",
        b"Comment:",
        b"Hash:",
        b"Charset:",
        b"MessageID:",
    ];
    let text = line.trim_ascii();
    if HEADERS.iter().any(|header| text.starts_with(header)) {
        return Some(0..0);
    }
    // A logger has added a prefix to each line.
    let end = line.trim_ascii_end().len();
    let len = line[..end].iter().rev().take_while(|byte| is_base64(byte)).count();
    let tail = &line[end - len..end];
    let is_key = len >= TAIL_BYTES_MIN && !tail.iter().all(u8::is_ascii_digit);
    is_key.then_some(end - len..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines, with parts of keys replaced by `#`.
    fn masked(lines: &[&str]) -> Vec<String> {
        let mut block = KeyBlock::default();
        let mask = |line: &&str| match block.line(line.as_bytes()) {
            Some(part) => format!("{}#{}", &line[..part.start], &line[part.end..]),
            None => (*line).to_owned(),
        };
        lines.iter().map(mask).collect()
    }

    const BEGIN: &str = "-----BEGIN RSA PRIVATE KEY-----";
    const END: &str = "-----END RSA PRIVATE KEY-----";

    #[test]
    fn only_lines_between_the_marks_are_masked() {
        let lines =
            ["MIIEvQ", BEGIN, "Proc-Type: 4,ENCRYPTED", "", "MIIEvQIBADANBg", " abc= ", END, "abc"];
        let want = ["MIIEvQ", BEGIN, "Proc-Type: 4,ENCRYPTED", "", "#", " # ", END, "abc"];
        assert_eq!(masked(&lines), want);
    }

    #[test]
    fn logger_prefixes_and_other_lines_are_kept() {
        let begin = format!("12:00 INFO {BEGIN}");
        let key = "12:00 INFO MIIEvQIBADANBgkqhkiG9w0BAQEFAASC";
        let lines = [&begin, key, "GET /index.html 200", key, "12:00 INFO -----END", END, key];
        let want = [
            &begin,
            "12:00 INFO #",
            "GET /index.html 200",
            "12:00 INFO #",
            "12:00 INFO -----END",
            END,
            key,
        ];
        assert_eq!(masked(&lines), want);
    }

    #[test]
    fn prose_opens_no_block_and_open_blocks_expire() {
        let talk = ["expected -----BEGIN PRIVATE KEY----- at the start", "MIIEvQIBADANBg"];
        assert_eq!(masked(&talk), talk);
        let public = ["-----BEGIN PUBLIC KEY-----", "MIIEvQIBADANBg"];
        assert_eq!(masked(&public), public);
        let mut block = KeyBlock::default();
        assert_eq!(block.line(BEGIN.as_bytes()), None);
        for _ in 0..=OTHER_LINES_MAX {
            assert!(block.is_open());
            assert_eq!(block.line(b"GET / 200, and so on"), None);
        }
        assert!(!block.is_open());
    }

    #[test]
    fn a_block_ends_after_its_byte_limit() {
        let mut block = KeyBlock::default();
        let _ = block.line(BEGIN.as_bytes());
        let line = vec![b'A'; 1 << 16];
        for _ in 0..KEY_BYTES_MAX >> 16 {
            assert_eq!(block.line(&line), Some(0..line.len()));
        }
        assert_eq!(block.line(&line), Some(0..line.len()));
        assert_eq!(block.line(&line), None);
    }
}
