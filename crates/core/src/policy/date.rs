//! Dates as policies and annotations write them.

use jiff::civil::Date;

use crate::text::UntrustedText;

/// Reads a date of the calendar, written in full. The error is a message that is safe for a terminal.
pub fn parse_date(text: &str) -> Result<Date, String> {
    let parsed: Option<Date> = Date::strptime("%Y-%m-%d", text).ok();
    parsed.filter(|date| date.to_string() == text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        let shown = UntrustedText::from(shown).terminal();
        format!("\"{shown}\" is no date; expected YYYY-MM-DD, such as 2027-01-31")
    })
}
