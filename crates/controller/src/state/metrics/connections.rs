//! Gauges and counters of connections to our endpoints.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Result};

use super::Metrics;

/// Connections to the metrics, the console and the health endpoint. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionMetrics {
    open: IntGaugeVec,
    closed: IntCounterVec,
}

impl ConnectionMetrics {
    /// Makes and registers them.
    pub(crate) fn register(metrics: &mut Metrics) -> Result<Self> {
        let open = Opts::new(
            "tagwatch_server_connections",
            "Open connections to an endpoint of tagwatch (metrics, console, health).",
        );
        let closed = Opts::new(
            "tagwatch_server_connections_closed_total",
            "Connections that tagwatch closed, by endpoint and reason: bound (as many are open as may be), handshake, \
             header, idle, lifetime, write (each took longer than it may), requests (it had as many as it may).",
        );
        Ok(Self {
            open: metrics.add(IntGaugeVec::new(open, &["server"])?)?,
            closed: metrics.add(IntCounterVec::new(closed, &["server", "reason"])?)?,
        })
    }

    /// How many are open.
    pub(crate) fn set_open(&self, server: &str, count: usize) {
        self.open.with_label_values(&[server]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// One was closed by us.
    pub(crate) fn closed(&self, server: &str, reason: &str) {
        self.closed.with_label_values(&[server, reason]).inc();
    }
}
