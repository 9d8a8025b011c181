//! The keys of fields as written: renamed, or with the prefix `field.` where a member of the line has the key.
use crate::encode::Out;
use crate::encode::layout::json_options::JsonOptions;
use crate::encode::layout::key_bit;
use crate::encode::layout::line_keys::LineKey;
use crate::encode::layout::profile::{ErrorKey, Member};

/// The keys that a layout uses, of those that fields could have.
#[derive(Debug)]
pub(in crate::encode::layout) struct Names {
    /// The keys of members among which fields are written.
    reserved: Vec<Vec<u8>>,
    /// One bit for each length of `reserved`.
    reserved_lens: u64,
    /// Keys of fields, with those in their place.
    renamed: Vec<(&'static [u8], Vec<u8>)>,
    /// The keys of the members that an error becomes.
    pub(in crate::encode::layout) errors: Vec<Vec<u8>>,
    /// The bits of `error` and of the members that an error becomes; zero if it stays one member.
    pub(in crate::encode::layout) error_bits: u64,
}

/// The key of the field that may become several members.
pub(in crate::encode::layout) const ERROR: &[u8] = b"error";

impl Names {
    pub(in crate::encode::layout) fn new(options: &JsonOptions) -> Self {
        let key_of = |key| options.keys.get(key).as_bytes().to_vec();
        let is_renamed = |key: &LineKey| options.keys.get(*key) != key.as_str();
        let renamed: Vec<_> = LineKey::FIELDS
            .into_iter()
            .filter(is_renamed)
            .map(|key| (key.as_str().as_bytes(), key_of(key)))
            .collect();
        let mut reserved: Vec<Vec<u8>> = renamed.iter().map(|(_, key)| key.clone()).collect();
        if options.profile.nested.is_none() {
            reserved.extend([LineKey::Stack, LineKey::SampleRate].map(key_of));
            reserved.extend(options.profile.members().filter_map(|member| match member {
                Member::Key(key) => Some(key_of(key)),
                Member::Field(..) => None,
            }));
        }
        let errors = error_keys(options);
        let mut bits = errors.iter().fold(0, |bits, key| bits | key_bit(key));
        if !errors.is_empty() {
            bits |= key_bit(ERROR);
        }
        let reserved_lens = reserved.iter().fold(0, |lens, key| lens | len_bit(key));
        Self { reserved, reserved_lens, renamed, errors, error_bits: bits }
    }

    /// The prefix of a field's key: `field.` if a member of the line has this key, or a member that the line's error
    /// becomes.
    #[inline]
    pub(in crate::encode::layout) fn prefix(&self, key: &[u8], has_error: bool) -> &'static [u8] {
        let mut unprefixed = key;
        while let Some(rest) = unprefixed.strip_prefix(b"field.") {
            unprefixed = rest;
        }
        let is_reserved = self.reserved_lens & len_bit(unprefixed) != 0
            && self.reserved.iter().any(|other| other == unprefixed);
        if is_reserved || has_error && self.is_of_error(unprefixed) { b"field." } else { b"" }
    }

    fn is_of_error(&self, key: &[u8]) -> bool {
        key != ERROR && self.errors.iter().any(|other| other == key)
    }

    /// The key in place of a field's key that has no prefix.
    #[inline]
    pub(in crate::encode::layout) fn shown<'a>(&'a self, key: &'a [u8]) -> &'a [u8] {
        let found = self.renamed.iter().find(|(from, _)| *from == key);
        found.map_or(key, |(_, to)| to)
    }

    /// Writes the key of a field, without quotes.
    #[inline]
    pub(in crate::encode::layout) fn write(&self, out: &mut Out<'_>, key: &[u8], has_error: bool) {
        match self.prefix(key, has_error) {
            b"" => out.string_part(self.shown(key)),
            prefix => {
                out.raw(prefix);
                out.string_part(key);
            }
        }
    }
}

fn len_bit(key: &[u8]) -> u64 {
    1 << key.len().min(63)
}

/// The keys of the members that an error becomes.
pub(in crate::encode::layout) fn error_keys(options: &JsonOptions) -> Vec<Vec<u8>> {
    let own = options.keys.get(LineKey::Error);
    let key = |key| match key {
        ErrorKey::Own => own.to_owned(),
        ErrorKey::Suffixed(suffix) => format!("{own}{suffix}"),
        ErrorKey::Fixed(key) => key.to_owned(),
    };
    options.profile.errors.iter().map(|member| key(member.key).into_bytes()).collect()
}
