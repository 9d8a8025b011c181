//! A cell that owns a value and lends it to callers that name its key: the place of one lane in a thread.
//!
//! It is a `RefCell<Option<Box<T>>>` in which one word is the key, the state of the borrow and whether there is a
//! value. So a borrow is one comparison and one store, and its end another store. The cell has no destructor, so that a
//! thread local of this type needs no check on each access. The owner must take the value out; otherwise it is leaked.
//!
//! The owner can *mark* the cell: [`KeyedCell::borrow`], for the common case, then refuses the value, and
//! [`KeyedCell::borrow_marked`] lends it. So a rare state of the thread costs the common case nothing.
//!
//! Promises: no allocation, no lock. A value is lent to one borrower at a time: a second borrow, and taking or
//! replacing the value meanwhile, are refused. A panic while the value is lent ends the borrow.
//!
//! # Invariants
//! 1. `key` is [`EMPTY`] and `value` dangles, or `value` is a pointer from `Box::into_raw` that this cell owns.
//! 2. `key` is [`LENT`] exactly while one [`Lent`] exists, which has the only reference to the value.
//! 3. Keys have 32 bits and the mark is bit 32, so no key equals [`LENT`] or [`EMPTY`], marked or not.
//! 4. A cell has no destructor. A thread local of cells is freed after its thread has ended or, where thread locals are
//!    keys of the system, by the destructor of its key. The results of [`borrow_local`] live within one log call, which
//!    is before either, and do not leave their thread, because a reference to a [`Cell`] is not `Send`.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::thread::LocalKey;

/// Not a key: there is no value.
const EMPTY: u64 = u64::MAX;
/// Not a key: the value is lent.
const LENT: u64 = u64::MAX - 1;

/// The bit of a marked cell, next to the key.
const MARK: u64 = 1 << 32;

/// A cell with a value of a key, or none.
pub struct KeyedCell<T> {
    /// A key with or without [`MARK`], or [`LENT`] or [`EMPTY`].
    key: Cell<u64>,
    value: Cell<NonNull<T>>,
}

impl<T> KeyedCell<T> {
    /// A cell without a value.
    pub const fn new() -> Self {
        Self { key: Cell::new(EMPTY), value: Cell::new(NonNull::dangling()) }
    }

    /// Lends the value of this key. `None` if there is none, or it has another key, or is lent, or the cell is marked.
    #[inline(always)]
    pub fn borrow(&self, key: u32) -> Option<Lent<'_, T>> {
        self.lend(u64::from(key))
    }

    /// Lends the value of this key if the cell is marked.
    #[inline(always)]
    pub fn borrow_marked(&self, key: u32) -> Option<Lent<'_, T>> {
        self.lend(u64::from(key) | MARK)
    }

    #[inline(always)]
    fn lend(&self, key: u64) -> Option<Lent<'_, T>> {
        // Invariant 3: this is also false if there is no value, or it is lent.
        if self.key.get() != key {
            return None;
        }
        self.key.set(LENT);
        Some(Lent { cell: self, key })
    }

    /// Marks the cell, or removes the mark. Without effect if there is no value, or it is lent.
    pub fn set_mark(&self, is_marked: bool) {
        if let Some(key) = self.key() {
            self.key.set(u64::from(key) | if is_marked { MARK } else { 0 });
        }
    }

    /// Puts a value in place of the present one and returns that. Gives the new value back while the present one is
    /// lent.
    pub fn replace(&self, key: u32, value: Box<T>) -> Result<Option<Box<T>>, Box<T>> {
        if self.is_lent() {
            return Err(value);
        }
        let present = self.take();
        self.value.set(NonNull::from(Box::leak(value)));
        self.key.set(u64::from(key));
        Ok(present)
    }

    /// Takes the value out. `None` if there is none, or it is lent.
    pub fn take(&self) -> Option<Box<T>> {
        self.key()?;
        self.key.set(EMPTY);
        // SAFETY: invariants 1 and 2: the cell owned the value, which is not lent, and has just given it up.
        Some(unsafe { Box::from_raw(self.value.get().as_ptr()) })
    }

    /// The key of the value, unless there is none or it is lent.
    pub fn key(&self) -> Option<u32> {
        u32::try_from(self.key.get() & !MARK).ok()
    }

    /// Whether the value is lent.
    pub fn is_lent(&self) -> bool {
        self.key.get() == LENT
    }
}

impl<T> Default for KeyedCell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for KeyedCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedCell").field("key", &self.key()).finish_non_exhaustive()
    }
}

/// Lends the value of this key from one of the calling thread's cells, like [`KeyedCell::borrow`], or like
/// [`KeyedCell::borrow_marked`].
///
/// Borrows inside `LocalKey::with` do the same, but the compiler does not inline a long closure there.
#[inline(always)]
pub fn borrow_local<T, const N: usize>(
    cells: &'static LocalKey<[KeyedCell<T>; N]>,
    index: usize,
    key: u32,
    is_marked: bool,
) -> Option<Lent<'static, T>> {
    const { assert!(!std::mem::needs_drop::<KeyedCell<T>>() && N.is_power_of_two()) };
    let cells = cells.with(|cells| NonNull::from(cells));
    // SAFETY: invariant 4: the cells exist during the log call, within which the result is dropped.
    let cells = unsafe { cells.as_ref() };
    let cell = &cells[index % N];
    if is_marked { cell.borrow_marked(key) } else { cell.borrow(key) }
}

/// A lent value. Dropping it gives the value back to its cell.
pub struct Lent<'a, T> {
    cell: &'a KeyedCell<T>,
    /// With the mark.
    key: u64,
}

impl<T> Deref for Lent<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: invariants 1 and 2: the value exists, and this is the only way to it while `self` exists.
        unsafe { self.cell.value.get().as_ref() }
    }
}

impl<T> DerefMut for Lent<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: invariants 1 and 2, as in `deref`.
        unsafe { self.cell.value.get().as_mut() }
    }
}

impl<T> Drop for Lent<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.cell.key.set(self.key);
    }
}

impl<T> fmt::Debug for Lent<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("key", &self.key).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_lent_to_its_key_only() {
        let cell = KeyedCell::new();
        assert!(
            cell.borrow(7).is_none() && cell.borrow(u32::MAX).is_none() && cell.take().is_none()
        );
        assert_eq!(cell.replace(7, Box::new("seven")), Ok(None));
        assert!(cell.borrow(8).is_none());
        assert_eq!(*cell.borrow(7).unwrap(), "seven");
        assert_eq!(cell.replace(8, Box::new("eight")), Ok(Some(Box::new("seven"))));
        assert!(cell.borrow(7).is_none());
        assert_eq!((cell.key(), cell.take(), cell.key()), (Some(8), Some(Box::new("eight")), None));
    }

    #[test]
    fn a_marked_value_is_lent_in_another_way() {
        let cell = KeyedCell::new();
        cell.set_mark(true);
        assert!(cell.key().is_none() && cell.take().is_none(), "there is nothing to mark");
        cell.replace(7, Box::new("seven")).unwrap();
        assert!(cell.borrow_marked(7).is_none());
        cell.set_mark(true);
        assert!(cell.borrow(7).is_none() && cell.borrow_marked(8).is_none());
        assert_eq!(cell.key(), Some(7));
        {
            let lent = cell.borrow_marked(7).unwrap();
            cell.set_mark(false);
            assert!(cell.is_lent() && cell.borrow(7).is_none() && cell.borrow_marked(7).is_none());
            assert_eq!(*lent, "seven");
        }
        assert!(cell.borrow_marked(7).is_some(), "the mark is as before the loan");
        cell.set_mark(false);
        assert_eq!(*cell.borrow(7).unwrap(), "seven");
        cell.set_mark(true);
        assert_eq!((cell.take(), cell.key()), (Some(Box::new("seven")), None));
        assert!([0, u32::MAX].iter().all(|key| cell.borrow_marked(*key).is_none()));
    }

    #[test]
    fn a_lent_value_cannot_be_taken_or_replaced() {
        let cell = KeyedCell::new();
        cell.replace(0, Box::new(vec![1])).unwrap();
        let mut lent = cell.borrow(0).unwrap();
        assert!(cell.borrow(0).is_none() && cell.take().is_none());
        assert!(cell.is_lent() && cell.key().is_none());
        assert_eq!(cell.replace(1, Box::new(vec![2])), Err(Box::new(vec![2])));
        lent.push(3);
        drop(lent);
        assert_eq!(cell.take(), Some(Box::new(vec![1, 3])));
    }

    #[test]
    fn a_panic_gives_the_value_back() {
        let cell = KeyedCell::new();
        cell.replace(3, Box::new(5)).unwrap();
        let panicking = std::panic::AssertUnwindSafe(|| {
            let _lent = cell.borrow(3).unwrap();
            panic!("while it is lent");
        });
        assert!(std::panic::catch_unwind(panicking).is_err());
        assert_eq!(cell.take(), Some(Box::new(5)));
    }
}
