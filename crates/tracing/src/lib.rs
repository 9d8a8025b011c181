//! What a program and its dependencies log with [`tracing`](https://docs.rs/tracing) goes to ringseal.
//!
//! ```
//! use ringseal::{Config, Engine};
//! # use ringseal::testing::Capture;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (engine, capture) = Capture::start();
//! # tracing::subscriber::with_default(ringseal_tracing::subscriber(engine.logger()), || {
//! # let _ = || -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::start(Config::from_env()?)?;
//! ringseal_tracing::init(engine.logger())?;
//! # Ok(())
//! # };
//!
//! let request = tracing::info_span!("request", method = "POST", user.id = tracing::field::Empty);
//! request.in_scope(|| {
//!     request.record("user.id", 42);
//!     tracing::info!(amount = 100, "payment {} processed", 17);
//! });
//! # });
//! # let event = capture.event("payment 17 processed");
//! # assert_eq!((event.text("method"), event.text("user.id"), event.text("amount")), ("POST", "42", "100"));
//! # Ok(())
//! # }
//! ```
//!
//! An event's message is its name. Its fields and those of the spans around it are at the top of the line; of equal
//! keys, the event's field is shown, or else that of the nearest span. Each span has the ids of W3C Trace Context from
//! its beginning and is logged when it closes, with its duration: [`Options::span_lines`].
//!
//! - [`subscriber`], and [`init`], which installs it: alone in a process, the quickest way.
//! - [`layer`](fn@layer) and [`filter`](fn@filter), with the feature `layer`: beside other layers of a
//!   `tracing_subscriber::registry()`.
//!
//! Levels are those of `tracing`, filtered by the engine ([`Config::filter`](ringseal::Config::filter), `LOG_LEVEL`).
//! An event with the field `critical = true`, and an error whose target ends with `::critical`, is critical.
//!
//! Promises: an event that the engine's filter disables costs what `tracing` promises for a disabled event; a change of
//! the filter at run time reaches every call site. An enabled event allocates nothing, after the first of its call site
//! and thread, however deep the spans around it are. A span allocates. An id that is not known is counted
//! ([`unknown_spans`]) and never a panic. What is logged on the engine's own threads is dropped and counted
//! ([`ringseal::bridge::suppressed_events`]).
mod bridge;
mod current;
#[cfg(feature = "layer")]
mod layer;
mod log_records;
mod options;
mod sites;
mod span;
mod subscriber;
mod visit;

pub use self::bridge::unknown_spans;
#[cfg(feature = "layer")]
pub use self::layer::{Filter, Layer, filter, layer};
pub use self::options::{Options, SpanEvents};
pub use self::subscriber::{Subscriber, init, subscriber};
