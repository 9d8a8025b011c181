//! The fast path of an event into its record, compared with the slow path.
use proptest::prelude::*;

use super::*;
use ringseal_base::value::NOT_PLAIN;

/// Returns whether the event is plain; if so, both paths write the same bytes.
pub(super) fn assert_same(event: &EventWithContext<'_>, limits: &Limits, entries: &[u8]) -> bool {
    let plain_bytes = event.plain_bytes(limits);
    if plain_bytes >= NOT_PLAIN {
        return false;
    }
    // A longer buffer than needed, as granted records have.
    let mut bytes = vec![0x5A; plain_bytes + 7];
    assert_eq!(event.put(&mut bytes), Some(plain_bytes));
    assert_eq!(bytes[..plain_bytes], *entries);
    assert_eq!(bytes[plain_bytes..], [0x5A; 7]);
    true
}

proptest! {
    /// Both paths write the same bytes for any fields and any source of the engine. An event with flat values takes the
    /// fast path.
    #[test]
    fn the_fast_path_writes_the_same_bytes(
        flags in proptest::collection::vec(any::<bool>(), 12),
        id in "\\PC{1,40}",
        deep in tree(),
        value_bytes_max in prop_oneof![Just(16_384u32), 0u32..40],
        depth_max in prop_oneof![Just(32u8), 0u8..4],
        service in proptest::option::of("[a-z]{1,50}"),
    ) {
        let all = full();
        let mut limits = Limits::default().with_value_bytes_max(value_bytes_max);
        limits.depth_max = depth_max;
        let (set, nested) = (|at: usize| flags[at], flags[10]);
        let mut own = EngineSource::of_this_process();
        own.service = service;
        own.host = set(0).then(|| "h-1".to_owned());
        if set(1) { own.encode(&limits); }
        let changes = [Change::new("a", &1, &id)];
        let fields: [(&str, &dyn Value); 2] = [(&id, &1.5), ("deep", if nested { &deep } else { &2 })];
        let mut event = AuditEvent::security(Actor::user(&id), "lock", Target::new("t", &id), EventOutcome::Denied);
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
        let event = EventWithContext::new(&event, Some(&own), ids);
        let mut bytes = vec![0; filled.entries_bytes_max(&limits)];
        let mut out = ValueWriter::new(&mut bytes, limits);
        filled.write_entries(&mut out);
        let (len, is_cut) = (out.len_bytes(), out.is_cut());
        let is_plain = assert_same(&event, &limits, &bytes[..len]);
        prop_assert!(!(is_plain && is_cut));
        let is_tight = value_bytes_max < 40 || depth_max < 2;
        prop_assert!(is_plain || is_cut || nested && set(6) || set(9) || is_tight);
        let long_way = {
            let mut bytes = vec![0; event.entries_bytes_max(&limits)];
            let mut out = ValueWriter::new(&mut bytes, limits);
            event.write_entries(&mut out);
            let len = out.len_bytes();
            bytes.truncate(len);
            bytes
        };
        prop_assert_eq!(&bytes[..len], long_way);
        prop_assert_eq!(event.validate(), filled.validate());
        prop_assert_eq!(event.lacks_au3(), filled.lacks_au3());
        for name in field_names() {
            prop_assert_eq!(event.has_field(name), filled.has_field(name), "{}", name);
        }
    }
}

/// A value that reports a wrong size.
struct WrongSize {
    plain_bytes: usize,
    put: fn(&mut [u8]) -> &mut [u8],
}

impl Value for WrongSize {
    fn size_bytes_max(&self, _: &Limits) -> usize {
        9
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.u64(7);
    }

    fn plain_bytes(&self) -> usize {
        self.plain_bytes
    }

    fn text_bytes(&self) -> usize {
        0
    }

    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        (self.put)(out)
    }
}

#[test]
fn wrong_sizes_take_the_slow_path() {
    let limits = Limits::default();
    let liars = [
        // Nothing is written: old bytes of the buffer could look like a value.
        WrongSize { plain_bytes: 9, put: |out| &mut out[9..] },
        // An unknown tag, and a text that extends past its end.
        WrongSize {
            plain_bytes: 1,
            put: |out| {
                out[0] = 200;
                &mut out[1..]
            },
        },
        WrongSize {
            plain_bytes: 5,
            put: |out| {
                out[..5].copy_from_slice(&[10, 99, 0, 0, 0]);
                &mut out[5..]
            },
        },
        // A container, two values, more and fewer bytes than announced, and a buffer of the value itself.
        WrongSize {
            plain_bytes: 5,
            put: |out| {
                out[..5].copy_from_slice(&[22, 0, 0, 0, 0]);
                &mut out[5..]
            },
        },
        WrongSize {
            plain_bytes: 2,
            put: |out| {
                out[..2].copy_from_slice(&[1, 1]);
                &mut out[2..]
            },
        },
        WrongSize {
            plain_bytes: 3,
            put: |out| {
                out[0] = 1;
                &mut out[1..]
            },
        },
        WrongSize {
            plain_bytes: 0,
            put: |out| {
                out[0] = 1;
                &mut out[1..]
            },
        },
        WrongSize { plain_bytes: 1, put: |_| Box::leak(Box::new([0; 500])) },
    ];
    for (number, liar) in liars.iter().enumerate() {
        let details: [(&str, &dyn Value); 1] = [("x", liar)];
        let bare = AuditEvent::login(Actor::user("u"), EventOutcome::Success);
        for event in [bare.details(&details), bare.prior_value(liar), bare.params(liar)] {
            let filled = event.without_context();
            let plain_bytes = filled.plain_bytes(&limits);
            // Old bytes of the ring that look like a value.
            let mut bytes = [3; 400];
            assert_ne!(filled.put(&mut bytes), Some(plain_bytes), "{number}");
        }
    }
    let boaster = WrongSize { plain_bytes: usize::MAX, put: |out| out };
    let event = AuditEvent::login(Actor::user("u"), EventOutcome::Success).prior_value(&boaster);
    assert!(event.without_context().plain_bytes(&limits) >= NOT_PLAIN);
}

#[test]
fn an_events_service_is_its_default_actor() {
    let own = EngineSource::of_this_process();
    let event = AuditEvent::tool_event("t", "p", 1, &[], EventOutcome::Success);
    assert!(EventWithContext::new(&event, Some(&own), None).validate().is_err());
    let event = event.source(Source::default().service("tools"));
    EventWithContext::new(&event, Some(&own), None).validate().unwrap();
    assert!(event.validate().is_err(), "it has no context");
}

/// Their texts are not checked for each event.
#[test]
fn constant_fields_are_valid_and_encoded() {
    let all = [
        EventOutcome::ALL.iter().map(|word| word.entry()).collect::<Vec<_>>(),
        Severity::ALL.iter().map(|word| word.entry()).collect(),
        ActorType::ALL.iter().map(|word| word.entry()).collect(),
        Crud::ALL.iter().map(|word| word.entry()).collect(),
        super::super::build::KINDS.to_vec(),
    ];
    for fixed in all.iter().flatten() {
        let mut bytes = vec![0; 200];
        let mut out = ValueWriter::new(&mut bytes, Limits::default());
        fixed.fields.iter().for_each(|(key, text)| out.entry(key, text));
        let len = out.len_bytes();
        assert_eq!(bytes[..len], *fixed.entries);
        let longest = fixed.fields.iter().map(|(_, text)| text.len()).max();
        assert_eq!(Some(fixed.text_bytes_max), longest);
    }
    for kind in super::super::build::KINDS {
        let [(_, event_type), (_, action)] = kind.fields else { panic!("{kind:?}") };
        assert_eq!(
            kind.fields.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
            ["event_type", "action"]
        );
        let event = AuditEvent::new(event_type, action, Actor::user("u"), EventOutcome::Success);
        assert_eq!(event.validate(), Ok(()));
    }
}

#[test]
fn another_type_replaces_a_builders_constants() {
    let login = AuditEvent::login(Actor::user("u"), EventOutcome::Success);
    assert!(login.with_type("a..b").validate().is_err());
    let typed = login.with_type("user.sso");
    let plain = AuditEvent::new("user.sso", "login", Actor::user("u"), EventOutcome::Success);
    let entries = |event: &AuditEvent<'_>| {
        let mut bytes = vec![0; 300];
        let len = event.without_context().put(&mut bytes).unwrap();
        bytes[..len].to_vec()
    };
    assert_eq!(entries(&typed), entries(&plain));
}
