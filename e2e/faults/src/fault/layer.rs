//! Numbers every request, and lets go wrong what the rules name.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::header::USER_AGENT;
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use tagwatch_client::TelemetryLayer;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tower::BoxError;

use super::rival::overtake;
use super::rule::{Fault, FaultRule, KillPoint, OnOpenWatch};
use super::stream::{cut_off, faulty, stalled, truncated};
use super::upstream::{Answer, AnswerBody, Upstream};
use crate::double::{ApiError, Target, Verb};

/// A request, as the layer has numbered it.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// From 1.
    pub number: usize,
    /// Its number among the writes, without those of the lease and reviews of access.
    pub write: Option<usize>,
    /// The `User-Agent`.
    pub agent: String,
    /// What it does; `None` for discovery.
    pub verb: Option<Verb>,
    /// The resource; empty for discovery.
    pub plural: String,
    /// The namespace; `None` for all of them, and for objects of the cluster.
    pub namespace: Option<String>,
    /// The object.
    pub name: Option<String>,
    /// Its number among those of the verb on the resource.
    pub nth: usize,
    /// When it was sent, from the start.
    pub at: Duration,
}

/// A request with which something went wrong.
#[derive(Debug, Clone)]
pub struct FiredFault {
    /// The request.
    pub request: RequestInfo,
    /// What went wrong.
    pub fault: Fault,
}

impl fmt::Display for FiredFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RequestInfo { number, verb, plural, name, at, .. } = &self.request;
        let verb = verb.map_or("discovery".to_owned(), |verb| format!("{verb:?}"));
        let name = name.as_deref().unwrap_or_default();
        write!(f, "{:.3} s: #{number} {verb} {plural} {name}: {:?}", at.as_secs_f64(), self.fault)
    }
}

/// A process is to be killed.
#[derive(Debug, Clone, Copy)]
pub struct Killed;

#[derive(Debug, Default)]
struct Counters {
    requests: usize,
    writes: usize,
    nth: BTreeMap<(Option<Verb>, String), usize>,
    fired: Vec<FiredFault>,
    last_fault: Option<Instant>,
}

type Observe = Box<dyn Fn(&RequestInfo) + Send + Sync>;

/// What lies between one client process and its API server. It outlives the process, and goes on counting.
pub struct FaultLayer {
    upstream: Upstream,
    rules: Vec<FaultRule>,
    begun: Instant,
    counters: Mutex<Counters>,
    kills: mpsc::UnboundedSender<Killed>,
    observe: Observe,
}

impl FaultLayer {
    /// `observe` sees every request before it is sent.
    pub fn new(
        upstream: Upstream,
        rules: Vec<FaultRule>,
        kills: mpsc::UnboundedSender<Killed>,
        observe: impl Fn(&RequestInfo) + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (begun, counters) = (Instant::now(), Mutex::default());
        Arc::new(Self { upstream, rules, begun, counters, kills, observe: Box::new(observe) })
    }

    /// A client whose requests go through the layer.
    pub fn client(self: &Arc<Self>, agent: &str, telemetry: &TelemetryLayer) -> Client {
        let layer = Arc::clone(self);
        Upstream::new(move |request| Arc::clone(&layer).handle(request)).limited_client(agent, telemetry)
    }

    /// What has gone wrong, in order.
    pub fn fired(&self) -> Vec<FiredFault> {
        self.counters.lock().fired.clone()
    }

    /// When something went wrong last; it may take longer than that.
    pub fn last_fault(&self) -> Option<Instant> {
        self.counters.lock().last_fault
    }

    /// How many writes there were.
    pub fn writes(&self) -> usize {
        self.counters.lock().writes
    }

    fn count(&self, request: &Request<Body>) -> RequestInfo {
        let target = Target::of(request.method(), request.uri());
        let (verb, plural, namespace, name) = match target {
            Some(target) => (Some(target.verb), target.plural, target.namespace, target.name),
            None => (None, String::new(), None, None),
        };
        let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let agent = agent.unwrap_or_default().to_owned();
        let is_counted = !matches!(&*plural, "leases" | "selfsubjectaccessreviews");
        let mut counters = self.counters.lock();
        counters.requests += 1;
        let write = (is_counted && verb.is_some_and(Verb::is_write)).then(|| {
            counters.writes += 1;
            counters.writes
        });
        let number = counters.requests;
        let nth = counters.nth.entry((verb, plural.clone())).or_default();
        *nth += 1;
        RequestInfo {
            number,
            write,
            agent,
            verb,
            plural,
            namespace,
            name,
            nth: *nth,
            at: self.begun.elapsed(),
        }
    }

    fn pick(&self, info: &RequestInfo) -> Option<Fault> {
        let rule = self.rules.iter().find(|rule| rule.is_for(info))?;
        let mut counters = self.counters.lock();
        counters.fired.push(FiredFault { request: info.clone(), fault: rule.fault });
        counters.last_fault = Some(Instant::now());
        Some(rule.fault)
    }

    /// A fault that began earlier has come to its end.
    fn note_end(&self) {
        self.counters.lock().last_fault = Some(Instant::now());
    }

    /// Answers a request of the process. An error breaks its connection off.
    pub async fn handle(self: Arc<Self>, request: Request<Body>) -> Answer {
        let info = self.count(&request);
        (self.observe)(&info);
        let is_watch = info.verb == Some(Verb::Watch);
        let answer = match self.pick(&info) {
            None => self.upstream.answer(request).await,
            Some(fault) => self.answer_with(fault, request, is_watch).await,
        }?;
        if !is_watch {
            return Ok(answer);
        }
        let effects = self.rules.iter().filter_map(|rule| rule.on_open_watches(&info.plural));
        Ok(answer.map(|body| effects.fold(body, |body, effect| self.affected(body, effect, info.at))))
    }

    /// A watch that was opened at a time, before another time in which nothing gets through.
    fn affected(&self, body: AnswerBody, effect: OnOpenWatch, opened: Duration) -> AnswerBody {
        match effect {
            OnOpenWatch::BreaksOff { at } if opened < at => cut_off(body, self.begun + at),
            OnOpenWatch::Stalls { from, until } if opened < until => {
                stalled(body, self.begun + from, self.begun + until)
            }
            OnOpenWatch::BreaksOff { .. } | OnOpenWatch::Stalls { .. } => body,
        }
    }

    async fn answer_with(self: &Arc<Self>, fault: Fault, request: Request<Body>, is_watch: bool) -> Answer {
        match fault {
            Fault::Delay(delay) => self.send_late(request, delay).await,
            Fault::DelayAnswer(delay) => {
                let answer = self.send(request).await;
                sleep(delay).await;
                self.note_end();
                answer
            }
            Fault::DropBefore => Err(reset()),
            Fault::DropAfter => {
                self.send(request).await?;
                Err(reset())
            }
            Fault::HoldUntil(until) => {
                let left = until.saturating_sub(self.begun.elapsed());
                self.send_late(request, left).await
            }
            Fault::Hang => std::future::pending().await,
            Fault::HangAfter => {
                self.send(request).await?;
                std::future::pending().await
            }
            Fault::Status(code, retry_after) => Ok(ApiError::injected(code, retry_after).into_response()),
            Fault::Truncate(bytes) => {
                let answer = self.send(request).await?;
                Ok(answer.map(|body| truncated(body, bytes)))
            }
            Fault::Stream(fault) => {
                let answer = self.send(request).await?;
                if !is_watch || !answer.status().is_success() {
                    return Ok(answer);
                }
                let layer = Arc::clone(self);
                Ok(answer.map(|body| faulty(body, fault, move || layer.note_end())))
            }
            Fault::Overtaken { removes, delay } => {
                let request = overtake(&self.upstream, request, removes).await?;
                let answer = self.send(request).await;
                sleep(delay).await;
                self.note_end();
                answer
            }
            Fault::Kill(point) => self.kill(point, request).await,
        }
    }

    /// What is sent arrives, whether its sender waits or not.
    async fn send(self: &Arc<Self>, request: Request<Body>) -> Answer {
        self.send_late(request, Duration::ZERO).await
    }

    async fn send_late(self: &Arc<Self>, request: Request<Body>, delay: Duration) -> Answer {
        let layer = Arc::clone(self);
        let sending = tokio::spawn(async move {
            if !delay.is_zero() {
                sleep(delay).await;
                layer.note_end();
            }
            layer.upstream.answer(request).await
        });
        sending.await.map_err(BoxError::from)?
    }

    async fn kill(self: &Arc<Self>, point: KillPoint, request: Request<Body>) -> Answer {
        let answer = match point {
            KillPoint::BeforeSending => None,
            KillPoint::AfterSending | KillPoint::AfterAnswer => Some(self.send(request).await),
        };
        let kills = self.kills.clone();
        tokio::spawn(async move {
            // What has come is seen before.
            tokio::task::yield_now().await;
            // Fails only at the end of a run.
            let _ = kills.send(Killed);
        });
        match (point, answer) {
            (KillPoint::AfterAnswer, Some(answer)) => answer,
            _ => std::future::pending().await,
        }
    }
}

fn reset() -> BoxError {
    Error::new(ErrorKind::ConnectionReset, "injected: connection reset").into()
}
