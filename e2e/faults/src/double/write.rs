//! Create, replace and delete, with the preconditions of the API server (`apiserver/pkg/registry/rest`).

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::aggregated::exists_already;
use super::answer::ApiError;
use super::resource::{Generation, Resource};
use super::store::{Caller, Store, key_of, uid_of};

/// Which part of an object a write replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All but the status, where that has an endpoint of its own.
    Main,
    /// The status alone.
    Status,
    /// Both, as no client can: for what the controllers of a cluster do in several requests.
    Whole,
}

/// What a deletion insists on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of DeleteOptions")]
pub struct Preconditions {
    pub uid: Option<String>,
    pub resource_version: Option<String>,
}

/// What came of a write.
#[derive(Debug)]
pub(super) enum Written {
    Stored(Arc<Value>),
    Unchanged(Arc<Value>),
}

impl Written {
    pub(super) fn object(&self) -> &Arc<Value> {
        match self {
            Self::Stored(object) | Self::Unchanged(object) => object,
        }
    }
}

impl Store {
    /// Makes an object.
    pub(crate) fn create(
        &mut self,
        resource: &'static Resource,
        namespace: Option<&str>,
        mut object: Value,
        part: Part,
        caller: &Caller,
    ) -> Result<Arc<Value>, ApiError> {
        let metadata = metadata_of(&mut object)?;
        if let Some(namespace) = namespace {
            let named = metadata.entry("namespace").or_insert_with(|| json!(namespace));
            if named != namespace {
                return Err(ApiError::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
        }
        if metadata.get("name").is_none_or(|name| name == "") {
            let prefix = metadata.get("generateName").and_then(Value::as_str).unwrap_or_default();
            if prefix.is_empty() {
                return Err(ApiError::invalid(
                    resource,
                    "",
                    "metadata.name",
                    "Required value: name or generateName is required",
                ));
            }
            let name = format!("{prefix}{:05x}", self.revision());
            metadata.insert("name".to_owned(), json!(name));
        }
        if metadata.get("resourceVersion").is_some_and(|version| version != "") {
            return Err(ApiError::bad_request("resourceVersion should not be set on objects to be created"));
        }
        metadata.remove("managedFields");
        let key = key_of(&object);
        if let Some(namespace) = namespace {
            self.check_namespace(resource, namespace, &key.1)?;
        }
        if self.get(resource, &key.0, &key.1).is_some() {
            self.note_taken(caller, resource, &key);
            return Err(if self.is_aggregated(resource) {
                exists_already(&key.1)
            } else {
                ApiError::already_exists(resource, &key.1)
            });
        }
        let uid = self.next_uid(resource, &key);
        object["metadata"]["uid"] = json!(uid);
        object["metadata"]["creationTimestamp"] = json!(seconds(caller.now));
        if resource.generation != Generation::None {
            object["metadata"]["generation"] = json!(1);
        }
        if resource.has_status
            && part == Part::Main
            && let Some(fields) = object.as_object_mut()
        {
            fields.remove("status");
        }
        name_kind(&mut object, resource);
        Ok(self.store(resource, object, caller))
    }

    fn check_namespace(&self, resource: &Resource, namespace: &str, name: &str) -> Result<(), ApiError> {
        let namespaces = super::resource_named("namespaces");
        match self.get(namespaces, "", namespace) {
            None => Err(ApiError::not_found(namespaces, namespace)),
            Some(found) if !found["metadata"]["deletionTimestamp"].is_null() => {
                Err(ApiError::namespace_terminating(resource, name, namespace))
            }
            Some(_) => Ok(()),
        }
    }

    /// Replaces an object, if it is the one that the new one was made from.
    pub(super) fn replace(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        mut wanted: Value,
        part: Part,
        caller: &Caller,
    ) -> Result<Written, ApiError> {
        let metadata = metadata_of(&mut wanted)?;
        if metadata.get("name").and_then(Value::as_str) != Some(name) {
            return Err(ApiError::bad_request("the name of the object does not match the name on the URL"));
        }
        // Where the object names none, it is that of the URL.
        if resource.namespaced {
            metadata.entry("namespace").or_insert_with(|| json!(namespace));
        }
        let stored = self.get(resource, namespace, name).cloned();
        let Some(stored) = stored else { return Err(ApiError::not_found(resource, name)) };
        let is_aggregated = self.is_aggregated(resource);
        if !is_aggregated {
            check(resource, name, &stored, &preconditions_of(metadata))?;
        }
        if resource.is_custom
            && !is_aggregated
            && metadata.get("resourceVersion").is_none_or(|version| version == "")
        {
            let why = "Invalid value: 0x0: must be specified for an update";
            return Err(ApiError::invalid(resource, name, "metadata.resourceVersion", why));
        }
        let next = merge(resource, &stored, wanted, part);
        Ok(self.bring_to(resource, &stored, next, caller))
    }

    /// Makes an object, or brings it to this state, whatever it was. As no client can, this takes the status along.
    pub(crate) fn put(
        &mut self,
        resource: &'static Resource,
        object: Value,
        caller: &Caller,
    ) -> Result<Arc<Value>, ApiError> {
        let (namespace, name) = key_of(&object);
        if let Some(stored) = self.get(resource, &namespace, &name).cloned() {
            let next = merge(resource, &stored, object, Part::Whole);
            return Ok(Arc::clone(self.bring_to(resource, &stored, next, caller).object()));
        }
        let namespace = resource.namespaced.then_some(&*namespace);
        self.create(resource, namespace, object, Part::Whole, caller)
    }

    /// Stores the next version of an object, unless it is the same.
    pub(super) fn bring_to(
        &mut self,
        resource: &'static Resource,
        stored: &Arc<Value>,
        mut next: Value,
        caller: &Caller,
    ) -> Written {
        if is_other_generation(resource, stored, &next) {
            let generation = stored["metadata"]["generation"].as_i64().unwrap_or_default();
            next["metadata"]["generation"] = json!(generation + 1);
        }
        if next == **stored {
            return Written::Unchanged(Arc::clone(stored));
        }
        let object = self.store(resource, next, caller);
        // A deletion waits for the finalizers, and for nothing else.
        if is_released(&object) {
            self.remove(resource, &key_of(&object), caller);
        }
        Written::Stored(object)
    }

    /// Deletes an object, or marks it for deletion where finalizers hold it. Returns its last state.
    pub(crate) fn delete(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        preconditions: &Preconditions,
        caller: &Caller,
    ) -> Result<Arc<Value>, ApiError> {
        let stored = self.get(resource, namespace, name).cloned();
        let Some(stored) = stored else { return Err(ApiError::not_found(resource, name)) };
        if !self.is_aggregated(resource) {
            check(resource, name, &stored, preconditions)?;
        }
        let has_finalizers =
            stored["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
        if !has_finalizers {
            self.remove(resource, &(namespace.to_owned(), name.to_owned()), caller);
            return Ok(stored);
        }
        let mut next = (*stored).clone();
        if next["metadata"]["deletionTimestamp"].is_null() {
            next["metadata"]["deletionTimestamp"] = json!(seconds(caller.now));
            next["metadata"]["deletionGracePeriodSeconds"] = json!(0);
        }
        Ok(Arc::clone(self.bring_to(resource, &stored, next, caller).object()))
    }
}

fn metadata_of(object: &mut Value) -> Result<&mut Map<String, Value>, ApiError> {
    let Some(fields) = object.as_object_mut() else {
        return Err(ApiError::bad_request("the body is no object"));
    };
    let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
    metadata.as_object_mut().ok_or_else(|| ApiError::bad_request("metadata is no object"))
}

/// A write insists on the UID and the version that its object names.
fn preconditions_of(metadata: &Map<String, Value>) -> Preconditions {
    let text = |field: &str| {
        metadata.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Preconditions { uid: text("uid"), resource_version: text("resourceVersion") }
}

pub(super) fn check(
    resource: &Resource,
    name: &str,
    stored: &Value,
    preconditions: &Preconditions,
) -> Result<(), ApiError> {
    let Preconditions { uid, resource_version } = preconditions;
    let is = |field: &str, wanted: &Option<String>| {
        wanted.as_deref().is_none_or(|wanted| stored["metadata"][field] == wanted)
    };
    if !is("uid", uid) {
        let why = format!(
            "Precondition failed: UID in precondition: {}, UID in object meta: {}",
            uid.as_deref().unwrap_or_default(),
            uid_of(stored).unwrap_or_default()
        );
        return Err(ApiError::conflict(resource, name, &why));
    }
    if !is("resourceVersion", resource_version) {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        return Err(ApiError::conflict(resource, name, why));
    }
    Ok(())
}

/// The next version, before its generation and its version are known.
fn merge(resource: &Resource, stored: &Value, wanted: Value, part: Part) -> Value {
    if part == Part::Status {
        let mut next = stored.clone();
        next["status"] = wanted.get("status").cloned().unwrap_or(Value::Null);
        return next;
    }
    let mut next = wanted;
    // What the server alone decides.
    for field in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        restore(&mut next["metadata"], &stored["metadata"], field);
    }
    if let Some(metadata) = next["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    if resource.has_status && part == Part::Main {
        restore(&mut next, stored, "status");
    }
    name_kind(&mut next, resource);
    next
}

fn restore(next: &mut Value, stored: &Value, field: &str) {
    let Some(fields) = next.as_object_mut() else { return };
    match stored.get(field) {
        Some(value) => fields.insert(field.to_owned(), value.clone()),
        None => fields.remove(field),
    };
}

/// Typed clients leave both out.
fn name_kind(object: &mut Value, resource: &Resource) {
    object["apiVersion"] = json!(resource.api_version());
    object["kind"] = json!(resource.kind);
}

fn is_other_generation(resource: &Resource, stored: &Value, next: &Value) -> bool {
    let differs = |field: &str| stored.get(field) != next.get(field);
    match resource.generation {
        Generation::None => false,
        Generation::Spec => differs("spec"),
        Generation::Content => {
            let fields =
                |object: &Value| object.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>());
            let all = fields(stored).into_iter().chain(fields(next)).flatten();
            all.into_iter().any(|field| field != "metadata" && differs(&field))
        }
    }
}

fn is_released(object: &Value) -> bool {
    let metadata = &object["metadata"];
    !metadata["deletionTimestamp"].is_null() && metadata["finalizers"].as_array().is_none_or(Vec::is_empty)
}

/// Times of the API are whole seconds.
pub(crate) fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or_default().to_string()
}
