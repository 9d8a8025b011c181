//! Call sites of this process for those of another one.
//!
//! Promises: equal descriptions get the same call site: one of this process that has the same data and is registered,
//! otherwise one that is allocated, registered and never freed. Those are bounded for the life of the process, in
//! number and in bytes of their texts; beyond that there is none. Takes locks and allocates. Names and keys may be any
//! texts.
use std::collections::HashMap;

use parking_lot::Mutex;

use super::sites::SiteEntry;
use crate::core::Level;
use crate::core::callsite::{Callsite, Metadata};
use crate::core::registry;

/// The most call sites that are made for other processes.
const SITES_MAX: usize = 1 << 16;

/// The most bytes of their texts and keys.
const BYTES_MAX: usize = 16 << 20;

static ADOPTER: Mutex<Option<Adopter>> = Mutex::new(None);

/// The call site of this process for one of another process; `None` if too many were made.
pub fn adopt(entry: &SiteEntry) -> Option<&'static Callsite> {
    let mut adopter = ADOPTER.lock();
    adopter.get_or_insert_with(|| Adopter::new(SITES_MAX, BYTES_MAX)).adopt(entry)
}

/// What makes two call sites the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Content<'a> {
    level: Level,
    event: &'a str,
    target: &'a str,
    file: &'a str,
    line: u32,
    keys: &'a [&'a str],
    message: Option<usize>,
    is_foreign: bool,
}

impl<'a> Content<'a> {
    fn of_site(site: &'static Callsite) -> Content<'static> {
        let Metadata { level, event, target, file, line, keys } = *site.metadata();
        let (message, is_foreign) = (site.message(), site.is_foreign());
        Content { level, event, target, file, line, keys, message, is_foreign }
    }

    /// A message without a key is none; see [`Callsite::adopted`].
    fn of_entry(entry: &'a SiteEntry, keys: &'a [&'a str]) -> Content<'a> {
        let message = entry.message.map(usize::from);
        Content {
            level: entry.level,
            event: &entry.event,
            target: &entry.target,
            file: &entry.file,
            line: entry.line,
            keys,
            message: message.filter(|index| entry.is_foreign && *index < keys.len()),
            is_foreign: entry.is_foreign,
        }
    }

    /// The bytes that a copy takes.
    fn len_bytes(&self) -> usize {
        let texts = [self.event, self.target, self.file];
        let texts = texts.iter().chain(self.keys).map(|text| text.len()).sum::<usize>();
        texts + size_of_val(self.keys)
    }

    fn leak(&self) -> &'static Callsite {
        let text = |text: &str| -> &'static str { Box::leak(Box::from(text)) };
        let keys: Vec<&'static str> = self.keys.iter().map(|key| text(key)).collect();
        let metadata = Metadata {
            level: self.level,
            event: text(self.event),
            target: text(self.target),
            file: text(self.file),
            line: self.line,
            keys: Box::leak(keys.into()),
        };
        Box::leak(Box::new(Callsite::adopted(metadata, self.is_foreign, self.message)))
    }
}

type Known<'a> = HashMap<Content<'a>, &'static Callsite>;

struct Adopter {
    known: Known<'static>,
    /// How many call sites of the registry are in `known`.
    registered: usize,
    sites_left: usize,
    bytes_left: usize,
}

impl Adopter {
    fn new(sites_max: usize, bytes_max: usize) -> Adopter {
        let known = Known::new();
        Adopter { known, registered: 0, sites_left: sites_max, bytes_left: bytes_max }
    }

    fn adopt(&mut self, entry: &SiteEntry) -> Option<&'static Callsite> {
        self.note_registered();
        let keys: Vec<&str> = entry.keys.iter().map(|key| &**key).collect();
        let content = Content::of_entry(entry, &keys);
        if let Some(found) = find(&self.known, &content) {
            return Some(found);
        }
        let (sites, bytes) = (self.sites_left, self.bytes_left);
        self.sites_left = sites.checked_sub(1)?;
        let Some(left) = bytes.checked_sub(content.len_bytes()) else {
            self.sites_left = sites;
            return None;
        };
        self.bytes_left = left;
        let site = content.leak();
        registry::assign_id(site);
        self.known.insert(Content::of_site(site), site);
        Some(site)
    }

    /// Takes note of the call sites that were registered since the last call.
    fn note_registered(&mut self) {
        let new = registry::callsites_after(self.registered);
        self.registered += new.len();
        for site in new {
            self.known.entry(Content::of_site(site)).or_insert(site);
        }
    }
}

/// Looks up a description that lives shorter than those in the map.
fn find<'m>(known: &Known<'m>, content: &Content<'m>) -> Option<&'static Callsite> {
    known.get(content).copied()
}

#[cfg(test)]
mod tests {
    use ringseal_base::value::tag;

    use super::*;
    use crate::core::registry::callsite;
    use crate::encode::layout::{
        ConsoleLayout, ConsoleOptions, ConsoleStyle, EcsLayout, EcsOptions, Event, JsonLayout,
        JsonOptions, Layout, Source,
    };

    fn entry(event: &str, keys: &[&str], message: Option<u16>, is_foreign: bool) -> SiteEntry {
        SiteEntry {
            level: Level::Warn,
            event: event.into(),
            target: "adopt".into(),
            file: "src/gone.rs".into(),
            line: 7,
            keys: keys.iter().map(|key| Box::from(*key)).collect(),
            message,
            is_foreign,
        }
    }

    #[test]
    fn an_identical_site_is_reused() {
        static OWN: Callsite = Callsite::new(Metadata {
            level: Level::Warn,
            event: "own",
            target: "adopt",
            file: "src/gone.rs",
            line: 7,
            keys: &["a", "b"],
        });
        registry::assign_id(&OWN);
        let same = adopt(&entry("own", &["a", "b"], None, false)).unwrap();
        assert!(std::ptr::eq(same, &OWN));
        for other in [
            entry("own", &["b", "a"], None, false),
            entry("own", &["a", "b"], None, true),
            entry("own", &["a", "b"], Some(0), true),
            SiteEntry { line: 8, ..entry("own", &["a", "b"], None, false) },
        ] {
            let site = adopt(&other).unwrap();
            assert!(!std::ptr::eq(site, &OWN), "{other:?}");
            assert!(std::ptr::eq(site, adopt(&other).unwrap()), "adopted once: {other:?}");
            assert!(std::ptr::eq(site, callsite(site.id()).unwrap()));
        }
    }

    /// They decide how its events are shown.
    #[test]
    fn message_and_origin_are_kept() {
        for (message, is_foreign, expected) in [
            (None, false, None),
            (Some(1), false, None),
            (None, true, None),
            (Some(1), true, Some(1)),
            (Some(2), true, None),
            (Some(u16::MAX - 1), true, None),
        ] {
            let site = adopt(&entry("shown", &["a", "b"], message, is_foreign)).unwrap();
            assert_eq!((site.message(), site.is_foreign()), (expected, is_foreign));
        }
        assert!(adopt(&entry("free", &[], None, true)).unwrap().has_free_keys());
        assert!(adopt(&entry("free", &[], None, true)).unwrap().has_sampling_key());
    }

    #[test]
    fn adoption_is_bounded() {
        let mut adopter = Adopter::new(2, 120);
        let own = entry("bounded", &["k"], None, false);
        let own_bytes = "boundedadoptsrc/gone.rsk".len() + size_of::<&str>();
        let site = adopter.adopt(&own).unwrap();
        assert_eq!((adopter.sites_left, adopter.bytes_left), (1, 120 - own_bytes));
        let long = "x".repeat(120);
        assert!(adopter.adopt(&entry(&long, &[], None, false)).is_none(), "too long");
        assert!(adopter.adopt(&entry("bounded", &[""; 9], None, false)).is_none(), "keys count");
        assert!(adopter.adopt(&entry("bounded", &[], None, false)).is_some(), "short enough");
        assert!(adopter.adopt(&entry("b", &[], None, false)).is_none(), "too many");
        assert!(std::ptr::eq(adopter.adopt(&own).unwrap(), site), "known ones are found");
    }

    fn layouts() -> [Layout; 3] {
        let ecs = EcsLayout::new(EcsOptions::new(), JsonOptions::default());
        let console = ConsoleLayout::new(ConsoleOptions::of(ConsoleStyle::Console));
        [
            Layout::Json(Box::new(JsonLayout::new(JsonOptions::default()))),
            Layout::Ecs(Box::new(ecs)),
            Layout::Console(Box::new(console)),
        ]
    }

    #[test]
    fn names_that_macros_refuse_are_adopted() {
        let keys = ["", "", "a", "a", "a.b", "level", "\n\"{}\0", "timestamp", "ä\u{2028}"];
        for (event, is_foreign) in [("", false), ("{}", true), ("\n\"\u{0}", false)] {
            let entry = entry(event, &keys, Some(3), is_foreign);
            let site = adopt(&entry).unwrap();
            assert_eq!((site.metadata().event, site.metadata().keys), (event, &keys[..]));
            assert_ne!(site.id(), 0);
            for mut layout in layouts() {
                let event = Event {
                    unix_nanos: 7,
                    level: Level::Warn,
                    source: Source::Site(site),
                    payload: &[tag::NULL; 9],
                    scope: None,
                    has_stack: false,
                    sample_rate: None,
                };
                let mut line = Vec::new();
                layout.line(&event, &mut line).unwrap();
                assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
            }
        }
    }
}
