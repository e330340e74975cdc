//! What must hold after every run, and during it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::clock::{ClockError, SimulatedClock};
use crate::double::{Change, ChangeKind, Needless, Store, Verb, resource_named, uid_of};
use crate::fault::{Fault, FiredFault};
use crate::plans::FaultPlan;

/// `User-Agent`s of tagwatch begin with it.
pub(crate) const AGENT: &str = "tagwatch";
/// From the end of a leader until the next one has the lease (client-go: 15 s, and a retry period of 2 s).
pub const TAKEOVER_AFTER_KILL: Duration = Duration::from_millis(17_500);
/// The same where the leader gives it back.
pub const TAKEOVER_AFTER_STOP: Duration = Duration::from_secs(1);
/// How far the date of a finding may be off: answers date themselves by the second.
const DATE_BOUND: i64 = 2;
/// How long after a clock was set dates may be off: a leader renews its lease every two seconds.
const CLOCK_BOUND: SignedDuration = SignedDuration::from_secs(3);
/// Waits before a watch is tried again that are still growing, in an outage.
const GROWING: usize = 5;
/// The shortest wait after those: a server that is down gets at most one request in five seconds from each watch.
const STEADY: Duration = Duration::from_millis(4_900);

/// What a run is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oracle {
    /// The reports and the status of the policy are those of a run without faults, within the bound of the plan.
    EndState,
    /// No write that must never be, whatever went wrong.
    Safety,
    /// Nothing is written without the lease.
    OneWriter,
    /// No panic, and no end of the process that nothing asked for.
    Alive,
    /// Once everything is right, nothing is written.
    Quiet,
    /// A server that is down is asked slowly.
    Pace,
    /// The metrics of the leader are those of a run without faults, and agree with the reports.
    Metrics,
    /// The console shows what it shows in a run without faults.
    Console,
    /// `/readyz` and the status name a watch that is refused, and only then.
    Health,
    /// After the end of a leader the next one writes in time.
    Takeover,
    /// Tasks, descriptors and memory are as much as in a run without faults.
    Resources,
}

impl fmt::Display for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndState => "end state",
            Self::Safety => "safety",
            Self::OneWriter => "one writer",
            Self::Alive => "alive",
            Self::Quiet => "quiet",
            Self::Pace => "pace",
            Self::Metrics => "metrics",
            Self::Console => "console",
            Self::Health => "health",
            Self::Takeover => "takeover",
            Self::Resources => "resources",
        })
    }
}

/// What does not hold in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What it is held to.
    pub oracle: Oracle,
    /// What happened instead.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.oracle, self.text)
    }
}

impl Oracle {
    /// A violation of this one.
    pub fn violated(self, text: impl Into<String>) -> Violation {
        Violation { oracle: self, text: text.into() }
    }
}

/// The reports and the status of the policy, without times and versions: what two runs are compared by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EndState {
    reports: BTreeMap<String, Value>,
    policy: Value,
}

impl EndState {
    /// The state of a store.
    pub(crate) fn of(store: &Store) -> Self {
        let reports = store.objects(resource_named("policyreports"));
        let policy = store.get(resource_named("tagpolicies"), "", "default");
        Self::new(reports.map(|report| &**report), policy.map(|policy| &**policy))
    }

    /// The state of these objects.
    pub fn new<'a>(reports: impl Iterator<Item = &'a Value>, policy: Option<&Value>) -> Self {
        let reports = reports.map(|report| (place(report), without_times(report))).collect();
        let policy = policy.map(|policy| statements(&policy["status"])).unwrap_or_default();
        Self { reports, policy }
    }

    /// The status of the policy.
    pub(crate) fn policy(&self) -> &Value {
        &self.policy
    }

    /// What the summaries of all reports count, together.
    pub(crate) fn sum(&self, outcomes: &[&str]) -> i64 {
        let of = |report: &Value| -> i64 {
            outcomes.iter().filter_map(|outcome| report["summary"][*outcome].as_i64()).sum()
        };
        self.reports.values().map(of).sum()
    }

    /// The same without the hashes of names: for servers on which namespaces have other names.
    #[must_use]
    pub fn without_hashes(mut self) -> Self {
        self.reports.values_mut().for_each(|report| drop_fields(report, &["resultID"]));
        self
    }

    /// How many reports there are.
    pub fn reports(&self) -> usize {
        self.reports.len()
    }

    /// What differs from the state that is expected: the reports, and then the status of the policy.
    pub fn differences(&self, expected: &Self) -> Vec<String> {
        let mut differences: Vec<String> = Vec::new();
        for name in self.reports.keys().chain(expected.reports.keys()).collect::<BTreeSet<_>>() {
            match (self.reports.get(name), expected.reports.get(name)) {
                (Some(_), None) => differences.push(format!("the report {name} is left over")),
                (None, Some(_)) => differences.push(format!("the report {name} is missing")),
                (Some(found), Some(wanted)) if found != wanted => {
                    differences.push(format!("the report {name} is {found}, expected {wanted}"));
                }
                _ => {}
            }
        }
        if self.policy != expected.policy {
            differences
                .push(format!("the status of the policy is {}, expected {}", self.policy, expected.policy));
        }
        differences
    }
}

fn place(report: &Value) -> String {
    let metadata = &report["metadata"];
    let text = |field: &str| metadata[field].as_str().unwrap_or_default();
    format!("{}/{}", text("namespace"), text("name"))
}

/// What a report says. Times depend on when it was seen, and its history on what was seen.
fn without_times(report: &Value) -> Value {
    let metadata = &report["metadata"];
    let mut results = report["results"].clone();
    for result in results.as_array_mut().into_iter().flatten() {
        if let Some(fields) = result.as_object_mut() {
            fields.remove("timestamp");
        }
        if let Some(properties) = result["properties"].as_object_mut() {
            properties.remove("firstSeen");
        }
    }
    json!({
        "labels": metadata["labels"], "owners": metadata["ownerReferences"], "scope": report["scope"],
        "summary": report["summary"], "results": results,
    })
}

/// What the status of a policy says.
fn statements(status: &Value) -> Value {
    let mut status = status.clone();
    drop_fields(&mut status, &["lastTransitionTime"]);
    status
}

/// Removes fields of these names, wherever they are.
pub fn drop_fields(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&&**name));
            fields.values_mut().for_each(|field| drop_fields(field, names));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| drop_fields(element, names)),
        _ => {}
    }
}

/// What tagwatch has done in a run of the plan that it must never do, as the store notes it.
pub fn safety(plan: &FaultPlan, store: &Store) -> Vec<Violation> {
    let mut writes = unsafe_writes(store, |agent| agent.starts_with(AGENT));
    if plan.hides_status() {
        writes.retain(|write| !write.starts_with("tagpolicies "));
    }
    writes.into_iter().map(|text| Oracle::Safety.violated(text)).collect()
}

/// What a run of these agents has done that it must never do, whatever went wrong.
fn unsafe_writes(store: &Store, is_ours: impl Fn(&str) -> bool) -> Vec<String> {
    let mut seen = Seen::default();
    let mut found: Vec<String> = Vec::new();
    for change in store.log() {
        if is_ours(&change.agent) && change.resource.plural == "policyreports" {
            found.extend(seen.wrong(change));
        }
        seen.note(change);
    }
    let needless = store.needless_writes().iter();
    let needless = needless.filter(|write| is_ours(&write.agent) && write.resource.plural != "leases");
    found.extend(needless.map(|write| {
        let what = match write.reason {
            Needless::Unchanged => "was written as it was stored",
            Needless::Taken => "was made again, though its name was taken and not read since",
        };
        format!("{} {} {what}", write.resource.plural, write.name)
    }));
    found
}

/// Reports that date a finding outside the run, by the clock of the server: that of tagwatch's machine is wrong by hours. A
/// clock that is set while tagwatch runs is right again with the next answer.
pub(crate) fn misdated(
    store: &Store,
    clock: SimulatedClock,
    clocks: &[(usize, ClockError)],
) -> Vec<Violation> {
    let begun = clock.began();
    let is_unsettled = |at: Timestamp| {
        clocks.iter().any(|(_, error)| {
            let set = begun.saturating_add(error.from).unwrap_or(begun);
            !error.from.is_zero() && set <= at && at.duration_since(set) <= CLOCK_BOUND
        })
    };
    let mut found = Vec::new();
    let reports = store.log().iter().filter(|change| change.resource.plural == "policyreports");
    for change in reports.filter(|change| change.kind != ChangeKind::Deleted) {
        let at = clock.at(change.at);
        if is_unsettled(at) {
            continue;
        }
        let results = change.object["results"].as_array().into_iter().flatten();
        let dates = results.filter_map(|result| result["timestamp"]["seconds"].as_i64());
        let wrong = dates
            .filter(|date| *date < begun.as_second() - DATE_BOUND || *date > at.as_second() + DATE_BOUND);
        found.extend(wrong.map(|date| {
            let place = place(&change.object);
            Oracle::Safety
                .violated(format!("the report {place} dates a finding by {date} at {}", at.as_second()))
        }));
    }
    found
}

/// Whether another replica had the lease within the limit after the end of its holder. Nothing, if the one that ended did
/// not hold it.
pub fn takeover(store: &Store, ended: Instant, ended_holder: &str, limit: Duration) -> Option<Violation> {
    let holder =
        |change: &Change| change.object["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned();
    let mut leases = store.log().iter().filter(|change| change.resource.plural == "leases");
    let before = leases.by_ref().take_while(|change| change.at <= ended).last().map(holder)?;
    if !before.starts_with(ended_holder) {
        return None;
    }
    let later = store.log().iter().filter(|change| change.resource.plural == "leases" && change.at > ended);
    let next = later.clone().find(|change| !holder(change).is_empty() && holder(change) != before);
    match next.map(|change| change.at - ended) {
        Some(gap) if gap <= limit => None,
        gap => Some(
            Oracle::Takeover
                .violated(format!("no other leader within {limit:?} of the end of {before}: {gap:?}")),
        ),
    }
}

/// Watches that were tried again too soon, while nothing got through.
pub fn hurried(faults: &[FiredFault]) -> Vec<Violation> {
    let mut tries: BTreeMap<(&str, Option<&str>), Vec<Duration>> = BTreeMap::new();
    for FiredFault { request, fault } in faults {
        let is_outage = matches!(fault, Fault::DropBefore | Fault::Status(500..=599, _));
        if is_outage && request.verb == Some(Verb::Watch) {
            let watched = (&*request.plural, request.namespace.as_deref());
            tries.entry(watched).or_default().push(request.at);
        }
    }
    let gaps = |times: Vec<Duration>| {
        let gaps = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect::<Vec<_>>();
        gaps.into_iter().skip(GROWING).min()
    };
    let shortest = tries.into_iter().filter_map(|(watched, times)| Some((watched, gaps(times)?)));
    let hurried = shortest.filter(|(_, gap)| *gap < STEADY);
    hurried
        .map(|((plural, _), gap)| {
            Oracle::Pace.violated(format!("{plural} were watched again after {gap:?} of an outage"))
        })
        .collect()
}

/// The objects of a cluster so far, by UID.
#[derive(Default)]
struct Seen {
    alive: BTreeSet<String>,
    /// The controllers of objects.
    owners: BTreeMap<String, String>,
    /// Every image that an object or one of its dependents ever had.
    images: BTreeMap<String, BTreeSet<String>>,
}

impl Seen {
    fn note(&mut self, change: &Change) {
        let object = &change.object;
        let Some(uid) = uid_of(object) else { return };
        if change.kind == ChangeKind::Deleted {
            self.alive.remove(uid);
            return;
        }
        if change.kind == ChangeKind::Added {
            self.alive.insert(uid.to_owned());
            let mut owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
            let controller = owners.find(|owner| owner["controller"] == true);
            if let Some(owner) = controller.and_then(|owner| owner["uid"].as_str()) {
                self.owners.insert(uid.to_owned(), owner.to_owned());
            }
        }
        if change.resource.plural == "policyreports" {
            return;
        }
        let mut images = Vec::new();
        find_images(&object["spec"], &mut images);
        let mut uid = Some(uid.to_owned());
        while let Some(owner) = uid {
            self.images.entry(owner.clone()).or_default().extend(images.iter().cloned());
            uid = self.owners.get(&owner).cloned();
        }
    }

    fn wrong(&self, change: &Change) -> Option<String> {
        let (report, name) = (&change.object, place(&change.object));
        let uid = report["scope"]["uid"].as_str().unwrap_or_default();
        if change.kind == ChangeKind::Deleted {
            // What another object controls has a report of its own only until its controller is known.
            let is_root = !self.owners.contains_key(uid);
            return (is_root && self.alive.contains(uid))
                .then(|| format!("the report {name} was deleted while its workload was there"));
        }
        let known = self.images.get(uid);
        let results = report["results"].as_array().into_iter().flatten();
        let mut images = results.filter_map(|result| result["properties"]["image"].as_str());
        let invented = images.find(|image| !known.is_some_and(|known| known.contains(*image)))?;
        Some(format!("the report {name} names {invented}, which its workload never had"))
    }
}

fn find_images(value: &Value, images: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            images.extend(fields.get("image").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| find_images(value, images));
        }
        Value::Array(elements) => elements.iter().for_each(|element| find_images(element, images)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::double::{ApiDouble, Preconditions};

    use super::*;

    fn report(name: &str, uid: &str, image: &str) -> Value {
        json!({
            "metadata": { "name": name, "namespace": "shop" }, "scope": { "uid": uid },
            "results": [{ "properties": { "image": image } }],
        })
    }

    /// A store with a pod that has had two images, and what the oracle says of what tagwatch then does.
    fn said(act: impl FnOnce(&ApiDouble, &str)) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _guard = runtime.enter();
        let double = ApiDouble::new(SimulatedClock::start());
        let pod = |image: &str| json!({ "metadata": { "name": "web", "namespace": "shop" }, "spec": { "containers": [{ "image": image }] } });
        let uid = double.change("user", |store, caller| {
            store
                .put(resource_named("namespaces"), json!({ "metadata": { "name": "shop" } }), caller)
                .unwrap();
            store.put(resource_named("pods"), pod("a:1"), caller).unwrap();
            let pod = store.put(resource_named("pods"), pod("a:2"), caller).unwrap();
            uid_of(&pod).unwrap().to_owned()
        });
        act(&double, &uid);
        double.read(|store| unsafe_writes(store, |agent| agent == "tagwatch"))
    }

    fn write(double: &ApiDouble, report: Value) {
        let reports = resource_named("policyreports");
        double.change("tagwatch", |store, caller| store.put(reports, report, caller).unwrap());
    }

    fn delete(double: &ApiDouble, agent: &str, plural: &str, name: &str) {
        let any = Preconditions::default();
        double.change(agent, |store, caller| {
            store.delete(resource_named(plural), "shop", name, &any, caller).unwrap()
        });
    }

    #[test]
    fn reports_of_the_living_stay_and_name_images_that_were_there() {
        let none: [&str; 0] = [];
        assert_eq!(said(|double, uid| write(double, report("r", uid, "a:1"))), none);
        let invented = said(|double, uid| write(double, report("r", uid, "a:3")));
        assert_eq!(invented, ["the report shop/r names a:3, which its workload never had"]);
        let deleted = said(|double, uid| {
            write(double, report("r", uid, "a:2"));
            delete(double, "tagwatch", "policyreports", "r");
        });
        assert_eq!(deleted, ["the report shop/r was deleted while its workload was there"]);
        let collected = said(|double, uid| {
            write(double, report("r", uid, "a:2"));
            delete(double, "user", "pods", "web");
            delete(double, "tagwatch", "policyreports", "r");
        });
        assert_eq!(collected, none);
    }
}
