//! The enumerations of an event (outcome, severity, actor type, CRUD action), and the event's type, which may consist
//! of two pieces.
use std::fmt;

use super::fixed::{Fixed, fixed};
use ringseal_base::limits::Limits;
use ringseal_base::value::put::{put_bytes, put_container};
use ringseal_base::value::{Value, ValueWriter, tag};

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident, $key:literal { $($(#[$item_doc:meta])* $item:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$item_doc])* $item,)+
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [$name] = &[$($name::$item),+];

            /// The word written to the entry.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$item => $word,)+ }
            }

            /// The field of an entry that has this word.
            #[allow(dead_code, reason = "a CRUD action is written as part of its event")]
            pub(super) const fn entry(self) -> &'static Fixed {
                match self { $($name::$item => fixed!($key = $word),)+ }
            }

            /// The value with this word.
            pub fn from_word(word: &str) -> Option<$name> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Value for $name {
            fn size_bytes_max(&self, limits: &Limits) -> usize {
                self.as_str().size_bytes_max(limits)
            }

            fn write(&self, out: &mut ValueWriter<'_>) {
                out.str(self.as_str());
            }

            #[inline(always)]
            fn plain_bytes(&self) -> usize {
                self.as_str().plain_bytes()
            }

            #[inline(always)]
            fn text_bytes(&self) -> usize {
                self.as_str().text_bytes()
            }

            #[inline(always)]
            fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
                self.as_str().put(out)
            }
        }
    };
}

word_enum! {
    /// How it ended.
    EventOutcome, "outcome" {
        /// Done as requested.
        Success = "success",
        /// Attempted, but not done.
        Failure = "failure",
        /// An error occurred.
        Error = "error",
        /// Refused: the actor is not allowed to.
        Denied = "denied",
        /// Partly done.
        Partial = "partial",
    }
}

word_enum! {
    /// How important an event is.
    Severity, "severity" {
        /// Routine.
        Info = "info",
        /// Deserves attention, but not soon.
        Warning = "warning",
        /// Needs attention.
        Error = "error",
        /// Needs immediate attention.
        Critical = "critical",
    }
}

impl Severity {
    /// The default severity: `info` for success, `error` for an error, otherwise `warning`.
    pub const fn of(outcome: EventOutcome) -> Severity {
        match outcome {
            EventOutcome::Success => Severity::Info,
            EventOutcome::Error => Severity::Error,
            EventOutcome::Failure | EventOutcome::Denied | EventOutcome::Partial => {
                Severity::Warning
            }
        }
    }
}

word_enum! {
    /// The kind of actor.
    ActorType, "type" {
        /// A person, or a client that claims to be one.
        User = "user",
        /// Another program.
        Service = "service",
        /// The program itself, or its machine.
        System = "system",
    }
}

word_enum! {
    /// An action on a record of data.
    Crud, "action" {
        /// The record was created.
        Create = "create",
        /// The record was read.
        Read = "read",
        /// The record was changed.
        Update = "update",
        /// The record was deleted.
        Delete = "delete",
    }
}

/// An event's type, such as `user.login`: one string, or a first word and the rest, so that `session.delete` can be
/// formed without allocating.
#[derive(Debug, Clone, Copy)]
pub struct EventType<'a> {
    head: &'a str,
    tail: Option<&'a str>,
}

impl<'a> EventType<'a> {
    /// A type from one string.
    pub const fn whole(text: &'a str) -> Self {
        Self { head: text, tail: None }
    }

    /// `head.tail`.
    pub const fn pair(head: &'a str, tail: &'a str) -> Self {
        Self { head, tail: Some(tail) }
    }

    /// Length of its text.
    pub fn len_bytes(&self) -> usize {
        self.head.len() + self.tail.map_or(0, |tail| 1 + tail.len())
    }

    /// Its pieces, to be joined by a dot.
    pub(super) fn parts(&self) -> impl Iterator<Item = &'a str> {
        [self.head].into_iter().chain(self.tail)
    }

    /// Whether its text starts with `prefix`, whose last character is its only dot.
    pub(super) fn starts_with(&self, prefix: &str) -> bool {
        self.head.starts_with(prefix)
            || (self.tail.is_some() && prefix.strip_suffix('.') == Some(self.head))
    }

    /// Its text, byte by byte.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + 'a {
        let tail = self.tail.into_iter().flat_map(|tail| [b'.'].into_iter().chain(tail.bytes()));
        self.head.bytes().chain(tail)
    }
}

impl fmt::Display for EventType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.head)?;
        self.tail.map_or(Ok(()), |tail| write!(f, ".{tail}"))
    }
}

impl PartialEq<str> for EventType<'_> {
    fn eq(&self, other: &str) -> bool {
        self.len_bytes() == other.len() && self.bytes().eq(other.bytes())
    }
}

impl Value for EventType<'_> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        match self.tail {
            None => self.head.size_bytes_max(limits),
            Some(_) => 9 + self.len_bytes().min(limits.value_bytes_max as usize),
        }
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        match self.tail {
            None => out.str(self.head),
            Some(tail) => format_args!("{}.{tail}", self.head).write(out),
        }
    }

    #[inline(always)]
    fn plain_bytes(&self) -> usize {
        self.head.plain_bytes()
    }

    #[inline(always)]
    fn text_bytes(&self) -> usize {
        self.len_bytes()
    }

    #[inline(always)]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        let Some(tail) = self.tail else { return self.head.put(out) };
        let put_tail =
            |out| put_bytes(put_bytes(put_bytes(out, self.head.as_bytes()), b"."), tail.as_bytes());
        put_container(out, tag::STR, put_tail)
    }
}
