//! Signed notes (C2SP signed-note): a text followed by Ed25519 signatures.
//!
//! [`Note`] parses a note, [`Verifier`] is a public key with its name (vkey), [`Signer`] a private key
//! (skey, in the format of Go's `sumdb/note`).
//!
//! Promises: nothing blocks; any bytes give a note or a typed error. Parsing allocates the list of
//! signatures, signing allocates the text it returns. Private keys are overwritten when dropped and never
//! printed. Signatures are checked strictly (`verify_strict`: no small-order keys, one encoding per
//! signature).
use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use ringseal_base::digest::text::{Base64, base64, base64_array, decode_base64, hex, hex_array};
use ringseal_base::digest::{HmacSha256, Sha256};

/// The beginning of a signature line: an em dash and a space.
const DASH: &str = "\u{2014} ";
/// The algorithm byte of Ed25519.
const ED25519: u8 = 1;
const PRIVATE: &str = "PRIVATE+KEY+";
/// Separates the use of a private key for the protected state from its use for signatures.
const STATE_INFO: &[u8] = b"ringseal audit state v1";
const PLAN_INFO: &[u8] = b"ringseal audit set aside plan v1";
/// Greatest number of signatures. C2SP requires verifiers to accept at least 16.
pub const SIGNATURES_MAX: usize = 64;
/// A longer note is rejected without reading it.
pub const NOTE_BYTES_MAX: usize = 1 << 20;

/// Why a note or key is malformed, or a signature is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteError {
    /// Longer than [`NOTE_BYTES_MAX`] or with more than [`SIGNATURES_MAX`] signatures.
    TooLong,
    /// Not UTF-8, or a control character other than a newline at this byte.
    Character {
        /// Offset of the byte.
        at: usize,
    },
    /// No empty line before the signatures, no signatures, or no newline at the end.
    Shape,
    /// A signature line is not `— name base64`.
    SignatureLine {
        /// Number of the line, from 1.
        number: usize,
    },
    /// There is no signature by this key.
    UnknownKey {
        /// The requested key: `name+id`.
        key: String,
    },
    /// The signature by this key is wrong.
    BadSignature {
        /// The key: `name+id`.
        key: String,
    },
    /// A text that is not `name+id+base64` of an Ed25519 key with its id.
    Key {
        /// What was expected.
        expected: &'static str,
    },
    /// A name that is empty or contains white space or a plus sign.
    Name,
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoteError::TooLong => f.write_str("a note longer than the limit"),
            NoteError::Character { at } => write!(f, "byte {at} is not allowed in a note"),
            NoteError::Shape => f.write_str(
                "expected text, an empty line, and signatures, each line ended by a newline",
            ),
            NoteError::SignatureLine { number } => {
                write!(f, "signature line {number}: expected an em dash, a name and base64")
            }
            NoteError::UnknownKey { key } => write!(f, "no signature by {key}"),
            NoteError::BadSignature { key } => write!(f, "the signature by {key} is wrong"),
            NoteError::Key { expected } => write!(f, "not a key: expected {expected}"),
            NoteError::Name => {
                f.write_str("expected a key name that is not empty and has no white space and no +")
            }
        }
    }
}

impl std::error::Error for NoteError {}

/// A parsed signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature<'a> {
    /// The key's name.
    pub name: &'a str,
    /// The key's id.
    pub key_id: [u8; 4],
    /// The bytes after the id: 64 for Ed25519.
    pub bytes: Vec<u8>,
}

/// A parsed note; nothing in it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// The signed text, with its last newline.
    pub text: &'a str,
    /// The signatures.
    pub signatures: Vec<NoteSignature<'a>>,
}

impl<'a> Note<'a> {
    /// Parses a note.
    pub fn parse(bytes: &'a [u8]) -> Result<Note<'a>, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong);
        }
        let whole = std::str::from_utf8(bytes)
            .map_err(|error| NoteError::Character { at: error.valid_up_to() })?;
        if let Some(at) = bytes.iter().position(|byte| *byte < 0x20 && *byte != b'\n') {
            return Err(NoteError::Character { at });
        }
        let end = whole.rfind("\n\n").ok_or(NoteError::Shape)?;
        let (text, rest) = (&whole[..=end], &whole[end + 2..]);
        if rest.is_empty() || !rest.ends_with('\n') {
            return Err(NoteError::Shape);
        }
        let mut signatures = Vec::new();
        for (at, line) in rest.lines().enumerate() {
            if at == SIGNATURES_MAX {
                return Err(NoteError::TooLong);
            }
            let signature = signature_line(line);
            signatures.push(signature.ok_or(NoteError::SignatureLine { number: at + 1 })?);
        }
        Ok(Note { text, signatures })
    }

    /// Whether there is a signature with this key's name and id, verified or not.
    pub fn is_signed_by(&self, key: &Verifier) -> bool {
        self.signatures.iter().any(|signature| key.is_named_by(signature))
    }

    /// Checks every signature by `key`. There must be at least one, and all must be valid.
    pub fn verify(&self, key: &Verifier) -> Result<(), NoteError> {
        let mut found = false;
        for signature in self.signatures.iter().filter(|signature| key.is_named_by(signature)) {
            let bytes = <&[u8; 64]>::try_from(signature.bytes.as_slice());
            if !bytes.is_ok_and(|bytes| key.verify(self.text.as_bytes(), bytes)) {
                return Err(NoteError::BadSignature { key: key.short() });
            }
            found = true;
        }
        if found { Ok(()) } else { Err(NoteError::UnknownKey { key: key.short() }) }
    }
}

fn signature_line(line: &str) -> Option<NoteSignature<'_>> {
    let (name, code) = line.strip_prefix(DASH)?.split_once(' ')?;
    check_name(name).ok()?;
    let mut bytes = Vec::with_capacity(68);
    decode_base64(Base64::Standard, code.as_bytes(), &mut bytes).ok()?;
    let (key_id, rest) = bytes.split_first_chunk::<4>()?;
    if rest.is_empty() {
        return None;
    }
    Some(NoteSignature { name, key_id: *key_id, bytes: rest.to_vec() })
}

fn check_name(name: &str) -> Result<(), NoteError> {
    let is_wrong = |c: char| c.is_whitespace() || c == '+' || c < ' ';
    if name.is_empty() || name.contains(is_wrong) { Err(NoteError::Name) } else { Ok(()) }
}

fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(name.as_bytes());
    hash.update(&[b'\n', ED25519]);
    hash.update(public);
    let [a, b, c, d, ..] = hash.finish();
    [a, b, c, d]
}

/// An Ed25519 public key with its name.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl Verifier {
    /// The key with these 32 bytes (RFC 8032) under this name.
    pub fn new(name: &str, public: &[u8; 32]) -> Result<Verifier, NoteError> {
        check_name(name)?;
        let wrong = NoteError::Key { expected: "a point of Ed25519 that is not of small order" };
        let key = VerifyingKey::from_bytes(public).map_err(|_| wrong.clone())?;
        if key.is_weak() {
            return Err(wrong);
        }
        Ok(Verifier { name: name.to_owned(), id: key_id(name, public), key })
    }

    /// Reads a vkey: `name+id+base64`.
    ///
    /// ```
    /// use ringseal_audit::note::Verifier;
    /// let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    /// assert_eq!(Verifier::parse(text).unwrap().to_string(), text);
    /// ```
    pub fn parse(text: &str) -> Result<Verifier, NoteError> {
        let (name, id, public) = key_parts(text, "name+id+base64 of 0x01 and 32 bytes")?;
        let verifier = Verifier::new(name, &public)?;
        if verifier.id != id {
            return Err(NoteError::Key { expected: "the id that belongs to this name and key" });
        }
        Ok(verifier)
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The 32 bytes of the key.
    pub fn public_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// `name+id`, for messages.
    pub fn short(&self) -> String {
        format!("{}+{}", self.name, hex(&self.id))
    }

    /// Whether `signature` is this key's over `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }

    fn is_named_by(&self, signature: &NoteSignature<'_>) -> bool {
        signature.name == self.name && signature.key_id == self.id
    }
}

impl fmt::Display for Verifier {
    /// The vkey.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [ED25519; 33];
        bytes[1..].copy_from_slice(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex(&self.id), base64(Base64::Standard, &bytes))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({self})")
    }
}

/// Name, id and the 32 bytes of a key.
type KeyParts<'a> = (&'a str, [u8; 4], Zeroizing<[u8; 32]>);

/// `name+id+base64`, where the name has no plus sign.
fn key_parts<'a>(text: &'a str, expected: &'static str) -> Result<KeyParts<'a>, NoteError> {
    let wrong = || NoteError::Key { expected };
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(code)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong());
    };
    let id = hex_array(id.as_bytes()).map_err(|_| wrong())?;
    let bytes: [u8; 33] = base64_array(Base64::Standard, code.as_bytes()).map_err(|_| wrong())?;
    let bytes = Zeroizing::new(bytes);
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&bytes[1..]);
    if bytes[0] == ED25519 { Ok((name, id, key)) } else { Err(wrong()) }
}

/// An Ed25519 private key with its name.
pub struct Signer {
    verifier: Verifier,
    key: SigningKey,
}

impl Signer {
    /// The key with this seed (RFC 8032) under this name.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Signer, NoteError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = Verifier::new(name, key.verifying_key().as_bytes())?;
        Ok(Signer { verifier, key })
    }

    /// Reads an skey: `PRIVATE+KEY+name+id+base64`.
    pub fn parse(text: &str) -> Result<Signer, NoteError> {
        let expected = "PRIVATE+KEY+name+id+base64 of 0x01 and 32 bytes";
        let rest = text.strip_prefix(PRIVATE).ok_or(NoteError::Key { expected })?;
        let (name, id, seed) = key_parts(rest, expected)?;
        let signer = Signer::new(name, &seed)?;
        if signer.verifier.id != id {
            return Err(NoteError::Key { expected: "the id that belongs to this name and key" });
        }
        Ok(signer)
    }

    /// The skey, for the key's file.
    pub fn secret_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([ED25519; 33]);
        bytes[1..].copy_from_slice(self.key.as_bytes());
        let code = Zeroizing::new(base64(Base64::Standard, bytes.as_slice()));
        let Verifier { name, id, .. } = &self.verifier;
        Zeroizing::new(format!("{PRIVATE}{name}+{}+{}", hex(id), *code))
    }

    /// The MAC key of the log's protected state while the chain's key is `chain`.
    pub(crate) fn state_key(&self, chain: &[u8; 32]) -> [u8; 32] {
        let mut input = Zeroizing::new([0; STATE_INFO.len() + 32]);
        let (info, rest) = input.split_at_mut(STATE_INFO.len());
        info.copy_from_slice(STATE_INFO);
        rest.copy_from_slice(chain);
        HmacSha256::new(self.key.as_bytes()).of(&*input)
    }

    /// The MAC of a plan to set a log aside.
    pub(crate) fn plan_mac(&self, plan: &[u8]) -> [u8; 32] {
        let key = Zeroizing::new(HmacSha256::new(self.key.as_bytes()).of(PLAN_INFO));
        HmacSha256::new(key.as_slice()).of(plan)
    }

    /// The public half.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Signs bytes without framing.
    pub fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    /// The signature line of `text`, with its newline.
    pub fn signature_line(&self, text: &str) -> String {
        let mut bytes = [0; 68];
        bytes[..4].copy_from_slice(&self.verifier.id);
        bytes[4..].copy_from_slice(&self.sign_bytes(text.as_bytes()));
        format!("{DASH}{} {}\n", self.verifier.name, base64(Base64::Standard, &bytes))
    }

    /// Signs `text`, which must end in a newline and contain no other control characters; returns the note.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        if !text.ends_with('\n') {
            return Err(NoteError::Shape);
        }
        if let Some(at) = text.bytes().position(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::Character { at });
        }
        Ok(format!("{text}\n{}", self.signature_line(text)))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier.short())
    }
}

#[cfg(test)]
#[path = "note_tests.rs"]
mod tests;
