//! Containers outside of pod templates: the forms in which kinds such as a workflow or a task describe what they run.
//!
//! A form is data, like the table of kinds. It names the places of containers in a mapping, and the places of mappings
//! that have a form of their own, which can be the same form again: a step of an Argo template holds a template.

use std::{fmt, ptr};

use super::resolve::{FoundTemplate, FoundTemplates, Mismatch, Tree, ValueType, find_templates_below};
use super::template_path::TemplatePath;
use crate::workload::ContainerType;

/// A form of mappings that describe containers.
pub struct ContainerSchema {
    /// Name of the upstream type.
    pub name: &'static str,
    /// The containers of the mapping itself.
    pub containers: &'static [ContainerPlace],
    /// Mappings in it that have a form of their own.
    pub nested: &'static [NestedSchema],
    /// Fields on the way from the mapping to its list of image pull secrets; empty where it has none.
    pub pull_secrets: &'static [&'static str],
    /// How a text refers to a parameter of the object, by what opens and closes it, where there are parameters.
    pub parameters: Option<(&'static str, &'static str)>,
}

impl ContainerSchema {
    pub(super) const fn taking(self, parameters: (&'static str, &'static str)) -> Self {
        Self { parameters: Some(parameters), ..self }
    }

    /// Whether a parameter decides on a part of a text, so that the text alone does not say what runs.
    pub fn is_parameterized(&self, text: &str) -> bool {
        let Some((open, close)) = self.parameters else { return false };
        text.split_once(open).is_some_and(|(_, rest)| rest.contains(close))
    }

    /// The paths of all its images, for documentation; one that ends with `…` leads to a form that holds this place.
    pub fn paths(&'static self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect_paths("", &mut Vec::new(), &mut paths);
        paths
    }

    fn collect_paths(&'static self, base: &str, holders: &mut Vec<&'static Self>, paths: &mut Vec<String>) {
        if holders.contains(&self) {
            return paths.push(format!("{base}…"));
        }
        holders.push(self);
        paths.extend(self.containers.iter().map(|place| {
            let field =
                if place.container_type == ContainerType::ImageVolume { "image.reference" } else { "image" };
            format!("{base}{}.{field}", place.path)
        }));
        for nested in self.nested {
            nested.schema.collect_paths(&format!("{base}{}.", nested.path), holders, paths);
        }
        holders.pop();
    }
}

/// Forms refer to each other and to themselves, so each is identified by its address.
impl PartialEq for ContainerSchema {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }
}

impl Eq for ContainerSchema {}

impl fmt::Debug for ContainerSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContainerSchema").field(&self.name).finish()
    }
}

/// A place of containers in a mapping.
#[derive(Debug, Clone, Copy)]
pub struct ContainerPlace {
    /// Path from the mapping to the mapping of one container, as a template path but with `[*]` also for lists in lists.
    pub path: &'static str,
    /// What kind of container it is.
    pub container_type: ContainerType,
    /// Its name, where its mapping has no `name` of its own.
    pub name: Option<&'static str>,
    /// Whether it may lack an image, because another place gives one.
    pub is_partial: bool,
    /// A field that stands for the image, such as the reference to a step of another object.
    pub reference_field: Option<&'static str>,
    /// Path of the defaults for it, from the mapping where [`DefaultsFrom`] says.
    pub defaults: Option<(DefaultsFrom, &'static str)>,
}

/// Where the defaults of a container are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultsFrom {
    /// In the mapping that holds the container, as a Tekton `stepTemplate`.
    Mapping,
    /// In the mapping of defaults that the enclosing form names, as Argo's `templateDefaults`.
    Enclosing,
}

/// A mapping with a form, in another one.
#[derive(Debug, Clone, Copy)]
pub struct NestedSchema {
    /// Path from the enclosing mapping.
    pub path: &'static str,
    /// The form of the mapping.
    pub schema: &'static ContainerSchema,
    /// Path of a mapping of the same form with its defaults, from the enclosing mapping. Without one, the defaults of the
    /// enclosing mapping apply.
    pub defaults: Option<&'static str>,
    /// Whether the mapping holds such defaults: none of its containers needs an image.
    pub is_partial: bool,
}

impl ContainerPlace {
    pub(super) const fn new(path: &'static str, container_type: ContainerType) -> Self {
        Self { path, container_type, name: None, is_partial: false, reference_field: None, defaults: None }
    }

    pub(super) const fn named(self, name: &'static str) -> Self {
        Self { name: Some(name), ..self }
    }

    pub(super) const fn partial(self) -> Self {
        Self { is_partial: true, ..self }
    }

    pub(super) const fn or_reference(self, field: &'static str) -> Self {
        Self { reference_field: Some(field), ..self }
    }

    pub(super) const fn defaults(self, from: DefaultsFrom, path: &'static str) -> Self {
        Self { defaults: Some((from, path)), ..self }
    }
}

impl NestedSchema {
    pub(super) const fn new(path: &'static str, schema: &'static ContainerSchema) -> Self {
        Self { path, schema, defaults: None, is_partial: false }
    }

    pub(super) const fn with_defaults(self, path: &'static str) -> Self {
        Self { defaults: Some(path), ..self }
    }

    pub(super) const fn partial(self) -> Self {
        Self { is_partial: true, ..self }
    }
}

/// A container that a form led to.
#[derive(Debug, Clone)]
pub struct FoundContainer<T> {
    /// Its path from the object's root. Keys of mappings are escaped for a terminal.
    pub path: String,
    /// Its mapping. That of an image volume is the volume.
    pub container: T,
    /// The place of its form that led to it.
    pub place: &'static ContainerPlace,
    /// Whether it may lack an image.
    pub is_partial: bool,
    /// A mapping with what it leaves out.
    pub defaults: Option<T>,
    /// The mappings with a form that hold it, the innermost last.
    pub enclosing: Vec<T>,
}

/// Where a form leads in one object.
#[derive(Debug)]
pub struct FoundContainers<T> {
    /// The containers, in the order of the form.
    pub containers: Vec<FoundContainer<T>>,
    /// Lists of image pull secrets.
    pub pull_secrets: Vec<T>,
    /// What is in the way.
    pub mismatches: Vec<Mismatch<T>>,
}

/// Follows a form from the root of an object. The parser has limited the depth of the tree, and so this recursion.
pub fn find_containers<T: Tree>(root: T, schema: &'static ContainerSchema) -> FoundContainers<T> {
    let mut found =
        FoundContainers { containers: Vec::new(), pull_secrets: Vec::new(), mismatches: Vec::new() };
    let mut enclosing = Vec::new();
    found.read(root, "", schema, Inherited { defaults: None, is_partial: false }, &mut enclosing);
    found
}

/// What a form inherits from the one that holds it.
#[derive(Clone, Copy)]
struct Inherited<T> {
    defaults: Option<T>,
    is_partial: bool,
}

impl<T: Tree> FoundContainers<T> {
    fn read(
        &mut self,
        mapping: T,
        path: &str,
        schema: &'static ContainerSchema,
        inherited: Inherited<T>,
        enclosing: &mut Vec<T>,
    ) {
        enclosing.push(mapping);
        for place in schema.containers {
            let defaults = place.defaults.and_then(|(from, path)| match from {
                DefaultsFrom::Mapping => field_at(mapping, path),
                DefaultsFrom::Enclosing => field_at(inherited.defaults?, path),
            });
            for FoundTemplate { path, template } in self.follow(mapping, path, place.path) {
                self.containers.push(FoundContainer {
                    path,
                    container: template,
                    place,
                    is_partial: place.is_partial || inherited.is_partial,
                    defaults,
                    enclosing: enclosing.clone(),
                });
            }
        }
        for nested in schema.nested {
            let inherited = Inherited {
                defaults: nested.defaults.map_or(inherited.defaults, |path| field_at(mapping, path)),
                is_partial: nested.is_partial || inherited.is_partial,
            };
            for FoundTemplate { path, template } in self.follow(mapping, path, nested.path) {
                self.read(template, &path, nested.schema, inherited, enclosing);
            }
        }
        if let Some((last, way)) = schema.pull_secrets.split_last() {
            let parent = way.iter().try_fold(mapping, |value, field| value.field(field));
            self.pull_secrets.extend(parent.and_then(|parent| parent.field(last)));
        }
        enclosing.pop();
    }

    fn follow(&mut self, mapping: T, base: &str, path: &str) -> Vec<FoundTemplate<T>> {
        let FoundTemplates { templates, mismatches } =
            find_templates_below(mapping, base, &TemplatePath::of_table(path));
        self.mismatches.extend(mismatches);
        templates
    }
}

/// The mapping at a path of plain fields.
fn field_at<T: Tree>(mapping: T, path: &str) -> Option<T> {
    let found = path.split('.').try_fold(mapping, T::field);
    found.filter(|found| found.value_type() == ValueType::Mapping)
}
