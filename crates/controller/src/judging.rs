//! What is judged by at the moment: the policy, the day, and what the cluster has proven.

use std::sync::Arc;

use k8s_openapi::jiff::civil::Date;
use parking_lot::Mutex;
use tagwatch_core::engine::Engine;
use tagwatch_core::policy::Policy;
use tagwatch_core::reference::Reference;

/// Holds the engine, and makes a new one when anything changes of what it judges by. Whoever changes something asks
/// for everything to be judged anew.
#[derive(Debug)]
pub(crate) struct Judging(Mutex<Basis>);

#[derive(Debug)]
struct Basis {
    policy: Arc<Policy>,
    today: Date,
    proven: Vec<Reference>,
    engine: Arc<Engine>,
}

impl Judging {
    /// By a policy, with exemptions as they stand on a day, in UTC.
    pub(crate) fn new(policy: Policy, today: Date) -> Self {
        let policy = Arc::new(policy);
        let engine = engine(&policy, today, &[]);
        Self(Mutex::new(Basis { policy, today, proven: Vec::new(), engine }))
    }

    /// The engine as it is now. An evaluation uses one engine from its start to its end.
    pub(crate) fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.0.lock().engine)
    }

    /// Judges by another policy from now on.
    pub(crate) fn set_policy(&self, policy: Policy) {
        self.change(|basis| basis.policy = Arc::new(policy));
    }

    /// Honours exemptions as they stand on this day from now on. Returns whether it is another day.
    pub(crate) fn set_today(&self, today: Date) -> bool {
        let is_new = self.0.lock().today != today;
        if is_new {
            self.change(|basis| basis.today = today);
        }
        is_new
    }

    /// References that the cluster saw resolve to several digests. Returns whether they are others than before.
    pub(crate) fn set_proven(&self, proven: Vec<Reference>) -> bool {
        let is_new = self.0.lock().proven != proven;
        if is_new {
            self.change(|basis| basis.proven = proven);
        }
        is_new
    }

    fn change(&self, change: impl FnOnce(&mut Basis)) {
        let mut basis = self.0.lock();
        change(&mut basis);
        basis.engine = engine(&basis.policy, basis.today, &basis.proven);
    }
}

fn engine(policy: &Arc<Policy>, today: Date, proven: &[Reference]) -> Arc<Engine> {
    Arc::new(Engine::new(Arc::clone(policy)).on(today).in_cluster().with_proven_mutable(proven))
}

#[cfg(test)]
mod tests {
    use tagwatch_core::policy::Profile;

    use super::*;

    #[test]
    fn a_new_engine_has_what_changed_and_what_did_not() {
        let judging = Judging::new(Policy::of(Profile::Recommended), "2027-01-31".parse().unwrap());
        let before = judging.engine();
        assert!(!judging.set_today("2027-01-31".parse().unwrap()));
        assert!(Arc::ptr_eq(&before, &judging.engine()));
        assert!(judging.set_today("2027-02-01".parse().unwrap()));
        judging.set_policy(Policy::of(Profile::Strict));
        let after = judging.engine();
        assert_eq!(after.policy().profile(), Profile::Strict);
        assert_eq!(after.today(), Some("2027-02-01".parse().unwrap()));
    }
}
