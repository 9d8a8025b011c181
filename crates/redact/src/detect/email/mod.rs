//! E-mail addresses, anchored at `@`, `%40`, `&#64;` or `[at]`.
//!
//! RFC 5321 and 6531: a local part of at most 64 bytes of any letters, or in quotes; a domain of at least two labels,
//! an IPv4 address in brackets, or `localhost` in the context of mail. Unit names, file names, decorators, names of
//! algorithms and `git@host:` are not addresses.

mod domain;
mod obfuscated;

pub(super) use obfuscated::{find as find_obfuscated, may_be as obfuscated_may_be};

use crate::bytes::{ByteSet, at, before, is_word, starts_nocase};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

const LOCAL: ByteSet = ByteSet::of(b"A-Za-z0-9._%+\\-");
const LOCAL_BYTES_MAX: usize = 64;
const LETTERS: ByteSet = ByteSet::of(b"A-Za-z");

/// The at sign as a character reference of HTML.
const REFERENCES: [&[u8]; 4] = [b"&#64;", b"&#x40;", b"&#X40;", b"&commat;"];

/// A filter applied before [`find_reference`]: `pos` is a number sign.
#[inline(always)]
pub(super) fn reference_may_be(input: &[u8], pos: usize) -> bool {
    before(input, pos) == b'&' && matches!(at(input, pos + 1), b'6' | b'x' | b'X')
}

/// `pos` is the number sign of a character reference.
pub(super) fn find_reference(finder: &mut Finder<'_>, pos: usize) {
    let Some(start) = pos.checked_sub(1) else { return };
    let starts = |text: &&&[u8]| finder.input[start..].starts_with(text);
    if let Some(reference) = REFERENCES.iter().find(starts) {
        find(finder, start, start + reference.len());
    }
}

/// `pos` is where the at sign starts, `host` where the domain does.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize, host: usize) {
    let input = finder.input;
    let Some(start) = local_start(input, pos, host - pos == 3) else { return };
    let (len, run) = domain::read(input, host);
    finder.spend(pos - start + run);
    if finder.is_cut(host + run) {
        return finder.hit(start, host + run, rule::EMAIL, HitKind::Email);
    }
    let local = &input[start..pos];
    let len = match len {
        Some(len)
            if !domain::is_doubtful(&input[host..host + len]) || is_person(local, input, host) =>
        {
            len
        }
        Some(_) => return,
        None => match domain::literal(input, host) {
            0 if is_local_mail(input, start, pos, host) => b"localhost".len(),
            0 => return,
            len => len,
        },
    };
    let end = host + len;
    if matches!(local, b"git" | b"hg" | b"svn") && matches!(at(input, end), b':' | b'/')
        || is_algorithm(local)
        || is_userinfo(input, start)
        || is_message_id(input, start, pos)
    {
        return;
    }
    finder.hit(start, end, rule::EMAIL, HitKind::Email);
}

/// Whether the local part `start..pos` is that of an identifier: `message-id=<20240101.8CD99@mx1.example.com>`.
fn is_message_id(input: &[u8], start: usize, pos: usize) -> bool {
    const NAMES: [&[u8]; 5] =
        [b"message-id", b"messageid", b"message_id", b"msgid", b"in-reply-to"];
    const SIGN: ByteSet = ByteSet::of(b"=:\"'\\\\ <");
    let sign = SIGN.run_back(input, start, 8);
    let end = start - sign;
    let is_named = |name: &&[u8]| {
        end.checked_sub(name.len()).is_some_and(|from| input[from..end].eq_ignore_ascii_case(name))
    };
    sign > 0 && input[start..pos].iter().any(u8::is_ascii_digit) && NAMES.iter().any(is_named)
}

/// Where the local part starts.
fn local_start(input: &[u8], pos: usize, encoded: bool) -> Option<usize> {
    if before(input, pos) == b'"' {
        return quoted_start(input, pos);
    }
    let mut start = letters_start(input, pos);
    if encoded {
        // In a percent-encoded text, escapes such as `%3D` before the local part do not belong to it.
        if let Some(i) = (start..pos).rev().find(|&i| input[i] == b'%') {
            start = (i + 3).min(pos);
        }
    }
    while start < pos && !is_word(input[start]) && input[start] < 0x80 {
        start += 1;
    }
    (start < pos && pos - start <= LOCAL_BYTES_MAX).then_some(start)
}

/// Where the bytes of [`LOCAL`] and the letters of other alphabets before `pos` start.
///
/// In a language without spaces, an address in ASCII may directly follow a word: letters of three bytes belong to it
/// only if its last letter is one.
fn letters_start(input: &[u8], pos: usize) -> usize {
    let from = pos.saturating_sub(LOCAL_BYTES_MAX + 16);
    let mut start = pos;
    let mut is_wide = None;
    while start > from {
        let byte = input[start - 1];
        if LOCAL.has(byte) {
            start -= 1;
            is_wide = is_wide.or(byte.is_ascii_alphanumeric().then_some(false));
            continue;
        }
        let Some(letter) = domain::letter_before(input, start) else { break };
        let wide = letter.len_utf8() > 2;
        if wide && is_wide == Some(false) {
            break;
        }
        is_wide = is_wide.or(Some(wide));
        start -= letter.len_utf8();
    }
    start
}

/// The opening quote of a quoted local part, which ends before `pos`; with the backslash before it, if it is escaped.
fn quoted_start(input: &[u8], pos: usize) -> Option<usize> {
    let escaped = before(input, pos - 1) == b'\\';
    let text = &input[pos.saturating_sub(LOCAL_BYTES_MAX)..pos - 1];
    let len = text
        .iter()
        .rev()
        .take_while(|byte| !matches!(byte, b'"' | b'\n' | b'@' | b'=' | b':'))
        .count();
    let open = pos - 1 - len;
    if before(input, open) != b'"' || len < 1 + usize::from(escaped) {
        return None;
    }
    let start = open - 1 - usize::from(escaped && before(input, open - 1) == b'\\');
    let prev = before(input, start);
    (!is_word(prev) && !matches!(prev, b'"' | b'\'' | b'@' | b']')).then_some(start)
}

/// Whether a local part is a person's name: two names with a dot, or letters that are no technical word at a domain
/// that is not a file's name with a number.
fn is_person(local: &[u8], input: &[u8], host: usize) -> bool {
    let is_name = |part: &[u8]| part.iter().all(u8::is_ascii_alphabetic);
    let mut parts = local.split(|byte| *byte == b'.');
    let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if !local.split(|byte| *byte == b'.').all(is_name) || first.is_empty() {
        return false;
    }
    if !second.is_empty() {
        return second.len() >= 2 && parts.next().is_none();
    }
    let label = LETTERS.run(input, host, 24);
    (3..=12).contains(&first.len())
        && !domain::is_private(input, host)
        && label >= 2
        && at(input, host + label) == b'.'
        && !TECHNICAL.iter().any(|word| word.eq_ignore_ascii_case(first))
}

/// Words before `@` that are not names.
#[rustfmt::skip]
const TECHNICAL: [&[u8]; 67] = [
    b"backup", b"data", b"file", b"files", b"icon", b"logo", b"image", b"img", b"build", b"release", b"module",
    b"package", b"pkg", b"lib", b"node", b"test", b"tests", b"main", b"app", b"user", b"users", b"admin", b"root",
    b"host", b"config", b"conf", b"util", b"utils", b"core", b"server", b"client", b"service", b"system", b"docker",
    b"kube", b"deploy", b"ubuntu", b"debian", b"centos", b"vagrant", b"jenkins", b"gitlab", b"github", b"postgres",
    b"mysql", b"redis", b"nginx", b"apache", b"www", b"ftp", b"nobody", b"daemon", b"latest", b"version", b"plugin",
    b"theme", b"asset", b"assets", b"index", b"default", b"master", b"worker", b"job", b"task", b"pytest", b"setup", b"conftest",
];

/// Whether `localhost` follows, and the text is about mail.
fn is_local_mail(input: &[u8], start: usize, pos: usize, host: usize) -> bool {
    let end = host + b"localhost".len();
    let context = &input[start.saturating_sub(16)..start];
    let mail = context.windows(4).any(|part| part.eq_ignore_ascii_case(b"mail"))
        || context.ends_with(b"to=<")
        || context.ends_with(b"from=<");
    let local = &input[start..pos];
    starts_nocase(input, host, b"localhost")
        && !is_word(at(input, end))
        && !matches!(at(input, end), b'.' | b'-' | b':' | b'/')
        && mail
        && !TECHNICAL.iter().any(|word| word.eq_ignore_ascii_case(local))
}

/// Whether a local part is the name of an algorithm or an extension of SSH, which have the form of addresses.
fn is_algorithm(local: &[u8]) -> bool {
    const STARTS: [&[u8]; 24] = [
        b"aes",
        b"hmac-",
        b"umac-",
        b"chacha20-",
        b"rijndael-",
        b"curve25519-",
        b"sntrup",
        b"mlkem",
        b"ssh-",
        b"sk-ssh-",
        b"sk-ecdsa-",
        b"webauthn-sk-",
        b"ecdsa-sha2-",
        b"rsa-sha2-",
        b"kex-",
        b"kexguess",
        b"diffie-hellman-",
        b"hostkeys-",
        b"posix-rename",
        b"keepalive",
        b"no-more-sessions",
        b"auth-agent",
        b"direct-streamlocal",
        b"forwarded-streamlocal",
    ];
    STARTS.iter().any(|start| local.starts_with(start) && local.len() > start.len().min(4))
        && (local.contains(&b'-') || local.iter().any(u8::is_ascii_digit) || local == b"keepalive")
        || [&b"zlib"[..], b"statvfs", b"fstatvfs", b"lsetstat", b"hardlink"].contains(&local)
}

/// Whether `start` directly follows the colon of `scheme://user:`; then it is a password, not a name.
fn is_userinfo(input: &[u8], start: usize) -> bool {
    if before(input, start) != b':' {
        return false;
    }
    let from = start.saturating_sub(80);
    let Some(slashes) = input[from..start].windows(3).rposition(|w| w == b"://") else {
        return false;
    };
    !input[from + slashes + 3..start]
        .iter()
        .any(|&byte| matches!(byte, b'/' | b' ' | b'@' | b'"' | b'\''))
}
