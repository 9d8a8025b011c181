//! The address of a server: scheme, host and port, nothing else.
//!
//! Promises: user information, a path, a query and a fragment are refused, and errors repeat nothing of the text,
//! because addresses with passwords are a common mistake.
use std::fmt;

use crate::error::SetupError;

/// A server: `https://vault.example.com:8200`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    is_tls: bool,
    host: Box<str>,
    port: u16,
}

impl Origin {
    /// Reads `http://host[:port]` or `https://host[:port]`; one `/` may follow.
    ///
    /// ```
    /// use ringseal_http::Origin;
    /// assert_eq!(Origin::parse("https://vault.example.com:8200/")?.to_string(), "https://vault.example.com:8200");
    /// assert_eq!(Origin::parse("http://[::1]")?.to_string(), "http://[::1]:80");
    /// assert!(Origin::parse("https://user:password@vault.example.com").is_err());
    /// # Ok::<(), ringseal_http::SetupError>(())
    /// ```
    ///
    /// # Errors
    /// For any other text.
    pub fn parse(text: &str) -> Result<Origin, SetupError> {
        let wrong = |expected| SetupError::Address { expected };
        let form = "http://host[:port] or https://host[:port] without a path";
        let (is_tls, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            _ => return Err(wrong(form)),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(wrong("an address without user and password"));
        }
        let (host, port) = split_port(rest).ok_or(wrong(form))?;
        let port = match port {
            None => {
                if is_tls {
                    443
                } else {
                    80
                }
            }
            Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                let port = text.parse().ok().filter(|port| *port != 0);
                port.ok_or(wrong("a port from 1 to 65535"))?
            }
            Some(_) => return Err(wrong("a port from 1 to 65535")),
        };
        Ok(Origin { is_tls, host: host.to_ascii_lowercase().into(), port })
    }

    /// Whether connections use TLS.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// The host's name or address; an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of the header `Host`.
    pub(crate) fn authority(&self) -> String {
        let host = &self.host;
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_string() };
        match (self.is_tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Host and port of an authority, if the host has only characters of a name or an address.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
        return Some((host, port));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_valid = (1..=253).contains(&host.len()) && host.bytes().all(is_name);
    is_valid.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_accepted_or_refused() {
        for (text, expected, authority) in [
            ("http://a", "http://a:80", "a"),
            ("HTTPS://A.example", "https://a.example:443", "a.example"),
            ("https://127.0.0.1:8200/", "https://127.0.0.1:8200", "127.0.0.1:8200"),
            ("http://[::1]:99", "http://[::1]:99", "[::1]:99"),
            ("http://a:443", "http://a:443", "a:443"),
        ] {
            let origin = Origin::parse(text).expect(text);
            assert_eq!(
                (origin.to_string().as_str(), origin.authority().as_str()),
                (expected, authority)
            );
        }
        for text in [
            "",
            "a",
            "ftp://a",
            "http://",
            "http://a/b",
            "http://a?x",
            "http://a#x",
            "http://a b",
            "http://s3cret@a",
            "http://u:s3cret@a",
            "http://a:s3cret",
            "http://a:0",
            "http://a:65536",
            "http://a:+1",
            "http://[::1",
            "http://[s3cret]",
            "http://[::1]x",
            "http://a\r\nx",
            "http://::1",
        ] {
            let error = Origin::parse(text).expect_err(text).to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
