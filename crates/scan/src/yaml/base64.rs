//! What `!!binary` stands for.

/// The text of Base64 as Go's `base64.StdEncoding` reads it: padded, with line breaks anywhere. In JSON each byte that is
/// not part of a character becomes U+FFFD.
pub(crate) fn decode(text: &str) -> Option<String> {
    let written: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut bytes = Vec::with_capacity(written.len() / 4 * 3);
    let mut groups = written.chunks(4).peekable();
    while let Some(group) = groups.next() {
        let [first, second, third, fourth] = *group else { return None };
        let padding = match (third, fourth) {
            (b'=', b'=') => 2,
            (_, b'=') => 1,
            _ => 0,
        };
        if padding > 0 && groups.peek().is_some() {
            return None;
        }
        let mut bits = 0_u32;
        for byte in [first, second, third, fourth].into_iter().take(4 - padding) {
            bits = bits << 6 | sextet(byte)?;
        }
        bits <<= 6 * padding;
        bytes.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
    }
    Some(lossy(&bytes))
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

/// Unlike `from_utf8_lossy`, which replaces several bytes by one character.
fn lossy(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_go_reads_it() {
        for (written, text) in [
            ("", Some("")),
            ("bmdpbng=", Some("nginx")),
            ("bm\ndp\r\nbng=", Some("nginx")),
            ("YQ==", Some("a")),
            ("YWI=", Some("ab")),
            ("YWJj", Some("abc")),
            ("/+n/", Some("\u{fffd}\u{fffd}\u{fffd}")),
            ("YQ", None),
            ("YQ==YQ==", None),
            ("YQ=a", None),
            ("Y===", None),
            ("YW J", None),
        ] {
            assert_eq!(decode(written).as_deref(), text, "{written:?}");
        }
    }
}
