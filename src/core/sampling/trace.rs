//! Trace ids, and the randomness in them.
//!
//! Promises: reads only; allocates nothing. A value that is not a trace id gives `None`, never an error.
//!
//! A trace id is 16 bytes, written as 32 hexadecimal digits (W3C Trace Context), or a UUID. Its last 7 bytes are
//! random: W3C Trace Context Level 2 defines this for ids whose `random` flag is set, RFC 9562 of versions 4 and 7.
//! Every host that reads the same id finds the same 56 bits, which OpenTelemetry's consistent probability sampling
//! relies on.
use ringseal_base::value::{Entries, ValueRef, Values};

/// The bits of randomness in a trace id.
pub const RANDOM_BITS: u32 = 56;

const RANDOM_MASK: u64 = (1 << RANDOM_BITS) - 1;

/// The keys of a trace id. The first one wins if an event has both.
pub const KEYS: [&str; 2] = ["trace_id", "trace.id"];

/// The random bits of a trace id: 32 hexadecimal digits, or a UUID with its dashes. `None` for anything else, and for
/// the id of zeros, which means "no trace".
///
/// ```
/// use ringseal::internals::core::trace::randomness;
/// assert_eq!(randomness(b"4bf92f3577b34da6a3ce929d0e0e4736"), Some(0xce929d0e0e4736));
/// assert_eq!(randomness(b"abc123"), None);
/// ```
pub fn randomness(text: &[u8]) -> Option<u64> {
    let has_dashes = match text.len() {
        32 => false,
        36 => true,
        _ => return None,
    };
    let mut id = 0u128;
    for (at, &byte) in text.iter().enumerate() {
        if has_dashes && matches!(at, 8 | 13 | 18 | 23) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        id = id << 4 | u128::from(char::from(byte).to_digit(16)?);
    }
    of_id(id)
}

/// The random bits of a trace id of 16 bytes; `None` for zeros.
pub fn of_bytes(id: [u8; 16]) -> Option<u64> {
    of_id(u128::from_be_bytes(id))
}

fn of_id(id: u128) -> Option<u64> {
    (id != 0).then_some(id as u64 & RANDOM_MASK)
}

fn of_value(value: ValueRef<'_>) -> Option<u64> {
    match value {
        ValueRef::Str(text) => randomness(text),
        ValueRef::Uuid(bytes) => of_bytes(bytes),
        _ => None,
    }
}

/// The randomness found under either key so far.
#[derive(Default)]
struct Found([Option<u64>; KEYS.len()]);

impl Found {
    /// The last value of a key wins, as in the line.
    fn visit(&mut self, key: &[u8], value: ValueRef<'_>) {
        let place = KEYS.iter().position(|known| known.as_bytes() == key);
        if let Some(place) = place.and_then(|index| self.0.get_mut(index)) {
            *place = of_value(value);
        }
    }

    fn first(self) -> Option<u64> {
        self.0.into_iter().flatten().next()
    }
}

/// The randomness of the trace id among these entries.
pub fn in_entries(entries: Entries<'_>) -> Option<u64> {
    let mut found = Found::default();
    for (key, value) in entries.map_while(Result::ok) {
        found.visit(key, value);
    }
    found.first()
}

/// The randomness of the trace id among the values of `keys`.
pub fn in_values(keys: &[&str], values: Values<'_>) -> Option<u64> {
    let mut found = Found::default();
    for (key, value) in keys.iter().zip(values.map_while(Result::ok)) {
        found.visit(key.as_bytes(), value);
    }
    found.first()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringseal_base::limits::Limits;
    use ringseal_base::value::{Uuid, Value, ValueWriter};

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const RANDOM: u64 = 0x00ce_929d_0e0e_4736;

    #[test]
    fn only_a_complete_id_has_randomness() {
        for (text, expected) in [
            (ID, Some(RANDOM)),
            ("4BF92F3577B34DA6A3CE929D0E0E4736", Some(RANDOM)),
            ("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", Some(RANDOM)),
            ("ffffffffffffffffffffffffffffffff", Some((1 << 56) - 1)),
            ("00000000000000010000000000000000", Some(0)),
            ("00000000000000000000000000000000", None),
            ("4bf92f3577b34da6a3ce929d0e0e473", None),
            ("4bf92f3577b34da6a3ce929d0e0e47361", None),
            ("4bf92f3577b34da6a3ce929d0e0e473g", None),
            ("4bf92f35-77b3-4da6-a3ce+929d0e0e4736", None),
            ("+bf92f3577b34da6a3ce929d0e0e4736", None),
            ("", None),
        ] {
            assert_eq!(randomness(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_id_is_found_by_key_and_uuid() {
        let uuid = Uuid(u128::from_str_radix(ID, 16).unwrap().to_be_bytes());
        let other = "00000000000000000000000000000007";
        for (entries, expected) in [
            (&[("trace_id", &ID as &dyn Value)][..], Some(RANDOM)),
            (&[("trace.id", &uuid)], Some(RANDOM)),
            (&[("trace.id", &other), ("trace_id", &ID)], Some(RANDOM)),
            (&[("trace_id", &"none"), ("trace.id", &ID)], Some(RANDOM)),
            (&[("trace_id", &other), ("trace_id", &ID)], Some(RANDOM)),
            (&[("span_id", &ID), ("trace_id", &7)], None),
            (&[], None),
        ] {
            let mut bytes = [0; 256];
            let mut out = ValueWriter::new(&mut bytes, Limits::default());
            entries.iter().for_each(|(key, value)| out.entry(key, *value));
            let len = out.len_bytes();
            assert_eq!(in_entries(Entries(&bytes[..len])), expected);
            let keys: Vec<&str> = entries.iter().map(|(key, _)| *key).collect();
            let mut bytes = [0; 256];
            let mut out = ValueWriter::new(&mut bytes, Limits::default());
            entries.iter().for_each(|(_, value)| value.write(&mut out));
            let len = out.len_bytes();
            assert_eq!(in_values(&keys, Values(&bytes[..len])), expected);
        }
    }
}
