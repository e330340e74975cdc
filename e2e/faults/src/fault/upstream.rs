//! What answers requests: the double, or a client of a real server.

use std::future::Future;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::USER_AGENT;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Bytes;
use kube::Client;
use kube::client::Body;
use tagwatch_client::TelemetryLayer;
use tower::{BoxError, Layer as _, Service, service_fn};

/// The body of an answer.
pub type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;
/// An answer, or why there is none.
pub type Answer = Result<Response<AnswerBody>, BoxError>;

/// Answers requests. Clones are the same one.
#[derive(Clone)]
pub struct Upstream(Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Answer> + Send + Sync>);

impl Upstream {
    pub(crate) fn new<F>(answer: impl Fn(Request<Body>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Self(Arc::new(move |request| answer(request).boxed()))
    }

    /// The server of a client, such as a real one.
    pub fn of_client(client: Client) -> Self {
        Self::new(move |request| {
            let client = client.clone();
            async move {
                let answer = client.send(request).await.map_err(BoxError::from)?;
                Ok(answer.map(|body| body.map_err(BoxError::from).boxed_unsync()))
            }
        })
    }

    pub(crate) fn answer(&self, request: Request<Body>) -> BoxFuture<'static, Answer> {
        (self.0)(request)
    }

    /// A client with a `User-Agent`.
    pub fn client(&self, agent: &str) -> Client {
        Client::new(self.service(agent), "default")
    }

    /// A client with the time limits of the controller's.
    pub(crate) fn limited_client(&self, agent: &str, telemetry: &TelemetryLayer) -> Client {
        Client::new(telemetry.layer(self.service(agent)), "default")
    }

    fn service(
        &self,
        agent: &str,
    ) -> impl Service<
        Request<Body>,
        Response = Response<AnswerBody>,
        Error = BoxError,
        Future = BoxFuture<'static, Answer>,
    >
    + Send
    + 'static
    + use<> {
        let (upstream, agent) = (self.clone(), HeaderValue::from_str(agent).ok());
        service_fn(move |mut request: Request<Body>| {
            if let Some(agent) = &agent {
                request.headers_mut().insert(USER_AGENT, agent.clone());
            }
            upstream.answer(request)
        })
    }
}
