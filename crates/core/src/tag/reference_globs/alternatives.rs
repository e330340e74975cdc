//! Expands the braces of a glob to one glob for each alternative, so that each can be checked by itself.

use super::InvalidGlobReason;

/// Most alternatives of one glob: the product of its braces.
pub(super) const MAX_ALTERNATIVES: usize = 64;

/// The globs without braces, in order. The braces are known to match.
pub(super) fn alternatives(glob: &str) -> Result<Vec<String>, InvalidGlobReason> {
    let mut open = vec![glob.to_owned()];
    let mut done = Vec::new();
    while let Some(glob) = open.pop() {
        match first_group(&glob) {
            None => done.push(glob),
            Some(Group { start, end, parts }) => {
                for part in parts.into_iter().rev() {
                    open.push(format!("{}{part}{}", &glob[..start], &glob[end..]));
                }
            }
        }
        if open.len() + done.len() > MAX_ALTERNATIVES {
            return Err(InvalidGlobReason::Alternatives);
        }
    }
    Ok(done)
}

struct Group<'a> {
    start: usize,
    /// Behind the closing brace.
    end: usize,
    parts: Vec<&'a str>,
}

/// The first outermost pair of braces.
fn first_group(glob: &str) -> Option<Group<'_>> {
    let bytes = glob.as_bytes();
    let (mut depth, mut start, mut part) = (0_usize, 0, 0);
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'[' => at = end_of_class(bytes, at),
            b'{' => {
                depth += 1;
                if depth == 1 {
                    (start, part) = (at, at + 1);
                }
            }
            b',' if depth == 1 => {
                parts.push(&glob[part..at]);
                part = at + 1;
            }
            b'}' if depth == 1 => {
                parts.push(&glob[part..at]);
                return Some(Group { start, end: at + 1, parts });
            }
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where a class of characters ends that begins at a place. Its first character may be the bracket itself.
pub(super) fn end_of_class(bytes: &[u8], start: usize) -> usize {
    let negated = matches!(bytes.get(start + 1), Some(b'!' | b'^'));
    let first = start + 1 + usize::from(negated);
    let rest = bytes.get(first + 1..).unwrap_or_default();
    rest.iter().position(|&byte| byte == b']').map_or(bytes.len(), |found| first + 1 + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_globs() {
        let expand = |glob: &str| alternatives(glob).expect(glob);
        assert_eq!(expand("a"), ["a"]);
        assert_eq!(expand("a{b,c}d"), ["abd", "acd"]);
        assert_eq!(expand("{a,b}{c,}"), ["ac", "a", "bc", "b"]);
        assert_eq!(expand("a{b,{c,d}e}"), ["ab", "ace", "ade"]);
        assert_eq!(expand("a[{,}]"), ["a[{,}]"]);
        assert_eq!(expand("a{[,}],b}"), ["a[,}]", "ab"]);
        assert_eq!(expand("{[]}],b}"), ["[]}]", "b"]);
    }

    #[test]
    fn the_product_of_braces_is_bounded() {
        assert_eq!(alternatives(&"{a,b}".repeat(6)).map(|all| all.len()), Ok(64));
        assert_eq!(alternatives(&"{a,b}".repeat(100)), Err(InvalidGlobReason::Alternatives));
        assert_eq!(alternatives(&"{a}".repeat(170)).map(|all| all.len()), Ok(1));
    }
}
