//! What an API server serves, from one that answers by a script.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tagwatch_core::kinds::{KindName, WorkloadKind};
use tower::service_fn;

use super::*;

/// A client whose server answers by a function of path and `If-None-Match`, and the paths that it was asked for.
fn scripted(
    answer: impl Fn(&str, Option<&str>) -> Response<Body> + Send + Sync + 'static,
) -> (Client, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
    let service = service_fn(move |request: Request<Body>| {
        log.lock().unwrap().push(request.uri().path().to_owned());
        let tag = request.headers().get(IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
        let answer = answer(request.uri().path(), tag);
        async move { Ok::<_, Infallible>(answer) }
    });
    (Client::new(service, "default"), asked)
}

fn response(code: u16, tag: Option<&str>, body: &Value) -> Response<Body> {
    let mut response = Response::builder().status(code);
    if let Some(tag) = tag {
        response = response.header(ETAG, tag);
    }
    response.body(Body::from(body.to_string().into_bytes())).unwrap()
}

fn rollout() -> (Kinds, Arc<WorkloadKind>) {
    let kinds = Kinds::default();
    let rollout = Arc::clone(kinds.get(&KindName::new("argoproj.io", "Rollout")).unwrap());
    (kinds, rollout)
}

fn aggregated() -> Value {
    let resource = json!({
        "resource": "rollouts", "responseKind": { "kind": "Rollout" }, "scope": "Namespaced", "verbs": ["watch"],
    });
    let versions = json!([{ "version": "v1alpha1", "resources": [resource] }]);
    json!({
        "kind": "APIGroupDiscoveryList", "items": [{ "metadata": { "name": "argoproj.io" }, "versions": versions }],
    })
}

#[tokio::test]
async fn an_answer_is_asked_for_once_while_it_stays_the_same() {
    let (client, _) = scripted(|_, tag| match tag {
        Some("\"1\"") => response(304, Some("\"1\""), &Value::Null),
        _ => response(200, Some("\"1\""), &aggregated()),
    });
    let (kinds, rollout) = rollout();
    let mut discovery = Discovery::new(client);
    for _ in 0..2 {
        discovery.ask(&kinds).await.unwrap();
        assert!(discovery.served().resource(&rollout).is_some());
    }
    assert!(discovery.etag.is_some());
}

#[tokio::test]
async fn a_server_that_aggregates_nothing_is_asked_version_by_version() {
    let (client, asked) = scripted(|path, _| match path {
        "/apis" => {
            let group = |name: &str| {
                let version = json!({ "groupVersion": format!("{name}/v1alpha1"), "version": "v1alpha1" });
                json!({ "name": name, "versions": [version] })
            };
            let groups = [group("argoproj.io"), group("keda.sh"), group("example.com")];
            response(200, None, &json!({ "kind": "APIGroupList", "groups": groups }))
        }
        "/apis/argoproj.io/v1alpha1" => {
            let rollouts = json!({
                "name": "rollouts", "kind": "Rollout", "namespaced": true, "singularName": "", "verbs": ["watch"],
            });
            let list = json!({
                "kind": "APIResourceList", "groupVersion": "argoproj.io/v1alpha1", "resources": [rollouts],
            });
            response(200, None, &list)
        }
        _ => response(
            404,
            None,
            &json!({ "kind": "Status", "code": 404, "reason": "NotFound", "message": "gone" }),
        ),
    });
    let (kinds, rollout) = rollout();
    let mut discovery = Discovery::new(client);
    discovery.ask(&kinds).await.unwrap();
    assert!(discovery.served().resource(&rollout).is_some());
    assert_eq!(*asked.lock().unwrap(), ["/apis", "/apis/argoproj.io/v1alpha1", "/apis/keda.sh/v1alpha1"]);
}

#[tokio::test]
async fn a_refusal_keeps_what_is_known() {
    let refusals =
        Mutex::new(vec![response(403, None, &json!("no Status")), response(200, None, &aggregated())]);
    let (client, _) = scripted(move |_, _| {
        refusals.lock().unwrap().pop().unwrap_or_else(|| response(500, None, &Value::Null))
    });
    let (kinds, rollout) = rollout();
    let mut discovery = Discovery::new(client);
    discovery.ask(&kinds).await.unwrap();
    let error = discovery.ask(&kinds).await.unwrap_err();
    assert_eq!((error.code(), error.category()), (Some(403), "forbidden"));
    assert_eq!(discovery.ask(&kinds).await.unwrap_err().code(), Some(500));
    assert!(discovery.served().resource(&rollout).is_some());
}
