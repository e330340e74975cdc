//! `--render`: charts and kustomizations among the inputs, as the user's own Helm and Kustomize render them. They run only
//! when asked for, in a folder of their own without the user's configuration, for a limited time, and cannot reach a network.

mod helm;
mod kustomize;
mod process;
mod source;
mod tools;

use std::path::PathBuf;
use std::time::Duration;

use tagwatch_core::kinds::Kinds;

use crate::report::ReadFile;
use crate::yaml::Limits;
use tools::Tools;

/// How charts and kustomizations are rendered.
#[derive(Debug, Clone)]
pub struct Render {
    /// Folders in which `helm`, `kubectl` and `kustomize` are looked for, those of the PATH.
    pub programs: Vec<PathBuf>,
    /// Where temporary folders are made.
    pub temporary: PathBuf,
    /// How long each rendering may take.
    pub time_limit: Duration,
}

impl Render {
    /// How long each rendering may take, unless said otherwise.
    pub const TIME_LIMIT: Duration = Duration::from_secs(30);
}

/// Replaces charts and kustomizations by what they render to.
pub(crate) fn apply(files: &mut Vec<ReadFile>, render: &Render, kinds: &Kinds, limits: Limits) {
    let tools = Tools { render, kinds, limits };
    helm::apply(files, &tools);
    kustomize::apply(files, &tools);
}
