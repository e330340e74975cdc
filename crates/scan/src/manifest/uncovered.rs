//! Images that no place of their kind leads to: they are counted and named, not silently skipped.

use tagwatch_core::kinds::{group_of, template_path_of};

use super::image_fields::{self, Naming};
use super::search::{FUNCTIONS, Images, Known, Scope, Search};
use super::{Manifest, Reason, Unjudged, texts};
use crate::note::NoteCode;
use crate::yaml::{Node, Position};

/// The group of Crossplane's packages: a provider or a function runs the image that `package` names
/// (apis/pkg of crossplane/crossplane).
const PACKAGES: &str = "pkg.crossplane.io";

/// Remarks on the images of an object that are not at one of the `judged` positions: those of its fields, and those of
/// manifests and patches that it holds as texts. `hint` gets the path of the first one and returns how a note goes on.
pub(super) fn remark(
    object: Node<'_, '_>,
    api_version: &str,
    kind: &str,
    judged: &[Position],
    hint: impl FnOnce(&str) -> Option<String>,
    manifest: &mut Manifest,
) {
    let known = Known { judged, ..Known::default() };
    remark_beside(object, (api_version, kind), known, hint, manifest);
}

/// The same of an object of which more is known.
pub(crate) fn remark_beside<'d, 't>(
    object: Node<'d, 't>,
    (api_version, kind): (&str, &str),
    known: Known<'_, 'd, 't>,
    hint: impl FnOnce(&str) -> Option<String>,
    manifest: &mut Manifest,
) {
    let has_packages = group_of(api_version) == PACKAGES;
    let scope = Scope { has_packages, depth: manifest.depth, is_of_values: false };
    let images = Search::new(known, scope).of_object(object);
    let hint = images.paths.first().and_then(|path| hint(path));
    push(images, (api_version, kind), Reason::NotCovered { hint }, manifest);
}

/// Whether an annotation can name an image, by its key: [`Search::metadata`] looks at no other one.
pub(super) fn may_be_of_image(annotation: &str) -> bool {
    // Without a prefix it is a remark of its author, which no program reads.
    let is_named = Naming::of(annotation).is_one() && annotation.contains('/');
    is_named || FUNCTIONS.contains(&annotation)
}

/// Whether a document names other images than those at so many places, each by a key of its own. `true` where only a search can
/// tell.
pub(super) fn may_name_others(root: Node<'_, '_>, places: usize) -> bool {
    let may_name = |text: &str| {
        Naming::of(text) != Naming::Other || text == image_fields::REPOSITORY || texts::may_hold_image(text)
    };
    root.count_scalars(may_name) != Some(places)
}

/// Remarks on a document that is no object, with the images that it names.
pub(super) fn remark_other(document: Node<'_, '_>, what: String, manifest: &mut Manifest) {
    let scope = Scope { depth: manifest.depth, ..Scope::default() };
    let images = Search::new(Known::default(), scope).of_object(document);
    if images.first.is_none() {
        return manifest.remark(document.position(), NoteCode::NotKubernetesObject, what);
    }
    let images = Images { first: Some(document.position()), ..images };
    push(images, ("", ""), Reason::NoObject { what }, manifest);
}

/// Remarks on the images in values of a chart that are not at one of the `judged` positions, as those of manifests that are
/// texts there.
pub(super) fn remark_values(values: Node<'_, '_>, kind: &str, judged: &[Position], manifest: &mut Manifest) {
    let known = Known { judged, ..Known::default() };
    let scope = Scope { is_of_values: true, depth: manifest.depth, has_packages: false };
    push(
        Search::new(known, scope).of_object(values),
        ("", kind),
        Reason::NotCovered { hint: None },
        manifest,
    );
}

fn push(images: Images, (api_version, kind): (&str, &str), reason: Reason, manifest: &mut Manifest) {
    let Images { count, paths, has_more, first } = images;
    let Some(at) = first else { return };
    manifest.unjudged.push(Unjudged {
        api_version: api_version.into(),
        kind: kind.into(),
        reason,
        count,
        paths,
        has_more,
        at,
    });
}

/// How a policy would have the first image read, if it is in a pod template.
pub(super) fn declare_hint(path: &str) -> Option<String> {
    let template = containing_template(path)?;
    Some(format!("; templatePath: {template} in the policy's workloads would read them"))
}

/// The template path that leads to the image at a path.
pub(super) fn containing_template(path: &str) -> Option<String> {
    template_path_of(path.strip_suffix("[*].image")?)
}

/// A path with `[*]` for each number of an item.
pub(crate) fn open_indexes(path: &str) -> String {
    let mut open = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, behind)) = rest.split_once('[') {
        let Some((index, after)) = behind.split_once(']') else { break };
        let is_number = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
        open.push_str(before);
        open.push('[');
        open.push_str(if is_number { "*" } else { index });
        open.push(']');
        rest = after;
    }
    open.push_str(rest);
    open
}
