//! What an installation may set in the rules: thresholds, and where links lead.

/// A setting of the rules. It stands in them as `<<name>>`, which the chart replaces by its value.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The name between the brackets.
    pub name: &'static str,
    /// What applies where the chart is not used.
    pub default: &'static str,
}

const fn parameter(name: &'static str, default: &'static str) -> Parameter {
    Parameter { name, default }
}

/// All of them. The chart's template knows them by name.
pub const PARAMETERS: [Parameter; 16] = [
    // Violations of one namespace above which there are many.
    parameter("manyViolations", "20"),
    // By how many violations of one namespace have risen within an hour.
    parameter("risingViolations", "5"),
    // How long a violation of a severity may last.
    parameter("overdueCriticalDays", "1"),
    parameter("overdueCriticalSeconds", "86400"),
    parameter("overdueHighDays", "7"),
    parameter("overdueHighSeconds", "604800"),
    parameter("overdueMediumDays", "30"),
    parameter("overdueMediumSeconds", "2592000"),
    // How long before its end an exemption is reported.
    parameter("exemptionDays", "7"),
    parameter("exemptionSeconds", "604800"),
    // For how many seconds after the first evaluation a finding counts as one that was there at the installation.
    parameter("settlingSeconds", "3600"),
    // How long after the installation the reminder of what was there begins.
    parameter("graceSeconds", "604800"),
    parameter("protectedNamespaces", "(.*-)?prod(uction)?(-.*)?"),
    // The namespace of alerts about tagwatch itself, by which Alertmanager routes them.
    parameter("namespace", "tagwatch"),
    // Labels that `metricLabels` of the policy adds to the series: each behind a comma.
    parameter("metricLabels", ", label_team"),
    parameter("runbookUrl", "https://tagwatch.dev/docs/runbooks"),
];

/// The text with every parameter set to its default.
pub(super) fn with_defaults(text: &str) -> String {
    PARAMETERS.iter().fold(text.to_owned(), |text, Parameter { name, default }| {
        text.replace(&format!("<<{name}>>"), default)
    })
}
