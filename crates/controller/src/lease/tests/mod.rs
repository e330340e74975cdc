//! Several candidates on one lease, with an API server that delays, loses and refuses, and crashes and frozen connections, on
//! a clock that the test moves: many runs by a seed each.

mod server;

use std::env;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::server::{Faults, LeaseServer, Random};
use super::{Elector, LeaseOptions, LeaseTiming};
use crate::publish::ClusterWriter;
use crate::state::Leadership;
use crate::testing::TestEnv;

/// How many runs there are in place of [`RUNS`]; `make replicas` sets it.
const RUNS_VARIABLE: &str = "TAGWATCH_LEASE_RUNS";
/// Runs in `make test`; each is about three minutes of the test's clock.
const RUNS: u64 = 40;
/// How often the candidates are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Longest time without a leader after a crash: the lease, one retry, and a slow answer.
const TAKEOVER_LIMIT: Duration = Duration::from_millis(17_500);

struct Candidate {
    leadership: Leadership,
    stop: CancellationToken,
    running: JoinHandle<()>,
    /// By when its last write has ended.
    writes_end: Option<Instant>,
    is_killed: bool,
}

impl Candidate {
    fn start(server: &LeaseServer, number: usize, incarnation: usize) -> Self {
        let leadership = Leadership::standby();
        let client = server.client(number);
        let observer = TestEnv::new(client.clone()).parts.observer;
        let writer = Arc::new(ClusterWriter::new(leadership.clone(), observer.metrics.clone()));
        let options = LeaseOptions {
            namespace: "tagwatch".to_owned(),
            name: "tagwatch".to_owned(),
            identity: format!("pod-{number}_{incarnation}"),
            timing: LeaseTiming::default(),
        };
        let (stop, nothing_left) = (CancellationToken::new(), CancellationToken::new());
        nothing_left.cancel();
        let elector = Elector::new(client, options, leadership.clone(), writer);
        let running = tokio::spawn(elector.run(observer, stop.clone(), nothing_left));
        Self { leadership, stop, running, writes_end: None, is_killed: false }
    }

    /// As by SIGKILL: what it has sent is on its way.
    fn kill(&mut self) {
        self.running.abort();
        self.is_killed = true;
        self.writes_end = None;
    }

    fn leads(&self) -> bool {
        !self.is_killed && self.leadership.may_write()
    }
}

/// The candidates of one run.
struct Cluster {
    server: LeaseServer,
    candidates: Vec<Candidate>,
    started: usize,
}

impl Cluster {
    fn new(replicas: usize, seed: u64) -> Self {
        let server = LeaseServer::new(seed);
        let candidates = (0..replicas).map(|number| Candidate::start(&server, number, 0)).collect();
        Self { server, candidates, started: 1 }
    }

    /// Two replicas at some moment of a term, and which of them leads.
    async fn led_for_a_while(seed: u64, context: &str) -> (Self, usize) {
        let mut cluster = Self::new(2, seed);
        let first = cluster.led_within(Duration::from_secs(3), context).await;
        let time = Duration::from_millis(u64::try_from(Random::new(seed).below(30_000)).unwrap());
        cluster.pass(time, context).await;
        (cluster, first)
    }

    fn restart(&mut self, number: usize) {
        self.candidates[number] = Candidate::start(&self.server, number, self.started);
        self.started += 1;
    }

    /// The one that leads. That there is no other, and that none of the writes that another began can still be under way, is
    /// what every look checks.
    fn look(&mut self, context: &str) -> Option<usize> {
        let now = Instant::now();
        let leaders: Vec<usize> =
            (0..self.candidates.len()).filter(|number| self.candidates[*number].leads()).collect();
        assert!(leaders.len() <= 1, "{context}: {leaders:?} lead at once");
        let leader = *leaders.first()?;
        for (number, other) in self.candidates.iter().enumerate().filter(|(number, _)| *number != leader) {
            let is_over = other.writes_end.is_none_or(|end| end <= now);
            assert!(is_over, "{context}: {leader} leads while {number} may still write");
        }
        let candidate = &mut self.candidates[leader];
        // One that ends waits for its last writes before it gives the lease back.
        candidate.writes_end = match candidate.leadership.write_limit(Duration::from_secs(10)) {
            Some(limit) if !candidate.stop.is_cancelled() => Some(now + limit),
            _ => None,
        };
        Some(leader)
    }

    /// Looks for so long.
    async fn pass(&mut self, time: Duration, context: &str) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.look(context);
            sleep(LOOK).await;
        }
    }

    async fn led_within(&mut self, limit: Duration, context: &str) -> usize {
        let begun = Instant::now();
        loop {
            if let Some(leader) = self.look(context)
                && !self.candidates[leader].stop.is_cancelled()
            {
                return leader;
            }
            assert!(begun.elapsed() <= limit, "{context}: no leader after {:?}", begun.elapsed());
            sleep(LOOK).await;
        }
    }
}

fn run<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(test());
}

#[test]
fn never_two_replicas_may_write_and_one_leads_once_the_api_server_answers() {
    let runs = env::var(RUNS_VARIABLE).map_or(RUNS, |runs| runs.parse().unwrap());
    for seed in 0..runs {
        run(|| async move {
            let mut random = Random::new(seed);
            let mut cluster = Cluster::new(2 + random.below(2), seed);
            for step in 0..12 {
                let context = format!("seed {seed}, step {step}");
                let number = random.below(cluster.candidates.len());
                match random.below(5) {
                    0 => {
                        cluster.candidates[number].kill();
                        cluster.restart(number);
                    }
                    1 => cluster.server.set_faults(number, Faults::cut_off()),
                    2 => cluster.server.set_faults(number, Faults::unreliable()),
                    3 => cluster.server.shift_clocks(),
                    _ => cluster.server.set_faults(number, Faults::default()),
                }
                let time = Duration::from_millis(u64::try_from(random.below(25_000)).unwrap());
                cluster.pass(time, &context).await;
            }
            for number in 0..cluster.candidates.len() {
                cluster.server.set_faults(number, Faults::default());
            }
            cluster.led_within(Duration::from_secs(25), &format!("seed {seed}, at the end")).await;
        });
    }
}

#[test]
fn a_crash_is_followed_by_another_leader_within_the_lease_and_a_retry() {
    for seed in 0..40 {
        run(|| async move {
            let context = format!("seed {seed}");
            let (mut cluster, first) = Cluster::led_for_a_while(seed, &context).await;
            cluster.candidates[first].kill();
            assert_ne!(cluster.led_within(TAKEOVER_LIMIT, &context).await, first);
        });
    }
}

#[test]
fn after_a_signal_to_stop_the_next_replica_need_not_wait() {
    for seed in 0..40 {
        run(|| async move {
            let context = format!("seed {seed}");
            let (mut cluster, first) = Cluster::led_for_a_while(seed, &context).await;
            cluster.candidates[first].stop.cancel();
            cluster.candidates[first].writes_end = None;
            let begun = Instant::now();
            assert_ne!(cluster.led_within(Duration::from_secs(3), &context).await, first);
            assert!(begun.elapsed() <= Duration::from_secs(1), "{context}: {:?}", begun.elapsed());
        });
    }
}

#[test]
fn a_replica_that_lost_the_lease_stands_by_and_may_take_it_again() {
    run(|| async {
        let mut cluster = Cluster::new(2, 1);
        let first = cluster.led_within(Duration::from_secs(3), "start").await;
        cluster.server.set_faults(first, Faults::cut_off());
        cluster.pass(Duration::from_secs(11), "cut off").await;
        assert!(!cluster.candidates[first].leads(), "it writes no longer than the renew deadline");
        let second = cluster.led_within(TAKEOVER_LIMIT, "cut off").await;
        assert_ne!(second, first);
        cluster.server.set_faults(first, Faults::default());
        cluster.pass(Duration::from_secs(30), "back").await;
        assert_eq!(cluster.look("back"), Some(second));
        cluster.candidates[second].kill();
        assert_eq!(cluster.led_within(TAKEOVER_LIMIT, "killed").await, first);
        assert_eq!(*cluster.candidates[first].leadership.terms().borrow(), 2);
    });
}
