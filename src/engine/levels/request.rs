//! Requests to log other levels for a time: by call, or from the text of an HTTP request.
use std::fmt;
use std::io;
use std::time::Duration;

use crate::core::filter::{Overlay, ParseFilterError};

/// The longest override. A change for longer is one of the configuration.
const LASTS_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long an override lasts that names no time.
const LASTS_DEFAULT: Duration = Duration::from_secs(600);
/// The longest name of the one who asks.
const BY_BYTES_MAX: usize = 128;
/// The longest text of a request.
const TEXT_BYTES_MAX: usize = 4096;

/// A request to log other levels for a time; checked when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelRequest {
    pub(super) overlay: Overlay,
    pub(super) lasts: Duration,
    pub(super) by: String,
}

/// Why levels were not changed.
#[non_exhaustive]
pub enum LevelError {
    /// The directives cannot be parsed.
    Directives(ParseFilterError),
    /// A field of the request is missing, unknown or has an invalid value.
    Field {
        /// Its name.
        name: String,
        /// The valid values.
        expected: &'static str,
        /// The value that was found; `None` if the field is missing.
        found: Option<String>,
    },
    /// The engine has stopped.
    Stopped,
    /// This process was forked from the one in which the engine runs.
    Forked,
    /// The thread that waits for the end cannot be started.
    Thread(io::Error),
}

impl fmt::Display for LevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LevelError::Directives(error) => error.fmt(f),
            LevelError::Field { name, expected, found: Some(found) } => {
                write!(f, "field `{name}`: expected {expected}, found {found:?}")
            }
            LevelError::Field { name, expected, found: None } => {
                write!(f, "field `{name}` is missing: expected {expected}")
            }
            LevelError::Stopped => f.write_str("the engine has been stopped; its levels are off"),
            LevelError::Forked => f.write_str(
                "this process was forked from the one in which the engine runs; start a new engine here",
            ),
            LevelError::Thread(error) => {
                write!(f, "cannot start the thread that ends the override: {error}")
            }
        }
    }
}

ringseal_base::debug_by_message!(LevelError);

impl std::error::Error for LevelError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LevelError::Thread(error) => Some(error),
            // `Display` forwards to the inner error, or there is none.
            _ => None,
        }
    }
}

impl LevelRequest {
    /// A request for `directives`, in the syntax of a filter, added to the configured ones: `debug` for the default
    /// level, `shop::db=trace` for a target. It lasts at most 24 hours. `by` names the person or program that asks, for
    /// the events of the change; at most 128 bytes.
    ///
    /// # Errors
    /// If an argument is empty, too long or cannot be parsed.
    pub fn new(directives: &str, lasts: Duration, by: &str) -> Result<Self, LevelError> {
        let overlay: Overlay = directives.parse().map_err(LevelError::Directives)?;
        if overlay.is_empty() {
            return Err(field(
                "directives",
                "a level or directives such as `shop=debug`",
                Some(directives),
            ));
        }
        if lasts.is_zero() || lasts > LASTS_MAX {
            return Err(field("for", FOR, Some(&format!("{lasts:?}"))));
        }
        let by = by.trim();
        if by.is_empty() || by.len() > BY_BYTES_MAX {
            return Err(field("by", BY, Some(by)));
        }
        Ok(Self { overlay, lasts, by: by.to_owned() })
    }

    /// A request from the query or the form body of an HTTP request: `level=debug&target=shop&for=10m&by=alice`.
    ///
    /// | field | holds | default |
    /// |---|---|---|
    /// | `level` | a level or `off` | |
    /// | `target` | the target that has this level | the default level changes |
    /// | `directives` | directives, in place of `level` and `target`: `info,shop=debug` | |
    /// | `for` | `90s`, `10m`, `1h30m`, a number of seconds; 24 h at most | `10m` |
    /// | `by` | the person or program that asks; 128 bytes at most | |
    ///
    /// A program that authenticates its users passes their name to [`LevelRequest::from_query_by`].
    ///
    /// ```
    /// use ringseal::levels::LevelRequest;
    /// let request = LevelRequest::from_query("level=debug&target=shop&for=10m&by=alice")?;
    /// let error = LevelRequest::from_query("level=loud&by=alice").unwrap_err();
    /// assert!(error.to_string().contains("found \"loud\""), "{error}");
    /// # Ok::<(), ringseal::levels::LevelError>(())
    /// ```
    ///
    /// # Errors
    /// If a field is missing, unknown, repeated or invalid, with its name and the valid values.
    pub fn from_query(text: &str) -> Result<Self, LevelError> {
        Self::from_fields(Fields::parse(text)?, None)
    }

    /// The same, with `by` as the one who asks, whatever the text says.
    ///
    /// # Errors
    /// As [`LevelRequest::from_query`].
    pub fn from_query_by(text: &str, by: &str) -> Result<Self, LevelError> {
        Self::from_fields(Fields::parse(text)?, Some(by))
    }

    fn from_fields(fields: Fields, by: Option<&str>) -> Result<Self, LevelError> {
        let [level, target, directives, lasts, named] = fields.0;
        let directives = match (directives, level, target) {
            (Some(directives), None, None) => directives,
            (None, Some(level), None) => {
                // A target without a level would also be a directive.
                let _: crate::core::LevelFilter =
                    level.parse().map_err(|_| field("level", LEVEL, Some(&level)))?;
                level
            }
            (None, Some(_), Some(target)) if target.contains([',', '=']) => {
                return Err(field("target", "one target such as shop::db", Some(&target)));
            }
            (None, Some(level), Some(target)) => format!("{target}={level}"),
            (Some(_), Some(level), _) => {
                return Err(field("level", "no level beside `directives`", Some(&level)));
            }
            (Some(_), _, Some(target)) => {
                return Err(field("target", "no target beside `directives`", Some(&target)));
            }
            (None, None, _) => return Err(field("level", LEVEL, None)),
        };
        let lasts = match lasts {
            Some(text) => parse_duration(&text).ok_or_else(|| field("for", FOR, Some(&text)))?,
            None => LASTS_DEFAULT,
        };
        let by = by.or(named.as_deref()).ok_or_else(|| field("by", BY, None))?;
        Self::new(&directives, lasts, by)
    }
}

const LEVEL: &str = "trace, debug, info, warn, error, critical or off";
const FOR: &str = "a time of at most 24 hours such as 90s, 10m or 1h30m";
const BY: &str = "the name of the person or program that asks, 128 bytes at most";

fn field(name: &str, expected: &'static str, found: Option<&str>) -> LevelError {
    LevelError::Field { name: name.into(), expected, found: found.map(Into::into) }
}

const FIELDS: [&str; 5] = ["level", "target", "directives", "for", "by"];

/// The values of [`FIELDS`].
#[derive(Default)]
struct Fields([Option<String>; FIELDS.len()]);

impl Fields {
    /// Reads `name=value`, separated by `&`, with `+` and `%20` for a space.
    fn parse(text: &str) -> Result<Self, LevelError> {
        if text.len() > TEXT_BYTES_MAX {
            let found = format!("{} bytes", text.len());
            return Err(field("request", "at most 4096 bytes", Some(&found)));
        }
        let mut fields = Self::default();
        for pair in text.trim().trim_start_matches('?').split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            let Some(at) = FIELDS.iter().position(|known| *known == name) else {
                return Err(field(
                    &name,
                    "one of the fields level, target, directives, for and by",
                    Some(value),
                ));
            };
            if fields.0[at].is_some() {
                return Err(field(&name, "the field once", Some(value)));
            }
            // An empty value is the same as none.
            fields.0[at] = Some(decode(value)?).filter(|value| !value.trim().is_empty());
        }
        Ok(fields)
    }
}

/// The text of a percent-encoded name or value.
fn decode(text: &str) -> Result<String, LevelError> {
    let refuse = || field("request", "percent-encoded UTF-8", Some(text));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else { return Err(refuse()) };
                (high * 16 + low) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| refuse())
}

/// `90s`, `10m`, `1h30m`, `1d` or a number of seconds.
fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let (mut rest, mut total) = (text, 0u64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(count.checked_mul(seconds)?)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    (!text.is_empty()).then_some(Duration::from_secs(total))
}
