//! The redacted copy against a slow model of it, and what happens when the rules themselves fail.
mod copies;
mod nested;
mod preview;
mod trees;

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::prescan::may_be_card;
use super::*;
use crate::core::callsite::Metadata;
use crate::core::level::Level;
use ringseal_base::limits::Limits;
use ringseal_base::value::model::{Model as M, model, tree};
use ringseal_base::value::{Entries, ValueRef, ValueWriter};
use ringseal_redact::{HitKind, LiteralRule, RuleSet};

static SITE: Callsite = Callsite::new(Metadata {
    level: Level::Info,
    event: "paid",
    target: "shop",
    file: file!(),
    line: line!(),
    keys: &["note", "password", "customer.email", "count"],
});

fn standard() -> Redaction {
    with(&RuleSet::default())
}

fn with(set: &RuleSet) -> Redaction {
    let rules = Some(Arc::new(Rules::compile(set).unwrap()));
    Redaction::new(RedactionConfig { rules, tokenizer: None })
}

fn written(fill: impl FnOnce(&mut ValueWriter<'_>)) -> Vec<u8> {
    let mut bytes = vec![0; 1 << 16];
    let mut out = ValueWriter::new(&mut bytes, Limits::default());
    fill(&mut out);
    let len = out.len_bytes();
    bytes.truncate(len);
    bytes
}

fn entries(pairs: &[(String, M)]) -> Vec<u8> {
    written(|out| pairs.iter().for_each(|(key, value)| out.entry(key, value)))
}

fn read(entries: &[u8]) -> Vec<(String, M)> {
    let entry = |entry: Result<(&[u8], ValueRef<'_>), ReadError>| {
        let (key, value) = entry.unwrap();
        (String::from_utf8(key.to_vec()).unwrap(), model(value).unwrap())
    };
    Entries(entries).map(entry).collect()
}

/// The redacted form of one text.
fn text(redactor: &mut Redactor, class: KeyClass, text: &str) -> Option<String> {
    let mut out = Vec::new();
    let outcome = redactor.value(class, text.as_bytes(), false, &mut out);
    (outcome == RedactOutcome::Replaced).then(|| String::from_utf8(out).unwrap())
}

/// What a key says.
fn says(redactor: &Redactor, key: &str, parent: &str) -> KeyFacts {
    let around = (!parent.is_empty()).then_some(parent.as_bytes());
    redactor.rules().key_facts(key.as_bytes(), around)
}

/// The slow model: each value is redacted separately under its key.
fn expected(redactor: &mut Redactor, ruling: Ruling, parent: &str, value: &M) -> M {
    let class = ruling.class;
    match value {
        M::Str(found) => text(redactor, class, found).map_or(value.clone(), M::Str),
        M::I64(number) => number_text(redactor, class, number.to_string(), value),
        M::U64(number) => number_text(redactor, class, number.to_string(), value),
        M::I128(number) => number_text(redactor, class, number.to_string(), value),
        M::U128(number) => number_text(redactor, class, number.to_string(), value),
        M::Number(number) => number_text(redactor, class, number.clone(), value),
        M::Secret => M::Str("***REDACTED***".into()),
        M::Array(values) => expected_list(redactor, ruling, (parent, false), values),
        M::Map(pairs) => expected_map(redactor, ruling, parent, pairs),
        other => other.clone(),
    }
}

fn expected_list(
    redactor: &mut Redactor,
    ruling: Ruling,
    (parent, is_inner): (&str, bool),
    values: &[M],
) -> M {
    let class_of = |redactor: &Redactor, text: &[u8]| redactor.rules().key(text, None);
    let mut scope = Scope::list(ruling, parent.as_bytes(), is_inner);
    let mut shown = Vec::new();
    for (i, value) in values.iter().enumerate() {
        let text = if let M::Str(text) = value { Some(text.as_bytes()) } else { None };
        let mut class = scope.item(text, |text| class_of(redactor, text));
        if let (1, [M::Str(first), M::Str(second)]) = (i, values)
            && scope.may_be_pair()
        {
            let pair =
                scope.pair(first.as_bytes(), second.as_bytes(), |text| class_of(redactor, text));
            class = if class == KeyClass::Plain { pair } else { class };
        }
        let ruling = if ruling.class == KeyClass::Plain { Ruling::strong(class) } else { ruling };
        shown.push(match value {
            M::Array(inner) => expected_list(redactor, ruling, (parent, true), inner),
            value => expected(redactor, ruling, parent, value),
        });
    }
    M::Array(shown)
}

fn expected_map(redactor: &mut Redactor, ruling: Ruling, parent: &str, pairs: &[(String, M)]) -> M {
    let mut scope = Scope::map(ruling);
    for (key, value) in pairs {
        let facts = says(redactor, key, parent);
        scope.entry(&facts);
        if let M::Str(label) = value {
            scope.label(&facts, label.as_bytes(), |label| redactor.rules().key(label, None));
        }
    }
    let mut entry = |(key, value): &(String, M)| {
        let facts = says(redactor, key, parent);
        let ruling = match (scope.entry(&facts), scope.resolved(&facts)) {
            (ruling, class) if ruling.class == KeyClass::Plain && class != KeyClass::Plain => {
                Ruling::strong(class)
            }
            (ruling, _) => ruling,
        };
        let shown = text(redactor, KeyClass::Plain, key).unwrap_or(key.clone());
        (shown, expected(redactor, ruling, key, value))
    };
    M::Map(pairs.iter().map(&mut entry).collect())
}

/// The values without copies of those that were found by their keys.
fn without_copies(redactor: &mut Redactor, value: &M) -> M {
    let mut text = |text: &str| {
        let mut out = Vec::new();
        match redactor.copies(text.as_bytes(), &mut out) {
            RedactOutcome::Clean => text.to_owned(),
            RedactOutcome::Replaced => String::from_utf8(out).unwrap(),
        }
    };
    match value {
        M::Str(found) => M::Str(text(found)),
        M::Array(values) => {
            M::Array(values.iter().map(|value| without_copies(redactor, value)).collect())
        }
        M::Map(pairs) => {
            let keys: Vec<_> = pairs.iter().map(|(key, _)| text(key)).collect();
            let values = pairs.iter().map(|(_, value)| without_copies(redactor, value));
            M::Map(keys.into_iter().zip(values).collect())
        }
        other => other.clone(),
    }
}

fn number_text(redactor: &mut Redactor, class: KeyClass, number: String, value: &M) -> M {
    let mut out = Vec::new();
    match redactor.number(class, number.as_bytes(), &mut out) {
        RedactOutcome::Clean => value.clone(),
        RedactOutcome::Replaced => M::Str(String::from_utf8(out).unwrap()),
    }
}

/// Values in which something may be found.
fn sensitive_values() -> impl Strategy<Value = M> {
    let leaf = prop_oneof![
        Just(M::Null),
        any::<bool>().prop_map(M::Bool),
        any::<i64>().prop_map(M::I64),
        Just(M::U64(4_111_111_111_111_111)),
        Just(M::U64(1_700_000_000_000_000)),
        Just(M::I128(5_500_000_000_000_004)),
        Just(M::Number("378282246310005".into())),
        Just(M::Secret),
        "[a-z ]{0,12}".prop_map(M::Str),
        Just(M::Str("mail ann@example.com or call +1 402 555 1212".into())),
        Just(M::Str(r#"{"password":"x1y2","n":[1,"ann@example.com"]}"#.into())),
        Just(M::Str("https://u:pa55word@host/?token=abcdef123456".into())),
        Just(M::Str("DB_PASSWORD".into())),
    ];
    let key = prop_oneof![
        Just("note"),
        Just("password"),
        Just("customer"),
        Just("name"),
        Just("pin"),
        Just("api_keys"),
        Just("ann@example.com"),
        Just("max_tokens"),
        Just("value"),
        Just("email"),
        Just("auth"),
        Just("kty"),
        Just("d"),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let pairs = vec((key.clone().prop_map(str::to_owned), inner.clone()), 0..5);
        prop_oneof![vec(inner, 0..4).prop_map(M::Array), pairs.prop_map(M::Map)]
    })
}

proptest! {
    #[test]
    fn values_are_redacted_like_single_values(
        pairs in vec(("note|password|customer|name|value|ssn|ann@example.com", sensitive_values()), 0..6),
    ) {
        let mut redaction = standard();
        let M::Map(expected) = ({
            let mut redactor = Redactor::new(Arc::new(Rules::standard()));
            redactor.start_event();
            let shown = expected(&mut redactor, Ruling::default(), "", &M::Map(pairs.clone()));
            without_copies(&mut redactor, &shown)
        }) else { unreachable!() };
        let payload = entries(&pairs);
        let shown = redaction.entries(&payload).unwrap().to_vec();
        prop_assert_eq!(read(&shown), expected);
        prop_assert_eq!(redaction.entries(&shown).unwrap(), &shown[..], "twice changes nothing");
        prop_assert_eq!(redaction.failed, 0);
    }

    #[test]
    fn any_bytes_give_values_or_an_error(bytes in vec(any::<u8>(), 0..200), value in tree()) {
        let mut redaction = standard();
        let _ = redaction.entries(&bytes);
        let _ = redaction.event(Source::Site(&SITE), &bytes, false, Verdict::Unknown);
        let mut cut = entries(&[("k".into(), value)]);
        while cut.pop().is_some() {
            let _ = redaction.entries(&cut);
        }
    }
}

#[test]
fn call_site_values_are_redacted_by_their_keys() {
    crate::core::registry::assign_id(&SITE);
    let mut redaction = standard();
    let payload = |note: &str, password: &str, mail: &str| {
        written(|out| {
            out.str(note);
            out.str(password);
            out.str(mail);
            out.u64(7);
            out.str("stack with ann@example.com");
        })
    };
    let dirty = payload("call 402-555-1212", "hunter2", "ann at home");
    let shown = redaction.event(Source::Site(&SITE), &dirty, true, Verdict::Unknown).unwrap();
    let values: Vec<_> = ringseal_base::value::Values(shown.payload).map(Result::unwrap).collect();
    assert_eq!(
        values,
        [
            ValueRef::Str(b"call <phone>"),
            ValueRef::Str(b"***REDACTED***"),
            ValueRef::Str(b"<email>"),
            ValueRef::U64(7),
            ValueRef::Str(b"stack with <email>"),
        ]
    );
    let clean = written(|out| {
        out.str("nothing to see");
        out.null();
        out.null();
        out.u64(7);
    });
    let shown = redaction.event(Source::Site(&SITE), &clean, false, Verdict::Unknown).unwrap();
    assert!(std::ptr::eq(shown.payload, &clean[..]));
}

#[test]
fn cut_values_do_not_keep_half_a_secret() {
    let mut redaction = standard();
    let limits = Limits::default().with_value_bytes_max(30);
    let mut bytes = [0; 200];
    let mut out = ValueWriter::new(&mut bytes, limits);
    out.entry("note", &"paid with card 4111 1111 1111 1111 today");
    let len = out.len_bytes();
    let shown = redaction.entries(&bytes[..len]).unwrap();
    let M::StrCut(kept, whole) = &read(shown)[0].1 else { panic!("{shown:?}") };
    assert!(!kept.contains("4111"), "{kept}");
    assert_eq!(*whole, 40);
}

#[test]
fn marked_values_are_masked_unless_kept() {
    use ringseal_base::value::{Pii, Secret};
    let payload = written(|out| {
        out.entry("a", &Pii::email("not an address"));
        out.entry("b", &Pii::card(7u64));
        out.entry("c", &Pii::other("x"));
        out.entry("d", &Secret::new("y"));
        out.entry("e", &Pii::name(vec!["n"]));
        out.entry("f", &Pii::phone(Option::<u64>::None));
    });
    let show = |redaction: &mut Redaction| {
        let shown = read(redaction.entries(&payload).unwrap());
        shown.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
    };
    let text = |text: &str| M::Str(text.into());
    let all = ["<email>", "<card>", "[PII_REDACTED]", "***REDACTED***", "<name>"].map(text);
    let mut expected: Vec<M> = all.into_iter().collect();
    expected.push(M::Null);
    assert_eq!(show(&mut standard()), expected);
    let keep = {
        let mut set = RuleSet::default();
        set.keep = vec![HitKind::Email, HitKind::Card];
        set
    };
    expected[0] = text("not an address");
    expected[1] = M::U64(7);
    assert_eq!(show(&mut with(&keep)), expected);
}

/// A tokenizer that is broken.
struct Broken;

impl Tokenize for Broken {
    fn token(&self, _: HitKind, _: &[u8], _: &mut Vec<u8>) -> bool {
        panic!("this tokenizer is broken");
    }
}

#[test]
fn failing_rules_mask_the_whole_event() {
    let set = {
        let mut set = RuleSet::default();
        set.profile = ringseal_redact::Profile::Ecs;
        set
    };
    let config = RedactionConfig {
        rules: Some(Arc::new(Rules::compile(&set).unwrap())),
        tokenizer: Some(Arc::new(Broken)),
    };
    let mut redaction = Redaction::new(config);
    let payload = entries(&[
        ("mail".into(), M::Str("ann@example.com".into())),
        ("note".into(), M::Str("plain".into())),
        ("count".into(), M::U64(7)),
        ("done".into(), M::Bool(true)),
    ]);
    let shown = read(redaction.entries(&payload).unwrap());
    let values: Vec<_> = shown.into_iter().map(|(_, value)| value).collect();
    let mask = || M::Str("***REDACTED***".into());
    assert_eq!(values, [mask(), mask(), mask(), M::Bool(true)]);
    assert_eq!(redaction.metrics().failed, 1);
    let clean = entries(&[("note".into(), M::Str("plain".into()))]);
    assert_eq!(redaction.entries(&clean).unwrap(), clean, "the next event is not affected");
}

#[test]
fn an_event_name_is_redacted_by_user_rules() {
    static NAMED: Callsite = Callsite::new(Metadata {
        level: Level::Info,
        event: "login_as_tr0ub4dor",
        target: "shop",
        file: file!(),
        line: line!(),
        keys: &["count"],
    });
    crate::core::registry::assign_id(&NAMED);
    let mut set = RuleSet::default();
    set.literals.push(LiteralRule { name: "own".into(), text: b"tr0ub4dor".to_vec() });
    let mut redaction = with(&set);
    let payload = written(|out| out.u64(7));
    let shown = redaction.event(Source::Site(&NAMED), &payload, false, Verdict::Unknown).unwrap();
    let Source::Dynamic { target, event } = shown.source else { panic!() };
    assert_eq!((target, event), (&b"shop"[..], &b"login_as_***REDACTED***"[..]));
    assert_eq!(read(shown.payload), [("count".to_owned(), M::U64(7))]);
}

#[test]
fn hits_are_counted_over_a_change_of_rules() {
    let mut redaction = standard();
    let payload = entries(&[("note".into(), M::Str("ann@example.com".into()))]);
    let _ = redaction.entries(&payload).unwrap();
    let before = redaction.metrics();
    assert_eq!(before.rules_hash.len(), 64);
    assert_eq!(before.hits, [RuleHits { rule: "email".into(), hits: 1 }]);
    redaction.set_rules(None);
    assert_eq!(redaction.entries(&payload).unwrap(), payload);
    assert_eq!((redaction.metrics().is_on, redaction.metrics().hits), (false, before.hits));
    redaction.set_rules(Some(Arc::new(Rules::standard())));
    let _ = redaction.entries(&payload).unwrap();
    assert_eq!(redaction.metrics().hits, [RuleHits { rule: "email".into(), hits: 2 }]);
}

#[test]
fn only_numbers_of_card_length_are_scanned() {
    for number in [0, 1, 9_999_999_999_999, 1_700_000_000_000_000, 1_700_000_000_000_000_000] {
        assert!(!may_be_card(number), "{number}");
    }
    for number in [30_000_000_000_000, 378_282_246_310_005, 4_111_111_111_111_111] {
        assert!(may_be_card(number), "{number}");
    }
}
