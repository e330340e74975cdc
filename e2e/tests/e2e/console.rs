//! The console on a real control plane: who sees what, and that a page shows what the report says.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{Identity, eventually};

use crate::{
    bench::{Bench, LIMIT},
    objects::{CLEAN, LATEST, PASSES, deployment, pulled, with_image},
    runner::shared,
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(pages_show_what_reports_say), shared(a_token_sees_the_namespaces_whose_reports_it_may_list)]
}

const FAILS: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy fail"];

/// Arguments that serve the console on a port of the system's choice, and the file that tells which.
fn serving(bench: &Bench, auth: &str) -> (Vec<String>, std::path::PathBuf) {
    let file = bench.cluster().control_plane.data_dir().join(format!("console-of-{}", bench.namespace()));
    let arguments = vec![
        "--namespaces".to_owned(),
        bench.namespace().to_owned(),
        "--console-address=127.0.0.1:0".to_owned(),
        format!("--console-auth={auth}"),
        format!("--console-address-file={}", file.display()),
    ];
    (arguments, file)
}

/// A request by curl, which trusts the certificate of our own making: status and body.
fn get(url: &str, token: Option<&str>) -> Result<(u16, String)> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--insecure", "--max-time", "10", "--write-out", "\n%{http_code}", url]);
    if let Some(token) = token {
        curl.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let output = curl.output().context("curl")?;
    let text = String::from_utf8(output.stdout)?;
    let (body, status) = text.rsplit_once('\n').context("no status")?;
    Ok((status.parse()?, body.to_owned()))
}

async fn pages_show_what_reports_say(bench: &Bench) -> Result<()> {
    let (arguments, file) = serving(bench, "none");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let tagwatch = bench.tagwatch_with(&arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    let base = format!("http://{}", fs::read_to_string(file)?.trim_end());
    bench.create(deployment("web", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    let report = bench.reported("Deployment", "web", &FAILS).await?;
    let id = report.results()[0]["properties"]["resultID"].as_str().context("no key")?.to_owned();

    let page = eventually(LIMIT, "the issue has a page", || async {
        let (status, page) = get(&format!("{base}/issues/{id}"), None)?;
        ensure!(status == 200, "{status}");
        Ok(page)
    })
    .await?;
    for shown in ["stale-pull-policy", "web", LATEST, "imagePullPolicy", "IfNotPresent"] {
        ensure!(page.contains(shown), "{shown} is not on the page");
    }
    let (status, body) = get(&format!("{base}/api/v1/issues?namespace={}", bench.namespace()), None)?;
    let listed: Value = serde_json::from_str(&body)?;
    assert_eq!((status, &listed["total"]), (200, &json!(2)), "{body}");

    // What is over stays on record, at the address that it had.
    bench.patch("Deployment", "web", with_image(CLEAN, "IfNotPresent")).await?;
    bench.reported("Deployment", "web", &PASSES).await?;
    eventually(LIMIT, "the issue is over", || async {
        let (_, body) = get(&format!("{base}/api/v1/workloads/{}/Deployment/web", bench.namespace()), None)?;
        let workload: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
        let closed = workload["closed"].as_array().map_or(0, Vec::len);
        ensure!(closed == 2 && workload["status"] == "compliant", "{body}");
        Ok(())
    })
    .await?;
    tagwatch.end().await
}

async fn a_token_sees_the_namespaces_whose_reports_it_may_list(bench: &Bench) -> Result<()> {
    let (arguments, file) = serving(bench, "token");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let tagwatch = bench.tagwatch_with(&arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    let base = format!("https://{}", fs::read_to_string(file)?.trim_end());
    bench.create(deployment("web", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    bench.reported("Deployment", "web", &FAILS).await?;
    for name in ["reader", "stranger"] {
        let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name } });
        bench.create(account).await?;
    }
    bench
        .create(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "reader" },
            "rules": [{ "apiGroups": ["wgpolicyk8s.io"], "resources": ["policyreports"], "verbs": ["list"] }],
        }))
        .await?;
    bench
        .create(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "reader" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" },
            "subjects": [{ "kind": "ServiceAccount", "name": "reader", "namespace": bench.namespace() }],
        }))
        .await?;
    let token = async |name: &str| {
        let identity = Identity::ServiceAccount { namespace: bench.namespace(), name };
        bench.cluster().control_plane.token_of(identity).await
    };
    let (reader, stranger) = (token("reader").await?, token("stranger").await?);
    let issues = format!("{base}/api/v1/issues");
    assert_eq!(get(&issues, None)?.0, 401);
    assert_eq!(get(&issues, Some("made-up"))?.0, 401);
    eventually(LIMIT, "the reader sees both issues, the stranger none", || async {
        for (token, wanted) in [(&reader, 2), (&stranger, 0)] {
            let (status, body) = get(&issues, Some(token))?;
            let total = serde_json::from_str::<Value>(&body).map(|listed| listed["total"].clone());
            ensure!(status == 200 && total.ok() == Some(json!(wanted)), "{status} {body}");
        }
        Ok(())
    })
    .await?;
    tagwatch.end().await
}
