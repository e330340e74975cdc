//! Why a text is no image reference.

use thiserror::Error;

/// Why a text is no image reference.
///
/// The messages say what was expected. Of the text itself they show at most one character, escaped, so they
/// are safe for a terminal, a log and a report whatever the text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ReferenceError {
    #[error("the image is empty; expected a name such as registry.example.com/team/app:1.2.3")]
    Empty,
    /// A text of more than [`MAX_BYTES`](super::MAX_BYTES), which is not parsed.
    #[error("the image is too long; expected at most {} bytes", super::MAX_BYTES)]
    TooLong,
    /// A template variable that nothing has filled in: `$IMAGE:1.2`, `{{ .Values.tag }}`, `<image>`, `@PROJECT@`.
    #[error(
        "the image holds an unresolved placeholder (`{mark}`); expected the name after templates are rendered"
    )]
    Placeholder { mark: &'static str },
    /// A URL such as `https://registry.example.com/app` in place of a reference.
    #[error("the image starts with a scheme (`://`); expected the registry host at once, without a scheme")]
    Scheme,
    /// White space, at an end or within.
    #[error(
        "the image holds a blank or a line break (`{}`); expected none, also at its ends",
        .character.escape_default()
    )]
    Blank { character: char },
    /// 64 hex digits and nothing else, which a container runtime would take for an image ID.
    #[error(
        "the image is 64 hex digits, which is the form of an image ID; expected a name, or name@sha256:… for a digest"
    )]
    BareImageId,
    /// No repository: `:1.2`, `registry.example.com/`, `@sha256:…`.
    #[error("the image names no repository; expected [registry/]repository before the tag or digest")]
    MissingRepository,
    /// The part before the first `/` can be neither a host nor a path element.
    #[error(
        "the registry is no valid host; expected letters, digits and `-`, joined by `.`, or an IPv6 address in \
         brackets, and a port of digits after `:` if any"
    )]
    InvalidRegistry,
    /// An upper-case letter in the path, such as `Nginx` or `registry.example.com/Team/app`.
    #[error(
        "the repository holds the upper-case letter `{character}`; expected lower case (or is it a placeholder \
         that was to be replaced?)"
    )]
    UppercaseRepository { character: char },
    /// A character that no path has.
    #[error(
        "the repository holds the character `{}`; expected lower-case letters, digits, `.`, `_`, `-` and `/`",
        .character.escape_default()
    )]
    InvalidRepositoryCharacter { character: char },
    /// Separators in wrong places: `a//b`, `-app`, `app.`, `a..b`.
    #[error(
        "the repository has an element that is empty or misplaces a separator; expected letters or digits at both \
         ends of each element, with one `.`, one or two `_`, or any number of `-` between"
    )]
    InvalidRepositoryElement,
    /// A path beyond 255 bytes, a filled in `library/` included.
    #[error("the repository is {bytes} bytes long; expected at most {}", super::parse::MAX_PATH_BYTES)]
    RepositoryTooLong { bytes: usize },
    /// A `:` with nothing behind it.
    #[error("a `:` is followed by no tag; expected a tag, or no `:`")]
    MissingTag,
    /// A character that no tag has, or not at its start.
    #[error(
        "the tag holds the character `{}`; expected letters, digits, `_`, `.` and `-`, not starting with `.` or `-`",
        .character.escape_default()
    )]
    InvalidTagCharacter { character: char },
    /// A tag beyond 128 bytes.
    #[error("the tag is {bytes} bytes long; expected at most {}", super::parse::MAX_TAG_BYTES)]
    TagTooLong { bytes: usize },
    /// Tag and digest in the wrong order: `name@sha256:…:tag`.
    #[error("a tag stands after the digest; expected name:tag@digest")]
    TagAfterDigest,
    /// An `@` with nothing behind it.
    #[error("an `@` is followed by no digest; expected algorithm:hex such as sha256:…, or no `@`")]
    MissingDigest,
    /// A tag behind the `@`: `mysql@8.0.44`.
    #[error("a tag follows the `@`; did you mean `:`? Behind an `@` a digest is expected, such as sha256:…")]
    TagBehindAt,
    /// Anything but `sha256:`, `sha384:` or `sha512:` behind the `@`.
    #[error("the digest's algorithm is unknown; expected sha256:…, sha384:… or sha512:…")]
    UnknownDigestAlgorithm,
    /// Anything but lower-case hex in a digest.
    #[error(
        "the digest holds the character `{}`; expected lower-case hex digits",
        .character.escape_default()
    )]
    InvalidDigestCharacter { character: char },
    /// A digest cut short or too long.
    #[error("the digest has {found} hex digits; expected {expected} for its algorithm")]
    InvalidDigestLength { expected: usize, found: usize },
}
