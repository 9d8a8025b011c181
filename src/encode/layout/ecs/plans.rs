//! The plans of a layout.
//!
//! Promises: misfit a plan takes constant time and allocates nothing. The memory is bounded by the number of call
//! sites and [`PLANS_MAX`]. When that many plans exist, a new one takes the place of one that was not used for a while;
//! as long as there is none, the event is written without a plan.
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::plan::Plan;

/// Plans besides the first of each call site.
pub(super) const PLANS_MAX: usize = 4096;

/// Plans that are looked at to find one that was not used for a while.
const LOOKED_AT_MAX: usize = 8;

/// What a plan was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PlanKey {
    /// The id of the call site.
    pub(super) site: u32,
    /// The shapes of the contexts; 0 without one.
    pub(super) bound: u32,
    pub(super) ambient: u32,
    /// The ids of the correlation, one bit each.
    pub(super) ids: u8,
    /// 0 for the kinds of values that were seen first, and a hash of them for all others.
    pub(super) variant: u64,
}

impl PlanKey {
    fn is_plain(&self) -> bool {
        (self.bound, self.ambient, self.ids, self.variant) == (0, 0, 0, 0)
    }
}

/// The place of a plan.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot {
    Plain(usize),
    Other(usize),
}

#[derive(Debug)]
struct Entry {
    key: PlanKey,
    was_used: bool,
    plan: Option<Box<Plan>>,
}

/// The plans. One that is `None` is known not to exist.
#[derive(Debug, Default)]
pub(super) struct Plans {
    /// Those of events without contexts, by the id of the call site.
    plain: Vec<Option<Option<Box<Plan>>>>,
    others: Vec<Entry>,
    by_key: HashMap<PlanKey, u32, BuildHasherDefault<KeyHasher>>,
    /// The entry that is looked at next.
    hand: usize,
}

impl Plans {
    /// The first plan of a call site for events without contexts.
    #[inline(always)]
    pub(super) fn plain(&mut self, site: u32) -> Option<&mut Plan> {
        self.plain.get_mut(site as usize)?.as_mut()?.as_deref_mut()
    }

    /// The plan of this key; the inner option is `None` if there can be none.
    #[inline]
    pub(super) fn find(&mut self, key: &PlanKey) -> Option<Option<&mut Plan>> {
        if key.is_plain() {
            let found = self.plain.get_mut(key.site as usize)?.as_mut()?;
            return Some(found.as_deref_mut());
        }
        let index = *self.by_key.get(key)?;
        let entry = self.others.get_mut(index as usize)?;
        entry.was_used = true;
        Some(entry.plan.as_deref_mut())
    }

    /// The plans besides the first of each call site.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.others.len()
    }

    /// A place for a plan of this key; `None` if all are in use.
    #[cold]
    pub(super) fn free_slot(&mut self, key: &PlanKey) -> Option<Slot> {
        if key.is_plain() {
            return Some(Slot::Plain(key.site as usize));
        }
        if self.others.len() < PLANS_MAX {
            return Some(Slot::Other(self.others.len()));
        }
        for _ in 0..LOOKED_AT_MAX {
            self.hand = (self.hand + 1) % self.others.len();
            if !std::mem::take(&mut self.others[self.hand].was_used) {
                return Some(Slot::Other(self.hand));
            }
        }
        None
    }

    /// Keeps a plan, and returns it.
    #[cold]
    pub(super) fn put(
        &mut self,
        slot: Slot,
        key: PlanKey,
        plan: Option<Plan>,
    ) -> Option<&mut Plan> {
        let plan = plan.map(Box::new);
        match slot {
            Slot::Plain(index) => {
                if self.plain.len() <= index {
                    self.plain.resize_with(index + 1, || None);
                }
                self.plain[index].insert(plan).as_deref_mut()
            }
            Slot::Other(index) => {
                let entry = Entry { key, was_used: true, plan };
                match self.others.get_mut(index) {
                    Some(present) => {
                        self.by_key.remove(&present.key);
                        *present = entry;
                    }
                    None => self.others.push(entry),
                }
                self.by_key.insert(key, index as u32);
                self.others[index].plan.as_deref_mut()
            }
        }
    }
}

/// Hashes numbers that the engine gives, so that they need no protection from chosen keys.
#[derive(Debug, Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        // The golden ratio, as in Knuth's multiplicative hashing.
        self.0 = (self.0.rotate_left(26) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
