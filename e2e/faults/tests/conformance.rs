//! The double and the real API server pass the same checks.

use std::time::Duration;

use anyhow::Result;
use tagwatch_e2e::samples::config;
use tagwatch_e2e::{ControlPlane, Options, eventually};
use tagwatch_faults::{ApiDouble, SimulatedClock, check_api};

const LIMIT: Duration = Duration::from_secs(30);
/// Definitions of the resources that the checks use.
const DEFINITIONS: [(&str, &str, &str); 2] = [
    ("crd/wgpolicyk8s.io_policyreports.yaml", "wgpolicyk8s.io/v1alpha2", "policyreports"),
    ("policy/tagwatch.dev_tagpolicies.yaml", "tagwatch.dev/v1alpha1", "tagpolicies"),
];

#[tokio::test(start_paused = true)]
async fn the_double_is_an_api_server() -> Result<()> {
    check_api(ApiDouble::new(SimulatedClock::start()).client("check")).await
}

#[tokio::test]
async fn the_real_api_server_passes_the_same_checks() -> Result<()> {
    let cluster = ControlPlane::start(Options::default()).await?;
    let client = cluster.client().await?;
    for (file, group_version, plural) in DEFINITIONS {
        cluster.kubectl(&["apply", "-f", &config(file).display().to_string()]).await?;
        eventually(LIMIT, &format!("{plural} are served"), || async {
            let list = client.list_api_group_resources(group_version).await?;
            anyhow::ensure!(list.resources.iter().any(|resource| resource.name == plural), "not yet");
            Ok(())
        })
        .await?;
    }
    let checked = check_api(client).await;
    cluster.shutdown().await?;
    checked
}
