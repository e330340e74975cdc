//! Numbers on a page.

use std::fmt::Display;

/// Digits in groups of three from 10 000 on, separated by a narrow no-break space (ISO 80000-1, section 7.3.1).
pub(crate) fn grouped(number: impl Display) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut out = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        let shown = [0, 999, 4166, 10_000, 123_456, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "4166", "10\u{202f}000", "123\u{202f}456", "1\u{202f}234\u{202f}567"]);
    }
}
