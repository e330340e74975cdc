//! What tagwatch depends on in an API server, as a script of checks. The double passes them, and so does a real
//! kube-apiserver with the definitions of `config/crd` and `config/policy`.

mod discovery;
mod lists;
mod objects;
mod status;
mod watches;

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};
use tokio::time::timeout;

/// How long any answer may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs every check against the API server of a client. It needs all rights, and leaves one namespace and one policy
/// behind.
///
/// # Errors
/// The first check that does not hold.
pub async fn check_api(client: Client) -> Result<()> {
    let namespace = json!({ "metadata": { "generateName": "conformance-" } });
    let requests = Requests { client, namespace: String::new() };
    let made = requests.post("/api/v1/namespaces", &namespace).await.context("a namespace")?;
    let requests = Requests { namespace: text(&made, "/metadata/name"), ..requests };
    objects::check(&requests).await.context("objects")?;
    lists::check(&requests).await.context("lists")?;
    watches::check(&requests).await.context("watches")?;
    status::check(&requests).await.context("the status of a policy")?;
    discovery::check(&requests).await.context("discovery")
}

/// Sends JSON, and takes it.
struct Requests {
    client: Client,
    namespace: String,
}

/// A refusal: its code and its reason.
type Refusal = (u16, String);

impl Requests {
    /// The path of a resource in the namespace of the checks.
    fn path(&self, resource: &str) -> String {
        let (prefix, plural) = match resource {
            "policyreports" => ("/apis/wgpolicyk8s.io/v1alpha2", resource),
            core => ("/api/v1", core),
        };
        format!("{prefix}/namespaces/{}/{plural}", self.namespace)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request =
            Request::builder().method(method).uri(path).header("content-type", content_type).body(bytes);
        self.client.request(request.map_err(kube::Error::HttpError)?).await
    }

    async fn json(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let sent = self.send(method.clone(), path, "application/json", body);
        timeout(LIMIT, sent).await?.with_context(|| format!("{method} {path}"))
    }

    async fn get(&self, path: &str) -> Result<Value> {
        self.json(Method::GET, path, &Value::Null).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(Method::POST, path, body).await
    }

    async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(Method::PUT, path, body).await
    }

    async fn delete(&self, path: &str, options: &Value) -> Result<Value> {
        self.json(Method::DELETE, path, options).await
    }

    async fn apply(&self, path: &str, manager: &str, body: &Value) -> Result<Value> {
        let path = format!("{path}?fieldManager={manager}&force=true");
        let applied = self.send(Method::PATCH, &path, "application/apply-patch+yaml", body);
        timeout(LIMIT, applied).await?.with_context(|| format!("PATCH {path}"))
    }
}

/// The code and the reason of a refusal.
fn refusal(answer: Result<Value>) -> Result<Refusal> {
    let failure = match answer {
        Ok(answer) => bail!("it is not refused: {answer}"),
        Err(failure) => failure,
    };
    match failure.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) => Ok((status.code, status.reason.clone())),
        _ => Err(failure),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "most are made for the comparison")]
fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<()> {
    ensure!(found == expected, "{what}: found {found:?}, expected {expected:?}");
    Ok(())
}

fn refused(code: u16, reason: &str) -> Refusal {
    (code, reason.to_owned())
}

/// A text by its path in an object; empty where there is none.
fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn version(object: &Value) -> String {
    text(object, "/metadata/resourceVersion")
}

/// Versions are numbers that can be compared (KEP-5504).
fn revision(object: &Value) -> Result<u64> {
    version(object).parse().with_context(|| format!("the version of {object}"))
}

fn config_map(name: &str, value: &str) -> Value {
    json!({ "metadata": { "name": name, "labels": { "check": "it" } }, "data": { "key": value } })
}
