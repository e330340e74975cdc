//! Who looks after a namespace: labels that the policy names, and contacts in annotations.

use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::Namespace;

use crate::filter::Filter;
use crate::snapshot::Workload;
use crate::text::HtmlText;
use crate::view::View;

/// Labels and contacts of a namespace, in this order; empty where it has none.
#[derive(Default)]
pub(super) struct Owner {
    pub(super) labels: Vec<OwnerLabel>,
    pub(super) contacts: Vec<Contact>,
}

pub(super) struct OwnerLabel {
    pub(super) name: HtmlText,
    pub(super) value: HtmlText,
    /// For the team: the issues of all its namespaces.
    pub(super) href: Option<String>,
}

pub(super) struct Contact {
    /// The last part of the annotation's key.
    pub(super) name: &'static str,
    pub(super) text: HtmlText,
    /// The text, where it is a web address.
    pub(super) href: Option<HtmlText>,
}

impl Owner {
    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.contacts.is_empty()
    }

    /// That of a workload's namespace.
    pub(super) fn new(view: &View, workload: &Workload) -> Self {
        let Some(namespace) = workload.namespace_facts.as_deref() else {
            return Self::default();
        };
        let Namespace { labels, ignore: _, contacts } = namespace;
        let engine = view.facts().engine.as_ref();
        let names = engine.map_or(&[][..], |engine| engine.policy().metric_labels());
        let label = |(at, name): (usize, &String)| {
            let value = UntrustedText::from(labels.get(name)?.as_str());
            let team = || Filter { teams: vec![value.clone()], ..Filter::default() }.address();
            Some(OwnerLabel {
                name: HtmlText::short(&name.as_str().into()),
                value: HtmlText::short(&value),
                href: (at == 0).then(team),
            })
        };
        Self {
            labels: names.iter().enumerate().filter_map(label).collect(),
            contacts: contacts.iter().map(|(key, value)| Contact::new(key, value)).collect(),
        }
    }
}

impl Contact {
    fn new(key: &'static str, value: &UntrustedText) -> Self {
        let name = key.rsplit('/').next().unwrap_or(key);
        let href = is_web_address(value.raw()).then(|| HtmlText::long(value));
        Self { name, text: HtmlText::short(value), href }
    }
}

/// Whether a text is an address of the web that a page may link to: no other scheme, and nothing that a URL does not hold.
fn is_web_address(text: &str) -> bool {
    let starts = |scheme: &str| {
        text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
            && text[scheme.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
    };
    (starts("https://") || starts("http://")) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_links() {
        for (text, is_link) in [
            ("https://wiki.example.com/teams/cart?a=b#c", true),
            ("HTTP://wiki.example.com", true),
            ("https://[2001:db8::1]/", true),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("//wiki.example.com", false),
            ("https:///wiki.example.com", false),
            ("https://", false),
            ("https://a b", false),
            ("https://a\u{202e}b", false),
            ("xhttps://a", false),
            (" https://a", false),
            ("team-cart@example.com", false),
            ("#cart on chat", false),
        ] {
            assert_eq!(is_web_address(text), is_link, "{text}");
        }
    }
}
