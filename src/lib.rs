//! ringseal: a logging engine for latency-sensitive services.
//!
//! Each thread writes events into its own lock-free ring. One writer thread merges them by time, encodes them as JSON
//! and passes whole lines to rotating files and other sinks. An enabled call does not allocate, lock or enter the
//! kernel. Losses are counted and reported. At any moment a log file contains only whole lines.
//!
//! ```
//! use ringseal::{Config, error, fields, info, warn};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("app.log");
//! let engine = ringseal::init(Config::from_env()?.file(path))?; // the guard: drains and stops on drop
//! info!("payment_processed", amount = 100, currency = "KWD", user.id = 42);
//! let peer = std::net::Ipv4Addr::LOCALHOST;
//! warn!("rate_limit_near", current = 45, limit = 50, peer = %peer);
//! if let Err(err) = "x".parse::<u16>() {
//!     error!("upload_failed", error = &err, retry = 3);
//! }
//! let log = engine.logger().bind(fields! { trace_id = "4bf9", http.request.method = "POST" });
//! info!(log, "request_started");
//! # Ok(())
//! # }
//! ```
//!
//! The grammar of the macros is described at [`event!`], the configuration at [`Config`], what happens when a ring is
//! full at [`Overflow`], files at [`sink::file`]. [`guide`] has the longer texts.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Some items of these modules are used only by optional features.
#[cfg_attr(
    not(all(feature = "audit", feature = "tokens", feature = "affinity")),
    allow(dead_code, unused_imports)
)]
mod core;
#[cfg_attr(
    not(all(feature = "audit", feature = "tokens", feature = "affinity")),
    allow(dead_code, unused_imports)
)]
mod emit;
mod encode;
mod engine;
mod macros;
mod metrics;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, unused_imports, unused_variables))]
mod recover;
mod ringbuf;
#[cfg_attr(
    not(all(feature = "audit", feature = "tokens", feature = "affinity")),
    allow(dead_code, unused_imports)
)]
mod sync;
#[cfg_attr(
    not(all(feature = "audit", feature = "tokens", feature = "affinity")),
    allow(dead_code, unused_imports)
)]
mod writer;

pub mod events;
pub mod sample;
pub mod sink;
pub mod testing;
pub mod trace_context;

#[cfg(feature = "audit")]
pub use ringseal_audit as audit;
pub use ringseal_redact as redact;

pub use crate::core::correlation::Correlation;
pub use crate::core::filter::ParseFilterError;
pub use crate::core::level::ParseLevelError;
pub use crate::core::{Filter, Level, LevelFilter, keys};
pub use crate::emit::bridge;
pub use crate::emit::correlation_id;
#[cfg(feature = "serde")]
pub use crate::emit::serialize;
pub use crate::emit::{
    AsEmitter, BoundFields, Context, ContextScope, InContext, InSpan, Logger, Overflow,
    RestoreError, SNAPSHOT_BYTES_MAX, Snapshots, Span, SpanKind, SpanLines, WithContext, WithSpan,
    in_current_context, log_span, with_backtrace,
};
pub use crate::encode::Subsecond;
pub use crate::encode::layout::{EcsOptions, EcsOrder, LevelCase, LevelWords, LineKey, RunId};
#[cfg(feature = "audit")]
pub use crate::engine::{
    AuditConfig, AuditError, AuditHealth, AuditLogger, AuditOpenError, Emitted,
};
pub use crate::engine::{
    Color, Config, Engine, EnvError, Format, InitError, Output, Recovery, RedactionError,
    RingDirError, Rings, Timestamps, Tokens, init,
};
pub use crate::metrics::{
    LevelCounts, Metrics, RedactionMetrics, RuleHits, RuleMetrics, SinkMetrics,
};
pub use crate::sample::Sampling;
pub use crate::writer::control::FlushError;
pub use crate::writer::hooks::{HookedEvent, ProvidedFields};
pub use crate::writer::recovery::{RecoveredRun, RecoveryReport};
pub use crate::writer::run::WaitStrategy;
pub use ringseal_base::Limits;
pub use ringseal_base::value::{Maybe, Pii, PiiKind, Sanitized, Secret, Start, Timer, since};

/// Levels: which targets are quiet, why a target has its level, and changes of levels for a time.
pub mod levels {
    pub use crate::core::filter::{ExplainedLevel, LevelSource, ParseQuietError, QuietTargets};
    pub use crate::engine::{LevelError, LevelRequest, LevelState, OverrideState};
}

/// Observers: code that sees each accepted event after redaction, to derive metrics from it.
pub mod observe {
    pub use crate::writer::observe::{
        EventObserver, ObservedEvent, ObservedMap, ObservedSite, ObservedValue,
    };
}

/// Values of fields beyond Rust's own types, and the trait that makes any type a value.
pub mod value {
    #[cfg(feature = "serde")]
    pub use ringseal_base::value::SerdeValue;
    pub use ringseal_base::value::{
        AllowedUnder, BacktraceValue, DebugValue, DisplayValue, Element, ErrorValue, Map, MapKey,
        NOT_PLAIN, Number, ObjectValue, Since, SpanId, Uuid, Value, ValueWriter,
    };
}

/// The longer texts: how the parts are set up and operated. Links between the pages work in the repository.
#[cfg(all(doc, not(doctest)))]
pub mod guide {
    #[doc = include_str!("../docs/audit.md")]
    pub mod audit {}
    #[doc = include_str!("../docs/audit-design.md")]
    pub mod audit_design {}
    #[doc = include_str!("../docs/audit-events.md")]
    pub mod audit_events {}
    #[doc = include_str!("../docs/audit-format.md")]
    pub mod audit_format {}
    #[doc = include_str!("../docs/audit-operations.md")]
    pub mod audit_operations {}
    #[doc = include_str!("../docs/audit-sinks.md")]
    pub mod audit_sinks {}
    #[doc = include_str!("../docs/audit-tamper.md")]
    pub mod audit_tamper {}
    #[doc = include_str!("../docs/audit-timestamp.md")]
    pub mod audit_timestamp {}
    #[doc = include_str!("../docs/cli.md")]
    pub mod cli {}
    #[doc = include_str!("../docs/context.md")]
    pub mod context {}
    #[doc = include_str!("../docs/configuration.md")]
    pub mod configuration {}
    #[doc = include_str!("../docs/ecs.md")]
    pub mod ecs {}
    #[doc = include_str!("../docs/levels.md")]
    pub mod levels {}
    #[doc = include_str!("../docs/events.md")]
    pub mod events {}
    #[doc = include_str!("../docs/http.md")]
    pub mod http {}
    #[doc = include_str!("../docs/migration.md")]
    pub mod migration {}
    #[doc = include_str!("../docs/redaction.md")]
    pub mod redaction {}
    #[doc = include_str!("../docs/sampling.md")]
    pub mod sampling {}
    #[doc = include_str!("../docs/tokens.md")]
    pub mod tokens {}
    #[doc = include_str!("../docs/trace-context.md")]
    pub mod trace_context {}
}

/// The clock and the file system that the audit log and the token keysets use.
///
/// Programs pass [`SystemClock`](system::SystemClock) and [`OsStorage`](system::OsStorage); a test passes a
/// [`ManualClock`](system::ManualClock) or a storage that fails.
pub mod system {
    pub use ringseal_base::clock::{Clock, ManualClock, Now, SystemClock};
    pub use ringseal_base::storage::{
        FileId, FileKind, FileLock, FileStat, OpenMode, OsStorage, Storage, StorageFile,
    };
}

/// Items outside the public interface for the project's own layers, benchmarks, fuzz targets, tests and command. They
/// change without notice. `tests/public_api/internals.txt` lists each item with its users.
#[doc(hidden)]
pub mod internals {
    /// Records in the format of a ring, and the registry of call sites.
    pub mod core {
        pub use crate::core::registry;
        pub use ringseal_base::{backoff, calendar, fnv, tsc};
        pub mod callsite {
            pub use crate::core::callsite::{Callsite, Metadata};
        }
        pub mod clock {
            pub use ringseal_base::clock::{Calibration, TickSource, tick_source};
        }
        pub mod record {
            pub use crate::core::record::{
                CONTEXT_ID_BYTES, ExtraFlags, Extras, HEADER_BYTES, Header, Kind, RECORD_FORMAT,
                Record, Slots, split_extras,
            };
        }
        pub mod trace {
            pub use crate::core::sampling::trace::randomness;
        }
        pub mod value {
            pub use ringseal_base::value::{ValueRef, Values};
        }
    }
    /// Contexts of work that runs in parts.
    pub mod context {
        pub use crate::emit::{TaskPart, TaskScopes};
    }
    /// Hashes and their text forms.
    pub mod digest {
        pub use ringseal_base::digest::{Crc32, Hash, HmacSha256, Sha256, hkdf};
        pub mod text {
            pub use ringseal_base::digest::text::{Base64, base64, base64_array, hex, hex_byte};
        }
    }
    /// Lines without an engine.
    pub mod encode {
        pub use crate::encode::{Fragment, Out, Subsecond, TimeCache, Unit};
        /// The Elastic Common Schema: its fields, and which values fit them.
        pub mod ecs {
            pub use crate::encode::layout::{
                CATEGORIES, ECS_VERSION, FieldType, Kind, Problem, field_type, is_date, is_ip,
                is_object, of_number, problem_of,
            };
        }
        pub mod layout {
            #[cfg(feature = "audit")]
            pub use crate::encode::layout::AuditMembers;
            pub use crate::encode::layout::{
                Bound, ConsoleLayout, ConsoleOptions, ConsoleStyle, EcsLayout, Event, JsonLayout,
                JsonOptions, Layout, Profile, Scope, Source, key_bits,
            };
        }
    }
    /// Characters that are shown as they are.
    pub use ringseal_base::printable;
    /// A pull reader for JSON.
    pub mod json {
        pub use ringseal_base::json::{
            DEPTH_MAX, Expected, JsonError, Piece, Pieces, Text, Token, Tokens,
        };
    }
    /// Homes of processes that were killed: reading, showing and removing them.
    pub mod recover {
        pub use crate::engine::recover_on;
        pub use crate::recover::dead::{ClaimError, DeadHome};
        pub use crate::recover::engine_file::{SinkFacts, State};
        #[cfg(unix)]
        pub use crate::recover::inspect::auto_dir;
        pub use crate::recover::inspect::{
            HomeFacts, homes, inspect, is_aside, is_home, lock_path,
        };
        pub use crate::recover::sink_place::{SinkPlace, sink_place};
        pub use crate::recover::{SiteEntry, Sites, SitesError, adopt, read_sites};
        pub use crate::writer::recovery::show::{
            From, Mark, Showing, Shown, TakeLine, show, show_stage,
        };
    }
    /// One ring without an engine.
    pub mod ringbuf {
        pub use crate::ringbuf::{
            CLAIM_AT, Consumer, HEAD_AT, Producer, SHARED_DATA_AT, TAIL_AT, WATERMARK_AT, ring,
            ring_in,
        };
    }
    /// A sink on its own thread.
    pub mod sink {
        pub mod isolated {
            pub use crate::sink::isolated::IsolatedSink;
        }
    }
    /// A writer that is driven turn by turn.
    pub mod writer {
        pub use crate::writer::{OutputConfig, RedactionConfig, Writer, WriterConfig};
        pub mod link {
            pub use crate::writer::link::{Link, NewLane};
        }
    }
}

/// Items that the macros expand to. Do not use them directly: they change without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::core::callsite::{Callsite, Metadata, Pass, check_keys, is_ecs_object};
    pub use crate::core::level::is_compiled_in;
    pub use crate::emit::capture::{
        ViaCopy, ViaError, ViaNothing, ViaReport, ViaReportRef, ViaValue, Wrap, check, dotted,
        dotted_len, dotted_str, ecs_keys, key,
    };
    pub use crate::emit::emitter::{Global, emit};
    pub use crate::emit::sampling::pass_globally;
    pub use crate::emit::span::{Attributes, SpanKeys, SpanSite};
    pub use crate::emit::{AsEmitter, BoundFields};
    pub use ringseal_base::value::{DebugValue, DisplayValue};
}

/// The examples of the README compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The examples of the page on migration compile and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/migration.md")]
struct MigrationPage;

/// The examples of the page on traces compile and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/trace-context.md")]
struct TraceContextPage;

/// The examples of the page on tokens compile and run.
#[cfg(all(doctest, feature = "tokens"))]
#[doc = include_str!("../docs/tokens.md")]
struct TokensPage;

/// The examples of the page on audit events compile and run.
#[cfg(all(doctest, feature = "audit"))]
#[doc = include_str!("../docs/audit-events.md")]
struct AuditEventsPage;

/// The examples of the page on audit sinks compile and run.
#[cfg(all(doctest, feature = "audit-sqlite", feature = "audit-postgres"))]
#[doc = include_str!("../docs/audit-sinks.md")]
struct AuditSinksPage;

/// The examples of the page on contexts compile and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/context.md")]
struct ContextPage;

/// The examples of the page on typed events compile and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/events.md")]
struct EventsPage;
