//! Check digits for made-up numbers. Allocates the results; nothing blocks.

/// A card number: `body` and its Luhn check digit.
pub(super) fn card(body: &str) -> String {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0');
            match digit * 2 {
                _ if at % 2 == 1 => digit,
                twice if twice > 9 => twice - 9,
                twice => twice,
            }
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// A German account number: its two check digits (ISO 13616: mod 97 is 1) and `account`.
pub(super) fn iban(account: &str) -> String {
    // D is 13, E is 14, and two zeros replace the check digits.
    let rest = format!("{account}131400")
        .bytes()
        .fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    format!("DE{:02}{account}", 98 - rest)
}

/// A Brazilian taxpayer's number: `body` of nine digits and two check digits.
pub(super) fn cpf(body: &str) -> String {
    let mut text = body.to_owned();
    for first in [10, 11] {
        let digits = text.bytes().map(|digit| u32::from(digit - b'0'));
        let sum: u32 = digits.zip((2..=first).rev()).map(|(digit, weight)| digit * weight).sum();
        text += &(sum * 10 % 11 % 10).to_string();
    }
    format!("{}.{}.{}-{}", &text[..3], &text[3..6], &text[6..9], &text[9..])
}
