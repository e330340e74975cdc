//! JSON and YAML that a terminal may see: what could drive it is escaped, and reads back as it was.

use serde::Serialize;
use serde_json::{Result, Value};

use crate::text::{UntrustedText, terminal_json};

/// The value as JSON over several lines.
///
/// # Errors
/// As for every function here: a value that JSON has no form for, such as a map with keys that are no text.
pub fn json(value: &impl Serialize) -> Result<String> {
    Ok(terminal_json(&serde_json::to_string_pretty(value)?) + "\n")
}

/// The value as JSON in one line.
pub fn json_line(value: &impl Serialize) -> Result<String> {
    Ok(terminal_json(&serde_json::to_string(value)?) + "\n")
}

/// The value as a YAML document in block style.
pub fn yaml(value: &impl Serialize) -> Result<String> {
    let value = serde_json::to_value(value)?;
    let mut text = String::new();
    write(&mut text, &value, 0);
    Ok(text.trim_start_matches('\n').to_owned())
}

/// Writes a value behind `key:` or `-`, with the line break that ends it.
fn write(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (at, (key, value)) in fields.iter().enumerate() {
                // The first field of an item stands beside its dash.
                if at > 0 || !text.ends_with("- ") {
                    text.extend(["\n", &indent]);
                }
                text.push_str(&UntrustedText::from(key.as_str()).yaml());
                text.push(':');
                write(text, value, depth + 1);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            // Items of a field stand below its name.
            let indent = "  ".repeat(depth.saturating_sub(1));
            for item in items {
                text.extend(["\n", &indent, "- "]);
                // The fields of an item of the document itself are indented too.
                write(text, item, depth.max(1) + usize::from(item.is_array()));
            }
        }
        value => {
            if !text.ends_with("- ") {
                text.push(' ');
            }
            text.push_str(&scalar(value, &indent));
        }
    }
    if depth == 0 {
        text.push('\n');
    }
}

fn scalar(value: &Value, indent: &str) -> String {
    match value {
        Value::String(string) => {
            block(string, indent).unwrap_or_else(|| UntrustedText::from(string.as_str()).yaml())
        }
        // Empty lists and maps, numbers, true, false and null read the same in YAML.
        other => other.to_string(),
    }
}

/// Several lines as a literal block, if that reads back as the same text (YAML 1.2.2, section 8.1.2): all of it is safe
/// for a terminal, the first line does not begin with a blank, and at most one line break ends it.
fn block(string: &str, indent: &str) -> Option<String> {
    let (content, header) = match string.strip_suffix('\n') {
        Some(content) => (content, "|"),
        None => (string, "|-"),
    };
    // The last two are the noncharacters that YAML excludes.
    let is_safe =
        |line: &str| UntrustedText::from(line).terminal() == line && !line.contains(['\u{fffe}', '\u{ffff}']);
    let several = content.contains('\n') && !content.ends_with('\n') && !content.starts_with([' ', '\n']);
    if !several || !content.split('\n').all(is_safe) {
        return None;
    }
    let lines = content
        .split('\n')
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("\n{indent}{line}") });
    Some(format!("{header}{}", lines.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_reads_as_people_write_it() {
        let value = json!({
            "schema": "a/v1", "reports": 2, "empty": [],
            "issues": [
                { "name": "web", "evidence": "containers:\n- name: web\n\n  image: a\n", "none": null },
                { "name": "yes", "evidence": "a: 1\nb: 2", "list": ["x", "z"] },
            ],
        });
        let expected = r#"empty: []
issues:
- evidence: |
    containers:
    - name: web

      image: a
  name: web
  none: null
- evidence: |-
    a: 1
    b: 2
  list:
  - x
  - z
  name: "yes"
reports: 2
schema: a/v1
"#;
        assert_eq!(yaml(&value).unwrap(), expected);
        let items = json!([{ "a": 1, "b": ["c"] }, { "d": { "e": 2 } }, "f", [3]]);
        let expected = "- a: 1\n  b:\n  - c\n- d:\n    e: 2\n- f\n- \n  - 3\n";
        assert_eq!(yaml(&items).unwrap(), expected);
        assert_eq!(serde_saphyr::from_str::<Value>(expected).ok(), Some(items));
    }

    #[test]
    fn hostile_text_reads_back_as_it_was_and_drives_no_terminal() {
        let texts = [
            "\u{1b}[31m",
            "a\u{202e}b",
            "a\nb\u{9b}31m\n",
            "\u{7f}",
            "\u{e0001}",
            "  a\nb",
            "a\n\n",
            "\n",
            "a\r\nb",
            "\u{85}\u{2028}",
            "- a",
            "a: b",
            "",
            "null",
            "1.20",
            "\u{feff}x\ny",
            "tab\tin\nlines",
            "é名\n🚀",
            "a\n\u{fffe}",
        ];
        let value = json!({ "texts": texts, "fields": { "a\u{1b}": texts[0], "nested": [[texts[1]], {}] } });
        let (yaml, json) = (yaml(&value).unwrap(), json(&value).unwrap());
        for text in [&yaml, &json, &json_line(&value).unwrap()] {
            let lines: Vec<String> = text.lines().map(|line| UntrustedText::from(line).terminal()).collect();
            assert!(text.lines().eq(lines.iter().map(String::as_str)), "{text:?}");
        }
        assert_eq!(serde_json::from_str::<Value>(&json).ok().as_ref(), Some(&value));
        assert_eq!(serde_saphyr::from_str::<Value>(&yaml).ok().as_ref(), Some(&value), "{yaml}");
    }
}
