//! The filter of workloads.

use form_urlencoded::Serializer;
use tagwatch_core::issue::Status;
use tagwatch_core::text::UntrustedText;

use super::{QueryFilter, UnknownFields};
use crate::snapshot::Workload;
use crate::url::{key, pairs, with_query};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WorkloadFilter {
    pub(crate) namespace: Option<UntrustedText>,
    pub(crate) status: Option<Status>,
    /// From 1; 0 means 1.
    pub(crate) page: usize,
}

impl QueryFilter for WorkloadFilter {
    fn parse(query: Option<&str>, unknown: UnknownFields) -> Result<Self, Vec<String>> {
        let mut filter = Self::default();
        let mut problems = Vec::new();
        for (name, value) in pairs(query).filter(|(_, value)| !value.is_empty()) {
            match &*name {
                "namespace" => filter.namespace = Some(UntrustedText::from(&*value)),
                "status" => match Status::ALL.into_iter().find(|status| status.as_str() == value) {
                    Some(status) => filter.status = Some(status),
                    None => {
                        problems.push("status: expected violating, error, exempt or compliant".to_owned());
                    }
                },
                "page" => match value.parse() {
                    Ok(page) => filter.page = page,
                    Err(_) => problems.push("page: expected a number".to_owned()),
                },
                _ if unknown == UnknownFields::Ignored => {}
                _ => problems.push("expected the fields namespace, status and page, and no other".to_owned()),
            }
        }
        if problems.is_empty() { Ok(filter) } else { Err(problems) }
    }
}

impl WorkloadFilter {
    pub(crate) fn of_namespace(namespace: &UntrustedText) -> Self {
        Self { namespace: Some(key(namespace)), ..Self::default() }
    }

    /// The workloads that the filter admits, worst status first.
    pub(crate) fn select<'a>(&self, workloads: impl Iterator<Item = &'a Workload>) -> Vec<&'a Workload> {
        let admits = |workload: &&Workload| {
            self.admits_namespace(&workload.namespace)
                && self.status.is_none_or(|status| workload.status == status)
        };
        let mut selected: Vec<_> = workloads.filter(admits).collect();
        selected.sort_by_key(|workload| workload.status);
        selected
    }

    pub(crate) fn admits_namespace(&self, namespace: &UntrustedText) -> bool {
        self.namespace.as_ref().is_none_or(|admitted| key(namespace) == *admitted)
    }

    /// The address of the table of workloads with this filter.
    pub(crate) fn address(&self) -> String {
        let mut query = Serializer::new(String::new());
        if let Some(namespace) = &self.namespace {
            query.append_pair("namespace", namespace.raw());
        }
        if let Some(status) = self.status {
            query.append_pair("status", status.as_str());
        }
        if self.page > 1 {
            query.append_pair("page", &self.page.to_string());
        }
        with_query("/workloads", &query.finish())
    }

    /// The first page of another status, or of all.
    pub(crate) fn with_status(&self, status: Option<Status>) -> Self {
        Self { status, page: 0, ..self.clone() }
    }

    pub(crate) fn at_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }
}
