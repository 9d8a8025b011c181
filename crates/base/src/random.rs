//! Random numbers for ids: a generator for each thread, seeded from the system. Not for secrets.
//!
//! Promises: after a thread's first number, and the first one after a fork, nothing here allocates, locks or makes a
//! system call. Two threads, and a process and its forked child, never continue the same sequence.
use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use crate::process::fork;

thread_local! {
    /// Without a destructor, so that a thread that is ending has numbers, too.
    static GENERATOR: Cell<Generator> = const { Cell::new(Generator::UNSEEDED) };
}

/// Xoshiro256++ (Blackman and Vigna, 2019): 256 bits of state, so that sequences from different seeds do not meet.
#[derive(Debug, Clone, Copy)]
struct Generator {
    state: [u64; 4],
    /// The process that has seeded it, as [`fork::generation`]; 0 before the first seed.
    owner: u32,
}

impl Generator {
    const UNSEEDED: Generator = Generator { state: [0; 4], owner: 0 };

    #[inline]
    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let word = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        word
    }
}

/// 64 bits from the thread's generator.
#[inline]
pub fn word() -> u64 {
    with_generator(Generator::next)
}

/// 64 bits from the thread's generator that are not all zero: zeros mean "no id".
#[inline]
pub fn nonzero_word() -> u64 {
    let [word] = nonzero_words();
    word
}

/// Several of them, which cost less together.
#[inline]
pub fn nonzero_words<const N: usize>() -> [u64; N] {
    with_generator(|generator| {
        [(); N].map(|()| {
            loop {
                let word = generator.next();
                if word != 0 {
                    break word;
                }
            }
        })
    })
}

#[inline]
fn with_generator<T>(action: impl FnOnce(&mut Generator) -> T) -> T {
    let mut generator = GENERATOR.get();
    if generator.owner != fork::generation() {
        generator = seeded();
    }
    let result = action(&mut generator);
    GENERATOR.set(generator);
    result
}

#[cold]
#[inline(never)]
fn seeded() -> Generator {
    fork::watch();
    let mut generator = Generator { state: [0; 4], owner: fork::generation() };
    // All zeros would stay zeros.
    while generator.state == [0; 4] {
        generator.state = [(); 4].map(|()| system_word());
    }
    generator
}

/// 64 bits from the system, through the standard library's hash keys. The process and the time are hashed as well,
/// because a forked child has its parent's keys.
pub fn system_word() -> u64 {
    RandomState::new().hash_one((std::process::id(), std::time::Instant::now()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_generator_is_the_published_one() {
        // The first outputs of the reference implementation for the state 1, 2, 3, 4.
        let mut generator = Generator { state: [1, 2, 3, 4], owner: 0 };
        let first = [(); 5].map(|()| generator.next());
        let expected = [
            41_943_041,
            58_720_359,
            3_588_806_011_781_223,
            3_591_011_842_654_386,
            9_228_616_714_210_784_205,
        ];
        assert_eq!(first, expected);
    }

    #[test]
    fn threads_have_different_numbers() {
        let numbers = || (0..1000).map(|_| word()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(numbers)).collect();
        let of_threads = threads.into_iter().flat_map(|thread| thread.join().expect("no panic"));
        let all: HashSet<u64> = of_threads.chain(numbers()).collect();
        assert_eq!(all.len(), 9000);
        assert!(!all.contains(&0));
    }

    #[test]
    fn every_bit_is_random() {
        let ones = (0..64).map(|bit| (0..4096).filter(|_| word() >> bit & 1 == 1).count());
        // Ten standard deviations.
        assert!(ones.into_iter().all(|count| (1728..2368).contains(&count)));
    }
}
