//! One plan on the real server.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use tagwatch_e2e::TagwatchProcess;
use tagwatch_faults::{
    Action, ApiDouble, EndState, FaultLayer, FaultPlan, Killed, SimulatedClock, Step, Upstream,
    collect_garbage, prepare, steps,
};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use crate::cluster::Cluster;
use crate::mirror::Mirror;
use crate::proxy::Proxy;

/// How much longer than in simulation anything may take, with a dozen runs on two cores.
const SLACK: Duration = Duration::from_secs(20);
/// How much longer the status may take: a watch that was resumed shows that it works by its next event, the bookmark after
/// a minute.
const STATUS_BOUND: Duration = Duration::from_secs(100);
/// Between two looks at the state.
const LOOK: Duration = Duration::from_millis(500);
/// How long nothing is written once everything is right.
const QUIET: Duration = Duration::from_secs(5);
/// How long a process takes to end in order.
const END: Duration = Duration::from_secs(10);

enum Event {
    Step(Step),
    Action(Action),
    Collect,
}

/// A process that is started again whenever it is killed.
struct Replica {
    proxy: Proxy,
    kills: mpsc::UnboundedReceiver<Killed>,
    process: TagwatchProcess,
}

struct Run<'a> {
    plan: &'a FaultPlan,
    expected: &'a EndState,
    double: ApiDouble,
    mirror: Mirror,
    folder: TempDir,
    replicas: Vec<Replica>,
    begun: Instant,
    disturbed: Instant,
}

/// What does not hold in a run of the plan.
pub(crate) async fn run(
    cluster: &Cluster,
    plan: &FaultPlan,
    expected: &EndState,
    number: usize,
) -> Result<Vec<String>> {
    let double = ApiDouble::new(SimulatedClock::start());
    prepare(&double);
    let mut mirror = Mirror::new(cluster.client.clone(), double.clone(), number);
    mirror.follow().await?;
    let folder = TempDir::with_prefix("tagwatch-faults-")?;
    let now = Instant::now();
    let mut run =
        Run { plan, expected, double, mirror, folder, replicas: Vec::new(), begun: now, disturbed: now };
    for replica in 0..plan.replicas {
        run.add(cluster, replica).await?;
    }
    let mut violations = run.play().await?;
    if !violations.is_empty() {
        for replica in &run.replicas {
            violations.extend(replica.proxy.layer.fired().iter().map(ToString::to_string));
            violations.push(end_of(replica.process.log()));
        }
    }
    for replica in &mut run.replicas {
        replica.process.kill().await?;
    }
    Ok(violations)
}

fn end_of(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n  | ")
}

impl Run<'_> {
    async fn add(&mut self, cluster: &Cluster, number: usize) -> Result<()> {
        let rules = self.plan.rules.iter().filter(|(replica, _)| *replica == number);
        let rules = rules.map(|(_, rule)| rule.clone()).collect();
        let (sender, kills) = mpsc::unbounded_channel();
        let upstream = Upstream::of_client(cluster.client.clone());
        let layer = FaultLayer::new(upstream, rules, sender, |_| {});
        let proxy = Proxy::start(layer).await?;
        let process = self.start(&proxy).await?;
        self.replicas.push(Replica { proxy, kills, process });
        Ok(())
    }

    async fn start(&self, proxy: &Proxy) -> Result<TagwatchProcess> {
        let kubeconfig = self.folder.path().join(format!("kubeconfig-{}", proxy.address.port()));
        let named = |kind: &str, value| json!([{ "name": "proxy", kind: value }]);
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": named("cluster", json!({ "server": format!("http://{}", proxy.address) })),
            "users": named("user", json!({})),
            "contexts": named("context", json!({ "cluster": "proxy", "user": "proxy" })),
        });
        std::fs::write(&kubeconfig, config.to_string())?;
        let mut arguments = vec![
            format!("--namespaces={},{}", self.mirror.namespace("shop"), self.mirror.namespace("bank")),
            format!("--own-namespace={}", self.mirror.namespace("tagwatch")),
            format!("--policy={}", self.mirror.policy()),
        ];
        if self.plan.replicas > 1 {
            arguments.push("--leader-elect".to_owned());
        }
        TagwatchProcess::start(&kubeconfig, arguments).await
    }

    async fn play(&mut self) -> Result<Vec<String>> {
        let steps = steps().into_iter().map(|step| (step.at, Event::Step(step)));
        let actions = self.plan.actions.iter().map(|(at, action)| (*at, Event::Action(*action)));
        let mut events: Vec<(Duration, Event)> = steps.chain(actions).collect();
        let collections: Vec<_> =
            events.iter().map(|(at, _)| (*at + self.plan.collects_after, Event::Collect)).collect();
        events.extend(collections);
        events.sort_by_key(|(at, _)| *at);
        self.begun = Instant::now();
        for (at, event) in events {
            self.pass(self.begun + at).await?;
            match event {
                Event::Step(step) => {
                    step.act(&self.double);
                    self.mirror.follow().await?;
                }
                Event::Action(action) => {
                    self.act(action).await?;
                    self.disturbed = Instant::now();
                }
                Event::Collect => {
                    collect_garbage(&self.double);
                    self.mirror.follow().await?;
                    self.mirror.collect_reports().await?;
                }
            }
        }
        self.disturbed = Instant::now();
        self.converge().await
    }

    /// Lets time pass. Processes that are to be killed are.
    async fn pass(&mut self, until: Instant) -> Result<()> {
        while Instant::now() < until {
            let mut killed = None;
            for (number, replica) in self.replicas.iter_mut().enumerate() {
                if replica.kills.try_recv().is_ok() {
                    killed = Some(number);
                }
            }
            match killed {
                Some(number) => self.kill(number).await?,
                None => sleep((until - Instant::now()).min(Duration::from_millis(20))).await,
            }
        }
        Ok(())
    }

    async fn kill(&mut self, number: usize) -> Result<()> {
        self.replicas[number].process.kill().await?;
        self.restart(number).await
    }

    async fn restart(&mut self, number: usize) -> Result<()> {
        let process = self.start(&self.replicas[number].proxy).await?;
        self.replicas[number].process = process;
        self.disturbed = Instant::now();
        Ok(())
    }

    async fn act(&mut self, action: Action) -> Result<()> {
        match action {
            Action::EditReport(number) => self.mirror.meddle(number, false).await,
            Action::DeleteReport(number) => self.mirror.meddle(number, true).await,
            Action::Kill(number) => self.kill(number).await,
            Action::Stop(number) => {
                self.replicas[number].process.sigterm()?;
                self.replicas[number].process.wait(END).await?;
                self.restart(number).await
            }
            _ => anyhow::bail!("{action:?} is for the double alone"),
        }
    }

    fn last_fault(&self) -> Instant {
        let faults = self.replicas.iter().filter_map(|replica| replica.proxy.layer.last_fault());
        faults.fold(self.disturbed, Instant::max)
    }

    fn writes(&self) -> usize {
        self.replicas.iter().map(|replica| replica.proxy.layer.writes()).sum()
    }

    /// Waits until the state is the expected one, and looks at what must hold then.
    async fn converge(&mut self) -> Result<Vec<String>> {
        loop {
            let differences = self.mirror.end().await?.differences(self.expected);
            let is_status = |difference: &String| difference.starts_with("the status");
            if differences.is_empty() {
                break;
            }
            let status = differences.iter().all(is_status);
            let bound =
                self.plan.bound + SLACK + if status { STATUS_BOUND } else { self.plan.collects_after };
            if Instant::now() > self.last_fault() + bound {
                return Ok(differences.into_iter().map(|text| format!("after {bound:?}: {text}")).collect());
            }
            self.pass(Instant::now() + LOOK).await?;
        }
        let before = self.writes();
        self.pass(Instant::now() + QUIET).await?;
        let mut violations = Vec::new();
        let written = self.writes() - before;
        if written > 0 {
            violations.push(format!("{written} writes although everything is right"));
        }
        self.look_at_processes(&mut violations).await?;
        Ok(violations)
    }

    /// Each is alive and ready, and one shows the workloads.
    async fn look_at_processes(&mut self, violations: &mut Vec<String>) -> Result<()> {
        let mut workloads = 0.0;
        for replica in &mut self.replicas {
            if timeout(Duration::ZERO, replica.process.wait(END)).await.is_ok() {
                violations.push("tagwatch ended by itself".to_owned());
                continue;
            }
            for path in ["/livez", "/readyz"] {
                let (status, text) = replica.process.get(path).await?;
                if status != http::StatusCode::OK {
                    violations.push(format!("{path} says {status} {text}"));
                }
            }
            let metrics = replica.process.metrics().await?;
            let samples = metrics.lines().filter(|line| line.starts_with("tagwatch_workloads{"));
            for sample in samples {
                let (_, value) = sample.rsplit_once(' ').context("a sample without a value")?;
                workloads += value.parse::<f64>()?;
            }
        }
        let reports = self.expected.reports();
        if format!("{workloads}") != reports.to_string() {
            violations
                .push(format!("the metrics count {workloads} workloads, and there are {reports} reports"));
        }
        Ok(())
    }
}
