//! The type of a scalar as kubectl reads it, which is YAML 1.1 as in go-yaml v2: `on` is a boolean and `1_000` a number
//! (`resolve.go` of go.yaml.in/yaml/v2, on which sigs.k8s.io/yaml is based).

use granit_parser::{ScalarStyle, Tag};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScalarType {
    Null,
    Bool,
    Number,
    String,
}

/// An explicit tag decides; otherwise a quoted or block scalar is a string, and the text of a plain one decides.
pub(super) fn resolve(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> ScalarType {
    match tag.and_then(Tag::core_suffix) {
        Some("null") => ScalarType::Null,
        Some("bool") => ScalarType::Bool,
        Some("int" | "float") => ScalarType::Number,
        Some(_) => ScalarType::String,
        None if tag.is_some() || style != ScalarStyle::Plain => ScalarType::String,
        None => plain(text),
    }
}

fn plain(text: &str) -> ScalarType {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => ScalarType::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" | "n" | "N"
        | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => ScalarType::Bool,
        ".nan" | ".NaN" | ".NAN" => ScalarType::Number,
        _ if is_infinity(text) || is_integer(text) || is_float(text) => ScalarType::Number,
        _ => ScalarType::String,
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn is_infinity(text: &str) -> bool {
    matches!(unsigned(text), ".inf" | ".Inf" | ".INF")
}

/// Decimal, `0x`, `0o`, `0b` and the octal of C, with `_` between digits. Only what fits 64 bits is an integer,
/// but what does not is still a float.
fn is_integer(text: &str) -> bool {
    let digits = unsigned(text);
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        _ => (10, digits),
    };
    digits.starts_with(|c: char| c.is_digit(radix)) && digits.chars().all(|c| c == '_' || c.is_digit(radix))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, the expression of go-yaml.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match unsigned(text).split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned(text), None),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && all_digits(fraction),
        Some((whole, fraction)) => all_digits(whole) && all_digits(fraction),
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    mantissa_fits && exponent.is_none_or(|e| !unsigned(e).is_empty() && all_digits(unsigned(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_have_the_types_that_kubectl_sees() {
        let cases = [
            (ScalarType::Null, &["", "~", "null", "NULL"][..]),
            (ScalarType::Bool, &["true", "off", "Yes", "n"]),
            (
                ScalarType::Number,
                &["0", "-12", "1_000", "0x1F", "0o17", "1.25", ".5", "1.", "1e5", "+1.5E-3", "-.inf", ".nan"],
            ),
            (
                ScalarType::String,
                &[
                    "nginx",
                    "1.2.3",
                    "nUll",
                    "tRue",
                    "_1",
                    "1e",
                    "e5",
                    ".",
                    "-",
                    "0x",
                    "1:30",
                    "0xg",
                    "2024-01-10",
                ],
            ),
        ];
        for (expected, texts) in cases {
            for text in texts {
                assert_eq!(resolve(text, ScalarStyle::Plain, None), expected, "{text:?}");
                assert_eq!(resolve(text, ScalarStyle::DoubleQuoted, None), ScalarType::String, "\"{text}\"");
            }
        }
    }

    #[test]
    fn an_explicit_tag_wins() {
        let tag = |name: &str| Tag::new("tag:yaml.org,2002:", name);
        assert_eq!(resolve("12", ScalarStyle::Plain, Some(&tag("str"))), ScalarType::String);
        assert_eq!(resolve("12", ScalarStyle::DoubleQuoted, Some(&tag("int"))), ScalarType::Number);
        assert_eq!(resolve("12", ScalarStyle::Plain, Some(&Tag::new("!", "Ref"))), ScalarType::String);
    }
}
