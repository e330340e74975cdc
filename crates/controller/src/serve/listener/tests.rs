//! Endpoints on the loopback interface, with clients that send nothing, or little.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Extension;
use axum::routing::get;
use tagwatch_console::Admitted;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::*;
use crate::serve::connection::MAX_REQUESTS;
use crate::serve::connections::CloseReason;
use crate::state::metrics::Metrics;

/// A client is answered within this although others send nothing: it is shorter than any limit that would end those.
const PROMPT: Duration = Duration::from_secs(4);
/// Of each answer.
const STATUS_LINE: &[u8] = b"HTTP/1.1 200 OK";
const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nHost: tagwatch\r\n\r\n";

/// An endpoint that is served until this is dropped.
struct Served {
    address: SocketAddr,
    metrics: Metrics,
    answered: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Served {
    async fn start(access: EndpointAccess, limits: TimeLimits) -> Self {
        let local = ([127, 0, 0, 1], 0).into();
        let listener = ServerListener::bind(local, None, access, EndpointKind::Metrics).await.unwrap();
        let address = listener.listener.local_addr().unwrap();
        let mut metrics = Metrics::default();
        let connections = ConnectionMetrics::register(&mut metrics).unwrap();
        let answered = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&answered);
        let livez = async move || {
            count.fetch_add(1, Ordering::Relaxed);
            "ok\n"
        };
        let routes = Router::new().route("/livez", get(livez));
        let routes = routes.route("/large", get(async || vec![b'x'; 8 << 20]));
        let routes = routes.route("/metrics", get(async || (Extension(Admitted), "ok\n")));
        let mut tasks = JoinSet::new();
        tasks.spawn(listener.serve_within(limits, routes, connections, CancellationToken::new()));
        Self { address, metrics, answered, _tasks: tasks }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// From another address: on Linux, all of 127.0.0.0/8 is this host.
    async fn connect_from(&self, last: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, last], 0).into()).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    async fn silent(&self, count: usize) -> Vec<TcpStream> {
        let mut silent = Vec::new();
        for _ in 0..count {
            silent.push(self.connect().await);
        }
        silent
    }

    /// Requests that were answered.
    fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Connections that the server closed for this reason.
    fn closed(&self, reason: CloseReason) -> usize {
        let series = format!("closed_total{{reason=\"{}\",server=\"metrics\"}} ", reason.as_str());
        let text = self.metrics.encode().unwrap();
        let value = text.split_once(&series).and_then(|(_, rest)| rest.lines().next());
        value.map_or(0, |value| value.parse().unwrap())
    }
}

/// Sends a request, and reads the head and the body of its answer.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    ask_for(stream, REQUEST).await
}

async fn ask_for(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        let read = stream.read_buf(&mut answer).await.unwrap();
        assert_ne!(read, 0, "closed after {answer:?}");
    }
    String::from_utf8(answer).unwrap()
}

async fn shake_hands(stream: TcpStream) -> impl AsyncRead + AsyncWrite + Unpin {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config)).connect("tagwatch".try_into().unwrap(), stream).await.unwrap()
}

fn with_tls() -> EndpointAccess {
    EndpointAccess::Token { certificate: None }
}

#[tokio::test]
async fn silent_connections_keep_no_client_out() {
    for count in [100, 500] {
        let served = Served::start(with_tls(), TimeLimits::default()).await;
        let _silent = served.silent(count).await;
        let answer = timeout(PROMPT, async { ask(&mut shake_hands(served.connect().await).await).await });
        assert!(answer.await.expect("an answer in time").starts_with("HTTP/1.1 200"), "{count}");
        let bound = EndpointKind::Metrics.max_connections();
        assert_eq!(served.closed(CloseReason::Bound), (count + 1).saturating_sub(bound));
    }
}

#[tokio::test]
async fn silent_connections_keep_no_client_of_plain_http_out() {
    let served = Served::start(EndpointAccess::Anonymous, TimeLimits::default()).await;
    let mut silent = served.silent(500).await;
    let answer = timeout(PROMPT, async { ask(&mut served.connect().await).await });
    assert!(answer.await.expect("an answer in time").starts_with("HTTP/1.1 200"));
    assert_eq!(silent[0].read(&mut [0; 1]).await.unwrap_or(0), 0, "the oldest gave its place");
}

#[tokio::test]
async fn a_client_that_was_let_in_keeps_its_connection_among_many_addresses() {
    let served = Served::start(EndpointAccess::Anonymous, TimeLimits::default()).await;
    let [mut scraper, mut other] = [served.connect().await, served.connect_from(2).await];
    ask_for(&mut scraper, b"GET /metrics HTTP/1.1\r\nHost: tagwatch\r\n\r\n").await;
    ask(&mut other).await;
    let mut flood = Vec::new();
    for last in 3..=200 {
        let mut stream = served.connect_from(last).await;
        ask(&mut stream).await;
        flood.push(stream);
    }
    assert_eq!(other.read(&mut [0; 1]).await.unwrap_or(0), 0, "the oldest of the others gave its place");
    ask(&mut scraper).await;
}

#[tokio::test]
async fn a_client_that_sends_nothing_is_closed() {
    let short = Duration::from_millis(50);
    let limits = TimeLimits { handshake: short, header: short, ..TimeLimits::default() };
    for (access, begin, reason) in [
        // The type and the version of a TLS record.
        (with_tls(), &[0x16, 3, 1], CloseReason::Handshake),
        (EndpointAccess::Anonymous, b"GET", CloseReason::Header),
    ] {
        let served = Served::start(access, limits).await;
        let mut silent = served.connect().await;
        silent.write_all(begin).await.unwrap();
        assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or(0), 0);
        assert_eq!(served.closed(reason), 1, "{reason:?}");
    }
}

#[tokio::test]
async fn a_client_that_goes_silent_or_never_ends_is_closed() {
    let short = Duration::from_millis(50);
    let limits = TimeLimits::default();
    for (limits, reason) in [
        (TimeLimits { idle: short, ..limits }, CloseReason::Idle),
        (TimeLimits { lifetime: short, ..limits }, CloseReason::Lifetime),
    ] {
        let served = Served::start(EndpointAccess::Anonymous, limits).await;
        let mut stream = served.connect().await;
        ask(&mut stream).await;
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
        assert_eq!(served.closed(reason), 1, "{reason:?}");
    }
}

/// Reads until the server closes the connection, and counts the answers.
async fn count_answers(stream: &mut (impl AsyncRead + Unpin)) -> usize {
    let mut answers = Vec::new();
    // What it had not read when it closed makes the connection end with an error.
    while stream.read_buf(&mut answers).await.is_ok_and(|read| read > 0) {}
    answers.windows(STATUS_LINE.len()).filter(|part| *part == STATUS_LINE).count()
}

#[tokio::test]
async fn a_connection_is_closed_after_as_many_requests_as_one_may_have() {
    let served = Served::start(EndpointAccess::Anonymous, TimeLimits::default()).await;
    let mut polite = served.connect().await;
    for number in 1..=MAX_REQUESTS {
        let answer = ask(&mut polite).await;
        assert_eq!(answer.contains("connection: close"), number == MAX_REQUESTS, "{number}");
    }
    assert_eq!(polite.read(&mut [0; 1]).await.unwrap(), 0);
    let (mut reader, mut writer) = tokio::io::split(served.connect().await);
    let sending = tokio::spawn(async move {
        for _ in 0..10 * MAX_REQUESTS {
            if writer.write_all(REQUEST).await.is_err() {
                return;
            }
        }
    });
    let answers = count_answers(&mut reader).await;
    assert!((1..=MAX_REQUESTS).contains(&answers), "{answers}");
    sending.await.unwrap();
    assert_eq!(served.closed(CloseReason::Requests), 2);
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_closed() {
    let limits = TimeLimits { write: Duration::from_millis(50), ..TimeLimits::default() };
    for access in [EndpointAccess::Anonymous, with_tls()] {
        let served = Served::start(access.clone(), limits).await;
        let stream = served.connect().await;
        let mut stream: Box<dyn Stream> = if matches!(access, EndpointAccess::Anonymous) {
            Box::new(stream)
        } else {
            Box::new(shake_hands(stream).await)
        };
        // More than the buffers of both sides hold.
        for _ in 0..3 {
            stream.write_all(b"GET /large HTTP/1.1\r\nHost: tagwatch\r\n\r\n").await.unwrap();
        }
        let closed = async {
            while served.closed(CloseReason::Write) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_mins(1), closed).await.expect("a connection that was closed");
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// All connections send requests without end, and one client asks now and then: between its request and its answer each
/// other address is answered a few times at most.
#[tokio::test]
async fn a_client_waits_for_no_pipelines_of_other_addresses() {
    let served = Served::start(EndpointAccess::Anonymous, TimeLimits::default()).await;
    let mut flood = JoinSet::new();
    for last in 2..=100 {
        let (mut reader, mut writer) = tokio::io::split(served.connect_from(last).await);
        let some = REQUEST.repeat(50);
        flood.spawn(async move { while writer.write_all(&some).await.is_ok() {} });
        flood.spawn(async move {
            count_answers(&mut reader).await;
        });
    }
    let before = served.answered();
    let mut client = served.connect().await;
    ask(&mut client).await;
    let meanwhile = served.answered() - before;
    assert!(meanwhile < 99 * 16, "{meanwhile} answers to others came first");
}

/// Accepts every certificate that is the server's own.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
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
