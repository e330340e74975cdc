//! What the API server refuses to store: of reports, the console and the status of the policy say why, in the words of its
//! answers; the status of the policy is tried ever more rarely.

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams},
};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::eventually;

use crate::{
    console::get,
    controller::Controller,
    objects::{CLEAN, LATEST, PASSES, deployment, pulled, web},
    policies::TagPolicy,
    runner::own,
    test_env::{AGENT, LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        own(refused_reports_are_explained),
        own(a_refused_status_is_tried_rarely_and_written_after_the_grant),
    ]
}

const FAILS: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy fail"];

/// A tagwatch with a console whose policy has a status.
struct Stage<'a> {
    env: &'a TestEnv,
    policy: TagPolicy<'a>,
    tagwatch: Controller,
    console: String,
}

impl<'a> Stage<'a> {
    async fn begin(env: &'a TestEnv) -> Result<Self> {
        let policy = TagPolicy::of(env);
        policy.create(json!({})).await?;
        let file = env.cluster().control_plane.data_dir().join("console-of-unwritten");
        let arguments = [
            "--namespaces",
            env.namespace(),
            "--policy",
            policy.name(),
            "--console-address=127.0.0.1:0",
            "--console-auth=none",
            &format!("--console-address-file={}", file.display()),
        ];
        let tagwatch = env.tagwatch_with(&arguments).await?;
        tagwatch.is_ready(LIMIT).await?;
        let console = format!("http://{}", std::fs::read_to_string(file)?.trim_end());
        Ok(Self { env, policy, tagwatch, console })
    }

    /// Waits until the only problem is this one, or there is none.
    async fn problem(&self, wanted: Option<&str>) -> Result<()> {
        eventually(LIMIT, wanted.unwrap_or("no problem"), || async {
            let (_, body) = get(&format!("{}/api/v1/overview", self.console), None)?;
            let overview: Value = serde_json::from_str(&body)?;
            let problems = overview["problems"].as_array().context("no problems")?;
            let is_as_wanted = match (&problems[..], wanted) {
                ([], None) => true,
                ([problem], Some(wanted)) => problem.as_str().is_some_and(|problem| problem.contains(wanted)),
                _ => false,
            };
            ensure!(is_as_wanted, "{problems:?}");
            Ok(())
        })
        .await
    }

    /// Creates a workload whose report is refused, sees that it is explained, lifts the refusal, and sees its report.
    async fn is_explained(
        &self,
        name: &str,
        why: &str,
        lift: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<()> {
        let namespace = self.env.namespace();
        self.env.create(deployment(name, 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
        let line = format!("The reports of 1 workload in {namespace} cannot be written: {why}. ");
        self.problem(Some(&line)).await?;
        let message = self.policy.condition("Degraded", "True", "ReportsNotWritten").await?;
        assert_eq!(message, format!("reports cannot be written: {why}"));
        let workload = format!("{}/workloads/{namespace}/Deployment/{name}", self.console);
        eventually(LIMIT, "the page of the workload says why", || async {
            let (status, page) = get(&workload, None)?;
            ensure!(status == 200 && page.contains(why) && page.contains(LATEST), "{status} {page}");
            Ok(())
        })
        .await?;

        lift().await?;
        // It is tried within a minute.
        self.env.reported_within(LIMIT * 3, "Deployment", name, &FAILS).await?;
        self.problem(None).await?;
        self.policy.condition("Degraded", "False", "AsExpected").await.map(drop)
    }

    async fn delete(&self, kind: &str, name: &str) -> Result<()> {
        self.env.api_cluster_wide(kind).delete(name, &DeleteParams::default()).await?;
        Ok(())
    }
}

async fn refused_reports_are_explained(env: &TestEnv) -> Result<()> {
    let stage = Stage::begin(env).await?;
    stage.problem(None).await?;

    let hard = json!({ "count/policyreports.wgpolicyk8s.io": "0" });
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "reports" }, "spec": { "hard": hard },
    });
    env.create(quota).await?;
    // The controller of quotas counts reports once it knows their definition, which takes minutes.
    let status = json!({ "status": { "hard": hard, "used": hard } });
    let quotas = env.api("ResourceQuota");
    quotas.patch_status("reports", &PatchParams::default(), &Patch::Merge(status)).await?;
    refuses(env, "exceeded quota").await?;
    let lift = async || env.delete("ResourceQuota", "reports").await;
    stage.is_explained("quota", "a ResourceQuota is used up", lift).await?;

    let by_admission = "an admission webhook or policy denies them, or does not answer";
    let rule = json!({
        "apiGroups": ["wgpolicyk8s.io"], "apiVersions": ["*"], "resources": ["policyreports"], "operations": ["*"],
    });
    // Nothing listens there.
    env.create_cluster_wide(json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "away" },
        "webhooks": [{
            "name": "away.example.com", "clientConfig": { "url": "https://127.0.0.1:1/" }, "rules": [rule],
            "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
        }],
    }))
    .await?;
    refuses(env, "failed calling webhook").await?;
    let lift = async || stage.delete("ValidatingWebhookConfiguration", "away").await;
    stage.is_explained("webhook", by_admission, lift).await?;

    env.create_cluster_wide(json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": { "name": "no-reports" },
        "spec": {
            "matchConstraints": { "resourceRules": [rule] }, "validations": [{ "expression": "false" }],
        },
    }))
    .await?;
    env.create_cluster_wide(json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": { "name": "no-reports" },
        "spec": { "policyName": "no-reports", "validationActions": ["Deny"] },
    }))
    .await?;
    refuses(env, "denied request").await?;
    let lift = async || stage.delete("ValidatingAdmissionPolicyBinding", "no-reports").await;
    stage.is_explained("policy", by_admission, lift).await?;

    let roles: Api<ClusterRole> = Api::all(env.client());
    let complete = roles.get("tagwatch").await?.rules.context("a role without rules")?;
    let mut lacking = complete.clone();
    for rule in &mut lacking {
        if rule.resources.as_ref().is_some_and(|resources| resources.iter().any(|of| of == "policyreports")) {
            rule.verbs.retain(|verb| verb != "create");
        }
    }
    let set = async |rules| {
        let patch = Patch::Merge(json!({ "rules": rules }));
        roles
            .patch("tagwatch", &PatchParams::default(), &patch)
            .await
            .map(drop)
            .context("the rules of the role")
    };
    set(&lacking).await?;
    let may_create = async || {
        let user = "system:serviceaccount:tagwatch:tagwatch";
        let ask = ["auth", "can-i", "create", "policyreports.wgpolicyk8s.io", "--as", user];
        env.cluster().control_plane.kubectl(&ask).await.is_ok()
    };
    eventually(LIMIT, "the right is gone", || async {
        ensure!(!may_create().await, "it is there");
        Ok(())
    })
    .await?;
    let lift = async || set(&complete).await;
    stage.is_explained("rights", "tagwatch has no right to read or write them", lift).await?;
    stage.tagwatch.end().await
}

/// How often the status is tried until the waits have grown to eight seconds.
const TRIES: usize = 6;

async fn a_refused_status_is_tried_rarely_and_written_after_the_grant(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    env.create(web("web", CLEAN)).await?;
    let roles: Api<ClusterRole> = Api::all(env.client());
    let complete = roles.get("tagwatch").await?.rules.context("a role without rules")?;
    let mut lacking = complete.clone();
    lacking.retain(|rule| !rule.resources.iter().flatten().any(|resource| resource == "tagpolicies/status"));
    assert_eq!(lacking.len() + 1, complete.len());
    let set = async |rules| {
        let patch = Patch::Merge(json!({ "rules": rules }));
        roles.patch("tagwatch", &PatchParams::default(), &patch).await.map(drop)
    };
    set(&lacking).await?;
    let user = "system:serviceaccount:tagwatch:tagwatch";
    let ask = ["auth", "can-i", "patch", "tagpolicies.tagwatch.dev", "--subresource=status", "--as", user];
    eventually(LIMIT, "the right is gone", || async {
        ensure!(env.cluster().control_plane.kubectl(&ask).await.is_err(), "it is there");
        Ok(())
    })
    .await?;

    let mark = env.audit_log().mark().await?;
    let tagwatch = policy.tagwatch().await?;
    env.reported("Deployment", "web", &PASSES).await?;
    let tries = async || -> Result<usize> {
        let requests =
            env.audit_log().since(mark).await?.of_resource("tagpolicies/status").by_agent(AGENT)?;
        Ok(requests.matching(|request| request.code() == 403).count())
    };
    eventually(LIMIT, "the status is tried again and again", || async {
        let count = tries().await?;
        ensure!(count >= TRIES, "{count} times");
        Ok(())
    })
    .await?;
    tagwatch.logs_once("cannot write the status of the policy").await?;
    set(&complete).await?;
    // It is tried within a minute.
    eventually(LIMIT * 3, "the status is written", || async {
        ensure!(tagwatch.logged("the status of the policy is written again")? == 1, "not yet");
        Ok(())
    })
    .await?;
    policy.condition("Degraded", "False", "AsExpected").await?;
    let count = tries().await?;
    ensure!(count <= TRIES + 3, "{count} refused requests in two minutes");
    tagwatch.logs_once("cannot write the status of the policy").await?;
    tagwatch.end().await
}

/// Waits until the API server refuses a report with these words: it takes up quotas, webhooks and policies within seconds.
async fn refuses(env: &TestEnv, words: &str) -> Result<()> {
    let probe = json!({
        "apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport", "metadata": { "name": "probe" },
        "results": [], "summary": {},
    });
    eventually(LIMIT, "reports are refused", || async {
        let Err(refusal) = env.create(probe.clone()).await else {
            env.delete("PolicyReport", "probe").await?;
            bail!("it is accepted");
        };
        let text = format!("{refusal:#}");
        ensure!(text.contains(words), "{text}");
        Ok(())
    })
    .await
}
