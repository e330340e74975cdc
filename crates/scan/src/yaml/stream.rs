//! The documents of a file, one by one. An invalid document does not hide the valid ones after it.

use granit_parser::{ErrorKind, Event, Parser, ScanError, StrInput};

use super::builder::Builder;
use super::error::{Located, YamlError};
use super::tree::{Document, Position};

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

/// Iterates over the documents of a text. Empty documents are skipped. After an error, the next document follows unless the
/// error [is fatal](YamlError::is_fatal).
pub(crate) struct Documents<'t> {
    text: &'t str,
    limits: Limits,
    parser: Parser<'t, StrInput<'t>>,
    started: u64,
    /// Whether [`Self::started`] includes the current document.
    counted: bool,
    expanded: u64,
    /// Where a document ended that is a template, in bytes, until the next document begins.
    template_end: Option<usize>,
    /// An error from the recovery after another one.
    pending: Option<Located<YamlError>>,
    ended: bool,
}

impl<'t> Documents<'t> {
    /// `text` must not have a byte order mark, which would count as a column.
    pub(crate) fn new(text: &'t str, limits: Limits) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: limits.depth,
            block_nesting_limit: limits.depth,
        };
        let parser = Parser::new_from_str_with_options(text, options);
        Self {
            text,
            limits,
            parser,
            started: 0,
            counted: false,
            expanded: 0,
            template_end: None,
            pending: None,
            ended: false,
        }
    }

    /// Reads to the end of a document; `None` at the end of the stream.
    fn read(&mut self) -> Option<Result<Option<Document<'t>>, Located<YamlError>>> {
        let mut builder = Builder::new(self.limits, self.expanded);
        let mut broken = None;
        self.counted = false;
        loop {
            let (event, span) = match self.parser.next_event()? {
                Ok(next) => next,
                Err(error) => {
                    let continues_template = self.continues_template(&error);
                    let located = self.recover(&error, broken);
                    return Some(if continues_template { Ok(None) } else { Err(located) });
                }
            };
            match event {
                Event::StreamEnd => return None,
                Event::DocumentEnd => {
                    self.expanded = builder.expanded();
                    let is_template =
                        matches!(broken, Some(Located { error: YamlError::TemplateAction, .. }));
                    self.template_end = span.start.byte_offset().filter(|_| is_template);
                    return Some(broken.map_or_else(|| Ok(builder.finish()), Err));
                }
                Event::DocumentStart(..) => {
                    self.template_end = None;
                    broken = self.count(Position::from_marker(&span.start));
                }
                _ if broken.is_some() => {}
                event => broken = builder.event(event, &span).err(),
            }
            if broken.as_ref().is_some_and(|located| located.error.is_fatal()) {
                self.ended = true;
                return broken.map(Err);
            }
        }
    }

    /// Counts each document once. An invalid one can lack a start event.
    fn count(&mut self, at: Position) -> Option<Located<YamlError>> {
        self.started += u64::from(!self.counted);
        self.counted = true;
        let limit = self.limits.documents;
        let error = YamlError::OverBudget { what: "documents", limit };
        (self.started > limit).then_some(Located { at, error })
    }

    /// Whether an error is in the rest of a template, which is reported already: `{{ if .Values.x }}` is a whole document to
    /// the parser, and the lines behind it are not separated from it.
    fn continues_template(&self, error: &ScanError) -> bool {
        let Some((start, end)) = self.template_end.zip(error.marker().byte_offset()) else { return false };
        let between = self.text.get(start..end);
        between.is_some_and(|between| !between.starts_with("---") && !between.contains("\n---"))
    }

    /// Continues at the next `---`. Returns the first error in the text: an earlier one of the tree before the parser's.
    fn recover(&mut self, error: &ScanError, earlier: Option<Located<YamlError>>) -> Located<YamlError> {
        let at = Position::from_marker(error.marker());
        let located = earlier.unwrap_or_else(|| Located { at, error: self.classify(error) });
        match self.parser.proceed_next_document() {
            Ok(another) => {
                self.ended = !another;
                self.pending = self.count(at);
            }
            Err(error) => {
                let at = Position::from_marker(error.marker());
                self.pending = Some(Located { at, error: YamlError::NotRecovered(error.info()) });
            }
        }
        located
    }

    /// The tree detects most template actions; one that is no flow mapping is a syntax error of its line.
    fn classify(&self, error: &ScanError) -> YamlError {
        if *error.kind() == ErrorKind::RecursionLimitExceeded {
            return YamlError::TooDeep(self.limits.depth);
        }
        let around = error.marker().byte_offset().and_then(|at| self.text.split_at_checked(at));
        let line = around.map(|(before, after)| {
            let start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let end = after.find('\n').map_or(self.text.len(), |newline| before.len() + newline);
            &self.text[start..end]
        });
        if line.is_some_and(starts_with_action) {
            return YamlError::TemplateAction;
        }
        YamlError::syntax(&error.info())
    }
}

/// Whether the value of a line begins with a template action `{{ … }}`. One inside a quoted value, as in alert rules, does
/// not make the file a template.
fn starts_with_action(line: &str) -> bool {
    let value = |text: &str| text.trim_start().starts_with("{{");
    value(line)
        || line.match_indices(": ").any(|(at, _)| value(&line[at + 1..]))
        || value(line.trim_start().trim_start_matches("- "))
}

impl<'t> Iterator for Documents<'t> {
    type Item = Result<Document<'t>, Located<YamlError>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(pending) = self.pending.take() {
                self.ended = true;
                return Some(Err(pending));
            }
            if self.ended {
                return None;
            }
            match self.read()? {
                Ok(None) => {}
                Ok(Some(document)) => return Some(Ok(document)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
