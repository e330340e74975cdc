//! Server-side apply, as far as the controller uses it: forced, by the keys of the lists of a status
//! (`structured-merge-diff/v6`).

use serde_json::{Value, json};

use super::answer::ApiError;
use super::resource::Resource;
use super::store::{Caller, Store, uid_of};
use super::write::{Part, Preconditions, Written, check};

/// Lists of the status of a `TagPolicy` whose elements are merged by keys (`x-kubernetes-list-map-keys` of its
/// definition). Every other list is replaced.
const LISTS: [(&str, &[&str]); 4] = [
    ("status.conditions", &["type"]),
    ("status.instances", &["name"]),
    ("status.instances.conditions", &["type"]),
    ("status.instances.rules", &["rule", "severity"]),
];

impl Store {
    /// Applies the configuration of a manager: its fields are set, and those that it had set before and names no more are
    /// removed.
    pub(super) fn apply(
        &mut self,
        resource: &'static Resource,
        (namespace, name): (&str, &str),
        manager: &str,
        mut config: Value,
        part: Part,
        caller: &Caller,
    ) -> Result<Written, ApiError> {
        let stored = self.get(resource, namespace, name).cloned();
        let Some(stored) = stored else {
            return match part {
                Part::Status => Err(ApiError::not_found(resource, name)),
                Part::Main | Part::Whole => {
                    Err(ApiError::unsupported("the double applies nothing that does not exist"))
                }
            };
        };
        // The metadata of a status counts for nothing.
        let uid = config["metadata"]["uid"].as_str().filter(|_| part != Part::Status).map(str::to_owned);
        check(resource, name, &stored, &Preconditions { uid, resource_version: None })?;
        if let Some(fields) = config.as_object_mut() {
            let kept = if part == Part::Status { "status" } else { "spec" };
            fields.retain(|field, _| field == kept);
        }
        let owner = (uid_of(&stored).unwrap_or_default().to_owned(), format!("{manager}/{part:?}"));
        let before = self.applied.get(&owner).cloned().unwrap_or(Value::Null);
        let next = merged(&stored, &before, &config, "");
        let written = self.bring_to(resource, &stored, next, caller);
        self.applied.insert(owner, config);
        Ok(written)
    }

    /// Merges a patch (RFC 7396).
    pub(super) fn merge_patch(
        &mut self,
        resource: &'static Resource,
        (namespace, name): (&str, &str),
        patch: &Value,
        part: Part,
        caller: &Caller,
    ) -> Result<Written, ApiError> {
        let stored = self.get(resource, namespace, name).cloned();
        let Some(stored) = stored else { return Err(ApiError::not_found(resource, name)) };
        let mut wanted = (*stored).clone();
        merge_into(&mut wanted, patch);
        let wanted = if resource.is_custom { wanted } else { without_version(wanted, patch) };
        self.replace(resource, namespace, name, wanted, part, caller)
    }
}

/// A patch insists on a version only if it names one.
fn without_version(mut wanted: Value, patch: &Value) -> Value {
    if patch["metadata"]["resourceVersion"].is_null()
        && let Some(metadata) = wanted["metadata"].as_object_mut()
    {
        metadata.remove("resourceVersion");
    }
    wanted
}

fn merge_into(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(merged) = target.as_object_mut() else { return };
    for (field, value) in fields {
        if value.is_null() {
            merged.remove(field);
        } else {
            merge_into(merged.entry(field).or_insert(Value::Null), value);
        }
    }
}

/// `stored` with what is `wanted`, and without what is only in `before`.
fn merged(stored: &Value, before: &Value, wanted: &Value, path: &str) -> Value {
    match wanted {
        Value::Object(wanted) => {
            let mut fields = stored.as_object().cloned().unwrap_or_default();
            let gone = before.as_object().into_iter().flatten().map(|(field, _)| field);
            for field in gone.filter(|field| !wanted.contains_key(*field)) {
                fields.remove(field);
            }
            for (field, value) in wanted {
                let inner = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
                let next = merged(fields.get(field).unwrap_or(&Value::Null), &before[field], value, &inner);
                fields.insert(field.clone(), next);
            }
            Value::Object(fields)
        }
        Value::Array(wanted) => match LISTS.iter().find(|(list, _)| *list == path) {
            Some((_, keys)) => merged_list(stored, before, wanted, keys, path),
            None => Value::Array(wanted.clone()),
        },
        other => other.clone(),
    }
}

fn merged_list(stored: &Value, before: &Value, wanted: &[Value], keys: &[&str], path: &str) -> Value {
    let key = |element: &Value| keys.iter().map(|key| element[*key].to_string()).collect::<Vec<_>>();
    let find = |list: &Value, wanted: &Value| {
        let mut elements = list.as_array().into_iter().flatten();
        elements.find(|element| key(element) == key(wanted)).cloned().unwrap_or(Value::Null)
    };
    let mut elements = stored.as_array().cloned().unwrap_or_default();
    let is_wanted = |element: &Value| wanted.iter().any(|wanted| key(wanted) == key(element));
    elements.retain(|element| is_wanted(element) || find(before, element).is_null());
    for wanted in wanted {
        let next = merged(&find(stored, wanted), &find(before, wanted), wanted, path);
        match elements.iter_mut().find(|element| key(element) == key(wanted)) {
            Some(element) => *element = next,
            None => elements.push(next),
        }
    }
    Value::Array(elements)
}

/// Whether a content type is that of an apply, or of a merge that this double takes for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatchKind {
    Apply,
    Merge,
}

impl PatchKind {
    pub(super) fn of(content_type: Option<&str>) -> Result<Self, ApiError> {
        match content_type {
            Some("application/apply-patch+yaml") => Ok(Self::Apply),
            Some("application/merge-patch+json") => Ok(Self::Merge),
            other => {
                Err(ApiError::unsupported(&format!("the double takes no patch of this type: {other:?}")))
            }
        }
    }
}
