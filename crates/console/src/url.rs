//! Paths and queries of addresses.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tagwatch_core::text::UntrustedText;

/// RFC 3986, section 2.3: the unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longest name that an address holds in full, in bytes. Names of objects are shorter; those in an owner reference need
/// not be.
const MAX_NAME: usize = 256;

/// The name as an address holds it: a longer one is cut, and gets a hash that keeps it distinct.
pub(crate) fn key(name: &UntrustedText) -> UntrustedText {
    let raw = name.raw();
    if raw.len() <= MAX_NAME {
        return name.clone();
    }
    let mut hasher = DefaultHasher::new();
    raw.hash(&mut hasher);
    format!("{}~{:016x}", &raw[..raw.floor_char_boundary(64)], hasher.finish()).into()
}

/// A path of our own root and untrusted segments.
pub(crate) fn address(root: &str, segments: &[&UntrustedText]) -> String {
    let mut path = root.to_owned();
    for &part in segments {
        path.push('/');
        path.extend(utf8_percent_encode(key(part).raw(), SEGMENT));
    }
    path
}

/// A path with an encoded query, which may be empty.
pub(crate) fn with_query(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The fields of a query, decoded.
pub(crate) fn pairs(query: Option<&str>) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
}

/// The first value of one field of a query.
pub(crate) fn field<'a>(query: Option<&'a str>, name: &str) -> Option<Cow<'a, str>> {
    pairs(query).find(|(key, _)| key == name).map(|(_, value)| value)
}
