//! Decodes chunked bodies.
//!
//! Promises: pure code. Input may arrive in any pieces, with the same result. Sizes, extensions and trailers are
//! bounded; a bare line feed is refused, because others read it differently.
use std::mem;

/// Most bytes of a line with a chunk's size and extensions.
const LINE_BYTES_MAX: usize = 1024;
/// Most bytes of all trailers.
const TRAILER_BYTES_MAX: usize = 8 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the line with the size.
    Size,
    /// In the data; this many bytes are left.
    Data(u64),
    /// At the `\r\n` after the data.
    DataEnd {
        has_cr: bool,
    },
    /// In the trailers, which are dropped.
    Trailers,
    Done,
}

/// The state of a body.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
    line: Vec<u8>,
    trailer_bytes: usize,
}

/// Why a body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is malformed.
    Malformed(&'static str),
    /// It has more bytes than allowed.
    TooLarge,
}

impl Decoder {
    pub(crate) fn new() -> Decoder {
        Decoder { state: State::Size, line: Vec::new(), trailer_bytes: 0 }
    }

    /// Whether the body is complete.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Decodes `input` and appends the data to `out`, up to `max` bytes in total. Returns how many bytes were used;
    /// fewer than all only after the end of the body.
    pub(crate) fn decode(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        max: usize,
    ) -> Result<usize, Refused> {
        let mut at = 0;
        while at < input.len() && self.state != State::Done {
            if let State::Data(left) = self.state {
                let rest = &input[at..];
                let take = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                if take > max - out.len().min(max) {
                    return Err(Refused::TooLarge);
                }
                out.extend_from_slice(&rest[..take]);
                at += take;
                let left = left - take as u64;
                self.state =
                    if left == 0 { State::DataEnd { has_cr: false } } else { State::Data(left) };
            } else {
                self.byte(input[at])?;
                at += 1;
            }
        }
        Ok(at)
    }

    fn byte(&mut self, byte: u8) -> Result<(), Refused> {
        match (self.state, byte) {
            (State::DataEnd { has_cr: false }, b'\r') => {
                self.state = State::DataEnd { has_cr: true }
            }
            (State::DataEnd { has_cr: true }, b'\n') => self.state = State::Size,
            (State::DataEnd { .. }, _) => {
                return Err(Refused::Malformed("a chunk without `\\r\\n` after its data"));
            }
            (_, b'\n') => self.end_line()?,
            (state, byte) => {
                if self.line.last() == Some(&b'\r') {
                    return Err(Refused::Malformed("a carriage return inside of a line of chunks"));
                }
                self.line.push(byte);
                let max = if state == State::Size { LINE_BYTES_MAX } else { TRAILER_BYTES_MAX };
                if self.line.len() + self.trailer_bytes > max {
                    return Err(Refused::Malformed(
                        "a chunk's extensions or trailers that are too long",
                    ));
                }
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Refused> {
        let line = mem::take(&mut self.line);
        let Some(line) = line.strip_suffix(b"\r") else {
            return Err(Refused::Malformed("a line of chunks that ends without a carriage return"));
        };
        if self.state == State::Size {
            self.state = match size(line)? {
                0 => State::Trailers,
                bytes => State::Data(bytes),
            };
        } else if line.is_empty() {
            self.state = State::Done;
        } else {
            self.trailer_bytes += line.len();
            if self.trailer_bytes > TRAILER_BYTES_MAX {
                return Err(Refused::Malformed("trailers that are too long"));
            }
        }
        Ok(())
    }
}

/// The size at the start of a line; extensions after `;` are ignored.
fn size(line: &[u8]) -> Result<u64, Refused> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    if digits.is_empty() || digits.len() > 16 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(Refused::Malformed("a chunk's size that is not 1 to 16 hexadecimal digits"));
    }
    let text = std::str::from_utf8(digits).unwrap_or_default();
    u64::from_str_radix(text, 16)
        .map_err(|_| Refused::Malformed("a chunk's size that is too large"))
}

/// The data and the number of bytes used, if the body is complete and valid.
#[cfg(test)]
fn decode_pieces(pieces: &[&[u8]], max: usize) -> Option<(Vec<u8>, usize)> {
    let (mut decoder, mut out, mut used) = (Decoder::new(), Vec::new(), 0);
    for piece in pieces {
        used += decoder.decode(piece, &mut out, max).ok()?;
    }
    decoder.is_done().then_some((out, used))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 1000;

    fn refused(text: &str) -> Refused {
        let mut out = Vec::new();
        Decoder::new().decode(text.as_bytes(), &mut out, MAX).expect_err(text)
    }

    #[test]
    fn each_body_is_decoded_or_refused() {
        for (text, data, rest) in [
            ("0\r\n\r\n", "", 0),
            ("3\r\nabc\r\n0\r\n\r\nHTTP/1.1", "abc", 8),
            ("A;x=\"y\"\r\n0123456789\r\n00\r\nt: u\r\n\r\n", "0123456789", 0),
            ("1 \r\na\r\n0\r\n\r\n", "a", 0),
        ] {
            let (found, used) = decode_pieces(&[text.as_bytes()], MAX).expect(text);
            assert_eq!((found.as_slice(), used), (data.as_bytes(), text.len() - rest), "{text}");
        }
        for text in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "+1\r\n",
            " 1\r\n",
            "0x1\r\n",
            "1\n",
            "1\r\nab",
            "1\r\na\n",
            "11111111111111111\r\n",
            "1\rx\r\n",
            "0\r\n\n",
            "1;\rx\r\n",
            "3\r\nabc0\r\n",
        ] {
            assert!(matches!(refused(text), Refused::Malformed(_)), "{text:?}");
        }
        assert_eq!(refused(&format!("3E9\r\n{}", "a".repeat(1001))), Refused::TooLarge);
        assert!(matches!(refused(&"1".repeat(2000)), Refused::Malformed(_)));
        assert!(matches!(refused(&format!("1;{}", "x".repeat(2000))), Refused::Malformed(_)));
        assert!(matches!(refused(&format!("0\r\n{}", "x".repeat(9000))), Refused::Malformed(_)));
        assert!(matches!(
            refused(&format!("0\r\n{}", "x: y\r\n".repeat(3000))),
            Refused::Malformed(_)
        ));
        assert_eq!(decode_pieces(&[b"3\r\nabc\r\n0\r\n"], MAX), None, "not complete");
    }

    /// Splits a whole text at its lines; the obvious way.
    fn oracle(text: &[u8]) -> Option<(Vec<u8>, usize)> {
        let line_end =
            |at: usize| text[at..].windows(2).position(|two| two == b"\r\n").map(|end| at + end);
        let is_plain = |line: &[u8]| !line.contains(&b'\r') && !line.contains(&b'\n');
        let (mut at, mut data) = (0, Vec::new());
        loop {
            let end = line_end(at)?;
            let line = std::str::from_utf8(&text[at..end])
                .ok()
                .filter(|line| is_plain(line.as_bytes()))?;
            let digits = line.split(';').next()?.trim_ascii_end();
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            let size = usize::from_str_radix(digits, 16).ok()?;
            at = end + 2;
            if size == 0 {
                break;
            }
            data.extend_from_slice(text.get(at..at.checked_add(size)?)?);
            at += size;
            if text.get(at..at + 2)? != b"\r\n" || data.len() > MAX {
                return None;
            }
            at += 2;
        }
        loop {
            let end = line_end(at)?;
            let line = &text[at..end];
            at = end + 2;
            if !is_plain(line) {
                return None;
            }
            if line.is_empty() {
                return Some((data, at));
            }
        }
    }

    fn piece() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "0",
            "1",
            "2",
            "a",
            "F",
            "10",
            "\r\n",
            "\r",
            "\n",
            ";",
            "x",
            " ",
            "\r\n\r\n",
            "0\r\n\r\n",
            "1\r\na\r\n",
            "2\r\nab\r\n",
            "t: u\r\n",
            "3;e=1\r\nabc\r\n",
        ])
    }

    proptest! {
        /// Pieces of bodies in any order, cut anywhere: mostly wrong, sometimes right, never different.
        #[test]
        fn the_oracle_agrees(
            pieces in prop::collection::vec(piece(), 0..12),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            let text = pieces.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode_pieces(&parts, MAX), oracle(&text), "{:?}", String::from_utf8_lossy(&text));
        }

        /// What is encoded in chunks is decoded to the same bytes.
        #[test]
        fn encoded_bodies_come_back(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8)) {
            let mut text = Vec::new();
            for chunk in &chunks {
                text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                text.extend_from_slice(chunk);
                text.extend_from_slice(b"\r\n");
            }
            text.extend_from_slice(b"0\r\n\r\n");
            prop_assert_eq!(decode_pieces(&[&text], MAX), Some((chunks.concat(), text.len())));
        }
    }
}
