//! Audit: typed events for evidence, and a tamper-evident log of them: a chain of entries, one Merkle tree over all
//! entries, and signed checkpoints.
//!
//! [`event`] holds the events of a program: checked before they are queued, written into a ring without allocation.
//! [`catalogue`] lists the events that an organisation allows and the fields it requires.
//!
//! `docs/audit-format.md` is the format of the log, byte by byte. [`entry`] writes and parses lines, [`chain`] signs
//! them, [`store`] is the log on disk, [`verify`] checks it. [`merkle`] is the tree of RFC 6962, [`tiles`] its layout
//! on disk (C2SP tlog-tiles), [`note`] and [`checkpoint`] are the signed texts (C2SP signed-note and tlog-checkpoint),
//! [`keys`] the key files, [`proof`] a self-contained proof, [`anchor`] a timestamp on a checkpoint, [`read`] shows
//! entries. [`sink`] copies sealed entries elsewhere: to databases, streams, several at once.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod anchor;
pub mod catalogue;
pub mod chain;
pub mod checkpoint;
pub mod entry;
pub mod event;
pub mod keys;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod read;
pub mod sink;
pub mod store;
pub mod tiles;
pub mod verify;

pub use catalogue::{Catalogue, CatalogueError, UnknownTypes};
pub use event::{
    Actor, AuditEvent, BoundIds, Change, Crud, EventError, EventOutcome, Severity, Source, Target,
};

/// The clock and the file system, as this crate takes them; the same types as in `ringseal::system`.
pub mod system {
    pub use ringseal_base::clock::{Clock, ManualClock, Now, SystemClock};
    pub use ringseal_base::storage::{
        FileId, FileKind, FileLock, FileStat, OpenMode, OsStorage, Storage, StorageFile,
    };
}

/// The values of an event's fields; the same types as in `ringseal::value`.
pub mod value {
    pub use ringseal_base::value::{
        DebugValue, DisplayValue, Element, ErrorValue, Map, Number, ObjectValue, Uuid, Value,
        ValueWriter,
    };
}
