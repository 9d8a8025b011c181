//! Errors as fields: concrete, generic, `dyn`, and inside report types that do not implement `Error`.
use std::error::Error;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;

use ringseal::testing::Capture;
use ringseal::{Engine, error, fields, info, with_backtrace};

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

const CONCRETE: &str = "\"type\":\"macro_errors::Refused\",\"message\":\"refused\",\"chain\":[\"disk full\"],\
    \"chain_types\":[\"std::io::Error(Other)\"]";
const DYNAMIC: &str = "\"type\":\"Refused\",\"message\":\"refused\",\"chain\":[\"disk full\"],\
    \"chain_types\":[\"std::io::Error(Other)\"]";

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

/// The members of the error of the one event that `log` leaves.
fn members<const N: usize>(keys: [&str; N], log: impl FnOnce(&Engine)) -> [String; N] {
    let (engine, capture) = Capture::start();
    log(&engine);
    let event = capture.event("failed");
    keys.map(|key| match event["error"].get(key) {
        Some(value) => match (value.as_str(), value.as_array()) {
            (Some(text), _) => text.to_owned(),
            (_, Some(list)) => {
                list.iter().filter_map(|it| it.as_str()).collect::<Vec<_>>().join(" / ")
            }
            _ => panic!("{value:?}"),
        },
        None => String::new(),
    })
}

#[test]
fn an_io_error_has_its_kind_everywhere() {
    use anyhow::Context as _;
    let missing = || io::Error::from_raw_os_error(2);
    let ends = io::Read::read_exact(&mut &b""[..], &mut [0]).unwrap_err();
    let kinds = [
        (missing(), "std::io::Error(NotFound)"),
        (io::ErrorKind::TimedOut.into(), "std::io::Error(TimedOut)"),
        (io::Error::new(io::ErrorKind::InvalidData, "x"), "std::io::Error(InvalidData)"),
        (ends, "std::io::Error(UnexpectedEof)"),
    ];
    for (error, expected) in kinds {
        let found = members(["type"], |log| error!(log, "failed", error = &error));
        assert_eq!(found, [expected], "concrete");
        let boxed: Box<dyn Error + Send + Sync> = Box::new(error);
        assert_eq!(
            members(["type"], |log| error!(log, "failed", error = &boxed)),
            [expected],
            "boxed"
        );
        let report = anyhow::Error::from_boxed(boxed);
        assert_eq!(
            members(["type"], |log| error!(log, "failed", error = &report)),
            [expected],
            "report"
        );
    }
    let report = Err::<(), _>(missing()).context("reading the settings").context("starting");
    let found = members(["type", "message", "chain_types"], |log| {
        error!(log, "failed", error = report.unwrap_err());
    });
    assert_eq!(
        found[..2],
        ["std::io::Error(NotFound)", "starting"],
        "of the error, not of a layer of context"
    );
    assert!(found[2].ends_with(" / std::io::Error(NotFound)"), "{found:?}");
}

#[test]
fn a_report_has_the_type_of_its_error() {
    let report = anyhow::Error::from(refused()).context("cannot pay");
    let keys = ["type", "message", "chain", "chain_types"];
    let expected =
        ["Refused", "cannot pay", "refused / disk full", "Refused / std::io::Error(Other)"];
    assert_eq!(members(keys, |log| error!(log, "failed", error = &report)), expected);
    let text = anyhow::anyhow!("only a text").context("around it");
    let expected = ["dyn Error", "around it", "only a text", ""];
    assert_eq!(members(keys, |log| error!(log, "failed", error = &text)), expected);
}

#[test]
fn a_backtrace_is_kept_when_asked() {
    /// A report that shows a backtrace as `anyhow` does.
    struct Traced(Box<dyn Error + Send + Sync>);
    impl Deref for Traced {
        type Target = dyn Error + Send + Sync;
        fn deref(&self) -> &Self::Target {
            &*self.0
        }
    }
    impl fmt::Debug for Traced {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}\n\nStack backtrace:\n   0: shop::pay\n   1: shop::main", self.0)
        }
    }
    let report = Traced(Box::new(refused()));
    let keys = ["type", "chain", "stack_trace", "stack_hash"];
    let with = members(keys, |log| error!(log, "failed", error = with_backtrace(&report)));
    assert_eq!(with[..3], ["Refused", "disk full", "   0: shop::pay\n   1: shop::main"]);
    let without = members(keys, |log| error!(log, "failed", error = &report));
    assert_eq!(without[..3], ["Refused", "disk full", ""]);
    assert_eq!(with[3], without[3], "the trace does not change the hash");
    let own = anyhow::Error::from(refused());
    let found = members(["type"], |log| error!(log, "failed", error = with_backtrace(&own)));
    assert_eq!(found, ["Refused"]);
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
