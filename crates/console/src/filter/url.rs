//! From a filter to an address.

use std::hash::{DefaultHasher, Hash, Hasher};

use form_urlencoded::Serializer;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tagwatch_core::text::UntrustedText;

use super::{Filter, Sort};

/// RFC 3986, section 2.3: unreserved characters stand for themselves.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longest name that an address holds as it is, in bytes. Names of objects are shorter; what an owner reference holds
/// need not be.
const MAX_NAME: usize = 256;

/// The name as an address holds it: one that is too long is cut, and told from others by its hash.
pub(crate) fn key(name: &UntrustedText) -> UntrustedText {
    let raw = name.raw();
    if raw.len() <= MAX_NAME {
        return name.clone();
    }
    let mut hasher = DefaultHasher::new();
    raw.hash(&mut hasher);
    format!("{}~{:016x}", &raw[..raw.floor_char_boundary(64)], hasher.finish()).into()
}

/// A path of fixed parts and segments that somebody else wrote.
pub(crate) fn address(root: &str, segments: &[&UntrustedText]) -> String {
    let mut path = root.to_owned();
    for &part in segments {
        path.push('/');
        path.extend(utf8_percent_encode(key(part).raw(), SEGMENT));
    }
    path
}

impl Filter {
    /// The address at which a page of issues shows this choice.
    pub(crate) fn address(&self) -> String {
        self.address_at("/issues")
    }

    /// The same with another path: an export.
    pub(crate) fn address_at(&self, path: &str) -> String {
        let query = self.query();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    fn query(&self) -> String {
        let Self { namespaces, kinds, severities, outcomes, rules, text, exempt, sort, page } = self;
        let mut query = Serializer::new(String::new());
        query.extend_pairs(namespaces.iter().map(|namespace| ("namespace", namespace.raw())));
        query.extend_pairs(kinds.iter().map(|kind| ("kind", kind.raw())));
        query.extend_pairs(severities.iter().map(|severity| ("severity", severity.as_str())));
        query.extend_pairs(outcomes.iter().map(|outcome| ("result", outcome.as_str())));
        query.extend_pairs(rules.iter().map(|rule| ("rule", rule)));
        if !text.is_empty() {
            query.append_pair("q", text);
        }
        if let Some(exempt) = exempt {
            query.append_pair("exempt", exempt.as_str());
        }
        if *sort != Sort::default() {
            query.append_pair("sort", &sort.written());
        }
        if *page > 1 {
            query.append_pair("page", &page.to_string());
        }
        query.finish()
    }

    /// The first page of another order.
    pub(crate) fn sorted(&self, sort: Sort) -> Self {
        Self { sort, page: 0, ..self.clone() }
    }

    /// Another page.
    pub(crate) fn at_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }
}
