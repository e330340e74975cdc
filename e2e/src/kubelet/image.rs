//! Image names as containerd reports them. It does not use the parser under test, so that the two can
//! disagree.

/// The name in full, as in `docker.io/library/nginx:1.27` for `nginx:1.27`. Without a tag or digest it ends in
/// `latest`.
pub(super) fn full_name(reference: &str) -> String {
    let (repository, version) = split(reference);
    let version = if version.is_empty() { ":latest" } else { version };
    format!("{}{version}", full_repository(repository))
}

/// The repository in full with a digest, as in `docker.io/library/nginx@sha256:…`. A digest in the reference
/// itself wins.
pub(super) fn image_id(reference: &str, digest: impl FnOnce(&str) -> String) -> String {
    let digest = match reference.split_once('@') {
        Some((_, own)) => own.to_owned(),
        None => digest(reference),
    };
    format!("{}@{digest}", full_repository(split(reference).0))
}

/// Repository, and tag and digest with the characters before them.
fn split(reference: &str) -> (&str, &str) {
    let name = reference.split_once('@').map_or(reference, |(name, _)| name);
    let path = name.rfind('/').map_or(0, |slash| slash + 1);
    let end = name[path..].find(':').map_or(name.len(), |colon| path + colon);
    reference.split_at(end)
}

fn full_repository(repository: &str) -> String {
    match repository.split_once('/') {
        None => format!("docker.io/library/{repository}"),
        Some((host, _)) if host == "localhost" || host.contains(['.', ':']) => repository.to_owned(),
        Some(_) => format!("docker.io/{repository}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_full() {
        for (reference, full) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.27", "docker.io/library/nginx:1.27"),
            ("grafana/loki:3", "docker.io/grafana/loki:3"),
            ("localhost/a", "localhost/a:latest"),
            ("localhost:5000/a", "localhost:5000/a:latest"),
            ("registry.example/a/b:1", "registry.example/a/b:1"),
            ("a:1@sha256:ab", "docker.io/library/a:1@sha256:ab"),
        ] {
            assert_eq!(full_name(reference), full, "{reference}");
        }
    }

    #[test]
    fn identifies_by_repository_and_digest() {
        let digest = |_: &str| "sha256:cd".to_owned();
        assert_eq!(image_id("nginx:1.27", digest), "docker.io/library/nginx@sha256:cd");
        assert_eq!(image_id("localhost:5000/a", digest), "localhost:5000/a@sha256:cd");
        assert_eq!(image_id("a:1@sha256:ab", digest), "docker.io/library/a@sha256:ab");
    }

    #[test]
    fn takes_any_text() {
        for hostile in ["", ":", "@", "/", "é:é@é", "a/:", "\u{1b}[31m\n\0/:x"] {
            let _ = (full_name(hostile), image_id(hostile, str::to_owned));
        }
    }
}
