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
