//! How far the reading has come, on a terminal.

use std::io::{self, IsTerminal, Write};

use crate::messages::is_quiet;

/// Columns of the bar.
const WIDTH: usize = 20;

/// A line on standard error, which goes when this is dropped. Nothing where that is no terminal, or with `--quiet`.
pub(super) struct Progress {
    is_shown: bool,
    done: usize,
    /// Lists in all, as far as is known.
    lists: usize,
    objects: u64,
}

impl Progress {
    pub(super) fn start() -> Self {
        Self { is_shown: io::stderr().is_terminal() && !is_quiet(), done: 0, lists: 0, objects: 0 }
    }

    /// So many more lists are to be read.
    pub(super) fn expect(&mut self, lists: usize) {
        self.lists += lists;
    }

    /// A list is complete.
    pub(super) fn finish_list(&mut self) {
        self.done += 1;
    }

    /// So many objects of a list were read.
    pub(super) fn add(&mut self, what: &str, objects: usize) {
        self.objects += u64::try_from(objects).unwrap_or(u64::MAX);
        if self.is_shown {
            // A terminal that is gone needs no bar.
            let _ = write!(io::stderr(), "\r\u{1b}[2K{}", self.line(what));
        }
    }

    fn line(&self, what: &str) -> String {
        let filled = (self.done * WIDTH).checked_div(self.lists).unwrap_or(0).min(WIDTH);
        let (bar, rest) = ("#".repeat(filled), "-".repeat(WIDTH - filled));
        format!("[{bar}{rest}] {} objects, reading {what}", self.objects)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\u{1b}[2K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_with_the_lists() {
        let mut progress = Progress { is_shown: false, done: 0, lists: 0, objects: 0 };
        progress.expect(4);
        progress.add("pods", 500);
        assert_eq!(progress.line("pods"), "[--------------------] 500 objects, reading pods");
        progress.finish_list();
        progress.add("deployments", 7);
        assert_eq!(progress.line("deployments"), "[#####---------------] 507 objects, reading deployments");
        for _ in 0..9 {
            progress.finish_list();
        }
        assert_eq!(progress.line("jobs"), "[####################] 507 objects, reading jobs");
    }
}
