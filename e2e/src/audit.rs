//! Counting requests from the API server's audit log.
//!
//! The log has one line of JSON for each request whose answer is complete (level Metadata, stage
//! `ResponseComplete`). A watch is in it once it has ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The audit log of a control plane.
#[derive(Clone, Debug)]
pub struct AuditLog {
    path: PathBuf,
}

/// A place in the audit log: everything behind it came later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// One request, as the API server saw it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Request {
    /// The API verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// Path and query.
    #[serde(rename = "requestURI")]
    pub uri: String,
    /// The `User-Agent` header; empty without one.
    pub user_agent: String,
    user: User,
    #[serde(rename = "objectRef")]
    object: Object,
    #[serde(rename = "responseStatus")]
    response: Response,
    /// When the request came in (RFC 3339, microseconds, by the API server's clock).
    pub request_received_timestamp: String,
    /// When the answer was complete, likewise.
    pub stage_timestamp: String,
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

    /// Whether the verb is one that writes.
    pub fn is_mutating(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    /// Whether this is about a Lease, or asks the API server to judge somebody (`TokenReview` and the
    /// `SubjectAccessReview` kinds): a `create` by its verb that stores nothing.
    pub fn is_lease_or_review(&self) -> bool {
        match self.group() {
            "coordination.k8s.io" => self.object.resource == "leases",
            "authentication.k8s.io" | "authorization.k8s.io" => self.object.resource.ends_with("reviews"),
            _ => false,
        }
    }
}

impl AuditLog {
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The end of the log as it is now.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn mark(&self) -> Result<Mark> {
        let metadata = self.path.metadata().with_context(|| self.path.display().to_string())?;
        Ok(Mark(metadata.len()))
    }

    /// The requests behind `mark`. Nothing is left out.
    ///
    /// # Errors
    /// The log cannot be read, or a line in it is no audit event.
    pub fn since(&self, mark: Mark) -> Result<Requests> {
        self.advance(&mut { mark })
    }

    /// The requests behind `mark`, which is moved behind the last of them: for readers that come back often.
    ///
    /// # Errors
    /// The log cannot be read, or a line in it is no audit event.
    pub fn advance(&self, mark: &mut Mark) -> Result<Requests> {
        let read = |from: u64| -> Result<(Vec<Request>, u64)> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(from))?;
            complete_lines(BufReader::new(file))
        };
        let (requests, bytes) = read(mark.0).with_context(|| self.path.display().to_string())?;
        mark.0 += bytes;
        Ok(Requests(requests))
    }
}

/// Parses all lines that are complete, and counts their bytes; the API server may be writing the last one.
fn complete_lines(mut log: impl BufRead) -> Result<(Vec<Request>, u64)> {
    let (mut requests, mut bytes, mut line) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let length = log.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Ok((requests, bytes));
        }
        let request = serde_json::from_slice(&line)
            .with_context(|| format!("no audit event: {}", String::from_utf8_lossy(&line).trim_end()))?;
        requests.push(request);
        bytes += u64::try_from(length)?;
    }
}

/// Requests from the audit log, to be narrowed down and counted.
#[derive(Clone, Debug, Default)]
pub struct Requests(Vec<Request>);

impl Requests {
    /// Those whose `User-Agent` begins with `prefix`.
    ///
    /// # Errors
    /// There is none at all. A count of zero over the requests of an agent that never appeared says nothing,
    /// so it cannot be had.
    pub fn by_agent(&self, prefix: &str) -> Result<Self> {
        let found = self.matching(|request| request.user_agent.starts_with(prefix));
        if found.0.is_empty() {
            bail!("no request at all by an agent {prefix}…, only by {:?}", self.agents());
        }
        Ok(found)
    }

    /// Those by this user.
    ///
    /// # Errors
    /// There is none at all, as with [`by_agent`](Self::by_agent).
    pub fn by_user(&self, user: &str) -> Result<Self> {
        let found = self.matching(|request| request.user() == user);
        if found.0.is_empty() {
            bail!("no request at all by user {user}");
        }
        Ok(found)
    }

    /// Those that write. See [`without_leases_and_reviews`](Self::without_leases_and_reviews).
    #[must_use]
    pub fn mutating(&self) -> Self {
        self.matching(Request::is_mutating)
    }

    /// Those that are no Lease and no review: what an agent does beyond staying leader and checking callers.
    #[must_use]
    pub fn without_leases_and_reviews(&self) -> Self {
        self.matching(|request| !request.is_lease_or_review())
    }

    /// Those with this resource and subresource, as in `pods` or `pods/status`.
    #[must_use]
    pub fn of_resource(&self, resource: &str) -> Self {
        self.matching(|request| request.resource() == resource)
    }

    /// Those for which `wanted` holds.
    #[must_use]
    pub fn matching(&self, wanted: impl Fn(&Request) -> bool) -> Self {
        Self(self.0.iter().filter(|request| wanted(request)).cloned().collect())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Each of them, in the order of their answers.
    pub fn iter(&self) -> impl Iterator<Item = &Request> {
        self.0.iter()
    }

    /// How many there are of each verb, resource and status code.
    pub fn tally(&self) -> BTreeMap<(String, String, u16), usize> {
        let mut tally = BTreeMap::new();
        for request in &self.0 {
            *tally.entry((request.verb.clone(), request.resource(), request.code())).or_default() += 1;
        }
        tally
    }

    fn agents(&self) -> BTreeSet<&str> {
        self.0.iter().map(|request| request.user_agent.as_str()).collect()
    }
}

/// The tally, for the message of a failed assertion.
impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests", self.count())?;
        for ((verb, resource, code), count) in self.tally() {
            write!(f, "\n  {count:6} {verb} {resource} -> {code}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(agent: &str, verb: &str, group: &str, resource: &str) -> String {
        format!(
            "{{\"verb\":\"{verb}\",\"userAgent\":\"{agent}\",\"user\":{{\"username\":\"admin\"}},\
             \"objectRef\":{{\"apiGroup\":\"{group}\",\"resource\":\"{resource}\"}},\
             \"responseStatus\":{{\"code\":201}}}}\n"
        )
    }

    fn parsed(log: &str) -> (Requests, u64) {
        let (requests, bytes) = complete_lines(log.as_bytes()).unwrap();
        (Requests(requests), bytes)
    }

    #[test]
    fn leaves_an_incomplete_line_for_later() {
        let whole = event("a/1", "get", "", "pods");
        let (requests, bytes) = parsed(&format!("{whole}{{\"verb\":\"cre"));
        assert_eq!((requests.count(), bytes), (1, u64::try_from(whole.len()).unwrap()));
    }

    #[test]
    fn refuses_what_is_no_event() {
        assert!(complete_lines(&b"panic: nil map\n"[..]).is_err());
    }

    #[test]
    fn an_agent_that_never_appeared_is_no_zero() {
        let (requests, _) = parsed(&event("a/1", "list", "", "pods"));
        assert_eq!(requests.by_agent("a/").unwrap().mutating().count(), 0);
        let failure = requests.by_agent("b/").unwrap_err();
        assert_eq!(failure.to_string(), r#"no request at all by an agent b/…, only by {"a/1"}"#);
    }

    #[test]
    fn tells_writes_from_leases_and_reviews() {
        let log = [
            event("a/1", "update", "coordination.k8s.io", "leases"),
            event("a/1", "create", "authentication.k8s.io", "tokenreviews"),
            event("a/1", "create", "authorization.k8s.io", "subjectaccessreviews"),
            event("a/1", "create", "wgpolicyk8s.io", "policyreports"),
            event("a/1", "watch", "", "pods"),
        ];
        let writes = parsed(&log.concat()).0.mutating().without_leases_and_reviews();
        assert_eq!(writes.to_string(), "1 requests\n       1 create policyreports -> 201");
    }
}
