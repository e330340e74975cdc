//! Which texts are manifests by what they say of themselves. It decides whether a text that cannot be read is an error:
//! folders hold much that kubectl is never given, such as values of charts, settings of editors and data.

/// Whether a text has `apiVersion` and `kind` at the root of one of its documents, although it cannot be read. Each key is
/// looked for where a manifest has it: at the begin of a line, or in the outermost braces.
pub(crate) fn is_meant_for_kubectl(text: &[u8]) -> bool {
    // UTF-16 that breaks off is no text: its ASCII characters are found without the NULs between them.
    let without_nul: Vec<u8>;
    let text = if text.contains(&0) {
        without_nul = text.iter().copied().filter(|&byte| byte != 0).collect();
        &without_nul
    } else {
        text
    };
    has_root_lines(text) || has_root_keys(text)
}

#[derive(Default)]
struct Keys {
    api_version: bool,
    kind: bool,
}

impl Keys {
    /// Whether both have been met.
    fn add(&mut self, key: &[u8]) -> bool {
        self.api_version |= key == b"apiVersion";
        self.kind |= key == b"kind";
        self.api_version && self.kind
    }
}

fn has_root_lines(text: &[u8]) -> bool {
    let mut keys = Keys::default();
    for line in text.split(|&byte| matches!(byte, b'\n' | b'\r')) {
        if line.starts_with(b"---") {
            keys = Keys::default();
        }
        let key = line.split(|&byte| byte == b':').next().filter(|key| key.len() < line.len());
        if key.is_some_and(|key| keys.add(unquoted(key.trim_ascii_end()))) {
            return true;
        }
    }
    false
}

/// Looks for keys in the outermost braces of JSON and of flow mappings.
fn has_root_keys(text: &[u8]) -> bool {
    let (mut keys, mut depth, mut is_quoted) = (Keys::default(), 0_usize, false);
    let mut key_start = 0;
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'"' if is_quoted && ends_with_escape(&text[..at]) => continue,
            b'"' => {
                is_quoted = !is_quoted;
                continue;
            }
            // A text of JSON ends on its line: so does the harm of a quote in a comment.
            b'\n' => is_quoted = false,
            _ if is_quoted => continue,
            b'{' | b'[' => depth += 1,
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    keys = Keys::default();
                }
            }
            b':' if depth == 1 && keys.add(unquoted(text[key_start..at].trim_ascii())) => return true,
            b':' | b',' => {}
            _ => continue,
        }
        key_start = at + 1;
    }
    false
}

/// Whether a text ends with a backslash that no other one escapes.
fn ends_with_escape(text: &[u8]) -> bool {
    text.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

fn unquoted(key: &[u8]) -> &[u8] {
    match key {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_version_and_kind_at_its_root() {
        for text in [
            "apiVersion: v1\nkind: Pod\nspec: [\n",
            "kind : Pod\r\n\"apiVersion\": v1\r\n\tx",
            "a: [\n---\n'kind': Pod\napiVersion: v1\n",
            "{\"apiVersion\": \"v1\", \"kind\": \"Pod\",}",
            "{\"metadata\": {\"name\": \"a\\\"}\"}, \"kind\": \"Pod\", \"apiVersion\":",
            "{apiVersion: v1, kind: Pod, spec: [",
            "{\n  // don't \"\n  \"kind\": \"Pod\",\n  \"apiVersion\": \"v1\"\n",
            "k\0i\0n\0d\0:\0 \0P\0\n\0a\0p\0i\0V\0e\0r\0s\0i\0o\0n\0:\0",
        ] {
            assert!(is_meant_for_kubectl(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn other_texts_do_not() {
        for text in [
            "",
            "apiVersion: v2\nname: chart\n",
            "kind: Pod\n",
            "apiVersion: v1\n---\nkind: Pod\n",
            "resources:\n  apiVersion: v1\n  kind: Pod\n",
            "apiVersions: v1\nkinds: Pod\n",
            "# apiVersion: v1\n# kind: Pod\n",
            "apiVersion\nkind\n",
            "{\"contributes\": {\"apiVersion\": \"v1\", \"kind\": \"Pod\"}}",
            "{\"apiVersion\": 1}\n{\"kind\": 2}\n",
            "{\"compilerOptions\": {\"strict\": true}, // \"kind\": \"apiVersion\":\n}",
            "[{\"apiVersion\": 1, \"kind\": 2}]",
            "{\"text\": \"{apiVersion: v1, kind: Pod}\"",
        ] {
            assert!(!is_meant_for_kubectl(text.as_bytes()), "{text:?}");
        }
    }
}
