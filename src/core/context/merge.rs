//! Merging the fields of two contexts: objects are merged, and of two fields with the same path the new one stays.
//!
//! The path of a field is its key and the keys of the objects around it, joined by dots; so the `id` in `user` and
//! `user.id` have the same path. A value replaces the object of its path, and a field inside an object replaces a value
//! with the object's path. Each key appears once among fields that had each key once, and the result of merging the
//! same fields again is the same.
//!
//! Promises: called when fields are bound, never for an event; allocates. Bytes that are no entries end the merge.
use ringseal_base::value::{Entries, ValueRef, tag};

/// Appends the fields of `old` and `new` to `merged`.
pub(super) fn merge(old: &[u8], new: &[u8], merged: &mut Vec<u8>) {
    merge_under(&mut Vec::new(), new, old, new, merged);
}

/// Appends the fields of `old` without the one at this path and those inside of it.
pub(super) fn remove(old: &[u8], path: &str, kept: &mut Vec<u8>) {
    remove_under(&mut Path::new(), &[path.as_bytes(), b"."].concat(), old, kept);
}

/// The part of [`remove`] inside of the objects at `path`.
fn remove_under(path: &mut Path, removed: &[u8], old: &[u8], kept: &mut Vec<u8>) {
    for entry in Raw(old) {
        inside(path, entry.key, |path| match entry.value {
            _ if path.starts_with(removed) => {}
            ValueRef::Map(inner) if removed.starts_with(path) => {
                let mut rest = Vec::new();
                remove_under(path, removed, inner.0, &mut rest);
                if !rest.is_empty() {
                    put_object(entry.key, kept, |kept| kept.extend_from_slice(&rest));
                }
            }
            _ => kept.extend_from_slice(entry.bytes),
        });
    }
}

/// The part of [`merge`] inside of the objects at `path`. `all_new` are the new fields of the outermost level.
fn merge_under(path: &mut Path, all_new: &[u8], old: &[u8], new: &[u8], merged: &mut Vec<u8>) {
    let is_in_new = |key: &[u8]| object_of(new, key).is_some();
    copy_kept(path, all_new, old, &is_in_new, merged);
    for entry in Raw(new) {
        let inner = object_of(old, entry.key).filter(|_| is_object(entry.value));
        match (inner, entry.value) {
            (Some(old), ValueRef::Map(own)) => put_object(entry.key, merged, |merged| {
                inside(path, entry.key, |path| merge_under(path, all_new, old, own.0, merged));
            }),
            _ => merged.extend_from_slice(entry.bytes),
        }
    }
}

/// Copies the fields of `old` that no new field replaces, without the objects that are merged.
fn copy_kept(
    path: &mut Path,
    all_new: &[u8],
    old: &[u8],
    is_merged: &dyn Fn(&[u8]) -> bool,
    kept: &mut Vec<u8>,
) {
    for entry in Raw(old) {
        if is_object(entry.value) && is_merged(entry.key) {
            continue;
        }
        inside(path, entry.key, |path| match (relation(path, all_new), entry.value) {
            (Relation::Apart, _) => kept.extend_from_slice(entry.bytes),
            (Relation::Inside, ValueRef::Map(inner)) => {
                let mut rest = Vec::new();
                copy_kept(path, all_new, inner.0, &|_| false, &mut rest);
                if !rest.is_empty() {
                    put_object(entry.key, kept, |kept| kept.extend_from_slice(&rest));
                }
            }
            (Relation::Inside | Relation::Replaced, _) => {}
        });
    }
}

/// The keys of a field and of the objects around it, each followed by a dot.
type Path = Vec<u8>;

fn inside(path: &mut Path, key: &[u8], action: impl FnOnce(&mut Path)) {
    let len = path.len();
    path.extend_from_slice(key);
    path.push(b'.');
    action(path);
    path.truncate(len);
}

/// What new fields mean for an old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Apart,
    /// A new field has the path, or is a value in whose place the old field's object was.
    Replaced,
    /// New fields are inside of the path.
    Inside,
}

fn relation(path: &[u8], new: &[u8]) -> Relation {
    let mut relation = Relation::Apart;
    for entry in Raw(new) {
        let is_key_first = path.strip_prefix(entry.key).and_then(|rest| rest.strip_prefix(b"."));
        match (is_key_first, entry.value) {
            // An object with the path, or around it.
            (Some([]), ValueRef::Map(_)) => relation = Relation::Inside,
            (Some(rest), ValueRef::Map(inner)) => match relation_in(rest, inner) {
                Relation::Apart => {}
                found => return found,
            },
            (Some(_), _) => return Relation::Replaced,
            (None, _) => {
                let key = [entry.key, b"."].concat();
                if key.starts_with(path) {
                    relation = Relation::Inside;
                }
            }
        }
    }
    relation
}

fn relation_in(path: &[u8], inner: Entries<'_>) -> Relation {
    relation(path, inner.0)
}

/// The entries of the last object with this key.
fn object_of<'a>(entries: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let object = |entry: RawEntry<'a>| match entry.value {
        ValueRef::Map(inner) if entry.key == key => Some(inner.0),
        _ => None,
    };
    Raw(entries).filter_map(object).last()
}

fn is_object(value: ValueRef<'_>) -> bool {
    matches!(value, ValueRef::Map(_))
}

/// Appends an entry with the object that `write` writes.
fn put_object(key: &[u8], to: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    to.extend_from_slice(&(key.len() as u16).to_le_bytes());
    to.extend_from_slice(key);
    to.push(tag::MAP);
    let len_at = to.len();
    to.extend_from_slice(&[0; 4]);
    write(to);
    let len = (to.len() - len_at - 4) as u32;
    to[len_at..len_at + 4].copy_from_slice(&len.to_le_bytes());
}

/// The entries of a map with their bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawEntry<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: ValueRef<'a>,
    pub(super) bytes: &'a [u8],
}

impl<'a> Iterator for Raw<'a> {
    type Item = RawEntry<'a>;

    fn next(&mut self) -> Option<RawEntry<'a>> {
        let mut rest = Entries(self.0);
        let (key, value) = rest.next()?.ok()?;
        let bytes = &self.0[..self.0.len() - rest.0.len()];
        self.0 = rest.0;
        Some(RawEntry { key, value, bytes })
    }
}
