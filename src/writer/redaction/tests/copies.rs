//! What was masked under a key is masked wherever else the same event holds it.

use super::*;

const SECRET: &str = "Hx92kd81LmN4";

fn shown(pairs: &[(&str, M)]) -> Vec<(String, M)> {
    let pairs: Vec<_> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let mut redaction = standard();
    let shown = redaction.entries(&entries(&pairs)).unwrap().to_vec();
    assert_eq!(redaction.entries(&shown).unwrap(), &shown[..], "twice changes nothing");
    assert_eq!(redaction.failed, 0);
    read(&shown)
}

fn text(text: &str) -> M {
    M::Str(text.into())
}

#[test]
fn copies_go_from_every_other_value() {
    let note = |note: &str| text(&note.replace("SECRET", SECRET));
    for (key, value, other, want) in [
        ("password", SECRET, "login with SECRET failed", "login with ***REDACTED*** failed"),
        ("api_key", SECRET, "SECRET", "***REDACTED***"),
        ("authorization", "Bearer Hx92kd81LmN4", "got SECRET.", "got ***REDACTED***."),
        ("note", "password=Hx92kd81LmN4", "tried SECRET twice", "tried ***REDACTED*** twice"),
        ("note", r#"{"token":"Hx92kd81LmN4"}"#, "id SECRET", "id ***REDACTED***"),
        ("password", SECRET, r#"{"a":"SECRET","b":[1]}"#, r#"{"a":"***REDACTED***","b":[1]}"#),
        ("customer_name", "Ann Lee", "paid by Ann Lee", "paid by <name>"),
        ("ssn", "078 05 1120", "id 078 05 1120!", "id <ssn>!"),
        // Parts of longer words, and values that other texts contain by chance, stay.
        ("password", SECRET, "xSECRETx", "xSECRETx"),
        ("password", "checkout", "at checkout", "at checkout"),
        ("password", "hunter2", "hunter2", "hunter2"),
        ("customer_name", "Ann", "Ann", "Ann"),
        ("count", SECRET, "SECRET", "SECRET"),
    ] {
        let want = note(want);
        for (first, second, at) in [(0, 1, 1), (1, 0, 0)] {
            let pairs = [(key, text(value)), ("other", note(other))];
            let got = shown(&[pairs[first].clone(), pairs[second].clone()]);
            assert_eq!(got[at].1, want, "{key}={value} {other}");
        }
        let list = M::Array(vec![M::Map(vec![("n".into(), note(other))])]);
        let got = shown(&[("list", list), (key, text(value))]);
        assert_eq!(
            got[0].1,
            M::Array(vec![M::Map(vec![("n".into(), want)])]),
            "{key}={value} {other}"
        );
    }
}

#[test]
fn copies_go_from_keys_and_cut_values() {
    let map = M::Map(vec![(SECRET.into(), M::U64(1))]);
    let got = shown(&[("map", map), ("pwd", text(SECRET))]);
    assert_eq!(got[0].1, M::Map(vec![("***REDACTED***".into(), M::U64(1))]));

    let mut bytes = [0; 200];
    let limits = Limits::default().with_value_bytes_max(20);
    let mut out = ValueWriter::new(&mut bytes, limits);
    out.entry("cut", &"tried Hx92kd81LmN4, then another one");
    out.entry("pwd", &SECRET);
    let len = out.len_bytes();
    let mut redaction = standard();
    let got = read(redaction.entries(&bytes[..len]).unwrap());
    assert_eq!(got[0].1, M::StrCut("tried ***REDACTED***, ".into(), 36));
}

#[test]
fn copies_go_from_sites_and_messages() {
    crate::core::registry::assign_id(&SITE);
    let mut redaction = standard();
    let payload = written(|out| {
        out.str("tried Hx92kd81LmN4");
        out.str(SECRET);
        out.null();
        out.u64(7);
    });
    let shown = redaction.event(Source::Site(&SITE), &payload, false, Verdict::Unknown).unwrap();
    let first = ringseal_base::value::Values(shown.payload).next().unwrap().unwrap();
    assert_eq!(first, ValueRef::Str(b"tried ***REDACTED***"));

    let payload = entries(&[("token".into(), text(SECRET))]);
    let source = Source::Dynamic { target: b"app", event: b"tried Hx92kd81LmN4" };
    let shown = redaction.event(source, &payload, false, Verdict::Unknown).unwrap();
    let Source::Dynamic { event, .. } = shown.source else { panic!() };
    assert_eq!(event, b"tried ***REDACTED***");

    // The text says what the value is.
    let payload = entries(&[("seen".into(), text(SECRET))]);
    let source = Source::Dynamic { target: b"app", event: b"tried password=Hx92kd81LmN4" };
    let shown = redaction.event(source, &payload, false, Verdict::Unknown).unwrap();
    assert_eq!(read(shown.payload), [("seen".to_owned(), text("***REDACTED***"))]);

    let shown = redaction.event(
        Source::Dynamic { target: b"app", event: b"next" },
        &payload,
        false,
        Verdict::Unknown,
    );
    assert!(std::ptr::eq(shown.unwrap().payload, &payload[..]), "the next event has no such value");
}
