//! The dictionary of call sites from its writer to its reader, whole and damaged.
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use proptest::prelude::*;
use ringseal_base::storage::shared_file::SharedFile;

use super::sites::{ENTRY_ALIGN, HEADER_BYTES, checksum};
use super::*;
use crate::core::Level;
use crate::core::callsite::{Callsite, Metadata};
use crate::core::registry;
use crate::core::site_mirror::SiteMirror;

/// A site that is never freed.
fn site(event: &str, keys: &[&'static str], message: Option<Option<usize>>) -> &'static Callsite {
    let event: &'static str = Box::leak(Box::from(event));
    let keys: &'static [&'static str] = Box::leak(keys.into());
    let metadata =
        Metadata { level: Level::Error, event, target: "sites", file: file!(), line: 9, keys };
    let (is_foreign, message) = (message.is_some(), message.flatten());
    Box::leak(Box::new(Callsite::adopted(metadata, is_foreign, message)))
}

fn entry_of(site: &Callsite) -> SiteEntry {
    let metadata = site.metadata();
    SiteEntry {
        level: metadata.level,
        event: metadata.event.into(),
        target: metadata.target.into(),
        file: metadata.file.into(),
        line: metadata.line,
        keys: metadata.keys.iter().map(|key| Box::from(*key)).collect(),
        message: site.message().map(|index| index as u16),
        is_foreign: site.is_foreign(),
    }
}

fn private(_: usize, len: usize) -> io::Result<SharedFile> {
    SharedFile::private(len)
}

/// A file with a few sites of each form, up to its last entry.
fn file() -> Vec<u8> {
    let log = SiteLog::with(private).unwrap();
    log.add(1, site("", &[], None));
    log.add(2, site("order_filled", &["a", "user.id", "ä"], None));
    log.add(70_000, site("log", &["message", "k"], Some(Some(0))));
    log.add(u32::MAX, site("log", &[], Some(None)));
    let mut bytes = log.current_bytes();
    let end = u64::from_le_bytes(*bytes[24..].first_chunk().unwrap());
    assert_eq!((bytes[32], log.left_out(), log.is_lost()), (4, 0, false));
    bytes.truncate(end as usize);
    bytes
}

fn read(bytes: &[u8]) -> (Sites, Result<(), SitesError>) {
    let mut sites = Sites::default();
    let result = read_sites(bytes, &mut sites);
    (sites, result)
}

#[test]
fn all_sites_of_the_process_are_read_back() {
    registry::assign_id(site("round_trip", &["a", "b"], Some(Some(1))));
    let log = Arc::new(SiteLog::with(private).unwrap());
    let mirror = registry::add_mirror(Arc::clone(&log) as Arc<dyn SiteMirror>);
    registry::assign_id(site("later", &[], None));
    registry::remove_mirror(mirror);
    let (sites, result) = read(&log.current_bytes());
    assert_eq!((result, log.left_out()), (Ok(()), 0));
    assert!(sites.len() >= 2 && !sites.is_empty());
    for (id, entry) in sites.iter() {
        assert_eq!(*entry, entry_of(registry::callsite(id).unwrap()), "{id}");
    }
    assert!((1..=sites.len() as u32).all(|id| sites.get(id).is_some()));
    assert!(sites.iter().any(|(_, entry)| &*entry.event == "later"));
}

#[test]
fn the_last_entry_of_an_id_wins() {
    let log = SiteLog::with(private).unwrap();
    ["one", "two"].iter().for_each(|event| log.add(7, site(event, &[], None)));
    let (sites, result) = read(&log.current_bytes());
    assert_eq!((result, sites.len(), &*sites.get(7).unwrap().event), (Ok(()), 1, "two"));
}

/// Makes files as long as it may, and keeps their lengths.
fn limited(files_max: usize) -> (SiteLog, Arc<Mutex<Vec<usize>>>) {
    let lengths = Arc::new(Mutex::new(Vec::new()));
    let made = Arc::clone(&lengths);
    let log = SiteLog::with(move |index, len| {
        assert_eq!(index, made.lock().len());
        if index == files_max {
            return Err(io::ErrorKind::StorageFull.into());
        }
        made.lock().push(len);
        SharedFile::private(len)
    });
    (log.unwrap(), lengths)
}

#[test]
fn files_double_up_to_the_bound() {
    let (log, lengths) = limited(99);
    let wide = site(&"x".repeat(100_000), &[], None);
    (1..=170).for_each(|id| log.add(id, wide));
    let lengths = lengths.lock();
    assert!(lengths.windows(2).all(|pair| pair[1] == 2 * pair[0]), "{lengths:?}");
    let total: usize = lengths.iter().sum();
    assert!(lengths[0] == 256 << 10 && total <= BYTES_MAX && total > BYTES_MAX / 2);
    assert!((1..50).contains(&log.left_out()), "{}", log.left_out());
    assert_eq!(read(&log.current_bytes()).1, Ok(()));
}

#[test]
fn sites_without_room_are_counted() {
    let (log, _) = limited(1);
    let wide = site(&"x".repeat(100_000), &[], None);
    (1..=4).for_each(|id| log.add(id, wide));
    log.add(5, site(&"x".repeat(200_000), &[], None));
    log.add(6, site("keys", &["k"; 70_000], None));
    assert_eq!(log.left_out(), 4);
    log.add(7, site("small", &[], None));
    let (sites, result) = read(&log.current_bytes());
    assert_eq!((result, log.left_out(), sites.len()), (Ok(()), 4, 3));
    assert!(sites.get(7).is_some());
    assert!(SiteLog::with(|_, _| Err(io::ErrorKind::StorageFull.into())).is_err());
}

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn further_files_hold_what_does_not_fit() {
    let home = tempfile::tempdir().unwrap();
    let log = SiteLog::create(home.path()).unwrap();
    let sites: Vec<_> =
        (1..=9_u32).map(|id| site(&format!("{id:050000}").repeat(2), &["k"], None)).collect();
    (1..).zip(&sites).for_each(|(id, site)| log.add(id, site));
    let mut found = Sites::default();
    let mut files = 0;
    while let Ok(bytes) = std::fs::read(home.path().join(file_name(files))) {
        assert_eq!(bytes.len(), 256 << (10 + files));
        read_sites(&bytes, &mut found).unwrap();
        files += 1;
    }
    assert_eq!((files, found.len(), log.left_out()), (3, 9, 0));
    for (id, site) in (1..).zip(&sites) {
        assert_eq!(found.get(id), Some(&entry_of(site)), "{id}");
    }
    assert!(SiteLog::create(home.path()).is_err(), "the files of another run are not replaced");
}

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn a_file_that_cannot_be_made_is_retried() {
    let home = tempfile::tempdir().unwrap();
    let log = SiteLog::create(home.path()).unwrap();
    let obstacle = home.path().join(file_name(1));
    std::fs::write(&obstacle, "").unwrap();
    let wide = site(&"x".repeat(100_000), &[], None);
    (1..=3).for_each(|id| log.add(id, wide));
    assert_eq!(log.left_out(), 1);
    std::fs::remove_file(&obstacle).unwrap();
    log.add(4, wide);
    assert_eq!(log.left_out(), 1);
    let (sites, result) = read(&std::fs::read(obstacle).unwrap());
    assert_eq!((result, sites.len(), sites.get(4).is_some()), (Ok(()), 1, true));
}

#[test]
fn a_cut_file_gives_a_prefix() {
    let bytes = file();
    let (whole, result) = read(&bytes);
    assert_eq!((whole.len(), result), (4, Ok(())));
    let mut most = 0;
    for len in 0..bytes.len() {
        let (sites, result) = read(&bytes[..len]);
        assert_eq!(result.is_ok(), len == 0, "{len}: {result:?}");
        assert!(sites.iter().all(|(id, entry)| whole.get(id) == Some(entry)), "{len}");
        assert!(sites.len() >= most, "{len}");
        most = sites.len();
    }
    // The padding of the last entry is not needed to read it.
    assert!(most >= 3);
}

/// A kill may leave any prefix of the stores.
#[test]
fn an_unpublished_entry_is_not_read() {
    let mut bytes = file();
    let end = bytes.len();
    bytes.extend_from_slice(&[0xEE; 40]);
    bytes[32] += 1;
    assert_eq!((read(&bytes).0.len(), read(&bytes).1), (4, Ok(())));
    bytes.truncate(end);
    for stored in 0..24 {
        let mut begun = vec![0; 1024];
        begun[..stored].copy_from_slice(&bytes[..stored]);
        assert_eq!((read(&begun).0.len(), read(&begun).1), (0, Ok(())), "{stored}");
    }
}

#[test]
fn other_files_are_refused() {
    let bytes = file();
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        read(&bytes).1
    };
    assert_eq!(read(&[7; 200]).1, Err(SitesError::NotSites));
    assert_eq!(read(&[[7; 24], [0; 24], [0; 24]].concat()).1, Err(SitesError::NotSites));
    assert_eq!(with(3, b'X'), Err(SitesError::NotSites));
    assert_eq!(with(16, 9), Err(SitesError::Version(9)));
    assert_eq!(with(HEADER_BYTES, 1), Err(SitesError::Malformed { at: HEADER_BYTES }));
    assert_eq!(with(HEADER_BYTES + 2, 1), Err(SitesError::Truncated { at: HEADER_BYTES }));
    assert_eq!(with(HEADER_BYTES + 4, 9), Err(SitesError::Checksum { at: HEADER_BYTES }));
    assert!(with(31, 1).is_err_and(|error| error.to_string().contains("end early")));
}

/// Corrects all checksums, as far as the entries follow each other.
fn correct_checksums(bytes: &mut [u8]) {
    let mut at = HEADER_BYTES;
    while let Some(head) = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>) {
        let len = u32::from_le_bytes(*head) as usize;
        let Some(entry) = bytes.get_mut(at..at.saturating_add(len)) else { return };
        if len < 12 {
            return;
        }
        let sum = checksum(entry);
        entry[8..12].copy_from_slice(&sum.to_le_bytes());
        at += len.next_multiple_of(ENTRY_ALIGN);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_byte_is_found(at in 0..1_usize << 16, byte in 1_u8..) {
        let mut bytes = file();
        let (whole, _) = read(&bytes);
        let at = at % bytes.len();
        bytes[at] ^= byte;
        let (sites, _) = read(&bytes);
        for (id, entry) in sites.iter() {
            prop_assert_eq!(Some(entry), whole.get(id));
        }
    }

    #[test]
    fn mutated_bytes_never_panic(
        changes in prop::collection::vec((0..1_usize << 16, any::<u8>()), 1..8),
        cut in 0..1_usize << 16,
        is_corrected: bool,
    ) {
        let mut bytes = file();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if is_corrected {
            correct_checksums(&mut bytes);
        }
        let len = bytes.len();
        for bytes in [&bytes[..], &bytes[..cut % len]] {
            let (sites, result) = read(bytes);
            let texts: usize = sites.iter().map(|(_, entry)| entry.event.len()).sum();
            prop_assert!(texts <= bytes.len());
            prop_assert!(result.is_ok() || !result.unwrap_err().to_string().is_empty());
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }
}
