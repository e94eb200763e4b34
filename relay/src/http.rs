//! HTTP around the app: bounded connections and the same strict headers on every answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
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
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(CONTENT_POLICY),
    ),
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

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]

    use super::*;
    use crate::app;
    use axum::middleware::map_response;
    use axum::routing::get;
    use rust_embed::RustEmbed;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[derive(RustEmbed)]
    #[folder = "tests/app"]
    struct Fixture;

    #[derive(RustEmbed)]
    #[folder = "tests/no-app"]
    #[allow_missing = true]
    struct Missing;

    /// Serves `Files` on a port of its own until the guard is dropped.
    async fn start<Files: RustEmbed + Send + 'static>() -> (SocketAddr, tokio_util::sync::DropGuard)
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .fallback(get(app::serve::<Files>))
            .layer(map_response(with_headers));
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, app, 4, stop.clone()));
        (address, stop.drop_guard())
    }

    /// Sends a request and gives the answer's head, in lower case, and its body.
    async fn ask(address: SocketAddr, request: &str, headers: &str) -> (String, String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), body.to_owned())
    }

    const WASM: &str = "GET /app-0123456789abcdef_bg.wasm";

    #[tokio::test]
    async fn the_first_page_and_the_strict_headers_are_served() {
        let (address, _running) = start::<Fixture>().await;
        let (head, body) = ask(address, "GET /", "").await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(body.contains("An app of the tests"));
        for header in [
            "content-type: text/html; charset=utf-8",
            "cache-control: no-cache",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-embedder-policy: require-corp",
            "cross-origin-resource-policy: same-origin",
            "permissions-policy: camera=(self), microphone=()",
            &format!("content-security-policy: {CONTENT_POLICY}\r\n"),
        ] {
            assert!(head.contains(header), "{header} is missing in {head}");
        }
    }

    #[tokio::test]
    async fn errors_carry_the_strict_headers_too() {
        let (address, _running) = start::<Fixture>().await;
        for (request, status) in [
            ("GET /nothing", "404"),
            ("GET /../Cargo.toml", "404"),
            ("GET /%2e%2e/Cargo.toml", "404"),
            ("GET /app-0123456789abcdef_bg.wasm.br", "404"),
            ("POST /", "405"),
        ] {
            let (head, body) = ask(address, request, "").await;
            assert!(
                head.starts_with(&format!("http/1.1 {status}")),
                "{request}: {head}"
            );
            assert!(
                head.contains("content-security-policy: default-src 'none'"),
                "{request}"
            );
            assert!(!body.contains('<'), "{request}: {body}");
        }
    }

    #[tokio::test]
    async fn a_file_named_by_its_hash_is_kept_for_ever() {
        let (address, _running) = start::<Fixture>().await;
        let (head, body) = ask(address, WASM, "").await;
        assert!(head.contains("content-type: application/wasm"), "{head}");
        assert!(
            head.contains("cache-control: public, max-age=31536000, immutable"),
            "{head}"
        );
        assert!(!head.contains("content-encoding"), "{head}");
        assert_eq!(body, "plain bytes of a module");
        for file in ["boot.js", "komrade.webmanifest"] {
            let (head, _) = ask(address, &format!("GET /{file}"), "").await;
            assert!(head.contains("cache-control: no-cache"), "{file}: {head}");
        }
    }

    #[tokio::test]
    async fn the_compressed_form_is_sent_to_whoever_takes_it() {
        let (address, _running) = start::<Fixture>().await;
        let (head, body) = ask(address, WASM, "accept-encoding: gzip, br\r\n").await;
        for header in [
            "content-encoding: br",
            "content-type: application/wasm",
            "vary: accept-encoding",
        ] {
            assert!(head.contains(header), "{header} is missing in {head}");
        }
        assert_eq!(body, "fewer bytes");
    }

    #[tokio::test]
    async fn what_has_not_changed_is_not_sent_again() {
        let (address, _running) = start::<Fixture>().await;
        let (head, _) = ask(address, "GET /boot.js", "").await;
        let tag = head
            .lines()
            .find_map(|line| line.strip_prefix("etag: "))
            .unwrap();
        let (head, body) = ask(
            address,
            "GET /boot.js",
            &format!("if-none-match: {tag}\r\n"),
        )
        .await;
        assert!(head.starts_with("http/1.1 304"), "{head}");
        assert_eq!(body, "");
        let (head, _) = ask(address, "GET /boot.js", "if-none-match: \"other\"\r\n").await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
    }

    #[tokio::test]
    async fn without_an_app_the_relay_says_how_to_build_it() {
        let (address, _running) = start::<Missing>().await;
        let (head, body) = ask(address, "GET /", "").await;
        assert!(head.starts_with("http/1.1 503"), "{head}");
        assert!(body.contains("cargo xtask run"), "{body}");
    }

    #[tokio::test]
    async fn as_many_connections_as_allowed_are_served_at_once() {
        let (address, _running) = start::<Fixture>().await;
        let mut idle = Vec::new();
        for _ in 0..4 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        let fifth = tokio::spawn(async move { ask(address, "GET /boot.js", "").await });
        // The four are served, so the fifth had its chance by now; it waits all the same.
        for stream in &mut idle {
            stream
                .write_all(b"GET /boot.js HTTP/1.1\r\nhost: x\r\n\r\n")
                .await
                .unwrap();
            stream.read_u8().await.unwrap();
        }
        assert!(!fifth.is_finished());
        idle.pop();
        assert!(fifth.await.unwrap().0.starts_with("http/1.1 200"));
    }
}
