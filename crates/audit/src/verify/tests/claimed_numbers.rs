//! Numbers that lines claim: the work of a verification does not grow with them.
use super::kinds::{assert_first_bad, edit};
use super::live_log;
use super::support::verify_files;
use crate::store::names::ACTIVE;
use crate::verify::FindingKind;

/// Each forged line claims a number far ahead. Following the ratchet for all of them would never end.
#[test]
fn claimed_numbers_cannot_hang_the_survey() {
    let fixture = live_log();
    let mut files = fixture.files();
    edit(&mut files, ACTIVE, |lines| {
        let line = String::from_utf8(lines[3].clone()).unwrap();
        let (_, rest) = line.split_once(',').unwrap();
        let claims = (1..200).map(|number| number << 20).chain([i64::MAX as u64]);
        lines.extend(claims.map(|seq| format!("{{\"seq\":{seq},{rest}").into_bytes()));
        lines.remove(6);
    });
    let report = verify_files(&files, &fixture.options());
    assert_first_bad(&report, FindingKind::Deleted, ACTIVE, Some(7));
    assert!(report.more_bad.len() > 10, "{:?}", report.more_bad);
}
