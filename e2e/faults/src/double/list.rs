//! Lists, whole and in pages of one consistent state.

use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::ApiError;
use super::request::{Form, Query};
use super::resource::Resource;
use super::store::{ObjectKey, Objects, Store};

impl Store {
    /// The objects that a list asks for.
    pub(super) fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &Query,
        form: Form,
    ) -> Result<Value, ApiError> {
        if self.is_aggregated(resource) {
            let items = self.whole_list(resource, namespace, query, form);
            return Ok(list(resource, &json!({}), &items, form));
        }
        let (revision, after) = match &query.continue_token {
            Some(token) => {
                let (revision, key) =
                    parse_token(token).ok_or_else(|| ApiError::bad_request("continue key is not valid"))?;
                if !self.reaches(revision) {
                    let why = "The provided continue parameter is too old to display a consistent list result. \
                               You can start a new list without the continue parameter.";
                    return Err(ApiError::expired(why.to_owned()));
                }
                (revision, Some(key))
            }
            None => (self.list_revision(query)?, None),
        };
        let objects = self.objects_at(resource, revision)?;
        let (items, rest) = page(&objects, namespace, query, after);
        let mut metadata = json!({ "resourceVersion": revision.to_string() });
        if let Some((last, remaining)) = rest {
            metadata["continue"] = json!(token(revision, last));
            // A selector would have to look at all of them.
            if query.selector.is_empty() {
                metadata["remainingItemCount"] = json!(remaining);
            }
        }
        let items: Vec<Value> = items.into_iter().map(|object| in_form(object, form)).collect();
        Ok(list(resource, &metadata, &items, form))
    }

    fn list_revision(&self, query: &Query) -> Result<u64, ApiError> {
        let wanted = query.revision()?;
        match (wanted, query.version_match.as_deref()) {
            (Some(0), Some("Exact")) => {
                Err(ApiError::bad_request("resourceVersionMatch Exact is forbidden for resourceVersion 0"))
            }
            (Some(exact), Some("Exact")) if exact > self.revision() => Err(ApiError::too_large_version()),
            (Some(exact), Some("Exact")) => Ok(exact),
            // Any state, which is that of the cache.
            (Some(0), _) => Ok(self.cached_revision()),
            (Some(least), _) if least > self.revision() => Err(ApiError::too_large_version()),
            _ => Ok(self.revision()),
        }
    }
}

fn list(resource: &Resource, metadata: &Value, items: &[Value], form: Form) -> Value {
    match form {
        Form::Whole => json!({
            "kind": format!("{}List", resource.kind), "apiVersion": resource.api_version(),
            "metadata": metadata, "items": items,
        }),
        Form::Metadata => json!({
            "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata, "items": items,
        }),
    }
}

/// The objects of a page, and where the next one begins: behind this key, with so many left.
type Page<'a> = (Vec<&'a Arc<Value>>, Option<(&'a ObjectKey, usize)>);

fn page<'a>(
    objects: &'a Objects,
    namespace: Option<&str>,
    query: &Query,
    after: Option<ObjectKey>,
) -> Page<'a> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let selected: Vec<(&ObjectKey, &Arc<Value>)> = objects
        .range((from, Bound::Unbounded))
        .filter(|(key, object)| {
            namespace.is_none_or(|namespace| key.0 == namespace) && query.selector.matches(object)
        })
        .collect();
    let limit = query.limit.unwrap_or(usize::MAX);
    let remaining = selected.len().saturating_sub(limit);
    let items = selected.iter().take(limit);
    let last = items.clone().next_back().filter(|_| remaining > 0).map(|(key, _)| (*key, remaining));
    (items.map(|(_, object)| *object).collect(), last)
}

/// An object as it is sent.
pub(super) fn in_form(object: &Value, form: Form) -> Value {
    match form {
        Form::Whole => object.clone(),
        Form::Metadata => json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
        }),
    }
}

fn token(revision: u64, (namespace, name): &ObjectKey) -> String {
    format!("{revision}.{namespace}/{name}")
}

fn parse_token(token: &str) -> Option<(u64, ObjectKey)> {
    let (revision, place) = token.split_once('.')?;
    let (namespace, name) = place.split_once('/')?;
    Some((revision.parse().ok()?, (namespace.to_owned(), name.to_owned())))
}
