//! What the values of the chart make of the alerts.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::install::{MONITORING, Objects, chart, monitoring, rendered};

/// The alerts of the chart by their names.
fn alerts(objects: &Objects) -> Result<BTreeMap<String, Value>> {
    let rules = &objects[&("PrometheusRule".to_owned(), "tagwatch".to_owned())]["spec"]["groups"];
    let groups = rules.as_array().context("no groups")?;
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
    Ok(rules.filter_map(|rule| Some((rule["alert"].as_str()?.to_owned(), rule.clone()))).collect())
}

#[tokio::test]
async fn thresholds_severities_and_grace_of_alerts_are_values_and_any_can_be_left_out() -> Result<()> {
    let shipped = alerts(&monitoring("").await?)?;
    let set = "monitoring.prometheusRule";
    let values = format!(
        ",{set}.thresholds.manyViolations=321,{set}.thresholds.risingViolations=123,\
         {set}.thresholds.overdueDays.critical=3,{set}.thresholds.overdueDays.high=5,\
         {set}.thresholds.overdueDays.medium=11,{set}.thresholds.exemptionDays=13,{set}.graceDays=17,\
         {set}.alertOnBacklog=true,{set}.metricLabels={{example.com/team}},policy.spec.metricLabels={{tier}},\
         {set}.severities.TagwatchMixedDigests=page,{set}.disabled={{TagwatchTagMoved,TagwatchAbsent}}"
    );
    let mut objects = chart(&["--set", &format!("{MONITORING}{values}")]).await?;
    objects.retain(|(kind, _), _| kind == "PrometheusRule");
    let ours = alerts(&objects)?;
    let missing: Vec<&String> = shipped.keys().filter(|name| !ours.contains_key(*name)).collect();
    assert_eq!(missing, ["TagwatchAbsent", "TagwatchBacklog", "TagwatchTagMoved"], "one has no backlog");
    assert_eq!(ours["TagwatchMixedDigests"]["labels"]["severity"], "page");
    for (alert, parts) in [
        ("TagwatchManyViolations", vec!["> 321", "namespace, label_example_com_team, label_tier)"]),
        ("TagwatchViolationsRising", vec![">= 123"]),
        ("TagwatchViolationOverdue", vec!["- 259200", "- 432000", "- 950400", "+ -10000000000"]),
        ("TagwatchExemptionExpiring", vec!["< 1123200"]),
        ("TagwatchCriticalViolation", vec!["+ -10000000000"]),
    ] {
        let expression = ours[alert]["expr"].as_str().context("no expression")?;
        for part in parts {
            assert!(expression.contains(part), "{alert}: {part}: {expression}");
        }
    }
    let with_reminder = alerts(&monitoring(&format!(",{set}.graceDays=17")).await?)?;
    let backlog = with_reminder["TagwatchBacklog"]["expr"].as_str().context("no expression")?;
    assert!(backlog.contains("- 1468800 >= 0"), "{backlog}");
    let overdue = ours["TagwatchViolationOverdue"]["annotations"]["description"].to_string();
    assert!(overdue.contains("critical 3, high 5, medium 11"), "{overdue}");
    for (name, rule) in &ours {
        assert!(!rule.to_string().contains("<<"), "{name}: {rule}");
        let links: Vec<&String> =
            rule["annotations"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
        assert_eq!(links, ["description", "runbook_url", "summary"], "{name}: no address is configured");
    }
    for (value, complaint) in [
        ("disabled={TagwatchNone}", "there is no alert TagwatchNone"),
        ("severities.TagwatchNone=info", "there is no alert TagwatchNone"),
        ("graceDays=-1", "at '/monitoring/prometheusRule/graceDays'"),
        ("thresholds.overdueDays.low=1", "additional properties 'low' not allowed"),
    ] {
        let value = format!("{MONITORING},monitoring.prometheusRule.{value}");
        let words = rendered(&["--set", &value]).await?.expect_err(&value);
        assert!(words.contains(complaint), "{value}: {words}");
    }
    Ok(())
}

/// One value that is no regular expression, or that brings a template into a text, would stop every rule of its group.
#[tokio::test]
async fn values_that_reach_a_query_or_a_text_are_valid_there() -> Result<()> {
    let refused = async |set: &str, schema: &[&str]| {
        let mut arguments = vec!["--set", MONITORING, "--set-string", set];
        arguments.extend_from_slice(schema);
        rendered(&arguments).await?.err().with_context(|| format!("{set} is accepted"))
    };
    let namespaces = "monitoring.prometheusRule.protectedNamespaces";
    for value in
        ["(prod", "prod)", "((a)", "*", "?a", "(*)", "a|*", "a**", "a+*", "(a)**", "a.b\"} or vector(1)"]
    {
        let words = refused(&format!("{namespaces}={value}"), &[]).await?;
        assert!(words.contains("/monitoring/prometheusRule/protectedNamespaces"), "{value}: {words}");
    }
    // Without the schema, the template says it.
    let words = refused(&format!("{namespaces}=(prod"), &["--skip-schema-validation"]).await?;
    assert!(words.contains("missing closing )"), "{words}");
    for value in ["live-.*", "a|b", "(a(b|c)*)?", "a*?", "(|a)", "(.*-)?prod(uction)?(-.*)?"] {
        let set = format!("{namespaces}={value}");
        let objects = chart(&["--set", MONITORING, "--set-string", &set]).await?;
        let rule = alerts(&objects)?["TagwatchFloatingImageInProtectedNamespace"].to_string();
        assert!(rule.contains(&format!("namespace=~\\\"{value}\\\"")), "{value}: {rule}");
    }
    for name in ["runbookUrl", "grafanaUrl", "consoleUrl"] {
        for value in ["https://a/{{ x }}", "https://a/{{x", "https://a/<<namespace>>", "https://a/$x"] {
            let words = refused(&format!("monitoring.{name}={value}"), &[]).await?;
            assert!(words.contains(&format!("/monitoring/{name}")), "{name}: {value}: {words}");
        }
    }
    for value in ["a b", "a\")", "-a"] {
        let words = refused(&format!("monitoring.prometheusRule.metricLabels[0]={value}"), &[]).await?;
        assert!(words.contains("/monitoring/prometheusRule/metricLabels/0"), "{value}: {words}");
    }
    Ok(())
}

/// Helm takes a key away that is null, such as one without a value. A threshold without a number would be 0.
#[tokio::test]
async fn a_list_that_is_null_is_empty_and_a_number_that_is_null_is_refused() -> Result<()> {
    let set = "monitoring.prometheusRule";
    let values = format!("{MONITORING},{set}.disabled=null,{set}.severities=null,{set}.metricLabels=null");
    let rules = alerts(&chart(&["--set", &values]).await?)?;
    assert_eq!(rules.len(), alerts(&monitoring("").await?)?.len());
    let all = serde_json::to_string(&rules)?;
    assert!(all.contains("namespace, rule)") && !all.contains("label_team"), "{all}");
    for missing in [
        "graceDays",
        "protectedNamespaces",
        "thresholds",
        "thresholds.manyViolations",
        "thresholds.overdueDays",
        "thresholds.overdueDays.high",
    ] {
        let value = format!("{MONITORING},{set}.{missing}=null");
        let words = rendered(&["--set", &value]).await?.expect_err(&value);
        let name = missing.rsplit('.').next().context("no name")?;
        assert!(words.contains(&format!("missing property '{name}'")), "{value}: {words}");
    }
    Ok(())
}
