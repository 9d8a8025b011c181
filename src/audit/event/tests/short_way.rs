//! The short way of an event into its record, against the long one.
use proptest::prelude::*;

use super::*;
use crate::core::value::NOT_PLAIN;

/// Says whether the event is plain; then it is the same to the byte.
pub(super) fn assert_same(event: &Filled<'_>, limits: &Limits, entries: &[u8]) -> bool {
    let plain_bytes = event.plain_bytes(limits);
    if plain_bytes >= NOT_PLAIN {
        return false;
    }
    // More room than it takes, as granted records have.
    let mut bytes = vec![0x5A; plain_bytes + 7];
    assert_eq!(event.put(&mut bytes), plain_bytes);
    assert_eq!(bytes[..plain_bytes], *entries);
    assert_eq!(bytes[plain_bytes..], [0x5A; 7]);
    true
}

proptest! {
    /// By the short way stands what stands by the long one, whatever is set, whatever the engine says of itself; and
    /// an event with flat values goes that way.
    #[test]
    fn the_short_way_writes_the_same_bytes(
        flags in proptest::collection::vec(any::<bool>(), 12),
        id in "\\PC{1,40}",
        deep in tree(),
        value_bytes_max in prop_oneof![Just(16_384u32), 0u32..40],
    ) {
        let all = full();
        let limits = Limits::default().with_value_bytes_max(value_bytes_max);
        let (set, nested) = (|at: usize| flags[at], flags[10]);
        let mut own = OwnSource::of_process();
        own.service = Some("pay".to_owned());
        own.host = set(0).then(|| "h-1".to_owned());
        if set(1) { own.encode(&limits); }
        let changes = [Change::new("a", &1, &id)];
        let fields: [(&str, &dyn Value); 2] = [(&id, &1.5), ("deep", if nested { &deep } else { &2 })];
        let mut event = AuditEvent::security(Actor::user(&id), "lock", Target::new("t", &id), Outcome::Denied);
        if set(2) { event.source = all.source; }
        if set(3) { event.actor = None; }
        if set(4) { event.tool = all.tool; }
        if set(5) { (event.affected_files, event.prior_value) = (all.affected_files, all.prior_value); }
        if set(6) { event = event.details(&fields); }
        if set(7) { event = event.source_address(&id).duration_ms(7); }
        if set(8) { event.actor = all.actor; }
        if set(9) { event = event.changes(&changes); }
        let ids = set(11).then_some(&*IDS);
        let filled = event.fill(&own.borrow()).fill_ids(ids);
        let event = Filled::new(&event, Some(&own), ids);
        let mut bytes = vec![0; filled.entries_bytes_max(&limits)];
        let mut out = ValueWriter::new(&mut bytes, limits);
        filled.write_entries(&mut out);
        let (len, is_cut) = (out.len_bytes(), out.is_cut());
        let is_plain = assert_same(&event, &limits, &bytes[..len]);
        prop_assert!(!(is_plain && is_cut));
        prop_assert!(is_plain || is_cut || nested && set(6) || set(9) || value_bytes_max < 40);
        let long_way = {
            let mut bytes = vec![0; event.entries_bytes_max(&limits)];
            let mut out = ValueWriter::new(&mut bytes, limits);
            event.write_entries(&mut out);
            let len = out.len_bytes();
            bytes.truncate(len);
            bytes
        };
        prop_assert_eq!(&bytes[..len], long_way);
        prop_assert_eq!(event.lacks_au3(), filled.lacks_au3());
        for name in field_names() {
            prop_assert_eq!(event.has_field(name), filled.has_field(name), "{}", name);
        }
    }
}
