//! The headers `tracestate`: what tracing systems pass on besides the ids.
//!
//! Promises: no allocation; members are borrowed from the headers, at most 32 of them. One invalid member invalidates
//! all values, never the `traceparent`. Writing cuts whole members.
use super::error::{ExpectedInHeader, TraceStateError};
use super::trim_ows;

/// The most members.
const MEMBERS_MAX: usize = 32;
/// The most bytes of a key.
const KEY_BYTES_MAX: usize = 256;
/// The most bytes of a value.
const VALUE_BYTES_MAX: usize = 256;
/// Longer members are cut first.
const LONG_MEMBER_BYTES: usize = 128;

/// A key and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Member<'a> {
    key: &'a str,
    value: &'a str,
}

impl Member<'_> {
    fn len(&self) -> usize {
        self.key.len() + 1 + self.value.len()
    }
}

/// The valid members of the headers `tracestate`, in their order.
///
/// ```
/// use ringseal::trace_context::TraceState;
/// let state = TraceState::check(["rojo=00f067aa0ba902b7, congo=t61rcWkgMzE", "baz=3"])?;
/// assert_eq!(state.get("congo"), Some("t61rcWkgMzE"));
/// let state = state.with_front("congo", "ucfJifl5GOE")?;
/// let mut buffer = [0; TraceState::BYTES];
/// assert_eq!(state.write(&mut buffer), Some("congo=ucfJifl5GOE,rojo=00f067aa0ba902b7,baz=3"));
/// # Ok::<(), ringseal::trace_context::TraceStateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceState<'a> {
    /// `None` without members: nearly every request has none, and 1 KiB is not filled for it.
    members: Option<[Member<'a>; MEMBERS_MAX]>,
    len: usize,
}

/// A place without a member.
const NO_MEMBER: Member<'static> = Member { key: "", value: "" };

impl Default for TraceState<'_> {
    fn default() -> Self {
        TraceState::new()
    }
}

impl<'a> TraceState<'a> {
    /// The length that the specification asks to pass on, in bytes: a good size of the buffer for
    /// [`TraceState::write`].
    pub const BYTES: usize = 512;

    /// Without members.
    pub const fn new() -> TraceState<'a> {
        TraceState { members: None, len: 0 }
    }

    /// Checks the values of all headers `tracestate` of a request, in their order. Empty members are skipped, and so
    /// are spaces and tabs around members. Repeated keys are kept.
    ///
    /// Check it only if the request has a valid `traceparent`.
    ///
    /// # Errors
    /// The first fault. All members are then invalid.
    pub fn check<V>(
        headers: impl IntoIterator<Item = &'a V>,
    ) -> Result<TraceState<'a>, TraceStateError>
    where
        V: AsRef<[u8]> + ?Sized + 'a,
    {
        let mut state = TraceState::new();
        for (header, value) in headers.into_iter().enumerate() {
            state.add_header(header, value.as_ref())?;
        }
        Ok(state)
    }

    fn add_header(&mut self, header: usize, value: &'a [u8]) -> Result<(), TraceStateError> {
        let mut start = 0;
        for piece in value.split(|byte| *byte == b',') {
            let (member, skipped) = trim_ows(piece);
            if !member.is_empty() {
                self.add(member).map_err(|(at, expected)| TraceStateError {
                    header,
                    offset: start + skipped + at,
                    expected,
                    found: member.get(at).copied(),
                })?;
            }
            start += piece.len() + 1;
        }
        Ok(())
    }

    fn add(&mut self, member: &'a [u8]) -> Result<(), (usize, ExpectedInHeader)> {
        let members = self.members.get_or_insert([NO_MEMBER; MEMBERS_MAX]);
        let place = members.get_mut(self.len).ok_or((0, ExpectedInHeader::Members))?;
        let key_len = key_len(member)?;
        match member.get(key_len) {
            Some(b'=') => {}
            _ => return Err((key_len, ExpectedInHeader::Equals)),
        }
        let (key, value) = (&member[..key_len], &member[key_len + 1..]);
        check_value(value).map_err(|at| (key_len + 1 + at, ExpectedInHeader::Value))?;
        // Both are ASCII.
        let text = |bytes| str::from_utf8(bytes).unwrap_or_default();
        *place = Member { key: text(key), value: text(value) };
        self.len += 1;
        Ok(())
    }

    /// These members after a new one, which replaces those with the same key. If there are more than 32, the last one
    /// is dropped.
    ///
    /// # Errors
    /// The fault of the key or of the value; the offset counts from the key's start. A value must not end with a space.
    pub fn with_front<'b>(
        &self,
        key: &'b str,
        value: &'b str,
    ) -> Result<TraceState<'b>, TraceStateError>
    where
        'a: 'b,
    {
        let error =
            |offset, expected, found| TraceStateError { header: 0, offset, expected, found };
        let byte = |at: usize| key.bytes().chain([b'=']).chain(value.bytes()).nth(at);
        let key_error = |at| error(at, ExpectedInHeader::Key, key.as_bytes().get(at).copied());
        match key_len(key.as_bytes()) {
            Ok(len) if len == key.len() => {}
            Ok(len) => return Err(key_error(len)),
            Err((at, _)) => return Err(key_error(at)),
        }
        let has_end_space = value.ends_with(' ').then(|| value.len() - 1);
        if let Err(at) = check_value(value.as_bytes()).and(has_end_space.map_or(Ok(()), Err)) {
            let at = key.len() + 1 + at;
            return Err(error(at, ExpectedInHeader::Value, byte(at)));
        }
        let mut state = TraceState::new();
        let kept = self.members().filter(|(known, _)| *known != key);
        for (place, (key, value)) in state
            .members
            .get_or_insert([NO_MEMBER; MEMBERS_MAX])
            .iter_mut()
            .zip([(key, value)].into_iter().chain(kept))
        {
            *place = Member { key, value };
            state.len += 1;
        }
        Ok(state)
    }

    /// The keys and values, in their order.
    pub fn members(&self) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        self.all().iter().map(|member| (member.key, member.value))
    }

    /// The value of the first member with this key.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.members().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    fn all(&self) -> &[Member<'a>] {
        self.members.as_ref().and_then(|members| members.get(..self.len)).unwrap_or_default()
    }

    /// Whether there are no members. Such a header must not be sent.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes the members as one header. `None` if there are none.
    ///
    /// Without room for all, whole members are left out: as the specification asks, first those longer than 128 bytes,
    /// then others, from the end in both cases.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b str> {
        let kept = self.fitting(buffer.len());
        let mut len = 0;
        for (index, member) in self.all().iter().enumerate() {
            if kept & 1 << index == 0 {
                continue;
            }
            let comma = if len == 0 { "" } else { "," };
            for part in [comma, member.key, "=", member.value] {
                buffer[len..][..part.len()].copy_from_slice(part.as_bytes());
                len += part.len();
            }
        }
        str::from_utf8(&buffer[..len]).ok().filter(|text| !text.is_empty())
    }

    /// The members that fit into `room` bytes together with their commas, one bit each.
    fn fitting(&self, room: usize) -> u32 {
        let members = self.all();
        let mut kept = if self.len == MEMBERS_MAX { u32::MAX } else { (1 << self.len) - 1 };
        // A comma for each, and room for one that is not written.
        let mut bytes: usize = members.iter().map(|member| member.len() + 1).sum();
        for is_long_only in [true, false] {
            for (index, member) in members.iter().enumerate().rev() {
                if bytes <= room + 1 {
                    return kept;
                }
                let is_kept = kept & 1 << index != 0;
                if is_kept && (!is_long_only || member.len() > LONG_MEMBER_BYTES) {
                    kept &= !(1 << index);
                    bytes -= member.len() + 1;
                }
            }
        }
        kept
    }
}

/// The length of the key that a member starts with, or the offset of its fault.
fn key_len(member: &[u8]) -> Result<usize, (usize, ExpectedInHeader)> {
    let is_first = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
    let is_key = |byte: &u8| is_first(byte) || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@');
    if !member.first().is_some_and(is_first) {
        return Err((0, ExpectedInHeader::Key));
    }
    let len = member.iter().position(|byte| !is_key(byte)).unwrap_or(member.len());
    match len > KEY_BYTES_MAX {
        true => Err((KEY_BYTES_MAX, ExpectedInHeader::Key)),
        false => Ok(len),
    }
}

/// Checks a value; the error is the offset of its fault.
fn check_value(value: &[u8]) -> Result<(), usize> {
    let is_value = |byte: &u8| matches!(byte, 0x20..=0x7E) && !matches!(byte, b',' | b'=');
    match value.iter().position(|byte| !is_value(byte)) {
        Some(at) => Err(at.min(VALUE_BYTES_MAX)),
        None if value.is_empty() => Err(0),
        None if value.len() > VALUE_BYTES_MAX => Err(VALUE_BYTES_MAX),
        None => Ok(()),
    }
}
