//! The golden vectors of image references: inputs with the answers of the Go parser that kubelet and
//! containerd use, and of the API server's default for an unset pull policy.

#![expect(clippy::expect_used, reason = "a broken fixture fails the test")]

use serde_json::Value;
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::reference::Reference;

const VECTORS: &str = include_str!("fixtures/vectors/image-references.jsonl");

fn vectors() -> impl Iterator<Item = Value> {
    VECTORS.lines().map(|line| serde_json::from_str(line).expect("a vector is a JSON object"))
}

fn text<'a>(vector: &'a Value, field: &str) -> Option<&'a str> {
    vector[field].as_str()
}

#[test]
fn references_parse_as_the_go_parser_parses_them() {
    let mut compared = 0;
    for vector in vectors() {
        let input = text(&vector, "input").expect("input");
        let parsed = Reference::parse(input);
        assert_eq!(parsed.is_ok(), vector["ok"] == true, "{input:?}: {parsed:?}");
        if let Ok(parsed) = parsed {
            assert_eq!(Some(parsed.registry()), text(&vector, "registry"), "registry of {input:?}");
            assert_eq!(Some(parsed.repository()), text(&vector, "repository"), "repository of {input:?}");
            assert_eq!(parsed.tag(), text(&vector, "tag"), "tag of {input:?}");
            assert_eq!(parsed.digest(), text(&vector, "digest"), "digest of {input:?}");
        }
        compared += 1;
    }
    assert_eq!(compared, 561);
}

#[test]
fn an_unset_pull_policy_defaults_as_in_the_api_server() {
    for vector in vectors() {
        let input = text(&vector, "input").expect("input");
        let default = PullPolicy::default_for(Reference::parse(input).ok().as_ref()).as_str();
        assert_eq!(Some(default), text(&vector, "default_pull_policy"), "{input:?}");
    }
}
