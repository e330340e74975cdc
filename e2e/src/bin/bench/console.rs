//! The console's first paint in a real Chromium, with very many issues.

use std::fs;

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::json;
use tagwatch_e2e::{Browser, TagwatchProcess};

use crate::{cluster::Cluster, deployments::ISSUES_OF_MANY, fill, progress};

/// Issues that the console holds, at least.
const ISSUES: u32 = 10_000;
/// Namespaces that they are spread over.
const NAMESPACES: u32 = 40;
pub(crate) const ROUNDS: usize = 15;
/// Every page that lists or counts all issues, and the most expensive filters. The check adds an issue and a workload.
const PATHS: [&str; 11] = [
    "/",
    "/changes?since=60d",
    "/issues",
    "/issues?sort=-age&q=app&per_page=100",
    "/images",
    "/images?by=registry",
    "/namespaces",
    "/namespaces/bench-pages-00",
    "/workloads?per_page=100",
    "/rules",
    "/exemptions",
];

/// What the pages took.
#[derive(Debug, Deserialize)]
pub(crate) struct Console {
    /// Issues that it holds.
    pub(crate) issues: u32,
    pub(crate) pages: Vec<Page>,
}

/// What the browser measured on one page.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) path: String,
    /// Of the page and of all that it loads.
    pub(crate) bytes: u64,
    /// Each round's first byte of the page, in milliseconds.
    pub(crate) first_bytes: Vec<f64>,
    /// Each round's first contentful paint, in milliseconds.
    pub(crate) paints: Vec<f64>,
    /// Each round's first contentful paint of a bare page of the same size, in milliseconds.
    pub(crate) bare_paints: Vec<f64>,
}

/// Deploys so many workloads that there are ten thousand issues, and looks at them.
pub(crate) async fn console(cluster: &Cluster, browser: &Browser) -> Result<Console> {
    let workloads = ISSUES.div_ceil(ISSUES_OF_MANY);
    progress(&format!("{workloads} Deployments with {ISSUES} issues, and {ROUNDS} looks at the console"));
    let namespaces: Vec<String> = (0..NAMESPACES).map(|number| format!("bench-pages-{number:02}")).collect();
    cluster.deploy_many_findings(&namespaces, workloads).await?;
    let address_file = cluster.data_dir().join("console-address");
    let arguments = [
        "--console-address=127.0.0.1:0",
        "--console-auth=none",
        &format!("--console-address-file={}", address_file.display()),
        "--log-level=warn",
    ];
    let tagwatch = TagwatchProcess::start(cluster.kubeconfig(), arguments).await?;
    fill::ready(&tagwatch).await?;
    let address = fs::read_to_string(&address_file)?;
    let given =
        json!({ "origin": format!("http://{}", address.trim_end()), "paths": PATHS, "rounds": ROUNDS });
    let seen: Console = serde_json::from_value(browser.check("first_paint", &given).await?.value)?;
    ensure!(seen.issues >= ISSUES, "only {} issues", seen.issues);
    fill::stop(tagwatch).await?;
    Ok(seen)
}
