//! Compares the tree with the recursive definitions of RFC 6962, written as in the RFC.
use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::Range;

use proptest::prelude::*;

use super::*;
use ringseal_base::digest::text::hex;

/// The definitions of the RFC, over a range of the leaves. Hashes of ranges are cached: without that, every
/// pair of sizes would take minutes.
struct Rfc {
    leaves: Vec<Hash>,
    known: RefCell<HashMap<(usize, usize), Hash>>,
}

impl Rfc {
    fn new(leaves: Vec<Hash>) -> Rfc {
        Rfc { leaves, known: RefCell::default() }
    }

    /// The largest power of two below the length.
    fn middle(range: &Range<usize>) -> usize {
        range.start + range.len().next_power_of_two() / 2
    }

    /// MTH(D).
    fn mth(&self, range: Range<usize>) -> Hash {
        match range.len() {
            0 => return empty_root(),
            1 => return self.leaves[range.start],
            _ => {}
        }
        if let Some(hash) = self.known.borrow().get(&(range.start, range.end)) {
            return *hash;
        }
        let k = Self::middle(&range);
        let hash = node_hash(&self.mth(range.start..k), &self.mth(k..range.end));
        self.known.borrow_mut().insert((range.start, range.end), hash);
        hash
    }

    /// PATH(m, D).
    fn path(&self, m: usize, range: Range<usize>) -> Vec<Hash> {
        if range.len() == 1 {
            return Vec::new();
        }
        let k = Self::middle(&range);
        if m < k {
            [self.path(m, range.start..k), vec![self.mth(k..range.end)]].concat()
        } else {
            [self.path(m, k..range.end), vec![self.mth(range.start..k)]].concat()
        }
    }

    /// SUBPROOF(m, D, b).
    fn subproof(&self, m: usize, range: Range<usize>, is_known: bool) -> Vec<Hash> {
        if m == range.end {
            return if is_known { Vec::new() } else { vec![self.mth(range)] };
        }
        let k = Self::middle(&range);
        if m <= k {
            [self.subproof(m, range.start..k, is_known), vec![self.mth(k..range.end)]].concat()
        } else {
            [self.subproof(m, k..range.end, false), vec![self.mth(range.start..k)]].concat()
        }
    }
}

/// All nodes of a tree in memory, computed by the definition.
pub(crate) struct ReferenceTree {
    levels: Vec<Vec<Hash>>,
}

impl ReferenceTree {
    pub(crate) fn new(leaves: &[Hash]) -> ReferenceTree {
        let mut levels = vec![leaves.to_vec()];
        while levels.last().is_some_and(|level| level.len() > 1) {
            let level = levels.last().unwrap();
            let up = level.as_chunks::<2>().0.iter().map(|[l, r]| node_hash(l, r)).collect();
            levels.push(up);
        }
        ReferenceTree { levels }
    }
}

#[derive(Debug, PartialEq)]
pub(crate) struct TestError(ProofError);

impl From<ProofError> for TestError {
    fn from(error: ProofError) -> Self {
        TestError(error)
    }
}

impl Nodes for ReferenceTree {
    type Error = TestError;
    fn node(&mut self, level: u8, index: u64) -> Result<Hash, TestError> {
        Ok(self.levels[usize::from(level)][index as usize])
    }
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count as u64).map(|at| leaf_hash(&at.to_be_bytes())).collect()
}

const SIZES_MAX: usize = 300;

#[test]
fn roots_match_certificate_transparency_vectors() {
    // The test vectors of Certificate Transparency's own tests.
    let inputs: [&[u8]; 8] = [
        b"",
        &[0],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[
            0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
            0x6e, 0x6f,
        ],
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::new();
    assert_eq!(
        hex(&tree.root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    for (input, root) in inputs.iter().zip(roots) {
        tree.push(leaf_hash(input));
        assert_eq!(hex(&tree.root()), root, "{} leaves", tree.len());
    }
}

#[test]
fn the_growing_tree_matches_the_definition() {
    let leaves = leaves(SIZES_MAX);
    let rfc = Rfc::new(leaves.clone());
    let mut tree = Tree::new();
    let mut nodes = ReferenceTree::new(&leaves);
    for size in 0..=SIZES_MAX {
        assert_eq!(tree.root(), rfc.mth(0..size), "{size} leaves");
        assert_eq!(root_at(&mut nodes, size as u64), Ok(tree.root()), "{size} leaves");
        let mut loaded = Tree::load(&mut nodes, size as u64).unwrap();
        assert_eq!(loaded.root(), tree.root(), "{size} leaves");
        if let Some(leaf) = leaves.get(size) {
            loaded.push(*leaf);
            tree.push_with(*leaf, |level, index, hash| {
                assert_eq!(nodes.node(level, index).as_ref(), Ok(hash), "{level} {index}");
            });
            assert_eq!(loaded.root(), tree.root(), "{size} leaves and one");
        }
    }
}

#[test]
fn leaves_appended_in_bulk_give_the_same_tree() {
    let leaves = leaves(SIZES_MAX);
    let mut nodes = ReferenceTree::new(&leaves);
    let mut before = Tree::new();
    for first in 0..SIZES_MAX {
        for last in first..=SIZES_MAX {
            let (mut tree, mut reported) = (before.clone(), 0);
            let mut together = leaves[first..last].to_vec();
            tree.push_all(&mut together, |level, index, hash| {
                assert_eq!(nodes.node(level, index).as_ref(), Ok(hash), "{level} {index}");
                reported += 1;
            });
            let want = root_at(&mut nodes, last as u64);
            assert_eq!((Ok(tree.root()), tree.len()), (want, last as u64), "{first} to {last}");
            // A tree of n leaves has n minus (set bits of n) inner perfect subtrees.
            let inner = |size: usize| size as u32 - size.count_ones();
            assert_eq!(reported, inner(last) - inner(first), "{first} to {last}");
            assert!(together.is_empty());
        }
        before.push(leaves[first]);
    }
}

#[test]
fn inclusion_proofs_match_the_definition_and_verify() {
    let leaves = leaves(SIZES_MAX);
    let rfc = Rfc::new(leaves.clone());
    let mut nodes = ReferenceTree::new(&leaves);
    for size in 1..=SIZES_MAX {
        let root = rfc.mth(0..size);
        for index in 0..size {
            let (i, n) = (index as u64, size as u64);
            let proof = prove_inclusion(&mut nodes, i, n).unwrap();
            assert_eq!(proof, rfc.path(index, 0..size), "{index} of {size}");
            assert_eq!(verify_inclusion(&leaves[index], i, n, &proof, &root), Ok(()));
            let wrong = verify_inclusion(&leaves[(index + 1) % SIZES_MAX], i, n, &proof, &root);
            assert_eq!(wrong, Err(ProofError::Root));
        }
    }
}

#[test]
fn consistency_proofs_match_the_definition_and_verify() {
    let leaves = leaves(SIZES_MAX);
    let rfc = Rfc::new(leaves.clone());
    let mut nodes = ReferenceTree::new(&leaves);
    let roots: Vec<Hash> = (0..=SIZES_MAX).map(|size| rfc.mth(0..size)).collect();
    for size in 0..=SIZES_MAX {
        for old in 0..=size {
            let (m, n) = (old as u64, size as u64);
            let proof = prove_consistency(&mut nodes, m, n).unwrap();
            let want = if old == 0 { Vec::new() } else { rfc.subproof(old, 0..size, true) };
            assert_eq!(proof, want, "{old} of {size}");
            assert_eq!(verify_consistency(m, n, &proof, &roots[old], &roots[size]), Ok(()));
            let mut other = roots[old];
            other[31] ^= 1;
            let wrong = verify_consistency(m, n, &proof, &other, &roots[size]);
            assert_eq!(wrong, Err(ProofError::Root), "{old} of {size}");
            if old > 0 && old < size {
                let wrong = verify_consistency(m, n, &proof, &roots[old], &roots[old]);
                assert_eq!(wrong, Err(ProofError::Root), "{old} of {size}");
            }
        }
    }
}

#[test]
fn indices_outside_the_tree_are_rejected() {
    let mut nodes = ReferenceTree::new(&leaves(4));
    let error = ProofError::OutOfTree { index: 4, size: 4 };
    assert_eq!(prove_inclusion(&mut nodes, 4, 4), Err(TestError(error)));
    assert_eq!(verify_inclusion(&[0; 32], 4, 4, &[], &[0; 32]), Err(error));
    let error = ProofError::OutOfTree { index: 5, size: 4 };
    assert_eq!(prove_consistency(&mut nodes, 5, 4), Err(TestError(error)));
    assert_eq!(verify_consistency(5, 4, &[], &[0; 32], &[0; 32]), Err(error));
}

/// Sizes near 2^64 terminate.
#[test]
fn huge_sizes_terminate() {
    struct Zeros;
    impl Nodes for Zeros {
        type Error = TestError;
        fn node(&mut self, _: u8, _: u64) -> Result<Hash, TestError> {
            Ok([0; 32])
        }
    }
    for size in [u64::MAX, 1 << 63, (1 << 63) + 1] {
        let proof = prove_inclusion(&mut Zeros, size - 1, size).unwrap();
        assert!(proof.len() <= 64);
        let proof = prove_consistency(&mut Zeros, size - 1, size).unwrap();
        assert!(proof.len() <= 65);
        let refused = verify_inclusion(&[1; 32], size - 1, size, &proof, &[0; 32]);
        assert!(refused.is_err());
    }
}

/// A source may be infallible.
#[test]
fn node_sources_choose_their_error_type() {
    struct One;
    impl Nodes for One {
        type Error = Infallible;
        fn node(&mut self, _: u8, _: u64) -> Result<Hash, Infallible> {
            Ok([1; 32])
        }
    }
    let Ok(root) = root_at(&mut One, 1);
    assert_eq!(root, [1; 32]);
}

proptest! {
    /// Any change of a proof is detected.
    #[test]
    fn a_changed_proof_does_not_verify(
        size in 2usize..200, index in 0usize..200, kind in 0u8..4, place in 0usize..10, bit in 0usize..256
    ) {
        let leaves = leaves(size);
        let index = index % size;
        let rfc = Rfc::new(leaves.clone());
        let root = rfc.mth(0..size);
        let mut proof = rfc.path(index, 0..size);
        let place = place % proof.len();
        match kind {
            0 => proof[place][bit / 8] ^= 1 << (bit % 8),
            1 => { proof.remove(place); }
            2 => proof.push([0; 32]),
            _ => proof.insert(place, [0; 32]),
        }
        let result = verify_inclusion(&leaves[index], index as u64, size as u64, &proof, &root);
        prop_assert!(result.is_err());
    }

    /// Invented hashes are rejected for any sizes.
    #[test]
    fn invented_proofs_do_not_verify(
        a in any::<u64>(), b in any::<u64>(), proof in prop::collection::vec(any::<[u8; 32]>(), 0..70)
    ) {
        let _ = verify_inclusion(&[1; 32], a, b, &proof, &[2; 32]).unwrap_err();
        if a != b {
            let _ = verify_consistency(a, b, &proof, &[1; 32], &[2; 32]).unwrap_err();
        }
    }
}
