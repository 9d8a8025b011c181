//! The numbering plans of the world's calling codes.

use super::table::{PLANS, Plan, STARTS};

/// How well digits fit the plan of the calling code with which they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// The code is not assigned, or its plan has no numbers of this length.
    No,
    /// The plan has numbers of this length.
    Length,
    /// The plan has numbers of this length that start with these digits.
    Start,
}

/// How well `digits`, which include a calling code, fit.
pub(super) fn fit(digits: &[u8]) -> Fit {
    // Mobile numbers of Mexico had a 1 after the code until 2019.
    if let [b'5', b'2', b'1', national @ ..] = digits
        && national.len() == 10
    {
        return plan(b"52").map_or(Fit::No, |plan| national_fit(plan, national));
    }
    (1..=3)
        .filter_map(|len| Some(national_fit(plan(digits.get(..len)?)?, &digits[len..])))
        .max()
        .unwrap_or(Fit::No)
}

/// The plan of a calling code.
fn plan(code: &[u8]) -> Option<&'static Plan> {
    // No calling code starts with a zero.
    if code.first() == Some(&b'0') {
        return None;
    }
    let code = code.iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0'));
    let i = PLANS.binary_search_by_key(&code, |plan| plan.0).ok()?;
    Some(&PLANS[i])
}

/// How well a national number fits a plan. The trunk prefix may be written, as in `+44 (0)20`.
fn national_fit((_, trunk, lengths): &Plan, national: &[u8]) -> Fit {
    let of = |national: &[u8]| {
        let Some((_, set)) = lengths.iter().find(|(len, _)| usize::from(*len) == national.len())
        else {
            return Fit::No;
        };
        let two = national.iter().take(2).fold(0, |n, digit| n * 10 + u32::from(digit - b'0'));
        if STARTS[usize::from(*set)] >> two & 1 != 0 { Fit::Start } else { Fit::Length }
    };
    let fit = of(national);
    match national.strip_prefix(*trunk) {
        Some(rest) if fit < Fit::Start && !trunk.is_empty() => fit.max(of(rest)),
        _ => fit,
    }
}

/// Whether ten digits have the structure of a number of North America.
pub(super) fn is_north_american(digits: &[u8]) -> bool {
    matches!(digits, [b'2'..=b'9', _, _, b'2'..=b'9', ..] if digits.len() == 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_for_the_search() {
        assert!(PLANS.is_sorted_by_key(|plan| plan.0));
    }

    #[test]
    fn lengths_and_first_digits_decide_the_fit() {
        for (number, want) in [
            ("4915123456789", Fit::Start),
            ("14025551212", Fit::Start),
            ("11025551212", Fit::Length),
            ("442079460958", Fit::Start),
            ("4402079460958", Fit::Start),
            ("33612345678", Fit::Start),
            ("33012345678", Fit::Length),
            ("336123456", Fit::No),
            ("8613312345678", Fit::Start),
            ("96512345678", Fit::Length),
            ("999123456789", Fit::No),
            ("1048576", Fit::No),
        ] {
            assert_eq!(fit(number.as_bytes()), want, "{number}");
        }
    }
}
