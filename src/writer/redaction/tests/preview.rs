//! Verdicts from one scan of many events, compared with a scan of each event; and cases in which a verdict is not
//! valid.
use super::*;
use crate::core::record::{Header, Kind as RecordKind, Record};
use ringseal_base::value::Value;
use ringseal_redact::HitKind;

/// A record of `values` at `SITE`, or of another kind.
fn record(kind: RecordKind, values: &[M]) -> Vec<u8> {
    crate::core::registry::assign_id(&SITE);
    let payload = written(|out| values.iter().for_each(|value| value.write(out)));
    let header = Header { callsite: SITE.id(), ticks: 1, ..Header::new(kind, Level::Info) };
    let mut bytes = vec![0; 24 + payload.len() + 8];
    let len = header.write(&mut bytes, payload.len());
    bytes[24..24 + payload.len()].copy_from_slice(&payload);
    bytes.truncate(len.next_multiple_of(8));
    bytes
}

fn event(note: &str) -> Vec<u8> {
    record(RecordKind::Event, &[M::Str(note.into()), M::Null, M::Null, M::U64(7)])
}

/// The verdict on the record at `position`, of `len` bytes, which is then done.
fn take(preview: &mut Preview, position: usize, len: usize) -> Verdict {
    let verdict = preview.verdict(position);
    assert_eq!(preview.is_clean(position), verdict == Verdict::Clean);
    preview.pass(position, len);
    verdict
}

/// The verdicts on the records of `stretch`, which begins at `position`.
fn verdicts(redaction: &mut Redaction, position: usize, stretch: &[u8]) -> Vec<Verdict> {
    let (mut preview, mut at, mut found) = (Preview::default(), 0, Vec::new());
    while let Ok(record) = Record::read(&stretch[at..]) {
        redaction.preview(&mut preview, position + at, &stretch[at..]);
        found.push(take(&mut preview, position + at, record.len_bytes));
        at += record.len_bytes;
    }
    found
}

/// The verdict of a scan of this event alone.
fn verdict_alone(redaction: &mut Redaction, record: &[u8]) -> Verdict {
    let record = Record::read(record).unwrap();
    if record.header.kind != RecordKind::Event {
        return Verdict::Unknown;
    }
    let shown = redaction.event(Source::Site(&SITE), record.payload, false, Verdict::Unknown);
    let is_clean = std::ptr::eq(shown.unwrap().payload, record.payload);
    if is_clean { Verdict::Clean } else { Verdict::Dirty }
}

/// A redaction state in which the call site is registered.
fn with_known_site(set: &RuleSet) -> Redaction {
    let mut redaction = with(set);
    assert_eq!(verdict_alone(&mut redaction, &event("hello")), Verdict::Clean);
    redaction
}

proptest! {
    #[test]
    fn batch_verdicts_equal_single_verdicts(
        events in vec((vec(sensitive_values(), 4), any::<bool>(), 0u8..8), 0..150),
        filler in "[a-z ]{0,300}",
    ) {
        let mut redaction = with_known_site(&RuleSet::default());
        let records: Vec<_> = events.iter().map(|(values, is_plain, kind)| {
            let kind = if *kind == 0 { RecordKind::Thread } else { RecordKind::Event };
            if *is_plain {
                record(kind, &[M::Str(filler.clone()), M::Null, M::Null, values[3].clone()])
            } else {
                record(kind, values)
            }
        }).collect();
        let expected: Vec<_> = records.iter().map(|record| verdict_alone(&mut redaction, record)).collect();
        prop_assert_eq!(verdicts(&mut redaction, 4096, &records.concat()), expected);
    }

    #[test]
    fn any_bytes_after_a_record_are_accepted(bytes in vec(any::<u8>(), 0..300)) {
        let mut redaction = with_known_site(&RuleSet::default());
        let stretch = [event("hello"), bytes].concat();
        let mut preview = Preview::default();
        redaction.preview(&mut preview, 0, &stretch);
        prop_assert_eq!(take(&mut preview, 0, event("hello").len()), Verdict::Clean);
    }
}

#[test]
fn a_verdict_is_valid_only_at_its_position() {
    let mut redaction = with_known_site(&RuleSet::default());
    let (clean, dirty) = (event("hello"), event("to ann@example.com"));
    let mut preview = Preview::default();
    redaction.preview(&mut preview, 800, &[&clean[..], &dirty, &clean].concat());
    assert_eq!(take(&mut preview, 800, clean.len()), Verdict::Clean);
    assert_eq!(take(&mut preview, 800, clean.len()), Verdict::Unknown, "that place is behind");
    assert_eq!(
        take(&mut preview, 800 + clean.len(), dirty.len()),
        Verdict::Unknown,
        "all is forgotten"
    );
}

#[test]
fn verdicts_of_earlier_rules_are_discarded() {
    let mut redaction = with_known_site(&RuleSet::default());
    let stretch = [event("the word"), event("the word")].concat();
    let mut preview = Preview::default();
    redaction.preview(&mut preview, 0, &stretch);
    let len = event("the word").len();
    assert_eq!(take(&mut preview, 0, len), Verdict::Clean);
    let mut set = RuleSet::default();
    set.literals.push(LiteralRule { name: "own".into(), text: b"the word".to_vec() });
    redaction.set_rules(Some(Arc::new(Rules::compile(&set).unwrap())));
    redaction.preview(&mut preview, len, &stretch[len..]);
    // The site is registered again when an event is scanned by itself.
    assert_eq!(take(&mut preview, len, len), Verdict::Unknown);
    assert_eq!(verdict_alone(&mut redaction, &event("the word")), Verdict::Dirty);
    redaction.preview(&mut preview, 2 * len, &event("the word"));
    assert_eq!(take(&mut preview, 2 * len, len), Verdict::Dirty);
}

#[test]
fn kept_kinds_are_clean() {
    let mut redaction = with_known_site(&{
        let mut set = RuleSet::default();
        set.keep = vec![HitKind::Email];
        set
    });
    let records = [event("ann@example.com"), event("card 4111 1111 1111 1111")];
    let expected = [Verdict::Clean, Verdict::Dirty];
    assert_eq!(verdicts(&mut redaction, 0, &records.concat()), expected);
}

#[test]
fn more_text_than_one_batch_is_split() {
    let mut redaction = with_known_site(&RuleSet::default());
    let long = |end: &str| event(&format!("{} {end}", "word ".repeat(1500)));
    let records =
        [long("x"), long("ann@example.com"), event("x"), long("x"), long("ann@example.com")];
    let expected = [Verdict::Clean, Verdict::Dirty, Verdict::Clean, Verdict::Clean, Verdict::Dirty];
    assert_eq!(verdicts(&mut redaction, 0, &records.concat()), expected);
}
