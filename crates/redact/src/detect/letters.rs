//! Whether letters were drawn at random, or are words.
//!
//! Words of most languages consist of a few hundred pairs of letters; drawn letters consist of all. The table holds the
//! pairs that occur in at least 10 of the 8,900 most common words in the documentation of programs. Reads each byte
//! once and allocates nothing.

/// For each first letter, the second letters with which it is common, `a` at bit 0.
#[rustfmt::skip]
static COMMON: [u32; 26] = [
    0x03FE_BDEE, 0x011E_5B17, 0x013E_DD95, 0x013E_7BDD, 0x03FF_FFFF, 0x011E_4931,
    0x0116_79F1, 0x011E_7911, 0x02AE_FC7F, 0x0014_C011, 0x001C_6991, 0x013C_ED3F,
    0x0114_F91B, 0x017E_FFFD, 0x01FE_FFFF, 0x011E_C9D9, 0x0010_0000, 0x017E_FD7F,
    0x017D_FDFD, 0x015E_F9FD, 0x008E_FD7F, 0x0000_4111, 0x0006_6991, 0x0008_8115,
    0x000C_F913, 0x0000_0111,
];

/// Fewer letters say too little.
const LETTERS_MIN: usize = 8;
/// At least this many pairs are rare, and this share of all.
const RARE_MIN: usize = 2;
const RARE_SHARE: usize = 4;
/// A word within `camelCase` has more letters than this.
const HUMP_LETTERS: usize = 2;

/// Whether `text` consists of letters that were drawn. `camelCase` and words in capitals are not.
pub(super) fn are_drawn(text: &[u8]) -> bool {
    if text.len() < LETTERS_MIN || !text.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let (mut rare, mut short, mut hump) = (0, 0, 0usize);
    for pair in text.windows(2) {
        hump += 1;
        if pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase() {
            short += usize::from(hump <= HUMP_LETTERS);
            hump = 0;
            continue;
        }
        let [first, second] = [pair[0], pair[1]].map(|byte| (byte | 0x20) - b'a');
        rare += usize::from(COMMON[usize::from(first)] >> second & 1 == 0);
    }
    let odd = rare + short;
    odd >= RARE_MIN && odd * RARE_SHARE >= text.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_letters_are_distinguished_from_words() {
        for text in ["utPkkFxYBPVq", "xkqzvwtpjb", "QWXZKPTRVB", "aGhTkLpQz", "zxqjkvwp"] {
            assert!(are_drawn(text.as_bytes()), "{text}");
        }
        for text in [
            "authentication",
            "Benutzerverwaltung",
            "PasswordEncoder",
            "resetToken",
            "AUTHENTICATION",
            "kubernetes",
            "postgresql",
            "getElementById",
            "xkqz",
            "team10x9xkqz",
            "verschluesselung",
            "",
        ] {
            assert!(!are_drawn(text.as_bytes()), "{text}");
        }
    }
}
