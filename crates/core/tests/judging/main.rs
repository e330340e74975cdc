//! Judging as a whole: the literate fixtures, the rules' documentation, and hostile input.

mod fixture;
mod hostile;
mod rule_docs;
mod support;
mod verdicts;
