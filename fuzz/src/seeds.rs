//! Small inputs to start from, and the tests that replay them without a fuzzer.
use ringseal::internals::core::record::{
    CONTEXT_ID_BYTES, HEADER_BYTES, Header, Kind, RECORD_FORMAT, Slots,
};
use ringseal::value::{DisplayValue, ErrorValue, Map, Number, Uuid, Value, ValueWriter};
use ringseal::{Level, Limits, Maybe, Start, since};

/// The seeds are written by hand in part; see [`correlated`] and [`run`].
const _: () = assert!(RECORD_FORMAT == 2, "the seeds are of another version of the format");

fn record(kind: Kind, callsite: u32, context: u16, fill: &dyn Fn(&mut ValueWriter<'_>)) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    // A context's id comes before its entries; here it is 0.
    let id_len = if kind == Kind::Context { CONTEXT_ID_BYTES } else { 0 };
    let mut out = ValueWriter::new(&mut bytes[HEADER_BYTES + id_len..], Limits::default());
    fill(&mut out);
    let len = id_len + out.len_bytes();
    let header = Header {
        callsite,
        slots: Slots::new(context, 0),
        ticks: 1_763_060_400_123_456_789,
        ..Header::new(kind, Level::Warn)
    };
    let len = header.write(&mut bytes, len);
    bytes.truncate(len.next_multiple_of(8));
    bytes
}

/// The record with a correlation: flag bit 3, and 32 bytes at its end.
fn correlated(mut record: Vec<u8>) -> Vec<u8> {
    let len = u32::from_le_bytes([record[0], record[1], record[2], record[3]]);
    record.truncate(len as usize);
    record.extend_from_slice(&[0x4B; 24]);
    record.extend_from_slice(&[0; 8]);
    record[..4].copy_from_slice(&(len + 32).to_le_bytes());
    record[6] |= 1 << 3;
    record.resize(record.len().next_multiple_of(8), 0);
    record
}

/// The record with slot 1 of the ambient contexts.
fn in_scope(mut record: Vec<u8>) -> Vec<u8> {
    record[14] = 1;
    record
}

fn of_values(callsite: u32, values: &[&dyn Value]) -> Vec<u8> {
    record(Kind::Event, callsite, 0, &|out| values.iter().for_each(|value| value.write(out)))
}

/// Parts of a ring: one for each kind of record and value, then one with all of them.
pub fn ring_stretches() -> Vec<Vec<u8>> {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(1_763_060_400_123_456_789);
    let v4 = std::net::SocketAddr::from(([192, 0, 2, 1], 443));
    let v6 = std::net::SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 443));
    let map = Map(&[("k", &1), ("k", &"x"), ("took_ms", &std::time::Duration::MAX)]);
    let values: [&dyn Value; 22] = [
        &(),
        &true,
        &-7,
        &u64::MAX,
        &i128::MIN,
        &u128::MAX,
        &1.5,
        &0.1f32,
        &'ß',
        &"text\n\"",
        &b"\xFF bytes",
        &Number("1.10e400"),
        &time,
        &v4,
        &v6,
        &v4.ip(),
        &Uuid([7; 16]),
        &[[1, 2], [3, 4]],
        &map,
        &DisplayValue("shown"),
        &Maybe(None::<u64>),
        &since(Start::now()),
    ];
    let mut all: Vec<Vec<u8>> = values.iter().map(|value| of_values(1, &[value])).collect();
    let error = std::io::Error::other("disk full");
    all.push(of_values(2, &[&ErrorValue(&error), &1.5, &7, &"x"]));
    all.push(of_values(3, &[&1, &2, &3, &4]));
    all.push(record(Kind::Context, 0, 1, &|out| out.entry("a", &"bound")));
    all.push(record(Kind::Event, 1, 1, &|out| out.u64(7)));
    all.push(correlated(record(Kind::Event, 1, 1, &|out| out.u64(7))));
    all.push(correlated(record(Kind::Dynamic, 0, 1, &|out| {
        out.str("target");
        out.str("event");
        out.entry("trace_id", &"own");
    })));
    all.push(in_scope(record(Kind::Context, 0, 0, &|out| {
        out.entry("a", &"ambient");
        out.entry("span_id", &"ambient");
    })));
    all.push(correlated(in_scope(record(Kind::Event, 1, 1, &|out| out.u64(7)))));
    all.push(record(Kind::Thread, 0, 0, &|out| {
        out.u64(1);
        out.str("main");
    }));
    all.push(record(Kind::Dynamic, 0, 1, &|out| {
        out.str("target");
        out.str("event");
        (0..20).for_each(|index: i32| out.entry(&format!("k{}", index % 18), &index));
    }));
    all.push(all.concat());
    all
}

/// Bytes for the structured target, which turns any bytes into an event.
pub fn noise() -> Vec<Vec<u8>> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..64).map(|index| (0..index * 16).map(|_| byte()).collect()).collect()
}

/// Texts with hits, each whole and cut (selected by the first byte).
pub fn texts() -> Vec<Vec<u8>> {
    let canaries = ringseal::testing::canaries(7);
    let texts = canaries.iter().flat_map(|canary| {
        let body = format!("{{\"{}\":{:?}}}", canary.key, canary.value);
        [canary.prose.clone(), format!("{}={} x", canary.key, canary.value), body]
    });
    let cut =
        texts.clone().map(|text| [&b"\x01"[..], &text.as_bytes()[..text.len() * 3 / 4]].concat());
    texts.map(|text| [&b"\0"[..], text.as_bytes()].concat()).chain(cut).collect()
}

/// Rule files.
pub fn rule_files() -> Vec<Vec<u8>> {
    let files = [
        "",
        "presets = [\"default\", \"payments\"]\nprofile = \"ecs\"\nkey_match = \"substring\"",
        "keep = [\"email\", \"private_key\"]\n[keys]\n\"internal.ref\" = \"secret\"\na = \"keep\"",
        "[literals]\ndb = \"correct-horse\"\nother = \"horse-battery\"",
        "[tokens.acme]\nliteral = \"acme_\"\nalphabet = \"A-Za-z0-9_\\\\-\"\nbody_min = 0x20\nbody_max = 40",
    ];
    files.iter().map(|file| file.as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use arbitrary::{Arbitrary, Unstructured};

    #[test]
    fn damaged_record_parse_seeds_pass() {
        for seed in super::ring_stretches() {
            crate::foreign::ring_stretch(&seed);
            for at in 0..seed.len().min(400) {
                for byte in [0, 1, 0x7F, 0xFF] {
                    let mut damaged = seed.clone();
                    damaged[at] = byte;
                    crate::foreign::ring_stretch(&damaged);
                }
            }
        }
    }

    #[test]
    fn damaged_redaction_seeds_pass() {
        for file in super::rule_files() {
            for at in (0..=file.len()).step_by(3) {
                let mut damaged = file.clone();
                damaged.splice(at..(at + 1).min(file.len()), *b"\"[");
                crate::redaction::rules(&String::from_utf8_lossy(&damaged));
                crate::redaction::rules(&String::from_utf8_lossy(&file[..at]));
            }
        }
        for seed in super::noise().into_iter().chain(super::texts()) {
            let pairs = crate::redaction::Pairs::arbitrary(&mut Unstructured::new(&seed));
            pairs.iter().for_each(crate::redaction::pairs);
            #[cfg(fuzzing)]
            for at in (0..seed.len().min(400)).step_by(31) {
                crate::redaction::versus_naive(&seed[..at]);
                crate::redaction::versus_naive(&[&seed[..at], b"\x80", &seed[at..]].concat());
            }
        }
    }

    #[test]
    fn the_seeds_of_json_vs_oracle_pass() {
        for seed in super::noise() {
            let event = crate::oracle::Event::arbitrary(&mut Unstructured::new(&seed));
            event.iter().for_each(crate::oracle::check);
        }
    }
}
