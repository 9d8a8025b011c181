//! Errors as values: type, message, chain.
use std::error::Error;
use std::fmt;

use super::{M, Model, write_bounded};
use crate::limits::Limits;
use crate::value::{ErrorValue, Value};

#[derive(Debug)]
struct Outer(Option<Box<dyn Error>>);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("upload failed")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref()
    }
}

#[derive(Debug)]
#[allow(dead_code)] // Read by `Debug`.
struct Inner {
    code: u32,
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}", self.code)
    }
}

impl Error for Inner {}

fn texts(value: &dyn Value) -> Vec<String> {
    texts_within(value, Limits::default()).0
}

fn texts_within(value: &dyn Value, limits: Limits) -> (Vec<String>, bool) {
    let written = write_bounded(value, limits);
    let Model::Error(parts) = written.read() else { panic!("no error: {:?}", written.read()) };
    (parts.into_iter().map(text_of).collect(), written.is_cut)
}

/// A part of an error; of a cause, `type: message`.
fn text_of(part: Model) -> String {
    match part {
        M::Str(text) => text,
        M::StrCut(text, _) => text + "…",
        M::Error(parts) => parts.into_iter().map(text_of).collect::<Vec<_>>().join(": "),
        other => panic!("no text: {other:?}"),
    }
}

fn chain_of(len: usize) -> Outer {
    (0..len).fold(Outer(None), |inner, _| Outer(Some(Box::new(inner))))
}

#[test]
fn an_error_has_type_message_and_causes() {
    let error = Outer(Some(Box::new(Inner { code: 7 })));
    let outer = concat!(module_path!(), "::Outer");
    assert_eq!(texts(&ErrorValue(&error)), [outer, "upload failed", "Inner: code 7"]);
    assert_eq!(texts(&ErrorValue(&&error)), [outer, "upload failed", "Inner: code 7"]);
}

#[test]
fn a_cause_of_unknown_type_is_its_message() {
    let cause: Box<dyn Error> = "disk full".into();
    let error = Outer(Some(Box::new(Outer(Some(cause)))));
    let expected = ["Outer", "upload failed", "Outer: upload failed", "disk full"];
    assert_eq!(texts(&(&error as &dyn Error)), expected);
}

#[test]
fn dyn_errors_have_the_type_of_their_debug() {
    let whole = |error: &dyn Error| texts(&error);
    assert_eq!(whole(&Outer(None)), ["Outer", "upload failed"]);
    assert_eq!(whole(&Inner { code: 7 }), ["Inner", "code 7"]);
    assert_eq!(whole(&"x".parse::<u16>().unwrap_err())[0], "ParseIntError");
    assert_eq!(whole(&fmt::Error)[0], "Error");
    let boxed: Box<dyn Error + Send + Sync> = "disk full".into();
    assert_eq!(texts(&boxed), ["dyn Error", "disk full"]);
    let boxed: Box<dyn Error> = Box::new(Inner { code: 1 });
    assert_eq!(texts(&boxed), ["Inner", "code 1"]);
}

#[test]
fn a_debug_sentence_is_not_a_type() {
    struct SentenceError(&'static str);
    impl fmt::Debug for SentenceError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }
    impl fmt::Display for SentenceError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("?")
        }
    }
    impl Error for SentenceError {}
    let long = "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (debug, name) in [
        ("Connection refused", "dyn Error"),
        ("Connection: refused", "dyn Error"),
        ("lower", "dyn Error"),
        ("", "dyn Error"),
        ("\"Quoted\"", "dyn Error"),
        ("Timeout", "Timeout"),
        ("Timeout(3)", "Timeout"),
        ("Timeout { after: 3 }", "Timeout"),
        (long, &long[..64]),
    ] {
        let error: &dyn Error = &SentenceError(debug);
        assert_eq!(texts(&error)[0], name, "{debug:?}");
    }
}

#[test]
fn borrowed_and_send_errors_are_values() {
    #[derive(Debug)]
    struct Borrowing<'a>(&'a str);
    impl fmt::Display for Borrowing<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }
    impl Error for Borrowing<'_> {}
    let text = String::from("borrowed");
    let error = Borrowing(&text);
    assert_eq!(texts(&(&error as &dyn Error)), ["Borrowing", "borrowed"]);
    assert_eq!(texts(&(&error as &(dyn Error + Send))), ["Borrowing", "borrowed"]);
    assert_eq!(texts(&(&error as &(dyn Error + Send + Sync))), ["Borrowing", "borrowed"]);
    let option: Option<Box<dyn Error>> = Some(Box::new(Inner { code: 2 }));
    assert_eq!(texts(&option), ["Inner", "code 2"]);
}

#[test]
fn an_endless_chain_is_cut_after_sixteen_causes() {
    let (texts, is_cut) = texts_within(&ErrorValue(&chain_of(16)), Limits::default());
    assert_eq!((texts.len(), is_cut), (18, false));
    let (texts, is_cut) = texts_within(&ErrorValue(&chain_of(17)), Limits::default());
    assert_eq!((texts.len(), is_cut), (18, true));
}

#[test]
fn a_long_chain_stays_within_its_reservation() {
    for max in [0, 1, 5, 12, 40] {
        let limits = Limits::default().with_value_bytes_max(max);
        let (texts, is_cut) = texts_within(&ErrorValue(&chain_of(16)), limits);
        assert!(is_cut && texts.len() >= 2, "{max}: {texts:?}");
    }
}
