//! What a change of the policy, of the day or of a namespace does to the controller.

use std::sync::atomic::Ordering;

use k8s_openapi::jiff::civil::Date;
use kube::ResourceExt;
use tagwatch_k8s::tag_policy::TagPolicy;

use super::active::{ActivePolicy, Rejection, Source};
use super::status::Problem;
use crate::controller::Controller;
use crate::custom::{WatchScope, WatchState};

impl Controller {
    /// Takes the policy in as it is in the cluster now, and judges everything anew where that changes anything.
    pub(crate) fn set_policy(&self, object: Option<TagPolicy>) {
        let object = object.map(|mut object| {
            object.metadata.managed_fields = None;
            object
        });
        // One task sees policies, so it does not change meanwhile; and compiling takes its time.
        let before = self.policy.lock().clone();
        let mut now = before.clone();
        let policy = now.update(object);
        *self.policy.lock() = now.clone();
        tell(&before, &now);
        self.measure_policy(&now);
        if let Some(policy) = policy {
            self.custom.declare(policy.workloads());
            self.engine.set_policy(policy);
            self.rejudge();
        }
        self.notify_policy_changed();
    }

    /// The status of the policy is stored.
    pub(crate) fn mark_policy_stored(&self, mut stored: TagPolicy) {
        stored.metadata.managed_fields = None;
        let mut active = self.policy.lock();
        // What the watch has shown meanwhile is newer.
        if active
            .object
            .as_ref()
            .is_some_and(|object| object.metadata.generation == stored.metadata.generation)
        {
            active.object = Some(stored.into());
        }
    }

    /// Another day may have begun.
    pub(crate) fn set_day(&self, today: Date) {
        if self.engine.set_today(today) {
            tracing::info!(%today, "a new day: exemptions may have expired");
            self.rejudge();
            self.notify_policy_changed();
        }
    }

    /// Whether namespaces can be read.
    pub(crate) fn set_namespaces_readable(&self, readable: bool) {
        if self.namespaces_readable.swap(readable, Ordering::Relaxed) != readable {
            self.notify_policy_changed();
        }
    }

    /// Judges everything anew: no verdict and no series stays that was made by something else.
    pub(crate) fn rejudge(&self) {
        self.queue.now(self.everything());
    }

    /// Judges everything in a namespace anew.
    pub(crate) fn rejudge_namespace(&self, namespace: &str) {
        let mut keys = self.everything();
        keys.retain(|key| key.namespace() == namespace);
        self.queue.now(keys);
    }

    /// What the status of the policy says may have changed.
    pub(crate) fn notify_policy_changed(&self) {
        self.policy_version.fetch_add(1, Ordering::Relaxed);
        self.policy_changed.notify_one();
    }

    /// Counts up with every change of what the status of the policy says, counts apart.
    pub(crate) fn policy_version(&self) -> u64 {
        self.policy_version.load(Ordering::Relaxed)
    }

    /// What is missing or not as it should be, the policy's own mistakes apart.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.namespaces_readable.load(Ordering::Relaxed) {
            problems.push(Problem {
                reason: "NamespacesForbidden",
                message: "there is no right to list and watch namespaces: their labels and annotations do not count, \
                          nor do annotations that the policy allows by namespaceSelector"
                    .to_owned(),
            });
        }
        if self.metrics.report_api_available.get() == 0 {
            problems.push(Problem {
                reason: "ReportApiAbsent",
                message: "policyreports.wgpolicyk8s.io/v1alpha2 is not served: no report can be written"
                    .to_owned(),
            });
        }
        let forbidden = self.custom.forbidden();
        if !forbidden.is_empty() {
            let kinds: Vec<String> = forbidden.into_iter().collect();
            problems.push(Problem {
                reason: "CustomKindsForbidden",
                message: format!(
                    "there is no right to list and watch {}: of them only pods are judged",
                    kinds.join(", ")
                ),
            });
        }
        let contested = self.reports.lock().contested().len();
        if contested > 0 {
            problems.push(Problem {
                reason: "ReportsContested",
                message: format!(
                    "somebody else changes or removes {contested} of our reports again and again: each is restored once \
                     in ten seconds"
                ),
            });
        }
        problems
    }

    /// A watch of a custom kind has come this far; `None` stands for its end.
    pub(crate) fn set_custom_watch(&self, place: &WatchScope, state: Option<WatchState>) {
        if self.custom.set(place, state) {
            self.notify_policy_changed();
        }
    }

    /// Kinds whose templates are not judged, as `Kind.group`: nobody reads them, their paths lead to none, or the
    /// policy declares what the API server does not serve.
    pub(crate) fn not_covered(&self) -> Vec<String> {
        let mut kinds = self.index.lock().unread_kinds();
        kinds.extend(self.custom.unserved());
        kinds.into_iter().collect()
    }

    fn measure_policy(&self, active: &ActivePolicy) {
        self.metrics.policy_valid.set(i64::from(active.rejection.is_none()));
        for source in Source::ALL {
            let in_use = i64::from(source == active.source);
            self.metrics.policy_source.with_label_values(&[source.as_str()]).set(in_use);
        }
    }
}

/// Logs what has changed; the watch repeats itself.
fn tell(before: &ActivePolicy, now: &ActivePolicy) {
    let generation = |active: &ActivePolicy| {
        active.object.as_ref().map(|object| (object.uid(), object.metadata.generation))
    };
    if generation(before) == generation(now) {
        return;
    }
    let in_use = now.source.as_str();
    match (now.name(), &now.rejection) {
        (Some(policy), None) => tracing::info!(policy, "judging by this policy"),
        (Some(policy), Some(Rejection(mistakes))) => {
            tracing::error!(policy, in_use, mistakes, "the policy is invalid and not in use");
        }
        (None, _) => tracing::warn!("the policy is gone: judging by the recommended profile"),
    }
}
