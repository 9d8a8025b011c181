//! JSON web tokens (RFC 7519) in compact form, signed (three parts) or encrypted (five).

use crate::redact::bytes::{BASE64URL, at, base64_decode, before};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::Kind;

/// `p` is where a word starts.
pub(super) fn find(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    if !v[p..].starts_with(b"eyJ") || before(v, p) == b'-' {
        return;
    }
    let mut end = p;
    let mut lens = [0usize; 5];
    for (n, len) in lens.iter_mut().enumerate() {
        if n > 0 {
            if at(v, end) != b'.' {
                break;
            }
            end += 1;
        }
        *len = BASE64URL.run(v, end, v.len());
        end += *len;
        // A sentence that ends behind the token: its full stop is no empty part.
        if *len == 0 && n > 2 {
            end -= 1;
            break;
        }
    }
    f.spend(end - p);
    if f.is_cut(end) {
        return f.hit(p, end, rule::JWT, Kind::Jwt);
    }
    let dots = v[p..end].iter().filter(|&&b| b == b'.').count();
    if lens[0] < 12 || lens[1] < 2 || dots < 2 || !is_header(&v[p..p + lens[0]]) {
        return;
    }
    f.hit(p, end, rule::JWT, Kind::Jwt);
}

/// Whether the first part is a JOSE header.
fn is_header(part: &[u8]) -> bool {
    let mut out = [0u8; 768];
    let part = &part[..part.len().min(1024)];
    // Cut at a whole quartet, so that a long header can be judged by its beginning.
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
