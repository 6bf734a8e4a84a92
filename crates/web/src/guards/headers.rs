//! Headers that make browsers careful: those of the list of the OWASP Secure Headers Project.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_DNS_PREFETCH_CONTROL, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue};

/// Policy for what a page may load, run and be in (Content Security Policy Level 3): this server alone, no script or style within a page, no
/// frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self'; connect-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'; worker-src 'self'";

/// Features of browsers that no page uses (Permissions Policy).
const FEATURES: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), \
    geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), \
    publickey-credentials-get=(), screen-wake-lock=(), sync-xhr=(), usb=(), xr-spatial-tracking=()";

/// Time for which browsers ask for this host by TLS alone (RFC 6797): a year.
const BY_TLS: &str = "max-age=31536000";

/// Headers of every answer. A handler that has set one has a stricter or a more exact one.
const EVERYWHERE: [(HeaderName, &str); 11] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), FEATURES),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
    (X_DNS_PREFETCH_CONTROL, "off"),
    // What is not personal says so itself.
    (CACHE_CONTROL, "no-store"),
];

/// Adds the headers to an answer; `is_secure` says whether the web speaks TLS.
pub(super) async fn layer(State(is_secure): State<bool>, request: Request, next: Next) -> Response {
    let is_named = is_secure && is_named_host(&request);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in EVERYWHERE {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if is_named {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(BY_TLS));
    }
    response
}

/// Returns true if a request names a host by a name that is not this machine's own: `localhost` is every other server's here too, which may
/// not speak TLS.
fn is_named_host(request: &Request) -> bool {
    let named = request.uri().host().or_else(|| super::hosts::without_port(request.headers().get(HOST)?.to_str().ok()?));
    named.is_some_and(|host| !super::hosts::is_of_this_machine(host))
}
