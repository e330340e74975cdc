//! Rules for every dashboard.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use tagwatch_monitoring::{CONSOLE_URL, Console, alerts, dashboard_files};

/// Every dashboard with its links to the console, by its file's name.
fn dashboards() -> BTreeMap<String, Value> {
    dashboard_files(Console::Linked).into_iter().map(|file| (file.name, file.json)).collect()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Panels that show data, each with its dashboard.
fn panels(dashboards: &BTreeMap<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    dashboards.iter().flat_map(|(name, dashboard)| {
        list(dashboard, "/panels")
            .iter()
            .filter(|panel| panel["type"] != "row")
            .map(move |panel| (name.as_str(), panel))
    })
}

/// Every link of a panel's data.
fn links(panel: &Value) -> Vec<&str> {
    list(panel, "/fieldConfig/overrides")
        .iter()
        .flat_map(|change| list(change, "/properties"))
        .filter(|property| property["id"] == "links")
        .flat_map(|property| list(property, "/value"))
        .map(|link| text(link, "/url"))
        .collect()
}

#[test]
fn the_three_dashboards_have_fixed_addresses() {
    let dashboards = dashboards();
    let names: Vec<&str> = dashboards.keys().map(String::as_str).collect();
    assert_eq!(names, ["tagwatch-controller.json", "tagwatch-issues.json", "tagwatch-workload.json"]);
    for (name, dashboard) in &dashboards {
        assert_eq!(format!("{}.json", text(dashboard, "/uid")), *name);
        assert!(dashboard.get("id").is_none(), "{name}: an id belongs to one Grafana");
    }
}

#[test]
fn panels_have_ids_of_their_own_and_do_not_overlap() {
    for (name, dashboard) in dashboards() {
        let mut ids = BTreeSet::new();
        let mut taken = BTreeMap::new();
        for panel in list(&dashboard, "/panels") {
            let title = text(panel, "/title");
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: {title}: an id twice");
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
            assert!(x + w <= 24 && w > 0 && h > 0, "{name}: {title}");
            for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                let other = taken.insert(place, title);
                assert_eq!(other, None, "{name}: {title} lies over another panel");
            }
        }
    }
}

#[test]
fn every_panel_says_what_it_shows_and_in_which_unit() {
    let dashboards = dashboards();
    let mut titles = BTreeSet::new();
    for (name, panel) in panels(&dashboards) {
        let title = text(panel, "/title");
        assert!(titles.insert((name, title)), "{name}: {title} twice");
        assert!(text(panel, "/description").ends_with('.'), "{name}: {title} has no description");
        assert!(!text(panel, "/fieldConfig/defaults/unit").is_empty(), "{name}: {title} has no unit");
        assert!(!list(panel, "/targets").is_empty(), "{name}: {title} asks for nothing");
    }
}

/// A user who imports a dashboard has a data source of another name.
#[test]
fn the_data_source_is_the_variable_everywhere() {
    fn datasources<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("datasource"));
                fields.values().for_each(|value| datasources(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| datasources(value, found)),
            _ => {}
        }
    }
    for (name, dashboard) in dashboards() {
        let mut found = Vec::new();
        datasources(&dashboard, &mut found);
        assert!(found.len() > 10, "{name}");
        for datasource in found {
            assert_eq!(text(datasource, "/uid"), "${datasource}", "{name}");
            assert_eq!(text(datasource, "/type"), "prometheus", "{name}");
        }
    }
}

#[test]
fn the_variables_are_those_of_the_design() {
    let dashboards = dashboards();
    let names = |file: &str| -> Vec<&str> {
        list(&dashboards[file], "/templating/list").iter().map(|one| text(one, "/name")).collect()
    };
    let issues = ["datasource", "cluster", "namespace", "severity", "rule", "console"];
    assert_eq!(names("tagwatch-issues.json"), issues);
    let workload = ["datasource", "cluster", "namespace", "workload", "severity", "rule", "console"];
    assert_eq!(names("tagwatch-workload.json"), workload);
    assert_eq!(names("tagwatch-controller.json"), ["datasource", "cluster"]);
}

/// A label that no series has is empty; `All` must match it too.
#[test]
fn every_variable_offers_all_and_all_means_any() {
    for (name, dashboard) in dashboards() {
        for variable in list(&dashboard, "/templating/list") {
            if matches!(text(variable, "/type"), "query" | "custom") {
                assert_eq!(variable["includeAll"], true, "{name}: {}", variable["name"]);
                assert_eq!(variable["allValue"], ".*", "{name}: {}", variable["name"]);
                assert_eq!(variable["current"]["value"][0], "$__all", "{name}: {}", variable["name"]);
            }
        }
    }
}

#[test]
fn every_query_is_narrowed_by_the_cluster() {
    let dashboards = dashboards();
    for (name, panel) in panels(&dashboards) {
        for target in list(panel, "/targets") {
            let expression = text(target, "/expr");
            assert!(expression.contains("cluster=~\"$cluster\""), "{name}: {}: {expression}", panel["title"]);
        }
    }
}

/// The matchers of each selector of these metrics in a query.
fn selectors<'a>(query: &'a str, metrics: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let all = metrics.iter().flat_map(move |metric| query.split(metric).skip(1));
    // Behind the rest of a name that begins so.
    all.filter_map(|rest| rest.split_once('{')?.1.split('}').next())
}

/// What is chosen at the top of a dashboard is what its panels show.
#[test]
fn what_is_found_is_narrowed_by_every_variable() {
    let found = ["tagwatch_violations", "tagwatch_warnings", "tagwatch_workload_"];
    let chosen = ["cluster", "namespace", "severity", "rule"];
    let dashboards = dashboards();
    let mut narrowed = BTreeMap::new();
    for (name, panel) in panels(&dashboards) {
        for target in list(panel, "/targets") {
            let query = text(target, "/expr");
            let names = metrics(query);
            let asked = names.iter().filter(|one| found.iter().any(|metric| one.starts_with(metric))).count();
            let matchers: Vec<&str> = selectors(query, &found).collect();
            assert!(matchers.len() >= asked, "{name}: {}: {query}", panel["title"]);
            let workload = (name == "tagwatch-workload.json").then_some("workload");
            for matchers in matchers {
                for variable in chosen.into_iter().chain(workload) {
                    let title = &panel["title"];
                    let is_narrowed = matchers.contains(&format!("{variable}=~\"${variable}\""));
                    assert!(is_narrowed, "{name}: {title}: {variable}: {matchers}: {query}");
                }
                *narrowed.entry(name).or_insert(0) += 1;
            }
        }
    }
    assert!(narrowed["tagwatch-issues.json"] > 10 && narrowed["tagwatch-workload.json"] > 10, "{narrowed:?}");
}

/// Which metrics only say when an alert holds, not what it is about: they need no panel on its dashboard.
const CONDITIONS: [(&str, &str); 2] = [
    // Warnings an hour ago, which are left out of the rise.
    ("TagwatchViolationsRising", "tagwatch_workload_warnings"),
    // Violations an hour ago, by workload, for the same.
    ("TagwatchViolationsRising", "tagwatch_workload_violations"),
];

/// Who follows the link of an alert sees the numbers that raised it.
#[test]
fn the_dashboard_of_an_alert_shows_its_metrics() {
    let dashboards = dashboards();
    for alert in alerts() {
        let uid = alert.dashboard.strip_prefix("/d/").unwrap();
        let uid = uid.split(['?', '{']).next().unwrap();
        let shown: BTreeSet<&str> = list(&dashboards[&format!("{uid}.json")], "/panels")
            .iter()
            .flat_map(|panel| list(panel, "/targets"))
            .flat_map(|target| metrics(text(target, "/expr")))
            .collect();
        let asked = metrics(&alert.expression);
        // What is recorded is a memory of the alerts.
        let own: BTreeSet<&str> =
            asked.into_iter().filter(|metric| metric.starts_with("tagwatch_")).collect();
        assert!(!own.is_empty(), "{}", alert.name);
        // An alert on findings waits until there are some.
        let is_known = |metric: &str| {
            own.len() > 1
                && ["tagwatch_build_info", "tagwatch_last_full_evaluation_timestamp_seconds"]
                    .contains(&metric)
        };
        for metric in own.iter().filter(|metric| !is_known(metric)) {
            let is_condition = CONDITIONS.contains(&(alert.name, metric));
            assert!(shown.contains(metric) || is_condition, "{}: {metric} is not on {uid}", alert.name);
        }
    }
}

#[test]
fn tables_donuts_and_timelines_lead_onward() {
    let dashboards = dashboards();
    let addresses: Vec<&str> = dashboards.values().map(|one| text(one, "/uid")).collect();
    for (name, panel) in panels(&dashboards) {
        let links = links(panel);
        if matches!(text(panel, "/type"), "table" | "piechart" | "state-timeline" | "bargauge") {
            assert!(!links.is_empty(), "{name}: {} leads nowhere", panel["title"]);
        }
        for link in links {
            let to_dashboard = link.strip_prefix("/d/").and_then(|rest| rest.split('?').next());
            let known = match to_dashboard {
                Some(uid) => addresses.contains(&uid),
                None => console_page(link),
            };
            assert!(known, "{name}: {}: {link}", panel["title"]);
        }
    }
}

/// A number and the page that it leads to count the same: violations, errors among them, or warnings of what is chosen.
#[test]
fn links_to_issues_choose_what_the_panel_chooses() {
    let dashboards = dashboards();
    let mut results = BTreeSet::new();
    for (name, panel) in panels(&dashboards) {
        for link in links(panel).into_iter().filter(|link| link.starts_with("${console:raw}/issues")) {
            assert!(link.contains("namespace=${namespace:csv}"), "{name}: {}: {link}", panel["title"]);
            let query = text(panel, "/targets/0/expr");
            let counted = if query.contains("tagwatch_warnings") {
                "warn"
            } else if query.contains("result=\"error\"") {
                "error"
            } else if query.contains("tagwatch_violations") {
                "fail,error"
            } else {
                continue;
            };
            assert!(link.contains(&format!("result={counted}&")), "{name}: {}: {link}", panel["title"]);
            assert!(link.contains("&severity=$") && link.contains("&rule=$"), "{link}");
            results.insert(counted);
        }
    }
    assert_eq!(results.into_iter().collect::<Vec<_>>(), ["error", "fail,error", "warn"]);
}

/// Its address is not known, and a link without one leads to a page of Grafana.
#[test]
fn without_the_console_no_link_and_no_variable_is_left_of_it() {
    for file in dashboard_files(Console::Unknown) {
        let json = file.json.to_string();
        for gone in ["console}", "${console", CONSOLE_URL, "\"textbox\""] {
            assert!(!json.contains(gone), "{}: {gone}", file.name);
        }
        assert!(json.contains("/d/tagwatch-") || file.name == "tagwatch-controller.json", "{}", file.name);
    }
}

/// The names of metrics in a query.
fn metrics(query: &str) -> BTreeSet<&str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    words.filter(|word| word.starts_with("tagwatch_") || word.starts_with("process_")).collect()
}

/// docs/metrics.md is generated from the collectors.
#[test]
fn every_metric_stands_on_a_panel_and_no_query_asks_for_another() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let served: BTreeSet<&str> = rows.map(|(name, _)| name).collect();
    assert!(served.len() > 30, "{served:?}");
    let dashboards = dashboards();
    let queries: Vec<&str> = panels(&dashboards)
        .flat_map(|(_, panel)| list(panel, "/targets"))
        .map(|target| text(target, "/expr"))
        .collect();
    let asked: BTreeSet<&str> = queries
        .iter()
        .flat_map(|query| metrics(query))
        .map(|name| name.trim_end_matches("_bucket"))
        .collect();
    assert_eq!(served, asked);
}

/// A scrape that finds the same series twice, by two jobs or from two replicas, must not be summed up.
#[test]
fn every_sum_and_count_takes_each_series_once() {
    let dashboards = dashboards();
    for (name, panel) in panels(&dashboards) {
        for target in list(panel, "/targets") {
            let query = text(target, "/expr");
            for (place, _) in query.match_indices("sum").chain(query.match_indices("count")) {
                let rest = &query[place..];
                let inner = rest.split_once('(').map(|(head, tail)| match head.trim_end() {
                    "sum by" | "count by" => tail.split_once('(').map_or("", |(_, tail)| tail),
                    _ => tail,
                });
                let inner = inner.unwrap_or_default().trim_start_matches('(');
                let once = ["max by (", "min by (", "count by ("];
                let fine = once.iter().any(|one| inner.starts_with(one)) || inner.contains(" and ");
                assert!(fine, "{name}: {}: {rest}", panel["title"]);
            }
        }
    }
}

/// A process that two jobs scrape is one line, and its labels are those that the legend shows.
#[test]
fn every_process_is_one_series() {
    let dashboards = dashboards();
    let mut processes = 0;
    for (name, panel) in panels(&dashboards) {
        for target in
            list(panel, "/targets").iter().filter(|one| text(one, "/legendFormat").contains("{{instance}}"))
        {
            let query = text(target, "/expr").trim_start_matches("time() - (");
            assert!(query.starts_with("max by (cluster, instance) ("), "{name}: {}: {query}", panel["title"]);
            processes += 1;
        }
    }
    assert_eq!(processes, 5);
}

/// While tagwatch is not scraped, no number of findings reads as compliance; how many processes there are is known.
#[test]
fn no_count_of_findings_is_zero_in_an_outage() {
    let dashboards = dashboards();
    for (name, panel) in panels(&dashboards) {
        for target in list(panel, "/targets") {
            let query = text(target, "/expr");
            let is_known = !query.contains("vector(") || panel["title"] == "Controllers";
            assert!(is_known, "{name}: {}: {query}", panel["title"]);
        }
    }
}

/// The number of rules is the sum of the slices of the donut, in however many clusters they are on.
#[test]
fn rules_count_once_on_every_panel() {
    let dashboards = dashboards();
    let mut asked = 0;
    for (name, panel) in panels(&dashboards) {
        for target in list(panel, "/targets") {
            let query = text(target, "/expr");
            for (place, _) in query.match_indices("(tagwatch_rule_info") {
                assert!(query[..place].ends_with("max by (rule) "), "{name}: {query}");
                asked += 1;
            }
        }
    }
    assert!(asked >= 2, "{asked}");
}

/// Whether this is a page that the console has.
fn console_page(link: &str) -> bool {
    let Some(path) = link.strip_prefix("${console:raw}") else { return false };
    let page = path.split('?').next().unwrap_or_default();
    let depth = page.trim_start_matches('/').split('/').count();
    match page.split('/').nth(1) {
        Some("issues") => depth == 1,
        Some("rules") => depth <= 2,
        Some("namespaces") => depth == 2,
        Some("workloads") => depth == 4,
        _ => false,
    }
}

#[test]
fn the_console_is_where_the_constant_says() {
    for (name, dashboard) in dashboards() {
        let console = list(&dashboard, "/templating/list").iter().find(|one| one["name"] == "console");
        assert!(console.is_none_or(|one| text(one, "/query") == CONSOLE_URL), "{name}");
    }
}

/// `kubectl apply` keeps a copy in an annotation, which has room for 256 KiB.
#[test]
fn a_dashboard_fits_into_a_config_map() {
    for (name, dashboard) in dashboards() {
        let size = serde_json::to_string_pretty(&dashboard).unwrap().len();
        assert!(size < 128 * 1024, "{name} has {size} bytes");
    }
}
