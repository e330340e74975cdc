//! What was there when tagwatch was installed. No alert fires for it, but for one reminder of the whole cluster.
//!
//! Two things say so: the start of a finding, and the recorded fewest containers that it has had since. The start alone
//! would not do: where reports are not stored, each restart of tagwatch begins all of them anew.

use crate::promql::{EVALUATED, FINDING, METRIC_LABELS, bridged, once, once_labelled};

/// When Prometheus saw the first full evaluation of a cluster: the time of installation, as far as alerts know it.
pub const FIRST_EVALUATION: &str = "cluster:tagwatch_first_evaluation_timestamp_seconds:min";
/// Seconds of a day and of a week.
const DAY: u32 = 86_400;
const WEEK: u32 = 604_800;

/// The metrics of one class of findings of workloads, and the recorded number of containers that were there.
pub(super) struct Class {
    count: &'static str,
    start: &'static str,
    /// The recorded metric.
    pub(super) known: &'static str,
}

pub(super) const VIOLATIONS: Class = Class {
    count: "tagwatch_workload_violations",
    start: "tagwatch_workload_violation_start_time_seconds",
    known: "cluster_namespace_kind_workload_rule_severity:tagwatch_known_violations:min",
};
pub(super) const WARNINGS: Class = Class {
    count: "tagwatch_workload_warnings",
    start: "tagwatch_workload_warning_start_time_seconds",
    known: "cluster_namespace_kind_workload_rule_severity:tagwatch_known_warnings:min",
};

/// Containers whose tag moves, by namespace and rule. Ephemeral ones are left out, which have findings all the same.
const MOVING_IMAGES: &str = "tagwatch_moving_images";
const MOVING_IMAGE: &str = "cluster, namespace, rule";
/// The recorded fewest of them.
pub(super) const KNOWN_MOVING_IMAGES: &str = "cluster_namespace_rule:tagwatch_known_moving_images:min";

/// When tagwatch was installed in each cluster. A federation brings copies of recorded metrics.
fn installed() -> String {
    format!("min by (cluster) ({FIRST_EVALUATION})")
}

/// The containers of each finding.
fn containers(class: &Class, matchers: &str) -> String {
    let series = bridged(&format!("{}{{{matchers}}}", class.count));
    format!("sum by ({FINDING}{METRIC_LABELS}) ({})", once_labelled(&series))
}

/// Findings that began before tagwatch was installed, or within the hour in which drift has its grace time.
fn began_before(class: &Class, matchers: &str) -> String {
    let start = bridged(&format!("{}{{{matchers}}}", class.start));
    format!(
        "min by ({FINDING}) ({start}) <= on (cluster) group_left () ({} + <<settlingSeconds>>)",
        installed()
    )
}

/// The recorded containers of the findings that were there.
fn recorded(class: &Class, matchers: &str) -> String {
    format!("min by ({FINDING}) ({}{{{matchers}}})", class.known)
}

/// Findings that were there when tagwatch was installed: as recorded, and by their start before that is recorded.
pub(super) fn known(class: &Class, matchers: &str) -> String {
    format!("{} or {}", recorded(class, matchers), began_before(class, matchers))
}

/// Containers of each finding that is known, as the recorded metric counts them; all of them before it is recorded.
pub(super) fn known_containers(class: &Class, matchers: &str) -> String {
    let series = bridged(&format!("{}{{{matchers}}}", class.count));
    format!(
        "{} or sum by ({FINDING}) ({}) and on ({FINDING}) ({})",
        recorded(class, matchers),
        once(&series),
        began_before(class, matchers)
    )
}

/// What there is beyond what is known, by these labels; all of it where nothing is.
fn beyond(now: &str, by: &str, recorded: &str, known: &str) -> String {
    format!("{now} unless on ({by}) ({known}) or {now} - on ({by}) group_left () {recorded} > 0")
}

/// Containers of each finding that came after the installation: all of a finding that began later, and of one that is known
/// those beyond the fewest that it has had since. Only of clusters that were evaluated once.
pub(super) fn new_containers(class: &Class, matchers: &str) -> String {
    let (recorded, known) = (recorded(class, matchers), known(class, matchers));
    let new = beyond(&containers(class, matchers), FINDING, &recorded, &known);
    // Until the first full evaluation ends, which takes minutes in a large cluster, everything would be new.
    format!("({new}) unless on (cluster) (max by (cluster) (tagwatch_build_info) unless {})", installed())
}

/// Moving images of each namespace and rule beyond the fewest that it has had since the installation.
pub(super) fn new_moving_images(matchers: &str) -> String {
    let now = once_labelled(&bridged(&format!("{MOVING_IMAGES}{{{matchers}}}")));
    let recorded = format!("min by ({MOVING_IMAGE}) ({KNOWN_MOVING_IMAGES}{{{matchers}}})");
    beyond(&now, MOVING_IMAGE, &recorded, &recorded)
}

/// What is recorded of a class: the fewest containers that a known finding has had. `memory` is for how long it is
/// remembered while Prometheus records nothing.
pub(super) fn fewest(class: &Class, matchers: &str, memory: &str) -> String {
    let now = format!("sum by ({FINDING}) ({})", once(&format!("{}{{{matchers}}}", class.count)));
    let before = format!("min by ({FINDING}) (last_over_time({}[{memory}]))", class.known);
    // Old, and not recorded: it is the first time, Prometheus has forgotten it, or it was counted under `_other`.
    let old = format!("{now} and on ({FINDING}) ({})", began_before(class, matchers));
    fewest_of(&now, &before, &old, &old)
}

/// The same of moving images. A namespace that is not recorded is a new one.
pub(super) fn fewest_moving_images(memory: &str) -> String {
    let now = once(MOVING_IMAGES);
    let before = format!("min by ({MOVING_IMAGE}) (last_over_time({KNOWN_MOVING_IMAGES}[{memory}]))");
    fewest_of(&now, &before, &now, &format!("{before} and {now}"))
}

/// The fewest that there were since the installation.
///
/// While the installation settles, that is what is there. Afterwards it can fall, and what is gone is recorded as 0 once, so
/// that what comes back is new: `last_over_time` does not see that a series has ended. Before a leader has evaluated the
/// cluster, some of it is not there yet: then nothing falls and nothing is gone.
///
/// `at_first` is what is there while the installation settles, and `again` what is recorded later though it was not.
fn fewest_of(now: &str, before: &str, at_first: &str, again: &str) -> String {
    let (installed, is_evaluated) = (installed(), format!("on (cluster) {EVALUATED}"));
    format!(
        "({at_first} and {is_evaluated} and on (cluster) ({installed} > time() - <<settlingSeconds>>) or \
         {now} < {before} and {is_evaluated} or \
         {before} > 0 and {now} or \
         {again} and {is_evaluated} or \
         {before} > 0 unless {is_evaluated} or \
         0 * ({before} > 0)) and on (cluster) {installed}"
    )
}

/// Clusters in which the reminder is on: for a day of each week, from the end of the grace period on.
pub(super) fn alert_day() -> String {
    format!("(time() - {} - <<graceSeconds>> >= 0) % {WEEK} < {DAY}", installed())
}
