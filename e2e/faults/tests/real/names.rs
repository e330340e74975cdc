//! What the objects of a run are called on the real server, and in the double.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tagwatch_faults::Resource;

/// The names of one run: those of its namespaces, and of its objects outside of namespaces, end with its number.
pub(crate) struct Names {
    suffix: String,
    /// UIDs on the real server, by those in the double.
    uids: Mutex<BTreeMap<String, String>>,
}

impl Names {
    pub(crate) fn new(number: usize) -> Self {
        // No suffix is a part of another one.
        Self { suffix: format!("-run{number:05}"), uids: Mutex::default() }
    }

    /// What a namespace, or an object outside of namespaces, is called on the real server.
    pub(crate) fn of(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    /// The real server has made an object of the double.
    pub(crate) fn note(&self, double: &Value, real: &Value) {
        let [double, real] = [double, real].map(|object| text(&object["metadata"]["uid"]).to_owned());
        self.uids.lock().insert(double, real);
    }

    /// A text of the real server, with the names of the double.
    pub(crate) fn to_double(&self, real: &str) -> String {
        let mut translated = real.replace(&self.suffix, "");
        for (double, real) in &*self.uids.lock() {
            // Names of reports end with the first digits.
            if translated.contains(first_digits(real)) {
                translated = translated.replace(&**real, double);
                translated = translated
                    .replace(&format!("-{}", first_digits(real)), &format!("-{}", first_digits(double)));
            }
        }
        translated
    }

    /// An object of the double as the real server is to make it.
    pub(crate) fn to_real(&self, resource: &Resource, object: &Value) -> Value {
        let mut object = object.clone();
        let uids = self.uids.lock();
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
        if resource.plural == "policyreports" {
            let name = text(&metadata["name"]);
            let real = uids.iter().find_map(|(double, real)| {
                let stem = name.strip_suffix(first_digits(double))?;
                Some(format!("{stem}{}", first_digits(real)))
            });
            if let Some(real) = real {
                metadata["name"] = json!(real);
            }
        }
        for owner in metadata["ownerReferences"].as_array_mut().into_iter().flatten() {
            if let Some(real) = uids.get(text(&owner["uid"])) {
                owner["uid"] = json!(real);
            }
        }
        object
    }
}

fn first_digits(uid: &str) -> &str {
    uid.split('-').next().unwrap_or(uid)
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
