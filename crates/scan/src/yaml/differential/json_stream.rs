//! JSON values one after another, with white space, separators and YAML between them.

use super::random::Random;

const STRINGS: [&str; 8] = [
    "\"\"",
    "\"nginx:1.2.3\"",
    "\"\\u00e9\\n\\/\\\"\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\ud83dx\\u0041\"",
    "\"é\u{2028}\"",
    "\"a b\"",
];

const KEYS: [&str; 5] = ["\"kind\"", "\"name\"", "\"image\"", "\"spec\"", "\"\\u0061\""];

const LITERALS: [&str; 12] = [
    "1",
    "-1",
    "0",
    "1.5",
    "-0",
    "1e3",
    "1E-2",
    "12345678901234567890",
    "9223372036854775807",
    "true",
    "false",
    "null",
];

/// Between objects. The last ones are for careless writers.
const BETWEEN: [&str; 14] = [
    "",
    "",
    "\n",
    "\n",
    "\n\n",
    " ",
    "\r\n",
    "\n---\n",
    "\n---\n",
    " # c\n---\n",
    "\n# c\n",
    ",\n",
    "\n--- x\n",
    "\nb: 2\n",
];

/// It begins with an object, after white space at most.
pub(super) fn stream(random: &mut Random) -> String {
    let is_careless = random.one_in(2);
    let starts = ["", "", "", " \n", "\t", "\u{a0}"];
    let mut text = random.pick(&starts[..if is_careless { 6 } else { 4 }]).to_owned();
    // kubectl looks for the brace in 4,096 bytes.
    if random.one_in(40) {
        text.push_str(&"\n".repeat(4090 + random.below(10)));
    }
    for index in 0..=random.below(4) {
        if index > 0 {
            text.push_str(random.pick(&BETWEEN[..if is_careless { 14 } else { 7 }]));
        }
        if index > 0 && random.one_in(8) {
            value(random, &mut text, 2);
        } else {
            object(random, &mut text, 3);
        }
    }
    text.push_str(random.pick(&["", "\n", "\n", "\n\n", " x", "\n#"][..if is_careless { 6 } else { 4 }]));
    text
}

fn object(random: &mut Random, text: &mut String, depth: usize) {
    text.push('{');
    let count = random.below(4);
    for index in 0..count {
        space(random, text);
        // In YAML alone a key needs no quotes.
        text.push_str(if random.one_in(40) { "bare" } else { random.pick(&KEYS) });
        space(random, text);
        text.push(':');
        space(random, text);
        value(random, text, depth.saturating_sub(1));
        space(random, text);
        text.push_str(if index + 1 < count || random.one_in(40) { "," } else { "" });
    }
    text.push('}');
}

fn value(random: &mut Random, text: &mut String, depth: usize) {
    match random.below(6) {
        0 if depth > 0 => object(random, text, depth),
        1 if depth > 0 => {
            text.push('[');
            let count = random.below(3);
            for index in 0..count {
                value(random, text, depth - 1);
                text.push_str(if index + 1 < count { ", " } else { "" });
            }
            text.push(']');
        }
        2 | 3 => text.push_str(random.pick(&STRINGS)),
        _ => text.push_str(random.pick(&LITERALS)),
    }
}

fn space(random: &mut Random, text: &mut String) {
    text.push_str(random.pick(&["", "", " ", "\n", "\n  ", "\t"]));
}
