//! Users of a front end, and the files and transfers that they may see. Independent of how a user logs in.

use p2p_auth::names::UserName;
use p2p_auth::{Account, Role};
use p2p_base::spelling::{composed, visible};
use p2p_engine::policy;
use p2p_engine::transfer::TransferStatus;
use p2p_engine::{Principal, Scope, Snapshot};
use p2p_store::manifest::{FileKey, FileRecord};

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
        /// Scope of the API token by which the user is logged in; `None` for a session, which is a person's and has the full scope.
        token: Option<Scope>,
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

    /// Returns the identity of a user who is logged in by a session.
    pub fn by_session(account: Account) -> Identity {
        Identity::User { account, token: None }
    }

    /// Returns the scope of the API token by which the user is logged in, if it is by one.
    pub fn token(&self) -> Option<Scope> {
        match self {
            Identity::User { token, .. } => *token,
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
                scope: token.unwrap_or(Scope::Admin),
            },
        }
    }

    /// Returns true if the user has the permissions of an admin.
    pub fn is_admin(&self) -> bool {
        self.principal().is_admin()
    }

    /// Returns true if the user has an account with this role, whatever the scope of the API token.
    pub(super) fn has_role(&self, role: Role) -> bool {
        matches!(self, Identity::User { account, .. } if account.role == role)
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

    /// Returns true if the user may read a file.
    pub fn may_read(&self, file: &FileRecord) -> bool {
        policy::may_read(&self.principal(), file)
    }

    /// Returns the user's label of a file: the name for an own file, `owner/name` for that of another user, `/name` without an
    /// owner.
    pub fn label(&self, key: &FileKey) -> String {
        if self.name() == key.owner.as_deref() {
            return key.name.clone();
        }
        format!("{}/{}", key.owner.as_deref().unwrap_or_default(), key.name)
    }

    /// Returns the label for display, with characters made visible that could disguise it as another.
    pub fn shown(&self, key: &FileKey) -> String {
        visible(&self.label(key)).into_owned()
    }

    /// Returns the key for another spelling of `text`: the owner's name in lower case, the file's name in composed form, as
    /// names are stored.
    pub fn other_spelling_of(&self, text: &str) -> FileKey {
        let FileKey { owner, name } = self.key_of(text);
        FileKey { owner: owner.as_deref().map(UserName::folded), name: composed(&name).into_owned() }
    }

    /// Returns the key of the file that the user calls `text`.
    pub fn key_of(&self, text: &str) -> FileKey {
        match text.split_once('/') {
            Some(("", name)) => FileKey::unowned(name),
            Some((owner, name)) => FileKey::new(Some(owner), name),
            None => FileKey::new(self.name(), text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p2p_store::segment::Sha256Digest;

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
    fn everybody_sees_their_own_the_admin_all_and_nobody_nothing() {
        let file = |owner: Option<&str>, reader: &str| FileRecord {
            key: FileKey::new(owner, "a.bin"),
            size: 0,
            sha256: Sha256Digest::of(b""),
            segments: 0,
            segment_size: 4096,
            stored_at: 0,
            readers: [reader.to_owned()].into(),
        };
        let files = [file(None, ""), file(Some("alice"), "bob"), file(Some("bob"), "")];
        let (admin, bob, carol) = (user("root", Role::Admin), user("bob", Role::User), user("carol", Role::User));
        for (identity, reads, changes) in [
            (&Identity::Operator, [true; 3], [true; 3]),
            (&Identity::Nobody, [false; 3], [false; 3]),
            (&admin, [true; 3], [true; 3]),
            (&bob, [false, true, true], [false, false, true]),
            (&carol, [false; 3], [false; 3]),
        ] {
            assert_eq!(files.each_ref().map(|file| identity.may_read(file)), reads, "{identity:?}");
            assert_eq!(files.each_ref().map(|file| identity.may_change(&file.key)), changes, "{identity:?}");
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
            let identity = Identity::User { account: account.clone(), token };
            assert_eq!((identity.is_admin(), identity.may_change(&of_bob), identity.token()), (is_admin, is_admin, token));
            assert!(identity.may_change(&FileKey::new(Some("root"), "a.bin")), "{token:?}");
        }
    }

    #[test]
    fn what_somebody_calls_a_file_is_that_file() {
        for identity in [Identity::Operator, user("alice", Role::Admin), user("bob", Role::User)] {
            for owner in [None, Some("alice"), Some("bob")] {
                let key = FileKey::new(owner, "a b.bin");
                assert_eq!(identity.key_of(&identity.label(&key)), key);
            }
        }
        let bob = user("bob", Role::User);
        assert_eq!(bob.label(&FileKey::new(Some("alice"), "x")), "alice/x");
        assert_eq!(bob.other_spelling_of("Alice/cafe\u{301}"), FileKey::new(Some("alice"), "caf\u{e9}"));
        assert_eq!(bob.shown(&FileKey::new(Some("alice"), "x\u{a0}y")), "alice/x\\u{a0}y");
    }
}
