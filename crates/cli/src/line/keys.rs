//! The keys of the well-known loggers, and what each may hold.
use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::level::Scale;
use crate::json::Entry;

/// The longest key that is compared, without its separators.
const KEY_BYTES_MAX: usize = 32;

/// A key without case and separators.
pub(super) struct PlainKey {
    bytes: [u8; KEY_BYTES_MAX],
    len: usize,
}

impl PlainKey {
    /// `None` for keys that are too long to be one of ours.
    pub(super) fn of(entry: &Entry<'_>) -> Option<Self> {
        let mut key = PlainKey { bytes: [0; KEY_BYTES_MAX], len: 0 };
        let mut decoded = String::new();
        let text = entry.key.plain().unwrap_or_else(|| {
            entry.key.decode_into(&mut decoded);
            &decoded
        });
        for &byte in text.as_bytes() {
            if matches!(byte, b'_' | b'-' | b'.' | b'@' | b' ') {
                continue;
            }
            *key.bytes.get_mut(key.len)? = byte.to_ascii_lowercase();
            key.len += 1;
        }
        Some(key)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// A level key: its plain form, the scale of its numbers, and whether a value that is not understood counts as a level.
pub(super) struct LevelKey(pub(super) &'static str, pub(super) Scale, pub(super) bool);

/// Keys that may hold the level, ringseal's own first.
pub(super) const LEVEL_KEYS: [LevelKey; 27] = [
    LevelKey("level", Scale::Level, true),
    LevelKey("loglevel", Scale::FromTrace, true),
    LevelKey("severity", Scale::Severity, true),
    LevelKey("lvl", Scale::Level, true),
    LevelKey("levelname", Scale::Level, true),
    LevelKey("severitytext", Scale::Level, true),
    LevelKey("loglevelname", Scale::Level, true),
    LevelKey("levelstr", Scale::Level, true),
    LevelKey("leveltext", Scale::Level, true),
    LevelKey("leveldisplayname", Scale::Level, true),
    LevelKey("levelvalue", Scale::Level, true),
    LevelKey("levelint", Scale::Level, true),
    LevelKey("levelno", Scale::Python, true),
    LevelKey("levelnumber", Scale::Python, true),
    LevelKey("severitynumber", Scale::OpenTelemetry, true),
    LevelKey("severitylevel", Scale::FromDebug, true),
    LevelKey("logseverity", Scale::Severity, true),
    LevelKey("syslogseverity", Scale::Severity, true),
    LevelKey("logsyslogseverityname", Scale::Severity, true),
    LevelKey("logsyslogseveritycode", Scale::Severity, true),
    LevelKey("syslogseveritytext", Scale::Severity, true),
    LevelKey("syslogseveritycode", Scale::Severity, true),
    LevelKey("severitycode", Scale::Severity, true),
    LevelKey("errorseverity", Scale::Level, false),
    LevelKey("sev", Scale::Severity, false),
    LevelKey("priority", Scale::Priority, false),
    LevelKey("pri", Scale::Priority, false),
];

/// Keys whose maps may hold the level: ECS, loguru, Fluentd.
pub(super) const LEVEL_PARENTS: [&str; 5] = ["log", "record", "syslog", "fields", "attributes"];
/// Places in [`LEVEL_PARENTS`].
pub(super) const RECORD: usize = 1;
pub(super) const SYSLOG: usize = 2;
pub(super) const FIELDS: usize = 3;

/// Keys of the name inside a level that is a map.
pub(super) const LEVEL_NAMES: [&str; 8] =
    ["name", "standardlevel", "levelstr", "label", "text", "value", "no", "number"];

/// Keys that may hold the time, ringseal's own first.
pub(super) const TIME_KEYS: [&str; 40] = [
    "timestamp",
    "time",
    "ts",
    "eventtime",
    "datetime",
    "eventtimestamp",
    "logtime",
    "logtimestamp",
    "asctime",
    "timemillis",
    "timestampms",
    "timestampmillis",
    "timestampns",
    "timestampus",
    "timems",
    "timens",
    "timenano",
    "timeunixnano",
    "timeiso8601",
    "timelocal",
    "msec",
    "realtimetimestamp",
    "sourcerealtimetimestamp",
    "timegenerated",
    "timecreated",
    "systemtime",
    "requestreceivedtimestamp",
    "stagetimestamp",
    "observedtimestamp",
    "observedtimeunixnano",
    "t",
    "instant",
    "date",
    "isodate",
    "unixtime",
    "epoch",
    "epochms",
    "startedat",
    "starttime",
    "startutc",
];

/// Places in [`TIME_KEYS`].
pub(super) const TIME: usize = 1;
pub(super) const DATE: usize = 32;

/// How many of [`TIME_KEYS`] mean nothing but the time of the line. The others may be data: they stay fields, and a
/// value that is not a time is not an error.
pub(super) const TIME_KEYS_SURE: usize = 30;

/// Keys that may hold the event's name, ringseal's own first.
pub(super) const EVENT_KEYS: [&str; 13] = [
    "event",
    "message",
    "msg",
    "m",
    "mt",
    "renderedmessage",
    "shortmessage",
    "body",
    "textpayload",
    "text",
    "logmessage",
    "log",
    "messagetemplate",
];

/// What a key says about its logger.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hint {
    Python,
    Serilog,
    Windows,
    Zap,
    Gelf,
    Nextcloud,
    Stream,
    S,
    L,
}

const HINTS: [(&str, Hint); 19] = [
    ("reqid", Hint::Nextcloud),
    ("funcname", Hint::Python),
    ("lineno", Hint::Python),
    ("pathname", Hint::Python),
    ("mt", Hint::Serilog),
    ("messagetemplate", Hint::Serilog),
    ("renderedmessage", Hint::Serilog),
    ("eventid", Hint::Windows),
    ("eventrecordid", Hint::Windows),
    ("providername", Hint::Windows),
    ("channel", Hint::Windows),
    ("caller", Hint::Zap),
    ("stacktrace", Hint::Zap),
    ("shortmessage", Hint::Gelf),
    ("version", Hint::Gelf),
    ("facility", Hint::Gelf),
    ("stream", Hint::Stream),
    ("s", Hint::S),
    ("l", Hint::L),
];

/// What a key may be: its rank in each table.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Roles {
    pub(super) level: Option<u8>,
    pub(super) parent: Option<u8>,
    pub(super) time: Option<u8>,
    pub(super) name: Option<u8>,
    pub(super) hint: Option<Hint>,
}

/// The keys of all tables, sorted.
static ROLES: LazyLock<Vec<(&[u8], Roles)>> = LazyLock::new(|| {
    let mut roles: BTreeMap<&[u8], Roles> = BTreeMap::new();
    // No table has more than 255 keys.
    for (rank, key) in (0..).zip(&LEVEL_KEYS) {
        roles.entry(key.0.as_bytes()).or_default().level = Some(rank);
    }
    for (rank, key) in (0..).zip(LEVEL_PARENTS) {
        roles.entry(key.as_bytes()).or_default().parent = Some(rank);
    }
    for (rank, key) in (0..).zip(TIME_KEYS) {
        roles.entry(key.as_bytes()).or_default().time = Some(rank);
    }
    for (rank, key) in (0..).zip(EVENT_KEYS) {
        roles.entry(key.as_bytes()).or_default().name = Some(rank);
    }
    for (key, hint) in HINTS {
        roles.entry(key.as_bytes()).or_default().hint = Some(hint);
    }
    roles.into_iter().collect()
});

/// By length: the first letters of the keys, as bits.
static FIRST_LETTERS: LazyLock<[u32; KEY_BYTES_MAX + 1]> = LazyLock::new(|| {
    let mut letters = [0; KEY_BYTES_MAX + 1];
    for (key, _) in ROLES.iter() {
        letters[key.len()] |= 1 << (key[0] - b'a');
    }
    letters
});

/// What a key may be; `None` for other keys.
pub(super) fn roles_of(key: &[u8]) -> Option<&'static Roles> {
    // Most keys of a line are none of these: their length and first letter say so.
    let letters = FIRST_LETTERS.get(key.len())?;
    let letter = u32::from(key.first()?.wrapping_sub(b'a'));
    if letters.checked_shr(letter)? & 1 == 0 {
        return None;
    }
    let found = ROLES.binary_search_by(|(known, _)| (*known).cmp(key)).ok()?;
    ROLES.get(found).map(|(_, roles)| roles)
}
