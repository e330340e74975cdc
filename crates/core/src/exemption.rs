//! The exemption of a finding, and where it was declared.

use jiff::civil::Date;

use crate::text::UntrustedText;

/// The exemption that turned a finding into a skip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedExemption {
    /// The reason that the policy or annotation gives.
    pub reason: UntrustedText,
    /// Where it was declared.
    pub source: ExemptionSource,
    /// The last day on which it applies, in UTC.
    pub expires: Option<Date>,
}

/// Where an exemption is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExemptionSource {
    /// An entry of the policy's `exemptions`, by its index.
    Policy(usize),
    /// The annotation `tagwatch.dev/ignore` of this object.
    Annotation(AnnotationLevel),
}

/// The object that carries an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum AnnotationLevel {
    Workload,
    Template,
    Namespace,
}

impl AnnotationLevel {
    /// The object's name in messages.
    pub fn words(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Template => "pod template",
            Self::Namespace => "namespace",
        }
    }
}
