//! The closed words of an event: outcome, severity, types of actors, what a record of data goes
//! through. And the event's own type, which may be written in two pieces.
use std::fmt;

use crate::core::limits::Limits;
use crate::core::value::put::{put_bytes, put_container};
use crate::core::value::{NOT_PLAIN, Value, ValueWriter, tag};

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$item_doc])* $item,)+
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [$name] = &[$($name::$item),+];

            /// The word that stands in the entry.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$item => $word,)+ }
            }

            /// The one whose word this is.
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
            fn plain_bytes(&self, limits: &Limits) -> usize {
                self.as_str().plain_bytes(limits)
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
    EventOutcome {
        /// Done as asked.
        Success = "success",
        /// Tried, and not done.
        Failure = "failure",
        /// Something broke on the way.
        Error = "error",
        /// Refused: who asked may not.
        Denied = "denied",
        /// Done in part.
        Partial = "partial",
    }
}

word_enum! {
    /// How much it matters to whoever watches.
    Severity {
        /// As every day.
        Info = "info",
        /// Worth a look.
        Warning = "warning",
        /// Somebody has to look.
        Error = "error",
        /// Somebody has to look now.
        Critical = "critical",
    }
}

impl Severity {
    /// What an event has that does not say: `info` for success, `error` for an error, else
    /// `warning`.
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
    /// Who acts.
    ActorType {
        /// A person, or somebody who claims to be one.
        User = "user",
        /// Another program.
        Service = "service",
        /// The program itself, or the machine under it.
        System = "system",
    }
}

word_enum! {
    /// What is done to a record of data.
    Crud {
        /// It was not there before.
        Create = "create",
        /// It was looked at.
        Read = "read",
        /// It was there before and is different now.
        Update = "update",
        /// It is gone.
        Delete = "delete",
    }
}

/// An event's type, such as `user.login`: whole, or its first word and the rest, so that
/// `session.delete` needs no memory to be put together.
#[derive(Debug, Clone, Copy)]
pub struct EventType<'a> {
    head: &'a str,
    tail: Option<&'a str>,
}

impl<'a> EventType<'a> {
    /// A type that is one text.
    pub const fn whole(text: &'a str) -> Self {
        Self { head: text, tail: None }
    }

    /// `head.tail`.
    pub const fn pair(head: &'a str, tail: &'a str) -> Self {
        Self { head, tail: Some(tail) }
    }

    /// Bytes of its text.
    pub fn len_bytes(&self) -> usize {
        self.head.len() + self.tail.map_or(0, |tail| 1 + tail.len())
    }

    /// Its pieces; a dot stands between them.
    pub(super) fn parts(&self) -> impl Iterator<Item = &'a str> {
        [self.head].into_iter().chain(self.tail)
    }

    /// Whether its text starts with `prefix`, which ends in its only dot.
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
    fn plain_bytes(&self, limits: &Limits) -> usize {
        let len = self.len_bytes();
        if len <= limits.value_bytes_max as usize { 5 + len } else { NOT_PLAIN }
    }

    #[inline(always)]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        let Some(tail) = self.tail else { return self.head.put(out) };
        let put_tail =
            |out| put_bytes(put_bytes(put_bytes(out, self.head.as_bytes()), b"."), tail.as_bytes());
        put_container(out, tag::STR, put_tail)
    }
}
