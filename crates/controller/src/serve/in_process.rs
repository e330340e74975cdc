//! The endpoints for a caller inside this process, such as a simulation, whose time no socket knows.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use tower::Service as _;

/// What a controller serves, once it does. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct InProcessEndpoints(Arc<OnceLock<Routes>>);

#[derive(Debug)]
struct Routes {
    admin: Router,
    console: Option<Router>,
}

impl InProcessEndpoints {
    pub(crate) fn set(&self, admin: Router, console: Option<Router>) {
        // One controller sets them, once.
        drop(self.0.set(Routes { admin, console }));
    }

    /// Status and body of a GET of the admin endpoint; `None` before it is served.
    pub async fn get(&self, path: &str) -> Option<(u16, String)> {
        answer(&self.0.get()?.admin, path).await
    }

    /// The same of the console, if there is one.
    pub async fn get_console(&self, path: &str) -> Option<(u16, String)> {
        answer(self.0.get()?.console.as_ref()?, path).await
    }
}

async fn answer(routes: &Router, path: &str) -> Option<(u16, String)> {
    // The console answers none but its own names.
    let request = Request::get(path).header(header::HOST, "localhost").body(Body::empty()).ok()?;
    let Ok(response) = routes.clone().call(request).await;
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.ok()?;
    Some((status, String::from_utf8_lossy(&body).into_owned()))
}
