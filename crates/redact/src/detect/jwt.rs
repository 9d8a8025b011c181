//! JSON web tokens (RFC 7519) in compact form, signed (three parts) or encrypted (five).

use crate::bytes::{BASE64URL, at, base64_decode, before};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// `pos` is where a word starts.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if !input[pos..].starts_with(b"eyJ") || before(input, pos) == b'-' {
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
    if lens[0] < 12 || lens[1] < 2 || dots < 2 || !is_header(&input[pos..pos + lens[0]]) {
        return;
    }
    finder.hit(pos, end, rule::JWT, HitKind::Jwt);
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
