//! Requests from the audit log, to be narrowed down and counted.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::{Result, bail};

use super::Request;

/// Requests from the audit log, to be narrowed down and counted.
#[derive(Clone, Debug, Default)]
pub struct Requests(Vec<Request>);

impl FromIterator<Request> for Requests {
    fn from_iter<T: IntoIterator<Item = Request>>(requests: T) -> Self {
        Self(requests.into_iter().collect())
    }
}

impl Requests {
    /// Those whose `User-Agent` begins with `prefix`.
    ///
    /// # Errors
    /// There is none at all. A count of zero over the requests of an agent that never appeared proves nothing,
    /// so it is an error.
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

    /// Those about neither a Lease nor a review, which an agent needs to stay leader and to check callers.
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
