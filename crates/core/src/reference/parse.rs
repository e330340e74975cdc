//! The parser. It works on bytes and borrows from its input.

use super::{ReferenceError, digest};

/// Longest text that is read at all, in bytes. An API server stores megabytes in an image field.
pub const MAX_BYTES: usize = 4096;

/// Longest repository, in bytes: `RepositoryNameTotalLengthMax` of distribution/reference.
pub(super) const MAX_PATH_BYTES: usize = 255;

/// The OCI distribution specification's limit for a tag.
pub(super) const MAX_TAG_BYTES: usize = 128;

pub(crate) const DOCKER_HUB: &str = "docker.io";

/// What Docker Hub was called before; the Go parser folds it into `docker.io`.
pub(crate) const DOCKER_HUB_LEGACY: &str = "index.docker.io";

/// The namespace of Docker Hub's official images, which is left out when they are written.
pub(crate) const OFFICIAL_NAMESPACE: &str = "library/";

/// The parts of a reference, as slices of it.
pub(super) struct Spans<'a> {
    pub(super) registry: &'a str,
    /// `library/` where it is filled in, else empty.
    pub(super) namespace: &'static str,
    pub(super) path: &'a str,
    pub(super) tag: Option<&'a str>,
    pub(super) digest: Option<&'a str>,
}

pub(super) fn parse(image: &str) -> Result<Spans<'_>, ReferenceError> {
    if image.is_empty() {
        return Err(ReferenceError::Empty);
    }
    if image.len() > MAX_BYTES {
        return Err(ReferenceError::TooLong);
    }
    // A mistake visible in the whole text says more than the character at which the grammar gave up.
    spans(image).map_err(|error| first_glance(image).unwrap_or(error))
}

fn spans(image: &str) -> Result<Spans<'_>, ReferenceError> {
    if image.len() == 64 && image.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(ReferenceError::BareImageId);
    }
    let (named, digest) = split_mark(image, '@');
    let (host, remainder) = split_host(named);
    let (path, tag) = split_mark(remainder, ':');
    let (registry, path) = match host {
        None | Some(DOCKER_HUB_LEGACY) => (DOCKER_HUB, path),
        Some(host) if is_host(host) => (host, path),
        Some(host) if is_path_element(host) => ("", named.get(..=host.len() + path.len()).unwrap_or(named)),
        Some(_) => return Err(ReferenceError::InvalidRegistry),
    };
    let official = registry == DOCKER_HUB && !path.contains('/');
    let namespace = if official { OFFICIAL_NAMESPACE } else { "" };

    check_path(path, namespace.len())?;
    tag.map_or(Ok(()), check_tag)?;
    digest.map_or(Ok(()), |digest| check_digest(digest, tag))?;
    Ok(Spans { registry, namespace, path, tag, digest })
}

fn split_mark(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// The first path element where it is meant as a host (`splitDockerDomain`), and the rest. Without any `/`
/// there is no host, not even in `localhost:5000`, which is the image `localhost` with the tag `5000`.
fn split_host(named: &str) -> (Option<&str>, &str) {
    match named.split_once('/') {
        Some((first, rest)) if is_meant_as_host(first) => (Some(first), rest),
        _ => (None, named),
    }
}

/// Whether the first of several path elements is no namespace of Docker Hub.
pub(crate) fn is_meant_as_host(element: &str) -> bool {
    element == "localhost"
        || element.bytes().any(|byte| matches!(byte, b'.' | b':') || byte.is_ascii_uppercase())
}

fn is_host(text: &str) -> bool {
    if let Some(bracketed) = text.strip_prefix('[') {
        return bracketed.split_once(']').is_some_and(|(address, port)| {
            !address.is_empty()
                && address.bytes().all(|byte| byte == b':' || byte.is_ascii_hexdigit())
                && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        });
    }
    let (name, port) = split_mark(text, ':');
    name.split('.').all(is_host_label) && port.is_none_or(is_port)
}

fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && label.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric())
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The grammar asks for digits, in any number.
fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_path(path: &str, namespace_bytes: usize) -> Result<(), ReferenceError> {
    if path.is_empty() {
        return Err(ReferenceError::MissingRepository);
    }
    for character in path.chars() {
        match character {
            'a'..='z' | '0'..='9' | '.' | '_' | '-' | '/' => {}
            'A'..='Z' => return Err(ReferenceError::UppercaseRepository { character }),
            _ => return Err(ReferenceError::InvalidRepositoryCharacter { character }),
        }
    }
    if !path.split('/').all(is_path_element) {
        return Err(ReferenceError::InvalidRepositoryElement);
    }
    let bytes = namespace_bytes + path.len();
    if bytes > MAX_PATH_BYTES {
        return Err(ReferenceError::RepositoryTooLong { bytes });
    }
    Ok(())
}

/// Whether an element between slashes has the form of distribution/reference: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
fn is_path_element(element: &str) -> bool {
    let is_word_byte = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
    let mut rest = element.as_bytes();
    loop {
        let word = rest.iter().take_while(|byte| is_word_byte(byte)).count();
        let (_, after_word) = rest.split_at(word);
        if word == 0 || after_word.is_empty() {
            return word > 0;
        }
        let separator = after_word.iter().take_while(|byte| !is_word_byte(byte)).count();
        let (separator, after_separator) = after_word.split_at(separator);
        if !matches!(separator, b"." | b"_" | b"__") && separator.iter().any(|byte| *byte != b'-') {
            return false;
        }
        rest = after_separator;
    }
}

/// Checks a tag against the OCI distribution specification: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`.
fn check_tag(tag: &str) -> Result<(), ReferenceError> {
    let is_tag_character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    match tag.chars().next() {
        None => return Err(ReferenceError::MissingTag),
        Some(character @ ('.' | '-')) => return Err(ReferenceError::InvalidTagCharacter { character }),
        Some(_) => {}
    }
    if let Some(character) = tag.chars().find(|c| !is_tag_character(*c)) {
        return Err(ReferenceError::InvalidTagCharacter { character });
    }
    if tag.len() > MAX_TAG_BYTES {
        return Err(ReferenceError::TagTooLong { bytes: tag.len() });
    }
    Ok(())
}

/// Checks the text after the `@`. A tag there is a slip of the key, unless a tag stands before it.
fn check_digest(digest: &str, tag: Option<&str>) -> Result<(), ReferenceError> {
    let slip = tag.is_none() && check_tag(digest).is_ok() && !digest::is_cut_short(digest);
    if slip { Err(ReferenceError::TagBehindAt) } else { digest::check(digest) }
}

/// The errors visible in the whole of a text that does not parse.
fn first_glance(image: &str) -> Option<ReferenceError> {
    if let Some(mark) = placeholder_mark(image) {
        return Some(ReferenceError::Placeholder { mark });
    }
    if is_url(image) {
        return Some(ReferenceError::Scheme);
    }
    image.chars().find(|c| c.is_whitespace()).map(|character| ReferenceError::Blank { character })
}

/// Templates of Kubernetes, Helm, shells, Kustomize, CI systems, Autoconf, Maven and people. None of the marks is
/// possible in a reference that parses, except for `__`, which is looked for in texts that do not parse.
fn placeholder_mark(image: &str) -> Option<&'static str> {
    let opens = |mark: &str, is_name: fn(char) -> bool| {
        image.match_indices(mark).any(|(at, _)| image[at + mark.len()..].starts_with(is_name))
    };
    if opens("$", |c| c.is_ascii_alphabetic() || matches!(c, '_' | '{' | '(')) {
        Some("$")
    } else if image.contains("{{") {
        Some("{{")
    } else if image.contains('{') {
        Some("{")
    } else if opens("<", |c| c.is_ascii_alphabetic()) {
        Some("<")
    } else if let Some(mark) = ["%", "@"].into_iter().find(|mark| encloses_variable(image, mark)) {
        Some(mark)
    } else if image.split([':', '/', '@']).any(is_dunder) {
        Some("__")
    } else {
        None
    }
}

/// Whether a name stands between two marks: `%TAG%`, `@PROJECT@`, `@project.version@`.
fn encloses_variable(image: &str, mark: &str) -> bool {
    let mut between: Vec<&str> = image.split(mark).skip(1).collect();
    between.pop();
    between.into_iter().any(is_variable_name)
}

fn is_variable_name(text: &str) -> bool {
    text.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
        && text.bytes().all(|byte| matches!(byte, b'_' | b'.' | b'-') || byte.is_ascii_alphanumeric())
}

/// `__TAG__`
pub(super) fn is_dunder(text: &str) -> bool {
    let name = text.strip_prefix("__").and_then(|text| text.strip_suffix("__")).unwrap_or_default();
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_url(image: &str) -> bool {
    image.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}
