//! Why a report is not stored as it should be.

/// Why the report of a workload is not stored as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportFailure {
    /// There is no right to read or write reports.
    Forbidden,
    /// A `ResourceQuota` of the namespace is used up.
    QuotaExceeded,
    /// An admission webhook or policy denies it, or the webhook does not answer.
    AdmissionDenied,
    /// The API server refuses its content.
    Invalid,
    /// etcd has no space left.
    StorageFull,
    /// The API server does not answer, answers with an error of its own, or asks to wait.
    Unavailable,
    /// A report of another instance, or of another program, has its name.
    NameTaken,
}

/// What `k8s.io/apiserver/pkg/admission/plugin` writes into its refusals: `webhook/errors/statuserror.go`,
/// `webhook/mutating` and `webhook/validating/dispatcher.go`, `policy/validating/dispatcher.go`.
const BY_ADMISSION: [&str; 4] = [
    "admission webhook \"",
    "failed calling webhook \"",
    "ValidatingAdmissionPolicy '",
    "MutatingAdmissionPolicy '",
];
/// The same of `resourcequota/controller.go`.
const BY_QUOTA: [&str; 4] = [
    "exceeded quota: ",
    "failed quota: ",
    "status unknown for quota: ",
    "insufficient quota to match these scopes",
];
/// `ErrGRPCNoSpace` in `go.etcd.io/etcd/api/v3/v3rpc/rpctypes/error.go`; the API server passes it on with status 500.
const BY_STORAGE: &str = "database space exceeded";

impl ReportFailure {
    /// The failure that the API server answers with. Status codes alone do not tell them apart: a quota and a webhook
    /// answer 403 like RBAC, and a webhook may answer with any code.
    pub fn of_answer(code: u16, message: &str) -> Self {
        let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
        match code {
            _ if says(&BY_ADMISSION) => Self::AdmissionDenied,
            403 if says(&BY_QUOTA) => Self::QuotaExceeded,
            500.. if says(&[BY_STORAGE]) => Self::StorageFull,
            401 | 403 => Self::Forbidden,
            400 | 413 | 422 => Self::Invalid,
            _ => Self::Unavailable,
        }
    }

    /// Whether it is certain that nothing was stored, and waiting alone does not help.
    pub fn is_refusal(self) -> bool {
        self != Self::Unavailable
    }

    /// The reason in words, about several reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::Forbidden => "tagwatch has no right to read or write them",
            Self::QuotaExceeded => "a ResourceQuota is used up",
            Self::AdmissionDenied => "an admission webhook or policy denies them, or does not answer",
            Self::Invalid => "the API server refuses their content",
            Self::StorageFull => "etcd has no space left",
            Self::Unavailable => "the API server does not answer, has an error of its own, or asks to wait",
            Self::NameTaken => "another instance of tagwatch, or another program, has reports of these names",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages as the API server of Kubernetes 1.35 writes them.
    #[test]
    fn refusals_of_one_status_code_are_told_apart_by_their_message() {
        for (code, message, failure) in [
            (
                403,
                "policyreports.wgpolicyk8s.io is forbidden: User \"system:serviceaccount:tagwatch:tagwatch\" cannot \
                 create resource \"policyreports\" in API group \"wgpolicyk8s.io\" in the namespace \"quota\"",
                ReportFailure::Forbidden,
            ),
            (401, "Unauthorized", ReportFailure::Forbidden),
            (
                403,
                "policyreports.wgpolicyk8s.io \"tagwatch-1\" is forbidden: exceeded quota: reports, requested: \
                 count/policyreports.wgpolicyk8s.io=1, used: count/policyreports.wgpolicyk8s.io=0, limited: \
                 count/policyreports.wgpolicyk8s.io=0",
                ReportFailure::QuotaExceeded,
            ),
            (
                403,
                "admission webhook \"validate.example.com\" denied the request: exceeded quota: of another kind",
                ReportFailure::AdmissionDenied,
            ),
            (
                400,
                "admission webhook \"validate.example.com\" denied the request without explanation",
                ReportFailure::AdmissionDenied,
            ),
            (
                500,
                "Internal error occurred: failed calling webhook \"validate.example.com\": failed to call webhook: Post \
                 \"https://validate.example.svc:443/?timeout=10s\": service \"validate\" not found",
                ReportFailure::AdmissionDenied,
            ),
            (
                422,
                "policyreports.wgpolicyk8s.io \"tagwatch-1\" is forbidden: ValidatingAdmissionPolicy 'no-reports' with \
                 binding 'no-reports' denied request: failed expression: false",
                ReportFailure::AdmissionDenied,
            ),
            (
                422,
                "PolicyReport.wgpolicyk8s.io \"tagwatch-1\" is invalid: results[0].result: Unsupported value",
                ReportFailure::Invalid,
            ),
            (413, "Request entity too large: limit is 3145728", ReportFailure::Invalid),
            (500, "etcdserver: mvcc: database space exceeded", ReportFailure::StorageFull),
            (500, "etcdserver: request timed out", ReportFailure::Unavailable),
            (429, "too many requests, please try again later", ReportFailure::Unavailable),
        ] {
            assert_eq!(ReportFailure::of_answer(code, message), failure, "{code} {message}");
        }
    }
}
