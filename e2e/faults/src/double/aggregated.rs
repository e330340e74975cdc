//! Reports as an aggregated API serves them from its own database. Kyverno's reports-server (`pkg/api/polr.go`, of 2025) has
//! lists without a version and without pages, watches that begin now, whatever is asked for, and show every object without
//! an end of the initial state or a bookmark, a version of its own for each object, no conflict, and 400 where 409 is the
//! rule.

use serde_json::Value;

use super::answer::ApiError;
use super::list::in_form;
use super::request::{Form, Query};
use super::resource::Resource;
use super::store::Store;

impl Store {
    /// Whether reports come from such a server.
    pub fn set_reports_server(&mut self, has_reports_server: bool) {
        self.has_reports_server = has_reports_server;
    }

    pub(super) fn is_aggregated(&self, resource: &Resource) -> bool {
        self.has_reports_server && resource.plural == "policyreports"
    }

    /// Every object that is selected.
    pub(super) fn whole_list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &Query,
        form: Form,
    ) -> Vec<Value> {
        let in_namespace =
            |object: &Value| namespace.is_none_or(|namespace| object["metadata"]["namespace"] == namespace);
        let selected =
            self.objects(resource).filter(|object| in_namespace(object) && query.selector.matches(object));
        selected.map(|object| in_form(object, form)).collect()
    }
}

/// The version of an object that follows another one.
pub(super) fn next_version(before: Option<&Value>) -> String {
    let version =
        before.and_then(|before| before["metadata"]["resourceVersion"].as_str()?.parse::<u64>().ok());
    (version.unwrap_or_default() + 1).to_string()
}

/// Its database refuses a second object of a name.
pub(super) fn exists_already(name: &str) -> ApiError {
    ApiError::bad_request(&format!("cannot create policy report: {name} already exists"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::clock::SimulatedClock;
    use crate::double::ApiDouble;

    /// Method, path and body of a request; the code and the body of its answer.
    async fn send(
        double: &ApiDouble,
        method: &str,
        path: &str,
        body: &serde_json::Value,
    ) -> (u16, serde_json::Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = http::Request::builder().method(method).uri(path).body(body.into()).unwrap();
        let answer = double.answer(request).await;
        let code = answer.status().as_u16();
        let bytes = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
        (code, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn lists_have_no_version_each_object_has_its_own_and_there_are_no_conflicts() {
        let double = ApiDouble::new(SimulatedClock::start());
        double.change("test", |store, caller| {
            store.set_reports_server(true);
            let namespace = json!({ "metadata": { "name": "shop" } });
            store.put(crate::double::resource_named("namespaces"), namespace, caller).unwrap();
        });
        let path = "/apis/wgpolicyk8s.io/v1alpha2/namespaces/shop/policyreports";
        let report = json!({ "metadata": { "name": "r" }, "results": [] });
        let (code, made) = send(&double, "POST", path, &report).await;
        assert_eq!((code, &made["metadata"]["resourceVersion"]), (201, &json!("1")));
        assert_eq!(send(&double, "POST", path, &report).await.0, 400);
        let needless = || double.read(|store| store.needless_writes().len());
        assert_eq!(needless(), 0, "the first one may not know");
        assert_eq!(send(&double, "POST", path, &report).await.0, 400);
        assert_eq!(needless(), 1);
        send(&double, "GET", &format!("{path}/r"), &json!(null)).await;
        assert_eq!(send(&double, "POST", path, &report).await.0, 400);
        assert_eq!(needless(), 1, "it may have been deleted since it was read");
        let stale = json!({ "metadata": { "name": "r", "resourceVersion": "9" }, "results": [{}] });
        let (code, replaced) = send(&double, "PUT", &format!("{path}/r"), &stale).await;
        assert_eq!((code, &replaced["metadata"]["resourceVersion"]), (200, &json!("2")));
        let (_, list) = send(&double, "GET", &format!("{path}?limit=1"), &json!(null)).await;
        assert_eq!((&list["metadata"], list["items"].as_array().map(Vec::len)), (&json!({}), Some(1)));
    }
}
