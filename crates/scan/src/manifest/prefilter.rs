//! Says by the text of a document what of it is read, before a tree is made of it.

use memchr::memmem::{self, Finder};
use tagwatch_core::kinds::Kinds;

use super::object::Content;
use super::{image_fields, templates};
use crate::yaml::Need;

/// Keys at the root of an object, at the begin of a line.
#[derive(Debug)]
pub(crate) struct Prefilter<'k> {
    kinds: &'k Kinds,
    api_version: Finder<'static>,
    kind: Finder<'static>,
    items: Finder<'static>,
    package: Finder<'static>,
}

impl<'k> Prefilter<'k> {
    pub(crate) fn new(kinds: &'k Kinds) -> Self {
        Self {
            kinds,
            api_version: Finder::new("\napiVersion: "),
            kind: Finder::new("\nkind: "),
            items: Finder::new("items"),
            package: Finder::new("package"),
        }
    }

    /// What [`super::Manifest::read`] looks at in a document in which each line that begins at the margin has a key of the
    /// outermost mapping, each key once, or a dash.
    pub(crate) fn need(&self, text: &str) -> Need {
        let Some((api_version, kind)) = value(text, &self.api_version).zip(value(text, &self.kind)) else {
            return Need::Everything;
        };
        // The objects of a list are read by their own kinds.
        if self.has_items(text) {
            return Need::Everything;
        }
        match Content::of(api_version, kind, self.kinds) {
            Content::Nothing => Need::Nothing,
            // Images are counted where a key, a path or a text names them.
            Content::Texts(fields) if has_key(text, fields.encoded) => Need::Everything,
            Content::FluxKustomization
            | Content::Texts(_)
            | Content::OfFormerVersion(_)
            | Content::Counted
            | Content::Unknown => {
                let may_name_image =
                    image_fields::may_name_image(text) || self.package.find(text.as_bytes()).is_some();
                if may_name_image { Need::Everything } else { Need::Nothing }
            }
            // In custom kinds, containers are looked for everywhere.
            Content::Templates(known, _) if known.traits.is_built_in => Need::Keys(templates::READ),
            Content::Namespace
            | Content::Transformer
            | Content::Application
            | Content::HelmRelease
            | Content::Containers(_)
            | Content::Templates(..) => Need::Everything,
        }
    }

    /// Whether a line begins with the key `items`, in quotes or without. That it is in a text or a name makes no difference:
    /// the document is read as a whole then.
    fn has_items(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let begins = |at: usize| at == 0 || matches!(bytes[at - 1], b'\n' | b'"' | b'\'');
        self.items.find_iter(bytes).any(begins)
    }
}

/// Whether a line begins with a key.
fn has_key(text: &str, key: &str) -> bool {
    let begins = |at: usize| text.get(..at).is_some_and(|before| before.is_empty() || before.ends_with('\n'));
    memmem::find_iter(text.as_bytes(), key).any(begins)
}

/// The value of a key at the begin of a line, where it is a word without quotes and nothing follows it.
fn value<'t>(text: &'t str, key: &Finder<'static>) -> Option<&'t str> {
    let needle = key.needle();
    let start = match needle.split_first() {
        // The first line has no line break before it.
        Some((_, first)) if text.as_bytes().starts_with(first) => first.len(),
        _ => key.find(text.as_bytes())? + needle.len(),
    };
    let value = text.get(start..)?.lines().next()?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'-');
    let is_text = value.starts_with(|first: char| first.is_ascii_alphabetic())
        && value.bytes().all(is_word)
        && !value.eq_ignore_ascii_case("null");
    is_text.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_holds_no_image_is_passed_over_and_others_where_no_image_is_named() {
        let kinds = Kinds::default();
        let prefilter = Prefilter::new(&kinds);
        for text in [
            "apiVersion: v1\nkind: Service\nspec:\n  a: b\n",
            "# c\nkind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nspec:\n  image: a\n",
            "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: b\n",
            "apiVersion: example.com/v1\nkind: Database\nspec: {}\n",
            "apiVersion: apps/v1beta1\nkind: Deployment\nspec: {}\n",
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {}\n",
        ] {
            assert!(matches!(prefilter.need(text), Need::Nothing), "{text}");
        }
    }

    #[test]
    fn what_can_say_something_is_read() {
        let kinds = Kinds::default();
        let prefilter = Prefilter::new(&kinds);
        for text in [
            "",
            "kind: Service\n",
            "apiVersion: v1\nkind: Namespace\n",
            "apiVersion: v1\nkind: ServiceList\nitems: []\n",
            "apiVersion: v1\nkind: Service\nitems: []\n",
            "items: []\napiVersion: v1\nkind: Service\n",
            "apiVersion: v1\nkind: Service\n\"items\": []\n",
            "'items': []\napiVersion: v1\nkind: Service\n",
            "apiVersion: v1\nkind: Null\n",
            "apiVersion: null\nkind: Service\n",
            "apiVersion: v1\nkind: Service # c\n",
            "apiVersion: v1\nkind: \"Service\"\n",
            "apiVersion: v1\n  kind: Service\n",
            "apiVersion: apps/v1\nkind: Deployment\n",
            "apiVersion: example.com/v1\nkind: Database\nspec:\n  image: a\n",
            "apiVersion: example.com/v1\nkind: Database\nspec:\n  proxyImage: a:1\n",
            "apiVersion: example.com/v1\nkind: Database\nspec: {repository: a, tag: b}\n",
            "apiVersion: v1\nkind: Service\nspec:\n  image: a\n",
            "apiVersion: example.com/v1\nkind: Database\nspec:\n  PROXY_IMAGE: a:1\n",
            "apiVersion: pkg.crossplane.io/v1\nkind: Provider\nspec: {package: a:1}\n",
            "apiVersion: builtin\nkind: PatchTransformer\npath: a.yaml\n",
            "apiVersion: apps/v1\nkind: ControllerRevision\ndata: {image: a}\n",
            "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    image: b\n",
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\n",
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n",
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  images: []\n",
        ] {
            assert!(!matches!(prefilter.need(text), Need::Nothing), "{text}");
        }
    }
}
