//! The names of Compose files.

use std::path::Path;

/// The files that Compose looks for, in order: `DefaultFileNames` of cli/options.go in compose-spec/compose-go.
pub(super) const DEFAULT: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// The files that it merges with the first one, of which the first that exists counts: `DefaultOverrideFileNames`.
pub(super) const OVERRIDE: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// Whether people name Compose files like this: `compose.yaml`, `docker-compose.prod.yml`, `compose-dev.yaml`.
pub(crate) fn is_compose_name(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let name = name.to_ascii_lowercase();
    let Some(stem) = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")) else { return false };
    let stem = stem.strip_prefix("docker-").unwrap_or(stem);
    stem.strip_prefix("compose").is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_compose_files() {
        let is_named = |name: &str| is_compose_name(Path::new(name));
        assert!(DEFAULT.iter().chain(&OVERRIDE).all(|name| is_named(name)));
        assert!(
            is_named("a/docker-compose.prod.yml") && is_named("compose-dev.yaml") && is_named("Compose.YAML")
        );
        for other in ["composer.yaml", "compose.json", "my-compose.yaml", "composed.yml", "compose"] {
            assert!(!is_named(other), "{other}");
        }
    }
}
