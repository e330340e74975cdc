//! Builds the tree of one document, without recursion.

use std::borrow::Cow;
use std::collections::BTreeMap;

use tagwatch_core::text::UntrustedText;

use super::dialect::{Dialect, MergeTag};
use super::error::{Located, Overwritten, YamlError};
use super::scalar::{self, Scalar};
use super::stream::Limits;
use super::tree::{Content, Document, Entry, NodeId, Position, RawNode};

type Result<T> = std::result::Result<T, Located<YamlError>>;

/// How many values of a document that do not apply are named.
const MAX_OVERWRITTEN: usize = 20;

/// The size of a subtree with its aliases expanded: nodes, and depth of nested collections. The tree itself is not
/// expanded.
#[derive(Debug, Clone, Copy)]
struct Extent {
    nodes: u64,
    depth: usize,
}

const SCALAR: Extent = Extent { nodes: 1, depth: 0 };

/// What an anchor names: the last node so far that has it.
#[derive(Debug, Clone, Copy)]
enum Anchored {
    /// A collection that has not ended.
    Open(NodeId),
    Complete(NodeId, Extent),
}

#[derive(Debug)]
struct Frame<'t> {
    id: NodeId,
    anchor: Option<&'t str>,
    extent: Extent,
    /// The key of the next value of a mapping.
    key: Option<Key<'t>>,
    /// Keys so far.
    keys: BTreeMap<Cow<'t, str>, KnownKey>,
    /// Start of a flow mapping in bytes.
    flow_start: Option<usize>,
}

#[derive(Debug)]
enum Key<'t> {
    /// `<<`, with its place.
    Merge(Position),
    Own {
        id: NodeId,
        name: Cow<'t, str>,
        flaw: Option<&'static str>,
    },
}

#[derive(Debug)]
struct KnownKey {
    /// Among the entries of the mapping.
    index: usize,
    line: u32,
    /// Whether it is written in the mapping itself.
    is_own: bool,
}

#[derive(Debug)]
pub(super) struct Builder<'t> {
    limits: Limits,
    dialect: Dialect,
    nodes: Vec<RawNode<'t>>,
    open: Vec<Frame<'t>>,
    anchors: BTreeMap<&'t str, Anchored>,
    root: Option<NodeId>,
    /// Nodes of the file so far, with aliases expanded.
    expanded: u64,
    overwritten: Vec<Located<Overwritten>>,
    /// Whether the tree holds values or keys that JSON does not know.
    has_flaws: bool,
    /// Tag of the next node, where Compose knows it.
    next_tag: Option<MergeTag>,
    merge_tags: BTreeMap<NodeId, MergeTag>,
}

impl<'t> Builder<'t> {
    /// `expanded` is the number of nodes in earlier documents of the file.
    pub(super) fn new(limits: Limits, dialect: Dialect, expanded: u64) -> Self {
        Self {
            limits,
            dialect,
            nodes: Vec::new(),
            open: Vec::new(),
            anchors: BTreeMap::new(),
            root: None,
            expanded,
            overwritten: Vec::new(),
            has_flaws: false,
            next_tag: None,
            merge_tags: BTreeMap::new(),
        }
    }

    /// Announces the tag of the next node.
    pub(super) fn tag(&mut self, tag: Option<&str>) {
        self.next_tag = tag.and_then(|tag| self.dialect.merge_tag(tag));
    }

    pub(super) fn expanded(&self) -> u64 {
        self.expanded
    }

    /// The tree of the complete document; `None` if it is empty or null.
    pub(super) fn finish(self) -> Result<Option<Document<'t>>> {
        let Some(root) = self.root.filter(|&root| !self.is_null(root)) else { return Ok(None) };
        let Self { nodes, overwritten, merge_tags, .. } = self;
        let document = Document { nodes, root, overwritten, merge_tags };
        if self.has_flaws {
            check_flaws(&document)?;
        }
        Ok(Some(document))
    }

    fn is_null(&self, id: NodeId) -> bool {
        matches!(self.nodes[id].content, Content::Scalar(_, Scalar::Null))
    }

    pub(super) fn scalar(
        &mut self,
        at: Position,
        text: Cow<'t, str>,
        is_plain: bool,
        tag: Option<&str>,
        anchor: Option<&'t str>,
    ) -> Result<()> {
        let is_merge = scalar::is_merge(&text, is_plain, tag);
        let (text, scalar) = scalar::resolve(text, is_plain, tag).map_err(|error| Located { at, error })?;
        let scalar = self.dialect.scalar(&text, scalar);
        self.leaf(at, Content::Scalar(text, scalar), SCALAR, anchor, is_merge)
    }

    /// A scalar whose type is known.
    pub(super) fn typed_scalar(&mut self, at: Position, text: Cow<'t, str>, scalar: Scalar) -> Result<()> {
        self.leaf(at, Content::Scalar(text, scalar), SCALAR, None, false)
    }

    pub(super) fn alias(&mut self, at: Position, name: &str) -> Result<()> {
        let error = match self.anchors.get(name) {
            Some(&Anchored::Complete(target, extent)) => {
                return self.leaf(at, Content::Alias(target), extent, None, false);
            }
            Some(Anchored::Open(_)) => YamlError::SelfReference,
            None => YamlError::UnknownAnchor(UntrustedText::from(name).terminal()),
        };
        Err(Located { at, error })
    }

    fn leaf(
        &mut self,
        at: Position,
        content: Content<'t>,
        extent: Extent,
        anchor: Option<&'t str>,
        is_merge: bool,
    ) -> Result<()> {
        self.has_flaws |= matches!(content, Content::Scalar(_, Scalar::Float(value)) if !value.is_finite());
        let id = self.push(at, content, extent.nodes)?;
        if let Some(name) = anchor {
            self.anchors.insert(name, Anchored::Complete(id, extent));
        }
        self.attach(id, extent, is_merge)
    }

    pub(super) fn start_sequence(&mut self, at: Position, anchor: Option<&'t str>) -> Result<()> {
        self.start(at, Content::Sequence(Vec::new()), anchor, None)
    }

    /// `flow_start` is the place of the brace in bytes.
    pub(super) fn start_mapping(
        &mut self,
        at: Position,
        anchor: Option<&'t str>,
        flow_start: Option<usize>,
    ) -> Result<()> {
        self.refuse_template_action(flow_start)?;
        self.start(at, Content::Mapping(Vec::new()), anchor, flow_start)
    }

    fn start(
        &mut self,
        at: Position,
        content: Content<'t>,
        anchor: Option<&'t str>,
        flow_start: Option<usize>,
    ) -> Result<()> {
        let id = self.push(at, content, 1)?;
        if let Some(name) = anchor {
            self.anchors.insert(name, Anchored::Open(id));
        }
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

    /// Ends the innermost collection.
    pub(super) fn end(&mut self) -> Result<()> {
        let Some(Frame { id, anchor, extent, .. }) = self.open.pop() else { return Ok(()) };
        if let Some(anchored) = anchor.and_then(|name| self.anchors.get_mut(name))
            && matches!(anchored, Anchored::Open(open) if *open == id)
        {
            *anchored = Anchored::Complete(id, extent);
        }
        self.attach(id, extent, false)
    }

    fn push(&mut self, at: Position, content: Content<'t>, stands_for: u64) -> Result<NodeId> {
        self.expanded = self.expanded.saturating_add(stands_for);
        if self.expanded > self.limits.nodes {
            let error = YamlError::OverBudget { what: "nodes", limit: self.limits.nodes };
            return Err(Located { at, error });
        }
        self.nodes.push(RawNode { at, content });
        let id = self.nodes.len() - 1;
        if let Some(tag) = self.next_tag.take() {
            self.merge_tags.insert(id, tag);
        }
        Ok(id)
    }

    fn check_depth(&self, depth: usize, at: Position) -> Result<()> {
        if depth > self.limits.depth {
            return Err(Located { at, error: YamlError::TooDeep(self.limits.depth) });
        }
        Ok(())
    }

    /// Adds a complete node to the enclosing collection.
    fn attach(&mut self, id: NodeId, extent: Extent, is_merge: bool) -> Result<()> {
        self.check_depth(self.open.len().saturating_add(extent.depth), self.nodes[id].at)?;
        let Some(mut frame) = self.open.pop() else {
            self.root = Some(id);
            return Ok(());
        };
        frame.extent.nodes = frame.extent.nodes.saturating_add(extent.nodes);
        frame.extent.depth = frame.extent.depth.max(extent.depth.saturating_add(1));
        if let Content::Sequence(items) = &mut self.nodes[frame.id].content {
            items.push(id);
        } else {
            match frame.key.take() {
                Some(Key::Merge(at)) => self.merge(&mut frame, at, id)?,
                Some(Key::Own { id: key, name, flaw }) => {
                    self.add_own(&mut frame, name, Entry { key, value: id, flaw });
                }
                None if is_merge => frame.key = Some(Key::Merge(self.nodes[id].at)),
                None => frame.key = Some(self.own_key(id)?),
            }
        }
        self.open.push(frame);
        Ok(())
    }

    /// A key is what it is named in JSON.
    fn own_key(&mut self, id: NodeId) -> Result<Key<'t>> {
        let at = self.nodes[id].at;
        let (text, scalar) = match &self.nodes[self.resolve(id)].content {
            Content::Scalar(text, scalar) => (text, *scalar),
            Content::Sequence(_) => return Err(Located { at, error: YamlError::KeyNotScalar("list") }),
            _ => return Err(Located { at, error: YamlError::KeyNotScalar("mapping") }),
        };
        if scalar == Scalar::String {
            return Ok(Key::Own { id, name: text.clone(), flaw: None });
        }
        let (name, flaw) = match scalar::key_name(scalar, text) {
            Ok(name) => (name.into_owned(), None),
            Err(flaw) => (text.to_string(), Some(flaw)),
        };
        self.has_flaws |= flaw.is_some();
        let name = Cow::<'t, str>::Owned(name);
        self.nodes.push(RawNode { at, content: Content::Scalar(name.clone(), Scalar::String) });
        Ok(Key::Own { id: self.nodes.len() - 1, name, flaw })
    }

    fn add_own(&mut self, frame: &mut Frame<'t>, name: Cow<'t, str>, entry: Entry) {
        let at = self.nodes[entry.key].at;
        if let Some(known) = frame.keys.get(&name).filter(|known| known.is_own) {
            let (key, first) = (UntrustedText::from(&*name).terminal(), known.line);
            self.remark(at, Overwritten::ByKey { key, first });
        }
        self.set(frame, name, entry, at.line, true);
    }

    /// go-yaml adds the entries where the merge key is written, so they replace earlier ones and are replaced by later ones.
    /// Of several mappings the first one has precedence (`merge` in `decode.go`). For Compose, keys of the mapping itself
    /// have precedence wherever they are written.
    fn merge(&mut self, frame: &mut Frame<'t>, at: Position, value: NodeId) -> Result<()> {
        let merged = self.mergeable(value)?;
        for mapping in merged.into_iter().rev() {
            let Content::Mapping(entries) = &self.nodes[mapping].content else { continue };
            for entry in entries.clone() {
                let Content::Scalar(name, _) = &self.nodes[self.resolve(entry.key)].content else { continue };
                let name = name.clone();
                if let Some(known) = frame.keys.get(&name).filter(|known| known.is_own) {
                    if self.dialect == Dialect::Compose {
                        continue;
                    }
                    let (key, first) = (UntrustedText::from(&*name).terminal(), known.line);
                    self.remark(at, Overwritten::ByMerge { key, first });
                }
                self.set(frame, name, entry, at.line, false);
            }
        }
        Ok(())
    }

    fn set(&mut self, frame: &mut Frame<'t>, name: Cow<'t, str>, entry: Entry, line: u32, is_own: bool) {
        let Content::Mapping(entries) = &mut self.nodes[frame.id].content else { return };
        let known = frame.keys.entry(name).or_insert(KnownKey { index: entries.len(), line, is_own });
        (known.line, known.is_own) = (line, is_own);
        match entries.get_mut(known.index) {
            Some(earlier) => *earlier = entry,
            None => entries.push(entry),
        }
    }

    fn remark(&mut self, at: Position, what: Overwritten) {
        match self.overwritten.len() {
            0..MAX_OVERWRITTEN => self.overwritten.push(Located { at, error: what }),
            MAX_OVERWRITTEN => self.overwritten.push(Located { at, error: Overwritten::More }),
            _ => {}
        }
    }

    /// The mappings that are the value of a merge key. An alias stands for a mapping only, not for a list of them.
    fn mergeable(&self, value: NodeId) -> Result<Vec<NodeId>> {
        let values = match &self.nodes[value].content {
            Content::Sequence(items) => items.clone(),
            _ => vec![value],
        };
        let resolved: Vec<NodeId> = values.into_iter().map(|id| self.resolve(id)).collect();
        if resolved.iter().all(|&id| matches!(self.nodes[id].content, Content::Mapping(_))) {
            return Ok(resolved);
        }
        Err(Located { at: self.nodes[value].at, error: YamlError::InvalidMerge })
    }

    fn resolve(&self, id: NodeId) -> NodeId {
        match self.nodes[id].content {
            Content::Alias(target) => target,
            _ => id,
        }
    }
}

/// Refuses what JSON does not know, where it applies: a value that is replaced does no harm.
fn check_flaws(document: &Document<'_>) -> Result<()> {
    let fail = |at, what| Err(Located { at, error: YamlError::NotInJson(what) });
    let mut seen = vec![false; document.nodes.len()];
    let mut open = vec![document.root];
    while let Some(id) = open.pop() {
        if std::mem::replace(&mut seen[id], true) {
            continue;
        }
        let node = &document.nodes[id];
        match &node.content {
            Content::Scalar(_, Scalar::Float(value)) if !value.is_finite() => {
                return fail(node.at, "a number that is infinite, or none");
            }
            Content::Scalar(..) => {}
            Content::Alias(target) => open.push(*target),
            Content::Sequence(items) => open.extend(items.iter().rev()),
            Content::Mapping(entries) => {
                if let Some((entry, flaw)) = entries.iter().find_map(|entry| Some((entry, entry.flaw?))) {
                    return fail(document.nodes[entry.key].at, flaw);
                }
                open.extend(entries.iter().rev().map(|entry| entry.value));
            }
        }
    }
    Ok(())
}
