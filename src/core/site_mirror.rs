//! What is to have a copy of every call site's data, such as a file that survives the process.
//!
//! Promises: a site is in every mirror before its id can be seen, so a record with an id implies the site's copy. Costs
//! nothing except at a site's registration. Mirrors are called under the registry's lock: they must not call the
//! registry, and no call site may be reached in them.
use std::sync::Arc;

use super::callsite::Callsite;

/// Takes copies of call sites.
pub trait SiteMirror: Send + Sync {
    /// A call site that gets this id. Must return soon, and must not log.
    fn add(&self, id: u32, site: &'static Callsite);
}

/// A mirror that the registry calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MirrorId(u64);

/// The mirrors of a registry.
pub(super) struct Mirrors {
    all: Vec<(MirrorId, Arc<dyn SiteMirror>)>,
    last_id: u64,
}

impl Mirrors {
    pub(super) const fn new() -> Self {
        Mirrors { all: Vec::new(), last_id: 0 }
    }

    /// Adds a mirror, which gets the sites that have ids, and each further one.
    pub(super) fn push(
        &mut self,
        mirror: Arc<dyn SiteMirror>,
        callsites: &[&'static Callsite],
    ) -> MirrorId {
        for (id, site) in (1..).zip(callsites) {
            mirror.add(id, site);
        }
        self.last_id += 1;
        let id = MirrorId(self.last_id);
        self.all.push((id, mirror));
        id
    }

    pub(super) fn remove(&mut self, id: MirrorId) -> Option<Arc<dyn SiteMirror>> {
        let index = self.all.iter().position(|(own, _)| *own == id)?;
        Some(self.all.swap_remove(index).1)
    }

    pub(super) fn add(&self, id: u32, site: &'static Callsite) {
        self.all.iter().for_each(|(_, mirror)| mirror.add(id, site));
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::core::callsite::Metadata;
    use crate::core::level::Level;
    use crate::core::registry;

    static EARLY: Callsite = site(1);
    static LATE: Callsite = site(2);
    static LAST: Callsite = site(3);

    const fn site(line: u32) -> Callsite {
        let (level, event, target, file) = (Level::Info, "e", "site_mirror", file!());
        Callsite::new(Metadata { level, event, target, file, line, keys: &[] })
    }

    /// The line and the id that each call announced, and the id that the site had then.
    #[derive(Default)]
    struct Notes(Mutex<Vec<(u32, u32, u32)>>);

    impl SiteMirror for Notes {
        fn add(&self, id: u32, site: &'static Callsite) {
            if site.metadata().target == "site_mirror" {
                self.0.lock().push((site.metadata().line, id, site.id()));
            }
        }
    }

    #[test]
    fn a_site_is_mirrored_before_its_id_shows() {
        let notes = Arc::new(Notes::default());
        registry::assign_id(&EARLY);
        let mirror = registry::add_mirror(Arc::clone(&notes) as Arc<dyn SiteMirror>);
        registry::assign_id(&LATE);
        registry::assign_id(&LATE);
        registry::remove_mirror(mirror);
        registry::remove_mirror(mirror);
        registry::assign_id(&LAST);
        let expected = [(1, EARLY.id(), EARLY.id()), (2, LATE.id(), 0)];
        assert_eq!(*notes.0.lock(), expected);
        assert_eq!(Arc::strong_count(&notes), 1);
    }
}
