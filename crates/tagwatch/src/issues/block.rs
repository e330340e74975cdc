//! Issues as blocks of lines.

use k8s_openapi::jiff::Timestamp;
use tagwatch_client::StoredIssue;
use tagwatch_core::text::UntrustedText;
use tagwatch_scan::output::Style;
use tagwatch_scan::output::columns::{fold, wrap};

use super::age::age_of;
use super::rows::severity_color;

const INDENT: &str = "  ";

/// The issue, its container and its image.
pub(super) fn short(issue: &StoredIssue, now: Timestamp, style: Style) -> String {
    let StoredIssue { container, image, result, .. } = issue;
    let place = format!("container {}: {}", container.terminal(), image.terminal());
    let mut lines = head(issue, &result.terminal(), now, style);
    lines.extend(fold(&place, INDENT, style.width));
    lines.join("\n") + "\n"
}

/// The issue, its message, and below it the evidence.
pub(super) fn with_evidence(issue: &StoredIssue, now: Timestamp, style: Style) -> String {
    let StoredIssue { message, evidence, confidence, .. } = issue;
    let mut lines = head(issue, &confidence.terminal(), now, style);
    lines.extend(fold(&message.terminal(), INDENT, style.width));
    let evidence = evidence.raw().lines();
    let evidence = evidence.map(|line| format!("{INDENT}{INDENT}{}", UntrustedText::from(line).terminal()));
    lines.extend(evidence.flat_map(|line| wrap(&line, style.width)));
    lines.join("\n") + "\n"
}

/// `shop/Deployment/web: latest-tag (high, fail) for 5m`.
fn head(issue: &StoredIssue, detail: &str, now: Timestamp, style: Style) -> Vec<String> {
    let StoredIssue { namespace, kind, name, rule, severity, .. } = issue;
    let [namespace, kind, name, rule, severity] =
        [namespace, kind, name, rule, severity].map(UntrustedText::terminal);
    let detail = if detail.is_empty() { String::new() } else { format!(", {detail}") };
    let head = format!("{namespace}/{kind}/{name}: {rule} ({severity}{detail}) for {}", age_of(issue, now));
    let lines = fold(&head, "", style.width);
    lines.iter().map(|line| style.paint(severity_color(issue), line)).collect()
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn evidence_fits_a_narrow_terminal_and_keeps_every_digest_whole_elsewhere() {
        let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
        let issue = StoredIssue {
            rule: "mixed-digests".into(),
            evidence: format!("podsRun:\n- digest: {digest}\n  pods: 1\n").as_str().into(),
            ..StoredIssue::default()
        };
        let text = |width| with_evidence(&issue, Timestamp::UNIX_EPOCH, Style { color: false, width });
        assert!(text(None).contains(&format!("    - digest: {digest}\n")), "{}", text(None));
        let narrow = text(Some(60));
        assert!(narrow.lines().all(|line| line.width() <= 60), "{narrow}");
        let letters = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(letters(&narrow), letters(&text(None)));
    }
}
