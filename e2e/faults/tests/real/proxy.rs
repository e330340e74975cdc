//! What lies between one tagwatch and the API server.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use http::{Request, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use tagwatch_faults::{Answer, FaultLayer};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) layer: Arc<FaultLayer>,
    _stop: DropGuard,
}

impl Proxy {
    pub(crate) async fn start(layer: Arc<FaultLayer>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let serving = serve(listener, Arc::clone(&layer), stop.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(serving));
        Ok(Self { address, layer, _stop: stop.drop_guard() })
    }
}

async fn serve(listener: TcpListener, layer: Arc<FaultLayer>, stop: CancellationToken) {
    // A listener fails when descriptors run out, and the test with it.
    while let Ok((stream, _)) = listener.accept().await {
        let layer = Arc::clone(&layer);
        let answering = service_fn(move |request| answer(Arc::clone(&layer), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answering);
        // It ends with an error whenever a fault breaks it off.
        tokio::spawn(stop.clone().run_until_cancelled_owned(async { drop(connection.await) }));
    }
}

async fn answer(layer: Arc<FaultLayer>, request: Request<Incoming>) -> Answer {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    // Ours, not the server's.
    head.headers.remove(header::HOST);
    layer.handle(Request::from_parts(head, Body::from(body))).await
}
