//! What the objects of a run are called on the real server, and in the double.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tagwatch_faults::Resource;
use tagwatch_k8s::report::report_name;

/// The names of one run: those of its namespaces, and of its objects outside of namespaces, end with its number.
pub(crate) struct Names {
    suffix: String,
    made: Mutex<Made>,
}

/// What the real server has made of the double's objects.
#[derive(Default)]
struct Made {
    /// UIDs on the real server, by those in the double.
    uids: BTreeMap<String, String>,
    /// Likewise names of reports, which come from the UID of the object that they are about.
    reports: BTreeMap<String, String>,
}

impl Names {
    pub(crate) fn new(number: usize) -> Self {
        // No suffix is a part of another one.
        Self { suffix: format!("-run{number:05}"), made: Mutex::default() }
    }

    /// What a namespace, or an object outside of namespaces, is called on the real server.
    pub(crate) fn of(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    /// The real server has made an object of the double.
    pub(crate) fn note(&self, resource: &Resource, double: &Value, real: &Value) {
        let [double_uid, real_uid] = [double, real].map(|object| text(&object["metadata"]["uid"]));
        let report =
            |uid| report_name(&resource.api_version(), resource.kind, text(&double["metadata"]["name"]), uid);
        let mut made = self.made.lock();
        made.reports.insert(report(double_uid), report(real_uid));
        made.uids.insert(double_uid.to_owned(), real_uid.to_owned());
    }

    /// A text of the real server, with the names of the double.
    pub(crate) fn to_double(&self, real: &str) -> String {
        let mut translated = real.replace(&self.suffix, "");
        let made = self.made.lock();
        for (double, real) in made.uids.iter().chain(&made.reports) {
            if translated.contains(&**real) {
                translated = translated.replace(&**real, double);
            }
        }
        translated
    }

    /// An object of the double as the real server is to make it.
    pub(crate) fn to_real(&self, resource: &Resource, object: &Value) -> Value {
        let mut object = object.clone();
        let made = self.made.lock();
        let metadata = &mut object["metadata"];
        if let Some(fields) = metadata.as_object_mut() {
            for field in ["uid", "resourceVersion", "generation", "creationTimestamp"] {
                fields.remove(field);
            }
        }
        for field in ["namespace", "name"] {
            let is_of_cluster = field == "name" && !resource.namespaced;
            if (field == "namespace" || is_of_cluster) && metadata[field].is_string() {
                metadata[field] = json!(self.of(text(&metadata[field])));
            }
        }
        if resource.plural == "policyreports"
            && let Some(real) = made.reports.get(text(&metadata["name"]))
        {
            metadata["name"] = json!(real);
        }
        for owner in metadata["ownerReferences"].as_array_mut().into_iter().flatten() {
            if let Some(real) = made.uids.get(text(&owner["uid"])) {
                owner["uid"] = json!(real);
            }
        }
        object
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
