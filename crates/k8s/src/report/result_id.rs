//! The key of a result.

use std::fmt;

use sha2::{Digest, Sha256};

use super::hex;

/// Key of a result: the first 20 hex digits of a SHA-256 over its parts.
///
/// policy-reporter takes it as the key, drops duplicates silently, and sends no notification when a pass turns
/// into a fail under the same key; so the result is one of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResultId([u8; 10]);

impl ResultId {
    /// Hashes the parts, each with its length, so that no two lists of parts run together.
    pub(super) fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let mut id = [0; 10];
        id.copy_from_slice(&digest[..10]);
        Self(id)
    }

    /// Reads a key from a stored report; `None` for anything but 20 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 20 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut id = [0; 10];
        for (byte, index) in id.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(text.get(index..index + 2)?, 16).ok()?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for ResultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parses() {
        let id = ResultId::of(&["tagwatch", "image-tag"]);
        assert_eq!(ResultId::parse(&id.to_string()), Some(id));
        assert_eq!(id.to_string().len(), 20);
    }

    #[test]
    fn anything_else_does_not_parse() {
        for text in ["", "0123456789abcdef012", "0123456789abcdef0123x", "+1+1+1+1+1+1+1+1+1+1", "éééééééééé"]
        {
            assert_eq!(ResultId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(ResultId::of(&["ab", "c"]), ResultId::of(&["a", "bc"]));
        assert_ne!(ResultId::of(&["a", ""]), ResultId::of(&["a"]));
    }
}
