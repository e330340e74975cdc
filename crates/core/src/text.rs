//! Text from a cluster or a manifest, which is hostile until it is escaped for its destination.

use std::fmt;
use std::sync::Arc;

/// Text that users of the cluster write: image references, names, annotations.
///
/// An API server accepts escape sequences, NUL, newlines, right-to-left marks and megabytes of text in an
/// image field, so this type has no `Display`. It leaves the program through the methods below only, one for
/// each kind of destination. Cloning is cheap: the text is shared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UntrustedText(Arc<str>);

impl UntrustedText {
    /// Wraps text as it was read.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, to be checked or compared, never to be shown.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// For a JSON or YAML serializer, which escapes it.
    pub fn json(&self) -> &str {
        &self.0
    }

    /// For a Prometheus label: control characters replaced, since dashboards print labels as they are. A backslash is
    /// replaced too, so that two texts never become one label.
    pub fn label(&self) -> String {
        let parts: Vec<String> = self.0.split('\\').map(escape).collect();
        parts.join("\\u{5c}")
    }

    /// For a YAML block mapping: one line that reads back as exactly this text. It is plain where no reader can
    /// take it for anything but a string, else double-quoted, with escapes for all that a YAML stream may not
    /// hold (YAML 1.2.2, sections 5.1 and 5.7) and for all that [`Self::terminal`] escapes.
    pub fn yaml(&self) -> String {
        if is_plain_yaml(&self.0) { self.0.to_string() } else { quote_yaml(&self.0, usize::MAX) }
    }

    /// The longest head of the text whose quoted YAML scalar takes at most `max` bytes.
    pub(crate) fn yaml_head(&self, max: usize) -> String {
        quote_yaml(&self.0, max)
    }

    /// For a terminal, a log line or a message that may end in one: whatever could move the cursor, change
    /// colours, reorder text or break a line is written as `\u{…}`.
    pub fn terminal(&self) -> String {
        escape(&self.0)
    }

    /// For HTML, as text or within a quoted attribute: markup is escaped, and so is all that [`Self::terminal`]
    /// escapes, since a browser hides and reorders text by the same characters. What right-to-left letters reorder
    /// around themselves is for the page to isolate (`unicode-bidi: isolate`).
    pub fn html(&self) -> String {
        let mut out = String::with_capacity(self.0.len());
        for c in self.0.chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                c if is_unsafe(c) => out.extend(c.escape_unicode()),
                c => out.push(c),
            }
        }
        out
    }

    /// For a line of Markdown, a table's cell too: it reads as the text, and marks up nothing.
    pub fn markdown(&self) -> String {
        let mut out = String::with_capacity(self.0.len());
        for c in escape(&self.0).chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '\\' | '`' | '*' | '_' | '[' | ']' | '{' | '}' | '>' | '|' | '~' | '#' | '!' | '$' => {
                    out.extend(['\\', c]);
                }
                c => out.push(c),
            }
        }
        out
    }
}

/// `Debug` escapes as a Rust string literal does, so it is safe in logs.
impl fmt::Debug for UntrustedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", escape(&self.0))
    }
}

impl From<&str> for UntrustedText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for UntrustedText {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// The head of a text in at most `max` bytes, without half a character.
#[must_use]
pub fn truncate_bytes(mut text: String, max: usize) -> String {
    text.truncate(text.floor_char_boundary(max));
    text
}

/// JSON for a terminal: a serializer escapes only what JSON asks for (RFC 8259, section 7), and this all that
/// [`UntrustedText::terminal`] escapes. It reads back as the same value: outside of strings JSON has none of these
/// characters but line breaks, which stay.
pub fn terminal_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_unsafe(c) {
            let mut units = [0; 2];
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

fn escape(text: &str) -> String {
    // As most texts are.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Starts with a letter, holds only what image references and names are made of, and is no word that YAML 1.1
/// or 1.2 resolves to a boolean or to null. Stricter than YAML: quoting more than needed is harmless.
fn is_plain_yaml(text: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let allowed = |c: char| c.is_ascii_alphanumeric() || "./_@:-".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(':')
        && text.chars().all(allowed)
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn quote_yaml(text: &str, max: usize) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        let end = out.len();
        push_yaml(&mut out, c);
        if out.len() >= max {
            out.truncate(end);
            break;
        }
    }
    out.push('"');
    out
}

fn push_yaml(out: &mut String, c: char) {
    match c {
        '"' | '\\' => out.extend(['\\', c]),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        // The last two are the noncharacters that YAML excludes.
        c if is_unsafe(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push_str(&escape_yaml(c.into())),
        c => out.push(c),
    }
}

fn escape_yaml(code: u32) -> String {
    match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

/// Control characters, and the format characters that hide or reorder the text beside them
/// (Unicode TR36, "bidirectional text spoofing", and zero-width characters).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_never_sees_what_could_drive_it() {
        let text = UntrustedText::from("a\u{1b}[31m\n\0\u{202e}b\u{200b}ü");
        assert_eq!(text.terminal(), "a\\u{1b}[31m\\u{a}\\u{0}\\u{202e}b\\u{200b}ü");
        assert_eq!(text.label(), text.terminal());
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let cut = |max| truncate_bytes("aü🚀".to_owned(), max);
        assert_eq!([0, 1, 2, 3, 6, 7, 8].map(cut), ["", "a", "a", "aü", "aü", "aü🚀", "aü🚀"]);
    }

    #[test]
    fn json_on_a_terminal_reads_back_as_it_was() {
        let text = "a\u{1b}\n\u{7f}\u{9b}\u{202e}\u{e0001}\"\\ü";
        let json = terminal_json(&serde_json::to_string_pretty(&[text]).unwrap());
        assert_eq!(json, "[\n  \"a\\u001b\\n\\u007f\\u009b\\u202e\\udb40\\udc01\\\"\\\\ü\"\n]");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
    }

    #[test]
    fn what_is_escaped_in_a_label_cannot_be_written_by_hand() {
        let [escape, by_hand] = ["\u{1b}", "\\u{1b}"].map(|text| UntrustedText::from(text).label());
        assert_eq!([escape.as_str(), by_hand.as_str()], ["\\u{1b}", "\\u{5c}u{1b}"]);
    }

    #[test]
    fn a_yaml_scalar_is_plain_only_where_it_can_be_nothing_but_a_string() {
        let yaml = |text: &str| UntrustedText::from(text).yaml();
        for plain in ["nginx:1.27", "ghcr.io/acme/web@sha256:0a", "host:5000/app", "IfNotPresent", "web"] {
            assert_eq!(yaml(plain), plain);
        }
        for quoted in ["", "1.27", "Yes", "null", "a:", "a: b", "- a", "a #b", "*a", "{{ .x }}", "---"] {
            assert_eq!(yaml(quoted), format!("\"{quoted}\""));
        }
        assert_eq!(
            yaml("a\"\\\n\t\0\u{1b}\u{85}\u{202e}\u{fffe}\u{e0001}ü"),
            r#""a\"\\\n\t\x00\x1b\x85\u202e\ufffe\U000e0001ü""#
        );
    }

    #[test]
    fn a_cut_yaml_scalar_never_ends_inside_an_escape() {
        let text = UntrustedText::from("a\u{202e}b\u{202e}");
        let heads: Vec<String> = (3..=12).map(|max| text.yaml_head(max)).collect();
        assert_eq!(heads[..6], [r#""a""#; 6]);
        assert_eq!(heads[6..], [r#""a\u202e""#, r#""a\u202eb""#, r#""a\u202eb""#, r#""a\u202eb""#]);
    }

    #[test]
    fn html_is_text_and_nothing_else() {
        let text = UntrustedText::from("\"><script>alert('&')</script>\u{1b}\0\n\u{202e}ü");
        assert_eq!(
            text.html(),
            "&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;\\u{1b}\\u{0}\\u{a}\\u{202e}ü"
        );
    }

    #[test]
    fn markdown_marks_nothing_up() {
        let text = UntrustedText::from("a|b `c` [d](e) <f> &lt; *g*\n# h");
        assert_eq!(text.markdown(), r"a\|b \`c\` \[d\](e) &lt;f\> &amp;lt; \*g\*\\u\{a\}\# h");
        assert_eq!(UntrustedText::from("nginx:1.27@sha256:0a").markdown(), "nginx:1.27@sha256:0a");
    }

    #[test]
    fn debug_is_safe_for_a_log() {
        assert!(!format!("{:?}", UntrustedText::from("\u{1b}]0;x\u{7}")).contains('\u{1b}'));
    }
}
