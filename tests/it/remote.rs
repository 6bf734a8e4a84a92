//! Clients from remote: nobody until they log in, also from the loopback address and while there are no accounts; and who may make an
//! account from there.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use p2p_auth::invites::InviteError;
use p2p_auth::{Auth, AuthError, Policy, Registration, Role, Secret};
use p2p_engine::operation::{ListFiles, ListNodes, Step};
use p2p_engine::{Denial, Engine, EngineError};
use p2p_service::access::remote::{RemoteRegistration, RemoteRules};
use p2p_service::access::{Access, AccessError, Identity};
use secrecy::ExposeSecret;
use tokio::runtime::Builder;

use crate::harness::{config, quick_link};
use crate::program::{Home, PASSWORD, QUICK};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn clock() -> u64 {
    1_800_000_000
}

fn wanted(name: &str) -> Registration {
    Registration { name: name.parse().unwrap(), email: format!("{name}@example.org").parse().unwrap(), password: PASSWORD.into() }
}

/// A service on a new data directory, without accounts.
struct Service {
    local: Access,
    rules: Arc<RemoteRules>,
    _engine: Engine,
    _directory: tempfile::TempDir,
}

impl Service {
    fn new(registration: RemoteRegistration) -> Service {
        let directory = tempfile::tempdir().unwrap();
        let (engine, handle) = Engine::start(config(&directory.path().join("data"), 2, quick_link()), None).unwrap();
        let policy = Policy { iterations: 1_000, ..Policy::default() };
        let auth = Auth::open(engine.database().clone(), policy).unwrap();
        let local = Access::new(handle, auth, "the terminal", clock).unwrap();
        let rules = Arc::new(RemoteRules::new(registration).unwrap());
        Service { local, rules, _engine: engine, _directory: directory }
    }

    fn client(&self) -> Access {
        self.local.of_client("a service", LOOPBACK, &self.rules)
    }

    async fn register(&self, name: &str, presented: Option<&Secret>) -> Result<Role, AccessError> {
        let account = self.client().register_with(wanted(name), presented.cloned()).await?;
        assert_eq!(account.name.as_str(), name);
        Ok(account.role)
    }
}

fn on_a_runtime(test: impl Future<Output = ()>) {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

fn refused(error: InviteError) -> Result<Role, AccessError> {
    Err(AccessError::Auth(AuthError::Invite(error)))
}

#[test]
fn a_client_is_nobody_until_it_logs_in() {
    let service = Service::new(RemoteRegistration::Closed);
    on_a_runtime(async {
        assert!(service.local.call(ListNodes).await.is_ok(), "who has the directory open is the operator");
        let client = service.client();
        assert_eq!(*client.check().await.unwrap(), Identity::Nobody);
        let denied = EngineError::Denied(Denial::LoginNeeded);
        assert_eq!(client.call(ListNodes).await.unwrap_err(), denied);
        assert_eq!(client.call(ListFiles).await.unwrap_err(), denied);
        service.local.register(wanted("alice")).await.unwrap();
        assert!(client.login("alice".into(), PASSWORD.into()).await.unwrap().is_none());
        assert!(client.call(ListNodes).await.is_ok());
        // Another client shares no login with it, and its own is its own.
        assert_eq!(service.client().call(ListNodes).await.unwrap_err(), denied);
        let entries = client.audit(10).await.unwrap();
        assert!(entries.iter().any(|(_, entry)| entry.origin == "a service 127.0.0.1"), "{entries:?}");
    });
}

/// Whether time is paused is learned by who may pause it. Every refusal of the policy to a user is in the audit log.
#[test]
fn the_policy_comes_before_the_state_of_time() {
    let service = Service::new(RemoteRegistration::Open);
    on_a_runtime(async {
        let step = || Step { span: None };
        assert_eq!(service.local.call(step()).await.unwrap_err(), EngineError::NotPaused);
        service.local.register(wanted("alice")).await.unwrap();
        assert_eq!(service.local.call(step()).await.unwrap_err(), EngineError::NotPaused);
        let client = service.client();
        assert_eq!(client.call(step()).await.unwrap_err(), EngineError::Denied(Denial::LoginNeeded));
        client.register_with(wanted("bob"), None).await.unwrap();
        let denied = EngineError::Denied(Denial::AdminOnly { what: "Step".into() });
        assert_eq!(client.call(step()).await.unwrap_err(), denied);
        let entries = client.audit(10).await.unwrap();
        assert!(entries.iter().any(|(_, entry)| !entry.done && entry.note == "Step"), "{entries:?}");
    });
}

#[test]
fn the_first_account_needs_the_setup_token_whatever_the_rule_is() {
    for rule in [RemoteRegistration::Closed, RemoteRegistration::Invite, RemoteRegistration::Open] {
        let service = Service::new(rule);
        on_a_runtime(async {
            let setup = service.rules.setup_token().clone();
            assert!(
                setup.expose_secret().starts_with("p2p_setup_")
                    && !format!("{:?}", service.rules).contains(setup.expose_secret())
            );
            let wrong: Secret = "p2p_setup_x".into();
            assert_eq!(service.register("mallory", None).await, refused(InviteError::SetupNeeded));
            assert_eq!(service.register("mallory", Some(&wrong)).await, refused(InviteError::SetupRefused));
            assert_eq!(service.register("alice", Some(&setup)).await, Ok(Role::Admin));
            // It is good once.
            assert!(service.register("bob", Some(&setup)).await.is_err() || rule == RemoteRegistration::Open);
        });
    }
}

#[test]
fn an_account_is_made_from_remote_as_the_rule_says() {
    for rule in [RemoteRegistration::Closed, RemoteRegistration::Invite, RemoteRegistration::Open] {
        let service = Service::new(rule);
        on_a_runtime(async {
            service.local.register(wanted("alice")).await.unwrap();
            let invite = service.local.new_invite(clock() + 3_600).await.unwrap();
            let (without, with) = (service.register("bob", None).await, service.register("carol", Some(&invite)).await);
            let expected = match rule {
                RemoteRegistration::Closed => (refused(InviteError::Closed), refused(InviteError::Closed)),
                RemoteRegistration::Invite => (refused(InviteError::Needed), Ok(Role::User)),
                RemoteRegistration::Open => (Ok(Role::User), Ok(Role::User)),
            };
            assert_eq!((without, with), expected, "{rule:?}");
            let again = service.register("dave", Some(&invite)).await;
            assert_eq!(again == Ok(Role::User), rule == RemoteRegistration::Open, "{rule:?}: an invite is good once");
            // Who is logged in makes accounts for others as an admin alone.
            let client = service.client();
            client.login("alice".into(), PASSWORD.into()).await.unwrap();
            assert!(client.register_with(wanted("erin"), None).await.is_ok());
            let client = service.client();
            client.login("erin".into(), PASSWORD.into()).await.unwrap();
            let denied = client.register_with(wanted("frank"), None).await.unwrap_err();
            let for_admins = |what: &str| AccessError::from(Denial::AdminOnly { what: what.into() });
            assert_eq!(denied, for_admins("register"));
            assert_eq!(client.new_invite(clock() + 3_600).await.unwrap_err(), for_admins("invite new"));
        });
    }
}

/// The commands about invites, as an admin and as somebody else gives them.
#[test]
fn an_admin_makes_lists_and_revokes_invites() {
    let home = Home::new(&format!("{QUICK}[accounts]\nremote_registration = 'invite'\n"));
    let said = home.run(&["run", "-c", "invite list"]);
    assert!(said.code == Some(1) && said.stderr.contains("no user is logged in"), "{said:?}");
    home.register("alice");
    home.register("bob");
    home.login("alice");
    let invite = home.ok(&["run", "-c", "invite new --expires 12h"]);
    assert!(invite.contains("\np2p_invite_"), "{invite}");
    let listed = home.ok(&["run", "-c", "invite list"]);
    let id = listed.split_whitespace().find(|word| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit())).unwrap();
    home.ok(&["run", "-c", &format!("invite revoke {id}")]);
    assert!(home.ok(&["run", "-c", "invite list"]).contains("no open invites"));
    for (wrong, word) in
        [("invite new --expires 31d", "at most 30 days"), ("invite revoke", "ID is missing"), ("invite list x", "unexpected")]
    {
        assert!(home.run(&["run", "-c", wrong]).stderr.contains(word), "{wrong}");
    }
    home.login("bob");
    assert!(home.refused(&["run", "-c", "invite new"]).contains("is for admins"));
}

/// Where nobody may register from elsewhere, an invite would admit nobody, and whoever asks for one is told so at once.
#[test]
fn no_invite_is_made_that_admits_nobody() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.login("alice");
    let refused = home.refused(&["run", "-c", "invite new"]);
    assert!(refused.contains("would admit nobody") && refused.contains("remote_registration"), "{refused}");
}
