//! Problem documents (RFC 9457): what a client learns of a failure.
//!
//! Promises: a document has what the program has put into it, the id of the trace, and nothing else. What is logged of
//! an error never reaches the client.
use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use ringseal::Context;
use ringseal::value::{ErrorValue, Value};

use crate::hex::Hex;
use crate::placed::Placed;
use crate::server::{Profile, TARGET, slot};

/// The media type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The members that the document has anyhow.
const RESERVED: [&str; 6] = ["type", "title", "status", "detail", "instance", "trace_id"];

/// A problem document: `{"type":"about:blank","title":"Internal Server Error","status":500,"trace_id":"…"}`.
///
/// With the feature `axum`, it is a response, and any error becomes [`Problem::internal`] by `?` and is logged.
///
/// ```
/// use http::StatusCode;
/// use ringseal_tower::Problem;
/// let problem = Problem::new(StatusCode::CONFLICT).detail("the order has changed").member("version", 7);
/// assert_eq!(
///     problem.to_json(),
///     r#"{"type":"about:blank","title":"Conflict","status":409,"detail":"the order has changed","version":7}"#,
/// );
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    status: StatusCode,
    kind: Cow<'static, str>,
    title: Cow<'static, str>,
    /// In a box, so that a `Result` with a problem stays small.
    more: Option<Box<More>>,
}

/// What few problems have.
#[derive(Debug, Clone, Default, PartialEq)]
struct More {
    detail: Option<Cow<'static, str>>,
    instance: Option<Cow<'static, str>>,
    members: Vec<(Cow<'static, str>, Member)>,
}

/// The value of a further member of a [`Problem`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Member {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
    /// A truth value.
    Bool(bool),
}

impl From<&'static str> for Member {
    fn from(text: &'static str) -> Member {
        Member::Text(text.into())
    }
}

impl From<String> for Member {
    fn from(text: String) -> Member {
        Member::Text(text.into())
    }
}

impl From<i64> for Member {
    fn from(number: i64) -> Member {
        Member::Number(number)
    }
}

impl From<bool> for Member {
    fn from(value: bool) -> Member {
        Member::Bool(value)
    }
}

impl Problem {
    /// A problem without further text: its title is the status in words.
    pub fn new(status: StatusCode) -> Problem {
        Problem {
            status,
            kind: "about:blank".into(),
            title: status.canonical_reason().unwrap_or("Error").into(),
            more: None,
        }
    }

    /// A failure of the service, status 500, of which the client learns nothing more. Pass the error to
    /// [`Problem::log`].
    pub fn internal() -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Logs the error that has caused the problem, at level error: its type, message, chain and hash. Nothing of it is
    /// in the document.
    ///
    /// The event goes to the logger of the layer whose request is handled here, or else to the global engine.
    #[must_use]
    pub fn log<E: Error>(self, error: &E) -> Problem {
        self.log_value(&ErrorValue(error))
    }

    /// The same with any value in place of the error: `report.as_ref()` of an `anyhow::Error`, or
    /// [`with_backtrace`](ringseal::with_backtrace).
    #[must_use]
    pub fn log_value(self, error: &dyn Value) -> Problem {
        let status = self.status.as_u16();
        match slot::options() {
            Some(options) if options.profile == Profile::Message => {
                ringseal::error!(target: TARGET, options.logger, "Unhandled exception", status, error = Placed(error));
            }
            Some(options) => {
                ringseal::error!(target: TARGET, options.logger, "http.problem", status, error = Placed(error));
            }
            None => ringseal::error!(target: TARGET, "http.problem", status, error = Placed(error)),
        }
        self
    }

    /// A URI that names the kind of problem, in place of `about:blank`.
    #[must_use]
    pub fn kind(mut self, uri: impl Into<Cow<'static, str>>) -> Problem {
        self.kind = uri.into();
        self
    }

    /// A title of the kind, in place of the status in words.
    #[must_use]
    pub fn title(mut self, title: impl Into<Cow<'static, str>>) -> Problem {
        self.title = title.into();
        self
    }

    /// What has happened, for the client to read: nothing that the service keeps to itself.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Problem {
        self.more_mut().detail = Some(detail.into());
        self
    }

    /// A URI of this occurrence.
    #[must_use]
    pub fn instance(mut self, uri: impl Into<Cow<'static, str>>) -> Problem {
        self.more_mut().instance = Some(uri.into());
        self
    }

    /// A further member. One with a name that the document has anyhow is left out.
    #[must_use]
    pub fn member(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Member>,
    ) -> Problem {
        let name = name.into();
        let members = &mut self.more_mut().members;
        members.retain(|(known, _)| *known != name);
        if !RESERVED.contains(&&*name) {
            members.push((name, value.into()));
        }
        self
    }

    fn more_mut(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The document, with the trace id of the current context, if there is one.
    pub fn to_json(&self) -> String {
        let mut json = String::with_capacity(128);
        json.push_str("{\"type\":");
        push_text(&mut json, &self.kind);
        json.push_str(",\"title\":");
        push_text(&mut json, &self.title);
        let _ = write!(json, ",\"status\":{}", self.status.as_u16());
        let more = self.more.as_deref();
        let texts = more.map(|more| [("detail", &more.detail), ("instance", &more.instance)]);
        for (name, text) in texts.into_iter().flatten() {
            if let Some(text) = text {
                let _ = write!(json, ",\"{name}\":");
                push_text(&mut json, text);
            }
        }
        for (name, value) in more.into_iter().flat_map(|more| &more.members) {
            json.push(',');
            push_text(&mut json, name);
            json.push(':');
            let _ = match value {
                Member::Text(text) => {
                    push_text(&mut json, text);
                    Ok(())
                }
                Member::Number(number) => write!(json, "{number}"),
                Member::Bool(value) => write!(json, "{value}"),
            };
        }
        push_trace_id(&mut json);
        json.push('}');
        json
    }

    /// The response with the document.
    pub fn response<B: From<Bytes>>(self) -> Response<B> {
        let mut response = Response::new(B::from(Bytes::from(self.to_json())));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}

/// Status and title.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.title)
    }
}

/// The error is logged; the client learns nothing of it.
impl<E: Error> From<E> for Problem {
    fn from(error: E) -> Problem {
        Problem::internal().log(&error)
    }
}

fn push_trace_id(json: &mut String) {
    let context = Context::current();
    let hex = context.correlation().map(|ids| ids.trace_id()).filter(|id| *id != [0; 16]);
    let hex = hex.map(|id| Hex::of(&id));
    let id = context.text("trace_id").or_else(|| hex.map(|hex| hex.as_str().to_owned()));
    if let Some(id) = id {
        json.push_str(",\"trace_id\":");
        push_text(json, &id);
    }
}

/// A string of JSON.
fn push_text(json: &mut String, text: &str) {
    json.push('"');
    for char in text.chars() {
        match char {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            char if char.is_control() => {
                let _ = write!(json, "\\u{:04x}", u32::from(char));
            }
            char => json.push(char),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_valid_json() {
        let problem = Problem::new(StatusCode::IM_A_TEAPOT)
            .kind("https://example.org/\"teapot\"")
            .title("tab\tnew\nline\\ \u{1} \u{9f} é")
            .detail("d")
            .instance("/orders/7")
            .member("a\"b", "x".to_owned())
            .member("flag", true)
            .member("n", -3)
            .member("n", 4)
            .member("status", 200);
        let json: serde_json::Value = serde_json::from_str(&problem.to_json()).unwrap();
        assert_eq!(json["title"], "tab\tnew\nline\\ \u{1} \u{9f} é");
        assert_eq!(
            (&json["a\"b"], &json["n"], &json["status"]),
            (&"x".into(), &4.into(), &418.into())
        );
        assert_eq!(problem.to_string().split(' ').next(), Some("418"));
    }

    #[test]
    fn internal_problems_have_the_literal_members() {
        let context = Context::new().child();
        let hex = Hex::of(&context.correlation().unwrap().trace_id());
        let json = context.run(|| Problem::internal().to_json());
        let expected = format!(
            r#"{{"type":"about:blank","title":"Internal Server Error","status":500,"trace_id":"{}"}}"#,
            hex.as_str()
        );
        assert_eq!(json, expected);
        let response: Response<Bytes> = Problem::internal().response();
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
    }
}
