//! Exemptions for the findings of today.

use super::spec::{ExemptionSpec, MatchSpec};
use crate::text::UntrustedText;

/// One container of one workload.
#[derive(Debug, Clone, Copy)]
pub struct ExactMatch<'a> {
    /// `None` for a manifest that names none.
    pub namespace: Option<&'a UntrustedText>,
    /// The kind as a policy names it: [`Kinds::name_in_policy`], or the label of a kind.
    ///
    /// [`Kinds::name_in_policy`]: crate::kinds::Kinds::name_in_policy
    pub kind: &'a str,
    /// Name of the workload.
    pub name: &'a UntrustedText,
    /// Name of the container or image volume.
    pub container: &'a UntrustedText,
}

/// An exemption of rules for one container of one workload. Names are matched literally.
pub fn exact_exemption(
    matches: ExactMatch<'_>,
    rules: Vec<String>,
    reason: &str,
    expires: Option<String>,
) -> ExemptionSpec {
    let exact = |name: &str| if name.is_empty() { Vec::new() } else { vec![globset::escape(name)] };
    let ExactMatch { namespace, kind, name, container } = matches;
    ExemptionSpec {
        matches: MatchSpec {
            namespaces: namespace.map(|namespace| exact(namespace.raw())).unwrap_or_default(),
            kinds: exact(kind),
            names: exact(name.raw()),
            containers: exact(container.raw()),
            images: Vec::new(),
        },
        rules,
        reason: reason.to_owned(),
        expires,
    }
}
