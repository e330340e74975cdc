//! Why something has no page.

/// Why a workload, or any workload of a namespace, is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// Not everything has been checked once since the start.
    Starting,
    /// The installation does not watch the namespace.
    NamespaceNotWatched,
    /// There is no such namespace.
    NamespaceNotKnown,
    /// The policy's scope leaves the namespace out.
    OutOfScope,
    /// A kind of Kubernetes that runs nothing.
    KindWithoutPods,
    /// A watched kind has this label, and there is no such object.
    KindSpelledOtherwise(Box<str>),
    /// The kind is neither known nor declared by the policy.
    KindNotWatched,
    /// There is no right to list and watch the kind.
    KindForbidden,
    /// The policy declares the kind, and the API server does not serve it.
    KindNotServed,
    /// The object is there, and is reported under another one, its controller: kind, as its label, and name.
    ReportedUnder(Box<str>, Box<str>),
    /// The namespace exists, and nothing in it is checked.
    NamespaceEmpty,
    /// The namespace and the kind are watched, and there is no such object.
    NotKnown,
}
