//! Numbers with their noun.

use std::borrow::Borrow;

use super::grouped;

/// A number with its noun, which takes an `s` unless the number is one: `1 finding`, `12 findings`.
/// Templates give a reference.
pub(crate) fn counted(number: impl Borrow<usize>, noun: &str) -> String {
    let number = *number.borrow();
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        assert_eq!(
            [0, 1, 2].map(|number| counted(number, "finding")),
            ["0 findings", "1 finding", "2 findings"]
        );
    }
}
