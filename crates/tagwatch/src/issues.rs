//! The command `tagwatch issues`: lists the issues of a cluster from its reports.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use k8s_openapi::jiff::Timestamp;
use tagwatch_client::{IssueQuery, StoredIssue, list_issues};
use tagwatch_core::text::UntrustedText;

use crate::args::IssuesArgs;
use crate::cluster::with_client;
use crate::status::Failure;

const HEADER: [&str; 9] =
    ["NAMESPACE", "KIND", "NAME", "CONTAINER", "RULE", "SEVERITY", "RESULT", "AGE", "IMAGE"];

pub(crate) fn issues(args: IssuesArgs) -> Result<ExitCode, Failure> {
    let IssuesArgs { namespace, all_namespaces, selector, drift, context } = args;
    let (issues, scope, now) = with_client(context.as_deref(), async |client, clock| {
        let namespace =
            (!all_namespaces).then(|| namespace.unwrap_or_else(|| client.default_namespace().to_owned()));
        let query = IssueQuery { namespace: namespace.clone(), selector, drift };
        let issues =
            list_issues(&client, &query, &clock).await.map_err(|error| Failure::Api(anyhow!("{error}")))?;
        Ok((issues, namespace, clock.now()))
    })?;
    if issues.is_empty() {
        let place = scope.map_or_else(|| "any namespace".to_owned(), |name| format!("namespace {name}"));
        let what = if drift { "drift" } else { "issues" };
        writeln!(io::stderr(), "No {what} found in {place}.")?;
        return Ok(ExitCode::SUCCESS);
    }
    if drift {
        write_drift(&issues, now)?;
    } else {
        write_table(&issues, now, scope.is_none())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_table(issues: &[StoredIssue], now: Timestamp, with_namespace: bool) -> io::Result<()> {
    let rows: Vec<[String; 9]> = issues.iter().map(|issue| row(issue, now)).collect();
    let mut widths = HEADER.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let first = usize::from(!with_namespace);
    let mut out = BufWriter::new(io::stdout().lock());
    for row in std::iter::once(&HEADER.map(str::to_owned)).chain(&rows) {
        let cells: Vec<String> =
            row.iter().zip(widths).skip(first).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", cells.join("   ").trim_end())?;
    }
    out.flush()
}

/// A block for each issue: its message, and below it the evidence.
fn write_drift(issues: &[StoredIssue], now: Timestamp) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for (index, issue) in issues.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        let StoredIssue {
            namespace, kind, name, rule, severity, confidence, since, message, evidence, ..
        } = issue;
        let age =
            since.map_or_else(|| "<unknown>".to_owned(), |since| age(now.as_second() - since.as_second()));
        let confidence = match confidence.terminal() {
            none if none.is_empty() => none,
            confidence => format!(", {confidence}"),
        };
        writeln!(
            out,
            "{}/{}/{}: {} ({}{confidence}) for {age}",
            namespace.terminal(),
            kind.terminal(),
            name.terminal(),
            rule.terminal(),
            severity.terminal(),
        )?;
        writeln!(out, "  {}", message.terminal())?;
        for line in evidence.raw().lines() {
            writeln!(out, "    {}", UntrustedText::from(line).terminal())?;
        }
    }
    out.flush()
}

fn row(issue: &StoredIssue, now: Timestamp) -> [String; 9] {
    let StoredIssue { namespace, kind, name, container, image, rule, severity, result, since, .. } = issue;
    [
        namespace.terminal(),
        kind.terminal(),
        name.terminal(),
        container.terminal(),
        rule.terminal(),
        severity.terminal(),
        result.terminal(),
        since.map_or_else(|| "<unknown>".to_owned(), |since| age(now.as_second() - since.as_second())),
        image.terminal(),
    ]
}

/// Seconds as kubectl prints ages (`HumanDuration` in `k8s.io/apimachinery`): at most two units.
fn age(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let two = |large: i64, unit: char, small: i64, smaller: char| {
        if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{smaller}") }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_kubectl_writes_them() {
        let ages = [
            (-5, "0s"),
            (90, "90s"),
            (120, "2m"),
            (125, "2m5s"),
            (3_600, "60m"),
            (10_800, "3h"),
            (11_100, "3h5m"),
            (86_400, "24h"),
            (172_800, "2d"),
            (190_800, "2d5h"),
            (864_000, "10d"),
            (63_158_400, "2y1d"),
        ];
        for (seconds, expected) in ages {
            assert_eq!(age(seconds), expected, "{seconds}");
        }
    }
}
