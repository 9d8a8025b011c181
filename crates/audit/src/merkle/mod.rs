//! The Merkle tree of RFC 6962 (and RFC 9162), over hashes of leaves.
//!
//! [`Tree`] keeps the right edge of an append-only tree: 64 hashes for any size. Proofs are made from a
//! source of the hashes of perfect subtrees ([`Nodes`]) and checked by [`verify_inclusion`] and
//! [`verify_consistency`].
//!
//! Promises: appending and computing the root do not allocate, block or fail; appending costs one node
//! hash on average. Making a proof allocates its list. Checking a proof allocates nothing and accepts
//! only the exact proof.
use ringseal_base::digest::{Hash, Sha256, constant_time_eq, pair};

mod proof;
#[cfg(test)]
pub(crate) mod tests;

pub use proof::{Nodes, ProofError, prove_consistency, prove_inclusion, root_at};

/// The hash of a leaf: SHA-256(0x00 ‖ bytes).
#[inline]
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(&[0]);
    hash.update(bytes);
    hash.finish()
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
#[inline]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1u8; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    Sha256::of(&bytes)
}

/// Replaces each pair of hashes by the hash of its node.
fn hash_pairs(hashes: &mut Vec<Hash>) {
    let count = hashes.len() / 2;
    let of = |hashes: &[Hash], at: usize| {
        let mut bytes = [1u8; 65];
        bytes[1..].copy_from_slice(hashes[2 * at..2 * at + 2].as_flattened());
        bytes
    };
    for at in (0..count - count % 2).step_by(2) {
        let (one, two) = (of(hashes, at), of(hashes, at + 1));
        [hashes[at], hashes[at + 1]] = pair::hash_65([&one, &two]);
    }
    if count % 2 == 1 {
        hashes[count - 1] = Sha256::of(&of(hashes, count - 1));
    }
    hashes.truncate(count);
}

/// The root hash of a tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Sha256::of(&[])
}

/// An append-only tree.
///
/// ```
/// use ringseal_audit::merkle::{Tree, leaf_hash, node_hash};
/// let mut tree = Tree::new();
/// tree.push(leaf_hash(b"a"));
/// tree.push(leaf_hash(b"b"));
/// assert_eq!(tree.root(), node_hash(&leaf_hash(b"a"), &leaf_hash(b"b")));
/// ```
#[derive(Clone)]
pub struct Tree {
    len: u64,
    /// Index k: the hash of the perfect subtree of 2^k leaves at the right edge, if bit k of `len` is
    /// set; otherwise unspecified.
    edge: [Hash; 64],
}

impl Tree {
    /// A tree without leaves.
    pub const fn new() -> Tree {
        Tree { len: 0, edge: [[0; 32]; 64] }
    }

    /// Loads the tree of `len` leaves from the hashes in `nodes`.
    pub fn load<N: Nodes + ?Sized>(nodes: &mut N, len: u64) -> Result<Tree, N::Error> {
        let mut tree = Tree { len, edge: [[0; 32]; 64] };
        let mut start = 0;
        for level in (0..64u8).rev().filter(|level| len >> level & 1 == 1) {
            tree.edge[usize::from(level)] = nodes.node(level, start >> level)?;
            start += 1 << level;
        }
        Ok(tree)
    }

    /// The number of leaves.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no leaves.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a leaf by its hash.
    #[inline]
    pub fn push(&mut self, leaf: Hash) {
        self.push_with(leaf, |_, _, _| ());
    }

    /// Appends a leaf and calls `done` for each perfect subtree that it completes: level (0 is the leaf
    /// itself), index within the level, hash; from the leaf upwards.
    #[inline]
    pub fn push_with(&mut self, leaf: Hash, mut done: impl FnMut(u8, u64, &Hash)) {
        let mut hash = leaf;
        let mut level = 0u8;
        done(level, self.len, &hash);
        while self.len >> level & 1 == 1 {
            hash = node_hash(&self.edge[usize::from(level)], &hash);
            level += 1;
            done(level, self.len >> level, &hash);
        }
        self.edge[usize::from(level)] = hash;
        self.len += 1;
    }

    /// Appends leaves by their hashes and calls `done` for the perfect subtrees that they complete, of two
    /// leaves and more, level by level. Nodes of a level are hashed two at a time, in
    /// `hashes`, which is empty afterwards.
    pub fn push_all(&mut self, hashes: &mut Vec<Hash>, mut done: impl FnMut(u8, u64, &Hash)) {
        let first = self.len;
        self.len += hashes.len() as u64;
        for level in 0..64u8 {
            let (before, edge) = (first >> level, &mut self.edge[usize::from(level)]);
            // The unpaired node from before is the left sibling of the first.
            if before & 1 == 1 && !hashes.is_empty() {
                hashes.insert(0, *edge);
            }
            if hashes.len() & 1 == 1
                && let Some(last) = hashes.pop()
            {
                *edge = last;
            }
            if hashes.is_empty() {
                return;
            }
            hash_pairs(hashes);
            for (index, hash) in (before >> 1..).zip(hashes.iter()) {
                done(level + 1, index, hash);
            }
        }
    }

    /// The root hash.
    pub fn root(&self) -> Hash {
        let mut levels = (0..64u8).filter(|level| self.len >> level & 1 == 1);
        let Some(lowest) = levels.next() else { return empty_root() };
        let start = self.edge[usize::from(lowest)];
        levels.fold(start, |right, level| node_hash(&self.edge[usize::from(level)], &right))
    }
}

impl Default for Tree {
    fn default() -> Self {
        Tree::new()
    }
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Checks that the leaf with hash `leaf` is number `index` of the tree of `size` leaves with hash
/// `root` (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfTree { index, size });
    }
    let mut node = ProofPath { left: index, last: size - 1 };
    let mut hash = *leaf;
    for sibling in path {
        if node.last == 0 {
            return Err(ProofError::Length { found: path.len() });
        }
        if node.sibling_is_left() {
            hash = node_hash(sibling, &hash);
            node.skip_missing_siblings();
        } else {
            hash = node_hash(&hash, sibling);
        }
        node.up();
    }
    if node.last != 0 {
        return Err(ProofError::Length { found: path.len() });
    }
    if constant_time_eq(&hash, root) { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree of `old_size` leaves with hash `old_root` is the beginning of the tree of
/// `size` leaves with hash `root` (RFC 9162, 2.1.4.2).
pub fn verify_consistency(
    old_size: u64,
    size: u64,
    path: &[Hash],
    old_root: &Hash,
    root: &Hash,
) -> Result<(), ProofError> {
    if old_size > size {
        return Err(ProofError::OutOfTree { index: old_size, size });
    }
    if old_size == 0 || old_size == size {
        let known = if old_size == 0 { empty_root() } else { *root };
        return match path {
            [] if constant_time_eq(&known, old_root) => Ok(()),
            [] => Err(ProofError::Root),
            _ => Err(ProofError::Length { found: path.len() }),
        };
    }
    let wrong_length = ProofError::Length { found: path.len() };
    let mut node = ProofPath { left: old_size - 1, last: size - 1 };
    while node.left & 1 == 1 {
        node.up();
    }
    // A perfect old tree is a node of the new one and not part of the proof.
    let (first, rest) = match path {
        rest if old_size.is_power_of_two() => (old_root, rest),
        [first, rest @ ..] => (first, rest),
        [] => return Err(wrong_length),
    };
    let (mut old, mut new) = (*first, *first);
    for sibling in rest {
        if node.last == 0 {
            return Err(wrong_length);
        }
        if node.sibling_is_left() {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            node.skip_missing_siblings();
        } else {
            new = node_hash(&new, sibling);
        }
        node.up();
    }
    if node.last != 0 {
        return Err(wrong_length);
    }
    if constant_time_eq(&old, old_root) && constant_time_eq(&new, root) {
        Ok(())
    } else {
        Err(ProofError::Root)
    }
}

/// The path from a node to the root: `fn` and `sn` of RFC 9162.
struct ProofPath {
    left: u64,
    last: u64,
}

impl ProofPath {
    /// Whether the sibling is on the left.
    fn sibling_is_left(&self) -> bool {
        self.left & 1 == 1 || self.left == self.last
    }

    /// Skips the levels at which the node has no sibling.
    fn skip_missing_siblings(&mut self) {
        while self.left & 1 == 0 && self.left != 0 {
            self.up();
        }
    }

    fn up(&mut self) {
        self.left >>= 1;
        self.last >>= 1;
    }
}
