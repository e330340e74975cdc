//! Several replicas on one lease: one writes, and the next one takes over without a rewrite. What happened is read from the
//! API server's audit log, in which each replica has a user agent of its own.

use std::env;

use anyhow::{Context, Result, ensure};
use k8s_openapi::{
    api::coordination::v1::Lease,
    jiff::{SignedDuration, Timestamp},
};
use kube::{Api, ResourceExt, api::ListParams};
use libtest_mimic::Trial;
use serde_json::json;
use tagwatch_e2e::{Request, Requests, eventually};

use crate::{
    controller::Controller,
    line::Line,
    objects::{CLEAN, LATEST, PASSES, web, with_image},
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(one_replica_writes_and_the_next_takes_over_without_a_rewrite),
        shared(two_replicas_that_are_killed_frozen_and_cut_off_never_write_side_by_side),
        shared(three_replicas_that_are_killed_frozen_and_cut_off_never_write_side_by_side),
        shared(without_the_right_to_its_lease_a_replica_stands_by_and_says_so),
    ]
}

/// How often the leader is killed, ended, frozen or cut off; `make replicas` does more.
const ROUNDS: &str = "TAGWATCH_REPLICA_ROUNDS";
/// Rounds in `make test`: each of them once.
const FEW: usize = 4;
/// What happens to the leader, in turn.
const KINDS: [&str; 4] = ["SIGKILL", "SIGTERM", "a freeze", "a cut"];
/// Longest time between two leaders: the lease and a retry, unless it is given back.
const TAKEOVER_LIMIT: SignedDuration = SignedDuration::from_millis(17_500);
const RELEASED_LIMIT: SignedDuration = SignedDuration::from_secs(1);
/// Shorter than the defaults, which the long run uses.
const SHORT: [&str; 3] = [
    "--leader-elect-lease-duration=3s",
    "--leader-elect-renew-deadline=2s",
    "--leader-elect-retry-period=500ms",
];
/// `latest` with the pull policy that it has by default, and with another one.
const LATEST_ALWAYS: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy pass"];
const LATEST_CACHED: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy fail"];

/// Several replicas, with the namespace of the test as their own.
struct Replicas<'a> {
    env: &'a TestEnv,
    timing: &'static [&'static str],
    running: Vec<Replica>,
}

/// A process with a line to the API server of its own.
struct Replica {
    process: Controller,
    line: Line,
}

impl<'a> Replicas<'a> {
    async fn start(env: &'a TestEnv, count: usize, timing: &'static [&'static str]) -> Result<Self> {
        grant(env).await?;
        let mut replicas = Self { env, timing, running: Vec::new() };
        for _ in 0..count {
            replicas.add().await?;
        }
        Ok(replicas)
    }

    async fn add(&mut self) -> Result<()> {
        let namespace = self.env.namespace();
        let mut arguments = vec!["--leader-elect", "--own-namespace", namespace, "--namespaces", namespace];
        arguments.extend(self.timing);
        let line = Line::new(&self.env.cluster().kubeconfig).await?;
        let process = self.env.tagwatch_as(&line.kubeconfig(), &arguments).await?;
        process.is_ready(LIMIT).await?;
        self.running.push(Replica { process, line });
        Ok(())
    }

    /// Takes the one that leads out.
    async fn leader(&mut self) -> Result<Replica> {
        let leader = eventually(LIMIT, "one replica leads", async || {
            let mut leaders = Vec::new();
            for (number, replica) in self.running.iter().enumerate() {
                if replica.process.samples().await?.sum("tagwatch_leader", &[]) == 1.0 {
                    leaders.push(number);
                }
            }
            let [leader] = leaders[..] else { anyhow::bail!("{leaders:?} lead") };
            Ok(leader)
        })
        .await?;
        Ok(self.running.swap_remove(leader))
    }

    async fn end(self) -> Result<()> {
        for replica in self.running {
            replica.process.end().await?;
        }
        Ok(())
    }
}

/// The rights of `config/rbac/role.yaml`, in the test's namespace.
async fn grant(env: &TestEnv) -> Result<()> {
    env.create(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "replica" },
        "rules": [
            { "apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"] },
            { "apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["tagwatch"],
              "verbs": ["get", "list", "watch", "update"] },
            { "apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get", "update"] },
        ],
    }))
    .await?;
    env.create(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "replica" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "replica" },
        "subjects": [{ "kind": "ServiceAccount", "name": "tagwatch", "namespace": "tagwatch" }],
    }))
    .await?;
    Ok(())
}

async fn lease(env: &TestEnv) -> Result<Lease> {
    let leases: Api<Lease> = Api::namespaced(env.client(), env.namespace());
    Ok(leases.get("tagwatch").await?)
}

/// The standby judges, shows no gauges of objects and writes nothing; it takes over at once from a leader that ends.
async fn one_replica_writes_and_the_next_takes_over_without_a_rewrite(env: &TestEnv) -> Result<()> {
    let mut replicas = Replicas::start(env, 2, &[]).await?;
    let Replica { process: leader, line: _line } = replicas.leader().await?;
    env.create(web("web", LATEST)).await?;
    env.create(web("clean", CLEAN)).await?;
    let before = env.reported("Deployment", "web", &LATEST_ALWAYS).await?;
    env.reported("Deployment", "clean", &PASSES).await?;
    let standby = &replicas.running[0].process;
    eventually(LIMIT, "the standby has judged both", async || {
        let judged = standby.samples().await?.sum("tagwatch_reconciles_total", &[("result", "unchanged")]);
        ensure!(judged >= 2.0, "{judged} reports are as it would write them");
        Ok(())
    })
    .await?;
    let samples = standby.samples().await?;
    assert_eq!(samples.sum("tagwatch_workloads", &[]), 0.0, "gauges of objects come from the leader");
    assert_eq!(samples.sum("tagwatch_report_writes_total", &[]), 0.0);
    leader.counts("tagwatch_workloads", &[], 2.0).await?;

    let mark = env.audit_log().mark().await?;
    leader.end().await?;
    let Replica { process: standby, line: _line_of_standby } = replicas.leader().await?;
    let released = lease(env).await?;
    assert_eq!(released.spec.and_then(|spec| spec.lease_transitions), Some(1));
    // Everything was evaluated once more as the leader.
    standby.counts("tagwatch_workloads", &[], 2.0).await?;
    standby.measures("tagwatch_reconciles_total", &[("result", "unchanged")], |count| count >= 4.0).await?;
    let writes = env.writes_since(mark).await?;
    assert_eq!(writes.count(), 0, "a change of the leader rewrites nothing: {writes}");
    assert_eq!(env.report("Deployment", "web").await?.version(), before.version());

    env.patch("Deployment", "clean", with_image(LATEST, "IfNotPresent")).await?;
    env.reported("Deployment", "clean", &LATEST_CACHED).await?;
    standby.end().await?;
    replicas.end().await
}

async fn two_replicas_that_are_killed_frozen_and_cut_off_never_write_side_by_side(
    env: &TestEnv,
) -> Result<()> {
    never_write_side_by_side(env, 2).await
}

async fn three_replicas_that_are_killed_frozen_and_cut_off_never_write_side_by_side(
    env: &TestEnv,
) -> Result<()> {
    never_write_side_by_side(env, 3).await
}

/// SIGKILL, SIGTERM, a freeze and a cut in turn, with an image that changes after each.
async fn never_write_side_by_side(env: &TestEnv, count: usize) -> Result<()> {
    let (rounds, timing): (usize, &[&str]) = match env::var(ROUNDS) {
        Ok(rounds) => (rounds.parse()?, &[]),
        Err(_) => (FEW, &SHORT),
    };
    let mark = env.audit_log().mark().await?;
    let mut replicas = Replicas::start(env, count, timing).await?;
    env.create(web("steady", LATEST)).await?;
    let steady = env.reported("Deployment", "steady", &LATEST_ALWAYS).await?;
    env.create(web("web", CLEAN)).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    for round in 0..rounds {
        let Replica { process: mut leader, line } = replicas.leader().await?;
        match round % KINDS.len() {
            0 => leader.kill().await?,
            1 => leader.end().await?,
            kind => {
                let freezes = kind == 2;
                if freezes {
                    leader.freeze()?;
                } else {
                    line.cut();
                }
                let next = replicas.leader().await?;
                replicas.running.push(next);
                change(env, round).await?;
                if freezes {
                    leader.resume()?;
                }
                // It finds out that it is a standby, and goes on as one.
                leader.counts("tagwatch_leader", &[], 0.0).await?;
                line.mend();
                replicas.running.push(Replica { process: leader, line });
                continue;
            }
        }
        replicas.add().await?;
        change(env, round).await?;
    }
    assert_eq!(
        env.report("Deployment", "steady").await?.version(),
        steady.version(),
        "no change of the leader rewrote it"
    );
    replicas.end().await?;
    let gaps = gaps_between_writers(env, &env.audit_log().since(mark).await?)?;
    for (number, how) in KINDS.into_iter().enumerate() {
        let longest = gaps.iter().take(rounds).skip(number).step_by(KINDS.len()).max();
        eprintln!("{count} replicas: without a leader after {how}, at most: {longest:?}");
        // The times of a few rounds with shorter leases say more of the machine.
        let limit = if how == "SIGTERM" { RELEASED_LIMIT } else { TAKEOVER_LIMIT };
        ensure!(!timing.is_empty() || longest.is_none_or(|longest| *longest <= limit), "more than {limit}");
    }
    Ok(())
}

/// The image changes, and the report follows.
async fn change(env: &TestEnv, round: usize) -> Result<()> {
    let (image, verdicts): (_, &[&str]) =
        if round.is_multiple_of(2) { (LATEST, &LATEST_CACHED) } else { (CLEAN, &PASSES) };
    env.patch("Deployment", "web", with_image(image, "IfNotPresent")).await?;
    env.reported("Deployment", "web", verdicts).await.map(drop)
}

/// Every write was received and done while the lease was its sender's. Returns the time between the last renewal of each
/// leader and the first of the next.
fn gaps_between_writers(env: &TestEnv, requests: &Requests) -> Result<Vec<SignedDuration>> {
    let here = |request: &&Request| {
        request.object().0 == env.namespace() && request.is_ok() && request.is_mutating()
    };
    let of_lease = |request: &&Request| request.group() == "coordination.k8s.io";
    let mut renewals: Vec<&Request> = requests.iter().filter(here).filter(of_lease).collect();
    renewals.sort_by(|one, other| one.stage_timestamp.cmp(&other.stage_timestamp));
    let mut terms: Vec<(&str, &str, &str)> = Vec::new();
    for renewal in &renewals {
        let (agent, received, done) =
            (&*renewal.user_agent, &*renewal.request_received_timestamp, &*renewal.stage_timestamp);
        match terms.last_mut() {
            Some((holder, _, last)) if *holder == agent => *last = done,
            _ => terms.push((agent, received, done)),
        }
    }
    ensure!(terms.len() > 1, "{} terms", terms.len());
    let mut checked = 0;
    for write in requests.iter().filter(here).filter(|request| request.resource() == "policyreports") {
        if !write.user_agent.starts_with("tagwatch/") {
            continue;
        }
        let (sent, done) = (&*write.request_received_timestamp, &*write.stage_timestamp);
        // The term in which it was received: the last one that began before.
        let term = terms
            .iter()
            .rposition(|(_, began, _)| *began <= sent)
            .context("a write before the first term")?;
        let next = terms.get(term + 1).map(|(_, began, _)| *began);
        ensure!(
            terms[term].0 == write.user_agent,
            "{} wrote in the term of {}: {write:?}",
            write.user_agent,
            terms[term].0
        );
        ensure!(
            next.is_none_or(|next| done <= next),
            "a write went on when the next term had begun: {write:?}"
        );
        checked += 1;
    }
    ensure!(checked > 0, "nothing was written");
    let gap = |pair: &[(&str, &str, &str)]| -> Result<SignedDuration> {
        let (ended, began): (Timestamp, Timestamp) = (pair[0].2.parse()?, pair[1].1.parse()?);
        Ok(began.duration_since(ended))
    };
    terms.windows(2).map(gap).collect()
}

/// It is alive and ready, and writes nothing; with the right it leads.
async fn without_the_right_to_its_lease_a_replica_stands_by_and_says_so(env: &TestEnv) -> Result<()> {
    let namespace = env.namespace();
    let arguments = ["--leader-elect", "--own-namespace", namespace, "--namespaces", namespace];
    let tagwatch = env.tagwatch_with(&arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    env.create(web("web", LATEST)).await?;
    eventually(LIMIT, "it has judged and not written", async || {
        let judged = tagwatch.samples().await?.sum("tagwatch_reconciles_total", &[("result", "standby")]);
        ensure!(judged >= 1.0, "it has not");
        ensure!(tagwatch.logged("cannot take or renew the lease")? == 1, "it is said once");
        Ok(())
    })
    .await?;
    tagwatch.counts("tagwatch_leader", &[], 0.0).await?;
    let reports = env.api("PolicyReport").list(&ListParams::default()).await?;
    assert_eq!(reports.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), [""; 0]);
    grant(env).await?;
    env.reported("Deployment", "web", &LATEST_ALWAYS).await?;
    tagwatch.end().await
}
