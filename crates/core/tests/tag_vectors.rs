//! The golden vectors of tags with their mutability class.

use serde_json::Value;
use tagwatch_core::reference::Reference;
use tagwatch_core::tag::Classifier;

const VECTORS: &str = include_str!("fixtures/vectors/tag-classes.jsonl");

#[test]
fn tags_have_the_class_that_the_vectors_give() {
    let classifier = Classifier::default();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for line in VECTORS.lines() {
        let vector: Value = serde_json::from_str(line).expect("a vector is a JSON object");
        let (tag, class) = (vector["tag"].as_str().expect("tag"), vector["class"].as_str().expect("class"));
        let reference = Reference::parse(&format!("registry.example.com/app:{tag}")).expect(tag);
        let found = classifier.classify(Ok(&reference));
        if found.class.as_str() != class {
            wrong.push(format!("{tag}: expected {class}, found {found:?}"));
        }
        compared += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(compared, 282);
}
