//! Users of a front end, and the files and transfers that they may see. Independent of how a user logs in.

use std::borrow::Cow;

use p2p_auth::names::UserName;
use p2p_auth::tokens::Reach;
use p2p_auth::{Account, Role};
use p2p_base::spelling::{composed, visible};
use p2p_engine::policy;
use p2p_engine::transfer::TransferStatus;
use p2p_engine::{Principal, Scope, Snapshot};
use p2p_store::names::FileKey;

/// User of a front end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The user who has the data directory open, while there are no accounts.
    Operator,
    /// A user who has not logged in, although there are accounts.
    Nobody,
    /// A user who is logged in.
    User {
        /// Account of the user.
        account: Account,
        /// Reach of the API token by which the user is logged in; `None` for a session, which is a person's and has the full scope.
        token: Option<Reach>,
    },
}

impl Identity {
    /// Returns the user name, if there is one; it becomes the owner of stored files.
    pub fn name(&self) -> Option<&str> {
        match self {
            Identity::User { account, .. } => Some(account.name.as_str()),
            Identity::Operator | Identity::Nobody => None,
        }
    }

    /// Returns the account of a user who is logged in.
    pub fn account(&self) -> Option<&Account> {
        match self {
            Identity::User { account, .. } => Some(account),
            Identity::Operator | Identity::Nobody => None,
        }
    }

    /// Returns the identity of a user who is logged in by a session.
    pub fn by_session(account: Account) -> Identity {
        Identity::User { account, token: None }
    }

    /// Returns the reach of the API token by which the user is logged in, if it is by one.
    pub fn token(&self) -> Option<&Reach> {
        match self {
            Identity::User { token, .. } => token.as_ref(),
            Identity::Operator | Identity::Nobody => None,
        }
    }

    /// Returns the principal for whom the engine executes what the user asks for. A session has the full scope.
    pub fn principal(&self) -> Principal {
        match self {
            Identity::Operator => Principal::Operator,
            Identity::Nobody => Principal::Nobody,
            Identity::User { account, token } => Principal::User {
                name: account.name.clone(),
                is_admin: account.role == Role::Admin,
                scope: token.as_ref().map_or(Scope::Admin, |reach| reach.scope),
                path: token.as_ref().and_then(|reach| reach.path.clone()),
            },
        }
    }

    /// Returns true if the user has the permissions of an admin.
    pub fn is_admin(&self) -> bool {
        self.principal().is_admin()
    }

    /// Returns true if the user may see and cancel a transfer: one of their own, or any for an admin.
    pub fn began(&self, transfer: &TransferStatus) -> bool {
        policy::may_see_transfer(&self.principal(), transfer)
    }

    /// Returns a description of a transfer such as `upload of video.bin`.
    pub fn describe(&self, transfer: &TransferStatus) -> String {
        format!("{} of {}", transfer.direction.name(), self.shown(&transfer.file))
    }

    /// Returns the description of a transfer if the user may see it.
    pub fn seen(&self, transfer: &TransferStatus) -> Option<String> {
        self.began(transfer).then(|| self.describe(transfer))
    }

    /// Returns a name for a transfer that reveals no more than the user may know.
    pub fn name_of(&self, transfer: &TransferStatus) -> String {
        self.seen(transfer).map_or_else(|| format!("{} of another user", transfer.id), |name| format!("{}, {name}", transfer.id))
    }

    /// Describes the running transfers for a user who is about to end them by quitting: their own by name, and the number of
    /// the others.
    pub(super) fn describe_running(&self, snapshot: &Snapshot) -> Vec<String> {
        let (own, others): (Vec<_>, Vec<_>) = snapshot.running().partition(|status| self.began(status));
        let mut names: Vec<String> = own.iter().map(|status| self.describe(status)).collect();
        if !others.is_empty() {
            names.push(format!("{} of other users", others.len()));
        }
        names
    }

    /// Returns true if the user may remove and share a file.
    pub fn may_change(&self, key: &FileKey) -> bool {
        policy::may_change(&self.principal(), key)
    }

    /// Returns the user's label of a file or directory: the path for an own one, `~owner/path` for that of another user, `/path`
    /// without an owner. An own path that begins like another user's is preceded by `./`.
    pub fn label(&self, key: &FileKey) -> String {
        match &key.owner {
            owner if self.name() == owner.as_deref() && key.name.starts_with('~') => format!("./{}", key.name),
            owner if self.name() == owner.as_deref() => key.name.clone(),
            Some(owner) => format!("~{owner}/{}", key.name),
            None => format!("/{}", key.name),
        }
    }

    /// Returns the label for display, with characters made visible that could disguise it as another.
    pub fn shown(&self, key: &FileKey) -> String {
        let label = self.label(key);
        match visible(&label) {
            Cow::Owned(shown) => shown,
            Cow::Borrowed(_) => label,
        }
    }

    /// Returns the keys that `text` may stand for, the likeliest first: the key itself; the one in the spelling in which names are
    /// stored, with the owner's name in lower case and the path in composed form; and the file of another user that was written
    /// `owner/name` before there were directories.
    pub fn keys_of(&self, text: &str) -> Vec<FileKey> {
        let mut keys = vec![self.key_of(text)];
        if !text.starts_with(['/', '~', '.']) {
            keys.extend(text.split_once('/').map(|(owner, path)| FileKey::new(Some(owner), path.trim_end_matches('/'))));
        }
        let stored = |FileKey { owner, name }: &FileKey| {
            let owner = owner.as_deref().map(UserName::folded);
            FileKey { owner, name: composed(name).into_owned() }
        };
        let spelled: Vec<FileKey> = keys.iter().map(stored).collect();
        for (place, key) in spelled.into_iter().enumerate() {
            keys.insert(2 * place + 1, key);
        }
        keys.dedup();
        keys
    }

    /// Returns the key of the file or directory that the user calls `text`: `~OWNER/PATH` is another user's, `/PATH` has no owner,
    /// and any other path is the user's own, also with `./` in front. A `/` at the end makes no difference, and `.` is the root.
    pub fn key_of(&self, text: &str) -> FileKey {
        let text = text.strip_suffix('/').unwrap_or(text);
        if let Some(path) = text.strip_prefix('/') {
            return FileKey::unowned(path);
        }
        match text.strip_prefix('~').map(|text| text.split_once('/').unwrap_or((text, ""))) {
            Some((owner, path)) if !owner.is_empty() => FileKey::new(Some(owner), path),
            Some((_, path)) => FileKey::new(self.name(), path),
            None if text == "." => FileKey::new(self.name(), ""),
            None => FileKey::new(self.name(), text.strip_prefix("./").unwrap_or(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, role: Role) -> Identity {
        Identity::by_session(Account {
            name: name.parse().unwrap(),
            email: "a@b.c".parse().unwrap(),
            role,
            created_at: 0,
            last_login: None,
            second_factor: None,
            backup_codes: 0,
        })
    }

    #[test]
    fn everybody_changes_their_own_the_admin_all_and_nobody_nothing() {
        let files = [None, Some("alice"), Some("bob")].map(|owner| FileKey::new(owner, "a.bin"));
        let (admin, bob, carol) = (user("root", Role::Admin), user("bob", Role::User), user("carol", Role::User));
        for (identity, changes) in [
            (&Identity::Operator, [true; 3]),
            (&Identity::Nobody, [false; 3]),
            (&admin, [true; 3]),
            (&bob, [false, false, true]),
            (&carol, [false; 3]),
        ] {
            assert_eq!(files.each_ref().map(|file| identity.may_change(file)), changes, "{identity:?}");
        }
    }

    /// A token of a narrower scope gives none of an admin's rights.
    #[test]
    fn an_admin_by_a_token_has_the_scope_of_the_token() {
        let Identity::User { account, .. } = user("root", Role::Admin) else { panic!() };
        let of_bob = FileKey::new(Some("bob"), "a.bin");
        for (token, is_admin) in
            [(None, true), (Some(Scope::Admin), true), (Some(Scope::Write), false), (Some(Scope::Read), false)]
        {
            let token = token.map(|scope| Reach { scope, path: None });
            let identity = Identity::User { account: account.clone(), token: token.clone() };
            let found = (identity.is_admin(), identity.may_change(&of_bob), identity.token());
            assert_eq!(found, (is_admin, is_admin, token.as_ref()));
            assert!(identity.may_change(&FileKey::new(Some("root"), "a.bin")), "{token:?}");
        }
    }

    #[test]
    fn what_somebody_calls_a_file_is_that_file() {
        for identity in [Identity::Operator, user("alice", Role::Admin), user("bob", Role::User)] {
            for owner in [None, Some("alice"), Some("bob")] {
                for path in ["a b.bin", "docs/a", "~bob/a", "alice/b", "~"] {
                    let key = FileKey::new(owner, path);
                    assert_eq!(identity.key_of(&identity.label(&key)), key);
                }
            }
        }
        let bob = user("bob", Role::User);
        let own = |path: &str| FileKey::new(Some("bob"), path);
        assert_eq!(bob.label(&FileKey::new(Some("alice"), "x")), "~alice/x");
        for (text, path) in
            [("docs/", "docs"), ("./a", "a"), (".", ""), ("~", ""), ("~/a", "a"), ("~bob/a/b", "a/b"), ("~bob", "")]
        {
            assert_eq!(bob.key_of(text), own(path), "{text}");
        }
        let alices = |path: &str| FileKey::new(Some("alice"), path);
        let (odd, plain) = ("Alice/cafe\u{301}", "caf\u{e9}");
        let keys = bob.keys_of(odd);
        assert_eq!(keys, [own(odd), own("Alice/caf\u{e9}"), FileKey::new(Some("Alice"), "cafe\u{301}"), alices(plain)]);
        assert_eq!(bob.keys_of("~Alice/x").last(), Some(&alices("x")));
        assert_eq!(bob.shown(&alices("x\u{a0}y")), "~alice/x\\u{a0}y");
    }
}
