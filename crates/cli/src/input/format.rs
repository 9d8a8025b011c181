//! Formats by their first bytes.
use super::wide::WideEncoding;

/// The format of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Text in UTF-8 or an encoding of single bytes.
    Plain,
    Wide(WideEncoding),
    Gzip,
    Zstd,
    /// A format that is not unpacked: its name, and the command that unpacks it.
    Refused(&'static str, Option<&'static str>),
}

/// The longest beginning that decides about a format with a signature.
pub(super) const SIGNATURE_BYTES_MAX: usize = 16;

struct Signature {
    bytes: &'static [u8],
    format: Format,
}

const fn packed(bytes: &'static [u8], name: &'static str, unpack: &'static str) -> Signature {
    Signature { bytes, format: Format::Refused(name, Some(unpack)) }
}

const fn binary(bytes: &'static [u8], name: &'static str) -> Signature {
    Signature { bytes, format: Format::Refused(name, None) }
}

/// Signatures; a longer one precedes its own beginning.
const SIGNATURES: [Signature; 44] = [
    Signature { bytes: b"\x1f\x8b\x08", format: Format::Gzip },
    Signature { bytes: b"\x28\xb5\x2f\xfd", format: Format::Zstd },
    // A skippable frame, with which some tools begin.
    Signature { bytes: b"\x50\x2a\x4d\x18", format: Format::Zstd },
    packed(b"\xfd7zXZ\0", "xz data", "xz -dc FILE"),
    packed(b"BZh11AY&SY", "bzip2 data", "bzip2 -dc FILE"),
    packed(b"BZh21AY&SY", "bzip2 data", "bzip2 -dc FILE"),
    packed(b"BZh31AY&SY", "bzip2 data", "bzip2 -dc FILE"),
    packed(b"BZh41AY&SY", "bzip2 data", "bzip2 -dc FILE"),
    packed(b"BZh51AY&SY", "bzip2 data", "bzip2 -dc FILE"),
    packed(b"BZh61AY&SY", "bzip2 data", "bzip2 -dc FILE"),
    packed(b"BZh71AY&SY", "bzip2 data", "bzip2 -dc FILE"),
    packed(b"BZh81AY&SY", "bzip2 data", "bzip2 -dc FILE"),
    packed(b"BZh91AY&SY", "bzip2 data", "bzip2 -dc FILE"),
    packed(b"\x04\x22\x4d\x18", "lz4 data", "lz4 -dc FILE"),
    packed(b"\x02\x21\x4c\x18", "lz4 data", "lz4 -dc FILE"),
    packed(b"LZIP\x01", "lzip data", "lzip -dc FILE"),
    packed(b"\x5d\0\0\x80\0", "lzma data", "xz -dc FILE"),
    packed(b"\x5d\0\0\0\x04", "lzma data", "xz -dc FILE"),
    packed(b"\x89LZO\0\r\n\x1a\n", "lzop data", "lzop -dc FILE"),
    packed(b"\x1f\x9d", "compress data", "gzip -dc FILE"),
    packed(b"\xff\x06\0\0sNaPpY", "snappy data", "snzip -dc FILE"),
    packed(b"PK\x03\x04", "a zip archive", "unzip -p FILE"),
    packed(b"PK\x05\x06", "a zip archive", "unzip -p FILE"),
    packed(b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x -so FILE"),
    packed(b"Rar!\x1a\x07", "a rar archive", "unrar p FILE"),
    packed(b"!<arch>\n", "an ar archive", "ar p FILE"),
    packed(b"LPKSHHRH", "a journal of systemd", "journalctl --file FILE"),
    packed(b"ElfFile\0", "a Windows event log", "wevtutil qe FILE /lf:true"),
    binary(b"\x7fELF", "an ELF program"),
    binary(b"\xca\xfe\xba\xbe", "a class file"),
    binary(b"\xcf\xfa\xed\xfe", "a Mach-O program"),
    binary(b"\0asm", "a WebAssembly module"),
    binary(b"\x89PNG\r\n\x1a\n", "a PNG image"),
    binary(b"\xff\xd8\xff", "a JPEG image"),
    binary(b"GIF8", "a GIF image"),
    binary(b"%PDF-", "a PDF document"),
    binary(b"SQLite format 3\0", "an SQLite database"),
    binary(b"PAR1", "a Parquet file"),
    binary(b"Obj\x01", "an Avro file"),
    binary(b"\xd4\xc3\xb2\xa1", "captured packets"),
    binary(b"\x0a\x0d\x0d\x0a", "captured packets"),
    binary(b"Salted__", "encrypted data"),
    binary(b"age-encryption.o", "encrypted data"),
    binary(b"wOF2", "a font"),
];

const MARKS: [(&[u8], WideEncoding); 4] = [
    (b"\xff\xfe\0\0", WideEncoding::Utf32Le),
    (b"\0\0\xfe\xff", WideEncoding::Utf32Be),
    (b"\xff\xfe", WideEncoding::Utf16Le),
    (b"\xfe\xff", WideEncoding::Utf16Be),
];

/// Whether more bytes could show a format that these do not show yet.
pub(super) fn may_be_format(head: &[u8]) -> bool {
    let begins = |bytes: &[u8]| bytes.len() > head.len() && bytes.starts_with(head);
    SIGNATURES.iter().any(|signature| begins(signature.bytes))
        || MARKS.iter().any(|(mark, _)| begins(mark))
        // One unit of a wide encoding, without its end or its successor.
        || head.len() < 8 && (head.contains(&0) || head.len() == 1 && head[0].is_ascii() && head[0] != b'\n')
}

/// The format of an input that begins so.
pub(super) fn format_of(head: &[u8], refuses_binary: bool) -> Format {
    if let Some((_, encoding)) = MARKS.iter().find(|(mark, _)| head.starts_with(mark)) {
        return Format::Wide(*encoding);
    }
    if let Some(signature) = SIGNATURES.iter().find(|found| head.starts_with(found.bytes)) {
        return signature.format;
    }
    if head.get(257..262) == Some(b"ustar") {
        return Format::Refused("a tar archive", Some("tar -xOf FILE"));
    }
    if let Some(encoding) =
        WideEncoding::ALL.into_iter().find(|encoding| has_nuls_of(head, *encoding))
    {
        return Format::Wide(encoding);
    }
    match refuses_binary && is_binary(head) {
        true => Format::Refused("binary data", None),
        false => Format::Plain,
    }
}

/// Whether the NULs are those of ASCII in this encoding: at least two characters, and most of the beginning.
fn has_nuls_of(head: &[u8], encoding: WideEncoding) -> bool {
    let width = encoding.width();
    let is_ascii = |unit: &[u8]| {
        let code = encoding.unit(unit);
        matches!(code, 0x09 | 0x0A | 0x0D | 0x20..=0x7E)
    };
    let units = head.chunks_exact(width).take(512);
    let (count, ascii) = (units.len(), units.clone().filter(|unit| is_ascii(unit)).count());
    let is_zero = |unit: &[u8]| encoding.unit(unit) == 0;
    count >= 2
        && units.clone().take(2).all(is_ascii)
        && !units.clone().any(is_zero)
        && ascii * 2 >= count
}

/// Whether the bytes are not text in any encoding: too many control characters, or too many NULs among others. NULs at
/// the end do not count, because a log may end with space that is reserved.
fn is_binary(head: &[u8]) -> bool {
    let len = head.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let used = &head[..len];
    let nuls = used.iter().filter(|byte| **byte == 0).count();
    let is_control = |byte: &&u8| matches!(byte, 1..=7 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F);
    let controls = used.iter().filter(is_control).count();
    let is_part =
        |count: usize, percent: usize, min: usize| count >= min && count * 100 >= len * percent;
    is_part(controls, 10, 4) || is_part(controls, 4, 64) || is_part(nuls, 20, 8)
}
