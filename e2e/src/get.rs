//! GET over plain HTTP.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use http::{Response, Uri};
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(10);

/// Keeps its connections for the next request.
pub(crate) type HttpClient = Client<HttpConnector, Empty<&'static [u8]>>;

/// A client without connections.
pub(crate) fn http_client() -> HttpClient {
    Client::builder(TokioExecutor::new()).build_http()
}

/// GET over a connection of its own. A redirection is an answer like any other.
///
/// # Errors
/// There was no answer within 10 s, or no text.
pub async fn get(url: Uri) -> Result<Response<String>> {
    get_by(&http_client(), url).await
}

/// GET by a client that lives longer.
pub(crate) async fn get_by(client: &HttpClient, url: Uri) -> Result<Response<String>> {
    let exchange = async {
        let (head, body) = client.get(url.clone()).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        anyhow::Ok(Response::from_parts(head, String::from_utf8(body.to_vec())?))
    };
    timeout(LIMIT, exchange)
        .await
        .map_err(|_| anyhow!("no answer within {LIMIT:?}"))?
        .with_context(|| format!("GET {url}"))
}
