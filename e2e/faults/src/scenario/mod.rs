//! What happens in the cluster of every simulated run: two dozen workloads of every kind, some of which change, go, or are
//! made anew under the same name. The end is the same, whatever tagwatch sees of the way to it.

mod actor;

use std::time::Duration;

use serde_json::json;

use crate::double::{ApiDouble, Caller, Store, resource_named};
pub(crate) use actor::Actor;

/// Who changes the cluster.
pub const SCENARIO: &str = "scenario";
/// What collects garbage there.
pub const GARBAGE_COLLECTOR: &str = "garbage-collector";
/// The namespace of tagwatch itself.
pub(crate) const OWN_NAMESPACE: &str = "tagwatch";
/// The installation, and its lease.
pub(crate) const INSTANCE: &str = "tagwatch";
const SHOP: &str = "shop";
const BANK: &str = "bank";

/// A change at a time from the start.
#[derive(Debug)]
pub struct Step {
    /// When.
    pub at: Duration,
    act: fn(&mut Actor<'_>),
}

impl Step {
    /// Carries it out.
    pub fn act(&self, double: &ApiDouble) {
        perform(double, self.act);
    }
}

fn perform(double: &ApiDouble, act: impl FnOnce(&mut Actor<'_>)) {
    double.change(SCENARIO, |store: &mut Store, caller: &Caller| act(&mut Actor::new(store, caller)));
}

/// What is there before tagwatch starts.
pub fn prepare(double: &ApiDouble) {
    perform(double, |actor| {
        for namespace in [SHOP, BANK, OWN_NAMESPACE] {
            actor.put(
                "namespaces",
                json!({ "metadata": { "name": namespace, "labels": { "team": namespace } } }),
            );
        }
        actor.put("nodes", json!({ "metadata": { "name": "node-1" } }));
        set_policy(actor, "recommended");
        for (kind, namespace, name, tag) in [
            ("deployments", SHOP, "web", "latest"),
            ("deployments", SHOP, "api", DEPLOYED),
            ("deployments", SHOP, "cart", "main"),
            ("deployments", BANK, "ledger", "latest"),
            ("deployments", BANK, "teller", "1.0"),
            ("statefulsets", SHOP, "db", "16"),
            ("statefulsets", BANK, "queue", "3.13.1"),
            ("daemonsets", SHOP, "agent", "latest"),
            ("cronjobs", SHOP, "summary", "2"),
            ("jobs", BANK, "migrate", "latest"),
            ("replicasets", SHOP, "legacy", "0.9"),
            ("replicationcontrollers", BANK, "old", "latest"),
            ("pods", SHOP, "debug", "latest"),
            ("statefulsets", BANK, "vault", "main"),
            ("rollouts", SHOP, "canary", "main"),
            (
                "deployments",
                SHOP,
                "pinned",
                "1.0.0@sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
            ),
        ] {
            make(actor, kind, namespace, name, tag);
        }
    });
}

fn make(actor: &mut Actor<'_>, kind: &str, namespace: &str, name: &str, tag: &str) {
    actor.declare(kind, namespace, name, tag);
    actor.roll_out(kind, namespace, name);
}

fn set_policy(actor: &mut Actor<'_>, profile: &str) {
    actor.edit("tagpolicies", "", "default", |policy| policy["spec"] = json!({ "profile": profile }));
}

fn beat(actor: &mut Actor<'_>) {
    actor.beat();
}

const fn at(millis: u64, act: fn(&mut Actor<'_>)) -> Step {
    Step { at: Duration::from_millis(millis), act }
}

/// What happens while tagwatch runs.
pub fn steps() -> Vec<Step> {
    vec![
        at(1_000, |actor| actor.declare("deployments", SHOP, "blue", "latest")),
        at(1_300, |actor| actor.roll_out("deployments", SHOP, "blue")),
        at(2_000, |actor| actor.declare("deployments", SHOP, "web", "1.27.3")),
        at(2_200, |actor| actor.roll_out("deployments", SHOP, "web")),
        at(3_000, |actor| actor.delete("deployments", SHOP, "cart")),
        at(3_500, |actor| make(actor, "statefulsets", SHOP, "cache", "7")),
        at(4_000, |actor| make(actor, "daemonsets", BANK, "log", "latest")),
        at(4_000, |actor| make(actor, "cronjobs", BANK, "close", "main")),
        at(4_500, |actor| make(actor, "pods", BANK, "shell", "latest")),
        // Another Deployment of the name.
        at(5_500, |actor| make(actor, "deployments", SHOP, "cart", "nightly")),
        at(6_000, |actor| actor.declare("statefulsets", SHOP, "db", "17.2")),
        // Another pod of the name.
        at(6_300, |actor| actor.roll_out("statefulsets", SHOP, "db")),
        // At once: no client need see that it was gone.
        at(7_000, |actor| {
            actor.delete("pods", SHOP, "debug");
            make(actor, "pods", SHOP, "debug", "3.20.1");
        }),
        at(7_500, |actor| actor.delete("jobs", BANK, "migrate")),
        at(8_000, |actor| set_policy(actor, "strict")),
        at(9_000, |actor| actor.declare("rollouts", SHOP, "canary", "2.0.1")),
        at(9_300, |actor| actor.roll_out("rollouts", SHOP, "canary")),
        at(10_000, |actor| make(actor, "jobs", SHOP, "once", "latest")),
        at(10_500, beat),
        at(11_000, |actor| make(actor, "deployments", BANK, "audit", "latest")),
        at(11_000, |actor| make(actor, "deployments", BANK, "risk", "4.5.6")),
        at(11_500, |actor| make(actor, "deployments", SHOP, "green", "main")),
        at(12_000, |actor| {
            actor.delete("deployments", BANK, "teller");
            make(actor, "deployments", BANK, "teller", "2.0");
        }),
        at(12_500, beat),
    ]
}

/// Who holds the lease of tagwatch.
pub fn holder(store: &Store) -> Option<String> {
    let lease = store.get(resource_named("leases"), OWN_NAMESPACE, INSTANCE)?;
    lease["spec"]["holderIdentity"].as_str().map(str::to_owned)
}

/// Another client changes the report of this number, or removes it.
pub fn meddle(double: &ApiDouble, number: usize, removes: bool) {
    perform(double, |actor| actor.meddle(number, removes));
}

/// The tag that the scenario gives the Deployment of [`redeploy`].
const DEPLOYED: &str = "1.2.3";

/// Images between which it changes: what is known of an image that runs no more is kept for a time.
const BUILDS: usize = 8;

/// A user brings a Deployment to another image, or back to the one that it has in the scenario.
pub(crate) fn redeploy(double: &ApiDouble, build: Option<usize>) {
    let tag = build.map_or_else(|| DEPLOYED.to_owned(), |build| format!("{DEPLOYED}-{}", build % BUILDS));
    perform(double, |actor| actor.redeploy(SHOP, "api", &tag));
}

/// Collects garbage as the controller manager does.
pub fn collect_garbage(double: &ApiDouble) {
    double.change(GARBAGE_COLLECTOR, Store::collect_garbage);
}
