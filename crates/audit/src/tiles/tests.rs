//! Tiles at the boundaries of their levels and on fault-injecting storage, compared with a tree in memory.
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::merkle::tests::ReferenceTree;
use crate::merkle::{
    Nodes, Tree, leaf_hash, prove_consistency, prove_inclusion, root_at, verify_consistency,
    verify_inclusion,
};
use ringseal_base::digest::Hash;
use ringseal_base::storage::faulty::{Faults, FaultyDisk};
use ringseal_base::storage::{FileKind, OsStorage, Storage};

const DIR: &str = "/log";

fn leaf(index: u64) -> Hash {
    leaf_hash(&index.to_be_bytes())
}

fn writer_of(disk: &FaultyDisk, size: u64) -> TileWriter {
    let mut writer = TileWriter::new(Path::new(DIR), 0o600);
    for index in 0..size {
        writer.push(leaf(index));
        if index % 1000 == 0 {
            writer.write(disk).unwrap();
        }
    }
    writer.seal(disk).unwrap();
    writer
}

fn names(disk: &FaultyDisk) -> BTreeSet<String> {
    let names = disk.files().into_keys();
    names.map(|path| path.strip_prefix(DIR).unwrap().to_str().unwrap().to_owned()).collect()
}

/// Anyone with write access could otherwise keep the log from making checkpoints.
#[test]
fn links_and_pipes_are_replaced_by_tiles() {
    for kind in [FileKind::Symlink, FileKind::Other] {
        for name in ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"] {
            let (disk, whole) = (FaultyDisk::new(Path::new(DIR)), FaultyDisk::new(Path::new(DIR)));
            let dir = Path::new(DIR).join(name);
            disk.create_dir(dir.parent().unwrap(), 0o700).unwrap();
            disk.put_other(&Path::new(DIR).join(name), kind);
            let mut writer = writer_of(&disk, 300);
            assert_eq!(writer.replaced(), 1, "{name}");
            writer.sync(&disk).unwrap();
            writer_of(&whole, 300).sync(&whole).unwrap();
            assert_eq!(disk.files(), whole.files(), "{name}");
        }
    }
}

#[test]
fn tile_names_match_the_specification() {
    let cases = [
        (0, 0, 256, "tile/0/000"),
        (0, 0, 1, "tile/0/000.p/1"),
        (0, 999, 255, "tile/0/999.p/255"),
        (0, 1000, 256, "tile/0/x001/000"),
        (1, 1_234_067, 256, "tile/1/x001/x234/067"),
        (63, 1_000_000_000, 7, "tile/63/x001/x000/x000/000.p/7"),
    ];
    for (level, index, width, name) in cases {
        let tile = Tile { level, index, width };
        assert_eq!(tile.name(), name);
        assert_eq!(Tile::parse(name), Some(tile));
    }
    let refused = [
        "",
        "tile/0",
        "tile/0/0",
        "tile/0/00",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/00/000",
        "tile/64/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/+00",
        "tile/0/x018/x446/x744/x073/x709/x551/x616/000",
        "tile/entries/000",
        "/tile/0/000",
    ];
    for name in refused {
        assert_eq!(Tile::parse(name), None, "{name}");
    }
}

/// The example of the specification, and both sides of each boundary.
#[test]
fn each_tree_size_has_the_specified_tiles() {
    // Size; full tiles of levels 0, 1, 2; width of the partial tiles of levels 0, 1, 2.
    let cases: [(u64, [u64; 3], [u16; 3]); 9] = [
        (1, [0, 0, 0], [1, 0, 0]),
        (255, [0, 0, 0], [255, 0, 0]),
        (256, [1, 0, 0], [0, 1, 0]),
        (257, [1, 0, 0], [1, 1, 0]),
        (65_535, [255, 0, 0], [255, 255, 0]),
        (65_536, [256, 1, 0], [0, 0, 1]),
        (65_537, [256, 1, 0], [1, 0, 1]),
        (70_000, [273, 1, 0], [112, 17, 1]),
        (512, [2, 0, 0], [0, 2, 0]),
    ];
    for (size, full, partial) in cases {
        let disk = FaultyDisk::new(Path::new(DIR));
        writer_of(&disk, size);
        let mut want = BTreeSet::new();
        for level in 0..3u8 {
            let (full, width) = (full[usize::from(level)], partial[usize::from(level)]);
            let width_full = TILE_WIDTH as u16;
            want.extend((0..full).map(|index| Tile { level, index, width: width_full }.name()));
            if width > 0 {
                want.insert(Tile { level, index: full, width }.name());
            }
        }
        assert_eq!(names(&disk), want, "{size} leaves");
        for name in want {
            let tile = Tile::parse(&name).unwrap();
            assert_eq!(Tile::at(tile.level, tile.index, size), Some(tile), "{size}");
            assert_eq!(disk.files()[&Path::new(DIR).join(&name)].len(), tile.bytes());
        }
        let mut tree = Tree::new();
        (0..size).for_each(|index| tree.push(leaf(index)));
        let mut reader = TileReader::new(&disk, Path::new(DIR), size);
        assert_eq!(root_at(&mut reader, size).unwrap(), tree.root(), "{size} leaves");
        let opened = TileWriter::open(&disk, Path::new(DIR), 0o600, size, 0).unwrap();
        assert_eq!(opened.tree().root(), tree.root(), "{size} leaves");
    }
}

#[test]
fn every_tree_node_is_read_from_its_tiles() {
    let size = 1500;
    let disk = FaultyDisk::new(Path::new(DIR));
    writer_of(&disk, size);
    let leaves: Vec<Hash> = (0..size).map(leaf).collect();
    let mut reference = ReferenceTree::new(&leaves);
    let mut reader = TileReader::new(&disk, Path::new(DIR), size);
    for level in 0..=10u8 {
        for index in 0..size >> level {
            let node = reader.node(level, index).unwrap();
            assert_eq!(node, reference.node(level, index).unwrap(), "{level} {index}");
        }
        assert!(matches!(reader.node(level, size >> level), Err(TileError::Proof(_))));
    }
    for level in [11, 63, 64, 255] {
        assert!(reader.node(level, 0).is_err());
    }
    assert!(reader.node(7, u64::MAX).is_err());
}

#[test]
fn proofs_from_tiles_verify_at_every_tile_boundary() {
    let size = 66_000;
    let disk = FaultyDisk::new(Path::new(DIR));
    writer_of(&disk, size);
    let dir = Path::new(DIR);
    let sizes = [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, size];
    let mut reader = TileReader::new(&disk, dir, size);
    for new in sizes {
        let root = root_at(&mut reader, new).unwrap();
        for old in sizes.into_iter().filter(|old| *old <= new) {
            let old_root = root_at(&mut reader, old).unwrap();
            let proof = prove_consistency(&mut reader, old, new).unwrap();
            verify_consistency(old, new, &proof, &old_root, &root).unwrap();
            let proof = prove_inclusion(&mut reader, old - 1, new).unwrap();
            verify_inclusion(&leaf(old - 1), old - 1, new, &proof, &root).unwrap();
        }
    }
}

#[test]
fn a_smaller_tree_reads_from_wider_tiles() {
    let disk = FaultyDisk::new(Path::new(DIR));
    let mut writer = writer_of(&disk, 100);
    let roots = |size| {
        root_at(&mut TileReader::new(&disk, Path::new(DIR), size), size).map_err(|e| e.to_string())
    };
    let root = roots(100).unwrap();
    (100..200).for_each(|index| writer.push(leaf(index)));
    writer.sync(&disk).unwrap();
    // The partial tile of 100 was removed; that of 200 is read instead.
    assert_eq!(names(&disk), BTreeSet::from(["tile/0/000.p/200".to_owned()]));
    assert_eq!(roots(100), Ok(root));
    (200..300).for_each(|index| writer.push(leaf(index)));
    writer.sync(&disk).unwrap();
    let want = ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"];
    assert_eq!(names(&disk), want.map(str::to_owned).into());
    assert_eq!(roots(100), Ok(root));
    assert_eq!(
        roots(301),
        Err("/log/tile/0/001.p/45 is missing, and there is no wider tile".into())
    );
}

#[test]
fn tiles_with_wrong_length_are_rejected_by_name() {
    let disk = FaultyDisk::new(Path::new(DIR));
    writer_of(&disk, 300);
    let path = Path::new(DIR).join("tile/0/000");
    for len in [0, 8160, 8191, 8193] {
        disk.put(&path, &vec![0; len]);
        let mut reader = TileReader::new(&disk, Path::new(DIR), 300);
        match reader.leaf(0) {
            Err(TileError::Length { path: named, expected: 8192, found }) => {
                assert_eq!((named, found), (path.clone(), len as u64));
            }
            other => panic!("{len}: {other:?}"),
        }
    }
}

#[test]
fn a_full_disk_loses_no_leaf() {
    let disk = FaultyDisk::new(Path::new(DIR));
    let mut writer = TileWriter::new(Path::new(DIR), 0o600);
    disk.set_faults(Faults { capacity_bytes: 10_000, ..Faults::default() });
    let mut failures = 0;
    for index in 0..1000 {
        writer.push(leaf(index));
        failures += u32::from(writer.write(&disk).is_err());
    }
    assert!(failures > 0);
    disk.set_faults(Faults::default());
    writer.seal(&disk).unwrap();
    let mut reader = TileReader::new(&disk, Path::new(DIR), 1000);
    assert_eq!(root_at(&mut reader, 1000).unwrap(), writer.tree().root());
}

/// After a kill or a power loss at any call, appending again from the last checkpoint repairs the tiles.
#[test]
fn appending_again_repairs_tiles_after_a_crash() {
    let (checkpoint, end) = (250, 600);
    let dir = Path::new(DIR);
    for call in 0.. {
        let disk = FaultyDisk::new(dir);
        let mut writer = writer_of(&disk, checkpoint);
        writer.sync(&disk).unwrap();
        let killed = disk.calls() + call;
        disk.set_faults(Faults { kill_call: Some((killed, 100)), ..Faults::default() });
        (checkpoint..end).for_each(|index| writer.push(leaf(index)));
        let result = writer.sync(&disk);
        for disk in [disk.after_kill(), disk.after_power_loss(call), disk.after_power_loss(!call)] {
            let mut again = TileWriter::open(&disk, dir, 0o600, checkpoint, 0).unwrap();
            (checkpoint..end).for_each(|index| again.push(leaf(index)));
            again.sync(&disk).unwrap();
            assert_eq!(again.tree().root(), writer.tree().root(), "call {call}");
            let mut reader = TileReader::new(&disk, dir, end);
            let root = root_at(&mut reader, end).unwrap();
            assert_eq!(root, writer.tree().root(), "call {call}");
            for index in 0..end {
                assert_eq!(reader.leaf(index).unwrap(), leaf(index), "call {call}");
            }
            let lost = disk.after_power_loss(call);
            let root = root_at(&mut TileReader::new(&lost, dir, end), end).unwrap();
            assert_eq!(root, writer.tree().root(), "call {call}: synced tiles survive");
        }
        if result.is_ok() {
            break;
        }
    }
}

#[test]
fn tiles_work_on_the_real_file_system() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = TileWriter::new(dir.path(), 0o600);
    (0..600).for_each(|index| writer.push(leaf(index)));
    writer.sync(&OsStorage).unwrap();
    let again = TileWriter::open(&OsStorage, dir.path(), 0o600, 600, 600).unwrap();
    assert_eq!(again.tree().root(), writer.tree().root());
    assert_eq!(OsStorage.stat(&dir.path().join("tile/0/001")).unwrap().len, 8192);
    assert_eq!(again.replaced(), 0);
}

proptest! {
    #[test]
    fn any_name_is_rejected_or_round_trips(name in "tile/[0-9]{0,3}/(x?[0-9]{0,4}/){0,3}[0-9]{0,4}(\\.p/[0-9]{0,4})?") {
        if let Some(tile) = Tile::parse(&name) {
            prop_assert_eq!(tile.name(), name);
        }
    }

    #[test]
    fn tile_names_round_trip(level in 0u8..64, index in any::<u64>(), width in 1u16..=256) {
        let tile = Tile { level, index, width };
        prop_assert_eq!(Tile::parse(&tile.name()), Some(tile));
    }
}
