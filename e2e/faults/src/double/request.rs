//! From method, path and query to what is asked for.

use http::{HeaderMap, Method, Uri};

use super::answer::ApiError;
use super::selector::Selector;

/// What a request does, as RBAC and the audit log name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of RBAC")]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 7] =
        [Self::Get, Self::List, Self::Watch, Self::Create, Self::Update, Self::Patch, Self::Delete];

    /// Whether it changes something.
    pub fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Patch | Self::Delete)
    }
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) verb: Verb,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl Target {
    /// `None` for paths without a resource, such as those of discovery.
    pub(crate) fn of(method: &Method, uri: &Uri) -> Option<Self> {
        let mut segments = uri.path().split('/').filter(|segment| !segment.is_empty());
        let (group, version) = match segments.next()? {
            "api" => ("", segments.next()?),
            "apis" => (segments.next()?, segments.next()?),
            _ => return None,
        };
        let rest: Vec<&str> = segments.collect();
        let (namespace, rest) = match rest.as_slice() {
            ["namespaces", namespace, rest @ ..] if !matches!(rest, [] | ["status" | "finalize"]) => {
                (Some((*namespace).to_owned()), rest)
            }
            rest => (None, rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (plural, None, None),
            [plural, name] => (plural, Some(*name), None),
            [plural, name, subresource] => (plural, Some(*name), Some(*subresource)),
            _ => return None,
        };
        let is_watch = uri
            .query()
            .is_some_and(|query| query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1")));
        let verb = match *method {
            Method::GET if is_watch => Verb::Watch,
            Method::GET if name.is_none() => Verb::List,
            Method::GET => Verb::Get,
            Method::POST => Verb::Create,
            Method::PUT => Verb::Update,
            Method::PATCH => Verb::Patch,
            Method::DELETE => Verb::Delete,
            _ => return None,
        };
        Some(Self {
            verb,
            group: group.to_owned(),
            version: version.to_owned(),
            plural: (*plural).to_owned(),
            namespace,
            name: name.map(str::to_owned),
            subresource: subresource.map(str::to_owned),
        })
    }
}

/// The options of a request.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) selector: Selector,
    pub(super) limit: Option<usize>,
    pub(super) continue_token: Option<String>,
    /// `None` and `""` are the same to the API server.
    pub(super) resource_version: Option<String>,
    pub(super) version_match: Option<String>,
    pub(super) sends_initial_events: bool,
    pub(super) allows_bookmarks: bool,
    pub(super) timeout_seconds: Option<u64>,
    pub(super) field_manager: Option<String>,
    pub(super) is_forced: bool,
}

impl Query {
    pub(super) fn parse(uri: &Uri) -> Result<Self, ApiError> {
        let mut query = Self::default();
        let (mut labels, mut fields) = (None, None);
        for (key, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let value = value.into_owned();
            let is_true = value == "true";
            match &*key {
                "labelSelector" => labels = Some(value),
                "fieldSelector" => fields = Some(value),
                "limit" => query.limit = Some(number(&value)?),
                "continue" => query.continue_token = Some(value).filter(|token| !token.is_empty()),
                "resourceVersion" => {
                    query.resource_version = Some(value).filter(|version| !version.is_empty());
                }
                "resourceVersionMatch" => query.version_match = Some(value),
                "sendInitialEvents" => query.sends_initial_events = is_true,
                "allowWatchBookmarks" => query.allows_bookmarks = is_true,
                "timeoutSeconds" => query.timeout_seconds = Some(number(&value)?),
                "fieldManager" => query.field_manager = Some(value),
                "force" => query.is_forced = is_true,
                _ => {}
            }
        }
        query.limit = query.limit.filter(|limit| *limit > 0);
        query.selector = Selector::parse(labels.as_deref(), fields.as_deref())?;
        Ok(query)
    }

    /// The version that is asked for; `None` for the newest, 0 for any.
    pub(super) fn revision(&self) -> Result<Option<u64>, ApiError> {
        self.resource_version.as_deref().map(number).transpose()
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, ApiError> {
    text.parse()
        .map_err(|_| ApiError::bad_request(&format!("strconv.ParseUint: parsing {text:?}: invalid syntax")))
}

/// In which form objects are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    /// `PartialObjectMetadata`.
    Metadata,
}

impl Form {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(http::header::ACCEPT).and_then(|accept| accept.to_str().ok());
        if accept.is_some_and(|accept| accept.contains("as=PartialObjectMetadata")) {
            Self::Metadata
        } else {
            Self::Whole
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_what_they_lead_to() {
        let of = |method: Method, uri: &str| Target::of(&method, &uri.parse().unwrap());
        let target =
            of(Method::PATCH, "/apis/tagwatch.dev/v1alpha1/tagpolicies/default/status?force=true").unwrap();
        assert_eq!(
            (target.verb, &*target.plural, target.subresource.as_deref()),
            (Verb::Patch, "tagpolicies", Some("status"))
        );
        let target = of(Method::GET, "/api/v1/namespaces/shop/pods?watch=true").unwrap();
        assert_eq!(
            (target.verb, target.namespace.as_deref(), target.name),
            (Verb::Watch, Some("shop"), None)
        );
        let target = of(Method::GET, "/api/v1/namespaces/shop").unwrap();
        assert_eq!((target.verb, &*target.plural, target.namespace), (Verb::Get, "namespaces", None));
        assert_eq!(of(Method::GET, "/api/v1/namespaces").unwrap().verb, Verb::List);
        assert_eq!(of(Method::GET, "/apis/apps/v1"), None);
        assert_eq!(of(Method::GET, "/apis"), None);
    }
}
