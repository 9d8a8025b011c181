//! What power loss takes from a file: see the parent module.
use super::Inode;

/// What a disk writes as a whole.
const SECTOR: usize = 512;

impl Inode {
    pub(super) fn lose_power(&mut self, random: &mut SplitMix) {
        for (new, old) in self.bytes.chunks_mut(SECTOR).zip(self.durable.chunks(SECTOR)) {
            let shared = new.len().min(old.len());
            if new[..shared] != old[..shared] && random.below(2) == 0 {
                new[..shared].copy_from_slice(&old[..shared]);
            }
        }
        if self.bytes.len() < self.durable.len() {
            // A truncation that was not synced may be lost.
            if random.below(2) == 0 {
                self.bytes = self.durable.clone();
            }
        } else {
            let grown = self.bytes.len() - self.durable.len();
            let len = self.durable.len() + random.below(grown + 1);
            let data = self.durable.len() + random.below(len - self.durable.len() + 1);
            self.bytes.truncate(len);
            match random.below(3) {
                0 => self.bytes.truncate(data),
                1 => self.bytes[data..].fill(0),
                _ => {}
            }
        }
        self.durable = self.bytes.clone();
    }
}

/// Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
pub(super) struct SplitMix(pub u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
