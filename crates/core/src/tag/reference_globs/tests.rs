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
fn braces_are_globs_of_their_own() {
    assert_matches("{docker.io,quay.io}/nginx", &["nginx", "quay.io/nginx"]);
    assert_no_match("{docker.io,quay.io}/nginx", &["ghcr.io/nginx"]);
    assert_matches("registry.corp/{a,b/c}:{v*,main}", &["registry.corp/a:v1", "registry.corp/b/c:main"]);
    assert_matches("{nginx:1.*,redis}", &["nginx:1.27", "redis:7"]);
    assert_no_match("{nginx:1.*,redis}", &["nginx:2", "registry.corp/redis"]);
    assert_matches("app{,-canary}", &["app", "app-canary"]);
    assert_matches("*.corp.example:*/", &["eu.corp.example:5000/app", "a.b.corp.example:443/x/y"]);
}

fn message(glob: &str) -> String {
    ReferenceGlobs::new([glob]).expect_err(glob).to_string()
}

#[test]
fn a_registry_without_a_boundary_is_refused_however_it_is_written() {
    for glob in [
        "registry.corp*/app",
        "registry.corp**/app",
        "registry.corp{,*}/app",
        "registry.{corp,corp*}/app",
        "{registry.corp,registry.corp*}/app",
        "{a.b,**}/app",
        "{a.b,*}/app",
        "{*,a.b}/app",
        "registry.corp*?/app",
        "registry.corp*t/app",
        "registry.corp*[a-z]/app",
        "registry.corp?/app",
        "[a-z]*corp.example/app",
        "?*corp.example/app",
        "*corp.example/app",
        "registry.*.example/app",
        "*.*/app",
        "[.a-z]*/app",
        "*.corp.example*:5000/app",
        "[a*:b]/app",
    ] {
        assert!(message(glob).contains("has no boundary"), "{glob}: {}", message(glob));
    }
}

#[test]
fn a_registry_alone_is_no_image_of_docker_hub() {
    for (glob, meant) in [
        ("registry.corp", "registry.corp/"),
        ("registry.corp*", "registry.corp/"),
        ("registry.corp:5000", "registry.corp:5000/"),
        ("registry.corp:v*", "registry.corp/"),
        ("localhost:5000", "localhost:5000/"),
        ("*.corp", "*.corp/"),
        ("{nginx,registry.corp}", "registry.corp/"),
    ] {
        assert!(message(glob).ends_with(&format!("did you mean {meant}?")), "{}", message(glob));
    }
}

#[test]
fn what_no_reference_can_hold_is_refused() {
    for (glob, expected) in [
        (" ", "no repository of an image holds ` `"),
        (" nginx", "no repository of an image holds ` `"),
        ("nginx ", "no repository of an image holds ` `"),
        ("/", "names no repository"),
        ("//", "is empty"),
        ("/nginx", "is empty"),
        ("a//b", "is empty"),
        ("https://ghcr.io/x", "without https://"),
        ("NGINX", "no repository of an image holds `N`"),
        ("ghcr.io/Team/app", "no repository of an image holds `T`"),
        ("nginx:1.*:2", "no tag of an image holds `:`"),
        ("nginx:1 2", "no tag of an image holds ` `"),
        ("nginx:ü", "no tag of an image holds `ü`"),
        ("registry.corp:http/x", "no port of an image holds `h`"),
        ("registry_corp.example/x", "no registry of an image holds `_`"),
        ("a\\*", "no repository of an image holds"),
    ] {
        assert!(message(glob).contains(expected), "{glob}: {}", message(glob));
    }
}

#[test]
fn a_glob_is_bounded_before_it_is_built() {
    let long = message(&format!("nginx{}", "?".repeat(900_000)));
    assert!(long.len() < 300 && long.contains("it has 900005 bytes; at most 512 are allowed"), "{long}");
    assert!(message(&format!("{}a{}", "{a,".repeat(126), "}".repeat(126))).contains("nested too deeply"));
    assert!(message(&"{".repeat(200_000)).contains("at most 512"));
    assert!(message(&"{a,b}".repeat(20)).contains("more than 64 globs"));
}

#[test]
fn a_bad_glob_is_named() {
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
