//! The members of a line that are constant for a call site.
use crate::encode::layout::json::names::Names;
use crate::encode::layout::json_options::JsonOptions;
use crate::encode::layout::line_keys::LineKey;
use crate::encode::layout::scope::{Id, Scope};
use crate::encode::layout::{key_bit, rendered};
use crate::encode::{Fragment, Out};

/// A member whose value is constant for a call site: its text up to the value, with the comma.
#[derive(Debug)]
pub(super) enum Constant {
    Level(Fragment),
    Target(Fragment),
    Event(Fragment),
    /// With its value, for the lines that have it.
    Run(Fragment),
}

impl Constant {
    pub(super) fn new(key: LineKey, options: &JsonOptions) -> Option<Self> {
        let key_of = |key| member_key(options, key);
        let with_value = |write: &dyn Fn(&mut Out<'_>)| {
            Constant::Run(Fragment::new(&rendered(|out| {
                out.fragment(&key_of(key));
                write(out);
            })))
        };
        Some(match key {
            LineKey::Level => Constant::Level(key_of(key)),
            LineKey::Target => Constant::Target(key_of(key)),
            LineKey::Event => Constant::Event(key_of(key)),
            LineKey::RunId if options.run_id.is_empty() => return None,
            LineKey::RunId => with_value(&|out| out.string(options.run_id.as_bytes())),
            LineKey::SchemaVersion => with_value(&|out| out.u64(options.schema_version.into())),
            _ => return None,
        })
    }
}

/// The keys of the ids of a correlation, with comma and colon, and their bits.
#[derive(Debug)]
pub(super) struct IdKeys([(Id, Fragment, u64); 2]);

impl IdKeys {
    pub(super) fn new(names: &Names) -> Self {
        Self(Id::ALL.map(|id| {
            let member = rendered(|out| {
                out.raw(b",\"");
                names.write(out, id.key(), false);
                out.raw(b"\":");
            });
            (id, Fragment::new(&member), key_bit(id.key()))
        }))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Id, &Fragment, u64)> {
        self.0.iter().map(|(id, key, bit)| (*id, key, *bit))
    }

    /// The bits of the ids that there are.
    pub(super) fn bits_in(&self, scope: &Scope<'_>) -> u64 {
        let ids = self.0.iter().filter(|(id, ..)| scope.has_id(*id));
        ids.fold(0, |bits, (.., bit)| bits | bit)
    }
}

/// The key of a member with comma and colon.
pub(super) fn member_key(options: &JsonOptions, key: LineKey) -> Fragment {
    Fragment::new(&member_key_bytes(options, key))
}

/// The same as bytes.
pub(super) fn member_key_bytes(options: &JsonOptions, key: LineKey) -> Vec<u8> {
    key_bytes(options.keys.get(key).as_bytes())
}

/// A key with comma and colon.
pub(super) fn key_member(key: &[u8]) -> Fragment {
    Fragment::new(&key_bytes(key))
}

fn key_bytes(key: &[u8]) -> Vec<u8> {
    rendered(|out| {
        out.raw(b",");
        out.string_lossy(key);
        out.raw(b":");
    })
}
