//! The members of a line that are constant for a call site.
use crate::encode::layout::json_options::JsonOptions;
use crate::encode::layout::line_keys::LineKey;
use crate::encode::layout::rendered;
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

/// The key of a member with comma and colon.
pub(super) fn member_key(options: &JsonOptions, key: LineKey) -> Fragment {
    key_member(options.keys.get(key).as_bytes())
}

/// A key with comma and colon.
pub(super) fn key_member(key: &[u8]) -> Fragment {
    Fragment::new(&rendered(|out| {
        out.raw(b",");
        out.string_lossy(key);
        out.raw(b":");
    }))
}
