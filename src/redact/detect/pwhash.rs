//! Password hashes in the forms of crypt(3), Argon2 and Kerberos cracking tools, anchored at `$`.

use crate::redact::bytes::{ByteSet, at};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::Kind;

const CRYPT: ByteSet = ByteSet::of(b"./A-Za-z0-9");
const DIGIT: ByteSet = ByteSet::of(b"0-9");
const LOWER: ByteSet = ByteSet::of(b"a-z");

/// `p` is a dollar sign.
pub(super) fn find(f: &mut Finder<'_>, p: usize) {
    let rest = &f.v[p..];
    let end = match rest {
        [_, b'2', ..] => bcrypt(rest),
        [_, b'5' | b'6', b'$', ..] => sha_crypt(rest),
        [_, b'1', b'$', ..] => salted(rest, 3, 8, 22, 22),
        [_, b'a', b'r', ..] => argon2(rest),
        [_, b'k', b'r', ..] => kerberos(rest),
        [_, b'p' | b's', ..] => braintree(rest),
        _ => return,
    };
    f.spend(end.map_or(64, |(end, _)| end));
    let Some((end, kind)) = end else { return };
    let full = f.is_cut(p + end);
    match kind {
        Shape::Hash => f.hit(p, p + end, rule::PWHASH, Kind::PwHash),
        Shape::Partial if full => f.hit(p, p + end, rule::PWHASH, Kind::PwHash),
        Shape::Partial => {}
        Shape::BraintreePartial if !full => {}
        Shape::Braintree | Shape::BraintreePartial => {
            let prefix = b"access_token";
            if f.v[..p].ends_with(prefix) {
                f.hit(p - prefix.len(), p + end, rule::BRAINTREE, Kind::Token);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Hash,
    /// Right so far, and too short: a hash only where a limit cut it.
    Partial,
    Braintree,
    /// The same for a token.
    BraintreePartial,
}

type Found = Option<(usize, Shape)>;

/// `$2b$12$` and 53 characters.
fn bcrypt(s: &[u8]) -> Found {
    let variant = usize::from(matches!(at(s, 2), b'a' | b'b' | b'x' | b'y'));
    let i = 2 + variant;
    let cost = at(s, i) == b'$' && DIGIT.run(s, i + 1, 2) == 2 && at(s, i + 3) == b'$';
    if !cost {
        return None;
    }
    let run = CRYPT.run(s, i + 4, 53);
    Some((i + 4 + run, if run == 53 { Shape::Hash } else { Shape::Partial }))
}

/// `$6$rounds=5000$salt$hash`, `$5$…`.
fn sha_crypt(s: &[u8]) -> Found {
    let mut i = 3;
    if s[i..].starts_with(b"rounds=") {
        let digits = DIGIT.run(s, i + 7, 9);
        if digits == 0 || at(s, i + 7 + digits) != b'$' {
            return None;
        }
        i += 8 + digits;
    }
    salted(s, i, 16, 43, 86)
}

/// Salt, `$`, hash, from `i` on.
fn salted(s: &[u8], i: usize, salt_max: usize, hash_min: usize, hash_max: usize) -> Found {
    let salt = CRYPT.run(s, i, salt_max);
    if salt == 0 {
        return None;
    }
    if at(s, i + salt) != b'$' {
        return Some((i + salt, Shape::Partial));
    }
    let hash = CRYPT.run(s, i + salt + 1, hash_max);
    let shape = if hash >= hash_min { Shape::Hash } else { Shape::Partial };
    Some((i + salt + 1 + hash, shape))
}

/// Bytes of a run that neither white space nor a quote ends.
fn unquoted(s: &[u8], i: usize, max: usize) -> usize {
    let rest = s.get(i..).unwrap_or_default();
    rest.iter()
        .take(max)
        .take_while(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\''))
        .count()
}

fn argon2(s: &[u8]) -> Found {
    let name = [&b"$argon2id$v="[..], b"$argon2i$v=", b"$argon2d$v="];
    let i = name.iter().find(|n| s.starts_with(n))?.len();
    let digits = DIGIT.run(s, i, 4);
    if digits == 0 || at(s, i + digits) != b'$' {
        return None;
    }
    let run = unquoted(s, i + digits + 1, 200);
    let shape = if run >= 20 { Shape::Hash } else { Shape::Partial };
    Some((i + digits + 1 + run, shape))
}

fn kerberos(s: &[u8]) -> Found {
    if !s.starts_with(b"$krb5") {
        return None;
    }
    let name = ByteSet::of(b"A-Za-z0-9_").run(s, 5, 8);
    if name < 2 || at(s, 5 + name) != b'$' {
        return None;
    }
    let run = unquoted(s, 6 + name, 4000);
    let shape = if run >= 16 { Shape::Hash } else { Shape::Partial };
    Some((6 + name + run, shape))
}

/// `$production$…$…` behind `access_token`.
fn braintree(s: &[u8]) -> Found {
    let i = 1 + LOWER.run(s, 1, 11);
    if !matches!(&s[1..i], b"production" | b"sandbox") || at(s, i) != b'$' {
        return None;
    }
    let id = ByteSet::of(b"0-9a-z").run(s, i + 1, 16);
    if id != 16 || at(s, i + 17) != b'$' {
        return Some((i + 1 + id, Shape::BraintreePartial));
    }
    let key = ByteSet::of(b"0-9a-f").run(s, i + 18, 32);
    let shape = if key == 32 { Shape::Braintree } else { Shape::BraintreePartial };
    Some((i + 18 + key, shape))
}
