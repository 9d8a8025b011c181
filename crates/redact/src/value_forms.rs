//! Forms of whole values under sensitive keys that are no secret or no personal data.
//!
//! Pure functions; each reads its input once.

use super::detect;
use super::kind::KeyClass;

/// Values of secrets that contain no secret: the name of a scheme or of a type, a word for nothing or for a state, a
/// security identifier of Windows.
#[rustfmt::skip]
pub(crate) fn is_absent_value(input: &[u8]) -> bool {
    let mut low = [0u8; 12];
    let Some(low) = low.get_mut(..input.len()) else { return input.starts_with(b"S-1-5-") };
    low.copy_from_slice(input);
    low.make_ascii_lowercase();
    matches!(
        &*low,
        b"bearer" | b"basic" | b"digest" | b"none" | b"null" | b"nil" | b"true" | b"false" | b"-" | b"n/a" | b"na"
            | b"undefined" | b"disabled" | b"enabled" | b"unset" | b"not set" | b"empty" | b"missing" | b"required"
            | b"string" | b"number" | b"integer" | b"boolean" | b"object" | b"array"
            | b"optional" | b"unknown" | b"off" | b"on" | b"yes" | b"no" | b"s-1-5-18" | b"s-1-5-19" | b"s-1-5-20"
    )
}

/// `10.0.0.1:8080`, `[::1]:80`, `0x7ffe12345678`, `db-1.internal:5432`, `/run/x.sock`: not a postal address.
fn is_machine_address(input: &[u8]) -> bool {
    let is_hex = |byte: &u8| {
        byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'[' | b']' | b'/' | b'x')
    };
    let is_host = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'/')
    };
    let port = input.rsplit(|&byte| byte == b':').next().unwrap_or_default();
    let has_port =
        port.len() < input.len() && !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    let has_dot = input.windows(3).any(|three| three[1] == b'.' && three[2].is_ascii_lowercase());
    input.iter().all(is_hex)
        || input.iter().all(is_host)
            && (has_port || has_dot || input[0] == b'/' || input == b"localhost")
}

/// `/home/ann`: the working directory under `PWD`.
fn is_directory(input: &[u8]) -> bool {
    let is_path = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b' ')
    };
    input[0] == b'/' && input.iter().all(is_path)
}

/// Whether a text under a sensitive key is something that such keys also have and that is no secret.
#[inline]
pub(crate) fn is_no_secret(class: KeyClass, input: &[u8]) -> bool {
    match class {
        KeyClass::Address => is_machine_address(input),
        KeyClass::Password if is_directory(input) => true,
        _ => class.is_secret() && is_absent_value(input),
    }
}

/// A number with the precision of a place: `52.520008`.
pub(crate) fn is_coordinate(text: &[u8]) -> bool {
    let number = text.strip_prefix(b"-").unwrap_or(text);
    let whole = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let decimals = number.get(whole + 1..).unwrap_or_default();
    (1..=3).contains(&whole)
        && number.get(whole) == Some(&b'.')
        && decimals.len() >= 3
        && decimals.iter().all(u8::is_ascii_digit)
}

/// The class of a text: that of its key, unless the key names a secret only if the text looks drawn.
pub(crate) fn class_of_text(class: KeyClass, text: &[u8]) -> KeyClass {
    if class == KeyClass::Drawn && !detect::is_drawn_value(text) { KeyClass::Plain } else { class }
}
