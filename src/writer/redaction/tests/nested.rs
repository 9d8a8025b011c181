//! A key in a map is decided below the key of the map, whatever way the map takes into the event: what is masked under
//! `api.key` is masked under `key` in `api`.
use super::*;
use crate::core::record::{Header, Kind as RecordKind, Record};
use ringseal_base::value::Value;

/// Parents, and the keys below them that are masked.
const MASKED: &[(&str, &[&str])] = &[
    ("api access private encryption signing", &["key"]),
    ("oauth", &["verifier", "code"]),
    ("security", &["answer", "code", "number"]),
    ("user", &["assertion", "name"]),
    ("customer card client billing person contact owner author employee patient", &["name"]),
    ("users customers profile.user", &["name"]),
    ("card account bank.account contact", &["number"]),
    ("session", &["id", "key"]),
    ("stripe aws github auth account client security recovery webhook", &["key"]),
    ("auth login recovery", &["code"]),
];

/// Keys that say nothing below these parents.
const CLEAR: &[(&str, &[&str])] = &[
    ("service host region", &["name", "number"]),
    ("job order cache map", &["id", "key"]),
    ("primary foreign sort partition", &["key"]),
    ("password_policy", &["min", "id"]),
];

/// Has the form of no secret.
const VALUE: &str = "Bob Smith";

/// A way of a key below a parent into an event.
type Way = (&'static str, fn(&mut Redaction, &str, &str) -> Vec<u8>);

const WAYS: &[Way] = &[
    ("a map of a call", |redaction, parent, key| in_call(redaction, &[parent], &[below(key)])),
    ("a map beside a masked value", |redaction, parent, key| {
        in_call(redaction, &["password", parent], &[M::Str("x1y2z3w4".into()), below(key)])
    }),
    ("a list of maps", |redaction, parent, key| {
        in_call(redaction, &[parent], &[M::Array(vec![below(key)])])
    }),
    ("a list of lists of maps", |redaction, parent, key| {
        let list = M::Array(vec![below(key)]);
        in_call(redaction, &[parent], &[M::Array(vec![M::U64(1), list])])
    }),
    ("an event whose name is masked", |redaction, parent, key| {
        in_event(redaction, "paid_tr0ub4dor", &[parent], &[below(key)])
    }),
    ("a map of a call that is scanned ahead", scanned_ahead),
    ("a map of a dynamic event", |redaction, parent, key| {
        redaction.entries(&entries(&[(parent.into(), below(key))])).unwrap().to_vec()
    }),
    ("a map in a map", |redaction, parent, key| {
        in_call(redaction, &["note"], &[M::Map(vec![(parent.into(), below(key))])])
    }),
];

fn below(key: &str) -> M {
    M::Map(vec![(key.into(), M::Str(VALUE.into()))])
}

fn with_literal() -> Redaction {
    let mut set = RuleSet::default();
    set.literals.push(LiteralRule { name: "own".into(), text: b"tr0ub4dor".to_vec() });
    with(&set)
}

/// A call site with these keys, which lives as long as the process.
fn site(event: &'static str, keys: &[&str]) -> &'static Callsite {
    let keys = keys.iter().map(|key| &*String::leak((*key).to_owned())).collect::<Vec<_>>();
    let (level, target, line) = (Level::Info, "shop", line!());
    let keys = Vec::leak(keys);
    let site = Callsite::new(Metadata { level, event, target, file: file!(), line, keys });
    let site = Box::leak(Box::new(site));
    crate::core::registry::assign_id(site);
    site
}

fn values(values: &[M]) -> Vec<u8> {
    written(|out| values.iter().for_each(|value| value.write(out)))
}

fn in_event(redaction: &mut Redaction, event: &'static str, keys: &[&str], shown: &[M]) -> Vec<u8> {
    let (source, payload) = (Source::Site(site(event, keys)), values(shown));
    let shown = redaction.event(source, &payload, false, Verdict::Unknown).unwrap();
    shown.payload.to_vec()
}

fn in_call(redaction: &mut Redaction, keys: &[&str], values: &[M]) -> Vec<u8> {
    in_event(redaction, "paid", keys, values)
}

fn scanned_ahead(redaction: &mut Redaction, parent: &str, key: &str) -> Vec<u8> {
    let site = site("paid", &[parent]);
    let payload = values(&[below(key)]);
    redaction.register_site(site, site.id() as usize);
    let header =
        Header { callsite: site.id(), ticks: 1, ..Header::new(RecordKind::Event, Level::Info) };
    let mut record = vec![0; 24 + payload.len() + 8];
    let len = header.write(&mut record, payload.len());
    record[24..24 + payload.len()].copy_from_slice(&payload);
    record.truncate(len.next_multiple_of(8));
    let payload = Record::read(&record).unwrap().payload;
    let mut preview = Preview::default();
    redaction.preview(&mut preview, 0, &record);
    let verdict = preview.verdict(0);
    let shown = redaction.event(Source::Site(site), payload, false, verdict).unwrap();
    shown.payload.to_vec()
}

fn shows(payload: &[u8]) -> bool {
    payload.windows(VALUE.len()).any(|part| part == VALUE.as_bytes())
}

fn pairs(table: &'static [(&str, &[&str])]) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.iter().flat_map(|(parents, keys)| {
        parents.split(' ').flat_map(move |parent| keys.iter().map(move |key| (parent, *key)))
    })
}

/// The pairs for which a way into an event differs from what `is_shown` says.
fn different(table: &'static [(&str, &[&str])], is_shown: bool) -> Vec<String> {
    let mut redaction = with_literal();
    let mut different = Vec::new();
    for (parent, key) in pairs(table) {
        let dotted = format!("{parent}.{key}");
        if shows(&in_call(&mut redaction, &[&dotted], &[M::Str(VALUE.into())])) != is_shown {
            different.push(dotted);
        }
        for (way, payload) in WAYS {
            if shows(&payload(&mut redaction, parent, key)) != is_shown {
                different.push(format!("{key} in {parent}: {way}"));
            }
        }
    }
    different
}

#[test]
fn nested_keys_are_masked_like_dotted_ones() {
    assert_eq!(different(MASKED, false), Vec::<String>::new());
}

#[test]
fn keys_that_say_nothing_are_clear_everywhere() {
    assert_eq!(different(CLEAR, true), Vec::<String>::new());
}

/// Every pair of words that the tables contain, whether it is masked or not.
#[test]
fn nesting_never_shows_what_a_dot_masks() {
    let words = |at: fn(&(&'static str, &'static str)) -> &'static str| {
        let all = pairs(MASKED).chain(pairs(CLEAR));
        all.map(|pair| at(&pair)).collect::<std::collections::BTreeSet<_>>()
    };
    let rules = Rules::standard();
    let is_masked = |class| !matches!(class, KeyClass::Plain | KeyClass::Drawn);
    for parent in words(|pair| pair.0) {
        let above = Ruling::of(&rules.key_facts(parent.as_bytes(), None));
        for key in
            words(|pair| pair.1).into_iter().flat_map(|key| [key.to_owned(), format!("{key}_1")])
        {
            let dotted = rules.key(format!("{parent}.{key}").as_bytes(), None);
            let facts = rules.key_facts(key.as_bytes(), Some(parent.as_bytes()));
            let nested = Scope::map(above).entry(&facts).class;
            assert!(
                !is_masked(dotted) || is_masked(nested),
                "{key} in {parent}: {dotted:?}, {nested:?}"
            );
        }
    }
}
