//! Cookies (RFC 6265): the session of a browser, signed by a key that is kept in the data directory, and what the forms of a browser without
//! a session are bound to.
//!
//! Signing makes a cookie useless that this server has not given out: it is dropped before anything looks the session up.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, Expiration, Key, SameSite, SignedCookieJar};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use p2p_base::private_file;
use p2p_base::spelling::{shell_operand, visible_path};
use p2p_service::accounts::{AuthError, Secret, Token, new_bearer};
use secrecy::ExposeSecret;
use thiserror::Error;

/// Path of the file of the key in the data directory.
const KEY_FILE: &str = "keys/web-cookies";
/// Length of the key, in bytes.
const KEY_BYTES: usize = 64;
/// Name of the cookie that holds the session.
pub(crate) const SESSION: &str = "p2p_session";
/// Name of the cookie to which the forms of a browser without a session are bound.
const FORMS: &str = "p2p_forms";
/// Prefix of the names where the web speaks TLS: browsers take such a cookie from this host alone, and by TLS alone
/// (draft-ietf-httpbis-rfc6265bis, section 4.1.3.2).
const OF_THIS_HOST: &str = "__Host-";

/// Error of the key that signs cookies.
#[derive(Debug, Error)]
pub enum CookieKeyError {
    /// The system refuses the file or the directory.
    #[error("the key of cookies in {}: {reason}", visible_path(path))]
    Unusable {
        /// Path of the file.
        path: PathBuf,
        /// Error of the system.
        reason: io::Error,
    },
    /// Others may read the key, or have read it.
    #[error(
        "others on this machine may read the key of cookies in {}; `rm {}` lets the next start make another, and ends the sign-ins of browsers",
        visible_path(.0),
        shell_operand(.0)
    )]
    Open(PathBuf),
    /// The file is no such key.
    #[error(
        "{} is no key of cookies; `rm {}` lets the next start make another, and ends the sign-ins of browsers",
        visible_path(.0),
        shell_operand(.0)
    )]
    Format(PathBuf),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes for the key of cookies")]
    NoChance,
}

/// Cookies of a server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Cookies {
    key: Key,
    /// True if the web speaks TLS, so that cookies are kept from what does not (RFC 6265, section 5.2.5).
    is_secure: bool,
}

impl Cookies {
    /// Reads the key of the data directory, or makes one.
    pub(crate) fn of(data_dir: &Path, is_secure: bool) -> Result<Cookies, CookieKeyError> {
        Ok(Cookies { key: key_in(data_dir)?, is_secure })
    }

    /// Returns the key by which cookies are signed.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Returns true if the web speaks TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Returns the cookie that holds a session until it ends, `lifetime` seconds from now.
    fn of_session(&self, token: &Token, lifetime: u64) -> Cookie<'static> {
        let mut cookie = self.cookie(SESSION, token.expose().to_owned());
        let lifetime = i64::try_from(lifetime).unwrap_or(i64::MAX / 2);
        cookie.set_max_age(time::Duration::seconds(lifetime));
        cookie
    }

    /// Returns the cookie that takes the place of a session that is over, and that browsers drop at once.
    fn of_no_session(&self) -> Cookie<'static> {
        let mut cookie = self.cookie(SESSION, String::new());
        cookie.make_removal();
        cookie
    }

    fn cookie(&self, name: &str, value: String) -> Cookie<'static> {
        let cookie = Cookie::build((self.name(name), value)).path("/").http_only(true);
        cookie.same_site(SameSite::Strict).secure(self.is_secure).expires(Expiration::Session).build()
    }

    fn name(&self, name: &str) -> String {
        if self.is_secure { format!("{OF_THIS_HOST}{name}") } else { name.to_owned() }
    }

    /// Reads the cookies of a request.
    fn read(&self, path: &str, headers: &HeaderMap) -> Browser {
        let jar = SignedCookieJar::from_headers(headers, self.key.clone());
        let value = |name: &str| jar.get(&self.name(name)).map(|cookie| Secret::from(cookie.value().to_owned()));
        let session = value(SESSION);
        // One that is not signed by this key is as good as one whose session is over.
        let is_over = session.is_none() && jar_has(headers, &self.name(SESSION));
        let (forms, made, is_of_rest) = (value(FORMS), OnceLock::new(), path.starts_with("/api/"));
        Browser(Arc::new(Known { is_of_rest, session, is_over: AtomicBool::new(is_over), forms, made }))
    }

    /// Adds the cookie of a session to an answer, until the session ends, `lifetime` seconds from now.
    pub(crate) fn begin(&self, response: impl IntoResponse, token: &Token, lifetime: u64) -> Response {
        let jar = SignedCookieJar::new(self.key.clone()).add(self.of_session(token, lifetime));
        (jar, response).into_response()
    }

    /// Adds to an answer that the session is over.
    pub(crate) fn end(&self, response: impl IntoResponse) -> Response {
        (CookieJar::new().add(self.of_no_session()), response).into_response()
    }
}

impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cookies").field("is_secure", &self.is_secure).finish_non_exhaustive()
    }
}

/// Returns true if a request has a cookie of this name, signed or not.
fn jar_has(headers: &HeaderMap, name: &str) -> bool {
    CookieJar::from_headers(headers).get(name).is_some()
}

/// Knowledge of the browser that makes a request, by its cookies. A part of the request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Browser(Arc<Known>);

#[derive(Debug)]
struct Known {
    /// True for a request of REST, whatever routes it passes: those that are nested see a part of the path alone.
    is_of_rest: bool,
    /// Token of the session, if there is a cookie with one.
    session: Option<Secret>,
    /// True once it is known that the cookie holds no session, or one that is over: the answer clears it.
    is_over: AtomicBool,
    /// Random text to which forms are bound where there is no session.
    forms: Option<Secret>,
    /// Such a text that was made for this request: the answer hands it out.
    made: OnceLock<Secret>,
}

impl Browser {
    /// Returns the token of the session.
    pub(crate) fn session(&self) -> Option<&Secret> {
        self.0.session.as_ref()
    }

    /// Returns true if the request is one of REST, and not of a page.
    pub(crate) fn asks_rest(&self) -> bool {
        self.0.is_of_rest
    }

    /// Notes that the session is over.
    pub(crate) fn note_over(&self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.0.is_over.load(Ordering::Relaxed)
    }

    /// Returns what the forms are bound to that this browser has been given: the session that it has or has had, and the text for those
    /// without one.
    pub(crate) fn bindings(&self) -> impl Iterator<Item = &Secret> {
        self.0.session.iter().chain(&self.0.forms)
    }

    /// Returns what the forms are to be bound to that this browser is given now.
    ///
    /// # Errors
    /// Fails if the system gives no random bytes.
    pub(crate) fn binding(&self) -> Result<&Secret, AuthError> {
        let known = self.0.session.as_ref().filter(|_| !self.is_over()).or(self.0.forms.as_ref()).or(self.0.made.get());
        match known {
            Some(known) => Ok(known),
            None => {
                let made = new_bearer("")?;
                Ok(self.0.made.get_or_init(|| made))
            }
        }
    }
}

/// Reads the cookies of each request for those who answer it, clears the cookie of a session that is over, and hands out what forms are bound
/// to.
pub(crate) async fn layer(State(cookies): State<Cookies>, mut request: Request, next: Next) -> Response {
    let browser = cookies.read(request.uri().path(), request.headers());
    request.extensions_mut().insert(browser.clone());
    let mut response = next.run(request).await;
    let prefix = format!("{}=", cookies.name(SESSION));
    let is_set = |value: &HeaderValue| value.as_bytes().starts_with(prefix.as_bytes());
    if browser.is_over() && !response.headers().get_all(SET_COOKIE).iter().any(is_set) {
        response = cookies.end(response);
    }
    match browser.0.made.get() {
        Some(made) => {
            let jar = SignedCookieJar::new(cookies.key.clone());
            (jar.add(cookies.cookie(FORMS, made.expose_secret().to_owned())), response).into_response()
        }
        None => response,
    }
}

/// Returns the key of the data directory, which is made if there is none.
fn key_in(data_dir: &Path) -> Result<Key, CookieKeyError> {
    let path = data_dir.join(KEY_FILE);
    let unusable = |reason| CookieKeyError::Unusable { path: path.clone(), reason };
    match private_file::is_open_to_others(&path) {
        Ok(true) => return Err(CookieKeyError::Open(path)),
        Ok(false) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = Key::try_generate().ok_or(CookieKeyError::NoChance)?;
            private_file::create_directory(private_file::directory_of(&path)).map_err(unusable)?;
            private_file::write(&path, key.master()).map_err(unusable)?;
            return Ok(key);
        }
        Err(error) => return Err(unusable(error)),
    }
    let bytes = private_file::read(&path, KEY_BYTES as u64 + 1).map_err(unusable)?;
    if bytes.len() != KEY_BYTES {
        return Err(CookieKeyError::Format(path));
    }
    Ok(Key::from(&bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// The key outlives a start, is its owner's alone, and is refused where it is not or is none.
    #[test]
    fn the_key_is_kept_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(KEY_FILE);
        let made = key_in(directory.path()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(key_in(directory.path()).unwrap() == made);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(key_in(directory.path()), Err(CookieKeyError::Open(_))));
        std::fs::remove_file(&path).unwrap();
        assert!(key_in(directory.path()).unwrap() != made, "another key after a loss");
        private_file::write(&path, b"short").unwrap();
        let error = key_in(directory.path()).unwrap_err();
        assert!(error.to_string().contains("is no key of cookies; `rm "), "{error}");
    }

    /// Under TLS a cookie is bound to its host and to TLS; in both cases scripts cannot read it, and other sites do not make it be sent.
    #[test]
    fn the_session_is_in_a_cookie_of_this_host() {
        let directory = tempfile::tempdir().unwrap();
        let text = |is_secure| {
            let cookies = Cookies::of(directory.path(), is_secure).unwrap();
            cookies.of_session(&Token::presented("abc".to_owned()), 60).to_string()
        };
        assert_eq!(text(false), "p2p_session=abc; HttpOnly; SameSite=Strict; Path=/; Max-Age=60");
        assert_eq!(text(true), "__Host-p2p_session=abc; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60");
    }
}
