//! Password hashes in the forms of crypt(3), Argon2 and Kerberos cracking tools, anchored at `$`.

use crate::bytes::{ByteSet, at};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

const CRYPT: ByteSet = ByteSet::of(b"./A-Za-z0-9");
const DIGIT: ByteSet = ByteSet::of(b"0-9");
const LOWER: ByteSet = ByteSet::of(b"a-z");

/// `pos` is a dollar sign.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    named(finder, pos);
    let rest = &finder.input[pos..];
    let end = match rest {
        [_, b'2', ..] => bcrypt(rest),
        [_, b'5' | b'6', b'$', ..] => sha_crypt(rest),
        [_, b'1', b'$', ..] => salted(rest, 3, 8, 22, 22),
        [_, b'8' | b'9', b'$', ..] => salted(rest, 3, 14, 43, 43),
        [_, b'P' | b'H', b'$', ..] => fixed(rest, 3, 31),
        [_, b'S', b'$', ..] => fixed(rest, 3, 52),
        [_, b'7' | b'y', b'$', ..] | [_, b'g', b'y', b'$', ..] => modular(rest),
        [_, b'a', b'p', ..] if rest.starts_with(b"$apr1$") => salted(rest, 6, 8, 22, 22),
        [_, b'p', b'b', ..] | [_, b's', b'c' | b'h', ..] | [_, b'b', b'c', ..] => modular(rest),
        [_, b'D', ..] if rest.starts_with(b"$DCC2$") => modular(rest),
        [_, b'a', b'r', ..] => argon2(rest),
        [_, b'k', b'r', ..] => kerberos(rest),
        [_, b'p' | b's', ..] => braintree(rest),
        _ => return,
    };
    finder.spend(end.map_or(64, |(end, _)| end));
    let Some((end, kind)) = end else { return };
    let full = finder.is_cut(pos + end);
    match kind {
        Shape::Hash => finder.hit(pos, pos + end, rule::PWHASH, HitKind::PwHash),
        Shape::Partial if full => finder.hit(pos, pos + end, rule::PWHASH, HitKind::PwHash),
        Shape::Partial => {}
        Shape::BraintreePartial if !full => {}
        Shape::Braintree | Shape::BraintreePartial => {
            let prefix = b"access_token";
            if finder.input[..pos].ends_with(prefix) {
                finder.hit(pos - prefix.len(), pos + end, rule::BRAINTREE, HitKind::Token);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Hash,
    /// A valid beginning that is too short: a hash only where a limit cut it.
    Partial,
    Braintree,
    /// The same for a token.
    BraintreePartial,
}

type Found = Option<(usize, Shape)>;

/// `$2b$12$` and 53 characters.
fn bcrypt(input: &[u8]) -> Found {
    let variant = usize::from(matches!(at(input, 2), b'a' | b'b' | b'x' | b'y'));
    let i = 2 + variant;
    let cost = at(input, i) == b'$' && DIGIT.run(input, i + 1, 2) == 2 && at(input, i + 3) == b'$';
    if !cost {
        return None;
    }
    let run = CRYPT.run(input, i + 4, 53);
    Some((i + 4 + run, if run == 53 { Shape::Hash } else { Shape::Partial }))
}

/// `$6$rounds=5000$salt$hash`, `$5$…`.
fn sha_crypt(input: &[u8]) -> Found {
    let mut i = 3;
    if input[i..].starts_with(b"rounds=") {
        let digits = DIGIT.run(input, i + 7, 9);
        if digits == 0 || at(input, i + 7 + digits) != b'$' {
            return None;
        }
        i += 8 + digits;
    }
    salted(input, i, 16, 43, 86)
}

/// Salt, `$`, hash, from `pos` on.
fn salted(input: &[u8], pos: usize, salt_max: usize, hash_min: usize, hash_max: usize) -> Found {
    let salt = CRYPT.run(input, pos, salt_max);
    if salt == 0 {
        return None;
    }
    if at(input, pos + salt) != b'$' {
        return Some((pos + salt, Shape::Partial));
    }
    let hash = CRYPT.run(input, pos + salt + 1, hash_max);
    let shape = if hash >= hash_min { Shape::Hash } else { Shape::Partial };
    Some((pos + salt + 1 + hash, shape))
}

/// `$P$`, `$S$` and one field of `len` characters.
fn fixed(input: &[u8], pos: usize, len: usize) -> Found {
    let run = CRYPT.run(input, pos, len);
    Some((pos + run, if run == len { Shape::Hash } else { Shape::Partial }))
}

/// `$pbkdf2-sha256$29000$salt$hash`, `$y$j9T$salt$hash`, `$scrypt$…`, `$sha1$…`: a name and fields, the last one long.
fn modular(input: &[u8]) -> Found {
    const NAMES: [&[u8]; 9] = [
        b"$pbkdf2",
        b"$scrypt$",
        b"$sha1$",
        b"$sha512$",
        b"$bcrypt-sha256$",
        b"$DCC2$",
        b"$y$",
        b"$7$",
        b"$gy$",
    ];
    if !NAMES.iter().any(|name| input.starts_with(name)) {
        return None;
    }
    let run = FIELDS.run(input, 1, 300);
    let last = input[..=run].iter().rev().take_while(|&&byte| byte != b'$' && byte != b'#').count();
    let shape = if run >= 40 && last >= 22 { Shape::Hash } else { Shape::Partial };
    Some((1 + run, shape))
}

/// The bytes of several fields.
const FIELDS: ByteSet = ByteSet::of(b"A-Za-z0-9./+=,_$#\\-");

/// `pbkdf2_sha256$600000$salt$hash`, `SCRAM-SHA-256$4096:salt$keys`: a name before the first sign, at `pos`.
fn named(finder: &mut Finder<'_>, pos: usize) {
    const NAMES: [&[u8]; 7] = [
        b"pbkdf2_sha256",
        b"pbkdf2_sha1",
        b"bcrypt_sha256",
        b"scrypt",
        b"SCRAM-SHA-256",
        b"SCRAM-SHA-1",
        b"md5",
    ];
    let input = finder.input;
    let Some(name) = NAMES.iter().find(|name| input[..pos].ends_with(name)) else { return };
    let run = ByteSet::of(b"A-Za-z0-9./+=_$:\\-").run(input, pos, 300);
    finder.spend(run);
    let fields = input[pos..pos + run].iter().filter(|&&byte| byte == b'$').count();
    if run >= 40 && fields >= 2 || finder.is_cut(pos + run) {
        finder.hit(pos - name.len(), pos + run, rule::PWHASH, HitKind::PwHash);
    }
}

/// The length of a run without white space and quotes.
fn unquoted(input: &[u8], pos: usize, max: usize) -> usize {
    let rest = input.get(pos..).unwrap_or_default();
    rest.iter()
        .take(max)
        .take_while(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\''))
        .count()
}

fn argon2(input: &[u8]) -> Found {
    let name = [&b"$argon2id$v="[..], b"$argon2i$v=", b"$argon2d$v="];
    let i = name.iter().find(|n| input.starts_with(n))?.len();
    let digits = DIGIT.run(input, i, 4);
    if digits == 0 || at(input, i + digits) != b'$' {
        return None;
    }
    let run = unquoted(input, i + digits + 1, 200);
    let shape = if run >= 20 { Shape::Hash } else { Shape::Partial };
    Some((i + digits + 1 + run, shape))
}

fn kerberos(input: &[u8]) -> Found {
    if !input.starts_with(b"$krb5") {
        return None;
    }
    let name = ByteSet::of(b"A-Za-z0-9_").run(input, 5, 8);
    if name < 2 || at(input, 5 + name) != b'$' {
        return None;
    }
    let run = unquoted(input, 6 + name, 4000);
    let shape = if run >= 16 { Shape::Hash } else { Shape::Partial };
    Some((6 + name + run, shape))
}

/// `$production$…$…` after `access_token`.
fn braintree(input: &[u8]) -> Found {
    let i = 1 + LOWER.run(input, 1, 11);
    if !matches!(&input[1..i], b"production" | b"sandbox") || at(input, i) != b'$' {
        return None;
    }
    let id = ByteSet::of(b"0-9a-z").run(input, i + 1, 16);
    if id != 16 || at(input, i + 17) != b'$' {
        return Some((i + 1 + id, Shape::BraintreePartial));
    }
    let key = ByteSet::of(b"0-9a-f").run(input, i + 18, 32);
    let shape = if key == 32 { Shape::Braintree } else { Shape::BraintreePartial };
    Some((i + 18 + key, shape))
}
