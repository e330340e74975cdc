//! Accidents: what a slip of the hand, a bad merge or a hostile mind makes of a file.

use super::random::Random;

const PIECES: [&str; 40] = [
    " ", "  ", "\n", "\t", ":", ": ", "- ", "-", "?", "? ", ",", "[", "]", "{", "}", "#", " #", "&a0 ",
    "*a0", "!", "!!str ", "|", ">", "'", "\"", "%", "@", "\\", "---\n", "\n---\n", "\n...\n", "<<: ", "x",
    "\u{85}", "\u{2028}", "é", "\r", "=", "~", "\n\n",
];

pub(super) fn mutate(random: &mut Random, text: &mut String) {
    for _ in 0..=random.below(3) {
        let at = boundary(random, text);
        match random.below(5) {
            0 => text.truncate(if random.one_in(4) { at } else { text.len() }),
            1 => {
                if let Some(character) = text[at..].chars().next() {
                    text.replace_range(at..at + character.len_utf8(), "");
                }
            }
            2 => {
                let end = boundary(random, text);
                let (from, to) = (at.min(end), at.max(end).min(at.min(end) + 40));
                if let Some(piece) = text.get(from..to).map(str::to_owned) {
                    let target = boundary(random, text);
                    text.insert_str(target, &piece);
                }
            }
            _ => text.insert_str(at, random.pick(&PIECES)),
        }
    }
}

fn boundary(random: &mut Random, text: &str) -> usize {
    let mut at = random.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
