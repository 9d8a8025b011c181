//! Snapshots: a context as a text that goes through a queue with a job, and back.
//!
//! Promises: a snapshot has at most 8 KiB. It carries the trace, and of the fields only those whose keys are on a list,
//! in both directions. A queue is read by others: values pass the redaction rules first, a secret is never in it, and
//! personal data is in it only as a token. Restoring is total: any text gives a context or a typed error. Both
//! allocate.
//!
//! The text is a JSON object: `{"v":1,"traceparent":…,"tracestate":…,"fields":{…}}`. All members but `v` are optional,
//! and unknown ones are ignored.
use std::fmt;
use std::sync::Arc;

use super::ambient::Context;
use super::logger::BoundFields;
use crate::core::context::Context as Fields;
use crate::core::keys;
use crate::encode::Out;
use crate::trace_context::{TraceParent, TraceState};
use crate::writer::RedactionConfig;
use crate::writer::redact_fields;
use ringseal_base::json::{JsonError, Token, Tokens};
use ringseal_base::limits::Limits;
use ringseal_base::value::{Entries, ValueRef, ValueWriter};
use ringseal_redact::{Rules, Tokenize, is_mask};

/// The most bytes of a snapshot.
pub const SNAPSHOT_BYTES_MAX: usize = 8 << 10;
/// The most fields of a snapshot.
const FIELDS_MAX: usize = 64;
/// The version of the text.
const VERSION: u64 = 1;

/// What snapshots carry besides the trace. Both sides of a queue use the same.
///
/// ```
/// use ringseal::{Context, Snapshots, correlation_id, fields, info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// let jobs = Snapshots::new().keys(["tenant"]);
/// // The side that puts a job into the queue:
/// let request = Context::new().with(fields! { tenant = "acme", session = "s-1" }).child();
/// let text = jobs.take(&request);
/// // The side that takes it out, in another process:
/// jobs.restore(&text)?.run(|| info!(engine, "job_started"));
/// let event = capture.event("job_started");
/// assert_eq!(event["tenant"], "acme");
/// assert!(event.get("session").is_none());
/// let trace = request.trace_parent().expect("a trace");
/// assert_eq!(event.text("trace_id"), format!("{trace}").split('-').nth(1).unwrap());
/// # Ok::<(), ringseal::RestoreError>(())
/// ```
#[derive(Clone)]
pub struct Snapshots {
    keys: Vec<String>,
    redaction: RedactionConfig,
}

impl fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshots").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl Default for Snapshots {
    fn default() -> Self {
        let rules = Some(Arc::new(Rules::standard()));
        let keys = [keys::CORRELATION_ID, keys::REQUEST_ID].map(str::to_owned).to_vec();
        Snapshots { keys, redaction: RedactionConfig { rules, tokenizer: None } }
    }
}

impl Snapshots {
    /// Snapshots with the fields `correlation_id` and `request_id`.
    pub fn new() -> Snapshots {
        Snapshots::default()
    }

    /// Carries the fields with these keys as well. A dotted key, such as `user.id`, also names a field of an object.
    #[must_use]
    pub fn keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Snapshots {
        self.keys.extend(keys.into_iter().map(Into::into));
        self
    }

    /// The rules that values pass, and the tokenizer that makes tokens of personal data where the rules require them.
    /// Default: the standard rules, and no tokenizer: personal data is left out.
    #[must_use]
    pub fn redaction(
        mut self,
        rules: Arc<Rules>,
        tokenizer: Option<Arc<dyn Tokenize>>,
    ) -> Snapshots {
        self.redaction = RedactionConfig { rules: Some(rules), tokenizer };
        self
    }

    /// The snapshot of a context. Fields are texts, numbers and truth values, also in objects; others are left out, and
    /// so is what the rules mask, and what does not fit.
    pub fn take(&self, context: &Context) -> String {
        let mut text = Vec::from(format!("{{\"v\":{VERSION}"));
        if let Some(parent) = context.ids.propagated() {
            member(&mut text, "traceparent", |out| out.string(parent.to_string().as_bytes()));
            if let Some(state) = &context.trace_state {
                member(&mut text, "tracestate", |out| out.string(state.as_bytes()));
            }
        }
        let fields =
            context.fields.as_deref().map(|fields| self.fields(fields)).unwrap_or_default();
        let mut is_first = true;
        for (key, value) in fields {
            let start = if is_first { ",\"fields\":{" } else { "," };
            // The braces that follow.
            let room = SNAPSHOT_BYTES_MAX - 2;
            if text.len() + start.len() + key.len() + value.len() + 1 > room {
                continue;
            }
            [start.as_bytes(), &key, b":", &value]
                .iter()
                .for_each(|part| text.extend_from_slice(part));
            is_first = false;
        }
        text.extend_from_slice(if is_first { b"}" } else { b"}}" });
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The carried fields: keys and values in JSON.
    fn fields(&self, fields: &Fields) -> Vec<(Vec<u8>, Vec<u8>)> {
        let redacted = redact_fields(&self.redaction, fields.entries());
        let mut leaves = Vec::new();
        collect(Entries(&redacted), "", &mut |path, value| {
            let is_listed = self.keys.iter().any(|key| key == path);
            if let Some(value) = leaf(value).filter(|_| is_listed && leaves.len() < FIELDS_MAX) {
                leaves.push((json(|out| out.string(path.as_bytes())), value));
            }
        });
        leaves
    }

    /// The context of a snapshot: the same trace with a new span, and the fields on the list. A job that is tried again
    /// has the same trace in each trial.
    ///
    /// # Errors
    /// If the text is no snapshot, has a later version, or is too long. Nothing of it is used then; a job can run with
    /// [`Context::new`].
    pub fn restore(&self, snapshot: &str) -> Result<Context, RestoreError> {
        if snapshot.len() > SNAPSHOT_BYTES_MAX {
            return Err(RestoreError::TooLong { bytes: snapshot.len() });
        }
        let mut parts = Parts::default();
        parts.read(Tokens::of(snapshot), self)?;
        match parts.version {
            Some(VERSION) => {}
            found => return Err(RestoreError::Version { found }),
        }
        let mut context = Context::new();
        if !parts.fields.is_empty() {
            context = context.with(BoundFields::of_entries(parts.fields));
        }
        let Some(parent) = parts.traceparent else { return Ok(context.child()) };
        let parent = TraceParent::parse(&parent);
        let parent =
            parent.map_err(|error| RestoreError::TraceParent { reason: error.to_string() })?;
        let context = context.with_trace_parent(parent).child();
        let state = parts.tracestate.filter(|state| {
            // An invalid one is dropped, as in a request.
            TraceState::check([state]).is_ok_and(|state| !state.is_empty())
        });
        Ok(Context { trace_state: state.map(Arc::from), ..context })
    }
}

impl Context {
    /// The context as a text for a queue, with the fields `correlation_id` and `request_id`. [`Snapshots`] carries
    /// others as well.
    ///
    /// ```
    /// use ringseal::Context;
    /// let request = Context::new().child();
    /// let job = Context::restore(&request.snapshot())?;
    /// let (from, to) = (request.trace_parent().unwrap(), job.trace_parent().unwrap());
    /// assert_eq!(from.trace_id(), to.trace_id());
    /// assert_ne!(from.span_id(), to.span_id());
    /// # Ok::<(), ringseal::RestoreError>(())
    /// ```
    pub fn snapshot(&self) -> String {
        Snapshots::new().take(self)
    }

    /// The context of a snapshot, with a new span; see [`Snapshots::restore`].
    ///
    /// # Errors
    /// As [`Snapshots::restore`].
    pub fn restore(snapshot: &str) -> Result<Context, RestoreError> {
        Snapshots::new().restore(snapshot)
    }
}

/// Why a text is not a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is longer than [`SNAPSHOT_BYTES_MAX`].
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is not valid JSON.
    Json {
        /// The fault.
        reason: String,
    },
    /// It is JSON of another form.
    Form {
        /// What is expected.
        expected: &'static str,
        /// Where, in bytes from the start.
        at: usize,
    },
    /// It has another version.
    Version {
        /// The version, if it has one.
        found: Option<u64>,
    },
    /// Its trace is invalid.
    TraceParent {
        /// The fault.
        reason: String,
    },
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the snapshot of a context: ")?;
        match self {
            RestoreError::TooLong { bytes } => {
                write!(f, "expected at most {SNAPSHOT_BYTES_MAX} bytes, found {bytes}")
            }
            RestoreError::Json { reason } => f.write_str(reason),
            RestoreError::Form { expected, at } => write!(f, "expected {expected} at byte {at}"),
            RestoreError::Version { found: Some(found) } => {
                write!(
                    f,
                    "expected version {VERSION}, found {found}; restore it with the version that took it"
                )
            }
            RestoreError::Version { found: None } => f.write_str("expected a member \"v\""),
            RestoreError::TraceParent { reason } => write!(f, "traceparent: {reason}"),
        }
    }
}

impl std::error::Error for RestoreError {}

impl From<JsonError> for RestoreError {
    fn from(error: JsonError) -> Self {
        RestoreError::Json { reason: error.to_string() }
    }
}

/// The members of a snapshot.
#[derive(Debug, Default)]
struct Parts {
    version: Option<u64>,
    traceparent: Option<String>,
    tracestate: Option<String>,
    /// Entries of a map.
    fields: Vec<u8>,
}

impl Parts {
    fn read(&mut self, mut tokens: Tokens<'_>, list: &Snapshots) -> Result<(), RestoreError> {
        let form = |expected, tokens: &Tokens<'_>| RestoreError::Form {
            expected,
            at: tokens.range().start,
        };
        match tokens.next_token()? {
            Some(Token::MapStart) => {}
            _ => return Err(form("an object", &tokens)),
        }
        while let Some(Token::Key(key)) = tokens.next_token()? {
            let Some(value) = tokens.next_token()? else { break };
            match (&*key.decode(), value) {
                ("v", Token::Number(number)) => self.version = number.parse().ok(),
                ("traceparent", Token::String(text)) => self.traceparent = Some(text.decode()),
                ("tracestate", Token::String(text)) => self.tracestate = Some(text.decode()),
                ("fields", Token::MapStart) => self.read_fields(&mut tokens, list)?,
                ("v", _) => return Err(form("a number as \"v\"", &tokens)),
                ("traceparent" | "tracestate", _) => return Err(form("a text", &tokens)),
                ("fields", _) => return Err(form("an object as \"fields\"", &tokens)),
                (_, other) => {
                    tokens.skip_value(&other)?;
                }
            }
        }
        // Nothing may follow.
        match tokens.next_token()? {
            None => Ok(()),
            Some(_) => Err(form("the end", &tokens)),
        }
    }

    /// The fields on the list; the first of those with the same key.
    fn read_fields(
        &mut self,
        tokens: &mut Tokens<'_>,
        list: &Snapshots,
    ) -> Result<(), RestoreError> {
        let mut seen: Vec<String> = Vec::new();
        while let Some(Token::Key(key)) = tokens.next_token()? {
            let key = key.decode();
            let Some(value) = tokens.next_token()? else { break };
            let is_wanted =
                list.keys.contains(&key) && !seen.contains(&key) && seen.len() < FIELDS_MAX;
            match value {
                Token::String(text) if is_wanted => self.put(&key, &text.decode().as_str()),
                Token::Bool(value) if is_wanted => self.put(&key, &value),
                Token::Number(number) if is_wanted => {
                    match (number.parse(), number.parse(), number.parse()) {
                        (Ok(value), _, _) => self.put::<u64>(&key, &value),
                        (_, Ok(value), _) => self.put::<i64>(&key, &value),
                        (_, _, Ok(value)) if f64::is_finite(value) => self.put::<f64>(&key, &value),
                        _ => {}
                    }
                }
                other => {
                    tokens.skip_value(&other)?;
                    continue;
                }
            }
            seen.push(key);
        }
        Ok(())
    }

    fn put<V: ringseal_base::value::Value>(&mut self, key: &str, value: &V) {
        let limits = Limits::default();
        let start = self.fields.len();
        self.fields.resize(start + 2 + key.len() + value.size_bytes_max(&limits), 0);
        let mut out = ValueWriter::new(&mut self.fields[start..], limits);
        out.entry(key, value);
        let len = out.len_bytes();
        self.fields.truncate(start + len);
    }
}

/// Calls `visit` with the path of each value that is no object.
fn collect(entries: Entries<'_>, parent: &str, visit: &mut dyn FnMut(&str, ValueRef<'_>)) {
    for (key, value) in entries.map_while(Result::ok) {
        let path = format!("{parent}{}", String::from_utf8_lossy(key));
        match value {
            ValueRef::Map(inner) => collect(inner, &format!("{path}."), visit),
            value => visit(&path, value),
        }
    }
}

/// A text, number or truth value in JSON.
fn leaf(value: ValueRef<'_>) -> Option<Vec<u8>> {
    Some(match value {
        ValueRef::Str(text) if is_mask(text) && !text.starts_with(b"ptok:") => return None,
        ValueRef::Str(text) => json(|out| out.string_lossy(text)),
        ValueRef::Bool(value) => json(|out| out.bool(value)),
        ValueRef::I64(value) => json(|out| out.i64(value)),
        ValueRef::U64(value) => json(|out| out.u64(value)),
        ValueRef::F64(value) if value.is_finite() => json(|out| out.f64(value)),
        ValueRef::Uuid(bytes) => json(|out| {
            out.raw(b"\"");
            out.uuid(&bytes);
            out.raw(b"\"");
        }),
        _ => return None,
    })
}

fn json(write: impl FnOnce(&mut Out<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut Out::new(&mut bytes));
    bytes
}

fn member(text: &mut Vec<u8>, key: &str, write: impl FnOnce(&mut Out<'_>)) {
    let mut out = Out::new(text);
    out.raw(b",\"");
    out.raw(key.as_bytes());
    out.raw(b"\":");
    write(&mut out);
}
