//! One line of the audit log (`audit.k8s.io/v1`, Event).

use serde::Deserialize;

/// One request, as the API server saw it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub(super) stage: Stage,
    /// The same in both lines of a request.
    #[serde(rename = "auditID")]
    pub(super) audit_id: String,
    /// The API verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// Path and query of the request.
    #[serde(rename = "requestURI")]
    pub uri: String,
    /// The `User-Agent` header; empty without one.
    #[serde(default)]
    pub user_agent: String,
    #[serde(default)]
    user: User,
    #[serde(default, rename = "objectRef")]
    object: Object,
    #[serde(default, rename = "responseStatus")]
    response: Response,
    /// When the request came in (RFC 3339, microseconds, by the API server's clock).
    pub request_received_timestamp: String,
    /// When the answer was complete, likewise.
    pub stage_timestamp: String,
}

/// How far the request had come: the stages that the control plane's audit policy asks for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(super) enum Stage {
    RequestReceived,
    ResponseComplete,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct User {
    username: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Object {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
    api_group: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Response {
    code: u16,
}

impl Request {
    /// The user's name, as in `system:serviceaccount:tagwatch:tagwatch`.
    pub fn user(&self) -> &str {
        &self.user.username
    }

    /// The resource with its subresource, as in `pods` or `pods/status`; empty for what is no resource.
    pub fn resource(&self) -> String {
        match self.object.subresource.as_str() {
            "" => self.object.resource.clone(),
            subresource => format!("{}/{subresource}", self.object.resource),
        }
    }

    /// The API group of the resource; empty for the core group.
    pub fn group(&self) -> &str {
        &self.object.api_group
    }

    /// Namespace and name of the object; empty where the request names none.
    pub fn object(&self) -> (&str, &str) {
        (&self.object.namespace, &self.object.name)
    }

    /// The HTTP status code of the answer.
    pub fn code(&self) -> u16 {
        self.response.code
    }

    /// Whether it was carried out.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.response.code)
    }

    /// Whether the verb is one that writes.
    pub fn is_mutating(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    /// Whether this is about a Lease, or asks about a user (`TokenReview` and the
    /// `SubjectAccessReview` kinds): a `create` by its verb that stores nothing.
    pub fn is_lease_or_review(&self) -> bool {
        match self.group() {
            "coordination.k8s.io" => self.object.resource == "leases",
            "authentication.k8s.io" | "authorization.k8s.io" => self.object.resource.ends_with("reviews"),
            _ => false,
        }
    }
}
