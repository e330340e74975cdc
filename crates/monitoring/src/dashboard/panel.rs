//! Panels, one function a kind.

use serde_json::{Map, Value, json};

use super::{Link, datasource};

/// A query of a panel.
#[derive(Debug, Clone)]
struct Target {
    expression: String,
    /// How a series is named; Grafana replaces `{{label}}` by the label's value.
    legend: &'static str,
}

/// A panel of a Grafana dashboard: its queries, its options and its size in grid units.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) width: u32,
    pub(crate) height: u32,
    kind: &'static str,
    title: &'static str,
    description: &'static str,
    defaults: Map<String, Value>,
    overrides: Vec<Value>,
    options: Value,
    transformations: Vec<Value>,
    targets: Vec<Target>,
    /// Whether the query is for now or for the time range.
    mode: QueryMode,
    /// The least time between two values of a query, which is Grafana's `$__interval`.
    step: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueryMode {
    /// Only the newest value.
    Now,
    /// Only the newest values, as rows of a table.
    Rows,
    /// The values over the time range of the dashboard.
    Range,
}

impl Panel {
    pub(super) fn new(
        kind: &'static str,
        title: &'static str,
        description: &'static str,
        mode: QueryMode,
        options: Value,
    ) -> Self {
        let (width, height) = (6, 8);
        let (defaults, overrides, transformations, targets) = (Map::new(), vec![], vec![], vec![]);
        let panel = Self {
            width,
            height,
            kind,
            title,
            description,
            defaults,
            overrides,
            options,
            transformations,
            targets,
            mode,
            step: None,
        };
        panel.with("color", json!({ "mode": "palette-classic" })).thresholds(&[(None, "text")])
    }

    /// Width in Grafana's 24 columns, and height in its rows of 30 pixels.
    pub(crate) fn size(mut self, width: u32, height: u32) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    /// Grafana's name of the unit; `short` is a plain number.
    pub(crate) fn unit(self, unit: &str) -> Self {
        self.with("unit", json!(unit))
    }

    pub(crate) fn query(mut self, expression: impl Into<String>, legend: &'static str) -> Self {
        self.targets.push(Target { expression: expression.into(), legend });
        self
    }

    /// The least time between two values, as Prometheus writes durations.
    pub(crate) fn step(mut self, step: &'static str) -> Self {
        self.step = Some(step);
        self
    }

    /// A setting of every field.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.defaults.insert(name.to_owned(), value);
        self
    }

    /// An option of this kind of panel.
    pub(crate) fn option(mut self, name: &str, value: &str) -> Self {
        self.options[name] = json!(value);
        self
    }

    /// Colours from these values on; the first has none.
    pub(crate) fn thresholds(self, steps: &[(Option<f64>, &str)]) -> Self {
        let steps: Vec<Value> =
            steps.iter().map(|(value, color)| json!({ "value": value, "color": color })).collect();
        self.with("thresholds", json!({ "mode": "absolute", "steps": steps }))
    }

    /// Coloured by the thresholds.
    pub(crate) fn traffic_light(self, steps: &[(Option<f64>, &str)]) -> Self {
        self.with("color", json!({ "mode": "thresholds" })).thresholds(steps)
    }

    pub(crate) fn overrides(mut self, overrides: Vec<Value>) -> Self {
        self.overrides.extend(overrides);
        self
    }

    /// Links of every value.
    pub(crate) fn links(self, links: &[Link]) -> Self {
        let links: Vec<Value> = links.iter().map(Link::json).collect();
        self.overrides(vec![json!({
            "matcher": { "id": "byRegexp", "options": "/.*/" },
            "properties": [{ "id": "links", "value": links }],
        })])
    }

    pub(super) fn transform(mut self, id: &str, options: &Value) -> Self {
        self.transformations.push(json!({ "id": id, "options": options }));
        self
    }

    pub(super) fn json(&self, id: u32, place: &Value) -> Value {
        let targets: Vec<Value> = self.targets.iter().zip('A'..).map(|one| self.target(one)).collect();
        let mut panel = json!({
            "id": id,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": place,
            "datasource": datasource(),
            "targets": targets,
            "options": self.options,
            "fieldConfig": { "defaults": self.defaults, "overrides": self.overrides },
            "transformations": self.transformations,
        });
        if let Some(step) = self.step {
            panel["interval"] = json!(step);
        }
        panel
    }

    fn target(&self, (target, id): (&Target, char)) -> Value {
        let range = self.mode == QueryMode::Range;
        json!({
            "refId": id.to_string(),
            "datasource": datasource(),
            "editorMode": "code",
            "expr": target.expression,
            "legendFormat": target.legend,
            "instant": !range,
            "range": range,
            "format": if self.mode == QueryMode::Rows { "table" } else { "time_series" },
        })
    }
}

fn reduce() -> Value {
    json!({ "calcs": ["lastNotNull"], "fields": "", "values": false })
}

fn legend(mode: &str, placement: &str) -> Value {
    json!({ "displayMode": mode, "placement": placement, "showLegend": true, "calcs": [] })
}

/// A panel that shows the newest value as one number.
pub(crate) fn stat(title: &'static str, description: &'static str) -> Panel {
    let options = json!({
        "reduceOptions": reduce(), "orientation": "auto", "textMode": "auto", "colorMode": "value",
        "graphMode": "none", "justifyMode": "auto", "wideLayout": true, "showPercentChange": false,
        "percentChangeColorMode": "standard",
    });
    Panel::new("stat", title, description, QueryMode::Now, options).size(4, 4)
}

/// A donut, whose slices are series.
pub(crate) fn donut(title: &'static str, description: &'static str) -> Panel {
    let mut legend = legend("table", "right");
    legend["values"] = json!(["value", "percent"]);
    let options = json!({
        "pieType": "donut", "reduceOptions": reduce(), "legend": legend, "displayLabels": [],
        "orientation": "auto", "tooltip": { "mode": "single", "sort": "none" },
    });
    Panel::new("piechart", title, description, QueryMode::Now, options)
        .size(8, 9)
        .with("custom", json!({ "hideFrom": { "tooltip": false, "viz": false, "legend": false } }))
}

/// A bar for each series.
pub(crate) fn bars(title: &'static str, description: &'static str) -> Panel {
    let options = json!({
        "displayMode": "basic", "valueMode": "color", "namePlacement": "left", "showUnfilled": true,
        "sizing": "auto", "minVizWidth": 8, "minVizHeight": 16, "maxVizHeight": 40, "orientation": "horizontal",
        "reduceOptions": reduce(), "legend": { "displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": [] },
    });
    Panel::new("bargauge", title, description, QueryMode::Now, options).size(12, 9).with("min", json!(0))
}

/// A panel of time series, drawn as lines.
pub(crate) fn lines(title: &'static str, description: &'static str) -> Panel {
    let options = json!({
        "legend": legend("list", "bottom"), "tooltip": { "mode": "multi", "sort": "desc" },
    });
    Panel::new("timeseries", title, description, QueryMode::Range, options)
        .size(12, 8)
        .with("min", json!(0))
        .with(
            "custom",
            json!({ "drawStyle": "line", "lineWidth": 2, "fillOpacity": 10, "showPoints": "never" }),
        )
}

/// Bars of what happened in each step, such as an hour.
pub(crate) fn steps(title: &'static str, description: &'static str, step: &'static str) -> Panel {
    lines(title, description).step(step).with(
        "custom",
        json!({ "drawStyle": "bars", "lineWidth": 1, "fillOpacity": 60, "showPoints": "never" }),
    )
}

/// A line of states for each series. A state is the number in the series, its text and its colour.
pub(crate) fn state_timeline(
    title: &'static str,
    description: &'static str,
    states: &[(u32, &str, &str)],
) -> Panel {
    let options = json!({
        "showValue": "never", "rowHeight": 0.8, "mergeValues": true, "alignValue": "left",
        "legend": legend("list", "bottom"), "tooltip": { "mode": "single", "sort": "none" },
    });
    let words: Map<String, Value> = states
        .iter()
        .zip(0..)
        .map(|((value, text, color), index)| {
            (value.to_string(), json!({ "text": text, "color": color, "index": index }))
        })
        .collect();
    Panel::new("state-timeline", title, description, QueryMode::Range, options)
        .size(24, 12)
        .with("mappings", json!([{ "type": "value", "options": words }]))
        .with("custom", json!({ "lineWidth": 0, "fillOpacity": 80 }))
}
