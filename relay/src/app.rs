//! The app: static files that are part of this binary.
//!
//! A debug build reads `dist/` at every request instead, so that the app can be built anew under a
//! running relay. The app routes behind `#`, so an unknown path is a plain 404.
//!
//! - A file whose name holds a hash of its content is cached for ever; everything else is asked for anew
//!   each time and answered with 304 while it has not changed.
//! - A sibling `NAME.br` is sent to whoever takes brotli.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use rust_embed::{EmbeddedFile, RustEmbed};

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_ANEW: HeaderValue = HeaderValue::from_static("no-cache");

/// The fewest hexadecimal digits that count as the hash in a file's name. Trunk writes 16.
const HASH_DIGITS: usize = 12;

const NOT_BUILT: &str = "This relay runs, but the app is not in it yet.\n\
    Build both with `cargo xtask run` in the project's folder.\n";

#[derive(RustEmbed)]
#[folder = "../dist"]
#[allow_missing = true]
pub(crate) struct App;

/// Answers a GET or HEAD for a file of `Files`.
pub(crate) async fn serve<Files: RustEmbed>(uri: Uri, headers: HeaderMap) -> Response {
    let path = match uri.path().trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    // The compressed copies are a form of their originals, not files of their own.
    let found = if path.ends_with(".br") {
        None
    } else {
        Files::get(path)
    };
    match found {
        Some(plain) => answer::<Files>(path, plain, &headers),
        None if path == "index.html" => {
            (StatusCode::SERVICE_UNAVAILABLE, NOT_BUILT).into_response()
        }
        None => (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response(),
    }
}

fn answer<Files: RustEmbed>(path: &str, plain: EmbeddedFile, asked: &HeaderMap) -> Response {
    let compressed = takes_brotli(asked)
        .then(|| Files::get(&format!("{path}.br")))
        .flatten();
    let encoding = compressed
        .is_some()
        .then_some(HeaderValue::from_static("br"));
    let file = compressed.unwrap_or(plain);

    let tag = entity_tag(&file);
    let unchanged = tag.is_some() && asked.get(IF_NONE_MATCH) == tag.as_ref();
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(body(file.data))
    };

    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(
        CACHE_CONTROL,
        if names_its_content(path) {
            FOR_EVER
        } else {
            ASK_ANEW
        },
    );
    headers.extend(tag.map(|tag| (ETAG, tag)));
    if !unchanged {
        headers.insert(CONTENT_TYPE, media_type(path));
        headers.extend(encoding.map(|encoding| (CONTENT_ENCODING, encoding)));
    }
    response
}

/// What is part of the binary is sent from there, without a copy.
fn body(data: Cow<'static, [u8]>) -> Body {
    match data {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    }
}

fn media_type(path: &str) -> HeaderValue {
    let guess = mime_guess::from_path(path).first_or_octet_stream();
    let text = guess.type_() == "text" || guess.subtype() == "json";
    let full = if text {
        format!("{guess}; charset=utf-8")
    } else {
        guess.to_string()
    };
    HeaderValue::try_from(full).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

fn entity_tag(file: &EmbeddedFile) -> Option<HeaderValue> {
    let hash = HEXLOWER.encode(&file.metadata.sha256_hash());
    HeaderValue::try_from(format!("\"{hash}\"")).ok()
}

/// `app-0123456789abcdef.js`, `app-0123456789abcdef_bg.wasm`: a dash, then enough hexadecimal digits.
fn names_its_content(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .unwrap_or(path)
        .split('-')
        .skip(1)
        .any(|part| {
            let hex = part.bytes().take_while(u8::is_ascii_hexdigit).count();
            let ends = part
                .as_bytes()
                .get(hex)
                .is_none_or(|next| matches!(next, b'.' | b'_'));
            hex >= HASH_DIGITS && ends
        })
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|choice| {
            let (name, weight) = choice.split_once(';').unwrap_or((choice, ""));
            let refused = weight
                .trim()
                .strip_prefix("q=")
                .is_some_and(|q| q.parse() == Ok(0.0));
            name.trim() == "br" && !refused
        })
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

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        for kept in [
            "app-0123456789abcdef.js",
            "a/komrade-app-0123456789ab_bg.wasm",
        ] {
            assert!(names_its_content(kept), "{kept}");
        }
        for asked in [
            "index.html",
            "sw.js",
            "boot.js",
            "icon-192.png",
            "manifest.webmanifest",
            "deadbeef-app.js",
            "a-0123456789abcdefg.js",
        ] {
            assert!(!names_its_content(asked), "{asked}");
        }
    }

    #[test]
    fn brotli_is_sent_only_to_those_who_take_it() {
        let with = |value: &'static str| {
            HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))])
        };
        assert!(takes_brotli(&with("gzip, deflate, br, zstd")));
        assert!(takes_brotli(&with("br;q=0.5")));
        assert!(!takes_brotli(&with("gzip, br;q=0")));
        assert!(!takes_brotli(&with("gzip, brotli")));
        assert!(!takes_brotli(&HeaderMap::new()));
    }

    #[test]
    fn types_are_those_that_browsers_insist_on() {
        for (path, wanted) in [
            ("app_bg.wasm", "application/wasm"),
            ("boot.js", "text/javascript; charset=utf-8"),
            ("index.html", "text/html; charset=utf-8"),
            ("manifest.webmanifest", "application/manifest+json"),
            ("hashes.json", "application/json; charset=utf-8"),
            ("icon.svg", "image/svg+xml"),
        ] {
            assert_eq!(media_type(path), wanted);
        }
    }
}
