//! Values at every offset of the blocks that the bulk search reads, and directly beside each other.

use super::*;

#[test]
fn values_are_found_at_every_block_offset() {
    let mut redactor = standard();
    let mut dirty = Vec::new();
    for text in FOUND {
        for place in 0..130usize {
            for around in [b' ', b'x', b'7', b'-', b'.', b'=', b'"', b'_', 0, 0xFF] {
                let mut stretch = vec![around; place];
                stretch.extend_from_slice(text.as_bytes());
                let value = place as u32..stretch.len() as u32;
                for behind in [0, 1, 70, 140] {
                    stretch.resize(value.end as usize + behind, around);
                    redactor.mark_dirty(&stretch, std::slice::from_ref(&value), &mut dirty);
                    assert!(dirty[0], "{text} at {place} in {around:#x}, {behind} behind");
                    assert!(!redactor.is_clean(&stretch, std::slice::from_ref(&value)));
                }
            }
        }
    }
}

#[test]
fn adjacent_values_are_distinguished() {
    let mut redactor = standard();
    for text in FOUND {
        for (before, behind) in [("x", "y"), ("7", "0"), ("-", "-"), ("abc", "1234567890")] {
            let stretch = format!("{before}{text}{behind}");
            let (a, b) = (before.len() as u32, (before.len() + text.len()) as u32);
            let values = [0..a, a..b, b..stretch.len() as u32];
            assert!(!redactor.is_clean(stretch.as_bytes(), &values), "{stretch}");
        }
    }
}
