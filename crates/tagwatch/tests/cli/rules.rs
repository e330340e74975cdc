//! `tagwatch rules` and `tagwatch explain`.

use crate::support::{broken_pipe, folder, run, tagwatch};

#[test]
fn rules_are_listed() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["rules"]), @"
    exit code: 0
    ----- stdout
    RULE                                                     POLICY             SEVERITY  RESULT  DEFAULT  SUMMARY
    missing-tag                                              image-tag          high      fail    on       The image names neither a tag nor a digest, so it means latest
    latest-tag                                               image-tag          high      fail    on       The tag is latest, which moves with every push
    floating-tag                                             image-tag          medium    warn    on       The tag is one that its publisher moves, such as 1.27, stable or main
    unclassified-tag                                         image-tag          low       warn    on       Nothing about the tag says whether it moves
    unpinned-image                                           image-tag          high      fail    off      No digest pins the image, so its tag decides which code runs
    invalid-image-reference                                  image-tag          high      error   on       The image is no valid reference, so no node can pull it
    stale-pull-policy                                        image-pull-policy  critical  fail    on       A tag that moves is pulled only where the node has no copy of it
    pull-policy-never                                        image-pull-policy  high      fail    on       The kubelet never pulls the image, so each node runs whatever it holds
    pull-policy-not-always                                   image-pull-policy  medium    fail    off      The pull policy is not Always, so a copy on the node is used unasked
    pull-policy-not-allowed                                  image-pull-policy  medium    fail    off      The pull policy is not written, or not one that this policy allows
    needless-pull                                            image-pull-policy  info      warn    off      A digest pins the image, yet each start asks the registry for it
    cached-private-image                                     image-pull-policy  medium    warn    off      An image that needs credentials is used from the node without asking for them
    kubernetes-image-pull-policy-of-container-is-not-always  image-pull-policy  low       fail    off      An image with a tag other than latest, and a pull policy other than Always
    moved-tag                                                image-drift        high      fail    on       The cluster saw this very reference run as more than one image
    mixed-digests                                            image-drift        critical  fail    on       Pods of one workload run different images of the same reference
    image-pull-failing                                       image-drift        high      fail    on       Pods wait for an image that their node does not get
    outdated-image                                           image-drift        medium    warn    off      The registry has another image under this tag than the one that runs
    ");
}

#[test]
fn rules_are_read_on_a_narrow_terminal() {
    let folder = folder(&[]);
    let output = tagwatch(folder.path(), &["rules"]).env("COLUMNS", "60").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.lines().all(|line| line.len() <= 60), "{printed}");
    let blocks: Vec<&str> = printed.split("\n\n").collect();
    insta::assert_snapshot!(blocks[6], @"
    stale-pull-policy
      image-pull-policy, critical, fail, on by default
      A tag that moves is pulled only where the node has no copy
        of it
    ");
    let table = run(folder.path(), &["rules"]);
    assert_eq!(table.lines().count() - 3, blocks.len(), "as many as in the table");
    let wide = tagwatch(folder.path(), &["rules"]).env("COLUMNS", "200").output().unwrap();
    assert!(table.ends_with(std::str::from_utf8(&wide.stdout).unwrap()));
}

#[test]
fn rules_are_written_as_json() {
    let folder = folder(&[]);
    let output = tagwatch(folder.path(), &["rules", "-o", "json"]).output().unwrap();
    let written: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(written["schema"], "tagwatch.dev/rules/v1");
    let rules = written["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 17);
    insta::assert_snapshot!(rules[1], @r#"{"category":"Mutable Tags","default":true,"id":"latest-tag","parameters":["tags"],"policy":"image-tag","profiles":["recommended","always","magalix"],"result":"fail","severity":"high","since":"0.1.0","summary":"The tag is latest, which moves with every push"}"#);
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema/rules-v1.schema.json");
    let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    jsonschema::validate(&schema, &written).unwrap();
}

#[test]
fn a_rule_is_explained() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["explain", "latest-tag"]), @"
    exit code: 0
    ----- stdout
    latest-tag

    The tag is latest, which moves with every push.

    Policy:    image-tag
    Category:  Mutable Tags
    Severity:  high
    Result:    fail
    Since:     0.1.0
    Profiles:  recommended, always, magalix

    WHY IT MATTERS

      `latest` is whatever was pushed last without a tag of its own. The manifest
      does not say which version runs, a restart or a new node can bring another
      one without a rollout, and a rollback changes nothing, for the older
      manifest says `latest` too.

      A digest pins the image whatever the tag beside it is, so
      `nginx:latest@sha256:<digest>` does not violate this rule.

      The parameter `tags` names further tags that no workload may run. They violate
      this rule alone, whatever else they look like.

    BAD EXAMPLE

      containers:
      - name: web
        image: nginx:latest

    GOOD EXAMPLE

      containers:
      - name: web
        image: nginx:1.27.3

    HOW TO FIX IT

      1. Name a digest, with the version beside it for the reader:
         `nginx:1.27.3@sha256:<digest>`. `docker buildx imagetools inspect
         nginx:1.27.3` prints the digest.
      2. Or name a tag that is never pushed again: a full version, a commit, a
         date or a build number.
    ");
}

#[test]
fn a_rule_that_is_misspelt_exits_with_2_and_a_suggestion() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["explain", "latest-tags"]), @r#"
    exit code: 2
    ----- stderr
    error: no rule is named "latest-tags"; did you mean latest-tag?
    "#);
    insta::assert_snapshot!(run(folder.path(), &["explain", "\u{1b}[31mcolour"]), @r#"
    exit code: 2
    ----- stderr
    error: no rule is named "\u{1b}[31mcolour"; `tagwatch rules` lists them
    "#);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = folder(&[]);
    for arguments in [&["rules"][..], &["explain", "latest-tag"]] {
        let status = tagwatch(folder.path(), arguments).stdout(broken_pipe()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn a_rule_is_explained_on_a_narrow_terminal() {
    let folder = folder(&[]);
    let printed = |width: &str| {
        let output =
            tagwatch(folder.path(), &["explain", "latest-tag"]).env("COLUMNS", width).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let (narrow, wide) = (printed("60"), printed("200"));
    assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
    let letters = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(letters(&narrow), letters(&wide), "nothing is left out");
    let output = tagwatch(folder.path(), &["explain", "latest-tag"]).output().unwrap();
    assert_eq!(wide.as_bytes(), output.stdout, "as where it is no terminal");
}

#[test]
fn an_explanation_as_json_matches_its_schema_and_the_list() {
    let folder = folder(&[]);
    let json = |arguments: &[&str]| -> serde_json::Value {
        let output = tagwatch(folder.path(), arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let schema = include_str!("../../../../docs/schema/rule-v1.schema.json");
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    for listed in json(&["rules", "-o", "json"])["rules"].as_array().unwrap() {
        let id = listed["id"].as_str().unwrap();
        let explained = json(&["explain", id, "-o", "json"]);
        let errors: Vec<String> = validator.iter_errors(&explained).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{id}");
        for (field, value) in listed.as_object().unwrap() {
            assert_eq!(&explained[field], value, "{id}: {field}");
        }
        for text in ["why", "bad", "good", "fix"] {
            assert!(explained[text].as_str().is_some_and(|text| !text.is_empty()), "{id}: {text}");
        }
    }
}
