//! HTTP around the app: bounded connections and the same strict headers on every answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::HeaderValue;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

/// What the app's pages and workers may load, run and reach. The one place where this is written.
///
/// - no inline script or style, no other origin, no form, no frame; wasm, but no `eval`
/// - any relay may be connected to, since a member's relay need not be the one that serves the app;
///   without TLS only on the same machine
/// - markup is inserted through a policy named `default` or not at all
pub const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; img-src 'self' data: blob:; \
    connect-src 'self' wss: ws://127.0.0.1:* ws://localhost:*; worker-src 'self'; \
    manifest-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default";

const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY)),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-embedder-policy"),
        HeaderValue::from_static("require-corp"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    // The camera reads invites. Everything else that a browser could give stays off.
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), \
             bluetooth=(), midi=(), display-capture=(), browsing-topics=()",
        ),
    ),
];

/// Until a request's head must be complete, and for how long an idle connection is kept. Slow phones need
/// a few seconds.
const HEAD_DEADLINE: Duration = Duration::from_secs(20);

/// A connection that has not become a WebSocket ends after this: 1 MB at 2 KB/s still fits.
const HTTP_LIFE: Duration = Duration::from_secs(600);

/// Bytes of a request's head; browsers send about 1 KB. hyper's smallest is 8 KiB.
const HEAD_BYTES: usize = 16 * 1024;

/// Puts the strict headers on an answer.
pub(crate) async fn with_headers(mut response: Response) -> Response {
    response.headers_mut().extend(HEADERS);
    response
}

/// Answers requests until `stop`, at most `limit` connections at once; more wait in the kernel's queue.
pub(crate) async fn serve(listener: TcpListener, app: Router, limit: u16, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(limit.into()));
    let tasks = TaskTracker::new();
    loop {
        let accepted = async {
            let slot = Arc::clone(&slots).acquire_owned().await.ok()?;
            Some((listener.accept().await, slot))
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Some((Ok((stream, _)), slot)) => {
                tasks.spawn(connection(stream, app.clone(), slot, stop.clone()));
            }
            Some((Err(error), _)) => {
                debug!(kind = ?error.kind(), "a connection could not be accepted");
                // Out of file descriptors, most likely: accepting again at once would spin.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            None => break,
        }
    }
    tasks.close();
    tasks.wait().await;
}

async fn connection(
    stream: TcpStream,
    app: Router,
    _slot: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    // Small frames must not wait for one another; if the system refuses, they do.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = tokio::time::sleep(HTTP_LIFE) => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(HEAD_DEADLINE, connection).await.unwrap_or(Ok(()))
        }
    };
    if ended.is_err() {
        debug!("a connection ended early");
    }
}
