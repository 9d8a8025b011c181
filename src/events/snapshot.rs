//! Snapshots of schemas: a change of an event's fields requires another version.
use std::fmt;
use std::path::Path;

use super::catalogue::Catalogue;
use super::json::Json;
use super::schema::{VERSION, document};
use ringseal_base::json::JsonError;

/// The variable that makes [`assert_schema_snapshot!`](crate::assert_schema_snapshot) rewrite the file.
const UPDATE: &str = "RINGSEAL_UPDATE_SCHEMAS";

/// Why a catalogue does not match its snapshot.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The fields of an event have changed, and its version has not.
    FieldsWithoutVersion {
        /// The event's name.
        event: String,
        /// Its version.
        version: String,
        /// What has changed: `score changed`, `title added`.
        changes: Vec<String>,
    },
    /// An event's version is lower than in the snapshot.
    VersionLowered {
        /// The event's name.
        event: String,
        /// The version in the snapshot.
        expected_min: u32,
        /// Its version.
        found: u32,
    },
    /// The catalogue has changed, and the versions of its events as they must: the snapshot is to be rewritten.
    Outdated {
        /// The events that have changed, are new or were removed.
        events: Vec<String>,
    },
    /// The snapshot is not JSON.
    Malformed(JsonError),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::FieldsWithoutVersion { event, version, changes } => write!(
                f,
                "{event}: expected another version than {version}, because its fields have changed ({}); raise the \
                 version in `domain_events!`",
                changes.join(", ")
            ),
            SnapshotError::VersionLowered { event, expected_min, found } => {
                write!(f, "{event}: expected version {expected_min} or higher, found {found}")
            }
            SnapshotError::Outdated { events } => write!(
                f,
                "expected the catalogue of the snapshot, found changes of {}; if they are intended, run the test with \
                 {UPDATE}=1",
                events.join(", ")
            ),
            SnapshotError::Malformed(error) => write!(f, "the snapshot is not JSON: {error}"),
        }
    }
}

impl std::error::Error for SnapshotError {}

impl Catalogue {
    /// Compares the catalogue with a snapshot, which is what [`Catalogue::json_schema`] returned earlier.
    ///
    /// # Errors
    /// If they differ; the most severe difference is reported first.
    pub fn check_snapshot(&self, snapshot: &str) -> Result<(), SnapshotError> {
        let old = Json::parse(snapshot).map_err(SnapshotError::Malformed)?;
        let new = document(self);
        let empty = Json::Map(Vec::new());
        let [old_events, new_events] =
            [&old, &new].map(|document| document.get("$defs").unwrap_or(&empty));
        for (event, schema) in new_events.entries() {
            if let Some(before) = old_events.get(event) {
                check_event(event, before, schema)?;
            }
        }
        let changed = new_events.entries().iter();
        let changed = changed.filter(|(event, schema)| old_events.get(event) != Some(schema));
        let removed = old_events.entries().iter();
        let removed = removed.filter(|(event, _)| new_events.get(event).is_none());
        let events: Vec<_> = changed.chain(removed).map(|(event, _)| event.clone()).collect();
        match (events.is_empty(), old == new) {
            (true, true) => Ok(()),
            (true, false) => Err(SnapshotError::Outdated { events: vec!["the document".into()] }),
            (false, _) => Err(SnapshotError::Outdated { events }),
        }
    }
}

fn version_of(schema: &Json) -> Option<u32> {
    match schema.get(VERSION)? {
        Json::Number(number) => number.parse().ok(),
        _ => None,
    }
}

fn check_event(event: &str, before: &Json, after: &Json) -> Result<(), SnapshotError> {
    let (Some(old), Some(new)) = (version_of(before), version_of(after)) else { return Ok(()) };
    if new < old {
        let event = event.to_owned();
        return Err(SnapshotError::VersionLowered { event, expected_min: old, found: new });
    }
    if new > old || before == after {
        return Ok(());
    }
    let (event, version) = (event.to_owned(), new.to_string());
    Err(SnapshotError::FieldsWithoutVersion { event, version, changes: changes(before, after) })
}

/// The differences of two schemas of an event, field by field.
fn changes(before: &Json, after: &Json) -> Vec<String> {
    let empty = Json::Map(Vec::new());
    let [old, new] = [before, after].map(|schema| schema.get("properties").unwrap_or(&empty));
    let mut changes = Vec::new();
    for (key, schema) in new.entries() {
        match old.get(key) {
            None => changes.push(format!("{key} added")),
            Some(known) if known != schema => changes.push(format!("{key} changed")),
            Some(_) => {}
        }
    }
    let removed = old.entries().iter().filter(|(key, _)| new.get(key).is_none());
    changes.extend(removed.map(|(key, _)| format!("{key} removed")));
    for (key, value) in after.entries().iter().filter(|(key, _)| key != "properties") {
        if before.get(key) != Some(value) {
            changes.push(format!("`{key}` changed"));
        }
    }
    if changes.is_empty() {
        changes.push("another order of the fields".to_owned());
    }
    changes
}

/// Compares a catalogue with the snapshot in a file; see
/// [`assert_schema_snapshot!`](crate::assert_schema_snapshot).
///
/// # Panics
/// If they differ, or the file cannot be read or written.
#[track_caller]
pub fn assert_snapshot(catalogue: &Catalogue, path: &str) {
    let is_update = std::env::var_os(UPDATE).is_some_and(|value| !value.is_empty());
    if let Err(message) = compare(catalogue, Path::new(path), is_update) {
        panic!("{path}: {message}");
    }
}

fn compare(catalogue: &Catalogue, path: &Path, is_update: bool) -> Result<(), String> {
    let snapshot = match std::fs::read_to_string(path) {
        Ok(snapshot) => snapshot,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && is_update => {
            return write(catalogue, path);
        }
        Err(error) => {
            return Err(format!(
                "expected a snapshot, found none ({error}); run the test with {UPDATE}=1"
            ));
        }
    };
    match catalogue.check_snapshot(&snapshot) {
        Err(SnapshotError::Outdated { .. }) if is_update => write(catalogue, path),
        result => result.map_err(|error| error.to_string()),
    }
}

fn write(catalogue: &Catalogue, path: &Path) -> Result<(), String> {
    let directory = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = directory.and_then(|()| std::fs::write(path, catalogue.json_schema()));
    written.map_err(|error| format!("cannot write the snapshot: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::domain_events! {
        event FileRead = "FILE_READ", Info, version 1 { bytes: u64; }
        event FileReadAgain = "FILE_READ", Info, version 1 { bytes: u64; path: String; }
        event FileReadNext = "FILE_READ", Info, version 2 { bytes: u64; path: String; }
    }

    #[test]
    fn an_update_refuses_fields_without_another_version() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("schemas/events.json");
        let first = const { crate::catalogue![FileRead] };
        let same_version = const { crate::catalogue![FileReadAgain] };
        let next_version = const { crate::catalogue![FileReadNext] };
        let missing = compare(&first, &path, false).unwrap_err();
        assert!(missing.starts_with("expected a snapshot, found none ("), "{missing}");
        assert_eq!(compare(&first, &path, true), Ok(()));
        assert_eq!(compare(&first, &path, false), Ok(()));
        for is_update in [false, true] {
            let refused = compare(&same_version, &path, is_update).unwrap_err();
            assert!(refused.starts_with("FILE_READ: expected another version than 1"), "{refused}");
        }
        let outdated = compare(&next_version, &path, false).unwrap_err();
        assert!(
            outdated.contains("found changes of FILE_READ; if they are intended"),
            "{outdated}"
        );
        assert_eq!(compare(&next_version, &path, true), Ok(()));
        assert_eq!(compare(&next_version, &path, false), Ok(()));
        let lowered = compare(&first, &path, true).unwrap_err();
        assert_eq!(lowered, "FILE_READ: expected version 2 or higher, found 1");
    }
}
