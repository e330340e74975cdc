use super::ReferenceError as E;
use super::*;

fn error(image: &str) -> ReferenceError {
    Reference::parse(image).expect_err(image)
}

#[test]
fn each_error_has_its_variant() {
    let digest = "a".repeat(64);
    let cases = [
        ("", E::Empty),
        ("$IMAGE:1.2", E::Placeholder { mark: "$" }),
        ("${IMAGE}", E::Placeholder { mark: "$" }),
        ("app:$(TAG)", E::Placeholder { mark: "$" }),
        ("{{ .Values.image }}:{{ .Values.tag }}", E::Placeholder { mark: "{{" }),
        ("app:{tag}", E::Placeholder { mark: "{" }),
        ("app:#{Build.Id}#", E::Placeholder { mark: "{" }),
        ("<image>", E::Placeholder { mark: "<" }),
        ("app:%TAG%", E::Placeholder { mark: "%" }),
        ("%VERSION%", E::Placeholder { mark: "%" }),
        ("app:%100%", E::InvalidTagCharacter { character: '%' }),
        ("@PROJECT@/app:1", E::Placeholder { mark: "@" }),
        ("app:@PROJECT@", E::Placeholder { mark: "@" }),
        ("app:@project.version@", E::Placeholder { mark: "@" }),
        ("app:@@TAG@@", E::Placeholder { mark: "@" }),
        ("app@DIGEST@", E::Placeholder { mark: "@" }),
        ("__IMAGE__:1.2", E::Placeholder { mark: "__" }),
        ("registry.example.com/__APP__:1", E::Placeholder { mark: "__" }),
        ("https://registry.example.com/app:1", E::Scheme),
        ("docker://nginx", E::Scheme),
        (" nginx", E::Blank { character: ' ' }),
        ("nginx:1.2\n", E::Blank { character: '\n' }),
        ("nginx:1 .2", E::Blank { character: ' ' }),
        (&digest, E::BareImageId),
        (":1.2", E::MissingRepository),
        ("registry.example.com/", E::MissingRepository),
        ("registry.example.com/:1", E::MissingRepository),
        (&format!("@sha256:{digest}"), E::MissingRepository),
        ("exa$mple.com/app", E::Placeholder { mark: "$" }),
        ("exam+ple.com/app", E::InvalidRegistry),
        ("example.com:port/app", E::InvalidRegistry),
        ("example.com:/app", E::InvalidRegistry),
        ("[::1/app", E::InvalidRegistry),
        ("[::1]:/app", E::InvalidRegistry),
        ("[::1]5000/app", E::InvalidRegistry),
        ("-example.com/app", E::InvalidRegistry),
        ("Foo_Bar/app", E::InvalidRegistry),
        ("Nginx", E::UppercaseRepository { character: 'N' }),
        ("PLACEHOLDER", E::UppercaseRepository { character: 'P' }),
        ("example.com/team/App:1", E::UppercaseRepository { character: 'A' }),
        ("ngi%nx:1", E::InvalidRepositoryCharacter { character: '%' }),
        ("ngi$", E::InvalidRepositoryCharacter { character: '$' }),
        ("nginx\u{661}", E::InvalidRepositoryCharacter { character: '\u{661}' }),
        ("a//b", E::InvalidRepositoryElement),
        ("a/", E::InvalidRepositoryElement),
        ("/a", E::InvalidRepositoryElement),
        ("-nginx", E::InvalidRepositoryElement),
        ("nginx-", E::InvalidRepositoryElement),
        ("a..b", E::InvalidRepositoryElement),
        ("a___b", E::InvalidRepositoryElement),
        ("a.-b", E::InvalidRepositoryElement),
        ("nginx:", E::MissingTag),
        ("nginx:.1", E::InvalidTagCharacter { character: '.' }),
        ("nginx:-1", E::InvalidTagCharacter { character: '-' }),
        ("nginx:1:2", E::InvalidTagCharacter { character: ':' }),
        ("example.com/app:1/2", E::InvalidTagCharacter { character: '/' }),
        ("nginx:1+2", E::InvalidTagCharacter { character: '+' }),
        (&format!("app@sha256:{digest}:1.2"), E::TagAfterDigest),
        ("app@", E::MissingDigest),
        ("mysql@8.0.44", E::TagBehindAt),
        ("nginx@1.27-alpine", E::TagBehindAt),
        ("nginx@latest", E::TagBehindAt),
        ("registry.example.com:5000/app@v1", E::TagBehindAt),
        ("mysql:8@8.0.44", E::UnknownDigestAlgorithm),
        ("app@sha256", E::UnknownDigestAlgorithm),
        ("app@sha256-abc", E::UnknownDigestAlgorithm),
        ("app@.1", E::UnknownDigestAlgorithm),
        (&format!("app@md5:{digest}"), E::UnknownDigestAlgorithm),
        (&format!("app@SHA256:{digest}"), E::UnknownDigestAlgorithm),
        (&format!("app@{digest}"), E::UnknownDigestAlgorithm),
        (&format!("app@sha256:A{digest}"), E::InvalidDigestCharacter { character: 'A' }),
        (&format!("app@sha256:{digest}a"), E::InvalidDigestLength { expected: 64, found: 65 }),
        (&format!("app@sha512:{digest}"), E::InvalidDigestLength { expected: 128, found: 64 }),
    ];
    for (image, expected) in cases {
        assert_eq!(error(image), expected, "{image:?}");
    }
}

#[test]
fn lengths_are_checked_at_their_limit() {
    let path = |bytes: usize| format!("example.com/{}", "a".repeat(bytes));
    assert!(Reference::parse(&path(255)).is_ok());
    assert_eq!(error(&path(256)), E::RepositoryTooLong { bytes: 256 });
    assert!(Reference::parse(&"a".repeat(247)).is_ok());
    assert_eq!(error(&"a".repeat(248)), E::RepositoryTooLong { bytes: 256 }, "`library/` counts");

    let tag = |bytes: usize| format!("app:{}", "a".repeat(bytes));
    assert!(Reference::parse(&tag(128)).is_ok());
    assert_eq!(error(&tag(129)), E::TagTooLong { bytes: 129 });

    let host = |bytes: usize| format!("{}.b/app", "a".repeat(bytes - 6));
    assert!(Reference::parse(&host(MAX_BYTES)).is_ok());
    assert_eq!(error(&host(MAX_BYTES + 1)), E::TooLong);
}

#[test]
fn every_digest_algorithm_has_its_length() {
    for (algorithm, length) in [("sha256", 64), ("sha384", 96), ("sha512", 128)] {
        let digest = format!("{algorithm}:{}", "0".repeat(length));
        let parsed = Reference::parse(&format!("app:1@{digest}")).expect("valid digest");
        assert_eq!((parsed.tag(), parsed.digest()), (Some("1"), Some(digest.as_str())));
    }
}

#[test]
fn messages_are_safe_for_a_terminal_and_say_what_was_expected() {
    for hostile in
        ["\u{1b}[2J", "nginx:\u{1b}[31m", "a\u{202e}b", "app@sha256:\u{7}", "\u{9b}.b/app", "a\u{a0}b"]
    {
        let message = error(hostile).to_string();
        assert!(message.chars().all(|c| c == '…' || matches!(c, ' '..='~')), "{message:?}");
        assert!(message.contains("expected"), "{message:?}");
        assert!(message.len() < 250, "{message:?}");
    }
    assert_eq!(
        error("nginx:\u{1b}").to_string(),
        "the tag holds the character `\\u{1b}`; expected letters, digits, `_`, `.` and `-`, not starting with `.` or `-`"
    );
}

#[test]
fn a_tag_behind_an_at_asks_for_a_colon() {
    let message = error("mysql@8.0.44").to_string();
    assert!(message.contains("did you mean `:`?"), "{message}");
}

#[test]
fn a_tag_in_double_underscores_parses_and_looks_like_a_placeholder() {
    for (image, expected) in [
        ("app:__TAG__", true),
        ("registry.example.com/app:__IMAGE_TAG_2__", true),
        ("app:__tag__", false),
        ("app:__TAG", false),
        ("app:____", false),
        ("app:TAG", false),
        ("app", false),
    ] {
        assert_eq!(Reference::parse(image).expect(image).looks_like_placeholder_tag(), expected, "{image}");
    }
}

#[test]
fn one_canonical_text_for_all_ways_to_write_a_reference() {
    let canonical = |image: &str| Reference::parse(image).expect(image).canonical();
    for image in ["nginx", "nginx:latest", "docker.io/nginx", "index.docker.io/library/nginx:latest"] {
        assert_eq!(canonical(image), "docker.io/library/nginx:latest", "{image}");
    }
    let digest = format!("sha256:{}", "a".repeat(64));
    assert_eq!(canonical(&format!("localhost:5000/app@{digest}")), format!("localhost:5000/app@{digest}"));
    assert_eq!(canonical(&format!("app:1@{digest}")), format!("docker.io/library/app:1@{digest}"));
    assert_eq!(canonical("in_dex.example.com/app"), "in_dex.example.com/app:latest");
}

#[test]
fn an_upper_case_host_parses_and_looks_like_a_placeholder() {
    for (image, expected) in [
        ("REGISTRY/app:1", true),
        ("MyOrg/app", true),
        ("registry.Example.com/app", true),
        ("registry.example.com/app:TAG", false),
        ("nginx", false),
    ] {
        assert_eq!(Reference::parse(image).expect(image).looks_like_placeholder_host(), expected, "{image}");
    }
}
