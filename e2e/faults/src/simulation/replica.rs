//! One process of tagwatch, which is started again whenever it has ended.

use std::sync::Arc;

use anyhow::Result;
use kube::Client;
use parking_lot::Mutex;
use tagwatch_client::{RequestCounter, ServerClock, TelemetryLayer};
use tagwatch_controller::{
    Clients, ConsoleOptions, EndpointAccess, InProcessEndpoints, LeaseOptions, LeaseTiming, RunError,
    RunOptions, Runtimes, WatchedNamespaces, run_with,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::SimulatedClock;
use crate::double::ApiDouble;
use crate::fault::{FaultLayer, Killed, RequestInfo};
use crate::oracle::{AGENT, Oracle, Violation};
use crate::plans::FaultPlan;
use crate::scenario::{INSTANCE, OWN_NAMESPACE, holder};

pub(super) struct Replica {
    pub(super) number: usize,
    pub(super) layer: Arc<FaultLayer>,
    pub(super) kills: mpsc::UnboundedReceiver<Killed>,
    /// The name under which it leads, or may.
    identity: Arc<Mutex<String>>,
    incarnation: usize,
    pub(super) running: Option<Running>,
    pub(super) starts_at: Instant,
}

pub(super) struct Running {
    pub(super) task: JoinHandle<Result<(), RunError>>,
    pub(super) endpoints: InProcessEndpoints,
    pub(super) stop: CancellationToken,
}

impl Replica {
    pub(super) fn new(
        number: usize,
        plan: &FaultPlan,
        double: &ApiDouble,
        violations: &Arc<Mutex<Vec<Violation>>>,
    ) -> Self {
        let rules = plan.rules.iter().filter(|(replica, _)| *replica == number).map(|(_, rule)| rule.clone());
        let (sender, kills) = mpsc::unbounded_channel();
        let identity: Arc<Mutex<String>> = Arc::default();
        let (has_lease, ours) = (plan.replicas > 1, Arc::clone(&identity));
        let (server, violations) = (double.clone(), Arc::clone(violations));
        let observe = move |request: &RequestInfo| {
            if has_lease && request.write.is_some() {
                let (holder, ours) = (server.read(holder), ours.lock());
                if holder.as_deref() != Some(&**ours) {
                    let RequestInfo { plural, name, at, .. } = request;
                    let name = name.as_deref().unwrap_or_default();
                    let text = format!("{ours} writes {plural} {name} after {at:?}, and {holder:?} leads");
                    violations.lock().push(Oracle::OneWriter.violated(text));
                }
            }
        };
        let layer = FaultLayer::new(double.upstream(), rules.collect(), sender, observe);
        let starts_at = Instant::now();
        Self { number, layer, kills, identity, incarnation: 0, running: None, starts_at }
    }

    /// Starts it. Its own clock is wrong where the plan says so.
    pub(super) fn begin(&mut self, plan: &FaultPlan, clock: SimulatedClock) -> Result<()> {
        let identity = format!("{}{}", identity_prefix(self.number), self.incarnation);
        self.incarnation += 1;
        identity.clone_into(&mut self.identity.lock());
        let agent = format!("{AGENT}/{identity}");
        let requests = RequestCounter::new()?;
        let wrong = plan.clocks_of(self.number);
        let clock = ServerClock::with_local(move || clock.now_if_wrong(&wrong));
        let telemetry = TelemetryLayer::new(requests.clone(), clock.clone());
        let client = || -> Client { self.layer.client(&agent, &telemetry) };
        let clients = Clients {
            cluster: client(),
            lease: (plan.replicas > 1).then(client),
            metrics_reviews: client(),
            console_reviews: client(),
            requests,
            clock,
        };
        let lease = (plan.replicas > 1).then(|| LeaseOptions {
            namespace: OWN_NAMESPACE.to_owned(),
            name: INSTANCE.to_owned(),
            identity,
            timing: LeaseTiming::default(),
        });
        let stop = CancellationToken::new();
        let endpoints = InProcessEndpoints::default();
        let here = Handle::current;
        let runtimes =
            Runtimes { health: here(), admin: here(), console: here(), in_process: endpoints.clone() };
        let task = tokio::spawn(run_with(options(plan, lease, agent), clients, stop.clone(), runtimes));
        self.running = Some(Running { task, endpoints, stop });
        Ok(())
    }
}

/// What identities of a replica begin with; the number of the process follows.
pub(super) fn identity_prefix(number: usize) -> String {
    format!("replica-{number}_")
}

fn options(plan: &FaultPlan, lease: Option<LeaseOptions>, user_agent: String) -> RunOptions {
    RunOptions {
        namespaces: WatchedNamespaces::AllExcept(Vec::new()),
        instance: INSTANCE.to_owned(),
        health_address: None,
        health_address_file: None,
        token_audience: "tagwatch".to_owned(),
        // Both are bound and not used: real sockets know nothing of paused time.
        metrics_address: ([127, 0, 0, 1], 0).into(),
        metrics_access: EndpointAccess::Anonymous,
        console: Some(ConsoleOptions {
            address: ([127, 0, 0, 1], 0).into(),
            address_file: None,
            access: EndpointAccess::Anonymous,
        }),
        cluster_name: None,
        workload_series_cap: 1_000,
        address_file: None,
        own_namespace: Some(OWN_NAMESPACE.to_owned()),
        registries: Vec::new(),
        registry_networks: Vec::new(),
        events: plan.has_events,
        lease,
        policy: "default".to_owned(),
        user_agent,
    }
}
