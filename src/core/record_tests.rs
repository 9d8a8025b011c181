//! Records written and read back: any header, any payload, any cut.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use ringseal_base::value::tag;

fn any_header() -> impl Strategy<Value = Header> {
    let kinds = prop_oneof![
        Just(Kind::Event),
        Just(Kind::Dynamic),
        Just(Kind::Context),
        Just(Kind::Thread)
    ];
    let flags = any::<(bool, bool, bool, bool)>();
    let numbers = any::<(u32, u16, u16, u64)>();
    (kinds, 0u8..6, flags, numbers).prop_map(|(kind, level, flags, numbers)| {
        let (callsite, bound, ambient, ticks) = numbers;
        let (is_cut, has_stack, has_rate, has_correlation) = flags;
        let level = Level::from_u8(level).unwrap_or(Level::Info);
        Header {
            is_cut,
            has_stack,
            extras: ExtraFlags::new(has_rate, has_correlation),
            callsite,
            slots: Slots::new(bound, ambient),
            ticks,
            ..Header::new(kind, level)
        }
    })
}

fn record(header: Header, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xA5; HEADER_BYTES + payload.len() + 7];
    bytes[HEADER_BYTES..HEADER_BYTES + payload.len()].copy_from_slice(payload);
    let len = header.write(&mut bytes, payload.len());
    assert_eq!(len, HEADER_BYTES + payload.len());
    bytes.truncate(len.next_multiple_of(8));
    bytes
}

const HEADER: Header = Header {
    kind: Kind::Event,
    level: Level::Warn,
    is_cut: true,
    has_stack: false,
    extras: ExtraFlags::NONE,
    callsite: 7,
    slots: Slots::new(3, 0),
    ticks: 0x0102_0304_0506_0708,
};

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written(header in any_header(), payload in vec(any::<u8>(), 0..100)) {
        let mut bytes = record(header, &payload);
        prop_assert_eq!(bytes.len() % 8, 0);
        let len_bytes = bytes.len();
        // The bytes after it do not matter.
        bytes.extend_from_slice(&[0xFF; 9]);
        prop_assert_eq!(Record::peek_ticks(&bytes), Some(header.ticks));
        prop_assert_eq!(Record::read(&bytes), Ok(Record { header, payload: &payload, len_bytes }));
    }

    #[test]
    fn the_short_way_reads_plain_events_alike(
        header in any_header(),
        is_plain: bool,
        payload in vec(any::<u8>(), 0..100),
        cut in 0usize..140,
    ) {
        let plain = Header { callsite: header.callsite, ticks: header.ticks, ..Header::new(Kind::Event, header.level) };
        let header = if is_plain { plain } else { header };
        let bytes = record(header, &payload);
        let bytes = &bytes[..bytes.len().min(cut)];
        let expected = Record::read(bytes).ok().filter(|record| record.header == plain).map(|record| PlainRecord {
            level: header.level,
            callsite: header.callsite,
            ticks: header.ticks,
            payload: record.payload,
            len_bytes: record.len_bytes,
        });
        prop_assert_eq!(PlainRecord::read(bytes), expected);
    }

    #[test]
    fn the_short_way_never_reads_more_records(bytes in vec(any::<u8>(), 0..120), first in 0u64..) {
        let mut bytes = bytes;
        if let Some(start) = bytes.first_chunk_mut::<8>() {
            *start = (first & 0xFFFF_FFFF | 0x0001_0000_0000).to_le_bytes();
        }
        if let Some(plain) = PlainRecord::read(&bytes) {
            let whole = Record::read(&bytes).unwrap();
            prop_assert_eq!((plain.payload, plain.len_bytes), (whole.payload, whole.len_bytes));
        }
    }

    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in vec(any::<u8>(), 0..120)) {
        if let Ok(record) = Record::read(&bytes) {
            prop_assert!(record.len_bytes <= bytes.len());
            prop_assert!(record.payload.len() + HEADER_BYTES <= record.len_bytes);
        }
    }

    #[test]
    fn a_record_that_breaks_off_is_short(
        header in any_header(),
        payload in vec(any::<u8>(), 0..40),
        at: prop::sample::Index,
    ) {
        let bytes = record(header, &payload);
        let found = at.index(bytes.len());
        let expected = if found < HEADER_BYTES { HEADER_BYTES } else { bytes.len() };
        prop_assert_eq!(Record::read(&bytes[..found]), Err(RecordError::Short { expected, found }));
    }
}

/// Unread rings outlive their processes: these bytes are a format.
#[test]
fn a_header_has_the_documented_bytes() {
    #[rustfmt::skip]
    let expected = [
        27, 0, 0, 0, 1, 3, 0b1, 0, 7, 0, 0, 0, 3, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1,
        b'a', b'b', b'c', 0xA5, 0xA5, 0xA5, 0xA5, 0xA5,
    ];
    assert_eq!(record(HEADER, b"abc"), expected);
    let stack = record(Header { has_stack: true, is_cut: false, ..HEADER }, b"");
    assert_eq!((stack[0], stack[6]), (24, 0b10));
    let rate = record(Header { extras: ExtraFlags::new(true, false), ..HEADER }, b"");
    assert_eq!(rate[6], 0b101);
}

#[test]
fn a_short_buffer_is_not_written() {
    let mut bytes = [7; HEADER_BYTES - 1];
    assert_eq!(HEADER.write(&mut bytes, 0), HEADER_BYTES);
    assert_eq!(bytes, [7; HEADER_BYTES - 1]);
}

#[test]
fn every_malformed_header_is_named() {
    let damaged = |at: usize, byte: u8| {
        let mut bytes = record(HEADER, b"abc");
        bytes[at] = byte;
        bytes
    };
    for (bytes, error, words) in [
        (
            vec![],
            RecordError::Short { expected: 24, found: 0 },
            "expected a record of 24 bytes, found 0",
        ),
        (vec![0; 23], RecordError::Short { expected: 24, found: 23 }, "found 23"),
        (damaged(0, 0), RecordError::Length(0), "found 0"),
        (damaged(0, 16), RecordError::Length(16), "at least 24, found 16"),
        (damaged(0, 23), RecordError::Length(23), "at least 24, found 23"),
        (damaged(0, 33), RecordError::Short { expected: 40, found: 32 }, "a record of 40 bytes"),
        (damaged(3, 1), RecordError::Short { expected: 0x0100_0020, found: 32 }, "found 32"),
        (damaged(4, 0), RecordError::Kind(0), "expected record kind 1 to 5, found 0"),
        (damaged(4, 6), RecordError::Kind(6), "found 6"),
        (damaged(5, 6), RecordError::Level(6), "expected level 0 to 5, found 6"),
        (damaged(5, 255), RecordError::Level(255), "found 255"),
    ] {
        assert_eq!(Record::read(&bytes), Err(error));
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// Whatever reads a ring after its process ended relies on the number: a change of these bytes needs a new one.
#[test]
fn the_version_belongs_to_these_bytes() {
    let header = Header {
        is_cut: true,
        has_stack: true,
        extras: ExtraFlags::new(true, true),
        callsite: 0x0403_0201,
        slots: Slots::new(0x0605, 0x0807),
        ticks: 0x100F_0E0D_0C0B_0A09,
        ..Header::new(Kind::Dynamic, Level::Error)
    };
    let mut bytes = [0; HEADER_BYTES];
    assert_eq!(header.write(&mut bytes, 7), 31);
    let expected =
        [31, 0, 0, 0, 2, 4, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    assert_eq!((RECORD_FORMAT, bytes), (2, expected));
    let tags = [tag::NULL, tag::STR, tag::UUID, tag::MAP, tag::PII, tag::ABSENT, tag::SINCE];
    assert_eq!(tags, [0, 10, 21, 23, 27, 28, 29]);
    let audit = Header::of_audit(0x0807_0605_0403_0201);
    assert_eq!((audit.ticket(), audit.slots.bound()), (0x0807_0605_0403_0201, 0x0605));
}
