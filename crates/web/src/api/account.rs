//! The account of the caller: password, sessions, and one-time passwords with their QR code (RFC 6238). It is a person's: an API token is
//! refused.

use axum::Json;
use axum::routing::post;
use http::StatusCode;
use p2p_service::accounts::{Begun, CodeKind, Secret, SessionInfo};
use p2p_shell::qr::Picture;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::aliases::Alias;
use super::extract::{Body, Path};
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

/// Width of a QR code at the least, in pixels: a camera reads it from a screen at an arm's length.
const QR_PIXELS: usize = 240;

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(change_password))
        .routes(routes!(sessions))
        .routes(routes!(revoke_session))
        .routes(routes!(enable_otp))
        .routes(routes!(confirm_otp))
        .routes(routes!(disable_otp))
        .routes(routes!(renew_backup_codes))
}

/// Returns the older path of the same meaning.
pub(super) fn alias() -> Alias {
    Alias { older: "/api/auth/enable-otp", of: "/auth/enable-otp", handlers: post(enable_otp) }
}

/// Change of a password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// Password that the account has.
    old: String,
    /// Password that it is to have.
    new: String,
}

/// Proof that the user is there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordProof {
    /// Password of the user.
    password: String,
}

/// Second factor that is wanted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedOtp {
    /// Source of the codes: an authenticator app unless another is named.
    #[serde(default)]
    kind: CodeSource,
}

/// Source of one-time codes.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum CodeSource {
    /// An authenticator app.
    #[default]
    App,
    /// Mails.
    Mail,
}

/// Code that confirms.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OtpConfirmation {
    /// Code of the app or of the mail.
    code: String,
}

/// One-time passwords that are set up, and take effect once a code confirms them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Enrolment {
    /// Source of the codes.
    kind: CodeSource,
    /// Secret in base32, to be typed into an app; null for mails.
    pub(crate) secret: Option<String>,
    /// Secret as a URI `otpauth:`, as apps take it; null for mails.
    pub(crate) uri: Option<String>,
    /// QR code of the URI as a picture in SVG; null for mails.
    pub(crate) qr_svg: Option<String>,
}

/// Backup codes, each for one login, which cannot be read again.
#[derive(Debug, Serialize, ToSchema)]
struct BackupCodes {
    /// The codes.
    backup_codes: Vec<String>,
}

/// Sessions of the user.
#[derive(Debug, Serialize, ToSchema)]
struct Sessions {
    /// The sessions.
    sessions: Vec<SessionEntry>,
}

/// Session of the user.
#[derive(Debug, Serialize, ToSchema)]
struct SessionEntry {
    /// Identifier, by which it is ended.
    id: String,
    /// Instant of its begin, in seconds since 1970-01-01 00:00 UTC.
    created_at: u64,
    /// Instant of its last use, exact to the minute, in seconds since 1970-01-01 00:00 UTC.
    used_at: u64,
    /// Front end and address from which it was begun.
    origin: String,
    /// True for the session of this request.
    is_own: bool,
}

impl From<SessionInfo> for SessionEntry {
    fn from(session: SessionInfo) -> SessionEntry {
        let SessionInfo { id, created_at, used_at, origin, is_own } = session;
        SessionEntry { id, created_at, used_at, origin, is_own }
    }
}

/// Changes the password of the caller, ends the other sessions, and revokes the API tokens.
#[utoipa::path(post, path = "/auth/password", request_body = NewPassword, tag = "accounts", responses(
    (status = 204, description = "The password is changed"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn change_password(
    Caller(access): Caller,
    Body(NewPassword { old, new }): Body<NewPassword>,
) -> Result<StatusCode, Problem> {
    access.change_password(old.into(), new.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the sessions of the caller.
#[utoipa::path(get, path = "/auth/sessions", tag = "accounts", responses(
    (status = 200, description = "The sessions", body = Sessions),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn sessions(Caller(access): Caller) -> Result<Json<Sessions>, Problem> {
    let sessions = access.sessions().await?.into_iter().map(SessionEntry::from).collect();
    Ok(Json(Sessions { sessions }))
}

/// Ends one session of the caller.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "accounts", params(("id" = String, Path, description = "Identifier")), responses(
    (status = 204, description = "The session is over"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn revoke_session(Caller(access): Caller, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    access.revoke(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins to enable one-time passwords. They take effect once `auth/confirm-otp` has a code.
#[utoipa::path(post, path = "/auth/enable-otp", request_body = Option<WantedOtp>, tag = "accounts", responses(
    (status = 200, description = "What an authenticator app is set up with, or that a code is mailed", body = Enrolment),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn enable_otp(Caller(access): Caller, body: Option<Body<WantedOtp>>) -> Result<Json<Enrolment>, Problem> {
    let WantedOtp { kind } = body.map(|Body(wanted)| wanted).unwrap_or_default();
    let wanted = match kind {
        CodeSource::App => CodeKind::App,
        CodeSource::Mail => CodeKind::Mail,
    };
    Ok(Json(Enrolment::of(&access.otp_enable(wanted).await?)?))
}

impl Enrolment {
    /// Returns what the user of an enrolment is shown.
    pub(crate) fn of(begun: &Begun) -> Result<Enrolment, Problem> {
        let Begun::App(enrolment) = begun else {
            return Ok(Enrolment { kind: CodeSource::Mail, secret: None, uri: None, qr_svg: None });
        };
        let uri = enrolment.uri.expose_secret();
        Ok(Enrolment {
            kind: CodeSource::App,
            secret: Some(enrolment.secret.expose_secret().to_owned()),
            uri: Some(uri.to_owned()),
            qr_svg: Some(qr_svg(uri)?),
        })
    }
}

/// Returns a text as a QR code.
fn qr_svg(text: &str) -> Result<String, Problem> {
    let code = Picture::of(text).ok_or_else(|| {
        tracing::error!("a QR code cannot be made: the text is too long");
        Problem::internal()
    })?;
    Ok(code.svg(QR_PIXELS))
}

/// Enables the one-time passwords that are set up, with a code that shows that they work.
#[utoipa::path(post, path = "/auth/confirm-otp", request_body = OtpConfirmation, tag = "accounts", responses(
    (status = 200, description = "The backup codes", body = BackupCodes),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn confirm_otp(
    Caller(access): Caller,
    Body(OtpConfirmation { code }): Body<OtpConfirmation>,
) -> Result<Json<BackupCodes>, Problem> {
    Ok(Json(exposed(&access.otp_confirm(code.into()).await?)))
}

/// Disables one-time passwords.
#[utoipa::path(post, path = "/auth/disable-otp", request_body = PasswordProof, tag = "accounts", responses(
    (status = 204, description = "One-time passwords are disabled"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn disable_otp(
    Caller(access): Caller,
    Body(PasswordProof { password }): Body<PasswordProof>,
) -> Result<StatusCode, Problem> {
    access.otp_disable(password.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replaces the backup codes.
#[utoipa::path(post, path = "/auth/backup-codes", request_body = PasswordProof, tag = "accounts", responses(
    (status = 200, description = "The backup codes", body = BackupCodes),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn renew_backup_codes(
    Caller(access): Caller,
    Body(PasswordProof { password }): Body<PasswordProof>,
) -> Result<Json<BackupCodes>, Problem> {
    Ok(Json(exposed(&access.new_backup_codes(password.into()).await?)))
}

fn exposed(codes: &[Secret]) -> BackupCodes {
    BackupCodes { backup_codes: codes.iter().map(|code| code.expose_secret().to_owned()).collect() }
}
