//! `AuthService`: registration, logins, sessions and API tokens. Limits, delays, mails and the audit log are those of the accounts, as by
//! every other door.

use p2p_service::Scope;
use p2p_service::access::{Access, Identity};
use p2p_service::accounts::{ApiTokenInfo, NewToken, Reach, Registration, TOKEN_LIFETIME, Token};
use prost_types::Timestamp;
use secrecy::ExposeSecret;
use tonic::{Request, Response, Status};

use crate::callers::Callers;
use crate::proto::auth_service_server::AuthService;
use crate::proto::login_response::Step;
use crate::proto::{
    CreateTokenRequest, CreateTokenResponse, ListTokensRequest, ListTokensResponse, LoginRequest, LoginResponse, LogoutRequest,
    LogoutResponse, OtpChallenge, RegisterRequest, RevokeTokenRequest, RevokeTokenResponse, SendOtpRequest, SendOtpResponse,
    TokenInfo, VerifyOtpRequest, WhoAmIRequest, WhoAmIResponse,
};
use crate::status::{self, told};

type Answer<T> = Result<Response<T>, Status>;

/// The accounts, as a service.
#[derive(Debug)]
pub(crate) struct Accounts(Callers);

impl Accounts {
    pub(crate) fn new(callers: Callers) -> Accounts {
        Accounts(callers)
    }

    async fn registered(&self, request: Request<RegisterRequest>) -> Result<LoginResponse, Status> {
        let access = self.0.caller(&request).await?;
        let RegisterRequest { name, email, password, admission } = request.into_inner();
        let wanted = Registration {
            name: name.parse().map_err(|error| status::invalid("name", error))?,
            email: email.parse().map_err(|error| status::invalid("email", error))?,
            password: password.into(),
        };
        let is_own = *access.identity() == Identity::Nobody;
        access.register_with(wanted, admission.map(Into::into)).await.map_err(told)?;
        Ok(LoginResponse { step: is_own.then(|| begun(&access)).transpose()? })
    }

    async fn logged_in(&self, request: Request<LoginRequest>) -> Result<LoginResponse, Status> {
        let access = self.0.stranger(&request)?;
        let LoginRequest { name, password } = request.into_inner();
        let step = match access.login(name, password.into()).await.map_err(told)? {
            None => begun(&access)?,
            Some(challenge) => {
                let (kind, mail_wait_seconds) = (challenge.kind.name().to_owned(), challenge.mail_wait);
                let id = self.0.challenges().remember(challenge).map_err(told)?;
                Step::Challenge(OtpChallenge { id, kind, mail_wait_seconds })
            }
        };
        Ok(LoginResponse { step: Some(step) })
    }

    async fn verified(&self, request: Request<VerifyOtpRequest>) -> Result<LoginResponse, Status> {
        let access = self.0.stranger(&request)?;
        let VerifyOtpRequest { challenge_id, code } = request.into_inner();
        let challenge = self.0.challenges().of(&challenge_id).map_err(told)?;
        access.login_with_code(&challenge, code.into()).await.map_err(told)?;
        self.0.challenges().forget(&challenge_id);
        Ok(LoginResponse { step: Some(begun(&access)?) })
    }

    async fn sent(&self, request: Request<SendOtpRequest>) -> Result<SendOtpResponse, Status> {
        let access = self.0.stranger(&request)?;
        let challenge = self.0.challenges().of(&request.into_inner().challenge_id).map_err(told)?;
        access.send_code(&challenge).await.map_err(told)?;
        Ok(SendOtpResponse {})
    }

    async fn created(&self, request: Request<CreateTokenRequest>) -> Result<CreateTokenResponse, Status> {
        let access = self.0.caller(&request).await?;
        let wanted = wanted(&access, request.into_inner())?;
        let token = access.new_token(wanted).await.map_err(told)?;
        Ok(CreateTokenResponse { token: token.expose_secret().to_owned() })
    }

    async fn known(&self, request: Request<WhoAmIRequest>) -> Result<WhoAmIResponse, Status> {
        let access = self.0.caller(&request).await?;
        let identity = access.identity();
        access.require_login(&identity).map_err(told)?;
        let reach = identity.token();
        Ok(WhoAmIResponse {
            name: identity.name().unwrap_or_default().to_owned(),
            is_admin: identity.is_admin(),
            scope: reach.map_or(Scope::Admin, |reach| reach.scope).name().to_owned(),
            path: reach.and_then(|reach| reach.path.clone()),
            by_token: reach.is_some(),
        })
    }
}

#[tonic::async_trait]
impl AuthService for Accounts {
    async fn register(&self, request: Request<RegisterRequest>) -> Answer<LoginResponse> {
        self.registered(request).await.map(Response::new)
    }

    async fn login(&self, request: Request<LoginRequest>) -> Answer<LoginResponse> {
        self.logged_in(request).await.map(Response::new)
    }

    async fn verify_otp(&self, request: Request<VerifyOtpRequest>) -> Answer<LoginResponse> {
        self.verified(request).await.map(Response::new)
    }

    async fn send_otp(&self, request: Request<SendOtpRequest>) -> Answer<SendOtpResponse> {
        self.sent(request).await.map(Response::new)
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Answer<LogoutResponse> {
        let access = self.0.caller(&request).await?;
        access.logout(request.into_inner().all).await.map_err(told)?;
        Ok(Response::new(LogoutResponse {}))
    }

    async fn who_am_i(&self, request: Request<WhoAmIRequest>) -> Answer<WhoAmIResponse> {
        self.known(request).await.map(Response::new)
    }

    async fn create_token(&self, request: Request<CreateTokenRequest>) -> Answer<CreateTokenResponse> {
        self.created(request).await.map(Response::new)
    }

    async fn list_tokens(&self, request: Request<ListTokensRequest>) -> Answer<ListTokensResponse> {
        let tokens = self.0.caller(&request).await?.api_tokens().await.map_err(told)?;
        Ok(Response::new(ListTokensResponse { tokens: tokens.into_iter().map(shown).collect() }))
    }

    async fn revoke_token(&self, request: Request<RevokeTokenRequest>) -> Answer<RevokeTokenResponse> {
        let access = self.0.caller(&request).await?;
        access.revoke_token(request.into_inner().name).await.map_err(told)?;
        Ok(Response::new(RevokeTokenResponse {}))
    }
}

/// Hands the session that has begun over to its user: it does not end with the request.
fn begun(access: &Access) -> Result<Step, Status> {
    let token: Token = access.token().map_err(told)?;
    access.keep();
    Ok(Step::SessionToken(token.expose().to_owned()))
}

/// Returns the token that is to be made.
fn wanted(access: &Access, request: CreateTokenRequest) -> Result<NewToken, Status> {
    let CreateTokenRequest { name, scope, path, expires_at } = request;
    let scope = match scope.as_str() {
        "" => Scope::Read,
        text => text.parse().map_err(|error| status::invalid("scope", error))?,
    };
    let path = path.map(|path| access.path_for_token(&path)).transpose().map_err(told)?;
    let expires_at = match expires_at {
        None => access.now().saturating_add(TOKEN_LIFETIME),
        Some(Timestamp { seconds, .. }) => seconds.try_into().map_err(|_| status::invalid("expires_at", "it is before 1970"))?,
    };
    let name = name.parse().map_err(|error| status::invalid("name", error))?;
    Ok(NewToken { name, reach: Reach { scope, path }, expires_at })
}

fn shown(token: ApiTokenInfo) -> TokenInfo {
    TokenInfo {
        name: token.name.as_str().to_owned(),
        scope: token.reach.scope.name().to_owned(),
        path: token.reach.path,
        created_at: time(token.created_at),
        expires_at: time(token.expires_at),
        used_at: token.last_used.and_then(time),
        is_link: token.is_link,
    }
}

/// Returns a time in seconds since 1970 as a message.
fn time(seconds: u64) -> Option<Timestamp> {
    Some(Timestamp { seconds: seconds.try_into().ok()?, nanos: 0 })
}
