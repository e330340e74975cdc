//! Exemptions for the findings of today.

use super::spec::{ExemptionSpec, MatchSpec};
use crate::text::UntrustedText;
use crate::workload::WorkloadId;

/// An exemption of rules for one container of one workload. Names are matched literally.
pub fn exact_exemption(
    id: &WorkloadId,
    container: &UntrustedText,
    rules: Vec<String>,
    reason: &str,
    expires: Option<String>,
) -> ExemptionSpec {
    let exact = |name: &UntrustedText| match name.raw() {
        "" => Vec::new(),
        name => vec![globset::escape(name)],
    };
    ExemptionSpec {
        matches: MatchSpec {
            namespaces: id.namespace.as_ref().map(exact).unwrap_or_default(),
            kinds: exact(&id.kind),
            names: exact(&id.name),
            containers: exact(container),
            images: Vec::new(),
        },
        rules,
        reason: reason.to_owned(),
        expires,
    }
}
