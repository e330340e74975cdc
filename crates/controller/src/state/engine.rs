//! The engine that evaluates workloads, with its inputs: the policy and the day. What the cluster proved of tags comes with
//! the evidence of each workload.

use std::sync::Arc;

use k8s_openapi::jiff::civil::Date;
use parking_lot::Mutex;
use tagwatch_core::engine::Engine;
use tagwatch_core::policy::Policy;
use tokio::sync::watch;

/// Counts the policies that have been in use, one after the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PolicyRevision(u64);

/// Holds the engine, and makes a new one when an input changes. The reconcile loop evaluates every workload again when the
/// policy changes; the caller that sets a day asks for it.
#[derive(Debug)]
pub(crate) struct EngineHandle {
    inputs: Mutex<EngineInputs>,
    revisions: watch::Sender<PolicyRevision>,
}

#[derive(Debug)]
struct EngineInputs {
    policy: Arc<Policy>,
    today: Date,
    engine: Arc<Engine>,
    revision: PolicyRevision,
    /// The last policy by which every workload was evaluated.
    evaluated: Option<PolicyRevision>,
}

impl EngineHandle {
    /// For a policy, with the exemptions that apply on a day in UTC.
    pub(crate) fn new(policy: Policy, today: Date) -> Self {
        let policy = Arc::new(policy);
        let engine = engine(&policy, today);
        let revision = PolicyRevision::default();
        Self {
            inputs: Mutex::new(EngineInputs { policy, today, engine, revision, evaluated: None }),
            revisions: watch::Sender::new(revision),
        }
    }

    /// The engine as it is now. An evaluation uses one engine from its start to its end.
    pub(crate) fn current(&self) -> Arc<Engine> {
        Arc::clone(&self.inputs.lock().engine)
    }

    /// The same, and whether every workload was evaluated by its policy. Until then some are known as an earlier policy has
    /// it, so that nothing can be said of the parts of this one, nor of the whole cluster by it.
    pub(crate) fn current_and_evaluated(&self) -> (Arc<Engine>, bool) {
        let inputs = self.inputs.lock();
        (Arc::clone(&inputs.engine), inputs.evaluated == Some(inputs.revision))
    }

    /// The policy that is in use.
    pub(crate) fn revision(&self) -> PolicyRevision {
        self.inputs.lock().revision
    }

    /// Shows each policy that comes into use from now on.
    pub(crate) fn revisions(&self) -> watch::Receiver<PolicyRevision> {
        self.revisions.subscribe()
    }

    /// Every workload was evaluated by this policy or a later one. Returns whether that is news of the one that is in use.
    pub(crate) fn mark_evaluated(&self, revision: PolicyRevision) -> bool {
        let mut inputs = self.inputs.lock();
        let is_news = revision == inputs.revision && inputs.evaluated != Some(revision);
        inputs.evaluated = inputs.evaluated.max(Some(revision));
        is_news
    }

    pub(crate) fn set_policy(&self, policy: Policy) {
        self.change(|inputs| {
            inputs.policy = Arc::new(policy);
            inputs.revision.0 += 1;
        });
        self.revisions.send_replace(self.revision());
    }

    /// Applies the exemptions of this day from now on. Returns whether it is another day.
    pub(crate) fn set_today(&self, today: Date) -> bool {
        let is_new = self.inputs.lock().today != today;
        if is_new {
            self.change(|inputs| inputs.today = today);
        }
        is_new
    }

    fn change(&self, change: impl FnOnce(&mut EngineInputs)) {
        let mut inputs = self.inputs.lock();
        change(&mut inputs);
        inputs.engine = engine(&inputs.policy, inputs.today);
    }
}

fn engine(policy: &Arc<Policy>, today: Date) -> Arc<Engine> {
    Arc::new(Engine::new(Arc::clone(policy)).on(today).in_cluster())
}

#[cfg(test)]
mod tests {
    use tagwatch_core::policy::Profile;

    use super::*;

    #[test]
    fn a_new_engine_has_what_changed_and_what_did_not() {
        let handle = EngineHandle::new(Policy::of(Profile::Recommended), "2027-01-31".parse().unwrap());
        let before = handle.current();
        assert!(!handle.set_today("2027-01-31".parse().unwrap()));
        assert!(Arc::ptr_eq(&before, &handle.current()));
        assert!(handle.set_today("2027-02-01".parse().unwrap()));
        handle.set_policy(Policy::of(Profile::Strict));
        let after = handle.current();
        assert_eq!(after.policy().profile(), Profile::Strict);
        assert_eq!(after.today(), Some("2027-02-01".parse().unwrap()));
    }

    #[test]
    fn a_policy_is_evaluated_once_everything_was_by_it_and_not_by_an_earlier_one() {
        let handle = EngineHandle::new(Policy::of(Profile::Recommended), "2027-01-31".parse().unwrap());
        let is_evaluated = || handle.current_and_evaluated().1;
        let first = handle.revision();
        assert!(!is_evaluated());
        assert!(handle.mark_evaluated(first));
        assert!(is_evaluated());
        assert!(!handle.mark_evaluated(first), "no news");
        handle.set_today("2027-02-01".parse().unwrap());
        assert!(is_evaluated(), "it is the same policy");
        let mut revisions = handle.revisions();
        handle.set_policy(Policy::of(Profile::Strict));
        assert!(revisions.has_changed().unwrap());
        let second = *revisions.borrow_and_update();
        assert!(!is_evaluated());
        assert!(!handle.mark_evaluated(first), "a sweep that began before");
        assert!(!is_evaluated());
        assert!(handle.mark_evaluated(second));
        assert!(is_evaluated());
    }
}
