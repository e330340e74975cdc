//! Image references on a page.

use tagwatch_core::text::UntrustedText;

use super::HtmlText;

/// Longer references are split, so that the style sheet can cut the repository and keep tag and digest.
const FITS: usize = 40;
/// Most characters of the whole reference, which is shown on hover: the longest repository name, tag and digest that
/// registries take (OCI distribution, "Pulling manifests"; 255, 128 and 71) fit.
const MAX_FULL: usize = 512;
/// Most characters of each part.
const MAX_PART: usize = 256;

/// An image reference, split into what a narrow column cuts first and what it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageText {
    pub(crate) full: HtmlText,
    /// Repository, tag with its colon, and digest with its `@`; `None` for a reference that is short.
    pub(crate) parts: Option<[HtmlText; 3]>,
}

impl ImageText {
    pub(crate) fn new(image: &UntrustedText) -> Self {
        let raw = image.raw();
        let full = HtmlText::head(raw, MAX_FULL);
        let is_long = raw.char_indices().nth(FITS).is_some();
        let parts = is_long.then(|| split(raw).map(|part| HtmlText::head(part, MAX_PART)));
        Self { full, parts }
    }
}

/// The three parts of a reference, also of one that no registry would take.
fn split(raw: &str) -> [&str; 3] {
    let (named, digest) = raw.split_at(raw.find('@').unwrap_or(raw.len()));
    let last = named.rfind('/').map_or(0, |slash| slash + 1);
    let colon = named[last..].find(':').map_or(named.len(), |colon| last + colon);
    let (repository, tag) = named.split_at(colon);
    [repository, tag, digest]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_reference_are_found_without_reading_it() {
        for (image, expected) in [
            ("registry.example.com:5000/team/app:1.2", ["registry.example.com:5000/team/app", ":1.2", ""]),
            ("localhost:5000/app@sha256:abc", ["localhost:5000/app", "", "@sha256:abc"]),
            ("app:1.2@sha256:abc", ["app", ":1.2", "@sha256:abc"]),
            ("registry.example.com/a/b", ["registry.example.com/a/b", "", ""]),
            ("a@b@c:d/e:f", ["a", "", "@b@c:d/e:f"]),
            (":", ["", ":", ""]),
            ("", ["", "", ""]),
        ] {
            assert_eq!(split(image), expected, "{image}");
        }
    }

    #[test]
    fn a_long_reference_keeps_its_tag_and_its_digest() {
        let repository = format!("registry.example.com/{}/app", "group/".repeat(40));
        let digest = format!("@sha256:{}", "ab".repeat(32));
        let image = ImageText::new(&format!("{repository}:4.2.0{digest}").into());
        let [_, tag, shown] = image.parts.unwrap_or_else(|| panic!("it is long"));
        assert_eq!((tag.to_string(), shown.to_string()), (":4.2.0".to_owned(), digest.clone()));
        assert!(image.full.to_string().ends_with(&format!(":4.2.0{digest}")), "{}", image.full);
        assert_eq!(ImageText::new(&"nginx:1.27".into()).parts, None);
    }

    #[test]
    fn an_absurd_reference_is_bounded() {
        let image = ImageText::new(&"<".repeat(64 * 1024).into());
        assert_eq!(image.full.to_string(), format!("{}…", "&lt;".repeat(MAX_FULL)));
        assert_eq!(image.parts.map(|parts| parts[0].to_string().len()), Some(4 * MAX_PART + "…".len()));
    }
}
