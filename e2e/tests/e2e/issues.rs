//! `tagwatch issues` against a real API server: what it says without a report, its formats, its filters and its watch.

use std::{path::Path, process::Stdio};

use anyhow::{Context, Result, ensure};
use kube::config::Kubeconfig;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{Identity, checkout, eventually, tagwatch_binary};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{
    hostile::hostile_characters,
    objects::{CLEAN, LATEST, PASSES, deployment, pulled, web, with_image},
    runner::{shared, without_report_api},
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        without_report_api(an_empty_list_says_why),
        shared(every_format_says_the_same_and_filters_hold),
        shared(hostile_reports_stay_harmless_and_aligned),
        shared(a_watch_follows_what_opens_and_resolves),
    ]
}

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// An empty list with this on standard error.
    fn says(&self, message: &str) -> Result<()> {
        let Self { code, stdout, stderr } = self;
        ensure!(*code == Some(0) && stdout.is_empty(), "{code:?}: {stdout}{stderr}");
        ensure!(*stderr == format!("{message}\n"), "{stderr:?} instead of {message:?}");
        Ok(())
    }
}

fn command(kubeconfig: &Path, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(tagwatch_binary()?);
    command.arg("issues").args(arguments).env_clear().env("KUBECONFIG", kubeconfig);
    command.stdin(Stdio::null()).kill_on_drop(true);
    Ok(command)
}

async fn issues_as(kubeconfig: &Path, arguments: &[&str]) -> Result<Ended> {
    ended(command(kubeconfig, arguments)?).await
}

async fn baseline_of_cluster(kubeconfig: &Path, namespace: &str) -> Result<Ended> {
    let mut command = Command::new(tagwatch_binary()?);
    command.args(["policy", "baseline", "--cluster", "-n", namespace]);
    command.env_clear().env("KUBECONFIG", kubeconfig).stdin(Stdio::null()).kill_on_drop(true);
    ended(command).await
}

async fn ended(mut command: Command) -> Result<Ended> {
    let output = command.output().await?;
    let [stdout, stderr] = [output.stdout, output.stderr].map(String::from_utf8);
    Ok(Ended { code: output.status.code(), stdout: stdout?, stderr: stderr? })
}

async fn issues(env: &TestEnv, arguments: &[&str]) -> Result<Ended> {
    issues_as(env.cluster().control_plane.kubeconfig(), arguments).await
}

/// `server https://…, context …`, as errors name it.
pub(crate) fn server_and_context(kubeconfig: &Path) -> Result<String> {
    let read = Kubeconfig::read_from(kubeconfig)?;
    let cluster = read.clusters.first().and_then(|named| named.cluster.as_ref()).context("no cluster")?;
    let url = cluster.server.as_deref().context("no server")?.trim_end_matches('/');
    Ok(format!("server {url}, context {}", read.current_context.context("no context")?))
}

const ASK: &str =
    "Does tagwatch run there? `kubectl get pods -A -l app.kubernetes.io/name=tagwatch` lists it";

async fn an_empty_list_says_why(env: &TestEnv) -> Result<()> {
    let (control_plane, here) = (&env.cluster().control_plane, env.namespace());
    let admin = control_plane.kubeconfig();
    let absent = issues(env, &["-n", here]).await?;
    assert_eq!((absent.code, absent.stdout.as_str()), (Some(4), ""));
    assert_eq!(
        absent.stderr,
        format!(
            "error: the report API is absent: the API server does not serve wgpolicyk8s.io/v1alpha2; install its \
             CustomResourceDefinition, and run tagwatch in the cluster ({})\n",
            server_and_context(admin)?
        )
    );
    env.cluster().install_report_api().await?;
    // The API server answers 429 until the storage of the new resource is ready.
    eventually(LIMIT, "reports can be listed", || async {
        let listed = issues(env, &["-A", "-o", "json"]).await?;
        ensure!(listed.code == Some(0), "{}", listed.stderr);
        Ok(())
    })
    .await?;
    for arguments in [&["-A"][..], &["-n", here], &["-n", here, "-l", "team=a", "-q"]] {
        let nowhere = format!("warning: there is no report of tagwatch in this cluster. {ASK}");
        issues(env, arguments).await?.says(&nowhere)?;
    }
    let empty: Value = serde_json::from_str(&issues(env, &["-A", "-o", "json"]).await?.stdout)?;
    assert_eq!(empty, json!({ "schema": "tagwatch.dev/issues/v1", "reports": 0, "issues": [] }));
    issues(env, &["-n", "gone"]).await?.says("warning: there is no namespace gone")?;

    let account = Identity::ServiceAccount { namespace: "default", name: "default" };
    let stranger = control_plane.kubeconfig_as(account, control_plane.data_dir()).await?;
    let refused = issues_as(&stranger, &["-n", here]).await?;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(4), ""));
    assert_eq!(
        refused.stderr,
        format!(
            "error: cannot list the reports: policyreports.wgpolicyk8s.io is forbidden: User \
             \"system:serviceaccount:default:default\" cannot list resource \"policyreports\" in API group \
             \"wgpolicyk8s.io\" in the namespace \"{here}\" (403 Forbidden) ({})\n",
            server_and_context(&stranger)?
        )
    );
    let baseline = baseline_of_cluster(&stranger, here).await?;
    assert_eq!((baseline.code, baseline.stderr), (Some(4), refused.stderr));
    may_read_reports(env).await?;
    eventually(LIMIT, "the right to list reports of one namespace", || async {
        issues_as(&stranger, &["-n", here])
            .await?
            .says(&format!("warning: there is no report in namespace {here}. {ASK}"))
    })
    .await?;
    // The reports can be read by now, and the policy to start from cannot.
    let baseline = baseline_of_cluster(&stranger, here).await?;
    assert_eq!(
        (baseline.code, baseline.stderr),
        (
            Some(4),
            format!(
                "error: cannot read the TagPolicy default: tagpolicies.tagwatch.dev \"default\" is forbidden: User \
                 \"system:serviceaccount:default:default\" cannot get resource \"tagpolicies\" in API group \
                 \"tagwatch.dev\" at the cluster scope (403 Forbidden) ({})\n",
                server_and_context(&stranger)?
            )
        )
    );

    let unknown = control_plane.kubeconfig_as(Identity::Token("unknown"), control_plane.data_dir()).await?;
    let not_logged_in = format!(
        "error: you must be logged in to the server: cannot list the reports: Unauthorized (401 Unauthorized) ({})\n",
        server_and_context(&unknown)?
    );
    let ended = issues_as(&unknown, &["-n", here]).await?;
    assert_eq!((ended.code, ended.stderr), (Some(4), not_logged_in.clone()));
    let ended = baseline_of_cluster(&unknown, here).await?;
    assert_eq!((ended.code, ended.stderr), (Some(4), not_logged_in));

    env.create(web("web", CLEAN)).await?;
    let tagwatch = env.tagwatch_with(&["--namespaces", here]).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    issues(env, &["-n", here])
        .await?
        .says(&format!("No issues found in namespace {here}: 1 report read."))?;
    issues(env, &["-A", "--drift"]).await?.says("No drift found in any namespace: 1 report read.")?;
    let quiet = issues(env, &["-A", "-q"]).await?;
    assert_eq!((quiet.code, quiet.stdout + &quiet.stderr), (Some(0), String::new()));
    let unselected = format!("warning: no report in namespace {here} matches -l team=a");
    issues(env, &["-n", here, "-l", "team=a"]).await?.says(&unselected)?;
    issues(env, &["-n", "default"]).await?.says(
        "warning: there is no report in namespace default, only in other namespaces: it has no workload, or tagwatch \
         does not watch it, or the scope of the policy leaves it out",
    )?;
    tagwatch.end().await
}

/// The default service account may list the reports of the test's namespace, and of no other.
async fn may_read_reports(env: &TestEnv) -> Result<()> {
    env.create(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "reader" },
        "rules": [{ "apiGroups": ["wgpolicyk8s.io"], "resources": ["policyreports"], "verbs": ["list"] }],
    }))
    .await?;
    env.create(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "reader" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" },
        "subjects": [{ "kind": "ServiceAccount", "namespace": "default", "name": "default" }],
    }))
    .await?;
    Ok(())
}

const STALE: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy fail"];

async fn every_format_says_the_same_and_filters_hold(env: &TestEnv) -> Result<()> {
    let here = env.namespace();
    let tagwatch = env.tagwatch().await?;
    for name in ["cart", "shop"] {
        env.create(deployment(name, 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
        env.reported("Deployment", name, &STALE).await?;
    }
    let list = async |arguments: &[&str]| -> Result<String> {
        let ended = issues(env, &[&["-n", here], arguments].concat()).await?;
        ensure!(ended.code == Some(0) && ended.stderr.is_empty(), "{:?}: {}", ended.code, ended.stderr);
        Ok(ended.stdout)
    };
    let table = list(&[]).await?;
    let column = |line: &str, at: usize| line.split_whitespace().nth(at).unwrap_or_default().to_owned();
    let rules: Vec<String> = table.lines().skip(1).map(|line| column(line, 3)).collect();
    assert_eq!(rules, ["stale-pull-policy", "stale-pull-policy", "latest-tag", "latest-tag"], "{table}");
    assert_eq!(list(&["-o", "name"]).await?, "deployment.apps/cart\ndeployment.apps/shop\n");
    let wide = list(&["-o", "wide"]).await?;
    let header = wide.lines().next().context("nothing")?;
    ensure!(header.split_whitespace().skip(8).eq(["REPORT", "MESSAGE"]), "{wide}");
    ensure!(wide.contains("container web runs registry.example.com/web:latest"), "{wide}");

    let written: Value = serde_json::from_str(&list(&["-o", "json"]).await?)?;
    let schema = std::fs::read_to_string(checkout().join("docs/schema/issues-v1.schema.json"))?;
    let schema: Value = serde_json::from_str(&schema)?;
    let documented = schema["$defs"]["IssueEntry"]["properties"].as_object().context("no properties")?;
    let issues = written["issues"].as_array().context("no issues")?;
    assert_eq!((&written["reports"], issues.len()), (&json!(2), 4));
    for issue in issues {
        let fields = issue.as_object().context("no object")?;
        ensure!(fields.keys().eq(documented.keys()), "{issue}");
    }
    let first = &issues[0];
    let report = env.report("Deployment", "cart").await?;
    let of_report = &report.results()
        [report.results().iter().position(|r| r["rule"] == first["rule"]).context("no result")?];
    assert_eq!(first["id"], of_report["properties"]["resultID"]);
    assert_eq!(first["firstSeen"], of_report["properties"]["firstSeen"]);
    assert_eq!((&first["report"], &first["message"]), (&json!(report.name()), &of_report["message"]));
    assert_eq!(
        (&first["apiVersion"], &first["imagePullPolicy"]),
        (&json!("apps/v1"), &json!("IfNotPresent"))
    );
    assert_eq!((&first["confidence"], &first["severity"]), (&Value::Null, &json!("critical")));
    let yaml: Value = serde_saphyr::from_str(&list(&["-o", "yaml"]).await?)?;
    assert_eq!(yaml, written);

    for (filter, lines) in [
        (&["--severity", "critical"][..], 3),
        (&["--severity", "critical,high"], 5),
        (&["--min-severity", "high"], 5),
        (&["--min-severity", "critical"], 3),
        (&["--rule", "latest-tag"], 3),
        (&["--rule", "latest-tag,stale-pull-policy", "--severity", "high"], 3),
    ] {
        assert_eq!(list(filter).await?.lines().count(), lines, "{filter:?}");
    }
    let none = crate::issues::issues(env, &["-n", here, "--severity", "low"]).await?;
    none.says(&format!("No issues found in namespace {here}: 2 reports read; 4 others do not match."))?;
    tagwatch.end().await
}

/// A report that another client wrote in our name: what it holds is neither escaped nor cut.
async fn hostile_reports_stay_harmless_and_aligned(env: &TestEnv) -> Result<()> {
    let here = env.namespace();
    let hostile = "\u{1b}]0;title\u{7}\u{9b}31m\u{202e}a\r\nb\u{7f}";
    let result = |container: &str, image: &str| {
        json!({
            "policy": "image-tag", "rule": "latest-tag", "result": "fail", "severity": "high", "message": image,
            "timestamp": { "seconds": 1_700_000_000, "nanos": 0 },
            "properties": { "container": container, "image": image, "evidence": format!("a: 1\n{image}\n") },
        })
    };
    let huge = "x".repeat(200_000);
    env.create(json!({
        "apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport",
        "metadata": { "name": "forged", "labels": { "app.kubernetes.io/managed-by": "tagwatch" } },
        "scope": { "apiVersion": format!("apps/{hostile}"), "kind": hostile, "name": "名前" },
        "results": [result("web", "nginx:latest"), result(hostile, hostile), result(&huge, &huge)],
    }))
    .await?;
    for format in ["table", "wide", "json", "yaml", "name"] {
        let printed = issues(env, &["-n", here, "-o", format]).await?;
        ensure!(printed.code == Some(0), "{format}: {}", printed.stderr);
        assert!(hostile_characters(&printed.stdout).is_empty(), "{format}: {}", printed.stdout);
        match format {
            "table" => {
                let lines: Vec<&str> = printed.stdout.lines().collect();
                assert_eq!(lines.len(), 4);
                ensure!(lines.iter().all(|line| line.chars().count() < 3_000), "a huge text is cut");
                let at = |text: &str| lines.iter().filter_map(|line| line.find(text)).collect::<Vec<_>>();
                // The mark of what is cut out takes three bytes in one column.
                let [first, second, third] = at("latest-tag")[..] else { anyhow::bail!("{lines:?}") };
                assert_eq!((second, third), (first, first + 2), "{lines:?}");
            }
            "json" | "yaml" => {
                let read: Value = if format == "json" {
                    serde_json::from_str(&printed.stdout)?
                } else {
                    serde_saphyr::from_str(&printed.stdout)?
                };
                let images: Vec<&Value> =
                    read["issues"].as_array().context("none")?.iter().map(|i| &i["image"]).collect();
                ensure!(
                    images.contains(&&json!(hostile)) && images.contains(&&json!(huge)),
                    "{format}: as written"
                );
            }
            _ => {}
        }
    }
    let drift = issues(env, &["-n", here, "--drift"]).await?;
    drift.says(&format!("No drift found in namespace {here}: 1 report read; 3 others do not match."))
}

struct Watch {
    _process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(env: &TestEnv, arguments: &[&str]) -> Result<Self> {
        let mut command = command(env.cluster().control_plane.kubeconfig(), arguments)?;
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        Ok(Self { _process: process, lines })
    }

    /// The next line, with one blank between words.
    async fn next(&mut self) -> Result<String> {
        let line = timeout(LIMIT, self.lines.next_line()).await.context("no line in time")??;
        Ok(line.context("it ended")?.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

async fn a_watch_follows_what_opens_and_resolves(env: &TestEnv) -> Result<()> {
    let here = env.namespace();
    let tagwatch = env.tagwatch().await?;
    env.create(deployment("web", 0, &[pulled("web", LATEST, "Always")])).await?;
    env.reported("Deployment", "web", &["web latest-tag fail", "web stale-pull-policy pass"]).await?;
    let mut rows = Watch::start(env, &["-n", here, "--watch"])?;
    let mut records = Watch::start(env, &["-n", here, "--watch", "-o", "json"])?;
    assert_eq!(rows.next().await?, "KIND NAME CONTAINER RULE SEVERITY RESULT AGE IMAGE");
    let row = rows.next().await?;
    ensure!(row.starts_with("Deployment web web latest-tag high fail ") && row.ends_with(LATEST), "{row}");
    let record = async |records: &mut Watch| -> Result<Vec<String>> {
        let line: Value = serde_json::from_str(&records.next().await?)?;
        let texts = [&line["change"], &line["issue"]["rule"], &line["issue"]["name"]];
        Ok(texts.iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect())
    };
    assert_eq!(record(&mut records).await?, ["opened", "latest-tag", "web"]);

    env.patch("Deployment", "web", with_image(CLEAN, "Always")).await?;
    let row = rows.next().await?;
    ensure!(row.starts_with("Deployment web web latest-tag high resolved "), "{row}");
    assert_eq!(record(&mut records).await?, ["resolved", "latest-tag", "web"]);
    env.create(deployment("cart", 0, &[pulled("web", LATEST, "Always")])).await?;
    let row = rows.next().await?;
    ensure!(row.starts_with("Deployment cart web latest-tag high fail "), "{row}");
    assert_eq!(record(&mut records).await?, ["opened", "latest-tag", "cart"]);
    env.delete("Deployment", "cart").await?;
    let row = rows.next().await?;
    ensure!(row.starts_with("Deployment cart web latest-tag high resolved "), "{row}");
    assert_eq!(record(&mut records).await?, ["resolved", "latest-tag", "cart"]);
    tagwatch.end().await
}
