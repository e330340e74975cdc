//! One plan on the real server.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::json;
use tagwatch_e2e::{TagwatchProcess, get};
use tagwatch_faults::{
    Action, ApiDouble, CONSOLE_PATHS, EndState, FaultLayer, FaultPlan, Killed, Oracle, Record, RequestInfo,
    SCENARIO, Served, SimulatedClock, Step, TAKEOVER_AFTER_KILL, TAKEOVER_AFTER_STOP, Upstream, Violation,
    collect_garbage, compare, drop_fields, holder, hurried, meddle, prepare, safety, steps, takeover,
};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use crate::cluster::Cluster;
use crate::mirror::Mirror;
use crate::names::Names;
use crate::proxy::Proxy;

/// How much longer than in simulation anything may take: time passes for a dozen runs on two cores.
const SLACK: Duration = Duration::from_secs(20);
/// How much longer the status may take: a watch that was resumed shows that it works by its next event, the bookmark after
/// a minute, and counts are written at most every ten seconds.
const STATUS_BOUND: Duration = Duration::from_secs(100);
/// How much longer another replica may take to get the lease.
const TAKEOVER_SLACK: Duration = Duration::from_secs(4);
/// Between two looks at the state.
const LOOK: Duration = Duration::from_millis(500);
/// How long nothing is written once everything is right.
const QUIET: Duration = Duration::from_secs(5);
/// How long metrics and console may differ once nothing is written any more.
const SERVED_BOUND: Duration = Duration::from_secs(75);
/// How long a process takes to end in order.
const END: Duration = Duration::from_secs(5);
/// Fields of the console that hold hashes of names.
const HASHES: [&str; 2] = ["id", "path"];
/// The most memory of a process in percent of that of a run without faults: over starts, lists anew and outages.
const MOST_MEMORY: u64 = 125;
/// Descriptors above those of a run without faults: connections that a burst of requests opened stay for a while.
const MORE_DESCRIPTORS: usize = 64;

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) violations: Vec<Violation>,
    /// What went wrong on the way, and the end of the logs of tagwatch, where something does not hold.
    pub(crate) story: Vec<String>,
    /// Whether anything went wrong with a request, or by an action.
    pub(crate) has_fired: bool,
    /// What the leader serves in the end.
    pub(crate) served: Served,
    pub(crate) descriptors: usize,
    /// The most bytes that were ever resident in one process.
    pub(crate) memory: u64,
}

/// What a run is compared with.
pub(crate) struct Expected {
    /// The end of a run against the double.
    pub(crate) end: EndState,
    /// A run without faults on the real server; that one has none.
    pub(crate) plain: Option<Outcome>,
}

enum Event {
    Step(Step),
    Action(Action),
    Collect,
}

/// A process that is started again whenever it is killed.
struct Replica {
    proxy: Proxy,
    kills: mpsc::UnboundedReceiver<Killed>,
    /// Of its last request, which names its process.
    agent: Arc<Mutex<String>>,
    process: TagwatchProcess,
    console: PathBuf,
}

struct Run<'a> {
    plan: &'a FaultPlan,
    expected: &'a Expected,
    double: ApiDouble,
    mirror: Mirror,
    names: Arc<Names>,
    record: Arc<Record>,
    upstream: Upstream,
    folder: TempDir,
    replicas: Vec<Replica>,
    begun: Instant,
    disturbed: Instant,
    violations: Arc<Mutex<Vec<Violation>>>,
    /// When a replica ended as the plan says, its agent, and how soon another one has the lease.
    ended: Vec<(Instant, String, Duration)>,
}

/// Runs a plan in namespaces of its own.
pub(crate) async fn run(
    cluster: &Cluster,
    plan: &FaultPlan,
    expected: &Expected,
    number: usize,
) -> Result<Outcome> {
    let double = ApiDouble::new(SimulatedClock::start());
    prepare(&double);
    let names = Arc::new(Names::new(number));
    let translate = {
        let names = Arc::clone(&names);
        move |text: &str| names.to_double(text)
    };
    let record = Arc::new(Record::new(double.clone(), translate));
    let server = Upstream::of_client(cluster.client.clone()).recorded(Arc::clone(&record));
    let mut mirror =
        Mirror::new(server.client(SCENARIO), double.clone(), Arc::clone(&names), Arc::clone(&record));
    mirror.follow().await?;
    let upstream = if plan.has_watch_lists { server } else { server.without_watch_lists() };
    let folder = TempDir::with_prefix("tagwatch-faults-")?;
    let now = Instant::now();
    let mut run = Run {
        plan,
        expected,
        double,
        mirror,
        names,
        record,
        upstream,
        folder,
        replicas: Vec::new(),
        begun: now,
        disturbed: now,
        violations: Arc::default(),
        ended: Vec::new(),
    };
    for replica in 0..plan.replicas {
        run.add(replica).await?;
    }
    let outcome = run.play().await?;
    for replica in &mut run.replicas {
        replica.process.kill().await?;
    }
    run.mirror.remove().await?;
    Ok(outcome)
}

impl Run<'_> {
    async fn add(&mut self, number: usize) -> Result<()> {
        let rules = self.plan.rules.iter().filter(|(replica, _)| *replica == number);
        let rules = rules.map(|(_, rule)| rule.clone()).collect();
        let (sender, kills) = mpsc::unbounded_channel();
        let agent: Arc<Mutex<String>> = Arc::default();
        let observe = {
            let (agent, double, violations) =
                (Arc::clone(&agent), self.double.clone(), Arc::clone(&self.violations));
            let has_lease = self.plan.replicas > 1;
            move |request: &RequestInfo| {
                request.agent.clone_into(&mut agent.lock());
                if has_lease && request.write.is_some() {
                    violations.lock().extend(unled(request, double.read(holder).as_deref()));
                }
            }
        };
        let proxy = Proxy::start(FaultLayer::new(self.upstream.clone(), rules, sender, observe)).await?;
        let console = self.folder.path().join(format!("console-{number}"));
        let process = self.start(&proxy, &console).await?;
        self.replicas.push(Replica { proxy, kills, agent, process, console });
        Ok(())
    }

    async fn start(&self, proxy: &Proxy, console: &Path) -> Result<TagwatchProcess> {
        let kubeconfig = self.folder.path().join(format!("kubeconfig-{}", proxy.address.port()));
        let named = |kind: &str, value| json!([{ "name": "proxy", kind: value }]);
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": named("cluster", json!({ "server": format!("http://{}", proxy.address) })),
            "users": named("user", json!({})),
            "contexts": named("context", json!({ "cluster": "proxy", "user": "proxy" })),
        });
        fs::write(&kubeconfig, config.to_string())?;
        let mut arguments = vec![
            format!("--namespaces={},{}", self.names.of("shop"), self.names.of("bank")),
            format!("--own-namespace={}", self.names.of("tagwatch")),
            format!("--policy={}", self.mirror.policy()),
            "--console-address=127.0.0.1:0".to_owned(),
            format!("--console-address-file={}", console.display()),
            "--console-auth=none".to_owned(),
        ];
        if self.plan.replicas > 1 {
            arguments.push("--leader-elect".to_owned());
        }
        if self.plan.has_events {
            arguments.push("--events".to_owned());
        }
        TagwatchProcess::start(&kubeconfig, arguments).await
    }

    async fn play(&mut self) -> Result<Outcome> {
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
                Event::Step(step) => step.act(&self.double),
                Event::Collect => collect_garbage(&self.double),
                Event::Action(action) => {
                    self.act(action).await?;
                    self.disturbed = Instant::now();
                }
            }
            self.mirror.follow().await?;
        }
        self.pass(self.begun + self.plan.ends()).await?;
        self.disturbed = Instant::now();
        let served = self.converge().await?;
        self.judge(served)
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
        self.restart(number, TAKEOVER_AFTER_KILL).await
    }

    async fn restart(&mut self, number: usize, takeover: Duration) -> Result<()> {
        let replica = &self.replicas[number];
        self.ended.push((Instant::now(), replica.agent.lock().clone(), takeover));
        let process = self.start(&replica.proxy, &replica.console).await?;
        self.replicas[number].process = process;
        self.disturbed = Instant::now();
        Ok(())
    }

    async fn act(&mut self, action: Action) -> Result<()> {
        match action {
            Action::EditReport(number) => meddle(&self.double, number, false),
            Action::DeleteReport(number) => meddle(&self.double, number, true),
            Action::Kill(number) => self.kill(number).await?,
            Action::Stop(number) => {
                let process = &mut self.replicas[number].process;
                process.sigterm()?;
                process.wait(END).await?;
                self.restart(number, TAKEOVER_AFTER_STOP).await?;
            }
            _ => bail!("{action:?} is for the double alone"),
        }
        Ok(())
    }

    fn last_fault(&self) -> Instant {
        let faults = self.replicas.iter().filter_map(|replica| replica.proxy.layer.last_fault());
        faults.fold(self.disturbed, Instant::max)
    }

    fn violate(&self, oracle: Oracle, text: impl Into<String>) {
        self.violations.lock().push(oracle.violated(text));
    }

    /// Waits until the state is the expected one, and looks at what must hold then. Returns what the leader serves.
    async fn converge(&mut self) -> Result<Served> {
        let mut looked_at = None;
        let mut differences = Vec::new();
        loop {
            let writes = self.record.len();
            if looked_at != Some(writes) {
                differences = self.mirror.end().await?.differences(&self.expected.end);
                looked_at = Some(writes);
            }
            if differences.is_empty() {
                break;
            }
            let is_status = differences.iter().all(|difference| difference.starts_with("the status"));
            let extra = if is_status { STATUS_BOUND } else { self.plan.collects_after };
            let bound = self.plan.bound + SLACK + extra;
            if Instant::now() > self.last_fault() + bound {
                for difference in differences {
                    self.violate(Oracle::EndState, format!("after {bound:?}: {difference}"));
                }
                return Ok(Served::default());
            }
            self.pass(Instant::now() + LOOK).await?;
        }
        self.stay_quiet().await?;
        self.look_at_processes().await?;
        self.look_at_what_is_served().await
    }

    async fn stay_quiet(&mut self) -> Result<()> {
        let before = self.record.len();
        self.pass(Instant::now() + QUIET).await?;
        for write in self.record.writes().split_off(before) {
            if write.plural != "leases" && write.agent.starts_with("tagwatch") {
                self.violate(
                    Oracle::Quiet,
                    format!("{} {} was written although everything is right", write.plural, write.name),
                );
            }
        }
        for difference in self.mirror.end().await?.differences(&self.expected.end) {
            self.violate(Oracle::EndState, format!("in the end {difference}"));
        }
        Ok(())
    }

    async fn look_at_processes(&mut self) -> Result<()> {
        for number in 0..self.replicas.len() {
            let process = &mut self.replicas[number].process;
            let has_ended = timeout(Duration::ZERO, process.wait(END)).await.is_ok();
            let has_panicked = fs::read_to_string(process.log())?.contains("panicked at");
            let livez = if has_ended { StatusCode::OK } else { process.get("/livez").await?.0 };
            for (is_wrong, text) in [
                (has_ended, "it ended by itself"),
                (has_panicked, "it panicked"),
                (livez != StatusCode::OK, "/livez is not well"),
            ] {
                if is_wrong {
                    self.violate(Oracle::Alive, format!("replica {number}: {text}"));
                }
            }
        }
        Ok(())
    }

    /// Metrics follow a watch that was resumed a minute later, as the status does.
    async fn look_at_what_is_served(&mut self) -> Result<Served> {
        let limit = Instant::now() + SERVED_BOUND;
        loop {
            let mut replicas = Vec::new();
            for replica in &self.replicas {
                replicas.push(self.served(replica).await?);
            }
            let end = self.mirror.end().await?;
            let plain = self.expected.plain.as_ref().map(|plain| &plain.served);
            let (served, violations) = compare(replicas, &end, plain);
            if violations.is_empty() || Instant::now() > limit {
                self.violations.lock().extend(violations);
                return Ok(served);
            }
            self.pass(Instant::now() + LOOK).await?;
        }
    }

    async fn served(&self, replica: &Replica) -> Result<Served> {
        let metrics = self.names.to_double(&replica.process.metrics().await?);
        let mut console = BTreeMap::new();
        let address = fs::read_to_string(&replica.console)?;
        for path in CONSOLE_PATHS {
            let answer = get(format!("http://{}{path}", address.trim_end()).parse()?).await?;
            ensure!(answer.status() == StatusCode::OK, "the console answers {path} with {}", answer.status());
            let mut page = serde_json::from_str(&self.names.to_double(answer.body()))?;
            drop_fields(&mut page, &HASHES);
            console.insert(path, page);
        }
        let (status, text) = replica.process.get("/readyz").await?;
        Ok(Served::new(&metrics, console, format!("{} {text}", status.as_u16())))
    }

    /// What the record and the numbered requests say in the end.
    fn judge(&self, served: Served) -> Result<Outcome> {
        let mut violations = std::mem::take(&mut *self.violations.lock());
        violations.extend(self.double.read(|store| safety(self.plan, store)));
        if self.plan.only_action().is_some() {
            for (at, agent, limit) in &self.ended {
                let limit = *limit + TAKEOVER_SLACK;
                let late = |identity: &str| self.double.read(|store| takeover(store, *at, identity, limit));
                violations.extend(identity_of(agent).and_then(late));
            }
        }
        let mut story = Vec::new();
        let (mut descriptors, mut memory) = (0, 0);
        for (number, replica) in self.replicas.iter().enumerate() {
            let faults = replica.proxy.layer.fired();
            if !self.plan.restarts() {
                violations.extend(hurried(&faults));
            }
            story.extend(faults.iter().map(|fault| format!("replica {number}, {fault}")));
            let open = fs::read_dir(format!("/proc/{}/fd", replica.process.pid())).map(Iterator::count);
            descriptors = descriptors.max(open.unwrap_or_default());
            memory = memory.max(replica.process.memory()?.peak);
        }
        if let Some(plain) = &self.expected.plain
            && descriptors > plain.descriptors + MORE_DESCRIPTORS
        {
            let text = format!("{descriptors} descriptors are open, without faults {}", plain.descriptors);
            violations.push(Oracle::Resources.violated(text));
        }
        if let Some(plain) = &self.expected.plain
            && memory > plain.memory * MOST_MEMORY / 100
        {
            let text = format!("{memory} bytes were resident, without faults {}", plain.memory);
            violations.push(Oracle::Resources.violated(text));
        }
        let has_fired = !story.is_empty() || !self.plan.actions.is_empty();
        if !violations.is_empty() {
            for replica in &self.replicas {
                story.push(end_of(replica.process.log())?);
            }
        }
        Ok(Outcome { violations, story, has_fired, served, descriptors, memory })
    }
}

/// A write of a replica that does not hold the lease.
fn unled(request: &RequestInfo, holder: Option<&str>) -> Option<Violation> {
    if holder.is_some_and(|holder| !holder.is_empty() && request.agent.contains(holder)) {
        return None;
    }
    let RequestInfo { agent, plural, name, at, .. } = request;
    let name = name.as_deref().unwrap_or_default();
    Some(
        Oracle::OneWriter
            .violated(format!("{agent} writes {plural} {name} after {at:?}, and {holder:?} leads")),
    )
}

/// The identity of a replica, which its `User-Agent` ends with.
fn identity_of(agent: &str) -> Option<&str> {
    agent.strip_suffix(')')?.rsplit_once('(').map(|(_, identity)| identity)
}

fn end_of(log: &Path) -> Result<String> {
    let text = fs::read_to_string(log)?;
    let lines: Vec<&str> = text.lines().rev().take(20).collect();
    Ok(lines.into_iter().rev().collect::<Vec<_>>().join("\n  | "))
}
