//! JSON web tokens (RFC 7519) in compact form: signed (three parts), unsigned (two) or encrypted (five); and JSON in
//! base64 whose keys name secrets.

use crate::bytes::{BASE64, BASE64URL, at, base64_decode, before};
use crate::hits::{Finder, rule};
use crate::kind::{HitKind, KeyClass};

/// `pos` is where a word starts.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if !input[pos..].starts_with(b"eyJ") || before(input, pos) == b'-' {
        return;
    }
    if finder.covers(pos, pos, rule::JWT) {
        return;
    }
    let mut end = pos;
    let mut lens = [0usize; 5];
    for (n, len) in lens.iter_mut().enumerate() {
        if n > 0 {
            if at(input, end) != b'.' {
                break;
            }
            end += 1;
        }
        *len = BASE64URL.run(input, end, input.len());
        end += *len;
        // The token ends a sentence: the full stop is not an empty part.
        if *len == 0 && n > 2 {
            end -= 1;
            break;
        }
    }
    finder.spend(end - pos);
    if finder.is_cut(end) {
        return finder.hit(pos, end, rule::JWT, HitKind::Jwt);
    }
    let dots = input[pos..end].iter().filter(|&&byte| byte == b'.').count();
    let parts = match dots {
        0 => false,
        // Unsigned, without the dot at its end.
        1 => lens[1] >= 12 && input[pos + lens[0] + 1..].starts_with(b"eyJ"),
        // Encrypted with a key that both sides have: the second part is empty.
        4 => lens[1] >= 2 || lens[3] > 0,
        _ => lens[1] >= 2,
    };
    if lens[0] >= 12 && parts && is_header(&input[pos..pos + lens[0]]) {
        return finder.hit(pos, end, rule::JWT, HitKind::Jwt);
    }
    json(finder, pos);
}

/// A JSON map in base64 that has a telling key, as in docker's configuration. `pos` is where it starts.
pub(super) fn json(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let len = BASE64.run(input, pos, input.len());
    let pads = (0..2).take_while(|&i| at(input, pos + len + i) == b'=').count();
    if len < JSON_BYTES_MIN || before(input, pos) == b'-' {
        return;
    }
    let mut out = [0u8; 768];
    let head = &input[pos..pos + len.min(1024) / 4 * 4];
    finder.spend(head.len() * 2);
    let tells = base64_decode(head, &mut out).is_some_and(|text| has_telling_key(finder, text));
    if tells {
        finder.spend(len);
        finder.hit(pos, pos + len + pads, rule::BASE64_JSON, HitKind::Token);
    }
}

/// Fewest characters of a JSON map in base64.
const JSON_BYTES_MIN: usize = 24;

/// Whether a key of the JSON `text`, which may be cut, names a secret.
fn has_telling_key(finder: &Finder<'_>, text: &[u8]) -> bool {
    let mut parts = text.split(|&byte| byte == b'"');
    let first = parts.next().unwrap_or_default();
    if first.first() != Some(&b'{') {
        return false;
    }
    let mut name: &[u8] = b"";
    for part in parts {
        let sign = part.trim_ascii_start().first() == Some(&b':');
        if sign && (1..=64).contains(&name.len()) {
            let class = finder.rules.key(name, None);
            if class.is_secret() || class == KeyClass::Auth {
                return true;
            }
        }
        name = part;
    }
    false
}

/// A token in base64 once more: `pos` is where `ZXlK` starts, the encoding of `eyJ`.
pub(super) fn twice(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let len = BASE64.run(input, pos, input.len());
    let pads = (0..2).take_while(|&i| at(input, pos + len + i) == b'=').count();
    finder.spend(len);
    let mut out = [0u8; 384];
    let head = &input[pos..pos + len.min(512) / 4 * 4];
    let is_token = base64_decode(head, &mut out).is_some_and(|text| {
        let end = text.iter().position(|&byte| byte == b'.').unwrap_or(text.len());
        end >= 12 && end < text.len() && is_header(&text[..end])
    });
    if is_token {
        finder.hit(pos, pos + len + pads, rule::JWT, HitKind::Jwt);
    }
}

/// Whether the first part is a JOSE header.
fn is_header(part: &[u8]) -> bool {
    let mut out = [0u8; 768];
    let part = &part[..part.len().min(1024)];
    // Cut at a whole quartet: the start of a long header is enough.
    let part = if part.len() == 1024 {
        part
    } else {
        &part[..part.len() - usize::from(part.len() % 4 == 1)]
    };
    let Some(json) = base64_decode(part, &mut out) else { return false };
    [&b"\"alg\""[..], b"\"typ\"", b"\"enc\"", b"\"kid\""]
        .iter()
        .any(|name| json.windows(name.len()).any(|w| w == *name))
}
