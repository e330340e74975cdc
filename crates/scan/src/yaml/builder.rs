//! Builds the tree of one document from the parser's events, without recursion.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{Event, ScalarStyle, Span, StructureStyle};
use tagwatch_core::text::UntrustedText;

use super::error::{Located, YamlError};
use super::scalar::{self, ScalarType};
use super::stream::Limits;
use super::tree::{Content, Document, Entry, NodeId, Position, RawNode};

type Result<T> = std::result::Result<T, Located<YamlError>>;

/// The size of a subtree with its aliases expanded: nodes, and depth of nested collections. The tree itself is not
/// expanded.
#[derive(Debug, Clone, Copy)]
struct Extent {
    nodes: u64,
    depth: usize,
}

#[derive(Debug)]
struct Frame<'t> {
    id: NodeId,
    anchor: usize,
    extent: Extent,
    /// The key of the next value of a mapping, and whether it is a merge key.
    key: Option<(NodeId, bool)>,
    /// Keys so far, with their lines.
    keys: BTreeMap<Cow<'t, str>, u32>,
    /// Start of a flow mapping in bytes.
    flow_start: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Builder<'t> {
    limits: Limits,
    nodes: Vec<RawNode<'t>>,
    open: Vec<Frame<'t>>,
    /// Complete nodes by the parser's anchor id.
    anchors: BTreeMap<usize, (NodeId, Extent)>,
    root: Option<NodeId>,
    /// Nodes of the file so far, with aliases expanded.
    expanded: u64,
}

impl<'t> Builder<'t> {
    /// `expanded` is the number of nodes in earlier documents of the file.
    pub(super) fn new(limits: Limits, expanded: u64) -> Self {
        let (nodes, open, anchors) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { limits, nodes, open, anchors, root: None, expanded }
    }

    pub(super) fn expanded(&self) -> u64 {
        self.expanded
    }

    /// The tree, after the last event; `None` if the document is empty or null.
    pub(super) fn finish(self) -> Option<Document<'t>> {
        let root = self.root?;
        match self.nodes[root].content {
            Content::Scalar(_, ScalarType::Null) => None,
            _ => Some(Document { nodes: self.nodes, root }),
        }
    }

    pub(super) fn event(&mut self, event: Event<'t>, span: &Span) -> Result<()> {
        let at = Position::from_marker(&span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let kind = scalar::resolve(&text, style, tag.as_deref());
                let merge = text == "<<" && style == ScalarStyle::Plain && kind == ScalarType::String;
                self.leaf(at, Content::Scalar(text, kind), Extent { nodes: 1, depth: 0 }, anchor, merge)
            }
            Event::Alias(anchor) => {
                let Some(&(target, extent)) = self.anchors.get(&anchor) else {
                    return Err(Located { at, error: YamlError::SelfReference });
                };
                self.leaf(at, Content::Alias(target), extent, 0, false)
            }
            Event::SequenceStart(_, anchor, _) => self.start(at, Content::Sequence(Vec::new()), anchor, None),
            Event::MappingStart(style, anchor, _) => {
                let flow_start =
                    span.byte_range().map(|range| range.start).filter(|_| style == StructureStyle::Flow);
                self.start(at, Content::Mapping(Vec::new()), anchor, flow_start)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Ok(()),
        }
    }

    fn leaf(
        &mut self,
        at: Position,
        content: Content<'t>,
        extent: Extent,
        anchor: usize,
        merge: bool,
    ) -> Result<()> {
        let id = self.push(at, content, extent.nodes)?;
        if anchor != 0 {
            self.anchors.insert(anchor, (id, extent));
        }
        self.attach(id, extent, merge)
    }

    fn start(
        &mut self,
        at: Position,
        content: Content<'t>,
        anchor: usize,
        flow_start: Option<usize>,
    ) -> Result<()> {
        self.refuse_template_action(flow_start)?;
        let id = self.push(at, content, 1)?;
        let (extent, keys) = (Extent { nodes: 1, depth: 1 }, BTreeMap::new());
        self.open.push(Frame { id, anchor, extent, key: None, keys, flow_start });
        self.check_depth(self.open.len(), at)
    }

    /// `{{ .Values.image }}` is valid YAML, a flow mapping whose key is a flow mapping, but never intended.
    fn refuse_template_action(&self, flow_start: Option<usize>) -> Result<()> {
        let Some((parent, start)) = self.open.last().zip(flow_start) else { return Ok(()) };
        if parent.key.is_none() && parent.flow_start.is_some_and(|outer| outer + 1 == start) {
            return Err(Located { at: self.nodes[parent.id].at, error: YamlError::TemplateAction });
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        if frame.anchor != 0 {
            self.anchors.insert(frame.anchor, (frame.id, frame.extent));
        }
        self.attach(frame.id, frame.extent, false)
    }

    fn push(&mut self, at: Position, content: Content<'t>, stands_for: u64) -> Result<NodeId> {
        self.expanded = self.expanded.saturating_add(stands_for);
        if self.expanded > self.limits.nodes {
            let error = YamlError::OverBudget { what: "nodes", limit: self.limits.nodes };
            return Err(Located { at, error });
        }
        self.nodes.push(RawNode { at, content });
        Ok(self.nodes.len() - 1)
    }

    fn check_depth(&self, depth: usize, at: Position) -> Result<()> {
        if depth > self.limits.depth {
            return Err(Located { at, error: YamlError::TooDeep(self.limits.depth) });
        }
        Ok(())
    }

    /// Adds a complete node to the enclosing collection.
    fn attach(&mut self, id: NodeId, extent: Extent, merge_key: bool) -> Result<()> {
        self.check_depth(self.open.len().saturating_add(extent.depth), self.nodes[id].at)?;
        let Some(mut frame) = self.open.pop() else {
            self.root = Some(id);
            return Ok(());
        };
        frame.extent.nodes = frame.extent.nodes.saturating_add(extent.nodes);
        frame.extent.depth = frame.extent.depth.max(extent.depth.saturating_add(1));
        if let Content::Sequence(items) = &mut self.nodes[frame.id].content {
            items.push(id);
        } else if let Some((key, merge)) = frame.key.take() {
            self.add_entry(frame.id, Entry { key, value: id, merge })?;
        } else {
            self.take_key(&mut frame, id, merge_key)?;
        }
        self.open.push(frame);
        Ok(())
    }

    fn take_key(&self, frame: &mut Frame<'t>, id: NodeId, merge: bool) -> Result<()> {
        let at = self.nodes[id].at;
        let key = match &self.nodes[self.resolve(id)].content {
            Content::Scalar(text, _) => text.clone(),
            Content::Sequence(_) => return Err(Located { at, error: YamlError::KeyNotScalar("list") }),
            _ => return Err(Located { at, error: YamlError::KeyNotScalar("mapping") }),
        };
        frame.key = Some((id, merge));
        if merge {
            return Ok(());
        }
        if let Some(&first) = frame.keys.get(&key) {
            let key = UntrustedText::from(&*key).terminal();
            return Err(Located { at, error: YamlError::DuplicateKey { key, first } });
        }
        frame.keys.insert(key, at.line);
        Ok(())
    }

    fn add_entry(&mut self, mapping: NodeId, entry: Entry) -> Result<()> {
        if entry.merge && !self.is_mergeable(entry.value) {
            return Err(Located { at: self.nodes[entry.value].at, error: YamlError::InvalidMerge });
        }
        if let Content::Mapping(entries) = &mut self.nodes[mapping].content {
            entries.push(entry);
        }
        Ok(())
    }

    fn is_mergeable(&self, value: NodeId) -> bool {
        let is_mapping = |id| matches!(self.nodes[self.resolve(id)].content, Content::Mapping(_));
        match &self.nodes[self.resolve(value)].content {
            Content::Sequence(items) => items.iter().all(|&item| is_mapping(item)),
            _ => is_mapping(value),
        }
    }

    fn resolve(&self, id: NodeId) -> NodeId {
        match self.nodes[id].content {
            Content::Alias(target) => target,
            _ => id,
        }
    }
}
