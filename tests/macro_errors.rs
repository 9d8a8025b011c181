//! Errors as fields: concrete, generic, `dyn`, and inside report types that do not implement `Error`.
use std::error::Error;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;

use ringseal::testing::Capture;
use ringseal::{Engine, error, fields, info};

/// The `error` of the one event that `log` leaves, without the hash at its end.
fn logged(log: impl FnOnce(&Engine)) -> String {
    let (engine, capture) = Capture::start();
    log(&engine);
    engine.flush().unwrap();
    let events = capture.events();
    assert_eq!(events.len(), 1, "{events:?}");
    let (parts, hash) = events[0].text("error").split_once(",\"stack_hash\":\"").unwrap();
    assert_eq!(hash.len(), 18, "16 digits, a quote and a brace");
    parts[1..].to_owned()
}

#[derive(Debug)]
struct Refused {
    cause: Option<io::Error>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as &(dyn Error + 'static))
    }
}

fn refused() -> Refused {
    Refused { cause: Some(io::Error::other("disk full")) }
}

const CONCRETE: &str =
    "\"type\":\"macro_errors::Refused\",\"message\":\"refused\",\"chain\":[\"disk full\"]";
const DYNAMIC: &str = "\"type\":\"Refused\",\"message\":\"refused\",\"chain\":[\"disk full\"]";

#[test]
fn a_concrete_error_by_value_and_by_reference() {
    let error = refused();
    assert_eq!(logged(|log| error!(log, "failed", error)), CONCRETE);
    assert_eq!(logged(|log| error!(log, "failed", error = &error)), CONCRETE);
    assert_eq!(logged(|log| error!(log, "failed", error = &&error)), CONCRETE);
    assert_eq!(logged(|log| error!(log, "failed", error = refused())), CONCRETE);
    let parts = logged(|log| error!(log, "failed", error = "x".parse::<u16>().unwrap_err()));
    let expected = "\"type\":\"core::num::error::ParseIntError\",\"message\":\"invalid digit found in string\"";
    assert_eq!(parts, expected);
}

#[test]
fn a_dyn_error_keeps_its_debug_name() {
    let boxed: Box<dyn Error> = Box::new(refused());
    let sync: Box<dyn Error + Send + Sync> = Box::new(refused());
    let shared: Arc<dyn Error + Send + Sync> = Arc::new(refused());
    let plain: &dyn Error = &*boxed;
    assert_eq!(logged(|log| error!(log, "failed", error = boxed)), DYNAMIC);
    assert_eq!(logged(|log| error!(log, "failed", error = &boxed)), DYNAMIC);
    assert_eq!(logged(|log| error!(log, "failed", error = sync)), DYNAMIC);
    assert_eq!(logged(|log| error!(log, "failed", error = &sync)), DYNAMIC);
    assert_eq!(logged(|log| error!(log, "failed", error = shared)), DYNAMIC);
    assert_eq!(logged(|log| error!(log, "failed", error = plain)), DYNAMIC);
    assert_eq!(logged(|log| error!(log, "failed", error = &plain)), DYNAMIC);
    assert_eq!(logged(|log| error!(log, "failed", error = Some(plain))), DYNAMIC);
}

#[test]
fn a_dyn_error_needs_no_static_lifetime() {
    fn log_it(log: &Engine, error: &dyn Error) {
        error!(log, "failed", error);
    }
    fn log_boxed<'a>(log: &Engine, error: Box<dyn Error + Send + 'a>) {
        error!(log, "failed", error = error);
    }
    struct Borrowing<'a>(&'a str);
    impl fmt::Debug for Borrowing<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Borrowing(..)")
        }
    }
    impl fmt::Display for Borrowing<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }
    impl Error for Borrowing<'_> {}
    let text = String::from("local");
    let expected = "\"type\":\"Borrowing\",\"message\":\"local\"";
    assert_eq!(logged(|log| log_it(log, &Borrowing(&text))), expected);
    assert_eq!(logged(|log| log_boxed(log, Box::new(Borrowing(&text)))), expected);
}

#[test]
fn a_generic_error_has_its_type() {
    fn log_it<E: Error>(log: &Engine, error: E) {
        error!(log, "failed", error = &error);
    }
    fn log_unsized<E: Error + ?Sized>(log: &Engine, error: &E) {
        error!(log, "failed", error);
    }
    fn log_impl(log: &Engine, error: impl Error) {
        error!(log, "failed", error);
    }
    let error = refused();
    assert_eq!(logged(|log| log_it(log, &error)), CONCRETE);
    assert_eq!(logged(|log| log_it(log, refused())), CONCRETE);
    assert_eq!(logged(|log| log_impl(log, refused())), CONCRETE);
    assert_eq!(logged(|log| log_unsized(log, &refused())), CONCRETE);
}

/// Shaped like `anyhow::Error` and `eyre::Report`: not an `Error`, but it dereferences to one.
struct Report(Box<dyn Error + Send + Sync>);

impl Deref for Report {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

#[test]
fn a_report_is_logged_as_its_error() {
    let report = Report(Box::new(refused()));
    assert_eq!(logged(|log| error!(log, "failed", error = report)), DYNAMIC);
    assert_eq!(logged(|log| error!(log, "failed", error = &report)), DYNAMIC);
    assert_eq!(logged(|log| error!(log, "failed", error = *report)), DYNAMIC);
    assert_eq!(logged(|log| error!(log, "failed", error = &*report)), DYNAMIC);
}

#[test]
fn an_error_works_under_any_key() {
    let (engine, capture) = Capture::start();
    let error = refused();
    let log = engine.logger().bind(fields! { error = &error });
    info!(log, "retrying", cause = io::Error::other("x"), last.error = ?error);
    engine.flush().unwrap();
    let event = capture.events().remove(0);
    assert!(event.text("error").contains(CONCRETE));
    assert!(event.text("cause").contains("\"message\":\"x\""));
    assert!(event.text("last.error").starts_with("Refused { cause: Some("));
}
