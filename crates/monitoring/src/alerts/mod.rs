//! The rules that tagwatch ships, one description each, written as a PrometheusRule object, as a rule file, and as the
//! file from which the chart makes its object.

mod controller;
mod drift;
mod findings;
mod known;
mod parameter;
mod policy;
mod record;
mod yaml;

pub use known::FIRST_EVALUATION;
pub use parameter::{PARAMETERS, Parameter};
pub use record::{Recording, recordings};
pub use yaml::{chart_rules_yaml, rule_group_yaml, rule_object_yaml};

/// How soon a person has to look. There is no `info`: kube-prometheus mutes alerts of that severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// At once, at any hour.
    Critical,
    /// Within the working day.
    Warning,
}

impl Urgency {
    /// The label `severity` of the alert.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

/// An alerting rule of Prometheus, with its runbook. Its texts may hold [parameters](PARAMETERS).
#[derive(Debug, Clone)]
pub struct Alert {
    /// Also the name of its runbook.
    pub name: &'static str,
    /// Group of rules in the rule file.
    pub group: &'static str,
    /// The query; the alert is on while it has a result.
    pub expression: String,
    /// For how long the query must have a result, as Prometheus writes it.
    pub hold: &'static str,
    /// How soon a person has to look.
    pub urgency: Urgency,
    /// Whether the alert is about tagwatch itself, and so belongs to the namespace that tagwatch runs in.
    pub about_tagwatch: bool,
    /// One line; may use the labels of the result. The cluster is added to each.
    pub summary: &'static str,
    /// What is wrong, and what to do first.
    pub description: &'static str,
    /// Path and query of a dashboard in Grafana.
    pub dashboard: &'static str,
    /// Path and query of a page of the console, if one shows more.
    pub console: Option<&'static str>,
}

/// Every alert, in the order in which they are written.
pub fn alerts() -> Vec<Alert> {
    [findings::alerts(), drift::alerts(), policy::alerts(), controller::alerts()].concat()
}

/// The issues of the cluster that the alert names.
const OVERVIEW: &str = "/d/tagwatch-issues{{ with $labels.cluster }}?var-cluster={{ . | urlquery }}{{ end }}";
/// The issues of the namespace that the alert names.
const ISSUES: &str = "/d/tagwatch-issues?var-cluster={{ $labels.cluster | urlquery }}&\
                      var-namespace={{ $labels.namespace | urlquery }}";
/// The workloads and images of the namespace that the alert names.
const WORKLOADS: &str = "/d/tagwatch-workload?var-cluster={{ $labels.cluster | urlquery }}&\
                         var-namespace={{ $labels.namespace | urlquery }}";
/// The workload that the alert names.
const WORKLOAD: &str = "/d/tagwatch-workload?var-cluster={{ $labels.cluster | urlquery }}&\
                        var-namespace={{ $labels.namespace | urlquery }}&\
                        var-workload={{ $labels.workload | urlquery }}";
/// The controller of the cluster that the alert names; of all where it names none.
const CONTROLLER: &str =
    "/d/tagwatch-controller{{ with $labels.cluster }}?var-cluster={{ . | urlquery }}{{ end }}";
/// The page of the workload that the alert names. The console knows where what is over the cap of series is.
const WORKLOAD_PAGE: Option<&str> = Some(
    "/workloads/{{ $labels.namespace | urlquery }}/{{ $labels.kind | urlquery }}/{{ $labels.workload | urlquery }}",
);
/// The violations of the namespace that the alert names.
const VIOLATIONS: Option<&str> =
    Some("/issues?result=fail,error&namespace={{ $labels.namespace | urlquery }}");
/// The namespace that the alert names.
const NAMESPACE_PAGE: Option<&str> = Some("/namespaces/{{ $labels.namespace | urlquery }}");
