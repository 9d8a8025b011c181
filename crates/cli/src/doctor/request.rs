//! One HTTP request, without encryption: `doctor` runs beside the service.
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::console::Failure;

/// The most that is read of a response.
const RESPONSE_BYTES_MAX: u64 = 1 << 20;

/// A URL with the scheme `http`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// Host and port, as in the header `Host`.
    authority: String,
    path: String,
}

/// What a service answered.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    /// Header lines, in lower case.
    pub(super) head: String,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Url, Failure> {
        let wrong = || Failure::of(format_args!("--url {text}: expected http://HOST:PORT/PATH"));
        let rest = text.strip_prefix("http://").ok_or_else(wrong)?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if authority.is_empty() || authority.contains('@') || !is_printable {
            return Err(wrong());
        }
        Ok(Url { authority: authority.to_owned(), path: path.to_owned() })
    }

    fn address(&self) -> String {
        let has_port =
            self.authority.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
        match has_port && !self.authority.ends_with(']') {
            true => self.authority.clone(),
            false => format!("{}:80", self.authority),
        }
    }
}

/// Sends `GET` with these headers, and reads the answer.
pub(super) fn get(url: &Url, headers: &[(&str, &str)], timeout: Duration) -> io::Result<Response> {
    let addresses = url.address().to_socket_addrs()?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return exchange(stream, url, headers, timeout),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn exchange(
    mut stream: TcpStream,
    url: &Url,
    headers: &[(&str, &str)],
    timeout: Duration,
) -> io::Result<Response> {
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let mut request =
        format!("GET {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", url.path, url.authority);
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    // The head is enough if the service closes the connection badly.
    let read = stream.take(RESPONSE_BYTES_MAX).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        read?;
        return Err(io::Error::new(io::ErrorKind::InvalidData, "expected an HTTP response"));
    };
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
    let status = status.and_then(|status| status.parse().ok());
    match status {
        Some(status) => Ok(Response { status, head: head.to_ascii_lowercase() }),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "expected an HTTP response")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_hosts_ports_and_paths() {
        for (text, address, path) in [
            ("http://127.0.0.1:8080/a?b=c", "127.0.0.1:8080", "/a?b=c"),
            ("http://localhost", "localhost:80", "/"),
            ("http://[::1]:81/", "[::1]:81", "/"),
            ("http://[::1]/x", "[::1]:80", "/x"),
        ] {
            let url = Url::parse(text).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!((url.address().as_str(), url.path.as_str()), (address, path), "{text}");
        }
        for text in [
            "https://a/",
            "a",
            "http://",
            "http:///a",
            "http://a b/",
            "http://u:p@a/",
            "http://a/\r\nx: y",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }
}
