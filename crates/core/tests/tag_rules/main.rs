//! What makes a reference a member of its class, sentence by sentence of the table of mutability classes: every
//! example and counter-example that the table gives, and more of each kind.

mod floating;
mod order;
mod unique;
mod version;

use tagwatch_core::reference::Reference;
use tagwatch_core::tag::{Classification, Classifier, TagClass};

/// Classifies an image as it stands, with nothing declared and nothing proven.
fn classify(image: &str) -> Classification {
    let parsed = Reference::parse(image);
    Classifier::default().classify(parsed.as_ref())
}

fn classify_tag(tag: &str) -> Classification {
    classify(&format!("registry.example.com/app:{tag}"))
}

/// Every tag of a list has the class, or all that have another are named.
#[track_caller]
fn assert_class(class: TagClass, tags: &[&str]) {
    let others: Vec<String> = tags
        .iter()
        .map(|tag| (tag, classify_tag(tag)))
        .filter(|(_, found)| found.class != class)
        .map(|(tag, found)| {
            format!("{tag}: {} ({})", found.class.as_str(), found.matched.unwrap_or_default())
        })
        .collect();
    assert!(others.is_empty(), "not {}: {others:#?}", class.as_str());
}

/// The pattern that is shown for each tag.
#[track_caller]
fn assert_matched(cases: &[(&str, &str)]) {
    for (tag, matched) in cases {
        assert_eq!(classify_tag(tag).matched.as_deref(), Some(*matched), "{tag}");
    }
}
