//! Every command of the README is run, and prints what the README shows.

use std::{fmt::Write as _, fs};

use anyhow::{Context, Result};
use tagwatch_e2e::checkout;

use crate::shell::Shell;

/// A fenced block: the language behind the fence, and the lines.
pub(crate) struct Block {
    pub(crate) language: String,
    pub(crate) text: String,
}

/// The blocks of README.md.
pub(crate) fn blocks() -> Result<Vec<Block>> {
    let readme = fs::read_to_string(checkout().join("README.md")).context("README.md")?;
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in readme.lines() {
        match (open.as_mut(), line.strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(Block { language: language.to_owned(), text: String::new() });
            }
            (None, None) => {}
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
        }
    }
    Ok(blocks)
}

/// The only block of a language that holds `text`.
pub(crate) fn block(language: &str, text: &str) -> Result<String> {
    let mut found =
        blocks()?.into_iter().filter(|block| block.language == language && block.text.contains(text));
    let block = found.next().with_context(|| format!("README.md has no block {language} with {text:?}"))?;
    anyhow::ensure!(found.next().is_none(), "README.md has several blocks {language} with {text:?}");
    Ok(block.text)
}

/// `console` blocks are sessions without a cluster: a line with `$ ` is run, what follows is what it printed.
#[tokio::test]
async fn sessions_print_what_the_readme_shows() -> Result<()> {
    let shell = Shell::new().await?;
    let mut commands = 0;
    for block in blocks()?.into_iter().filter(|block| block.language == "console") {
        let mut session = String::new();
        for command in block.text.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let output = shell.run(command).await?;
            let printed = String::from_utf8(output.stdout)?;
            writeln!(session, "$ {command}\n{}", printed.trim_end())?;
            commands += 1;
        }
        let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(lines(&session), lines(&block.text));
    }
    assert!(commands > 0, "README.md has no console block");
    Ok(())
}

/// Blocks of other languages have tests of their own: a new one needs one too.
#[test]
fn no_block_is_without_a_test() -> Result<()> {
    for Block { language, text } in blocks()? {
        let tested = match language.as_str() {
            // sessions_print_what_the_readme_shows
            "console" => true,
            // demo::shows_what_the_readme_shows
            "text" => ["==> A control plane", "==> Prometheus"].iter().any(|begin| text.starts_with(begin)),
            // `make` is what runs the tests and what runs the demo; install::the_readmes_ways_to_install
            "sh" => text.lines().all(|line| {
                ["make ", "kubectl apply -k config/", "helm install "]
                    .iter()
                    .any(|start| line.starts_with(start))
            }),
            // A step of a pipeline.
            "yaml" => text.contains("tagwatch scan"),
            _ => false,
        };
        assert!(tested, "README.md, block {language}: no test runs it:\n{text}");
    }
    Ok(())
}
