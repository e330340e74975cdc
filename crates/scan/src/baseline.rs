//! What is known already: only findings that are new, or worse, fail a scan.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use tagwatch_core::outcome::Outcome;
use tagwatch_core::text::UntrustedText;
use thiserror::Error;

use crate::policy_file::{PolicyFile, PolicyFileError};
use crate::report::ScanReport;

/// Largest JSON of an earlier scan: about 500,000 findings.
const MAX_BYTES: u64 = 512 << 20;

/// What `--baseline` names: the JSON of an earlier scan, or a policy whose exemptions say what is known.
#[derive(Debug)]
pub enum Baseline {
    /// Findings of an earlier scan.
    Scan(KnownFindings),
    /// A policy, as `tagwatch policy baseline` writes it.
    Policy(Box<PolicyFile>),
}

/// The open findings of an earlier scan, by fingerprint, each with how bad it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFindings(BTreeMap<String, u8>);

/// Why a file is no baseline. Safe for a terminal.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// The file cannot be read.
    #[error("cannot read the baseline {}: {error}", shown(.path))]
    Unread {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// JSON of a scan that this version does not understand.
    #[error("{}: no baseline: {reason}; expected the output of `tagwatch scan -o json`, or a TagPolicy", shown(.path))]
    NotAScan {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A policy that is not valid.
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
}

fn shown(path: &Path) -> String {
    UntrustedText::from(path.to_string_lossy().as_ref()).terminal()
}

/// What tells the two kinds apart.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: Option<String>,
    #[serde(default)]
    kind: Option<String>,
}

/// The parts of the contract that a baseline reads.
#[derive(Deserialize)]
struct EarlierScan {
    findings: Vec<EarlierFinding>,
}

#[derive(Deserialize)]
struct EarlierFinding {
    fingerprint: String,
    result: String,
}

impl Baseline {
    /// Reads a file of either kind.
    ///
    /// # Errors
    /// When it cannot be read, or is neither.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let unread = |error| BaselineError::Unread { path: path.to_owned(), error };
        let size = fs::metadata(path).map_err(unread)?.len();
        if size > MAX_BYTES {
            let error = io::Error::other(format!("it is larger than {MAX_BYTES} bytes"));
            return Err(unread(error));
        }
        let bytes = fs::read(path).map_err(unread)?;
        // A policy is YAML or JSON, and never has a schema.
        match serde_json::from_slice::<Head>(&bytes) {
            Ok(Head { schema, kind: None }) => {
                let read = KnownFindings::read(schema.as_deref(), &bytes);
                read.map(Self::Scan)
                    .map_err(|reason| BaselineError::NotAScan { path: path.to_owned(), reason })
            }
            _ => Ok(Self::Policy(Box::new(PolicyFile::read(path, &mut io::empty())?))),
        }
    }
}

impl KnownFindings {
    /// What was exempt or passed is not known: once it fails, it is new.
    fn read(schema: Option<&str>, json: &[u8]) -> Result<Self, String> {
        if schema != Some(ScanReport::SCHEMA) {
            let found = schema.map_or("none".to_owned(), |schema| UntrustedText::from(schema).terminal());
            return Err(format!("its schema is not {}, but {found}", ScanReport::SCHEMA));
        }
        let EarlierScan { findings } = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let mut known = BTreeMap::new();
        for EarlierFinding { fingerprint, result } in findings {
            let Some(outcome) = Outcome::parse(&result) else {
                let result = UntrustedText::from(result).terminal();
                return Err(format!("the result {result} of a finding is unknown"));
            };
            if let Some(rank) = rank(outcome) {
                known.insert(fingerprint, rank);
            }
        }
        Ok(Self(known))
    }
}

/// How bad a result is: a warning that has become a failure is new. `None` for what asks for no fix.
fn rank(result: Outcome) -> Option<u8> {
    match result {
        Outcome::Warn => Some(1),
        Outcome::Fail => Some(2),
        Outcome::Error => Some(3),
        Outcome::Skip | Outcome::Pass => None,
    }
}

impl ScanReport {
    /// Marks each finding as known or new.
    pub fn compare_with(&mut self, known: &KnownFindings) {
        for finding in &mut self.findings {
            let before = known.0.get(&finding.fingerprint);
            let is_known =
                rank(finding.result).is_some_and(|now| before.is_some_and(|before| now <= *before));
            finding.known = Some(is_known);
            self.summary.known += u64::from(is_known);
        }
    }
}
