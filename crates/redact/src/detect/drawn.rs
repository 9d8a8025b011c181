//! Whether a text was drawn at random, as keys are, or written, as words, names, paths and versions are.
//!
//! The test counts pairs of neighbouring characters: in words, most pairs of letters are common ones. A pure function;
//! reads at most [`READ_BYTES_MAX`] bytes.

use crate::bytes::distinct;

/// Fewest bytes of a text that can be called drawn.
pub(super) const BYTES_MIN: usize = 16;
/// More bytes are not read: the first ones decide.
pub(super) const READ_BYTES_MAX: usize = 160;
/// Fewest letters and digits.
const ALNUM_MIN: u32 = 14;
/// Fewest different characters.
const DISTINCT_MIN: u32 = 8;
/// Shorter segments are not called drawn by themselves: too few pairs.
const SEGMENT_MIN: u32 = 6;

/// For each letter, a bit per letter that often follows it in words.
///
/// The 247 pairs that cover 93 % of the pairs in 11,000 words of documentation, source code and logs.
#[rustfmt::skip]
const COMMON: [u32; 26] = [
    0x017E_BD6E, 0x0016_4911, 0x001E_4D9D, 0x0016_493D, 0x01EF_F97F, 0x0012_4939, 0x0016_6191,
    0x0002_4111, 0x022E_F87F, 0x0000_0000, 0x0004_0110, 0x011C_4919, 0x0014_D113, 0x003C_617D,
    0x007E_FD6F, 0x001E_C991, 0x0010_0000, 0x013E_7D5D, 0x011C_C995, 0x011E_C995, 0x000E_B917,
    0x0000_0111, 0x0002_4111, 0x0008_8110, 0x0004_A000, 0x0000_0010,
];

/// Counts of pairs; a half is counted as one, a whole pair as two.
#[derive(Clone, Copy, Default)]
struct Pairs {
    common: u32,
    rare: u32,
}

impl Pairs {
    fn add(&mut self, other: Pairs) {
        self.common += other.common;
        self.rare += other.rare;
    }

    /// Whether rare pairs are at least `percent` of all.
    fn rare_percent(self, percent: u32) -> bool {
        self.rare > 0 && self.rare * 100 >= (self.rare + self.common) * percent
    }
}

/// A run of letters and digits.
#[derive(Clone, Copy, Default)]
struct Segment {
    pairs: Pairs,
    len: u32,
    letters: u32,
    /// Letters beyond `f`, and letters of each case: a segment without these is hexadecimal.
    beyond_hex: bool,
    lower: bool,
    upper: bool,
}

/// Sums over all segments.
#[derive(Default)]
struct Sums {
    pairs: Pairs,
    alnum: u32,
    drawn: u32,
    digits: u32,
    has_word: bool,
}

impl Sums {
    fn end(&mut self, segment: Segment) {
        self.alnum += segment.len;
        let hex = !(segment.beyond_hex || segment.lower && segment.upper);
        if hex || segment.letters < 3 {
            return;
        }
        self.pairs.add(segment.pairs);
        if segment.len >= SEGMENT_MIN && segment.pairs.rare_percent(42) {
            self.drawn += segment.len;
        }
        self.has_word |= segment.letters >= 5 && !segment.pairs.rare_percent(35);
    }

    /// Mostly drawn segments; or many short ones, none of which is a word.
    fn is_drawn(&self) -> bool {
        let short = self.digits >= 4 && !self.has_word && self.pairs.rare_percent(60);
        self.alnum >= ALNUM_MIN
            && (self.drawn * 10 >= self.alnum * 7 || short && self.pairs.rare * 2 >= self.alnum)
    }
}

/// Whether `text` looks drawn. Hexadecimal strings do not: digests and identifiers look like them.
pub(crate) fn is_drawn(text: &[u8]) -> bool {
    let text = &text[..text.len().min(READ_BYTES_MAX)];
    if text.len() < BYTES_MIN || text.starts_with(b"0x") || distinct(text) < DISTINCT_MIN {
        return false;
    }
    let (mut sums, mut segment) = (Sums::default(), Segment::default());
    let mut before = 0u8;
    for &byte in text {
        if !byte.is_ascii_alphanumeric() {
            sums.end(core::mem::take(&mut segment));
            before = byte;
            continue;
        }
        segment.push(before, byte);
        sums.digits += u32::from(byte.is_ascii_digit());
        before = byte;
    }
    sums.end(segment);
    sums.is_drawn()
}

/// Whether most characters of `text` are next to their predecessors in the alphabet, in one direction: a list of
/// characters, or the key of an example.
pub(super) fn is_row(text: &[u8]) -> bool {
    let text = &text[..text.len().min(READ_BYTES_MAX)];
    let count =
        |step: u8| text.windows(2).filter(|pair| pair[1] == pair[0].wrapping_add(step)).count();
    count(1).max(count(u8::MAX)) * 4 >= text.len() * 3
}

impl Segment {
    fn push(&mut self, before: u8, byte: u8) {
        if self.len > 0 {
            self.pairs.add(pair(before, byte));
        }
        self.len += 1;
        self.letters += u32::from(byte.is_ascii_alphabetic());
        self.lower |= byte.is_ascii_lowercase();
        self.upper |= byte.is_ascii_uppercase();
        self.beyond_hex |= byte.is_ascii_alphabetic() && byte | 0x20 > b'f';
    }
}

/// What the pair `a`, `b` says. Digits side by side say nothing; a capital after a small letter starts a word or not.
fn pair(a: u8, b: u8) -> Pairs {
    match (a.is_ascii_digit(), b.is_ascii_digit()) {
        (true, true) => Pairs::default(),
        (false, false) if a.is_ascii_lowercase() && b.is_ascii_uppercase() => {
            Pairs { common: 0, rare: 1 }
        }
        (false, false) => {
            let (a, b) = ((a | 0x20) - b'a', (b | 0x20) - b'a');
            let common = COMMON[usize::from(a)] >> b & 1 != 0;
            if common { Pairs { common: 2, rare: 0 } } else { Pairs { common: 0, rare: 2 } }
        }
        _ => Pairs { common: 0, rare: 2 },
    }
}

#[cfg(test)]
mod tests {
    use super::is_drawn;

    #[test]
    fn keys_look_drawn() {
        for text in [
            "28ksnqsrn7q12wp11onrmr4bh1dvi7ut",
            "8PKXsB1ohFUGnw0j8y3g9pRUvDj0I1Ha",
            "JJ4ZIC9EJNWVIS86",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "vKxrRC8ukovVUMaFoSSQVN+iadrjz28Jlxjbt3s//m5xz",
            "oNKE6BzKsFuO8qvuau.kqvuAuEkFUS5hoEo.rpoD0siIHlzm",
            "uigi9zkt-7q3u-v1v9-5x2s-91p78wlmsuxv",
            "qscgyygcsq-wdvvok7slklklaasnd8afafxd",
            "abcd1234efgh5678ijkl9012mnop3456",
            "JBSWY3DPEHPK3PXP",
        ] {
            assert!(is_drawn(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn lists_of_characters_are_rows() {
        assert!(super::is_row(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"));
        assert!(!super::is_row(b"abcd1234efgh5678ijkl9012mnop3456q1"));
        assert!(!super::is_row(b"bu9JFVJtII3FINL1rOKcNpveXD4hSMtSDx7opOWDEFGH"));
    }

    #[test]
    fn words_paths_versions_and_identifiers_do_not() {
        for text in [
            "org.apache.hadoop.hdfs.server.datanode",
            "nginx-deployment-7fb96c846b-8xmnl",
            "kube-system/coredns-5d78c9869d-abcde",
            "checkout-4deaee5ce-nzaiu",
            "550e8400-e29b-41d4-a716-446655440000",
            "0af7651916cd43dd8448eb211c80319c",
            "E1DB8935BD779125365B37FC26C58ACC",
            "0x14f4a6318b80018aa",
            "Ed25519VerificationKey2018",
            "X25519KeyAgreementKey2019",
            "ECDHE-RSA-AES128-GCM-SHA256",
            "2024-07-12T21:00:24.419627Z",
            "20240712T210024Z-backup",
            "report_2024_final.pdf",
            "photos/2024/IMG_20240712_210024.jpg",
            "v1.28.3-gke.1203001",
            "libpam-runtime-1.4.0-11ubuntu2",
            "i-0abcd1234ef567890",
            "ami-0ff8a91507f77f867",
            "user:1234567:profile:settings",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "XXXXXXXXXXXXXXXXXXXXXXXX",
            "TestSourcePassword123456",
            "getEndpointInformationAsync",
            "arn:aws:iam::123456789012:role/Admin",
            "projects/my-project/locations/us-central1/keyRings/ring-1",
        ] {
            assert!(!is_drawn(text.as_bytes()), "{text}");
        }
    }
}
