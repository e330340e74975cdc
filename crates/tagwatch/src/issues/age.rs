//! Ages as kubectl prints them.

use k8s_openapi::jiff::Timestamp;
use tagwatch_client::StoredIssue;

/// Time since an issue was first seen.
pub(super) fn age_of(issue: &StoredIssue, now: Timestamp) -> String {
    let since = issue.since.map(|since| age(now.as_second().saturating_sub(since.as_second())));
    since.unwrap_or_else(|| "<unknown>".to_owned())
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
