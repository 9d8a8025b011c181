//! Encodings and compressed data.
use std::io::Write;

use proptest::prelude::*;

use super::*;

/// Returns at most this many bytes per read.
struct SlowReader<'a>(&'a [u8], usize);

impl Read for SlowReader<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = to.len().min(self.1).min(self.0.len());
        to[..len].copy_from_slice(&self.0[..len]);
        self.0 = &self.0[len..];
        Ok(len)
    }
}

fn read(bytes: &[u8], at_once: usize) -> Result<(Vec<u8>, Option<WideEncoding>), String> {
    let opened = open(Box::new(SlowReader(bytes, at_once)), Refuse::Binary);
    let TextInput { mut text, encoding, .. } = opened.map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    text.read_to_end(&mut all).map_err(|error| error.to_string())?;
    Ok((all, encoding))
}

fn encoded(encoding: WideEncoding, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    encoding.encode(text.as_bytes(), &mut out);
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn wide_text_is_decoded_with_and_without_mark() {
    let texts = [
        "ab",
        "{\"a\":1}\r\n",
        "x = 1\nna\u{ef}ve \u{1F600}\n",
        "key: \u{4e2d}\u{6587} and more\n",
    ];
    for encoding in WideEncoding::ALL {
        for text in texts {
            for mark in ["", "\u{feff}"] {
                let text = format!("{mark}{text}");
                for at_once in [1, 3, 1000] {
                    let found = read(&encoded(encoding, &text), at_once);
                    assert_eq!(found, Ok((text.clone().into_bytes(), Some(encoding))), "{text:?}");
                }
            }
        }
    }
    // With a mark, text without any ASCII is recognized, too.
    let text = "\u{feff}\u{4e2d}\u{6587}";
    let found = read(&encoded(WideEncoding::Utf16Be, text), 7);
    assert_eq!(found, Ok((text.as_bytes().to_vec(), Some(WideEncoding::Utf16Be))));
}

#[test]
fn lone_surrogates_become_replacement_characters() {
    let cases: [(&[u8], &str); 3] = [
        (b"\xff\xfea\0\x3d\xd8b\0", "\u{feff}a\u{fffd}b"),
        (b"\xff\xfea\0\x00\xdeb\0", "\u{feff}a\u{fffd}b"),
        (b"\xff\xfea\0\x3d\xd8", "\u{feff}a\u{fffd}"),
    ];
    for (bytes, want) in cases {
        assert_eq!(read(bytes, 2).expect("text").0, want.as_bytes());
    }
    assert!(read(b"\xff\xfea\0b", 9).expect_err("half").contains("inside a character"));
}

#[test]
fn other_bytes_are_passed_on_unchanged() {
    let texts: [&[u8]; 14] = [
        b"",
        b"a",
        b"\n",
        b"plain\n",
        b"a\0b",
        b"one\0two\0three\0",
        b"\xef\xbb\xbf{\"a\":1}",
        b"caf\xe9 latin\n",
        b"\x1b[31mred\x1b[0m\n",
        b"BZh is how bzip2 begins\n",
        b"PK is a football term\n",
        b"\x1f\x8c",
        b"{\"a\":1}\n\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd\n",
    ];
    for text in texts {
        for at_once in [1, 1000] {
            assert_eq!(read(text, at_once), Ok((text.to_vec(), None)), "{text:?}");
        }
    }
}

#[test]
fn compressed_data_is_unpacked() {
    let text: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
    let bytes = text.as_bytes();
    let wide = encoded(WideEncoding::Utf16Le, "\u{feff}a\n");
    let cases: [(Vec<u8>, &[u8]); 8] = [
        (gzip(bytes), bytes),
        (zstd(bytes), bytes),
        ([gzip(b"one\n"), gzip(b"two\n")].concat(), b"one\ntwo\n"),
        ([zstd(b"one\n"), zstd(b"two\n")].concat(), b"one\ntwo\n"),
        ([b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec(), zstd(b"one\n")].concat(), b"one\n"),
        (gzip(&zstd(b"one\n")), b"one\n"),
        (gzip(b""), b""),
        (zstd(&wide), "\u{feff}a\n".as_bytes()),
    ];
    for (packed, want) in cases {
        for at_once in [1, 7, 100_000] {
            let found = read(&packed, at_once).expect("unpacked").0;
            assert!(found == want, "{} bytes instead of {}", found.len(), want.len());
        }
    }
}

#[test]
fn damaged_data_is_an_error() {
    let text = b"a line that is long enough to be compressed\n".repeat(50);
    for packed in [gzip(&text), zstd(&text)] {
        for len in [packed.len() / 2, packed.len() - 1] {
            assert!(read(&packed[..len], 1000).is_err(), "{len} of {}", packed.len());
        }
        let mut flipped = packed.clone();
        *flipped.last_mut().expect("a byte") ^= 1;
        assert!(read(&flipped, 1000).is_err());
    }
    assert!(read(&[gzip(&text), b"rest".to_vec()].concat(), 1000).is_err());
}

#[test]
fn other_formats_are_refused_by_name() {
    let cases: [(&[u8], &str); 14] = [
        (b"\xfd7zXZ\0\0\x04\xe6", "xz data"),
        (b"BZh91AY&SY\x12", "bzip2 data"),
        (b"\x04\x22\x4d\x18\x64", "lz4 data"),
        (b"PK\x03\x04\x14\0", "zip archive"),
        (b"7z\xbc\xaf\x27\x1c\0", "7z archive"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "ELF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        (b"%PDF-1.7\n", "PDF"),
        (b"SQLite format 3\0\x10\0", "SQLite"),
        (b"LPKSHHRH\0\0", "journalctl --file"),
        (b"\x1f\x9d\x90ab", "compress data"),
        (b"\x01\x02\x03\x04\x05\x06\x07\x10\x11\x12 and", "binary data"),
        (b"a\0\0\0\x03\0\0\0\0\0\x10\0\0\0\0\0\0\x07\0\0\0\0b", "binary data"),
        (b"Salted__12345678", "encrypted"),
    ];
    for (bytes, want) in cases {
        for at_once in [1, 1000] {
            // The signatures of binary formats need a first read with all of them.
            if at_once == 1 && want == "binary data" {
                continue;
            }
            let error = read(bytes, at_once).expect_err(want);
            assert!(error.contains(want) && error.contains("expected text"), "{error}");
        }
    }
    let packed = gzip(b"\xfd7zXZ\0\0\x04\xe6");
    assert!(read(&packed, 1000).expect_err("xz inside").contains("xz data"));
}

proptest! {
    #[test]
    fn wide_text_survives_a_round_trip(text: String, at_once in 1_usize..9) {
        for encoding in WideEncoding::ALL {
            let text = format!("\u{feff}{text}");
            let found = read(&encoded(encoding, &text), at_once);
            // A UTF-16 mark before a NUL is the mark of UTF-32.
            prop_assume!(!text.starts_with("\u{feff}\0"));
            prop_assert_eq!(found, Ok((text.into_bytes(), Some(encoding))));
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes, 13);
    }
}
