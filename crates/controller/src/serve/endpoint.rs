//! Who may use an endpoint.

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
