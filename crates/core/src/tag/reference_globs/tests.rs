use super::*;

fn entry_for(globs: &[&str], image: &str) -> Option<String> {
    let globs = ReferenceGlobs::new(globs.iter().copied()).expect("valid globs");
    let reference = Reference::parse(image).expect(image);
    globs.find(&reference).map(UntrustedText::terminal)
}

fn assert_matches(glob: &str, images: &[&str]) {
    for image in images {
        assert_eq!(entry_for(&[glob], image).as_deref(), Some(glob), "{image}");
    }
}

fn assert_no_match(glob: &str, images: &[&str]) {
    for image in images {
        assert_eq!(entry_for(&[glob], image), None, "{glob} on {image}");
    }
}

#[test]
fn a_glob_ends_where_its_element_ends() {
    assert_matches(
        "registry.corp/",
        &["registry.corp/app:1", "registry.corp/team/app", "registry.corp/a/b/c:x"],
    );
    assert_no_match(
        "registry.corp/",
        &[
            "registry.corp-evil/app:1",
            "registry.corp.evil/app",
            "registry.corp:5000/app",
            "evil/registry.corp/app",
        ],
    );
    assert_matches("registry.corp/team/*", &["registry.corp/team/app:1"]);
    assert_no_match("registry.corp/team/*", &["registry.corp/team/app/sub:1", "registry.corp/team-b/app:1"]);
    assert_matches("registry.corp/team/**", &["registry.corp/team/app/sub:1"]);
    assert_no_match("registry.corp/app", &["registry.corp/app2:1", "registry.corp/app/sub:1"]);
    assert_matches("registry.corp:5000/app", &["registry.corp:5000/app:1"]);
    assert_matches("*.corp/app", &["registry.corp/app:1"]);
    assert_no_match("*.corp/app", &["evil/x.corp/app:1"]);
}

#[test]
fn a_tag_glob_covers_all_of_the_tag_and_keeps_case() {
    assert_matches("registry.corp/app:v*", &["registry.corp/app:v1", "registry.corp/app:v1.2-x"]);
    assert_no_match(
        "registry.corp/app:v*",
        &["registry.corp/app:1v", "registry.corp/app:V1", "registry.corp/app"],
    );
    assert_matches("registry.corp/app:{prod,qa}-?", &["registry.corp/app:prod-1", "registry.corp/app:qa-2"]);
    assert_matches("registry.corp/app:latest", &["registry.corp/app:latest", "registry.corp/app"]);
    assert_matches("registry.corp/app", &["registry.corp/app", "registry.corp/app:anything"]);
}

#[test]
fn a_name_without_registry_is_docker_hubs() {
    assert_matches("nginx:1.*", &["nginx:1.27", "docker.io/library/nginx:1.27"]);
    assert_no_match("nginx:1.*", &["registry.corp/nginx:1.27", "bitnami/nginx:1.27"]);
    assert_matches("bitnami/", &["bitnami/nginx:1", "index.docker.io/bitnami/redis:7"]);
    assert_no_match("bitnami/", &["registry.corp/bitnami/nginx:1"]);
    assert_matches("index.docker.io/nginx", &["nginx"]);
    assert_matches("docker.io/", &["nginx", "bitnami/redis"]);
    assert_matches("localhost/app", &["localhost/app:1"]);
    assert_matches("[2001:db8::1]:5000/app*:v*", &["[2001:db8::1]:5000/app-x:v1"]);
}

#[test]
fn stars_alone_are_any_registry() {
    assert_matches("*:v*", &["nginx:v1", "registry.corp:5000/a/b/c:v2"]);
    assert_matches("**/release:*", &["registry.corp/a/b/release:1", "registry.corp/release:2"]);
    assert_matches("*/app", &["registry.corp/app:1"]);
    assert_no_match("*/app", &["registry.corp/team/app:1"]);
}

#[test]
fn the_first_entry_that_matches_is_named() {
    let globs = ["registry.corp/app:v*", "registry.corp/"];
    assert_eq!(entry_for(&globs, "registry.corp/app:v1").as_deref(), Some("registry.corp/app:v*"));
    assert_eq!(entry_for(&globs, "registry.corp/web").as_deref(), Some("registry.corp/"));
}

#[test]
fn a_bad_glob_is_named() {
    let message = |glob: &str| ReferenceGlobs::new([glob]).expect_err(glob).to_string();
    assert_eq!(
        message("registry.corp/[a"),
        "the glob `registry.corp/[a` is invalid: unclosed character class; missing ']'; \
         expected *, **, ?, [a-z] and {a,b}"
    );
    assert!(message("").contains("names no repository"));
    assert!(message(":v1").contains("names no repository"));
    assert!(message("app:").contains("no tag follows"));
    assert!(message("app@sha256:*").contains("names a digest"));
    assert!(message("a\u{1b}[2J{").contains("`a\\u{1b}[2J{`"));
    assert!(!message("a:[\u{9b}-\u{1b}]").contains(char::is_control));
}
