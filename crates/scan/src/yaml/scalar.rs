//! The type of a scalar as kubectl reads it, which is YAML 1.1 as in go-yaml v2: `on` is a boolean and `1_000` a number
//! (`resolve.go` of go.yaml.in/yaml/v2, on which sigs.k8s.io/yaml is based).

use std::borrow::Cow;

use super::base64;
use super::error::YamlError;

/// Prefix of the tags that YAML itself defines.
pub(super) const YAML_TAGS: &str = "tag:yaml.org,2002:";

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Integer(i64),
    /// Above the largest [`Self::Integer`].
    Unsigned(u64),
    Float(f64),
    String,
}

/// The type and text of a scalar. A tag decides; without one the text decides if it `is_plain`, and otherwise it is a string.
///
/// # Errors
/// The text does not fit the tag. That of `!!timestamp` is not looked at: it remains a string.
pub(super) fn resolve<'t>(
    text: Cow<'t, str>,
    is_plain: bool,
    tag: Option<&str>,
) -> Result<(Cow<'t, str>, Scalar), YamlError> {
    let Some(tag) = tag else {
        let scalar = if is_plain { plain(&text) } else { Scalar::String };
        return Ok((text, scalar));
    };
    let scalar = match (tag.strip_prefix(YAML_TAGS), plain(&text)) {
        (Some("binary"), _) => {
            let decoded = base64::decode(&text).ok_or(YamlError::WrongTag("binary"))?;
            return Ok((decoded.into(), Scalar::String));
        }
        (Some("null"), scalar @ Scalar::Null)
        | (Some("bool"), scalar @ Scalar::Bool(_))
        | (Some("int"), scalar @ (Scalar::Integer(_) | Scalar::Unsigned(_)))
        | (Some("float"), scalar @ Scalar::Float(_)) => scalar,
        (Some("float"), Scalar::Integer(whole)) =>
        {
            #[expect(clippy::cast_precision_loss, reason = "as Go converts it")]
            Scalar::Float(whole as f64)
        }
        (Some("null"), _) => return Err(YamlError::WrongTag("null")),
        (Some("bool"), _) => return Err(YamlError::WrongTag("bool")),
        (Some("int"), _) => return Err(YamlError::WrongTag("int")),
        (Some("float"), _) => return Err(YamlError::WrongTag("float")),
        _ => Scalar::String,
    };
    Ok((text, scalar))
}

/// Whether a plain scalar is a text by its begin and its length alone: no other type begins with a letter and is longer than
/// `false`, and the words that are none share their first two letters with few others.
#[inline]
pub(super) fn is_surely_text(text: &str) -> bool {
    let mut bytes = text.bytes().map(|byte| byte.to_ascii_lowercase());
    let Some(first) = bytes.next().filter(u8::is_ascii_alphabetic) else { return false };
    text.len() > "false".len()
        || match first {
            b'y' => !matches!(bytes.next(), None | Some(b'e')),
            b'n' => !matches!(bytes.next(), None | Some(b'o' | b'u')),
            b't' => bytes.next() != Some(b'r'),
            b'f' => bytes.next() != Some(b'a'),
            b'o' => !matches!(bytes.next(), Some(b'n' | b'f')),
            _ => true,
        }
}

/// Whether a scalar is a merge key.
pub(super) fn is_merge(text: &str, is_plain: bool, tag: Option<&str>) -> bool {
    let is_named = |tag: &str| tag == "!" || tag.strip_prefix(YAML_TAGS) == Some("merge");
    text == "<<" && tag.map_or(is_plain, is_named)
}

fn plain(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ if text.starts_with('.') => fraction(text).unwrap_or(Scalar::String),
        _ if text.starts_with(|first: char| first.is_ascii_digit() || "+-".contains(first)) => {
            let digits = if text.contains('_') { text.replace('_', "").into() } else { Cow::Borrowed(text) };
            number(&digits).unwrap_or(Scalar::String)
        }
        _ => Scalar::String,
    }
}

/// Go's `ParseFloat` takes `_` between digits.
fn fraction(text: &str) -> Option<Scalar> {
    let between_digits = |(at, _)| {
        let (before, after) = (text[..at].bytes().last(), text[at + 1..].bytes().next());
        [before, after].into_iter().all(|byte| byte.is_some_and(|byte| byte.is_ascii_digit()))
    };
    if text.match_indices('_').all(between_digits) { float(&text.replace('_', "")) } else { None }
}

fn number(text: &str) -> Option<Scalar> {
    let (is_negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    integer(is_negative, digits, digits.len() < text.len())
        .or_else(|| float(text))
        .or_else(|| signed_binary(text))
}

/// Decimal, `0x`, `0o`, `0b` and the octal of C.
fn integer(is_negative: bool, digits: &str, is_signed: bool) -> Option<Scalar> {
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.bytes().all(|digit| digit.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match i64::try_from(magnitude) {
        Ok(whole) => Some(Scalar::Integer(if is_negative { -whole } else { whole })),
        Err(_) if is_negative => (magnitude == 1 << 63).then_some(Scalar::Integer(i64::MIN)),
        Err(_) => (!is_signed).then_some(Scalar::Unsigned(magnitude)),
    }
}

/// go-yaml takes a sign behind `0b` too.
fn signed_binary(text: &str) -> Option<Scalar> {
    let digits = text.strip_prefix("0b").filter(|digits| digits.starts_with(['+', '-']))?;
    i64::from_str_radix(digits, 2).ok().map(Scalar::Integer)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, the expression of go-yaml. A number that is too large for a
/// float is a string.
fn float(text: &str) -> Option<Scalar> {
    let unsigned = |text: &str| text.len() - usize::from(text.starts_with(['+', '-']));
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa = &mantissa[mantissa.len() - unsigned(mantissa)..];
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && all_digits(fraction),
        Some((whole, fraction)) => all_digits(whole) && all_digits(fraction),
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = &exponent[exponent.len() - unsigned(exponent)..];
        !digits.is_empty() && all_digits(digits)
    });
    let value: f64 = text.parse().ok().filter(|_| mantissa_fits && exponent_fits)?;
    value.is_finite().then_some(Scalar::Float(value))
}

/// The text that a key has in JSON (`convertToJSONableObject` of sigs.k8s.io/yaml).
///
/// # Errors
/// What it is, if it cannot be a key.
pub(super) fn key_name(scalar: Scalar, text: &str) -> Result<Cow<'_, str>, &'static str> {
    match scalar {
        Scalar::String => Ok(Cow::Borrowed(text)),
        Scalar::Bool(value) => Ok(Cow::Borrowed(if value { "true" } else { "false" })),
        Scalar::Integer(value) => Ok(value.to_string().into()),
        Scalar::Float(value) => Ok(float_name(value).into()),
        Scalar::Null => Err("a key that is null"),
        Scalar::Unsigned(_) => Err("a key that is a number of more than 63 bits"),
    }
}

/// As Go's `strconv.FormatFloat(value, 'g', -1, 32)`, but for what is no number.
fn float_name(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "as Go converts it")]
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_surely_text_is_no_word_of_another_type() {
        let (starts, ends) = (
            ["", "y", "n", "t", "f", "o", "Y", "N", "T", "F", "O", "a"],
            ["", "e", "o", "u", "r", "a", "n", "f"],
        );
        let rests = ["", "s", "ll", "ue", "lse", "f", "S", "LL", "UE", "LSE", "F", "me"];
        for start in starts {
            for end in ends {
                for rest in rests {
                    for text in
                        [format!("{start}{end}{rest}"), format!("{start}{}{rest}", end.to_uppercase())]
                    {
                        assert!(!is_surely_text(&text) || untagged(&text, true) == Scalar::String, "{text}");
                    }
                }
            }
        }
        assert!(["name", "type", "to", "app", "nginx"].into_iter().all(is_surely_text));
    }

    fn untagged(text: &str, is_plain: bool) -> Scalar {
        resolve(text.into(), is_plain, None).unwrap().1
    }

    #[test]
    fn plain_scalars_have_the_types_that_kubectl_sees() {
        for (expected, texts) in [
            (Scalar::Null, &["", "~", "null", "NULL"][..]),
            (Scalar::Bool(true), &["true", "Yes", "y", "on"]),
            (Scalar::Bool(false), &["off", "n"]),
            (Scalar::Integer(1000), &["1000", "1_000", "+1000", "0x3E8", "0o1750", "01750", "0b1111101000"]),
            (Scalar::Integer(-2), &["-2", "-0x2", "0b-10"]),
            (Scalar::Integer(i64::MIN), &["-9223372036854775808"]),
            (Scalar::Unsigned(1 << 63), &["9223372036854775808"]),
            (Scalar::Float(8.0), &["08", "8.", "+8.0", "0.8e+1", "800e-2"]),
            (Scalar::Float(0.5), &[".5", ".5_0", "+.5", "5e-1"]),
            (Scalar::Float(1e20), &["1e20", "100000000000000000000"]),
        ] {
            for text in texts {
                assert_eq!(untagged(text, true), expected, "{text:?}");
                assert_eq!(untagged(text, false), Scalar::String, "\"{text}\"");
            }
        }
        for text in [
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
            "1e999",
            "._5",
            ".5_",
            "--1",
            "0x-1",
            "+inf",
        ] {
            assert_eq!(untagged(text, true), Scalar::String, "{text:?}");
        }
    }

    #[test]
    fn an_explicit_tag_wins() {
        let tagged = |text: &str, tag: &str| {
            resolve(text.to_owned().into(), true, Some(tag)).map(|(text, scalar)| (text.into_owned(), scalar))
        };
        let yaml = |text, tag: &str| tagged(text, &format!("{YAML_TAGS}{tag}"));
        assert_eq!(yaml("12", "str"), Ok(("12".to_owned(), Scalar::String)));
        assert_eq!(yaml("12", "float"), Ok(("12".to_owned(), Scalar::Float(12.0))));
        assert_eq!(yaml("bmdpbng=", "binary"), Ok(("nginx".to_owned(), Scalar::String)));
        assert_eq!(yaml("nginx", "binary"), Err(YamlError::WrongTag("binary")));
        assert_eq!(yaml("1.5", "int"), Err(YamlError::WrongTag("int")));
        assert_eq!(tagged("12", "!Ref"), Ok(("12".to_owned(), Scalar::String)));
        assert_eq!(tagged("12", "!"), Ok(("12".to_owned(), Scalar::String)));
    }

    #[test]
    fn keys_have_the_names_that_kubectl_sends() {
        for (text, name) in [
            ("on", "true"),
            ("0x10", "16"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("1e6", "1e+06"),
            ("16777217.0", "1.6777216e+07"),
            ("0.00001", "1e-05"),
            ("-.inf", "-.inf"),
            ("web", "web"),
        ] {
            assert_eq!(key_name(untagged(text, true), text).as_deref(), Ok(name), "{text:?}");
        }
        assert!(key_name(Scalar::Null, "~").is_err());
        assert!(key_name(Scalar::Unsigned(u64::MAX), "18446744073709551615").is_err());
    }
}
