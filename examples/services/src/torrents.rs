//! The events of a service that builds and uploads torrents: as structs, and as one event whose type is a text.
//!
//! [`MetadataExtracted`] and the others are logged under their own names, and the compiler checks their fields.
//! [`DomainEvent`] is logged as `event` with the field `event_type`, by code whose types come from elsewhere; the same
//! catalogue says which fields it requires. Success sampling thins both.
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ringseal::events::{Catalogue, Taxonomy};
use ringseal::value::{Map, Value};
use ringseal::{AsEmitter, Maybe, Pii, catalogue, domain_events, info, warn};

domain_events! {
    /// The metadata of a book was read.
    #[derive(Debug, Clone, Copy)]
    pub event MetadataExtracted<'a> = "METADATA_EXTRACTED", Info, version 1, target "events" {
        torrent_path: &'a str where not_blank;
        asin: Option<&'a str>;
        title: Option<&'a str>;
        author: Pii<&'a str> where not_blank;
        require any(asin, title);
    }

    /// The torrent file exists and was checked.
    #[derive(Debug, Clone, Copy)]
    pub event TorrentBuilt<'a> = "TORRENT_BUILT_SUCCESS", Info, version 1, target "events" {
        infohash: &'a str where hex;
        torrent_path: &'a str where not_blank;
    }

    /// A tracker has accepted the torrent.
    #[derive(Debug, Clone, Copy)]
    pub event UploadSubmitted<'a> = "UPLOAD_SUBMITTED", Info, version 1, target "events" {
        tracker: &'a str where not_blank;
        infohash: &'a str where hex;
        meta.request_id: Maybe<&'a str>;
    }

    /// A tracker has refused the torrent, or could not be reached.
    #[derive(Debug, Clone, Copy)]
    pub event UploadFailed<'a> = "UPLOAD_FAILED", Error, version 1, target "events" {
        tracker: &'a str where not_blank;
        infohash: &'a str where hex;
        meta.reason: &'a str where not_blank;
        meta.request_id: Maybe<&'a str>;
    }
}

/// The events of the service.
pub static CATALOGUE: Catalogue =
    catalogue![MetadataExtracted, TorrentBuilt, UploadSubmitted, UploadFailed];

/// Their required fields.
pub static TAXONOMY: LazyLock<Taxonomy> =
    LazyLock::new(|| CATALOGUE.taxonomy().expect("the names and keys above are plain words"));

/// Domain events that lacked a required field.
static INCOMPLETE: AtomicU64 = AtomicU64::new(0);

/// How many domain events lacked a required field so far.
pub fn incomplete_events() -> u64 {
    INCOMPLETE.load(Ordering::Relaxed)
}

/// An event whose type is known only at run time.
#[derive(Clone, Copy)]
pub struct DomainEvent<'a> {
    /// `METADATA_EXTRACTED` and so on, in any case; logged in capitals.
    pub event_type: &'a str,
    /// Where the torrent's content is.
    pub torrent_path: Option<&'a str>,
    /// The hash of the torrent.
    pub infohash: Option<&'a str>,
    /// The tracker's short name.
    pub tracker: Option<&'a str>,
    /// The number of the book.
    pub asin: Option<&'a str>,
    /// The author of the book.
    pub author: Option<&'a str>,
    /// The title of the book.
    pub title: Option<&'a str>,
    /// Whether the operation succeeded. A type that ends in `_FAILED` did not.
    pub ok: bool,
    /// Further fields.
    pub meta: &'a [(&'a str, &'a dyn Value)],
}

impl<'a> DomainEvent<'a> {
    /// An event of this type without fields, which succeeded.
    pub fn new(event_type: &'a str) -> Self {
        Self {
            event_type,
            torrent_path: None,
            infohash: None,
            tracker: None,
            asin: None,
            author: None,
            title: None,
            ok: true,
            meta: &[],
        }
    }

    fn has(&self, key: &str) -> bool {
        let field = match key {
            "torrent_path" => self.torrent_path,
            "infohash" => self.infohash,
            "tracker" => self.tracker,
            "asin" => self.asin,
            "author" => self.author,
            "title" => self.title,
            _ => {
                let key = key.strip_prefix("meta.");
                return key.is_some_and(|key| self.meta.iter().any(|(name, _)| *name == key));
            }
        };
        field.is_some_and(|text| !text.trim().is_empty())
    }

    /// The required fields that it lacks; none if its type is not in the taxonomy.
    pub fn missing(&self) -> Vec<&'static str> {
        let event_type = self.event_type.to_ascii_uppercase();
        TAXONOMY.missing(&event_type, |key| self.has(key)).into_iter().flatten().collect()
    }

    /// Logs the event: at info if it succeeded and has the required fields, otherwise at warn.
    pub fn emit<L: AsEmitter>(&self, log: &L) {
        let event_type = self.event_type.to_ascii_uppercase();
        let ok = self.ok && !event_type.ends_with("_FAILED");
        let missing = self.missing();
        let [torrent_path, infohash, tracker, asin, title] =
            [self.torrent_path, self.infohash, self.tracker, self.asin, self.title].map(Maybe);
        let author = Maybe(self.author.map(Pii::name));
        let meta = Maybe(Some(Map(self.meta)).filter(|map| !map.0.is_empty()));
        if ok && missing.is_empty() {
            // ringseal-lint: allow(name-style): `event_type` names these events
            info!(
                target: "events", log, "event", event_type, torrent_path, infohash, tracker, asin,
                author, title, ok, meta
            );
            return;
        }
        if !missing.is_empty() {
            INCOMPLETE.fetch_add(1, Ordering::Relaxed);
        }
        let errors = missing.iter().map(|key| format!("Required feature {key} missing"));
        let errors: Vec<String> = errors.collect();
        let validation_errors = Maybe(Some(errors).filter(|errors| !errors.is_empty()));
        // ringseal-lint: allow(name-style): `event_type` names these events
        warn!(
            target: "events", log, "event", event_type, torrent_path, infohash, tracker, asin,
            author, title, ok, meta, validation_errors
        );
    }

    /// Logs the event if it has the required fields; otherwise returns those that it lacks.
    pub fn emit_complete<L: AsEmitter>(&self, log: &L) -> Result<(), Vec<&'static str>> {
        let missing = self.missing();
        if missing.is_empty() {
            self.emit(log);
            return Ok(());
        }
        Err(missing)
    }
}

/// Logs `METADATA_EXTRACTED` with these fields.
pub fn metadata_extracted<L: AsEmitter>(log: &L, event: DomainEvent<'_>) {
    DomainEvent { event_type: "METADATA_EXTRACTED", ..event }.emit(log);
}

/// Logs `TORRENT_BUILT_SUCCESS` with these fields.
pub fn torrent_built<L: AsEmitter>(log: &L, event: DomainEvent<'_>) {
    DomainEvent { event_type: "TORRENT_BUILT_SUCCESS", ..event }.emit(log);
}

/// Logs `UPLOAD_SUBMITTED` with these fields.
pub fn upload_submitted<L: AsEmitter>(log: &L, event: DomainEvent<'_>) {
    DomainEvent { event_type: "UPLOAD_SUBMITTED", ..event }.emit(log);
}
