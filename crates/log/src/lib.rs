//! What a program and its dependencies log with [`log`] goes to ringseal.
//!
//! ```
//! use ringseal::{Config, Engine};
//! # use ringseal::testing::Capture;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (engine, capture) = Capture::start();
//! # let _ = || -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::start(Config::from_env()?)?;
//! ringseal_log::init(engine.logger())?;
//! # Ok(())
//! # };
//! # ringseal_log::follow_filter(engine.logger());
//! # let bridge = ringseal_log::Bridge::new(engine.logger());
//! # macro_rules! info { ($($token:tt)*) => { log::info!(logger: bridge, $($token)*) } }
//!
//! info!(amount = 100, currency = "KWD"; "payment {} processed", 17);
//! # let event = capture.event("payment 17 processed");
//! # assert_eq!((event.text("amount"), event.text("currency")), ("100", "KWD"));
//! # Ok(())
//! # }
//! ```
//!
//! A record's message is the event's name, and its pairs of key and value are fields, with their types. The filter is
//! that of the engine; [`log::max_level`] follows it exactly, so a disabled call costs what it costs with `log`. An
//! event with the pair `critical = true`, and an error whose target ends with `::critical`, is critical.
//!
//! Promises: an enabled event takes no lock and allocates nothing, after the first of its call site and thread. Call
//! sites are kept for the life of the process, a bounded number of them ([`ringseal::bridge::SITES_MAX`]); events of
//! further ones are logged by a slower way, and counted ([`events_without_site`]). What is logged on the engine's own
//! threads is dropped and counted ([`ringseal::bridge::suppressed_events`]). Nothing here panics.
mod bridge;
mod pairs;
mod sites;

pub use self::bridge::{Bridge, InitError, follow_filter, init};
pub use self::sites::events_without_site;
