//! `tagwatch issues`.

mod age;
mod block;
mod document;
mod empty;
mod rows;
mod watch;

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anyhow::{Error, anyhow};
use k8s_openapi::jiff::Timestamp;
use tagwatch_client::{IssueWatch, ListedIssues, StoredIssue, list_issues};
use tagwatch_core::structured;
use tagwatch_core::workload::resource_name;

use crate::args::{IssuesArgs, IssuesFormat};
use crate::cluster::with_client;
use crate::status::Failure;
use crate::style::style;
pub(crate) use document::IssueList;
use rows::Rows;

/// How the issues are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// A row for each; blocks where the terminal is too narrow.
    Rows {
        is_wide: bool,
    },
    /// A block for each, with the evidence.
    Evidence,
    Json,
    Yaml,
    Name,
}

impl View {
    fn of(args: &IssuesArgs) -> Self {
        match args.output {
            None if args.drift => Self::Evidence,
            None | Some(IssuesFormat::Table) => Self::Rows { is_wide: false },
            Some(IssuesFormat::Wide) => Self::Rows { is_wide: true },
            Some(IssuesFormat::Json) => Self::Json,
            Some(IssuesFormat::Yaml) => Self::Yaml,
            Some(IssuesFormat::Name) => Self::Name,
        }
    }
}

pub(crate) fn issues(args: &IssuesArgs) -> Result<ExitCode, Failure> {
    let view = View::of(args);
    if args.watch && !matches!(view, View::Rows { .. } | View::Json) {
        let message =
            "--watch works with the formats table, wide and json; with --drift, name one by --output";
        return Err(Failure::Usage(anyhow!(message)));
    }
    with_client(&args.cluster(), async |client, clock| {
        let query = args.query(client.default_namespace());
        let failed = |error| Failure::Api(Error::new(error));
        if args.watch {
            let (listed, changes) = IssueWatch::start(&client, &query, &clock).await.map_err(failed)?;
            empty::explain(&client, &query, &listed).await?;
            return watch::follow(view, &query, &listed, changes, &clock).await;
        }
        let listed = list_issues(&client, &query, &clock).await.map_err(failed)?;
        empty::explain(&client, &query, &listed).await?;
        write(view, &listed, query.namespace.is_none(), clock.now())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn write(view: View, listed: &ListedIssues, with_namespace: bool, now: Timestamp) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    match view {
        View::Json => out.write_all(structured::json(&IssueList::new(listed))?.as_bytes())?,
        View::Yaml => out.write_all(structured::yaml(&IssueList::new(listed))?.as_bytes())?,
        View::Name => out.write_all(names(&listed.issues).as_bytes())?,
        View::Evidence => {
            let blocks =
                listed.issues.iter().map(|issue| block::with_evidence(issue, now, style(&io::stdout())));
            out.write_all(blocks.collect::<Vec<_>>().join("\n").as_bytes())?;
        }
        View::Rows { is_wide } => {
            let rows = Rows::new(&listed.issues, with_namespace, is_wide, now, style(&io::stdout()));
            out.write_all(rows.text(&listed.issues, now).as_bytes())?;
        }
    }
    Ok(out.flush()?)
}

/// The workloads, each once, as `kubectl get -o name` prints them.
fn names(issues: &[StoredIssue]) -> String {
    let mut seen = BTreeSet::new();
    let workloads = issues.iter().filter(|issue| seen.insert((&issue.namespace, name(issue))));
    workloads.map(|issue| name(issue) + "\n").collect()
}

fn name(issue: &StoredIssue) -> String {
    resource_name(&issue.api_version, &issue.kind, &issue.name)
}
