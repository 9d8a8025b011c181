//! Input as text: recognizes encodings and compressed data by their first bytes and decodes them.
//!
//! UTF-16 and UTF-32, with a byte order mark or by the pattern of their NULs, are decoded to UTF-8; gzip and zstd are
//! unpacked, also one inside the other; other compressed, packed and binary formats are refused with an error, because
//! nothing can be found in them. Anything else is passed on byte for byte.
//!
//! Promises: memory is constant, whatever the input unpacks to; a stream is passed on as soon as it has been read.
//! Only its first bytes may wait for more: as long as they could be the beginning of one of these formats.
use std::fmt;
use std::io::{self, Cursor, Read};

mod format;
#[cfg(test)]
mod tests;
mod wide;
mod zstd;

use format::{Format, SIGNATURE_BYTES_MAX, format_of, may_be_format};
pub use wide::WideEncoding;
use wide::WideReader;
use zstd::ZstdReader;

/// How many formats may be inside each other: UTF-16 in gzip in zstd.
const LAYERS_MAX: usize = 4;
/// Bytes of the beginning by which a binary format without a signature is recognized.
const HEAD_BYTES: usize = 8 << 10;

/// What is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refuse {
    /// Formats with a signature.
    Signatures,
    /// Also what has the control characters of binary data.
    Binary,
}

/// Input in a format that cannot be read as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotText {
    format: &'static str,
    /// The command that unpacks it.
    unpack: Option<&'static str>,
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected text (UTF-8, UTF-16, UTF-32; gzip and zstd are unpacked), found {}",
            self.format
        )?;
        match self.unpack {
            Some(command) => write!(f, ": unpack it first (`{command}`)"),
            None => f.write_str(": its content was not searched"),
        }
    }
}

impl std::error::Error for NotText {}

/// Input that has been opened.
pub struct TextInput<'a> {
    /// The text, in UTF-8 if it was recognized as another encoding.
    pub text: Box<dyn Read + Send + 'a>,
    /// The encoding in which it was found; `None` for bytes that are passed on.
    pub encoding: Option<WideEncoding>,
    /// Whether it was unpacked.
    pub is_unpacked: bool,
}

impl fmt::Debug for TextInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextInput").field("encoding", &self.encoding).finish_non_exhaustive()
    }
}

/// Recognizes and decodes input.
///
/// # Errors
/// If reading the first bytes fails, or with [`NotText`] as the source if the format is refused.
pub fn open<'a>(from: Box<dyn Read + Send + 'a>, refuse: Refuse) -> io::Result<TextInput<'a>> {
    let mut from = from;
    for layer in 0..LAYERS_MAX {
        let is_unpacked = layer > 0;
        let (head, format) = read_head(&mut *from, refuse)?;
        let whole = Cursor::new(head).chain(from);
        from = match format {
            Format::Plain => {
                let text = Box::new(whole);
                return Ok(TextInput { text, encoding: None, is_unpacked });
            }
            Format::Wide(encoding) => {
                let text = Box::new(WideReader::new(whole, encoding));
                return Ok(TextInput { text, encoding: Some(encoding), is_unpacked });
            }
            Format::Gzip => Box::new(flate2::read::MultiGzDecoder::new(whole)),
            Format::Zstd => Box::new(ZstdReader::new(whole)),
            Format::Refused(format, unpack) => {
                let refused = NotText { format, unpack };
                return Err(io::Error::new(io::ErrorKind::InvalidData, refused));
            }
        };
    }
    let (format, unpack) = ("data that was compressed several times", None);
    Err(io::Error::new(io::ErrorKind::InvalidData, NotText { format, unpack }))
}

/// The first bytes, and the format that they show.
fn read_head(from: &mut dyn Read, refuse: Refuse) -> io::Result<(Vec<u8>, Format)> {
    let mut head = vec![0; HEAD_BYTES];
    let mut len = 0;
    loop {
        match from.read(&mut head[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if len >= SIGNATURE_BYTES_MAX || !may_be_format(&head[..len]) {
            break;
        }
    }
    head.truncate(len);
    let format = format_of(&head, refuse == Refuse::Binary);
    Ok((head, format))
}
