//! The documents of a file, one by one, as `YAMLOrJSONDecoder` of k8s.io/apimachinery finds them. An invalid document does
//! not hide the valid ones after it, although kubectl stops there.

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};

use super::block;
use super::builder::Builder;
use super::dialect::Dialect;
use super::error::{Located, YamlError};
use super::json_text;
use super::need::Need;
use super::source::Source;
use super::syntax::{Cursor, Mark, Parser};
use super::tree::{Document, Position};

/// How far kubectl looks for the brace that makes a file JSON, in bytes.
const JSON_LOOKAHEAD: usize = 4096;

/// After so many JSON objects kubectl reads nothing but JSON.
const LATER_OBJECTS: u64 = 2;

/// Limits of one file: far above what people and `helm template` write, and low enough to protect memory and stack from
/// hostile files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) bytes: u64,
    pub(crate) documents: u64,
    /// Nodes of a file, with aliases expanded.
    pub(crate) nodes: u64,
    /// Depth of nested collections, with aliases expanded. The API server's JSON decoder accepts 10,000.
    pub(crate) depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 64 << 20, documents: 100_000, nodes: 5_000_000, depth: 512 }
    }
}

/// What the limits of a file are compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    documents: u64,
    nodes: u64,
}

impl Extent {
    /// That of two parts of a file.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { documents: self.documents + other.documents, nodes: self.nodes.saturating_add(other.nodes) }
    }

    pub(crate) fn is_within(self, limits: Limits) -> bool {
        self.documents <= limits.documents && self.nodes <= limits.nodes
    }
}

/// How the rest of a file is read.
#[derive(Debug, Clone, Copy)]
enum Mode {
    /// JSON values, of which so many have been read. After one at most, kubectl goes on with YAML where it finds none.
    Json(u64),
    /// YAML documents between lines that begin with `---`.
    Lines,
    Ended,
}

/// Iterates over the documents of a text. Empty documents are skipped. After an error, the next document follows unless the
/// error [is fatal](YamlError::is_fatal).
pub(crate) struct Documents<'t> {
    source: &'t Source<'t>,
    limits: Limits,
    dialect: Dialect,
    mode: Mode,
    /// Where the rest of the text begins.
    rest: Mark,
    /// Whether the text has carriage returns.
    has_returns: bool,
    separators: Finder<'static>,
    /// Where the line `---` before the rest begins.
    separator: Option<Mark>,
    started: u64,
    expanded: u64,
    /// Says by its text what of a document is needed.
    need: Option<&'t dyn Fn(&str) -> Need>,
    passed_over: u64,
    scratch: block::Scratch,
    /// An error that follows a document.
    pub(super) pending: Option<Located<YamlError>>,
}

/// The text of one YAML document.
pub(super) struct Chunk {
    start: Mark,
    end: usize,
    /// Of the line `---` before it, if there is one.
    at: Position,
}

pub(super) type Read<'t> = Result<Option<Document<'t>>, Located<YamlError>>;

impl<'t> Documents<'t> {
    pub(crate) fn new(source: &'t Source<'t>, limits: Limits) -> Self {
        Self::in_dialect(source, limits, Dialect::Kubectl)
    }

    /// Reads values and keys as a certain program does.
    pub(crate) fn in_dialect(source: &'t Source<'t>, limits: Limits, dialect: Dialect) -> Self {
        let mode = if source.begins_with_brace(JSON_LOOKAHEAD) { Mode::Json(0) } else { Mode::Lines };
        Self {
            source,
            limits,
            dialect,
            mode,
            rest: Mark::START,
            has_returns: memchr(b'\r', source.text().as_bytes()).is_some(),
            separators: Finder::new("\n---"),
            separator: None,
            started: 0,
            expanded: 0,
            need: None,
            passed_over: 0,
            scratch: block::Scratch::default(),
            pending: None,
        }
    }

    /// Passes over documents of which nothing is needed, instead of returning them, and over what is not needed of others.
    /// All is checked. The function gets the text of a document; the answer counts only if that is of the subset of
    /// [`block`], in which each line that begins at the margin has a key of the outermost mapping, or a dash.
    pub(crate) fn needing(mut self, need: &'t dyn Fn(&str) -> Need) -> Self {
        self.need = Some(need);
        self
    }

    /// Begins behind a separator, which is the given line of the file. So the text is YAML whatever it begins with.
    pub(crate) fn after_separator(mut self, line: u32) -> Self {
        self.mode = Mode::Lines;
        self.separator = Some(Mark::START.after_lines(0, line.saturating_sub(1)));
        self.rest = Mark::START.after_lines(0, line);
        self
    }

    /// Whether the text is read as YAML documents between separators, not as JSON.
    pub(crate) fn are_separated(&self) -> bool {
        matches!(self.mode, Mode::Lines)
    }

    /// How many documents were passed over so far.
    pub(crate) fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// How much was read so far.
    pub(crate) fn extent(&self) -> Extent {
        Extent { documents: self.started, nodes: self.expanded }
    }

    /// Reads the next document; `None` at the end of the file.
    fn read(&mut self) -> Option<Read<'t>> {
        match self.mode {
            Mode::Json(read) => self.read_json(read),
            Mode::Lines => Some(match self.next_chunk()? {
                Ok(chunk) => self.read_chunk(&chunk),
                Err(error) => self.count(error.at).and(Err(error)),
            }),
            Mode::Ended => None,
        }
    }

    /// Counts a document, which begins at a place.
    fn count(&mut self, at: Position) -> Result<(), Located<YamlError>> {
        self.started += 1;
        let limit = self.limits.documents;
        let error = YamlError::OverBudget { what: "documents", limit };
        if self.started > limit { Err(Located { at, error }) } else { Ok(()) }
    }

    fn cursor(&self, start: Mark, end: usize) -> Cursor<'t> {
        Cursor::new(self.source, start, end)
    }

    fn read_json(&mut self, read: u64) -> Option<Read<'t>> {
        let mut cursor = self.cursor(self.rest, self.source.text().len());
        json_text::skip_space(&mut cursor);
        if cursor.is_at_end() {
            self.mode = Mode::Ended;
            return None;
        }
        let start = cursor.mark;
        let at = start.position();
        if let Err(error) = self.count(at) {
            return Some(Err(error));
        }
        let mut tree = Builder::new(self.limits, self.dialect, self.expanded);
        match json_text::read(&mut cursor, &mut tree) {
            Ok(()) => {
                self.rest = cursor.mark;
                self.mode = Mode::Json(read + 1);
                self.expanded = tree.expanded();
                Some(tree.finish())
            }
            Err(Located { error: YamlError::Json, .. }) if read < LATER_OBJECTS => {
                self.started -= 1;
                self.mode = Mode::Lines;
                if let Err(error) = self.skip_space_before_yaml() {
                    return Some(Err(error));
                }
                let start = self.rest;
                let read = self.read();
                if let Some(Err(located)) = &read {
                    self.resume(start, start.offset + 1, located.at.line);
                }
                read
            }
            Err(located) => {
                let stopped = cursor.mark.offset.max(start.offset + 1);
                self.resume(self.rest, stopped, at.line);
                Some(Err(self.or_template_in_json(located, cursor.mark)))
            }
        }
    }

    /// Goes on behind what could not be read of a JSON stream: where the next object, or a separator, begins a line. Lines are
    /// looked at from `start` on; an object begins at the byte `least` and in the line `least_line` at the earliest.
    fn resume(&mut self, start: Mark, least: usize, least_line: u32) {
        self.mode = Mode::Lines;
        self.rest = start;
        while let Some(line) = self.next_line() {
            if !line.start.is_line_start() {
                continue;
            }
            if line.text.starts_with("---") {
                self.separator = Some(line.start);
                return;
            }
            let is_behind = line.start.offset >= least && line.start.position().line >= least_line;
            if is_behind && begins_object(line.text) {
                self.rest = line.start;
                self.mode = Mode::Json(LATER_OBJECTS);
                return;
            }
        }
    }

    /// Passes white space up to the end of the line, as kubectl does before it goes on with YAML. It does so four bytes by
    /// four, and fails where the file has fewer left.
    fn skip_space_before_yaml(&mut self) -> Result<(), Located<YamlError>> {
        let mut cursor = self.cursor(self.rest, self.source.text().len());
        loop {
            if cursor.mark.offset + 4 > self.source.written() {
                self.mode = Mode::Ended;
                return Err(Located { at: cursor.mark.position(), error: YamlError::Json });
            }
            match cursor.rest().chars().next() {
                Some('\n') => {
                    cursor.take_break();
                    break;
                }
                Some(space) if space.is_whitespace() => cursor.skip(),
                _ => break,
            }
        }
        self.rest = cursor.mark.as_margin();
        Ok(())
    }

    /// The text up to a line that begins with `---`, or the error of a line that says more.
    pub(super) fn next_chunk(&mut self) -> Option<Result<Chunk, Located<YamlError>>> {
        let start = self.rest;
        let at = self.separator.take().unwrap_or(start).position();
        let mut end = start.offset;
        while let Some(line) = self.next_line() {
            if let Some(comment) = line.text.strip_prefix("---") {
                if !matches!(comment.trim_start().chars().next(), None | Some('#')) {
                    return Some(Err(Located { at: line.start.position(), error: YamlError::Separator }));
                }
                if end > start.offset {
                    self.separator = Some(line.start);
                    return Some(Ok(Chunk { start, end, at }));
                }
            }
            self.skip_lines();
            end = self.rest.offset;
        }
        (end > start.offset).then_some(Ok(Chunk { start, end, at }))
    }

    /// Passes the lines before the next one that begins with `---`.
    fn skip_lines(&mut self) {
        let rest = self.source.text().as_bytes().get(self.rest.offset..).unwrap_or_default();
        // What is a line is not so clear where there are carriage returns.
        if self.has_returns || rest.starts_with(b"---") {
            return;
        }
        let length = self.separators.find(rest).map_or(rest.len(), |at| at + 1);
        let feeds = memchr_iter(b'\n', &rest[..length]).count();
        self.rest = self.rest.after_lines(length, u32::try_from(feeds).unwrap_or(u32::MAX));
    }

    /// The next line, with its end.
    fn next_line(&mut self) -> Option<Line<'t>> {
        let start = self.rest;
        let rest = self.source.text().get(start.offset..).filter(|rest| !rest.is_empty())?;
        let text = rest.split_inclusive('\n').next()?;
        self.rest = start.after_line(text);
        Some(Line { text, start })
    }

    fn read_chunk(&mut self, chunk: &Chunk) -> Read<'t> {
        self.count(chunk.at)?;
        let need = self.need.zip(self.text_of(chunk)).map_or(Need::Everything, |(need, text)| need(text));
        let Some(read) = self.read_subset(chunk, need) else { return self.read_exactly(chunk) };
        self.expanded += read.nodes;
        self.passed_over += u64::from(read.document.is_none() && read.nodes > 0);
        Ok(read.document)
    }

    pub(super) fn text_of(&self, chunk: &Chunk) -> Option<&'t str> {
        self.source.text().get(chunk.start.offset..chunk.end)
    }

    /// The fast way, which declines most of what is rare.
    pub(super) fn read_subset(&mut self, chunk: &Chunk, need: Need) -> Option<block::Read<'t>> {
        // Compose reads scalars and keys in its own way.
        if self.dialect != Dialect::Kubectl {
            return None;
        }
        let text = self.text_of(chunk)?;
        block::read(text, chunk.start, self.limits, self.expanded, need, &mut self.scratch)
    }

    pub(super) fn read_exactly(&mut self, chunk: &Chunk) -> Read<'t> {
        let mut cursor = self.cursor(chunk.start, chunk.end);
        if cursor.rest().starts_with('\u{feff}') {
            cursor.mark.offset += '\u{feff}'.len_utf8();
        }
        Self::refuse_control_characters(&cursor)?;
        let mut parser = Parser::new(cursor);
        let mut tree = Builder::new(self.limits, self.dialect, self.expanded);
        parser.document(&mut tree).map_err(|error| self.or_template_action(error, chunk))?;
        self.expanded = tree.expanded();
        let ignored = parser.ignored().map(|mark| mark.position());
        self.pending = ignored.map(|at| Located { at, error: YamlError::TextIgnored });
        tree.finish()
    }

    fn refuse_control_characters(cursor: &Cursor<'_>) -> Result<(), Located<YamlError>> {
        let Some(at) = cursor.rest().find(is_refused) else { return Ok(()) };
        let mut cursor = cursor.clone();
        let end = cursor.mark.offset + at;
        while cursor.mark.offset < end {
            if cursor.take_break().is_empty() {
                cursor.skip();
            }
        }
        let error = YamlError::syntax("control characters are not allowed");
        Err(Located { at: cursor.mark.position(), error })
    }

    /// The error where no JSON could be read on. The first brace of an action may have been taken for a mapping.
    fn or_template_in_json(&self, located: Located<YamlError>, stopped: Mark) -> Located<YamlError> {
        let begins_action = |offset: usize| {
            let rest = self.source.text().get(offset..).unwrap_or_default();
            ACTIONS.iter().any(|action| rest.starts_with(action))
        };
        let is_action = begins_action(stopped.offset) || begins_action(stopped.offset.saturating_sub(1));
        if located.error == YamlError::Json && is_action {
            return Located { at: located.at, error: YamlError::TemplateAction };
        }
        located
    }

    /// The tree detects most template actions; one that is no flow mapping is a syntax error of its line.
    fn or_template_action(&self, located: Located<YamlError>, chunk: &Chunk) -> Located<YamlError> {
        let lines = self.text_of(chunk).unwrap_or_default();
        let line = located.at.line.saturating_sub(chunk.start.position().line);
        let line = usize::try_from(line).ok().and_then(|line| lines.split('\n').nth(line));
        if matches!(located.error, YamlError::Syntax(_)) && line.is_some_and(starts_with_action) {
            return Located { at: located.at, error: YamlError::TemplateAction };
        }
        located
    }
}

struct Line<'t> {
    text: &'t str,
    start: Mark,
}

/// Whether a line begins an object as programs write it.
fn begins_object(line: &str) -> bool {
    line.strip_prefix('{')
        .is_some_and(|rest| matches!(rest.trim_start().chars().next(), None | Some('"' | '}')))
}

/// What go-yaml's reader refuses (`readerc.go`). A NUL is among it, which stands for the end of a text.
fn is_refused(character: char) -> bool {
    !matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..
    )
}

/// What begins an action of a template: of Go and Jinja, of Jinja's statements, of ERB, and of Terraform's directives. None
/// begins a value of YAML that makes sense.
const ACTIONS: [&str; 4] = ["{{", "{%", "<%", "%{"];

/// Whether the value of a line begins with an action of a template. One inside a quoted value, as in alert rules, does not
/// make the file a template.
fn starts_with_action(line: &str) -> bool {
    let value = |text: &str| ACTIONS.iter().any(|action| text.trim_start().starts_with(action));
    value(line)
        || line.match_indices(": ").any(|(at, _)| value(&line[at + 1..]))
        || value(line.trim_start().trim_start_matches("- "))
}

impl<'t> Iterator for Documents<'t> {
    type Item = Result<Document<'t>, Located<YamlError>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(pending) = self.pending.take() {
                return Some(Err(pending));
            }
            match self.read()? {
                Ok(None) => {}
                Ok(Some(document)) => return Some(Ok(document)),
                Err(error) => {
                    if error.error.is_fatal() {
                        self.mode = Mode::Ended;
                    }
                    return Some(Err(error));
                }
            }
        }
    }
}
