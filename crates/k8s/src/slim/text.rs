//! Strings of watched objects, decoded into shared text.

use std::fmt;
use std::sync::LazyLock;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::text::UntrustedText;

/// Text that is read straight from the input into its shared allocation.
#[derive(Debug, Clone, Default)]
pub(super) struct Text(pub(super) UntrustedText);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(|text: &str| text.into())).map(Self)
    }
}

/// A pull policy as written. The three values that Kubernetes knows share one allocation each, since every
/// container carries one of them.
pub(super) struct PullPolicyText(pub(super) UntrustedText);

impl<'de> Deserialize<'de> for PullPolicyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(shared_pull_policy)).map(Self)
    }
}

fn shared_pull_policy(written: &str) -> UntrustedText {
    static KNOWN: LazyLock<[UntrustedText; 3]> =
        LazyLock::new(|| PullPolicy::ALL.map(|policy| policy.as_str().into()));
    KNOWN.iter().find(|known| known.raw() == written).cloned().unwrap_or_else(|| written.into())
}

/// Reads a string by a function of the borrowed text.
pub(super) struct TextVisitor<F>(pub(super) F);

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for TextVisitor<F> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok((self.0)(text))
    }
}
