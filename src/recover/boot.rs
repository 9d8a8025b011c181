//! The boot of the machine: files in memory do not outlive it.

/// The kernel's id of this boot; zeros where there is none.
pub fn boot_id() -> [u8; 16] {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    parse(text.trim()).unwrap_or_default()
}

/// The bytes of a UUID's text.
fn parse(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|each| *each != '-')
        .map(|each| each.to_digit(16).map(|it| it as u8))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_has_one_id() {
        assert_eq!(boot_id(), boot_id());
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        assert_eq!(parse(text).unwrap()[..3], [0x00, 0x11, 0x22]);
        for text in ["", "0011", "zz112233-4455-6677-8899-aabbccddeeff"] {
            assert_eq!(parse(text), None);
        }
    }
}
