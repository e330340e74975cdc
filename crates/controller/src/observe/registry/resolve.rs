//! Resolves the name of a registry to permitted addresses.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use thiserror::Error;
use tower::Service;

use super::allowed::{Network, may_connect};

/// Why a name has no address.
#[derive(Debug, Error)]
pub(super) enum ResolveError {
    #[error(transparent)]
    Lookup(#[from] io::Error),
    /// None of its addresses is permitted.
    #[error("its address is private and not listed")]
    Forbidden,
}

/// A resolver that returns permitted addresses only.
#[derive(Debug, Clone)]
pub(super) struct GuardedResolver(pub(super) Arc<[Network]>);

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let networks = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|at| may_connect(at.ip(), &networks)).collect();
            if allowed.is_empty() { Err(ResolveError::Forbidden) } else { Ok(allowed.into_iter()) }
        })
    }
}
