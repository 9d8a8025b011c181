//! The key files: creating, loading, replacing and wiping them.
//!
//! | file | content | where to keep it |
//! |---|---|---|
//! | `audit.pub` | verifier key of epoch 0, the root of trust | with everyone who verifies |
//! | `audit.mac` | K_0 of the chain | with everyone who verifies, off the host |
//! | `keys/epoch.key` | Ed25519 key of the current epoch | the host |
//! | `keys/chain.key` | the ratchet's current key | the host |
//!
//! Promises: a secret is created with mode 0600 and never over an existing file. A secret that others can read, or that
//! is not a regular file, is not loaded. Replacing is one step (a crash leaves the old or the new file); afterwards the
//! old bytes are overwritten, as far as the file system writes in place. Secrets in memory are overwritten when
//! dropped. All calls block on the disk. Storage and randomness are parameters.
use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::{Zeroize, Zeroizing};

use super::note::{NoteError, Signer, Verifier};
use ringseal_base::digest::text::{Base64, base64_array, put_base64};
use ringseal_base::digest::{Hash, hkdf};
use ringseal_base::storage::Storage;

mod error;
mod file;
mod statement;
#[cfg(test)]
mod tests;

pub use error::KeyError;
pub use file::{create_secret, load_secret, replace_secret, wipe_secret};
pub use statement::{sign_statement, verify_statement};

/// The `info` of the ratchet's HKDF-Expand.
pub const RATCHET_INFO: &[u8] = b"ringseal audit ratchet v1";

const SET_ASIDE_INFO: &[u8] = b"ringseal audit set aside v1";
/// More keys than this are not followed: they would take minutes.
const CONTINUED_KEYS_MAX: u64 = 1 << 32;

const MAC_PREFIX: &str = "ringseal-mac-v1 ";
const CHAIN_PREFIX: &str = "ringseal-chain-v1 ";

/// A source of randomness: fills the buffer with unpredictable bytes or returns an error.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<(), KeyError>;

/// The operating system's randomness.
pub fn system_random(buffer: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(buffer).map_err(|error| KeyError::Random { reason: error.to_string() })
}

/// A key of the chain's MAC: K_0, or a key that the ratchet derives from it.
#[derive(Clone)]
pub struct ChainKey(Zeroizing<Hash>);

impl ChainKey {
    /// A key from these bytes.
    pub fn new(bytes: Hash) -> ChainKey {
        ChainKey(Zeroizing::new(bytes))
    }

    /// A new start key.
    pub fn generate(random: Random<'_>) -> Result<ChainKey, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random(bytes.as_mut_slice())?;
        Ok(ChainKey(bytes))
    }

    /// The bytes.
    pub fn bytes(&self) -> &Hash {
        &self.0
    }

    /// Replaces this key by the next one and overwrites it.
    pub fn ratchet(&mut self) {
        let mut next = hkdf::expand(&self.0, RATCHET_INFO);
        self.0.zeroize();
        self.0.copy_from_slice(&next);
        next.zeroize();
    }

    /// The first key of the log that continues a log set aside while this was its key.
    pub(crate) fn after_set_aside(&self) -> ChainKey {
        ChainKey::new(hkdf::expand(&self.0, SET_ASIDE_INFO))
    }

    /// The first key of a log whose predecessors used this many keys each, from the first key of the first one. `None`
    /// if that are too many to follow.
    pub(crate) fn continued(&self, chain_keys: &[u64]) -> Option<ChainKey> {
        let mut key = self.clone();
        for count in chain_keys {
            if *count > CONTINUED_KEYS_MAX {
                return None;
            }
            (0..*count).for_each(|_| key.ratchet());
            key = key.after_set_aside();
        }
        Some(key)
    }

    /// The content of `audit.mac`.
    pub fn mac_text(&self) -> Zeroizing<String> {
        let mut text = MAC_PREFIX.as_bytes().to_vec();
        text.reserve_exact(44);
        put_base64(Base64::Url, self.bytes(), &mut text);
        text.push(b'\n');
        Zeroizing::new(String::from_utf8(text).unwrap_or_default())
    }

    /// The content of `keys/chain.key` when `seq` entries are on disk.
    pub fn chain_text(&self, seq: u64) -> Zeroizing<String> {
        let mut text = format!("{CHAIN_PREFIX}{seq} ").into_bytes();
        text.reserve_exact(44);
        put_base64(Base64::Url, self.bytes(), &mut text);
        text.push(b'\n');
        Zeroizing::new(String::from_utf8(text).unwrap_or_default())
    }

    /// Parses the text of [`ChainKey::mac_text`].
    pub fn parse_mac(text: &str) -> Option<ChainKey> {
        Self::parse(text.strip_prefix(MAC_PREFIX)?)
    }

    /// Parses the text of [`ChainKey::chain_text`].
    pub fn parse_chain(text: &str) -> Option<(u64, ChainKey)> {
        let (seq, key) = text.strip_prefix(CHAIN_PREFIX)?.split_once(' ')?;
        Some((super::checkpoint::decimal(seq)?, Self::parse(key)?))
    }

    fn parse(text: &str) -> Option<ChainKey> {
        let code = text.strip_suffix('\n')?;
        base64_array(Base64::Url, code.as_bytes()).ok().map(ChainKey::new)
    }
}

impl fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChainKey")
    }
}

/// The files that [`keygen`] creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPaths {
    /// `audit.pub`.
    pub public: PathBuf,
    /// `audit.mac`.
    pub mac: PathBuf,
    /// The directory `keys` of the log.
    pub keys: PathBuf,
}

impl KeyPaths {
    /// All files in one directory, named as in the format page.
    pub fn in_dir(dir: &Path) -> KeyPaths {
        KeyPaths {
            public: dir.join("audit.pub"),
            mac: dir.join("audit.mac"),
            keys: dir.join("keys"),
        }
    }

    /// `keys/epoch.key`.
    pub fn epoch(&self) -> PathBuf {
        self.keys.join("epoch.key")
    }

    /// `keys/chain.key`.
    pub fn chain(&self) -> PathBuf {
        self.keys.join("chain.key")
    }
}

/// Creates the keys of a new log: the root epoch's key, its public half, and the chain's start key (once as
/// `audit.mac`, to be moved off the host, once as `chain.key`).
///
/// Fails before writing anything if any of the files exists. If the disk fails half-way, the files created so far stay;
/// nothing was signed with their keys.
pub fn keygen(
    storage: &dyn Storage,
    paths: &KeyPaths,
    origin: &str,
    random: Random<'_>,
) -> Result<Verifier, KeyError> {
    for path in [&paths.public, &paths.mac, &paths.epoch(), &paths.chain()] {
        file::refuse_existing(storage, path)?;
    }
    let signer = new_signer(origin, random)?;
    let start = ChainKey::generate(random)?;
    file::create_dir(storage, &paths.keys)?;
    let mut epoch = signer.secret_text();
    epoch.reserve_exact(1);
    epoch.push('\n');
    create_secret(storage, &paths.epoch(), epoch.as_bytes())?;
    create_secret(storage, &paths.chain(), start.chain_text(0).as_bytes())?;
    create_secret(storage, &paths.mac, start.mac_text().as_bytes())?;
    create_public(storage, &paths.public, signer.verifier())?;
    Ok(signer.verifier().clone())
}

/// Writes `audit.pub`. It must not exist.
pub fn create_public(storage: &dyn Storage, path: &Path, key: &Verifier) -> Result<(), KeyError> {
    file::create(storage, path, format!("{key}\n").as_bytes(), 0o644)
}

/// Generates an Ed25519 key for the log `origin`.
pub fn new_signer(origin: &str, random: Random<'_>) -> Result<Signer, KeyError> {
    check_origin(origin)?;
    let mut seed = Zeroizing::new([0; 32]);
    random(seed.as_mut_slice())?;
    Signer::new(origin, &seed).map_err(|error| KeyError::Origin { reason: error.to_string() })
}

/// Checks an origin: 1 to 200 bytes of printable ASCII without space, `+`, `"` and `\`.
pub fn check_origin(origin: &str) -> Result<(), KeyError> {
    let is_wrong = |byte: u8| !byte.is_ascii_graphic() || b"+\"\\".contains(&byte);
    if origin.is_empty() || origin.len() > 200 || origin.bytes().any(is_wrong) {
        let reason = format!(
            "expected 1 to 200 printable ASCII characters without space, +, quote and backslash, \
             found {origin:?}"
        );
        return Err(KeyError::Origin { reason });
    }
    Ok(())
}

/// The second line of an epoch's key file: a protected state exists, so that a missing one is a finding. The line is
/// in a file that cannot be replaced without the key.
pub(crate) const STATE_MARK: &str = "ringseal-state-v1";

/// Loads `keys/epoch.key`.
pub fn load_signer(storage: &dyn Storage, path: &Path) -> Result<Signer, KeyError> {
    load_marked_signer(storage, path).map(|(signer, _)| signer)
}

/// Loads `keys/epoch.key`, and whether it says that a protected state exists.
pub(crate) fn load_marked_signer(
    storage: &dyn Storage,
    path: &Path,
) -> Result<(Signer, bool), KeyError> {
    let text = load_secret(storage, path)?;
    let expected = "one line: PRIVATE+KEY+name+id+base64";
    let marked = || {
        let text = std::str::from_utf8(&text).ok()?;
        let line = text.strip_suffix('\n')?.strip_suffix(STATE_MARK)?.strip_suffix('\n')?;
        (!line.contains('\n')).then_some((line, true))
    };
    marked()
        .or_else(|| one_line(&text).map(|line| (line, false)))
        .and_then(|(line, is_marked)| Some((Signer::parse(line).ok()?, is_marked)))
        .ok_or_else(|| KeyError::Content { path: path.to_owned(), expected })
}

/// Loads `audit.mac`.
pub fn load_mac(storage: &dyn Storage, path: &Path) -> Result<ChainKey, KeyError> {
    let text = load_secret(storage, path)?;
    let expected = "one line: ringseal-mac-v1 and base64url of 32 bytes";
    std::str::from_utf8(&text)
        .ok()
        .and_then(ChainKey::parse_mac)
        .ok_or_else(|| KeyError::Content { path: path.to_owned(), expected })
}

/// Loads `keys/chain.key`: the number of entries on disk when it was written, and the key.
pub fn load_chain(storage: &dyn Storage, path: &Path) -> Result<(u64, ChainKey), KeyError> {
    let text = load_secret(storage, path)?;
    let expected = "one line: ringseal-chain-v1, a number and base64url of 32 bytes";
    std::str::from_utf8(&text)
        .ok()
        .and_then(ChainKey::parse_chain)
        .ok_or_else(|| KeyError::Content { path: path.to_owned(), expected })
}

/// Loads `audit.pub`.
pub fn load_verifier(storage: &dyn Storage, path: &Path) -> Result<Verifier, KeyError> {
    let text = file::load_public(storage, path)?;
    let content = |expected| KeyError::Content { path: path.to_owned(), expected };
    if let Some(problem) = changed_by_copying(&text) {
        return Err(content(problem));
    }
    let line = one_line(&text).ok_or_else(|| content("one line: name+id+base64"))?;
    Verifier::parse(line).map_err(|error| match error {
        NoteError::Key { expected } => content(expected),
        _ => content("one line: name+id+base64"),
    })
}

/// How a text editor or a copy as text has changed a file, with what to do.
fn changed_by_copying(text: &[u8]) -> Option<&'static str> {
    if text.starts_with(b"\xEF\xBB\xBF") {
        return Some(
            "one line: name+id+base64, found a byte order mark before it: copy the file as bytes, or remove the mark",
        );
    }
    text.contains(&b'\r').then_some(
        "one line: name+id+base64 and a newline alone, found a carriage return (CR LF): copy the file as bytes, or \
         remove the carriage return",
    )
}

/// The only line of a file. Its newline may be missing, because people copy keys by hand.
fn one_line(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    if line.contains('\n') { None } else { Some(line) }
}
