//! Which namespaces are watched, as the operator of the installation chose.

/// The namespaces that are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchedNamespaces {
    /// All namespaces except these.
    AllExcept(Vec<String>),
    /// Only these, each with its own watch, so that rights in these namespaces suffice. Reports elsewhere are not
    /// touched.
    Only(Vec<String>),
}

impl WatchedNamespaces {
    /// Whether a namespace is watched.
    pub(crate) fn has(&self, name: &str) -> bool {
        let is_named = |names: &[String]| names.iter().any(|named| named == name);
        match self {
            Self::AllExcept(names) => !is_named(names),
            Self::Only(names) => is_named(names),
        }
    }

    /// The scope of each watch; `None` is all namespaces at once.
    pub(crate) fn scopes(&self) -> Vec<Option<String>> {
        match self {
            Self::AllExcept(_) => vec![None],
            Self::Only(names) => names.iter().cloned().map(Some).collect(),
        }
    }

    /// The field selector by which the API server leaves excluded namespaces out.
    pub(crate) fn field_selector(&self) -> Option<String> {
        match self {
            Self::AllExcept(names) if !names.is_empty() => {
                let terms: Vec<String> =
                    names.iter().map(|name| format!("metadata.namespace!={name}")).collect();
                Some(terms.join(","))
            }
            Self::AllExcept(_) | Self::Only(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excluded_namespaces_are_left_out_by_the_api_server() {
        let namespaces = WatchedNamespaces::AllExcept(vec!["kube-system".to_owned(), "ci".to_owned()]);
        assert_eq!(
            namespaces.field_selector().as_deref(),
            Some("metadata.namespace!=kube-system,metadata.namespace!=ci")
        );
        assert_eq!(namespaces.scopes(), [None]);
        assert_eq!(WatchedNamespaces::AllExcept(Vec::new()).field_selector(), None);
    }

    #[test]
    fn chosen_namespaces_are_watched_one_by_one() {
        let namespaces = WatchedNamespaces::Only(vec!["shop".to_owned(), "mail".to_owned()]);
        assert_eq!(namespaces.scopes(), [Some("shop".to_owned()), Some("mail".to_owned())]);
        assert_eq!(namespaces.field_selector(), None);
        assert!(namespaces.has("shop") && !namespaces.has("ci"));
        let except = WatchedNamespaces::AllExcept(vec!["ci".to_owned()]);
        assert!(except.has("shop") && !except.has("ci"));
    }
}
