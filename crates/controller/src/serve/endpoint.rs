//! What an endpoint is, and who may use it.

use std::fmt;

use super::tls::CertificateFiles;

/// Who may read an endpoint.
#[derive(Debug, Clone)]
pub enum EndpointAccess {
    /// Everyone, over plain HTTP.
    Anonymous,
    /// Users with a token and the right to read the endpoint, over TLS.
    Token {
        /// `None` makes a self-signed certificate.
        certificate: Option<CertificateFiles>,
    },
}

/// The endpoints: log lines and metrics name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndpointKind {
    Metrics,
    Console,
    /// The probes alone.
    Health,
}

impl EndpointKind {
    /// A label for metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Console => "console",
            Self::Health => "health",
        }
    }

    /// Connections at a time. One takes some tens of KiB; the kubelet opens one for each probe.
    pub(super) fn max_connections(self) -> usize {
        match self {
            Self::Metrics | Self::Console => 128,
            Self::Health => 64,
        }
    }
}

impl fmt::Display for EndpointKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
