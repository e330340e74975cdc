//! Runs the controller in this process under paused time, against the double, through the fault layer.

mod replica;

use std::cell::Cell;
use std::panic;
use std::sync::{Arc, Once};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::FutureExt as _;
use parking_lot::Mutex;
use tagwatch_allocations::held;
use tokio::runtime::{Builder, Handle};
use tokio::time::{Instant, sleep, sleep_until};

use self::replica::{Replica, Running, identity_prefix};
use crate::clock::SimulatedClock;
use crate::double::{ApiDouble, ChangeKind, Store, resource_named};
use crate::fault::Killed;
use crate::oracle::{
    AGENT, EndState, Oracle, TAKEOVER_AFTER_KILL, TAKEOVER_AFTER_STOP, Violation, hurried, misdated, safety,
    takeover,
};
use crate::plans::{Action, Family, FaultPlan};
use crate::scenario;
use crate::served::{Served, compare, is_ready};

/// How long a killed process takes to start again.
const RESTART: Duration = Duration::from_millis(300);
/// Between two looks at the state.
const LOOK: Duration = Duration::from_millis(250);
/// How much longer the status of the policy may take: a watch that was resumed shows that it works by its next event, which
/// may be the bookmark after a minute, and counts are written at most every ten seconds.
const STATUS_BOUND: Duration = Duration::from_secs(75);
/// How long nothing is written once everything is right.
const QUIET: Duration = Duration::from_mins(1);
/// Tasks above those of a run without faults: requests under way, the lease, and what holds a fault back.
const MORE_TASKS: usize = 24;
/// Memory of a replica in percent of that of a run without faults.
const MOST_MEMORY: i64 = 105;
/// Bytes of the client and the watch of its own that a lease has, which the run without faults lacks.
const LEASE_MEMORY: i64 = 50 * 1024;
/// Bytes of the room for what is remembered for some minutes, such as events, or of the last thousand: less than 330 for each
/// image of a plan of the endurance family.
const PASSING_MEMORY: i64 = 96 * 1024;
/// How long a run without faults may take to come to its end.
const SETTLE: Duration = Duration::from_secs(90);

/// What came of a run.
#[derive(Debug)]
pub struct Simulated {
    /// What does not hold; empty for a run in which everything does.
    pub violations: Vec<Violation>,
    /// What went wrong on the way, by replica.
    pub fired: Vec<String>,
    /// The state at the end.
    pub end: EndState,
    /// What the leader serves then.
    pub served: Served,
    /// Tasks that are alive then.
    pub tasks: usize,
    /// Bytes that the replicas hold then. 0 where nothing counts them.
    pub memory: i64,
    /// Writes of the first replica.
    pub writes: usize,
    /// When the reports were right, from the start.
    pub converged: Duration,
}

/// Runs a plan. `expected` is the end of a run without faults; such a run has none.
///
/// # Errors
/// The run cannot begin.
pub fn simulate(plan: &FaultPlan, expected: Option<&Simulated>) -> Result<Simulated> {
    count_panics();
    PANICS.set(0);
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let result = runtime.block_on(async { Simulation::start(plan).run(expected).await });
    // Tasks that still wait end here, before the next run counts.
    drop(runtime);
    result
}

thread_local! {
    /// Panics of this thread, on which a whole run takes place. The controller survives some of them.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

fn count_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
}

/// What happens at a time of the run.
enum Event {
    Step(scenario::Step),
    Action(Action),
}

struct Simulation<'a> {
    plan: &'a FaultPlan,
    double: ApiDouble,
    clock: SimulatedClock,
    replicas: Vec<Replica>,
    begun: Instant,
    /// What is still to happen, the last first.
    events: Vec<(Duration, Event)>,
    collects_at: Option<Instant>,
    collected: u64,
    violations: Arc<Mutex<Vec<Violation>>>,
    last_disturbance: Instant,
}

impl<'a> Simulation<'a> {
    fn start(plan: &'a FaultPlan) -> Self {
        let clock = SimulatedClock::start();
        let double = ApiDouble::new(clock);
        scenario::prepare(&double);
        double.change("plan", |store, _| {
            store.set_watch_lists(plan.has_watch_lists);
            store.set_reports_server(plan.has_reports_server);
        });
        let violations = Arc::default();
        let steps = scenario::steps().into_iter().map(|step| (step.at, Event::Step(step)));
        let actions = plan.actions.iter().map(|(at, action)| (*at, Event::Action(*action)));
        let mut events: Vec<(Duration, Event)> = steps.chain(actions).collect();
        events.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let replicas =
            (0..plan.replicas).map(|number| Replica::new(number, plan, &double, &violations)).collect();
        let now = Instant::now();
        Self {
            plan,
            double,
            clock,
            replicas,
            begun: now,
            events,
            collects_at: None,
            collected: 0,
            violations,
            last_disturbance: now,
        }
    }

    async fn run(mut self, expected: Option<&Simulated>) -> Result<Simulated> {
        for number in 0..self.replicas.len() {
            self.replicas[number].begin(self.plan, self.clock)?;
        }
        while !self.events.is_empty() || self.begun.elapsed() < self.plan.ends() {
            self.look().await?;
        }
        self.last_disturbance = Instant::now();
        let converged = match expected {
            Some(expected) => self.converge(expected).await?,
            None => self.settle(SETTLE).await?,
        };
        let mut served = Served::default();
        if self.violations.lock().is_empty() {
            self.stay_quiet(expected).await?;
            served = self.look_at_what_is_served(expected).await?;
        }
        let tasks = Handle::current().metrics().num_alive_tasks();
        let mut violations = self.double.read(|store| safety(self.plan, store));
        if let Some(expected) = expected {
            let most = expected.tasks * self.replicas.len() + MORE_TASKS;
            if tasks > most {
                let text = format!("{tasks} tasks are alive, without faults {} a replica", expected.tasks);
                violations.push(Oracle::Resources.violated(text));
            }
        }
        let memory = self.end_all().await;
        if let Some(expected) = expected {
            let lease = if self.replicas.len() > 1 { LEASE_MEMORY } else { 0 };
            let remembers = self.plan.family == Family::Endurance || self.plan.has_events;
            let room = if remembers { PASSING_MEMORY } else { 0 };
            let most =
                (expected.memory * MOST_MEMORY / 100 + lease + room) * i64::try_from(self.replicas.len())?;
            if memory > most {
                let text = format!("{memory} bytes are held, without faults {} a replica", expected.memory);
                violations.push(Oracle::Resources.violated(text));
            }
        }
        violations.extend(std::mem::take(&mut *self.violations.lock()));
        violations.extend(self.double.read(|store| self.by_time(store)));
        let panics = PANICS.get();
        if panics > 0 {
            violations.push(Oracle::Alive.violated(format!("{panics} panics")));
        }
        let mut fired = Vec::new();
        for replica in &self.replicas {
            let faults = replica.layer.fired();
            // A process that starts again knows nothing of the outage.
            if !self.plan.restarts() {
                violations.extend(hurried(&faults));
            }
            fired.extend(faults.iter().map(|fault| format!("replica {}, {fault}", replica.number)));
        }
        Ok(Simulated {
            violations,
            fired,
            end: self.end(),
            served,
            tasks,
            memory,
            writes: self.replicas.first().map_or(0, |replica| replica.layer.writes()),
            converged,
        })
    }

    fn end(&self) -> EndState {
        self.double.read(EndState::of)
    }

    /// Ends every process at once. Returns how many bytes that frees.
    async fn end_all(&mut self) -> i64 {
        let before = held();
        for replica in &mut self.replicas {
            if let Some(running) = replica.running.take() {
                running.task.abort();
                // It was cancelled.
                drop(running.task.await);
            }
        }
        // Its tasks end when it is their turn.
        sleep(LOOK).await;
        before - held()
    }

    /// What can be told by when things were written.
    fn by_time(&self, store: &Store) -> Vec<Violation> {
        let mut violations = misdated(store, self.clock, &self.plan.clocks);
        if let Some((at, action)) = self.plan.only_action() {
            let (number, limit) = match action {
                Action::Kill(number) => (number, TAKEOVER_AFTER_KILL),
                Action::Stop(number) => (number, TAKEOVER_AFTER_STOP),
                _ => return violations,
            };
            violations.extend(takeover(store, self.begun + at, &identity_prefix(number), limit));
        }
        violations
    }

    /// Lets time pass until the next look, or the next event.
    async fn look(&mut self) -> Result<()> {
        let next = self.events.last().map(|(at, _)| self.begun + *at);
        let until = next.unwrap_or_else(|| Instant::now() + LOOK).min(Instant::now() + LOOK);
        self.pass(until).await?;
        while self.events.last().is_some_and(|(at, _)| self.begun.elapsed() >= *at) {
            let Some((_, event)) = self.events.pop() else { break };
            match event {
                Event::Step(step) => step.act(&self.double),
                Event::Action(action) => self.act(action).await?,
            }
        }
        Ok(())
    }

    /// Lets time pass. Processes that are to be killed are, and those that have ended start again.
    async fn pass(&mut self, until: Instant) -> Result<()> {
        loop {
            self.look_after_replicas()?;
            self.collect_garbage();
            let starts = self.replicas.iter().filter(|replica| replica.running.is_none());
            let wake = starts.map(|replica| replica.starts_at).chain(self.collects_at).min();
            let wake = wake.unwrap_or(until).min(until);
            let killed = std::future::poll_fn(|context| {
                for replica in &mut self.replicas {
                    if let std::task::Poll::Ready(Some(Killed)) = replica.kills.poll_recv(context) {
                        return std::task::Poll::Ready(replica.number);
                    }
                }
                std::task::Poll::Pending
            });
            tokio::select! {
                number = killed => self.kill(number).await,
                () = sleep_until(wake) => {
                    if Instant::now() >= until {
                        self.look_after_replicas()?;
                        return Ok(());
                    }
                }
            }
        }
    }

    fn look_after_replicas(&mut self) -> Result<()> {
        for number in 0..self.replicas.len() {
            let replica = &mut self.replicas[number];
            match &replica.running {
                Some(running) if running.task.is_finished() => {
                    let Some(Running { task, stop, .. }) = replica.running.take() else { continue };
                    replica.starts_at = Instant::now();
                    if !stop.is_cancelled() {
                        let ended = task.now_or_never();
                        let text = format!("replica {number} ended by itself: {ended:?}");
                        self.violations.lock().push(Oracle::Alive.violated(text));
                    }
                }
                None if Instant::now() >= replica.starts_at => {
                    self.replicas[number].begin(self.plan, self.clock)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// As by SIGKILL: what it has sent is on its way.
    async fn kill(&mut self, number: usize) {
        let Some(running) = self.replicas[number].running.take() else { return };
        running.task.abort();
        // It was cancelled.
        drop(running.task.await);
        self.replicas[number].starts_at = Instant::now() + RESTART;
        self.last_disturbance = Instant::now() + RESTART;
    }

    async fn act(&mut self, action: Action) -> Result<()> {
        let change = |act: fn(&mut Store)| self.double.change("plan", |store, _| act(store));
        match action {
            Action::Compact => change(Store::compact),
            Action::StopCache => change(|store| store.set_cache_lag(true)),
            Action::ResumeCache => change(|store| store.set_cache_lag(false)),
            Action::EditReport(number) => scenario::meddle(&self.double, number, false),
            Action::DeleteReport(number) => scenario::meddle(&self.double, number, true),
            Action::RemoveApi(plural) => {
                self.double.change("plan", |store, caller| store.remove_api(resource_named(plural), caller));
            }
            Action::RestoreApi(plural) => {
                self.double.change("plan", |store, _| store.restore_api(resource_named(plural)));
            }
            Action::LookForRefusal(plural) => self.look_for_refusal(plural).await,
            Action::Redeploy(build) => scenario::redeploy(&self.double, build),
            Action::Kill(number) => self.kill(number).await,
            Action::Stop(number) => {
                if let Some(running) = &self.replicas[number].running {
                    running.stop.cancel();
                }
            }
        }
        Ok(())
    }

    /// `/readyz` and the status of the policy name the resource whose watch is refused.
    async fn look_for_refusal(&self, plural: &str) {
        for running in self.replicas.iter().filter_map(|replica| replica.running.as_ref()) {
            let ready = is_ready(&running.endpoints).await;
            let status = self.end().policy().to_string();
            let said = [("/readyz", ready), ("the status of the policy", status)];
            let silent = said.into_iter().filter(|(_, text)| !text.contains(plural));
            let violations = silent.map(|(place, text)| {
                Oracle::Health.violated(format!("the watch of {plural} is refused, and {place} says {text}"))
            });
            self.violations.lock().extend(violations);
        }
    }

    /// A while after the last deletion.
    fn collect_garbage(&mut self) {
        let revision = self.double.read(Store::revision);
        match self.collects_at {
            None if revision != self.collected => {
                let deletes = self.double.read(|store| {
                    store.log().iter().rev().take_while(|change| change.revision > self.collected).any(
                        |change| {
                            change.kind == ChangeKind::Deleted && change.resource.plural != "policyreports"
                        },
                    )
                });
                self.collected = revision;
                self.collects_at = deletes.then(|| Instant::now() + self.plan.collects_after);
            }
            Some(at) if Instant::now() >= at => {
                scenario::collect_garbage(&self.double);
                self.collects_at = None;
            }
            _ => {}
        }
    }

    /// When the last fault was over. Restarts count, too.
    fn last_fault(&self) -> Instant {
        let faults = self.replicas.iter().filter_map(|replica| replica.layer.last_fault());
        faults.fold(self.last_disturbance, Instant::max)
    }

    /// Waits until the state is the expected one. Returns when the reports were.
    async fn converge(&mut self, expected: &Simulated) -> Result<Duration> {
        // Nothing can be faster than a run without faults.
        let least = self.begun + expected.converged;
        let mut reports_since: Option<Instant> = None;
        let (mut looked_at, mut differences) = (None, Vec::new());
        loop {
            let revision = self.double.read(Store::revision);
            // Leases apart, most looks find the store as it was.
            if looked_at != Some(revision) {
                differences = self.end().differences(&expected.end);
                looked_at = Some(revision);
            }
            if differences.is_empty() {
                return Ok(reports_since.unwrap_or_else(Instant::now) - self.begun);
            }
            let only_status = differences.len() == 1 && differences[0].starts_with("the status");
            if only_status {
                reports_since.get_or_insert_with(Instant::now);
            } else {
                reports_since = None;
            }
            let extra = if only_status { STATUS_BOUND } else { self.collects_after_all() };
            let bound = self.plan.bound + extra;
            if Instant::now() > self.last_fault().max(least) + bound {
                let late = |difference| Oracle::EndState.violated(format!("after {bound:?}: {difference}"));
                self.violations.lock().extend(differences.into_iter().map(late));
                return Ok(self.begun.elapsed());
            }
            self.look().await?;
        }
    }

    /// A slow garbage collector leaves reports of what was deleted last to tagwatch.
    fn collects_after_all(&self) -> Duration {
        self.plan.collects_after.min(Duration::from_secs(11))
    }

    /// Waits for so long, and returns when the reports were written last.
    async fn settle(&mut self, time: Duration) -> Result<Duration> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.look().await?;
        }
        let last = self.double.read(|store| {
            let mut changes = store.log().iter().rev();
            changes.find(|change| change.resource.plural == "policyreports").map(|change| change.at)
        });
        last.map(|last| last - self.begun).context("no report was written")
    }

    async fn stay_quiet(&mut self, expected: Option<&Simulated>) -> Result<()> {
        let (before, end) = (self.double.read(Store::revision), Instant::now() + QUIET);
        while Instant::now() < end {
            self.look().await?;
        }
        let written = self.double.read(|store| {
            let later = store.log().iter().filter(|change| change.revision > before);
            let ours =
                later.filter(|change| change.agent.starts_with(AGENT) && change.resource.plural != "leases");
            ours.map(|change| {
                Oracle::Quiet.violated(format!(
                    "written although everything is right: {:?} {}",
                    change.kind, change.object
                ))
            })
            .collect::<Vec<_>>()
        });
        let mut violations = self.violations.lock();
        violations.extend(written);
        if let Some(expected) = expected {
            let differences = self.end().differences(&expected.end);
            let later = |difference| Oracle::EndState.violated(format!("in the end {difference}"));
            violations.extend(differences.into_iter().map(later));
        }
        Ok(())
    }

    /// Compares what the replicas serve with a run without faults, and with the reports. Returns what the leader serves.
    async fn look_at_what_is_served(&mut self, expected: Option<&Simulated>) -> Result<Served> {
        let mut replicas = Vec::new();
        for running in self.replicas.iter().filter_map(|replica| replica.running.as_ref()) {
            replicas.push(Served::of(&running.endpoints).await?);
        }
        let (leader, violations) = compare(replicas, &self.end(), expected.map(|expected| &expected.served));
        self.violations.lock().extend(violations);
        Ok(leader)
    }
}
