//! Keys that are written as paths: `user.name`, `user[name]`.
//!
//! Allocates nothing and never blocks.

/// What is above the last part of a key that is written as a path, if that part is `name`: `user` of `user.name`,
/// `user[name]` and `user%5Bname%5D`. `user_name` is not a path, but a login.
pub(crate) fn path_above_name(key: &[u8]) -> Option<&[u8]> {
    let key = without_end(key, &[b"]", b"%5d"]).unwrap_or(key);
    let key = without_end(key, &[b"name", b"names"])?;
    without_end(key, &[b".", b"[", b"%5b"])
}

/// The key without one of these ends, in any case; `None` if it has none of them.
fn without_end<'k>(key: &'k [u8], ends: &[&[u8]]) -> Option<&'k [u8]> {
    ends.iter().find_map(|end| {
        let (rest, last) = key.split_at_checked(key.len().checked_sub(end.len())?)?;
        last.eq_ignore_ascii_case(end).then_some(rest)
    })
}

/// Bytes of a key and its parent that are read as one key.
const JOINED_BYTES_MAX: usize = 128;

/// `parent.key`, the same key in one piece: whatever it tells, the nested key tells.
pub(crate) struct Joined {
    bytes: [u8; JOINED_BYTES_MAX],
    len: usize,
}

impl Joined {
    /// Only the end of a long parent is used; of a long key nothing, which then tells nothing here.
    pub(crate) fn of(parent: &[u8], key: &[u8]) -> Joined {
        let mut joined = Joined { bytes: [0; JOINED_BYTES_MAX], len: 0 };
        let Some(room) = JOINED_BYTES_MAX.checked_sub(key.len() + 1) else { return joined };
        let parent = &parent[parent.len().saturating_sub(room)..];
        for part in [parent, b".", key] {
            joined.bytes[joined.len..joined.len + part.len()].copy_from_slice(part);
            joined.len += part.len();
        }
        joined
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
