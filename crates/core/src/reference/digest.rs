//! Digests: `algorithm:hex`, as the OCI image specification's registered algorithms have it.

use super::ReferenceError;

/// The algorithms that distribution/reference knows (opencontainers/go-digest), with their hex digits.
const ALGORITHMS: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// Checks the text after the `@`.
pub(super) fn check(digest: &str) -> Result<(), ReferenceError> {
    if digest.is_empty() {
        return Err(ReferenceError::MissingDigest);
    }
    let (algorithm, hex) = digest.split_once(':').ok_or(ReferenceError::UnknownDigestAlgorithm)?;
    let (_, length) = ALGORITHMS
        .into_iter()
        .find(|(name, _)| *name == algorithm)
        .ok_or(ReferenceError::UnknownDigestAlgorithm)?;
    if let Some(character) = hex.chars().find(|c| !matches!(c, '0'..='9' | 'a'..='f')) {
        return Err(if character == ':' {
            ReferenceError::TagAfterDigest
        } else {
            ReferenceError::InvalidDigestCharacter { character }
        });
    }
    if hex.len() != length {
        return Err(ReferenceError::InvalidDigestLength { expected: length, found: hex.len() });
    }
    Ok(())
}

/// Whether a text without a `:` is rather a digest that lacks a part than a tag: `sha256`, `sha256-…`, the hex alone.
pub(super) fn is_cut_short(text: &str) -> bool {
    ALGORITHMS.into_iter().any(|(name, length)| {
        let names_algorithm = text.get(..name.len()).is_some_and(|front| front.eq_ignore_ascii_case(name));
        names_algorithm || (text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}
