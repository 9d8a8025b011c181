//! The names of the types of errors, also of those that are only known as `dyn Error`.
//!
//! Promises: allocates nothing. The name comes from the start of the type's `Debug`, as `derive` writes it: a path of
//! identifiers whose last one is capitalised, followed by the end, `(` or ` {`. There is no name if the implementation
//! prints a sentence or a quoted text.
use std::fmt::{self, Write};
use std::io;

use crate::limits::floor_char_boundary;

/// `std::any::type_name` of `std::io::Error`.
pub(super) const IO_ERROR: &str = "std::io::error::Error";

/// The type of an error.
#[derive(Debug)]
pub(super) struct TypeName {
    text: Text<64>,
    is_context: bool,
}

/// The name of a type that is not known.
const UNKNOWN: &str = "dyn Error";

impl TypeName {
    fn from(name: &str) -> Self {
        let mut text = Text::default();
        // A longer name is truncated.
        let _ = text.write_str(name);
        Self { text, is_context: false }
    }

    /// The type whose `Debug` this is.
    pub(super) fn of_debug(debug: &dyn fmt::Debug) -> Self {
        let mut start = Text::<128>::default();
        // The formatter stops when there is enough text.
        let _ = write!(start, "{debug:?}");
        let start = start.as_str();
        if let Some(kind) = io_kind(start) {
            return io_type_named(kind);
        }
        let is_context = CONTEXTS.iter().any(|context| start.starts_with(context));
        Self { is_context, ..Self::from(type_in(start).unwrap_or(UNKNOWN)) }
    }

    pub(super) fn as_str(&self) -> &str {
        self.text.as_str()
    }

    pub(super) fn is_known(&self) -> bool {
        self.as_str() != UNKNOWN
    }

    /// Whether it is a layer of context in a report, and says nothing about the error.
    pub(super) fn is_context(&self) -> bool {
        self.is_context
    }
}

/// How the layers of context of `anyhow` and `eyre` begin.
const CONTEXTS: [&str; 2] = ["Error { context: ", "Error { msg: "];

/// The name at the start of a derived `Debug`.
fn type_in(start: &str) -> Option<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let len = start.find(|c| !is_name(c)).unwrap_or(start.len());
    let (path, after) = start.split_at(len);
    let name = path.rsplit("::").next().unwrap_or(path);
    let is_type = name.starts_with(|c: char| c.is_ascii_uppercase())
        && !name.contains(':')
        && (after.is_empty() || after.starts_with('(') || after.starts_with(" {"));
    is_type.then_some(path)
}

/// The kind in the `Debug` of a `std::io::Error`, in each of its four forms.
fn io_kind(start: &str) -> Option<&str> {
    let kind = |text: &'_ str| -> Option<usize> {
        let len = text.find(|c: char| !c.is_ascii_alphanumeric())?;
        IO_KINDS.contains(&&text[..len]).then_some(len)
    };
    let (rest, after) = if let Some(rest) = start.strip_prefix("Os { code: ") {
        (rest.split_once(", kind: ")?.1, ", message: ")
    } else if let Some(rest) = start.strip_prefix("Custom { kind: ") {
        (rest, ", error: ")
    } else if let Some(rest) = start.strip_prefix("Error { kind: ") {
        (rest, ", message: ")
    } else {
        (start.strip_prefix("Kind(")?, ")")
    };
    let len = kind(rest)?;
    rest[len..].starts_with(after).then_some(&rest[..len])
}

/// The kinds of `std::io::Error`, unstable ones included.
const IO_KINDS: [&str; 42] = [
    "NotFound",
    "PermissionDenied",
    "ConnectionRefused",
    "ConnectionReset",
    "HostUnreachable",
    "NetworkUnreachable",
    "ConnectionAborted",
    "NotConnected",
    "AddrInUse",
    "AddrNotAvailable",
    "NetworkDown",
    "BrokenPipe",
    "AlreadyExists",
    "WouldBlock",
    "NotADirectory",
    "IsADirectory",
    "DirectoryNotEmpty",
    "ReadOnlyFilesystem",
    "FilesystemLoop",
    "StaleNetworkFileHandle",
    "InvalidInput",
    "InvalidData",
    "TimedOut",
    "WriteZero",
    "StorageFull",
    "NotSeekable",
    "QuotaExceeded",
    "FileTooLarge",
    "ResourceBusy",
    "ExecutableFileBusy",
    "Deadlock",
    "CrossesDevices",
    "TooManyLinks",
    "InvalidFilename",
    "ArgumentListTooLong",
    "Interrupted",
    "Unsupported",
    "UnexpectedEof",
    "OutOfMemory",
    "InProgress",
    "Other",
    "Uncategorized",
];

/// The type of a `std::io::Error` of this kind.
pub(super) fn io_type(kind: io::ErrorKind) -> TypeName {
    let mut text = Text::<32>::default();
    let _ = write!(text, "{kind:?}");
    io_type_named(text.as_str())
}

fn io_type_named(kind: &str) -> TypeName {
    let mut text = Text::default();
    let _ = write!(text, "std::io::Error({kind})");
    TypeName { text, is_context: false }
}

/// Up to `N` bytes of text. More is cut off, and stops the formatter.
#[derive(Debug)]
struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self { bytes: [0; N], len: 0 }
    }
}

impl<const N: usize> Text<N> {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl<const N: usize> Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let kept = floor_char_boundary(text, N - self.len);
        self.bytes[self.len..self.len + kept].copy_from_slice(&text.as_bytes()[..kept]);
        self.len += kept;
        if kept < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prints this text as its `Debug`.
    struct Debugged(&'static str);

    impl fmt::Debug for Debugged {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    #[test]
    fn a_derived_debug_starts_with_the_name() {
        for (debug, name) in [
            ("Refused", "Refused"),
            ("Refused { cause: None }", "Refused"),
            ("Refused(7)", "Refused"),
            ("reqwest::Error { kind: Request }", "reqwest::Error"),
            ("db::pool::Timeout", "db::pool::Timeout"),
            ("\"a quoted text\"", UNKNOWN),
            ("A sentence about it", UNKNOWN),
            ("Closed: by peer", UNKNOWN),
            ("lower(1)", UNKNOWN),
            ("", UNKNOWN),
            ("::", UNKNOWN),
            ("Kind(Unheard)", "Kind"),
            ("Kind(NotFound, 1)", "Kind"),
            ("Custom { kind: 7, error: 8 }", "Custom"),
            ("Os { code: 2 }", "Os"),
            ("Os { code: 2, kind: NotFound, message: \"x\" }", "std::io::Error(NotFound)"),
        ] {
            let found = TypeName::of_debug(&Debugged(debug));
            assert_eq!(found.as_str(), name, "{debug}");
            assert_eq!(found.is_known(), name != UNKNOWN);
        }
    }

    #[test]
    fn every_io_error_has_its_kind() {
        let end = io::Read::read_exact(&mut &b""[..], &mut [0]).unwrap_err();
        for (error, kind) in [
            (io::Error::from_raw_os_error(2), "NotFound"),
            (io::Error::from(io::ErrorKind::TimedOut), "TimedOut"),
            (io::Error::new(io::ErrorKind::InvalidData, "x"), "InvalidData"),
            (io::Error::other("x"), "Other"),
            (end, "UnexpectedEof"),
        ] {
            let expected = format!("std::io::Error({kind})");
            assert_eq!(TypeName::of_debug(&error).as_str(), expected);
            assert_eq!(io_type(error.kind()).as_str(), expected);
        }
        assert_eq!(std::any::type_name::<io::Error>(), IO_ERROR);
    }
}
