//! Sites of calls of an interface that has no static per call site, such as `log` and `slog`.
//!
//! The address of the file's name, the line, the level and the address of the module's path identify a call. The target
//! is compared by its content: one that a program builds at run time may have the address of an earlier one.
//!
//! Promises: each thread has a table of the calls that it made lately: a look-up takes no lock, does not allocate, and
//! the table has no destructor. The table of the process is read under a lock that only the first event of a call takes
//! for writing. Both keep calls for the life of the process, a bounded number of them.
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;

use parking_lot::RwLock;

use super::site::Site;
use crate::core::level::Level;

/// How many calls a thread finds without a lock.
const RECENT: usize = 256;

/// The most calls with a target that is not the path of their module, so that targets of run time leave room for the
/// others.
const OWN_TARGETS_MAX: usize = 1024;

/// A call of another logging interface.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    place: Place,
    module: Option<&'static str>,
    target: &'a str,
}

/// A call, but for its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    /// The address of the file's name; 0 if it was built at run time.
    file: usize,
    line: u32,
    level: Level,
    /// The address and the length of the module's path, as for `file`.
    module: (usize, usize),
}

impl<'a> Call<'a> {
    /// A call of which nothing but level and target is known.
    pub fn new(level: Level, target: &'a str) -> Self {
        Call { place: Place { file: 0, line: 0, level, module: (0, 0) }, module: None, target }
    }

    /// With this place in the source. The name must be a constant of the program, not a text that was made to live as
    /// long.
    #[must_use]
    pub fn at(mut self, file: &'static str, line: u32) -> Self {
        (self.place.file, self.place.line) = (file.as_ptr().addr(), line);
        self
    }

    /// With the path of this module, a constant as well.
    #[must_use]
    pub fn in_module(mut self, module: &'static str) -> Self {
        self.place.module = (module.as_ptr().addr(), module.len());
        self.module = Some(module);
        self
    }

    fn hash(&self) -> usize {
        let Place { file, line, level, module } = self.place;
        let mixed = (file >> 3)
            ^ (line as usize).wrapping_mul(0x9E37_79B9)
            ^ (level as usize) << 5
            ^ module.0
            ^ self.target.len() << 2;
        (mixed ^ mixed >> 8) % RECENT
    }
}

/// The sites of a call.
#[derive(Debug, Clone, Copy)]
pub struct CallSite {
    /// That of its events.
    pub site: &'static Site,
    /// That of its critical events, if the call decides about the level with each event.
    pub critical: Option<&'static Site>,
}

#[derive(Debug)]
struct Entry {
    /// The address of the table that it belongs to.
    table: usize,
    place: Place,
    target: &'static str,
    sites: CallSite,
}

#[derive(Default)]
struct Known {
    entries: HashMap<Place, HashMap<&'static str, &'static Entry>>,
    own_targets: usize,
}

/// The calls of one interface: a static of its bridge.
///
/// ```
/// use ringseal::bridge::{Call, CallSite, CallSites, Site, SiteMeta};
/// use ringseal::{Level, testing::Capture};
/// static CALLS: CallSites = CallSites::new();
///
/// let (engine, capture) = Capture::start();
/// let log = engine.logger();
/// for turn in 0..2 {
///     let call = Call::new(Level::Info, module_path!()).at(file!(), line!()).in_module(module_path!());
///     let add = || {
///         let meta = SiteMeta::new(Level::Info, module_path!(), "turned").keys(&["turn"]);
///         Some(CallSite { site: Site::intern(&meta)?, critical: None }) // once
///     };
///     CALLS.get(&call, add).expect("few calls").site.emit(&log, &|fields| fields.field("turn", &turn));
/// }
/// assert_eq!(capture.events_named("turned").len(), 2);
/// ```
#[derive(Default)]
pub struct CallSites {
    known: RwLock<Option<Known>>,
}

impl fmt::Debug for CallSites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSites").finish_non_exhaustive()
    }
}

thread_local! {
    /// The calls that the thread made last, by their hash.
    static LATELY: [Cell<Option<&'static Entry>>; RECENT] = const { [const { Cell::new(None) }; RECENT] };
}

impl CallSites {
    /// No calls yet.
    pub const fn new() -> Self {
        CallSites { known: RwLock::new(None) }
    }

    /// The sites of the call. If it is new, `add` makes them, outside of locks. `None` if it cannot, or if there are
    /// too many calls.
    #[inline]
    pub fn get(
        &'static self,
        call: &Call<'_>,
        add: impl FnOnce() -> Option<CallSite>,
    ) -> Option<CallSite> {
        LATELY.with(|lately| {
            let lately = &lately[call.hash()];
            let entry = match lately.get() {
                Some(entry) if self.is_entry_of(entry, call) => entry,
                _ => {
                    let entry = self.find_or_add(call, add)?;
                    lately.set(Some(entry));
                    entry
                }
            };
            Some(entry.sites)
        })
    }

    fn address(&'static self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn is_entry_of(&'static self, entry: &Entry, call: &Call<'_>) -> bool {
        entry.table == self.address() && entry.place == call.place && entry.target == call.target
    }

    #[cold]
    #[inline(never)]
    fn find_or_add(
        &'static self,
        call: &Call<'_>,
        add: impl FnOnce() -> Option<CallSite>,
    ) -> Option<&'static Entry> {
        let find = |known: &Known| known.entries.get(&call.place)?.get(call.target).copied();
        let has_own_target = call.module != Some(call.target);
        let is_full = |known: &Known| has_own_target && known.own_targets >= OWN_TARGETS_MAX;
        let known = self.known.read();
        if let Some(entry) = known.as_ref().and_then(find) {
            return Some(entry);
        }
        // Before a site is made, of which there is a bounded number as well.
        if known.as_ref().is_some_and(is_full) {
            return None;
        }
        drop(known);
        // What `add` reads of an event may log.
        let sites = add()?;
        let mut known = self.known.write();
        let known = known.get_or_insert_default();
        if let Some(entry) = find(known) {
            return Some(entry);
        }
        if is_full(known) {
            return None;
        }
        known.own_targets += usize::from(has_own_target);
        let target = sites.site.target();
        let entry = Entry { table: self.address(), place: call.place, target, sites };
        let entry: &'static Entry = Box::leak(Box::new(entry));
        known.entries.entry(call.place).or_default().insert(target, entry);
        Some(entry)
    }
}
