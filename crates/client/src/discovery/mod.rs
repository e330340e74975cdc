//! Asks the API server what it serves: one request, which costs next to nothing while nothing changes.

use http::header::{ACCEPT, ETAG, IF_NONE_MATCH};
use http::{HeaderValue, Request, Response, StatusCode};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroupList;
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use kube::core::discovery::v2::{ACCEPT_AGGREGATED_DISCOVERY_V2, APIGroupDiscoveryList};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tagwatch_core::kinds::Kinds;
use tagwatch_k8s::discovery::ServedKinds;

use crate::call::{CallError, LIST_LIMIT, call};

/// Asks again and again, and remembers the answer.
pub struct Discovery {
    client: Client,
    /// Names the answer that is remembered: an API server says 304 while it would answer the same.
    etag: Option<HeaderValue>,
    served: ServedKinds,
}

#[derive(Deserialize)]
struct Kind {
    kind: String,
}

impl Discovery {
    /// Asks nothing yet.
    pub fn new(client: Client) -> Self {
        Self { client, etag: None, served: ServedKinds::default() }
    }

    /// What is served, as of the last answer.
    pub fn served(&self) -> &ServedKinds {
        &self.served
    }

    /// Asks what is served.
    ///
    /// # Errors
    /// When a request fails. What was known stays known.
    pub async fn ask(&mut self, wanted: &Kinds) -> Result<(), CallError> {
        let client = self.client.clone();
        let etag = self.etag.clone();
        let Some((etag, body)) = call(LIST_LIMIT, document(client, etag)).await? else { return Ok(()) };
        self.etag = None;
        if parse::<Kind>(&body)?.kind == "APIGroupDiscoveryList" {
            self.served = ServedKinds::aggregated(&parse::<APIGroupDiscoveryList>(&body)?);
            self.etag = etag;
        } else {
            self.served = self.ask_one_by_one(&parse(&body)?, wanted).await?;
        }
        Ok(())
    }

    /// For servers that do not aggregate their documents, or proxies before them that drop the `Accept` header.
    async fn ask_one_by_one(&self, groups: &APIGroupList, wanted: &Kinds) -> Result<ServedKinds, CallError> {
        let mut served = ServedKinds::default();
        for group in &groups.groups {
            if !wanted.watched_custom().any(|kind| kind.name.group == group.name) {
                continue;
            }
            for version in &group.versions {
                let asked = self.client.list_api_group_resources(&version.group_version);
                match call(LIST_LIMIT, asked).await {
                    Ok(list) => served.add_resources(&group.name, &version.version, &list.resources),
                    // It went between the two requests.
                    Err(error) if error.code() == Some(404) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(served)
    }
}

/// The document of `/apis` with its tag; `None` where it is still the tagged one.
async fn document(
    client: Client,
    etag: Option<HeaderValue>,
) -> kube::Result<Option<(Option<HeaderValue>, Vec<u8>)>> {
    let mut request = Request::get("/apis").header(ACCEPT, ACCEPT_AGGREGATED_DISCOVERY_V2);
    if let Some(etag) = etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    let response = client.send(request.body(Body::empty()).map_err(kube::Error::HttpError)?).await?;
    match response.status() {
        StatusCode::NOT_MODIFIED => Ok(None),
        StatusCode::OK => {
            let etag = response.headers().get(ETAG).cloned();
            Ok(Some((etag, response.into_body().collect_bytes().await?.into())))
        }
        _ => Err(refusal(response).await),
    }
}

/// The error that kube makes of a refusal in its own calls.
async fn refusal(response: Response<Body>) -> kube::Error {
    let code = response.status();
    let body = match response.into_body().collect_bytes().await {
        Ok(body) => body,
        Err(error) => return error,
    };
    let status = serde_json::from_slice::<Status>(&body);
    let unreadable =
        |_| Status::failure("no Status in the answer", code.canonical_reason().unwrap_or_default());
    kube::Error::Api(status.unwrap_or_else(unreadable).with_code(code.as_u16()).boxed())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|error| CallError::Api(kube::Error::SerdeError(error)))
}

#[cfg(test)]
mod tests;
