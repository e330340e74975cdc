//! The engine that evaluates workloads, with its inputs: the policy and the day. What the cluster proved of tags comes with
//! the evidence of each workload.

use std::sync::Arc;

use k8s_openapi::jiff::civil::Date;
use parking_lot::Mutex;
use tagwatch_core::engine::Engine;
use tagwatch_core::policy::Policy;

/// Holds the engine, and makes a new one when an input changes. The caller that changes one asks for every workload to be
/// evaluated again.
#[derive(Debug)]
pub(crate) struct EngineHandle(Mutex<EngineInputs>);

#[derive(Debug)]
struct EngineInputs {
    policy: Arc<Policy>,
    today: Date,
    engine: Arc<Engine>,
}

impl EngineHandle {
    /// For a policy, with the exemptions that apply on a day in UTC.
    pub(crate) fn new(policy: Policy, today: Date) -> Self {
        let policy = Arc::new(policy);
        let engine = engine(&policy, today);
        Self(Mutex::new(EngineInputs { policy, today, engine }))
    }

    /// The engine as it is now. An evaluation uses one engine from its start to its end.
    pub(crate) fn current(&self) -> Arc<Engine> {
        Arc::clone(&self.0.lock().engine)
    }

    pub(crate) fn set_policy(&self, policy: Policy) {
        self.change(|inputs| inputs.policy = Arc::new(policy));
    }

    /// Applies the exemptions of this day from now on. Returns whether it is another day.
    pub(crate) fn set_today(&self, today: Date) -> bool {
        let is_new = self.0.lock().today != today;
        if is_new {
            self.change(|inputs| inputs.today = today);
        }
        is_new
    }

    fn change(&self, change: impl FnOnce(&mut EngineInputs)) {
        let mut inputs = self.0.lock();
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
}
