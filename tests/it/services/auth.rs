//! `AuthService` as its clients see it: the first account, logins with and without a code, API tokens, and what is refused to whom.

use std::process::Command;

use p2p_grpc::proto::auth_service_client::AuthServiceClient;
use p2p_grpc::proto::login_response::Step;
use p2p_grpc::proto::{
    CreateTokenRequest, ListTokensRequest, LoginRequest, LogoutRequest, OtpChallenge, RegisterRequest, RevokeTokenRequest,
    SendOtpRequest, VerifyOtpRequest, WhoAmIRequest, WhoAmIResponse,
};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;

use super::grpc::connected;
use super::{Served, on_a_runtime};
use crate::accounts::enable_app;
use crate::program::{Home, PASSWORD, QUICK, python};

/// A client and what it presents.
#[derive(Clone)]
struct Client {
    service: AuthServiceClient<Channel>,
    bearer: Option<String>,
}

impl Client {
    async fn new(served: &Served) -> Client {
        Client { service: AuthServiceClient::new(connected(served.grpc()).await), bearer: None }
    }

    fn with(&self, bearer: &str) -> Client {
        Client { bearer: Some(bearer.to_owned()), ..self.clone() }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", format!("Bearer {bearer}").parse().unwrap());
        }
        request
    }

    async fn register(&mut self, name: &str, admission: Option<&str>) -> Result<Option<Step>, Status> {
        let email = format!("{name}@example.org");
        let wanted =
            RegisterRequest { name: name.into(), email, password: PASSWORD.into(), admission: admission.map(Into::into) };
        self.service.register(self.request(wanted)).await.map(|answer| answer.into_inner().step)
    }

    async fn login(&mut self, name: &str, password: &str) -> Result<Step, Status> {
        let wanted = LoginRequest { name: name.into(), password: password.into() };
        self.service.login(self.request(wanted)).await.map(|answer| answer.into_inner().step.unwrap())
    }

    async fn challenged(&mut self, name: &str) -> OtpChallenge {
        match self.login(name, PASSWORD).await.unwrap() {
            Step::Challenge(challenge) => challenge,
            Step::SessionToken(_) => panic!("no code is needed"),
        }
    }

    async fn verify(&mut self, challenge: &OtpChallenge, code: &str) -> Result<Step, Status> {
        let answer = VerifyOtpRequest { challenge_id: challenge.id.clone(), code: code.into() };
        self.service.verify_otp(self.request(answer)).await.map(|answer| answer.into_inner().step.unwrap())
    }

    async fn who(&mut self) -> Result<WhoAmIResponse, Status> {
        self.service.who_am_i(self.request(WhoAmIRequest {})).await.map(Response::into_inner)
    }

    async fn new_token(&mut self, wanted: CreateTokenRequest) -> Result<String, Status> {
        self.service.create_token(self.request(wanted)).await.map(|answer| answer.into_inner().token)
    }
}

fn session(step: Step) -> String {
    match step {
        Step::SessionToken(token) => token,
        Step::Challenge(challenge) => panic!("{challenge:?}"),
    }
}

/// The token of a session that a user begins.
pub(super) async fn token_of(served: &Served, name: &str) -> String {
    session(Client::new(served).await.login(name, PASSWORD).await.unwrap())
}

/// The code and the reason with which something is refused.
pub(super) fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("{status:?}"));
    assert_eq!(info.domain, "p2p");
    (status.code(), info.reason.clone())
}

pub(super) fn because(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

/// The setup token makes the first account, once, and a server with accounts prints none.
#[test]
fn the_first_account_needs_the_setup_token() {
    let home = Home::new(QUICK);
    let served = Served::start(&home, &[]);
    let setup = served.ready["setup_token"].as_str().unwrap().to_owned();
    on_a_runtime(async {
        let mut client = Client::new(&served).await;
        assert_eq!(refused(client.who().await), because(Code::Unauthenticated, "LOGIN_NEEDED"));
        for wrong in [None, Some("p2p_setup_wrong")] {
            assert_eq!(refused(client.register("alice", wrong).await).1, "REGISTRATION_REFUSED", "{wrong:?}");
        }
        let token = session(client.register("alice", Some(&setup)).await.unwrap().unwrap());
        let mut alice = client.with(&token);
        let who = alice.who().await.unwrap();
        assert_eq!((who.name.as_str(), who.is_admin, who.scope.as_str(), who.by_token), ("alice", true, "admin", false));
        assert_eq!(refused(client.register("mallory", Some(&setup)).await).1, "REGISTRATION_REFUSED", "once");
        // Who is there already makes accounts for others, and stays who they are.
        assert_eq!(alice.register("bob", None).await.unwrap(), None);
        assert_eq!(refused(alice.register("bob", None).await), because(Code::AlreadyExists, "NAME_TAKEN"));
        let token = session(client.login("bob", PASSWORD).await.unwrap());
        let mut bob = client.with(&token);
        assert!(!bob.who().await.unwrap().is_admin);
        assert_eq!(refused(bob.register("carol", None).await), because(Code::PermissionDenied, "ADMIN_ONLY"));
        alice.service.logout(alice.request(LogoutRequest { all: false })).await.unwrap();
        assert_eq!(refused(alice.who().await), because(Code::Unauthenticated, "SESSION_OVER"));
    });
    let said = served.stop();
    assert!(said.stderr.contains("refused: 2 PERMISSION_DENIED, 4 UNAUTHENTICATED"), "{said:?}");
    let served = Served::start(&home, &[]);
    assert!(served.ready.get("setup_token").is_none());
}

/// A code counts once, for the login that asked for it.
#[test]
fn a_login_with_a_code() {
    let home = Home::new(QUICK);
    home.register("alice");
    let (_, backup) = enable_app(&home, "alice");
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let mut client = Client::new(&served).await;
        let challenge = client.challenged("alice").await;
        assert_eq!((challenge.kind.as_str(), challenge.mail_wait_seconds), ("app", None));
        assert_eq!(refused(client.verify(&challenge, "000000").await), because(Code::Unauthenticated, "CODE_REFUSED"));
        let token = session(client.verify(&challenge, &backup[0]).await.unwrap());
        assert_eq!(client.with(&token).who().await.unwrap().name, "alice");
        assert_eq!(refused(client.verify(&challenge, &backup[1]).await).1, "LAPSED", "it is answered");
        let again = client.challenged("alice").await;
        assert_eq!(refused(client.verify(&again, &backup[0]).await).1, "CODE_REFUSED", "it is used");
        let unknown = OtpChallenge { id: "p2p_otp_none".into(), ..OtpChallenge::default() };
        assert_eq!(refused(client.verify(&unknown, &backup[1]).await).1, "LAPSED");
        let resent = client.service.send_otp(SendOtpRequest { challenge_id: unknown.id.clone() }).await;
        assert_eq!(refused(resent).1, "LAPSED");
    });
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn programs_log_in_by_tokens() {
    let home = Home::new(QUICK);
    home.register("alice");
    let link = home.link("alice");
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let mut client = Client::new(&served).await;
        let session = session(client.login("alice", PASSWORD).await.unwrap());
        let mut alice = client.with(&session);
        let wanted =
            CreateTokenRequest { name: "ci".into(), scope: "write".into(), path: Some("photos/".into()), expires_at: None };
        let text = alice.new_token(wanted.clone()).await.unwrap();
        assert_eq!(refused(alice.new_token(wanted.clone()).await), because(Code::AlreadyExists, "NAME_TAKEN"));
        assert_eq!(
            refused(client.with(&link).who().await),
            because(Code::Unauthenticated, "TOKEN_REFUSED"),
            "a link is no login"
        );
        let mut program = client.with(&text);
        let who = program.who().await.unwrap();
        assert_eq!((who.scope.as_str(), who.path.as_deref(), who.by_token, who.is_admin), ("write", Some("photos"), true, false));
        assert_eq!(refused(program.new_token(wanted.clone()).await), because(Code::PermissionDenied, "SESSION_ONLY"));
        let listed = alice.service.list_tokens(alice.request(ListTokensRequest {})).await.unwrap().into_inner().tokens;
        assert_eq!((listed.len(), listed[0].name.as_str(), listed[0].scope.as_str()), (2, "ci", "write"));
        assert!(listed[0].used_at.is_some() && listed[0].expires_at.unwrap().seconds > listed[0].created_at.unwrap().seconds);
        let invalid =
            |name: &str, scope: &str| CreateTokenRequest { name: name.into(), scope: scope.into(), path: None, expires_at: None };
        for (wrong, field) in [(invalid("no name", "read"), "name"), (invalid("x", "all"), "scope")] {
            let status = alice.new_token(wrong).await.unwrap_err();
            let details = status.get_error_details();
            assert_eq!(
                (status.code(), details.bad_request().unwrap().field_violations[0].field.as_str()),
                (Code::InvalidArgument, field)
            );
        }
        alice.service.revoke_token(alice.request(RevokeTokenRequest { name: "ci".into() })).await.unwrap();
        assert_eq!(refused(program.who().await), because(Code::Unauthenticated, "TOKEN_REFUSED"));
        let again = alice.service.revoke_token(alice.request(RevokeTokenRequest { name: "ci".into() })).await;
        assert_eq!(refused(again), because(Code::NotFound, "NOT_FOUND"));
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Delays, the audit log and the limits of messages are those of every door.
#[test]
fn who_guesses_has_to_wait_and_is_noted() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.register("bob");
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let mut client = Client::new(&served).await;
        for forged in ["none", "p2p_0123456789012345678901234567890123456789012"] {
            assert_eq!(refused(client.with(forged).who().await).0, Code::Unauthenticated, "{forged}");
        }
        let mut status = client.login("bob", "wrong").await.unwrap_err();
        for _ in 0..50 {
            assert_eq!(status.code(), Code::Unauthenticated);
            status = client.login("bob", "wrong").await.unwrap_err();
            if status.code() == Code::Unavailable {
                break;
            }
        }
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "TOO_MANY_ATTEMPTS");
        assert!(details.retry_info().unwrap().retry_delay.unwrap().as_secs() > 0);
        let long = client.login(&"x".repeat(3 << 20), PASSWORD).await.unwrap_err();
        assert_eq!(long.code(), Code::OutOfRange);
    });
    assert_eq!(served.stop().code, Some(0));
    let mut audit = home.command(&["run", "--user", "alice", "-c", "audit"]);
    let said = crate::program::end_of(audit.env("P2P_PASSWORD", PASSWORD).spawn().unwrap());
    assert!(said.stdout.contains("grpc 127.0.0.1"), "{said:?}");
}

/// The library of others, with stubs that its tools make of the contract.
#[test]
#[ignore = "needs grpcio"]
fn the_library_of_others_sees_the_same() {
    let home = Home::new(QUICK);
    let served = Served::start(&home, &[]);
    let output = Command::new(python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/grpc_client.py"))
        .args([&served.grpc().to_string(), concat!(env!("CARGO_MANIFEST_DIR"), "/assets/proto")])
        .args([served.ready["setup_token"].as_str().unwrap(), PASSWORD])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let services = [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "p2p.v1.AdminService",
        "p2p.v1.AuthService",
        "p2p.v1.FileTransferService",
    ];
    let expected = serde_json::json!({
        "health": 1, "services": services, "details": "error_details.proto",
        "stranger": { "code": "UNAUTHENTICATED", "reason": "p2p/LOGIN_NEEDED" },
        "who": ["alice", "read", true],
        "token": { "code": "PERMISSION_DENIED", "reason": "p2p/SESSION_ONLY" },
        "late": { "code": "DEADLINE_EXCEEDED" },
        "first": { "code": "UNAUTHENTICATED", "reason": "p2p/LOGIN_REFUSED" },
        "last": { "code": "UNAVAILABLE", "reason": "p2p/TOO_MANY_ATTEMPTS", "waits": true },
    });
    assert_eq!(found, expected);
}
