//! Checks a glob of references whose braces are expanded. One that could match no reference, or that matches foreign
//! registries, is a mistake.

use super::InvalidGlobReason;
use super::alternatives::end_of_class;
use crate::reference::is_meant_as_host;
use crate::text::UntrustedText;

/// Checks the part before the tag; `written` is the glob before its braces were expanded.
pub(super) fn name(name: &str, tag: Option<&str>, written: &str) -> Result<(), InvalidGlobReason> {
    if name.is_empty() || name == "/" {
        return Err(InvalidGlobReason::NoName);
    }
    if let Some((scheme, _)) = name.split_once("://") {
        return Err(InvalidGlobReason::Scheme(UntrustedText::from(scheme).terminal()));
    }
    let Some((first, path)) = name.split_once('/') else {
        return alone(name, tag);
    };
    if first.is_empty() {
        return Err(InvalidGlobReason::EmptyElement);
    }
    if matches!(first, "*" | "**") {
        // Any registry has to be written openly, not as one alternative of several.
        if written.starts_with('{') {
            return Err(InvalidGlobReason::NoBoundary);
        }
    } else if is_meant_as_host(first) {
        host(first)?;
    } else {
        element(first)?;
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(());
    }
    path.split('/').try_for_each(element)
}

/// Checks a glob of tags.
pub(super) fn tag(tag: &str) -> Result<(), InvalidGlobReason> {
    if tag.is_empty() {
        return Err(InvalidGlobReason::NoTag);
    }
    characters(tag, "tag", |byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// A name without a slash is an image of Docker Hub. One that looks like a registry was meant as one.
fn alone(name: &str, tag: Option<&str>) -> Result<(), InvalidGlobReason> {
    if name.contains('.') || name == "localhost" {
        let is_port = |tag: &&str| !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_digit());
        let port = tag.filter(is_port).map(|port| format!(":{port}")).unwrap_or_default();
        // A wildcard at the end of a host is not proposed.
        let host = name.trim_end_matches('*');
        return Err(InvalidGlobReason::NoRepository(UntrustedText::from(format!("{host}{port}")).terminal()));
    }
    element(name)
}

/// A registry: written out, or with stars for its first labels.
fn host(written: &str) -> Result<(), InvalidGlobReason> {
    let is_port = |port: &str| port == "*" || (!port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    if let Some((address, port)) = written.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let of_address = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
        let is_address = address.contains(':') && address.bytes().all(of_address);
        return if is_address && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) {
            Ok(())
        } else {
            Err(InvalidGlobReason::NoBoundary)
        };
    }
    let host = match written.split_once(':') {
        Some((host, port)) if is_port(port) => host,
        Some((_, port)) => {
            let wrong = port.chars().find(|c| !c.is_ascii_digit()).unwrap_or(':');
            return Err(character("port", wrong));
        }
        None => written,
    };
    let fixed = host.strip_prefix("**.").or_else(|| host.strip_prefix("*.")).unwrap_or(host);
    if fixed.contains(['*', '?', '[']) || fixed.split('.').any(str::is_empty) {
        return Err(InvalidGlobReason::NoBoundary);
    }
    characters(fixed, "registry", |byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
}

fn element(element: &str) -> Result<(), InvalidGlobReason> {
    if element.is_empty() {
        return Err(InvalidGlobReason::EmptyElement);
    }
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    characters(element, "repository", fits)
}

/// Wildcards fit everywhere; so does each character of a class, since another one of the class may match.
fn characters(text: &str, place: &'static str, fits: impl Fn(u8) -> bool) -> Result<(), InvalidGlobReason> {
    let mut at = 0;
    while let Some(&byte) = text.as_bytes().get(at) {
        match byte {
            b'[' => at = end_of_class(text.as_bytes(), at),
            b'*' | b'?' => {}
            _ if fits(byte) => {}
            _ => {
                let wrong = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or_default();
                return Err(character(place, wrong));
            }
        }
        at += 1;
    }
    Ok(())
}

fn character(place: &'static str, character: char) -> InvalidGlobReason {
    let character = UntrustedText::from(character.to_string()).terminal();
    InvalidGlobReason::Character { place, character }
}
