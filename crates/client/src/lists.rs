//! Lists of what workloads are judged by, for commands that read a cluster once.

use std::fmt::Debug;

use kube::{Api, Client};
use serde::de::DeserializeOwned;
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::{SlimNamespace, SlimNode, SlimPod, WireObject};

use crate::api::{api, object_api};
use crate::call::{CALL_LIMIT, CallError, call};
use crate::pages::each_page;

/// Objects in an answer: no more are in memory at once.
const PAGE: u32 = 500;

/// How often a list is begun, at most. etcd forgets after five minutes what the pages of a list are of.
const TRIES: u32 = 3;

/// The lists of one namespace, or of all. `read` gets each object page by page; where a list had to begin anew, more than
/// once.
#[derive(Clone)]
pub struct ObjectLists {
    client: Client,
    namespace: Option<String>,
}

impl ObjectLists {
    /// Of one namespace; `None` for all.
    pub fn new(client: Client, namespace: Option<String>) -> Self {
        Self { client, namespace }
    }

    /// The namespace; `None` for all.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The pods.
    ///
    /// # Errors
    /// When a request fails.
    pub async fn pods(&self, read: impl FnMut(Vec<SlimPod>)) -> Result<(), CallError> {
        all(&api(&self.client, self.namespace()), read).await
    }

    /// The objects of a kind other than Pods.
    ///
    /// # Errors
    /// When a request fails.
    pub async fn objects(
        &self,
        served: &ServedKind,
        read: impl FnMut(Vec<WireObject>),
    ) -> Result<(), CallError> {
        all(&object_api(&self.client, served, self.namespace()), read).await
    }

    /// The nodes of the cluster.
    ///
    /// # Errors
    /// When a request fails.
    pub async fn nodes(&self, read: impl FnMut(Vec<SlimNode>)) -> Result<(), CallError> {
        all(&Api::all(self.client.clone()), read).await
    }

    /// The namespace itself, which needs no right to see the others; else all namespaces.
    ///
    /// # Errors
    /// When a request fails.
    pub async fn namespaces(&self, mut read: impl FnMut(Vec<SlimNamespace>)) -> Result<(), CallError> {
        let namespaces: Api<SlimNamespace> = Api::all(self.client.clone());
        let Some(name) = self.namespace() else { return all(&namespaces, read).await };
        read(call(CALL_LIMIT, namespaces.get_opt(name)).await?.into_iter().collect());
        Ok(())
    }
}

async fn all<K>(api: &Api<K>, mut read: impl FnMut(Vec<K>)) -> Result<(), CallError>
where
    K: Clone + Debug + DeserializeOwned,
{
    for _ in 1..TRIES {
        match each_page(api, "", PAGE, &mut read).await {
            Err(error) if error.code() == Some(410) => {}
            result => return result.map(drop),
        }
    }
    each_page(api, "", PAGE, read).await.map(drop)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};
    use tagwatch_core::kinds::watched;
    use tower::service_fn;

    use super::*;

    fn object(name: &str) -> Value {
        json!({ "metadata": { "name": name, "namespace": "shop", "uid": name } })
    }

    /// A list of two pages. The token of the first one is too old when it is used first.
    fn server(log: &Arc<Mutex<Vec<String>>>) -> Client {
        let log = Arc::clone(log);
        Client::new(
            service_fn(move |request: Request<Body>| {
                let mut log = log.lock().unwrap();
                log.push(request.uri().to_string());
                let is_second = request.uri().query().is_some_and(|query| query.contains("continue="));
                let (code, body) = match (is_second, log.len()) {
                    (false, _) => (
                        200,
                        json!({ "metadata": { "continue": "next" }, "items": [object("a"), object("b")] }),
                    ),
                    (true, 2) => (410, json!({ "kind": "Status", "code": 410, "reason": "Expired" })),
                    (true, _) => (200, json!({ "metadata": {}, "items": [object("c")] })),
                };
                let response = Response::builder().status(code);
                let response = response.body(Body::from(body.to_string().into_bytes())).unwrap();
                async move { Ok::<_, Infallible>(response) }
            }),
            "default",
        )
    }

    #[tokio::test]
    async fn a_list_is_read_in_pages_and_begins_anew_where_its_token_is_too_old() {
        let log = Arc::default();
        let lists = ObjectLists::new(server(&log), Some("shop".to_owned()));
        let served = ServedKind::built_in(watched().find(|kind| kind.plural == "deployments").unwrap());
        let mut pages = Vec::new();
        lists.objects(&served, |page| pages.push(page.len())).await.unwrap();
        assert_eq!(pages, [2, 2, 1]);
        let path = "/apis/apps/v1/namespaces/shop/deployments?&limit=500";
        let (first, second) = (path.to_owned(), format!("{path}&continue=next"));
        assert_eq!(*log.lock().unwrap(), [&first, &second, &first, &second].map(String::clone));
    }
}
