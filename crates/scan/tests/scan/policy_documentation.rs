//! The policies in `docs/policy.md` are valid.

use std::path::Path;

use tagwatch_scan::PolicyFile;

#[test]
fn the_policies_of_the_documentation_are_valid() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy.md")).unwrap();
    let blocks = text.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let mut policies = 0;
    for block in blocks.filter(|block| block.contains("spec:")) {
        let policy = if block.contains("apiVersion:") {
            block.to_owned()
        } else {
            format!("apiVersion: tagwatch.dev/v1alpha1\nkind: TagPolicy\n{block}")
        };
        PolicyFile::read(Path::new("-"), &mut policy.as_bytes())
            .unwrap_or_else(|error| panic!("{error}\n{block}"));
        policies += 1;
    }
    assert_eq!(policies, 2);
}

#[test]
fn the_mistakes_of_the_documentation_give_the_documented_messages() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy.md")).unwrap();
    let mut blocks = text.split("```text\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let (policy, documented) = (blocks.next().unwrap(), blocks.next().unwrap());
    let error = PolicyFile::read(Path::new("-"), &mut policy.as_bytes()).unwrap_err().to_string();
    assert_eq!(error.replace("<stdin>:", "policy.yaml:"), documented.trim_end());
}
