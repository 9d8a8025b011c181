//! Reads any bytes as a file with the call sites of a process that was killed.
use ringseal::internals::digest::Crc32;
use ringseal::internals::recover::{Sites, adopt, read_sites};

const HEADER_BYTES: usize = 64;

/// Reads the bytes as they are, then with the header and the checksums that they should have.
///
/// # Panics
/// If anything panics, or what is read is not in the bytes.
pub fn check(bytes: &[u8]) {
    read(bytes);
    let mut bytes = bytes.to_vec();
    let whole = header(bytes.len());
    if let Some(start) = bytes.first_chunk_mut() {
        *start = whole;
    }
    correct_checksums(&mut bytes);
    read(&bytes);
}

fn read(bytes: &[u8]) {
    let mut sites = Sites::default();
    if let Err(error) = read_sites(bytes, &mut sites) {
        assert!(!error.to_string().is_empty());
    }
    let mut again = Sites::default();
    let _ = read_sites(bytes, &mut again);
    let mut texts = 0;
    for (id, entry) in sites.iter() {
        assert_eq!(again.get(id), Some(entry));
        texts += entry.event.len() + entry.keys.iter().map(|key| key.len()).sum::<usize>();
        if let Some(site) = adopt(entry) {
            let metadata = site.metadata();
            assert_eq!((metadata.event, metadata.line), (&*entry.event, entry.line));
            assert!(metadata.keys.iter().copied().eq(entry.keys.iter().map(|key| &**key)));
        }
    }
    assert!(texts <= bytes.len() && sites.len() == again.len());
}

fn header(end: usize) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..16].copy_from_slice(b"ringseal\x1Asites\n\0");
    header[16..20].copy_from_slice(&[1, 0, HEADER_BYTES as u8, 0]);
    header[24..32].copy_from_slice(&(end as u64).to_le_bytes());
    header
}

fn correct_checksums(bytes: &mut [u8]) {
    let mut at = HEADER_BYTES;
    while let Some(head) = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>) {
        let len = u32::from_le_bytes(*head) as usize;
        let Some(entry) = bytes.get_mut(at..at.saturating_add(len)) else { return };
        if len < 12 {
            return;
        }
        let mut crc = Crc32::new();
        crc.update(&entry[..8]);
        crc.update(&entry[12..]);
        entry[8..12].copy_from_slice(&crc.finish().to_le_bytes());
        at += len.next_multiple_of(8);
    }
}

/// An entry without its checksum. `message` 0xFFFF is none.
fn entry(id: u32, flags: u8, message: u16, texts: &[&str]) -> Vec<u8> {
    let len = 24 + texts.iter().map(|text| 4 + text.len()).sum::<usize>();
    let mut bytes = (len as u32).to_le_bytes().to_vec();
    bytes.extend([id, 0, 7].map(u32::to_le_bytes).concat());
    bytes.extend([2, flags]);
    bytes.extend([message, texts.len() as u16 - 3, 0].map(u16::to_le_bytes).concat());
    bytes.extend(texts.iter().flat_map(|text| (text.len() as u32).to_le_bytes()));
    bytes.extend(texts.iter().flat_map(|text| text.bytes()));
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// Files: one for each kind of entry, then one with all of them.
pub fn seeds() -> Vec<Vec<u8>> {
    let entries = [
        Vec::new(),
        entry(1, 0, 0xFFFF, &["event", "target", "src/main.rs"]),
        entry(2, 0, 0xFFFF, &["event", "target", "src/main.rs", "a", "user.id"]),
        entry(3, 1, 0, &["log", "target", "", "message"]),
        entry(3, 1, 0xFFFF, &["", "", ""]),
        entry(4, 1, 9, &["{}", "\n", "ä", "", "", "k", "k"]),
    ];
    let files = entries.iter().cloned().chain([entries.concat()]);
    files.map(|entries| file(&entries)).collect()
}

fn file(entries: &[u8]) -> Vec<u8> {
    let mut bytes = header(HEADER_BYTES + entries.len()).to_vec();
    bytes.extend(entries);
    correct_checksums(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_read_whole() {
        for (seed, count) in super::seeds().iter().zip([0, 1, 1, 1, 1, 1, 4]) {
            let mut sites = Sites::default();
            assert_eq!(read_sites(seed, &mut sites), Ok(()));
            assert_eq!(sites.len(), count);
        }
    }

    #[test]
    fn damaged_sites_parse_seeds_pass() {
        for seed in super::seeds() {
            check(&seed);
            for at in 0..seed.len() {
                check(&seed[..at]);
                for byte in [0, 1, 0x7F, 0xFF] {
                    let mut damaged = seed.clone();
                    damaged[at] = byte;
                    check(&damaged);
                }
            }
        }
    }
}
