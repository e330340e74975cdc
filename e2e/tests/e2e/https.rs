//! HTTPS to an endpoint with a self-signed certificate, as Prometheus is configured to use it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};

const LIMIT: Duration = Duration::from_secs(15);

/// One HTTPS connection to an endpoint, with the certificate that the endpoint showed.
pub(crate) struct Connection {
    address: SocketAddr,
    requests: SendRequest<Empty<&'static [u8]>>,
    certificate: Vec<u8>,
    /// The last answer said that the server closes it.
    is_closed: bool,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        timeout(LIMIT, Self::shake_hands(address)).await.context("no TLS in time")?
    }

    async fn shake_hands(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let stream = TlsConnector::from(Arc::new(config()?)).connect("tagwatch".try_into()?, stream).await?;
        let chain = stream.get_ref().1.peer_certificates().context("no certificate")?;
        let certificate = chain.first().context("no certificate")?.to_vec();
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { address, requests, certificate, is_closed: false })
    }

    /// What the server showed, as DER.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// GET with or without a bearer token: status and body. Where the answer before said that it was the last one of a
    /// connection, on another one, as clients do.
    pub(crate) async fn get(&mut self, path: &str, token: Option<&str>) -> Result<(StatusCode, String)> {
        if self.is_closed {
            *self = Self::open(self.address).await?;
        }
        let mut request = Request::get(path).header(header::HOST, "tagwatch");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let exchange = async {
            self.requests.ready().await?;
            let response = self.requests.send_request(request.body(Empty::new())?).await?;
            let status = response.status();
            self.is_closed = response.headers().get(header::CONNECTION).is_some_and(|value| value == "close");
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, String::from_utf8(body.to_vec())?))
        };
        timeout(LIMIT, exchange).await.with_context(|| format!("no answer to GET {path}"))?
    }
}

fn config() -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let verifier = Arc::new(Anybody(provider));
    Ok(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Takes every certificate, but wants it to be the server's own.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
