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
