//! The JSON formats as data: the members of a line, their order and keys, and the members that an error becomes.
//!
//! `json` and the profiles that begin with the time and are flat are written by the same code at the same speed; for
//! the others, the members of each line are collected first.
use super::json_options::{LevelCase, LevelWords, RunId};
use super::line_keys::LineKey;
use crate::encode::Subsecond;

/// A JSON format.
#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// What precedes the fields.
    pub(super) head: &'static [Member],
    /// What follows the fields and the ids; the rate of sampling is always the last member.
    pub(super) tail: &'static [Member],
    /// The key of the object that holds the fields; `None` if they are members of the line.
    pub(super) nested: Option<&'static str>,
    /// The members that the field `error` becomes if it is an error; without any, it is an object.
    pub(super) errors: &'static [ErrorMember],
    /// Keys other than those of the format `json`.
    pub(super) keys: &'static [(LineKey, &'static str)],
    pub(super) level_case: LevelCase,
    pub(super) level_words: LevelWords,
    pub(super) subsecond: Subsecond,
    pub(super) run_id_in: RunId,
}

/// A member with a fixed place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    /// One that the engine writes.
    Key(LineKey),
    /// The field of this key, and what is written if the event has none.
    Field(&'static str, Missing),
}

/// What is written in place of a field that an event does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// The string `unknown`.
    Unknown,
    /// The trace id of the ambient context; `null` without one.
    TraceId,
}

/// A member that an error becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ErrorMember {
    pub(super) key: ErrorKey,
    pub(super) part: ErrorPart,
    /// Whether it follows all fields instead of taking the place of the field.
    pub(super) is_last: bool,
}

/// The key of a member that an error becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorKey {
    /// That of the field `error`.
    Own,
    /// That of the field `error`, with this end.
    Suffixed(&'static str),
    /// This one.
    Fixed(&'static str),
}

/// A form of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorPart {
    /// The name of the type without its path.
    ShortType,
    /// The message with the messages of the causes: `cannot pay: no answer`.
    Message,
    /// The stack trace, if there is one.
    StackTrace,
    /// A text of several lines: the stack trace, type and message, type and message of each cause.
    Text,
    /// `{"type":…,"message":…,"stack_hash":…,"traceback":[…]}`, with the lines of the text.
    Object,
}

const fn at_field(key: ErrorKey, part: ErrorPart) -> ErrorMember {
    ErrorMember { key, part, is_last: false }
}

const fn at_end(key: ErrorKey, part: ErrorPart) -> ErrorMember {
    ErrorMember { key, part, is_last: true }
}

/// The members of the format `json` before the fields.
const JSON_HEAD: [Member; 6] = [
    Member::Key(LineKey::Timestamp),
    Member::Key(LineKey::Level),
    Member::Key(LineKey::Target),
    Member::Key(LineKey::Event),
    Member::Key(LineKey::RunId),
    Member::Key(LineKey::SchemaVersion),
];

/// Time, level and message: the lines of dashtam.
const DASHTAM_HEAD: [Member; 5] =
    [JSON_HEAD[0], JSON_HEAD[1], JSON_HEAD[3], JSON_HEAD[4], JSON_HEAD[5]];

const DASHTAM_ERRORS: [ErrorMember; 3] = [
    at_field(ErrorKey::Suffixed("_type"), ErrorPart::ShortType),
    at_field(ErrorKey::Suffixed("_message"), ErrorPart::Message),
    at_field(ErrorKey::Suffixed("_stack_trace"), ErrorPart::StackTrace),
];

impl Profile {
    /// `json`: time, level, target, event, then the fields; an error is an object.
    pub const JSON: &'static Profile = &Profile {
        head: &JSON_HEAD,
        tail: &[],
        nested: None,
        errors: &[],
        keys: &[],
        level_case: LevelCase::Lower,
        level_words: LevelWords::Warn,
        subsecond: Subsecond::Micros,
        run_id_in: RunId::EveryLine,
    };

    /// `structlog`: event and fields, then run, schema version, time and level; an error is the text `exception`.
    pub const STRUCTLOG: &'static Profile = &Profile {
        head: &[Member::Key(LineKey::Event)],
        tail: &[
            Member::Key(LineKey::RunId),
            Member::Key(LineKey::SchemaVersion),
            Member::Key(LineKey::Timestamp),
            Member::Key(LineKey::Level),
        ],
        errors: &[at_end(ErrorKey::Fixed("exception"), ErrorPart::Text)],
        level_words: LevelWords::Warning,
        subsecond: Subsecond::Millis,
        ..*Profile::JSON
    };

    /// `stdlib-json`: time, level, name, message; an error is its message as `error` and a text as `exception`.
    pub const STDLIB_JSON: &'static Profile = &Profile {
        errors: &[
            at_field(ErrorKey::Own, ErrorPart::Message),
            at_field(ErrorKey::Fixed("exception"), ErrorPart::Text),
        ],
        keys: &[(LineKey::Target, "name"), (LineKey::Event, "message")],
        level_words: LevelWords::Warning,
        run_id_in: RunId::Off,
        ..*Profile::JSON
    };

    /// `dashtam-ci`: time in milliseconds, level and message; an error is `error_type` and `error_message`.
    pub const DASHTAM_CI: &'static Profile = &Profile {
        head: &DASHTAM_HEAD,
        errors: &DASHTAM_ERRORS,
        keys: &[(LineKey::Event, "message")],
        level_words: LevelWords::Warning,
        subsecond: Subsecond::Millis,
        run_id_in: RunId::Off,
        ..*Profile::JSON
    };

    /// `dashtam-cloudwatch`: [`Profile::DASHTAM_CI`] with levels in upper case.
    pub const DASHTAM_CLOUDWATCH: &'static Profile =
        &Profile { level_case: LevelCase::Upper, ..*Profile::DASHTAM_CI };

    /// `cloud-dog-json`: time, level, logger, message, correlation and service; all other fields inside `extra`.
    pub const CLOUD_DOG_JSON: &'static Profile = &Profile {
        head: &[
            Member::Key(LineKey::Timestamp),
            Member::Key(LineKey::Level),
            Member::Key(LineKey::Target),
            Member::Key(LineKey::Event),
            Member::Field("correlation_id", Missing::TraceId),
            Member::Field("service", Missing::Unknown),
            Member::Field("service_instance", Missing::Unknown),
            Member::Field("environment", Missing::Unknown),
            Member::Key(LineKey::RunId),
            Member::Key(LineKey::SchemaVersion),
        ],
        tail: &[Member::Key(LineKey::Stack)],
        nested: Some("extra"),
        errors: &[
            at_field(ErrorKey::Fixed("exception"), ErrorPart::Object),
            at_end(ErrorKey::Fixed("traceback"), ErrorPart::Text),
        ],
        keys: &[
            (LineKey::Target, "logger"),
            (LineKey::Event, "message"),
            (LineKey::Stack, "stack_info"),
        ],
        level_case: LevelCase::Upper,
        level_words: LevelWords::Warning,
        run_id_in: RunId::Off,
        ..*Profile::JSON
    };

    /// Whether the members of a line are written in the order in which they arrive, after the time.
    pub(super) fn is_flat(&self) -> bool {
        let is_key = |member: &Member| matches!(member, Member::Key(_));
        self.nested.is_none()
            && self.tail.is_empty()
            && self.head.first() == Some(&Member::Key(LineKey::Timestamp))
            && self.head.iter().all(is_key)
            && !self.errors.iter().any(|member| member.is_last)
    }

    /// All members with a fixed place, in the order of the line.
    pub(super) fn members(&self) -> impl Iterator<Item = Member> {
        self.head.iter().chain(self.tail).copied()
    }
}
