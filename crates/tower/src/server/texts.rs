//! The texts of a request that its events show: its path, its query, its id and the user agent.
//!
//! Promises: one allocation for all of them. They are copied, because a handler owns its request; that takes less time
//! than to share them, which counts references of every request on all threads. What is shown is made once, however
//! many events show it.
use std::ops::Range;

use http::header::HeaderValue;
use http::{HeaderMap, Uri, header};
use ringseal::Limits;
use ringseal::value::{Value, ValueWriter};

use crate::url::{PATH_BYTES_MAX, Query, cut_text, push_path, push_query};

/// The most bytes of a user agent that are logged.
const USER_AGENT_BYTES_MAX: usize = 1024;
/// Room for a query that is longer when it is shown.
const SPARE_BYTES: usize = 32;

/// The texts of a request.
#[derive(Debug)]
pub(crate) struct Texts {
    all: String,
    path: Range<usize>,
    /// The path and the query, as they are shown.
    url: Range<usize>,
    query: Option<Range<usize>>,
    id: Range<usize>,
    user_agent: Option<Range<usize>>,
    /// A user agent that is not a text.
    other_user_agent: Option<Box<HeaderValue>>,
}

impl Texts {
    pub(crate) fn new(uri: &Uri, query: Query, headers: &HeaderMap, id: &str) -> Texts {
        let user_agent = headers.get(header::USER_AGENT);
        let agent_text = user_agent.and_then(text_of);
        let lens =
            [uri.path(), uri.query().unwrap_or_default(), id, agent_text.unwrap_or_default()];
        let bytes = lens.iter().map(|text| text.len()).sum::<usize>() + SPARE_BYTES;
        let mut all = String::with_capacity(bytes);
        all.push_str(uri.path());
        let path = 0..all.len();
        // The path is shown as it is, unless it is long.
        let url_start = match path.len() <= PATH_BYTES_MAX {
            true => 0,
            false => {
                push_path(&mut all, uri.path());
                path.end
            }
        };
        let query = uri.query().filter(|_| query != Query::Omit).map(|text| {
            all.push('?');
            let start = all.len();
            push_query(&mut all, text, query);
            start..all.len()
        });
        let url = url_start..all.len();
        let id = push(&mut all, id);
        let other_user_agent = user_agent.filter(|_| agent_text.is_none());
        Texts {
            path,
            url,
            query,
            id,
            user_agent: agent_text.map(|text| push(&mut all, cut_text(text, USER_AGENT_BYTES_MAX))),
            other_user_agent: other_user_agent.map(|value| Box::new(shortened(value))),
            all,
        }
    }

    fn get(&self, range: &Range<usize>) -> &str {
        self.all.get(range.clone()).unwrap_or_default()
    }

    /// The whole path.
    pub(crate) fn whole_path(&self) -> &str {
        self.get(&self.path)
    }

    /// The path, as much of it as is shown.
    pub(crate) fn path(&self) -> &str {
        cut_text(self.whole_path(), PATH_BYTES_MAX)
    }

    /// The path and the query, as they are shown.
    pub(crate) fn url(&self) -> &str {
        self.get(&self.url)
    }

    /// The query, as it is shown.
    pub(crate) fn query(&self) -> Option<&str> {
        self.query.as_ref().map(|range| self.get(range))
    }

    /// The id of the request.
    pub(crate) fn id(&self) -> &str {
        self.get(&self.id)
    }

    /// The user agent.
    pub(crate) fn user_agent(&self) -> Option<UserAgent<'_>> {
        match (&self.user_agent, &self.other_user_agent) {
            (Some(range), _) => Some(UserAgent::Text(self.get(range))),
            (None, Some(value)) => Some(UserAgent::Other(value)),
            (None, None) => None,
        }
    }
}

fn push(all: &mut String, text: &str) -> Range<usize> {
    let start = all.len();
    all.push_str(text);
    start..all.len()
}

/// The text of a value that may be shown.
fn text_of(value: &HeaderValue) -> Option<&str> {
    if value.is_sensitive() { None } else { str::from_utf8(value.as_bytes()).ok() }
}

/// A value of bounded length.
fn shortened(value: &HeaderValue) -> HeaderValue {
    let Some(start) = value.as_bytes().get(..USER_AGENT_BYTES_MAX) else { return value.clone() };
    let start = HeaderValue::from_bytes(start);
    let mut start = start.unwrap_or_else(|_| HeaderValue::from_static(""));
    start.set_sensitive(value.is_sensitive());
    start
}

/// The user agent of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum UserAgent<'t> {
    Text(&'t str),
    /// One that is marked as sensitive, or is not UTF-8.
    Other(&'t HeaderValue),
}

impl<'t> UserAgent<'t> {
    /// The text, if it is one of ASCII.
    #[cfg(feature = "audit")]
    pub(crate) fn ascii(self) -> Option<&'t str> {
        match self {
            UserAgent::Text(text) => Some(text).filter(|text| text.is_ascii()),
            UserAgent::Other(value) => value.to_str().ok(),
        }
    }
}

/// The value of the header.
impl Value for UserAgent<'_> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        match self {
            UserAgent::Text(text) => text.size_bytes_max(limits),
            UserAgent::Other(value) => value.size_bytes_max(limits),
        }
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        match self {
            UserAgent::Text(text) => text.write(out),
            UserAgent::Other(value) => value.write(out),
        }
    }

    #[inline(always)]
    fn plain_bytes(&self) -> usize {
        match self {
            UserAgent::Text(text) => text.plain_bytes(),
            UserAgent::Other(value) => value.plain_bytes(),
        }
    }

    #[inline(always)]
    fn text_bytes(&self) -> usize {
        match self {
            UserAgent::Text(text) => text.text_bytes(),
            UserAgent::Other(value) => value.text_bytes(),
        }
    }

    #[inline(always)]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        match self {
            UserAgent::Text(text) => text.put(out),
            UserAgent::Other(value) => value.put(out),
        }
    }
}
