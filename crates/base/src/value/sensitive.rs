//! Values that the program marks as sensitive: secrets, which stay in the process; personal data with its kind; and
//! untrusted input.
//!
//! Nothing here allocates. A [`Secret`] is never written into a ring. A [`Pii`] is written with its kind, and the
//! writer replaces any value of it by the placeholder for that kind.
use std::fmt;

use super::{Element, Value, ValueWriter, tag};
use crate::limits::Limits;

/// The replacement of a secret if redaction is off.
pub const SECRET_MASK: &str = "***REDACTED***";

/// A value that can be passed on and used, but is never printed.
///
/// Its `Debug` and `Display` print a mask. A log call writes only a mark for the mask: the value never reaches a
/// ring, the rings in a core file, or a sink.
///
/// ```
/// use ringseal::{Secret, info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// let password = Secret::new("correct horse");
/// info!(engine, "login", phrase = password, shown = %password);
/// engine.flush().unwrap();
/// let event = &capture.events()[0];
/// assert_eq!((event.text("phrase"), event.text("shown")), ("***REDACTED***", "***REDACTED***"));
/// assert_eq!(*password.expose(), "correct horse");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a secret.
    pub const fn new(secret: T) -> Self {
        Secret(secret)
    }

    /// The secret itself.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Unwraps the secret.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(secret: T) -> Self {
        Secret(secret)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SECRET_MASK)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SECRET_MASK)
    }
}

#[cfg(feature = "serde")]
impl<T> serde::Serialize for Secret<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(SECRET_MASK)
    }
}

impl<T> Value for Secret<T> {
    fn size_bytes_max(&self, _limits: &Limits) -> usize {
        1
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.tag_only(tag::SECRET);
    }
}

impl<T> Element for Secret<T> {}

/// The kind of a piece of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum PiiKind {
    /// Personal in some other way.
    Other = 0,
    /// The name of a person.
    Name = 1,
    /// An e-mail address.
    Email = 2,
    /// A telephone number.
    Phone = 3,
    /// A postal address.
    Address = 4,
    /// A social security, tax or passport number.
    Ssn = 5,
    /// A payment card number.
    Card = 6,
    /// An IBAN or another bank account number.
    Iban = 7,
    /// A date of birth.
    DateOfBirth = 8,
}

impl PiiKind {
    /// The kind for a number in a record; [`PiiKind::Other`] for an unknown number.
    pub(crate) fn from_u8(number: u8) -> PiiKind {
        const ALL: [PiiKind; 9] = [
            PiiKind::Other,
            PiiKind::Name,
            PiiKind::Email,
            PiiKind::Phone,
            PiiKind::Address,
            PiiKind::Ssn,
            PiiKind::Card,
            PiiKind::Iban,
            PiiKind::DateOfBirth,
        ];
        ALL.get(usize::from(number)).copied().unwrap_or(PiiKind::Other)
    }
}

/// Personal data with its kind. The writer replaces the whole value, also a number, by the kind's placeholder or, if
/// a tokenizer is set, by a keyed token.
///
/// ```
/// use ringseal::{Pii, info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// info!(engine, "signed_up", contact = Pii::email("ann at example"), id = Pii::ssn(219099999));
/// engine.flush().unwrap();
/// let event = &capture.events()[0];
/// assert_eq!((event.text("contact"), event.text("id")), ("<email>", "<ssn>"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pii<T> {
    kind: PiiKind,
    value: T,
}

macro_rules! constructors {
    ($($(#[doc = $doc:literal])+ $name:ident => $kind:ident;)+) => {
        impl<T> Pii<T> {
            /// A value of `kind`.
            pub const fn new(kind: PiiKind, value: T) -> Self {
                Pii { kind, value }
            }

            $($(#[doc = $doc])+
            pub const fn $name(value: T) -> Self {
                Pii::new(PiiKind::$kind, value)
            })+

            /// The kind of data.
            pub const fn kind(&self) -> PiiKind {
                self.kind
            }

            /// The value itself.
            pub const fn expose(&self) -> &T {
                &self.value
            }
        }
    };
}

constructors! {
    /// Personal in some other way.
    other => Other;
    /// The name of a person.
    name => Name;
    /// An e-mail address.
    email => Email;
    /// A telephone number.
    phone => Phone;
    /// A postal address.
    address => Address;
    /// A social security, tax or passport number.
    ssn => Ssn;
    /// A payment card number.
    card => Card;
    /// An IBAN or another bank account number.
    iban => Iban;
    /// A date of birth.
    date_of_birth => DateOfBirth;
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pii({:?})", self.kind)
    }
}

impl<T: Value> Value for Pii<T> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        6 + self.value.size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.labelled(tag::PII, self.kind as u8, |out| self.value.write(out));
    }
}

impl<T: Value> Element for Pii<T> {}

/// How many characters of a [`Sanitized`] text are kept.
pub const SANITIZED_CHARS_MAX: usize = 100;

/// Untrusted input: at most 100 characters, without line ends and other control characters. A longer text is
/// truncated and marked.
///
/// Log its length beside it: `query = Sanitized(query), query_length = query.len()`.
///
/// ```
/// use ringseal::{Sanitized, info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// let query = "shoes\r\n[INFO] logged in as root";
/// info!(engine, "searched", query = Sanitized(query), query_length = query.len());
/// engine.flush().unwrap();
/// assert_eq!(capture.events()[0]["query"], "shoes[INFO] logged in as root");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sanitized<'a>(pub &'a str);

impl Value for Sanitized<'_> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        9 + self.0.len().min(4 * SANITIZED_CHARS_MAX).min(limits.value_bytes_max as usize)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        let Some(room) = out.formatted_begin() else { return };
        let (mut len, mut chars, mut is_cut) = (0, 0, false);
        for character in self.0.chars().filter(|character| !character.is_control()) {
            let end = len + character.len_utf8();
            if chars == SANITIZED_CHARS_MAX || end > room.len() {
                is_cut = true;
                break;
            }
            character.encode_utf8(&mut room[len..end]);
            (len, chars) = (end, chars + 1);
        }
        out.formatted_end(len, is_cut);
    }
}

impl Element for Sanitized<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ValueRef;

    fn written(value: &dyn Value) -> Vec<u8> {
        let limits = Limits::default();
        let mut bytes = vec![0; value.size_bytes_max(&limits)];
        let mut out = ValueWriter::new(&mut bytes, limits);
        value.write(&mut out);
        assert!(!out.is_full());
        let len = out.len_bytes();
        bytes.truncate(len);
        bytes
    }

    #[test]
    fn a_secret_never_reaches_record_or_format() {
        let secret = Secret::new("hunter2".to_owned());
        let bytes = written(&secret);
        assert_eq!(ValueRef::read(&mut &bytes[..]), Ok(ValueRef::Secret));
        assert_eq!(format!("{secret} {secret:?}"), "***REDACTED*** ***REDACTED***");
        assert_eq!(format!("{:?}", Pii::email("a@b.example")), "Pii(Email)");
    }

    #[test]
    fn personal_data_carries_its_kind_and_its_value() {
        for kind in (0..9).map(PiiKind::from_u8) {
            let bytes = written(&Pii::new(kind, "x"));
            let Ok(ValueRef::Pii(found, mut values)) = ValueRef::read(&mut &bytes[..]) else {
                panic!("{bytes:?}");
            };
            assert_eq!((found, values.next()), (kind, Some(Ok(ValueRef::Str(b"x")))));
        }
        assert_eq!(PiiKind::from_u8(200), PiiKind::Other);
    }

    #[test]
    fn sanitized_text_is_one_short_line() {
        let bytes = written(&Sanitized("a\nb\r\u{1b}[2Jc"));
        assert_eq!(ValueRef::read(&mut &bytes[..]), Ok(ValueRef::Str(b"ab[2Jc")));
        let long = "ä".repeat(101);
        let bytes = written(&Sanitized(&long));
        let Ok(ValueRef::StrCut(kept, _)) = ValueRef::read(&mut &bytes[..]) else { panic!() };
        assert_eq!(kept, "ä".repeat(100).as_bytes());
        assert_eq!(written(&Sanitized(&long[..200]))[0], tag::STR);
    }
}
