//! Whether the kernel has ended processes of this memory group for lack of memory.
use std::fs;

use ringseal_base::fnv::fnv1a;

/// The group, and how many of its processes the kernel has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OomKills {
    /// Which group: a hash of its path; 0 if that is unknown.
    pub group: u64,
    /// Processes so far.
    pub count: u64,
}

impl OomKills {
    /// Those of the memory group of this process (cgroup v2); nothing where there is none.
    pub fn now() -> OomKills {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let path = groups.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or_default();
        let events = fs::read_to_string(format!("/sys/fs/cgroup{path}/memory.events"));
        match events.ok().and_then(|events| count_in(&events)) {
            Some(count) => OomKills { group: hash_of(path), count },
            None => OomKills::default(),
        }
    }

    /// Whether a process of the group was ended since `before`, which is of an earlier moment.
    pub fn happened_since(self, before: OomKills) -> bool {
        before.group != 0 && self.group == before.group && self.count > before.count
    }
}

/// The number of ended processes in a `memory.events` file.
fn count_in(events: &str) -> Option<u64> {
    events.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

fn hash_of(path: &str) -> u64 {
    fnv1a(path.bytes()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_group_tells() {
        let before = OomKills { group: 7, count: 1 };
        assert!(OomKills { group: 7, count: 2 }.happened_since(before));
        assert!(!OomKills { group: 7, count: 1 }.happened_since(before));
        assert!(!OomKills { group: 8, count: 2 }.happened_since(before));
        assert!(!OomKills { group: 0, count: 2 }.happened_since(OomKills::default()));
        assert_eq!(count_in("low 0\noom 3\noom_kill 2\n"), Some(2));
        assert_eq!(count_in("oom 3\n"), None);
        let _ = OomKills::now();
    }
}
