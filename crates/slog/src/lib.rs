//! A drain for [`slog`] that passes records to ringseal.
//!
//! ```
//! use ringseal::{Config, Engine};
//! use slog::{Logger, info, o};
//! # use ringseal::testing::Capture;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let _ = || -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::start(Config::from_env()?)?;
//! # Ok(())
//! # };
//! # let (engine, capture) = Capture::start();
//! let log = Logger::root(ringseal_slog::Drain::new(engine.logger()), o!("service" => "shop"));
//! info!(log, "payment {} processed", 17; "amount" => 100, "currency" => "KWD");
//! # let event = capture.event("payment 17 processed");
//! # assert_eq!((event.text("amount"), event.text("currency"), event.text("service")), ("100", "KWD", "shop"));
//! # Ok(())
//! # }
//! ```
//!
//! The drain neither blocks nor fails: it needs no `Async`, no `Fuse` and no `Mutex` around it. A record's message is
//! the event's name; its pairs and those of its loggers are fields, with their types. slog's levels are those of the
//! engine.
//!
//! Promises: an enabled event takes no lock and allocates nothing, after the first of its call site and thread. Call
//! sites are kept for the life of the process, a bounded number of them ([`ringseal::bridge::SITES_MAX`]); events of
//! further ones are logged by a slower way, and counted ([`events_without_site`]). What is logged on the engine's own
//! threads is dropped and counted ([`ringseal::bridge::suppressed_events`]). Nothing here panics.
mod drain;
mod pairs;
mod sites;

pub use self::drain::Drain;
pub use self::sites::events_without_site;
