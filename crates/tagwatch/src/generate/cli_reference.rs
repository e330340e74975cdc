//! The command line reference, from the same source as `--help`.

use clap::{Command, CommandFactory};

use crate::args::Args;

/// A page with the help of every command.
pub(super) fn render() -> String {
    let mut root = <Args>::command().term_width(100);
    root.build();
    let mut page =
        String::from("# Command line\n\nWritten by `tagwatch generate docs` from the program's own help.\n");
    append(&mut page, &mut root, "tagwatch");
    let names: Vec<String> = root.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names.iter().filter(|name| *name != "help") {
        if let Some(command) = root.find_subcommand_mut(name) {
            append_all(&mut page, command, &format!("tagwatch {name}"));
        }
    }
    page
}

fn append_all(page: &mut String, command: &mut Command, title: &str) {
    append(page, command, title);
    for command in command.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        let title = format!("{title} {}", command.get_name());
        append_all(page, command, &title);
    }
}

fn append(page: &mut String, command: &mut Command, title: &str) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let help = help.join("\n");
    page.extend(["\n## ", title, "\n\n```text\n", help.trim_end(), "\n```\n"]);
}
