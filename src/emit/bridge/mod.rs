//! The way in for other logging interfaces: `tracing`, `log`, `slog`, and any that a program has itself.
//!
//! A bridge gives each call site of the other interface a [`Site`], once, and passes its events through it. From then
//! on they are events like those of the macros: the same filters, sampling, contexts, limits, redaction and counts.
//!
//! ```
//! use ringseal::bridge::{Site, SiteMeta};
//! use ringseal::{Level, testing::Capture};
//! let (engine, capture) = Capture::start();
//! let log = engine.logger();
//!
//! let meta = SiteMeta::new(Level::Info, "shop::orders", "order").keys(&["message", "id"]).message("message");
//! let site = Site::intern(&meta).expect("few sites"); // once per call site
//! site.emit(&log, &|fields| {
//!     fields.field("message", &"order filled");
//!     fields.field("id", &17);
//! });
//!
//! let event = capture.event("order filled");
//! assert_eq!((event.text("target"), event.text("id")), ("shop::orders", "17"));
//! ```
//!
//! Promises:
//! - A site is kept for the life of the process. There are at most [`SITES_MAX`]; beyond that, [`Site::intern`] returns
//!   `None` and a bridge uses [`Logger::dynamic`](crate::Logger::dynamic).
//! - A disabled event costs one load and a branch. An enabled one allocates nothing, locks nothing and makes no system
//!   call, after the first of its thread and of its site.
//! - Nothing that a foreign call site states makes the engine panic: names with braces, repeated or empty keys.
//! - What libraries log on the engine's own threads is dropped and counted ([`suppressed_events`]), spans and events
//!   without a site as well, so that a sink cannot log about itself in circles.
mod calls;
mod interner;
mod site;
mod span;
mod writer;

pub use self::calls::{Call, CallSite, CallSites};
pub use self::interner::SITES_MAX;
pub(super) use self::site::is_own_thread;
pub use self::site::{Site, SiteMeta, suppressed_events};
pub use self::span::BridgedSpan;
pub use self::writer::SiteWriter;
use super::logger::BoundFields;
use ringseal_base::limits::Limits;
use ringseal_base::value::ValueWriter;

/// The most bytes of fields that [`fields`] encodes.
const FIELDS_BYTES_MAX: usize = 64 * 1024;

/// Fields to bind whose keys are known only at run time. `fill` writes them with [`ValueWriter::entry`]; it is called
/// again if they take more than 512 bytes. Together they take at most 64 KiB; what is beyond that is left out.
///
/// ```
/// use ringseal::{bridge, info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// let pairs = [("tenant", "acme"), ("region", "eu")];
/// let fields = bridge::fields(&|out| pairs.iter().for_each(|(key, value)| out.entry(key, value)));
/// info!(engine.logger().bind(fields), "started");
/// assert_eq!(capture.event("started").text("region"), "eu");
/// ```
pub fn fields(fill: &dyn Fn(&mut ValueWriter<'_>)) -> BoundFields {
    let encode = |buffer: &mut [u8]| {
        let mut out = ValueWriter::new(buffer, Limits::default());
        fill(&mut out);
        (out.len_bytes(), out.is_cut() || out.is_full())
    };
    let mut short = [0; 512];
    let (len, is_cut) = encode(&mut short);
    if !is_cut {
        return BoundFields::of_entries(short[..len].to_vec());
    }
    let mut long = vec![0; FIELDS_BYTES_MAX];
    let (len, _) = encode(&mut long);
    long.truncate(len);
    BoundFields::of_entries(long)
}
