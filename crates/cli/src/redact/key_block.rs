//! Private keys in PEM form that span lines of the stream.
//!
//! After a line that ends in `-----BEGIN … PRIVATE KEY-----`, each line that looks like a part of a key is masked; the
//! marks stay, and every line stays a line. Other lines may come between (two programs writing at once) and are passed
//! on unchanged. The block ends with its END line, after [`OTHER_LINES_MAX`] other lines in a row, or after
//! [`KEY_BYTES_MAX`]. The state between lines is three numbers.
//!
//! Two kinds of blocks have no such mark: the lines that `Private-Lines: 8` of a PuTTY file announces, and lines of
//! base64 of which the first starts like a private key in DER. They end with the first line that is not base64.
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

#[derive(Debug)]
struct Open {
    /// Other lines in a row, and the most that may come between lines of the key.
    other_lines: u32,
    other_lines_max: u32,
    bytes: usize,
    /// The lines that are left, if their number is known.
    lines: u32,
    /// The length of all lines but the last, if no mark ends the key; 0 otherwise.
    line_bytes: usize,
}

impl Open {
    const PEM: Open = Open {
        other_lines: 0,
        other_lines_max: OTHER_LINES_MAX,
        bytes: 0,
        lines: u32::MAX,
        line_bytes: 0,
    };

    /// Whether this part of a line can belong to a key that no mark ends, and whether it ends it.
    fn bounded(&self, part: &[u8]) -> (bool, bool) {
        if self.line_bytes == 0 {
            return (true, false);
        }
        let is_last = part.len() < self.line_bytes;
        let has_digit =
            part.iter().any(u8::is_ascii_digit) && part.iter().any(u8::is_ascii_alphabetic);
        let is_short_word =
            is_last && !part.ends_with(b"=") && (part.len() < LAST_LINE_BYTES_MIN || !has_digit);
        (part.len() <= self.line_bytes && !is_short_word, is_last)
    }
}

/// The shortest last line of a key without padding: a shorter one may be a word.
const LAST_LINE_BYTES_MIN: usize = 8;

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
            if open.other_lines > open.other_lines_max {
                self.open = None;
            }
        }
    }

    /// Whether this line can start a block without a BEGIN line: a filter that reads the end of the line.
    #[inline]
    pub(super) fn may_start(line: &[u8]) -> bool {
        let at = |back: usize| line.len().checked_sub(back).map_or(b' ', |i| line[i]);
        let is_base64 = [1, 40, 9, 17, 25, 33].into_iter().all(|back| is_base64(&at(back)));
        is_base64 || at(1).is_ascii_digit() && announced_lines(line).is_some()
    }

    /// The part of this line of text that belongs to a key.
    pub(super) fn line(&mut self, line: &[u8]) -> Option<Range<usize>> {
        if let Some(lines) = announced_lines(line) {
            self.open = Some(Open { lines, other_lines_max: 0, ..Open::PEM });
            return None;
        }
        if self.open.is_none()
            && let Some(start) = start_of_key(line)
        {
            let end = line.trim_ascii_end().len();
            let line_bytes = end - start;
            self.open = Some(Open { other_lines_max: 0, line_bytes, ..Open::PEM });
            return Some(start..end);
        }
        if let Some(at) = mark_end(line, b"-----BEGIN ")
            && is_body(line[at..].trim_ascii())
        {
            self.open = Some(Open::PEM);
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
        let (belongs, is_last) = open.bounded(&line[part.clone()]);
        if !belongs || is_last {
            self.open = None;
            return belongs.then_some(part).filter(|part| !part.is_empty());
        }
        open.other_lines = 0;
        open.bytes += part.len();
        open.lines -= 1;
        if open.bytes > KEY_BYTES_MAX || open.lines == 0 {
            self.open = None;
        }
        (!part.is_empty()).then_some(part)
    }
}

/// Most lines of a PuTTY file's private part.
const ANNOUNCED_LINES_MAX: u32 = 256;

/// The number in `Private-Lines: 8` at the end of a line.
fn announced_lines(line: &[u8]) -> Option<u32> {
    let line = line.trim_ascii_end();
    let digits = line.iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let (head, number) = line.split_at(line.len() - digits);
    let number = str::from_utf8(number).ok()?.parse().ok()?;
    let is_announced = head.trim_ascii_end().ends_with(b"Private-Lines:");
    (is_announced && (1..=ANNOUNCED_LINES_MAX).contains(&number)).then_some(number)
}

/// Where the base64 of a private key starts, if all of the line after a logger's prefix is the first line of one.
fn start_of_key(line: &[u8]) -> Option<usize> {
    let end = line.trim_ascii_end().len();
    let len = line[..end].iter().rev().take_while(|byte| is_base64(byte)).count();
    let start = end - len;
    let is_apart = start == 0 || matches!(line[start - 1], b' ' | b'\t' | b'|');
    (len >= FIRST_LINE_BYTES_MIN && is_apart && starts_key(&line[start..end])).then_some(start)
}

/// The fewest bytes of the first line of a key.
const FIRST_LINE_BYTES_MIN: usize = 48;

/// Whether base64 starts like a private key: PKCS#8, PKCS#1, SEC1, or OpenSSH's form.
fn starts_key(text: &[u8]) -> bool {
    let at = |from: usize, part: &[u8]| text[from..].starts_with(part);
    at(0, b"MII") && (at(6, b"IBAD") || at(6, b"IBAA"))
        || at(0, b"MIG") && (at(4, b"AgEAMB") || at(4, b"AgEBB"))
        || at(0, b"MHcCAQEEI")
        || at(0, b"MC4CAQAwBQYDK2Vw")
        || at(0, b"b3BlbnNzaC1rZXktdjE")
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

    const FIRST: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    const NEXT: &str = "q8ZkLmNpQrT5vY8x2KdW9sq8ZkLmNpQrT5vY8x2KdW9sq8ZkLmNpQrT5vY8x2Kd9";

    #[test]
    fn keys_without_a_begin_line_are_masked() {
        let lines = [NEXT, FIRST, NEXT, "q8ZkLm==", END, NEXT];
        assert_eq!(masked(&lines), [NEXT, "#", "#", "#", END, NEXT]);
        let logged =
            [&format!("12:00 INFO {FIRST}"), &format!("12:00 INFO {NEXT}"), "12:00 done", NEXT];
        assert_eq!(masked(&logged), ["12:00 INFO #", "12:00 INFO #", "12:00 done", NEXT]);
        let certificate = [
            "-----BEGIN CERTIFICATE-----",
            "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa",
            NEXT,
        ];
        assert_eq!(masked(&certificate), certificate);
        assert!(
            KeyBlock::may_start(FIRST.as_bytes())
                && !KeyBlock::may_start(b"GET /index.html 200 in 12 ms, 3 bytes")
        );
    }

    #[test]
    fn the_announced_lines_of_putty_files_are_masked() {
        let lines = [
            "PuTTY-User-Key-File-3: ssh-ed25519",
            "Public-Lines: 1",
            NEXT,
            "Private-Lines: 2",
            NEXT,
            "q8ZkLm==",
            "Private-MAC: 8c6976e5b5410415",
            NEXT,
        ];
        let mut want = lines;
        (want[4], want[5]) = ("#", "#");
        assert_eq!(masked(&lines), want);
        assert!(KeyBlock::may_start(b"Private-Lines: 2") && !KeyBlock::may_start(b"Lines: 2"));
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
