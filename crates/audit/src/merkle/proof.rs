//! Makes proofs from a source of the hashes of perfect subtrees.
//!
//! Promises: a proof over n leaves reads at most 2·log2(n)·log2(n) nodes; apart from that source, it neither blocks nor
//! fails. No recursion.
use std::fmt;

use super::{empty_root, node_hash};
use ringseal_base::digest::Hash;

/// A source of the hashes of a tree's perfect subtrees.
pub trait Nodes {
    /// Why a hash is not available.
    type Error;

    /// The hash of the 2^`level` leaves that begin at leaf `index`·2^`level`.
    fn node(&mut self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Why a proof cannot be made or is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofError {
    /// The leaf, or the older tree, is not within the tree.
    OutOfTree {
        /// The number of the leaf or the size of the older tree.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The proof has too many or too few hashes for these sizes.
    Length {
        /// Hashes found.
        found: usize,
    },
    /// The proof leads to another root hash.
    Root,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProofError::OutOfTree { index, size } => {
                write!(f, "{index} is not within a tree of {size} leaves")
            }
            ProofError::Length { found } => {
                write!(f, "wrong number of hashes for these sizes: {found}")
            }
            ProofError::Root => f.write_str("the proof leads to another root hash"),
        }
    }
}

impl std::error::Error for ProofError {}

/// The largest power of two below `n`, which is at least 2.
fn split_point(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// MTH(D[start:end]) of RFC 6962; `start` must be a multiple of the largest power of two that is not
/// greater than the length.
fn range_hash<N: Nodes + ?Sized>(nodes: &mut N, start: u64, end: u64) -> Result<Hash, N::Error> {
    // The perfect subtrees from left to right are the set bits of the length from high to low; the hash
    // folds them from the right.
    let len = end - start;
    let mut at = end;
    let mut hash: Option<Hash> = None;
    for level in (0..64u8).filter(|level| len >> level & 1 == 1) {
        at -= 1 << level;
        let left = nodes.node(level, at >> level)?;
        hash = Some(match hash {
            None => left,
            Some(right) => node_hash(&left, &right),
        });
    }
    Ok(hash.unwrap_or_else(empty_root))
}

/// The root hash of the first `size` leaves.
pub fn root_at<N: Nodes + ?Sized>(nodes: &mut N, size: u64) -> Result<Hash, N::Error> {
    range_hash(nodes, 0, size)
}

/// The proof that leaf `index` is in the tree of `size` leaves: PATH of RFC 6962, 2.1.1, from the
/// leaf's sibling to the root's child.
pub fn prove_inclusion<N>(nodes: &mut N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error>
where
    N: Nodes + ?Sized,
    N::Error: From<ProofError>,
{
    if index >= size {
        return Err(ProofError::OutOfTree { index, size }.into());
    }
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split_point(end - start);
        if index < middle {
            path.push(range_hash(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range_hash(nodes, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of `old_size` leaves is the beginning of the tree of `size` leaves: PROOF
/// of RFC 6962, 2.1.2. Empty if either the sizes are equal or the older tree has no leaves.
pub fn prove_consistency<N>(nodes: &mut N, old_size: u64, size: u64) -> Result<Vec<Hash>, N::Error>
where
    N: Nodes + ?Sized,
    N::Error: From<ProofError>,
{
    if old_size > size {
        return Err(ProofError::OutOfTree { index: old_size, size }.into());
    }
    let mut path = Vec::new();
    if old_size == 0 || old_size == size {
        return Ok(path);
    }
    let (mut start, mut end) = (0, size);
    while end != old_size {
        let middle = start + split_point(end - start);
        if old_size <= middle {
            path.push(range_hash(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range_hash(nodes, start, middle)?);
            start = middle;
        }
    }
    // The verifier already has the root of the whole old tree.
    if start != 0 {
        path.push(range_hash(nodes, start, end)?);
    }
    path.reverse();
    Ok(path)
}
