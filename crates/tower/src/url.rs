//! URLs as they may be shown: without user and password, and without the values of the query.
//!
//! Promises: nothing allocates; the text is formatted straight into the event. The engine redacts it as any other.
use std::fmt;

use http::Uri;

/// How much of a URL's query is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Query {
    /// Nothing.
    Omit,
    /// The names of its parameters, with `***` in place of their values: `/search?q=***&page=***`. The default.
    #[default]
    Names,
    /// All of it. The engine's redaction masks what it recognizes, and nothing else.
    Whole,
}

/// The most bytes of a path that are shown.
pub(crate) const PATH_BYTES_MAX: usize = 2048;
/// The most bytes of a query that are shown.
const QUERY_BYTES_MAX: usize = 1024;

/// A query, as much of it as is shown.
#[derive(Clone, Copy)]
pub(crate) struct ShownQuery<'a>(&'a str, Query);

impl<'a> ShownQuery<'a> {
    pub(crate) fn of(uri: &'a Uri, shown: Query) -> Option<ShownQuery<'a>> {
        Some(ShownQuery(uri.query().filter(|_| shown != Query::Omit)?, shown))
    }
}

impl fmt::Display for ShownQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_query(f, self.0, self.1)
    }
}

fn write_query(f: &mut impl fmt::Write, query: &str, shown: Query) -> fmt::Result {
    let cut = cut_text(query, QUERY_BYTES_MAX);
    match shown {
        Query::Omit => return Ok(()),
        Query::Whole => f.write_str(cut)?,
        Query::Names => write_names(f, cut)?,
    }
    if cut.len() < query.len() { f.write_str("…") } else { Ok(()) }
}

fn write_names(f: &mut impl fmt::Write, query: &str) -> fmt::Result {
    let mut rest = query;
    loop {
        // Short texts: a loop over bytes takes less than a search.
        let end = rest.bytes().position(|byte| byte == b'&');
        let (pair, after) = rest.split_at(end.unwrap_or(rest.len()));
        match pair.bytes().position(|byte| byte == b'=') {
            Some(equals) => {
                f.write_str(&pair[..equals])?;
                f.write_str("=***")?;
            }
            None if pair.is_empty() => {}
            // Perhaps a value without a name, such as a token.
            None => f.write_str("***")?,
        }
        let Some(next) = after.strip_prefix('&') else { return Ok(()) };
        f.write_str("&")?;
        rest = next;
    }
}

fn write_path(f: &mut impl fmt::Write, path: &str) -> fmt::Result {
    let cut = cut_text(path, PATH_BYTES_MAX);
    f.write_str(cut)?;
    if cut.len() < path.len() { f.write_str("…") } else { Ok(()) }
}

/// Appends a path, as much of it as is shown.
pub(crate) fn push_path(text: &mut String, path: &str) {
    // Writing to a string does not fail.
    let _ = write_path(text, path);
}

/// Appends a query, as much of it as is shown.
pub(crate) fn push_query(text: &mut String, query: &str, shown: Query) {
    // As above.
    let _ = write_query(text, query, shown);
}

/// The path of a request, with its query.
#[derive(Clone, Copy)]
pub(crate) struct PathAndQuery<'a>(pub(crate) &'a Uri, pub(crate) Query);

impl fmt::Display for PathAndQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_path(f, self.0.path())?;
        match ShownQuery::of(self.0, self.1) {
            Some(query) => write!(f, "?{query}"),
            None => Ok(()),
        }
    }
}

/// The URL of a call.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a>(pub(crate) &'a Uri, pub(crate) Query);

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.0.scheme_str() {
            write!(f, "{scheme}://")?;
        }
        if let Some(authority) = self.0.authority() {
            f.write_str(without_user(authority.as_str()))?;
        }
        PathAndQuery(self.0, self.1).fmt(f)
    }
}

fn without_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// The first bytes of a text, whole characters.
pub(crate) fn cut_text(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_show_no_values() {
        let rows = [
            ("/a", "/a"),
            ("/a?", "/a?"),
            ("/a?b=c", "/a?b=***"),
            ("/a?b=c&token=x=y&&d", "/a?b=***&token=***&&***"),
            ("/a?b=", "/a?b=***"),
            ("*", "*"),
        ];
        for (uri, expected) in rows {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(PathAndQuery(&uri, Query::Names).to_string(), expected);
        }
        let uri: Uri = "/a?b=c".parse().unwrap();
        assert_eq!(PathAndQuery(&uri, Query::Omit).to_string(), "/a");
        assert_eq!(PathAndQuery(&uri, Query::Whole).to_string(), "/a?b=c");
        let uri: Uri = format!("/a?{}", "b=c&".repeat(2000)).parse().unwrap();
        assert!(PathAndQuery(&uri, Query::Names).to_string().len() < 2000);
        let uri: Uri = format!("/{}?b=c", "a".repeat(60_000)).parse().unwrap();
        assert!(PathAndQuery(&uri, Query::Names).to_string().len() < 2100);
    }

    #[test]
    fn urls_show_no_password() {
        let rows = [
            ("http://user:word@host:80/a?b=c", "http://host:80/a?b=***"),
            ("https://host/", "https://host/"),
            ("host:80", "host:80"),
            ("/a?b", "/a?***"),
        ];
        for (uri, expected) in rows {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(Target(&uri, Query::Names).to_string(), expected);
        }
    }
}
