//! Files that are made up: documents with all that YAML offers, then line ends, encodings and accidents.

use super::json_stream;
use super::mutate;
use super::random::Random;
use super::vocabulary::{KEYS, OTHER_KEYS, PLAIN, QUOTED, SEPARATORS, STRANGE, TAGGED};
use super::{Encoding, encoded};

/// One file; it depends on the seed and its number alone.
pub(super) fn file(seed: u64, number: u64) -> Vec<u8> {
    let mut random = Random::new(seed, number);
    let is_mutated = random.one_in(3);
    let mut text = if random.one_in(6) {
        json_stream::stream(&mut random)
    } else {
        // With an accident, such keys could get the same name.
        stream(&mut random, !is_mutated)
    };
    if is_mutated {
        mutate::mutate(&mut random, &mut text);
    }
    match random.below(40) {
        0..4 => text = text.replace('\n', "\r\n"),
        // kubectl loses longer lines.
        4 if text.len() < 4096 => text = text.replace('\n', "\r"),
        5 => text = text.replace('\n', "\r\r\n"),
        _ => {}
    }
    if random.one_in(6) {
        text.truncate(text.trim_end().len());
    }
    match random.below(20) {
        0 => encoded(&text, Encoding::MarkedUtf8),
        1 if random.one_in(2) => encoded(&text, Encoding::Utf16LittleEndian),
        1 => encoded(&text, Encoding::Utf16BigEndian),
        _ => text.into_bytes(),
    }
}

fn stream(random: &mut Random, other_keys: bool) -> String {
    let mut text = String::new();
    let is_careless = random.one_in(4);
    for index in 0..=random.below(3) {
        if index > 0 || random.one_in(4) {
            let known = match is_careless {
                true => 8,
                false if text.ends_with("---\n") || text.is_empty() => 4,
                false => 6,
            };
            text.push_str(random.pick(&SEPARATORS[..known]));
            if random.one_in(30) {
                text.push('\u{feff}');
            }
        }
        let mut writer = Writer { random, text, anchors: Vec::new(), other_keys, is_careless };
        writer.document();
        text = writer.text;
    }
    text
}

struct Writer<'r> {
    random: &'r mut Random,
    text: String,
    /// Names of anchors, and whether each is of a mapping.
    anchors: Vec<(String, bool)>,
    other_keys: bool,
    /// Whether it writes what kubectl refuses.
    is_careless: bool,
}

impl Writer<'_> {
    /// Something that kubectl refuses more often than not.
    fn slip(&mut self, one_in: usize) -> bool {
        self.is_careless && self.random.one_in(one_in)
    }

    fn document(&mut self) {
        if self.random.one_in(20) {
            let lengths = [10, 1000, 4100];
            let comment = "#".repeat(lengths[self.random.below(3)]);
            self.text.push_str(&comment);
            self.text.push('\n');
        }
        match self.random.below(12) {
            0 => self.sequence(0, 3),
            1 => self.flow_line(),
            2 => {
                self.scalar(0);
                self.end_line();
            }
            3 => {}
            _ => self.mapping(0, 3, false),
        }
    }

    fn spaces(&mut self, count: usize) {
        self.text.extend(std::iter::repeat_n(' ', count));
    }

    /// A comment perhaps, and a line break, and empty lines and comment lines perhaps.
    fn end_line(&mut self) {
        if self.random.one_in(12) {
            let ends = [" # comment", "  #", " ", "\t# tab", "\t", " \t "];
            let known = if self.is_after_dash() { 3 } else { 6 };
            self.text.push_str(self.random.pick(&ends[..known]));
        }
        let end = if self.slip(40) { "#none\n" } else { "\n" };
        self.text.push_str(end);
        while self.random.one_in(16) {
            self.text.push_str(self.random.pick(&["\n", "# comment\n", "      # deep\n", "  \n"]));
        }
        if self.slip(40) {
            self.text.push_str(self.random.pick(&["\t\n", " \t#\n"]));
        }
    }

    /// Where tabs are indentation, which kubectl refuses.
    fn is_after_dash(&self) -> bool {
        !self.is_careless && self.text.ends_with('-')
    }

    fn key(&mut self) {
        let key = match self.random.below(60) {
            0 if self.other_keys => self.random.pick(&OTHER_KEYS).to_owned(),
            1 => format!(
                "long{}",
                "x".repeat(if self.is_careless { 1010 } else { 900 } + self.random.below(16))
            ),
            2 if self.is_careless => "\"a\\\n  b\"".to_owned(),
            _ => self.random.pick(&KEYS).to_owned(),
        };
        self.text.push_str(&key);
    }

    /// The first key can stand behind a `-`, where it needs no indentation.
    fn mapping(&mut self, indent: usize, depth: usize, starts_inline: bool) {
        for index in 0..=self.random.below(4) {
            if index > 0 || !starts_inline {
                let extra = usize::from(self.slip(40));
                self.spaces(indent + extra);
            }
            match self.random.below(24) {
                0 | 1 if !self.anchors.is_empty() => self.merge(),
                2 => self.text.push_str("<<: {image: merged, extra: [1]}\n"),
                3 => {
                    self.text.push_str("? ");
                    self.key();
                    self.end_line();
                    self.spaces(indent);
                    self.text.push(':');
                    self.value(indent, depth);
                }
                _ => {
                    self.key();
                    self.text.push_str(self.random.pick(&[":", ":", ":", ":", ":", ":", ":", " :", ":\t"]));
                    self.value(indent, depth);
                }
            }
        }
    }

    fn merge(&mut self) {
        let mappings: Vec<_> =
            self.anchors.iter().filter(|(_, is_mapping)| *is_mapping).map(|(name, _)| name.clone()).collect();
        if mappings.is_empty() && !self.is_careless {
            self.text.push_str("<<: []\n");
            return;
        }
        let names: Vec<_> = if mappings.is_empty() || self.slip(8) {
            self.anchors.iter().map(|(name, _)| name.clone()).collect()
        } else {
            mappings
        };
        let one = names[self.random.below(names.len())].clone();
        let other = names[self.random.below(names.len())].clone();
        let key = self.random.pick(&["<<", "<<", "<<", "<<", "!!merge <<", "\"<<\""]).to_owned();
        let merged = match self.random.below(3) {
            0 => format!("{key}: [*{one}, *{other}]\n"),
            1 => format!("{key}: [*{one}, {{image: inline, kind: Pod}}]\n"),
            _ => format!("{key}: *{one}\n"),
        };
        self.text.push_str(&merged);
    }

    /// What follows a colon, up to the end of a line.
    fn value(&mut self, indent: usize, depth: usize) {
        let is_deep = depth == 0;
        match self.random.below(14) {
            0 if !self.anchors.is_empty() => {
                let name = self.anchors[self.random.below(self.anchors.len())].0.clone();
                self.text.extend([" *", &name]);
                self.end_line();
            }
            1 => {
                self.text.push(' ');
                self.block_scalar(indent);
            }
            2 => {
                self.text.push(' ');
                self.flow(2);
                self.end_line();
            }
            3 => self.end_line(),
            4 | 5 if !is_deep => {
                self.properties(true);
                self.end_line();
                let deeper = 1 + self.random.below(3);
                self.mapping(indent + deeper, depth - 1, false);
            }
            6 | 7 if !is_deep => {
                self.properties(false);
                self.end_line();
                let deeper = self.random.below(3);
                self.sequence(indent + deeper, depth - 1);
            }
            _ => {
                let known = if self.is_after_dash() { 5 } else { 6 };
                self.text.push_str(self.random.pick(&[" ", " ", " ", " ", "  ", " \t"][..known]));
                self.scalar(indent);
                self.end_line();
            }
        }
    }

    fn properties(&mut self, is_mapping: bool) {
        if self.random.one_in(3) {
            self.text.push(' ');
            self.anchor(is_mapping);
        }
        if self.random.one_in(12) {
            self.text.push_str(self.random.pick(&[" !!map", " !custom", " !!seq", " !!str", " !!null"]));
        }
    }

    fn anchor(&mut self, is_mapping: bool) {
        let name = format!("a{}", self.random.below(3));
        self.text.extend(["&", &name]);
        self.anchors.retain(|(known, _)| *known != name);
        self.anchors.push((name, is_mapping));
    }

    fn sequence(&mut self, indent: usize, depth: usize) {
        for _ in 0..=self.random.below(3) {
            self.spaces(indent);
            self.text.push('-');
            match self.random.below(6) {
                0 | 1 if depth > 0 => {
                    let gap = 1 + self.random.below(2);
                    self.spaces(gap);
                    if self.random.one_in(10) {
                        self.anchor(true);
                        self.text.push('\n');
                        self.mapping(indent + 1 + gap, depth - 1, false);
                    } else {
                        self.mapping(indent + 1 + gap, depth - 1, true);
                    }
                }
                2 if depth > 0 => {
                    self.text.push_str(" - nested\n");
                    self.spaces(indent + 2);
                    self.text.push_str("- again\n");
                }
                _ => self.value(indent, 0),
            }
        }
    }

    fn scalar(&mut self, indent: usize) {
        if self.random.one_in(16) {
            self.anchor(false);
            self.text.push(' ');
        }
        match self.random.below(32) {
            0 | 1 => {
                let (tag, value) = TAGGED[self.random.below(TAGGED.len())];
                let value = if self.slip(3) { self.random.pick(&PLAIN) } else { value };
                self.text.extend([tag, " ", value]);
            }
            2 if self.is_careless => self.text.push_str(self.random.pick(&STRANGE)),
            3 | 4 => self.lines("'", indent),
            5 | 6 => self.lines("\"", indent),
            7 | 8 => self.lines("", indent),
            9..16 => self.text.push_str(self.random.pick(&QUOTED)),
            _ => self.text.push_str(self.random.pick(&PLAIN)),
        }
    }

    /// A scalar of several lines, at any indentation.
    fn lines(&mut self, quote: &str, indent: usize) {
        self.text.push_str(quote);
        self.text.push_str("first");
        for _ in 0..=self.random.below(2) {
            let escape = if quote == "\"" { "\\\n" } else { "\n" };
            let ends = ["\n", "\n", "\n", " \n", "\n\n", "\n \t\n", "\u{2028}", "\u{85}", escape];
            self.text.push_str(self.random.pick(&ends));
            let deeper = if quote.is_empty() { 1 + self.random.below(3) } else { 0 };
            let column = if quote.is_empty() { indent } else { self.random.below(indent + 4) };
            self.spaces(column + deeper);
            let words = ["second", "x y", "é", "- d", "x#y", "a: b", "#c", "\tx", "...", "c # d"];
            let known = if self.is_careless || !quote.is_empty() && column > 0 { words.len() } else { 5 };
            self.text.push_str(self.random.pick(&words[..known]));
        }
        self.text.push_str(quote);
    }

    fn block_scalar(&mut self, indent: usize) {
        let headers = ["|", "|", ">", "|-", ">-", "|+", ">+", "| # c", ">1-", "|+1", "|2", "|x", "|0", "|-3"];
        let known = if self.is_careless { headers.len() } else { 10 };
        self.text.push_str(self.random.pick(&headers[..known]));
        self.text.push('\n');
        let column = indent + 1 + self.random.below(3);
        for line in 0..self.random.below(5) {
            if self.random.one_in(5) && line > 0 {
                self.text.push_str(self.random.pick(&["\n", " \n", "\n\n"]));
                continue;
            }
            let is_first = line == 0 && !self.is_careless;
            let more = if self.random.one_in(4) && !is_first { self.random.below(3) } else { 0 };
            self.spaces(column + more);
            let texts = ["text", "a: b", "# c", "- d", "é \u{2029} f", "x  ", "'", "\ttab"];
            self.text.push_str(self.random.pick(&texts[..if is_first { 7 } else { 8 }]));
            self.text.push('\n');
        }
    }

    fn flow_line(&mut self) {
        self.flow(3);
        self.end_line();
    }

    fn flow(&mut self, depth: usize) {
        let is_mapping = self.random.one_in(2);
        self.text.push(if is_mapping { '{' } else { '[' });
        let count = self.random.below(4);
        for index in 0..count {
            self.gap();
            if is_mapping {
                self.flow_pair(depth);
            } else if self.random.one_in(6) {
                self.text.push_str(self.random.pick(
                    &["a: b", "? a : b", "'a':b", "? a", ": b", "? ", "? : b"]
                        [..if self.is_careless { 7 } else { 4 }],
                ));
            } else {
                self.flow_value(depth);
            }
            self.gap();
            if index + 1 < count || self.random.one_in(8) {
                self.text.push(',');
            }
        }
        self.text.push(if is_mapping { '}' } else { ']' });
    }

    fn flow_pair(&mut self, depth: usize) {
        match self.random.below(12) {
            0 => self.text.push_str("? "),
            1 => return self.key(),
            2 => {
                self.text.push_str("\"json\":");
                return self.flow_value(depth);
            }
            _ => {}
        }
        self.key();
        self.text.push_str(self.random.pick(&[": ", ": ", ": ", " : ", ":\t"]));
        self.flow_value(depth);
    }

    fn flow_value(&mut self, depth: usize) {
        match self.random.below(8) {
            0 | 1 if depth > 0 => self.flow(depth - 1),
            2 if !self.anchors.is_empty() => {
                let name = self.anchors[self.random.below(self.anchors.len())].0.clone();
                self.text.extend(["*", &name, " "]);
            }
            3 => self.text.push_str(self.random.pick(&QUOTED)),
            4 if self.slip(4) => {}
            _ => self.text.push_str(self.random.pick(&PLAIN)),
        }
    }

    fn gap(&mut self) {
        let gaps = ["", "", " ", " ", " ", "\t", "\n   ", "\n", " # c\n "];
        let known = if self.is_careless { gaps.len() } else { 6 };
        self.text.push_str(self.random.pick(&gaps[..known]));
    }
}
