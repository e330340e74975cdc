use std::path::Path;

use super::{
    citation, link,
    page::{Heading, Target, missing},
};

const PAGE: &str = "# The page\n\n## Tag classes\n\n```sh\n# no heading\n```\n\n## `twice`\n\n## `twice`\n";

fn target(path: &str, heading: impl Into<Option<Heading>>) -> Target {
    Target { path: path.into(), heading: heading.into() }
}

fn text(heading: &str) -> Heading {
    Heading::Text(heading.to_owned())
}

fn anchor(heading: &str) -> Heading {
    Heading::Anchor(heading.to_owned())
}

#[test]
fn a_heading_that_is_not_there_is_a_mistake() {
    let mistake = |heading: Heading| missing(PAGE, &heading);
    for found in
        [text("Tag classes"), text("The page"), anchor("tag-classes"), anchor("twice"), anchor("twice-1")]
    {
        assert_eq!(mistake(found), None);
    }
    assert_eq!(mistake(text("Tag class")), Some("\"Tag class\"".to_owned()));
    assert_eq!(mistake(text("tag classes")), Some("\"tag classes\"".to_owned()));
    assert_eq!(mistake(text("no heading")), Some("\"no heading\"".to_owned()));
    assert_eq!(mistake(anchor("twice-2")), Some("#twice-2".to_owned()));
}

#[test]
fn citations_are_found_with_their_headings() {
    for (source, found) in [
        ("/// Limits (`docs/a.md`, \"Shape\").", target("docs/a.md", text("Shape"))),
        (
            "//! Limits (docs/a.md, \"Where images\n//! are found\").",
            target("docs/a.md", text("Where images are found")),
        ),
        ("# See docs/a-b/c.md.", target("docs/a-b/c.md", None)),
        ("include_str!(\"/../../docs/a.md\")", target("docs/a.md", None)),
        ("runbook_url: https://tagwatch.dev/docs/a.md", target("docs/a.md", None)),
        ("see docs/a.md#the-part: there", target("docs/a.md", anchor("the-part"))),
    ] {
        assert_eq!(citation::targets(source), [found], "{source}");
    }
    assert_eq!(citation::targets("https://example.com/docs/a.md, docs/a.yaml, other/docs/a.md"), []);
}

#[test]
fn a_page_that_a_comment_names_without_its_folder_is_found() {
    assert_eq!(citation::names("    /// Up the chain (`rules.md`, section 3)."), [target("rules.md", None)]);
    assert_eq!(citation::names("get(\"/issues.md\"); // docs/a.md"), []);
}

#[test]
fn links_are_read_from_the_folder_of_their_page() {
    let targets = |text: &str| link::targets(Path::new("docs/design/a.md"), text);
    assert_eq!(
        targets("[one](b.md#c), ![two](../d.png) and [three](#e)"),
        [
            target("docs/design/b.md", anchor("c")),
            target("docs/d.png", None),
            target("docs/design/a.md", anchor("e"))
        ]
    );
    assert_eq!(targets("`[code](b.md)` [site](https://example.com)\n```\n[code](b.md)\n```\n"), []);
    assert_eq!(targets("[out](../../../b.md)"), [target("outside-of-the-checkout/b.md", None)]);
}
