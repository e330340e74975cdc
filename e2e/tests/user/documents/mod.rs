//! Every mention of a page of the documentation leads to a page and a heading: in code, scripts, manifests and the pages
//! themselves.

mod citation;
mod link;
mod page;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tagwatch_e2e::checkout;

use page::{Pages, Target};

/// Searched with all that is below them, besides the files that lie in the checkout itself.
const FOLDERS: [&str; 7] = [".ci", "charts", "config", "crates", "docs", "e2e", "hack"];
/// These tests: what they read as examples leads nowhere.
const EXAMPLES: &str = "e2e/tests/user/documents/tests.rs";

/// A file that is text, by its path from the checkout.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn is_page(&self) -> bool {
        page::is_page(&self.path)
    }
}

fn sources() -> Result<Vec<Source>> {
    let mut paths = files(checkout(), false)?;
    for folder in FOLDERS {
        paths.extend(files(&checkout().join(folder), true)?);
    }
    paths.sort();
    let mut sources = Vec::new();
    for path in paths {
        let name = path.strip_prefix(checkout())?.to_owned();
        // What is not UTF-8 is a picture.
        if let Some(text) = fs::read_to_string(&path).ok().filter(|_| name != Path::new(EXAMPLES)) {
            sources.push(Source { path: name, text });
        }
    }
    Ok(sources)
}

fn files(folder: &Path, is_deep: bool) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            found.push(entry.path());
        } else if is_deep && entry.file_name() != "node_modules" {
            found.extend(files(&entry.path(), true)?);
        }
    }
    Ok(found)
}

/// Checks what `targets` finds in each source. Returns how many that is.
fn check(sources: &[Source], targets: impl Fn(&Source) -> Vec<Target>) -> usize {
    let pages = Pages::new(checkout());
    let mut count = 0;
    let mut mistakes = Vec::new();
    for source in sources {
        for target in targets(source) {
            count += 1;
            let mistake = pages.mistake(&target);
            mistakes.extend(mistake.map(|mistake| format!("{}: {mistake}", source.path.display())));
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    count
}

#[test]
fn every_citation_names_a_page_and_a_heading_that_exist() -> Result<()> {
    let found = check(&sources()?, |source| citation::targets(&source.text));
    assert!(found > 50, "{found} citations were found");
    Ok(())
}

#[test]
fn comments_name_every_page_by_its_path() -> Result<()> {
    let code: Vec<Source> = sources()?.into_iter().filter(|source| !source.is_page()).collect();
    let found = check(&code, |source| citation::names(&source.text));
    assert!(found > 0, "no comment names README.md: are comments still read?");
    Ok(())
}

#[test]
fn the_code_cites_headings_of_the_design() -> Result<()> {
    let of_design = |target: &Target| target.path.starts_with("docs/design") && target.heading.is_some();
    let code = sources()?.into_iter().filter(|source| source.path.starts_with("crates"));
    let cited = code.flat_map(|source| citation::targets(&source.text)).filter(of_design).count();
    assert!(cited >= 8, "{cited} citations of the design were found: do they still name a heading?");
    Ok(())
}

#[test]
fn every_link_between_pages_leads_to_a_file_and_an_anchor_that_exist() -> Result<()> {
    let pages: Vec<Source> = sources()?.into_iter().filter(Source::is_page).collect();
    let found = check(&pages, |page| link::targets(&page.path, &page.text));
    assert!(found > 100, "{found} links were found");
    Ok(())
}
