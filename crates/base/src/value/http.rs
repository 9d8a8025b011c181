//! The types of the crate `http`. Methods, versions, URIs and single headers are texts, a status is a number, and a
//! table of headers is a map. A header that is marked as sensitive is a secret. Header values that are not UTF-8 are
//! bytes.
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri, Version};

use super::format::write_formatted;
use super::types::write_elements;
use super::{Element, ObjectValue, Value, ValueWriter, tag};
use crate::limits::Limits;

macro_rules! texts {
    ($($type:ty: |$value:ident| $text:expr;)+) => {$(
        impl Value for $type {
            fn size_bytes_max(&self, limits: &Limits) -> usize {
                let $value = self;
                str::size_bytes_max($text, limits)
            }

            fn write(&self, out: &mut ValueWriter<'_>) {
                let $value = self;
                out.str($text);
            }
        }

        impl Element for $type {}
    )+};
}

texts! {
    Method: |method| method.as_str();
    HeaderName: |name| name.as_str();
    Version: |version| version_text(*version);
}

fn version_text(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_11 => "HTTP/1.1",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP",
    }
}

impl Value for StatusCode {
    fn size_bytes_max(&self, _limits: &Limits) -> usize {
        9
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.u64(u64::from(self.as_u16()));
    }
}

impl Element for StatusCode {}

impl Value for Uri {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        9 + limits.value_bytes_max as usize
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        write_formatted(out, format_args!("{self}"));
    }
}

impl Element for Uri {}

impl Value for HeaderValue {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        9 + self.len().min(limits.value_bytes_max as usize)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        match (self.is_sensitive(), std::str::from_utf8(self.as_bytes())) {
            (true, _) => out.tag_only(tag::SECRET),
            (false, Ok(text)) => out.str(text),
            (false, Err(_)) => out.bytes(self.as_bytes()),
        }
    }
}

impl Element for HeaderValue {}

/// A name that occurs more than once has an array of its values.
impl Value for HeaderMap {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        let sizes = self.keys().map(|name| 2 + name.as_str().len() + 5);
        let values = self.values().map(|value| value.size_bytes_max(limits));
        5 + sizes.sum::<usize>() + values.sum::<usize>()
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.map(|out| {
            for name in self.keys() {
                out.entry(name.as_str(), &Occurrences { headers: self, name });
            }
        });
    }
}

impl ObjectValue for HeaderMap {}
impl Element for HeaderMap {}

/// The values of one name.
struct Occurrences<'a> {
    headers: &'a HeaderMap,
    name: &'a HeaderName,
}

impl Value for Occurrences<'_> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        let values = self.headers.get_all(self.name).iter();
        5 + values.map(|value| value.size_bytes_max(limits)).sum::<usize>()
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        let mut values = self.headers.get_all(self.name).iter();
        match (values.next(), values.next()) {
            (Some(only), None) => only.write(out),
            _ => write_elements(out, self.headers.get_all(self.name).iter()),
        }
    }
}
