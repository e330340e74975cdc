//! Which policy applies. An invalid one changes nothing: the last valid one stays in use, also over a restart, since the
//! status holds it.

use std::sync::Arc;

use kube::ResourceExt;
use serde_json::Value;
use tagwatch_core::policy::{Policy, Profile};
use tagwatch_core::text::UntrustedText;
use tagwatch_k8s::tag_policy::{AcceptedSpec, TagPolicy};

/// Mistakes that a message names; the rest is counted.
const MAX_MISTAKES: usize = 8;

/// Where the policy that applies comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicySource {
    /// The policy as it is in the cluster.
    Cluster,
    /// The last valid spec of the policy, which is invalid now.
    LastGood,
    /// The recommended profile: there is no policy, or none that was ever valid.
    Recommended,
}

impl PolicySource {
    pub(crate) const ALL: [Self; 3] = [Self::Cluster, Self::LastGood, Self::Recommended];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::LastGood => "last_good",
            Self::Recommended => "recommended",
        }
    }
}

/// Why a policy does not apply; safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection(pub(crate) String);

/// The policy that applies, and why.
#[derive(Debug, Clone)]
pub(crate) struct ActivePolicy {
    /// This installation, whose entry in the status is read.
    instance: Arc<str>,
    pub(crate) source: PolicySource,
    pub(crate) rejection: Option<Rejection>,
    /// The valid spec that is in use; none for the recommended profile.
    pub(crate) accepted: Option<Arc<AcceptedSpec>>,
    /// The object as it was last seen.
    pub(crate) object: Option<Arc<TagPolicy>>,
}

impl ActivePolicy {
    /// The built-in policy `recommended`, for a cluster without a TagPolicy.
    pub(crate) fn recommended(instance: impl Into<Arc<str>>) -> Self {
        let instance = instance.into();
        Self { instance, source: PolicySource::Recommended, rejection: None, accepted: None, object: None }
    }

    /// Takes the object as it is in the cluster now. Returns the policy that applies, where that changed.
    pub(crate) fn update(&mut self, object: Option<TagPolicy>) -> Option<Policy> {
        let Some(object) = object.map(Arc::new) else {
            let changed = self.accepted.is_some();
            *self = Self::recommended(Arc::clone(&self.instance));
            return changed.then(|| Policy::of(Profile::Recommended));
        };
        // The watch shows our own writes of the status too.
        if self.is_known(&object) {
            if let (None, Some(accepted)) = (&self.rejection, &mut self.accepted) {
                Arc::make_mut(accepted).generation = object.metadata.generation.unwrap_or_default();
            }
            self.object = Some(object);
            return None;
        }
        let before = self.accepted.take();
        let (accepted, policy, rejection) = match compile(&object.spec) {
            Ok(policy) => {
                let generation = object.metadata.generation.unwrap_or_default();
                let accepted = AcceptedSpec { generation, spec: or_empty(&object.spec) };
                (Some(Arc::new(accepted)), policy, None)
            }
            Err(rejection) => {
                let (accepted, policy) = last_good(before.clone(), &object, &self.instance).unzip();
                (accepted, policy.unwrap_or_else(|| Policy::of(Profile::Recommended)), Some(rejection))
            }
        };
        let spec =
            |accepted: &Option<Arc<AcceptedSpec>>| accepted.as_ref().map(|accepted| accepted.spec.clone());
        let changed = spec(&before) != spec(&accepted);
        self.source = match (&rejection, &accepted) {
            (None, _) => PolicySource::Cluster,
            (Some(_), Some(_)) => PolicySource::LastGood,
            (Some(_), None) => PolicySource::Recommended,
        };
        self.rejection = rejection;
        self.accepted = accepted;
        self.object = Some(object);
        changed.then_some(policy)
    }

    /// Whether the object holds the spec that was seen last, and nothing can come of compiling it again.
    fn is_known(&self, object: &TagPolicy) -> bool {
        let same = self.object.as_ref().is_some_and(|known| known.spec == object.spec);
        same && self.accepted.is_some()
    }

    /// The status of the policy is stored.
    pub(crate) fn mark_stored(&mut self, mut stored: TagPolicy) {
        stored.metadata.managed_fields = None;
        let generation = stored.metadata.generation;
        // An object of another generation is newer: the watch has shown it meanwhile.
        if self.object.as_ref().is_some_and(|object| object.metadata.generation == generation) {
            self.object = Some(stored.into());
        }
    }

    /// Name of the policy, where there is one.
    pub(crate) fn name(&self) -> Option<String> {
        self.object.as_ref().map(|object| object.name_any())
    }
}

/// The spec that was in use until now, else the one that the status remembers, if it is still valid.
fn last_good(
    before: Option<Arc<AcceptedSpec>>,
    object: &TagPolicy,
    instance: &str,
) -> Option<(Arc<AcceptedSpec>, Policy)> {
    let remembered = || object.read_status(instance).and_then(|status| status.accepted).map(Arc::new);
    let accepted = before.or_else(remembered)?;
    let policy = compile(&accepted.spec).ok()?;
    Some((accepted, policy))
}

fn or_empty(spec: &Value) -> Value {
    if spec.is_null() { Value::Object(serde_json::Map::new()) } else { spec.clone() }
}

fn compile(spec: &Value) -> Result<Policy, Rejection> {
    let read = Policy::read(&or_empty(spec));
    read.map(|(_, policy)| policy).map_err(|mistakes| rejection(mistakes.iter().map(ToString::to_string)))
}

fn rejection(mistakes: impl IntoIterator<Item = String>) -> Rejection {
    let mistakes: Vec<String> =
        mistakes.into_iter().map(|mistake| UntrustedText::from(mistake).terminal()).collect();
    let mut messages: Vec<String> = mistakes.iter().take(MAX_MISTAKES).cloned().collect();
    if mistakes.len() > MAX_MISTAKES {
        messages.push(format!("and {} more", mistakes.len() - MAX_MISTAKES));
    }
    Rejection(messages.join("; "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(generation: i64, spec: &Value) -> TagPolicy {
        let object = json!({ "metadata": { "name": "default", "generation": generation }, "spec": spec });
        serde_json::from_value(object).unwrap()
    }

    fn profile(policy: Option<Policy>) -> Option<Profile> {
        policy.map(|policy| policy.profile())
    }

    #[test]
    fn an_invalid_policy_changes_nothing_of_what_is_judged() {
        let mut active = ActivePolicy::recommended("tagwatch");
        assert_eq!(
            profile(active.update(Some(policy(1, &json!({ "profile": "strict" }))))),
            Some(Profile::Strict)
        );
        assert_eq!(active.source, PolicySource::Cluster);
        assert_eq!(profile(active.update(Some(policy(2, &json!({ "profile": "strikt" }))))), None);
        assert_eq!(active.source, PolicySource::LastGood);
        let message = "spec.profile: there is no profile \"strikt\"; did you mean strict?";
        assert_eq!(active.rejection, Some(Rejection(message.to_owned())));
        assert_eq!(active.accepted.as_ref().unwrap().generation, 1);
        assert_eq!(
            profile(active.update(Some(policy(3, &json!({ "profile": "always" }))))),
            Some(Profile::Always)
        );
        assert_eq!(active.rejection, None);
    }

    #[test]
    fn the_same_spec_again_is_no_change() {
        let mut active = ActivePolicy::recommended("tagwatch");
        assert!(active.update(Some(policy(1, &json!({})))).is_some());
        assert!(active.update(Some(policy(1, &json!({})))).is_none());
        assert!(active.update(Some(policy(1, &Value::Null))).is_none(), "no spec is an empty one");
        assert!(active.update(Some(policy(2, &Value::Null))).is_none());
        assert_eq!(active.accepted.as_ref().unwrap().generation, 2, "another generation of the same");
    }

    #[test]
    fn everything_that_is_wrong_is_listed() {
        let spec = json!({ "profil": "strict", "rules": { "latest-tags": {} }, "exemptions": [
            { "match": { "names": ["a"] }, "rules": ["*", "no-such-rule"], "reason": "" },
        ]});
        let mut active = ActivePolicy::recommended("tagwatch");
        active.update(Some(policy(1, &spec)));
        let Some(Rejection(message)) = &active.rejection else { panic!("{active:?}") };
        for part in [
            "spec.profil: ",
            "spec.rules.latest-tags: ",
            "exemptions[0].rules[1]: ",
            "exemptions[0].reason: ",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }

    #[test]
    fn the_status_remembers_the_last_good_one_over_a_restart() {
        let mut object = policy(2, &json!({ "rules": { "no-such-rule": {} } }));
        let accepted = |profile: &str| json!({ "generation": 1, "spec": { "profile": profile } });
        object.status = json!({ "instances": [
            { "name": "another", "accepted": accepted("strict") }, { "name": "tagwatch", "accepted": accepted("always") },
        ]});
        let mut active = ActivePolicy::recommended("tagwatch");
        assert_eq!(profile(active.update(Some(object))), Some(Profile::Always));
        assert_eq!(active.source, PolicySource::LastGood);
    }

    #[test]
    fn without_a_last_good_one_it_is_the_recommended_profile() {
        let mut active = ActivePolicy::recommended("tagwatch");
        assert!(active.update(Some(policy(1, &json!({ "profile": 7 })))).is_none());
        assert_eq!(active.source, PolicySource::Recommended);
        let Some(Rejection(message)) = &active.rejection else { panic!("{active:?}") };
        assert!(message.starts_with("spec.profile: expected one of recommended, "), "{message}");
    }

    #[test]
    fn a_policy_that_is_gone_leaves_the_recommended_profile() {
        let mut active = ActivePolicy::recommended("tagwatch");
        active.update(Some(policy(1, &json!({ "profile": "strict" }))));
        assert_eq!(profile(active.update(None)), Some(Profile::Recommended));
        assert!(
            active.update(Some(policy(2, &json!({ "profile": "strikt" })))).is_none(),
            "nothing is left of the first"
        );
        assert_eq!(active.source, PolicySource::Recommended);
    }

    #[test]
    fn hostile_text_does_not_reach_a_terminal() {
        let spec = json!({ "immutable": vec!["\u{1b}[31m@"; 20] });
        let mut active = ActivePolicy::recommended("tagwatch");
        active.update(Some(policy(1, &spec)));
        let Some(Rejection(message)) = &active.rejection else { panic!("{active:?}") };
        assert!(!message.contains('\u{1b}') && message.ends_with("; and 12 more"), "{message}");
    }
}
