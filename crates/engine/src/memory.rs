//! Memory budget that all transfers share.
//!
//! A transfer takes from the budget before it cuts or requests a segment, and gives back when the segment is stored or written.
//! The budget is counted at virtual instants, so that grants depend on the run and not on the machine. Users have equal shares,
//! and the transfers of a user have equal parts of that user's share. A transfer that is refused waits: those that hold no
//! memory in the order in which they began, those that hold some until their share grows or they have given some back.
//!
//! A transfer that holds memory never has to obtain more in order to give back what it holds, so transfers cannot deadlock.
//!
//! A transfer of a stream of remote origin may hold its memory for as long as the other end likes. While it is idle it has no share,
//! so that the others have all that it does not hold. Such transfers together have no more than half of the budget, and those of one
//! user no more than half of what those of others leave of it, so that another user's can begin.

use std::collections::{BTreeMap, BTreeSet};

use super::status::TransferId;

/// User of a transfer; `None` if there are no accounts.
type User = Option<String>;

/// Memory that one transfer holds.
#[derive(Debug)]
struct Holding {
    user: User,
    bytes: u64,
    /// True if the transfer is that of a stream of remote origin.
    is_remote: bool,
    /// True if it waits for the other end of its stream.
    is_idle: bool,
}

/// Memory that the transfers of one user hold together.
#[derive(Debug, Default)]
struct UserShare {
    bytes: u64,
    /// Part of the bytes that transfers of streams of remote origin hold.
    of_streams: u64,
    /// Number of transfers that are not idle.
    transfers: u64,
    /// Number of transfers that are.
    idle: u64,
    /// Transfers that were refused and wait for room, in the order in which they began.
    waiting: BTreeSet<TransferId>,
    /// True if memory has been given back since the first of them was refused.
    may_retry: bool,
}

/// The budget and its current holders.
#[derive(Debug)]
pub(super) struct MemoryBudget {
    limit: u64,
    bytes: u64,
    holdings: BTreeMap<TransferId, Holding>,
    users: BTreeMap<User, UserShare>,
    /// Number of users with a transfer that is not idle.
    active: u64,
    /// Bytes that transfers of streams of remote origin hold together.
    of_streams: u64,
    /// Transfers that were refused because they hold their full share; they wait until shares change.
    capped: BTreeSet<TransferId>,
}

impl MemoryBudget {
    /// Creates a budget of `limit` bytes.
    pub(super) fn new(limit: u64) -> MemoryBudget {
        MemoryBudget {
            limit,
            bytes: 0,
            holdings: BTreeMap::new(),
            users: BTreeMap::new(),
            active: 0,
            of_streams: 0,
            capped: BTreeSet::new(),
        }
    }

    /// Registers a transfer, which has a share from now on.
    pub(super) fn join(&mut self, transfer: TransferId, user: User, is_remote: bool) {
        self.users.entry(user.clone()).or_default().transfers += 1;
        self.holdings.insert(transfer, Holding { user, bytes: 0, is_remote, is_idle: false });
        self.count_active();
    }

    fn count_active(&mut self) {
        self.active = self.users.values().filter(|user| user.transfers > 0).count() as u64;
    }

    /// Sets whether a transfer waits for the other end of its stream and has therefore no share.
    pub(super) fn set_idle(&mut self, transfer: TransferId, is_idle: bool) {
        let Some(holding) = self.holdings.get_mut(&transfer).filter(|holding| holding.is_idle != is_idle) else { return };
        holding.is_idle = is_idle;
        if let Some(user) = self.users.get_mut(&holding.user) {
            let (from, to) = if is_idle { (&mut user.transfers, &mut user.idle) } else { (&mut user.idle, &mut user.transfers) };
            *from -= 1;
            *to += 1;
        }
        self.count_active();
        if is_idle {
            self.let_capped_retry();
        }
    }

    /// Removes a transfer and frees all its memory.
    pub(super) fn leave(&mut self, transfer: TransferId) {
        let Some(holding) = self.holdings.remove(&transfer) else { return };
        self.capped.remove(&transfer);
        self.bytes -= holding.bytes;
        let of_stream = if holding.is_remote { holding.bytes } else { 0 };
        self.of_streams -= of_stream;
        if let Some(user) = self.users.get_mut(&holding.user) {
            user.bytes -= holding.bytes;
            user.of_streams -= of_stream;
            *(if holding.is_idle { &mut user.idle } else { &mut user.transfers }) -= 1;
            user.waiting.remove(&transfer);
            if user.transfers + user.idle == 0 {
                self.users.remove(&holding.user);
            }
        }
        self.count_active();
        self.let_capped_retry();
    }

    /// Lets those try again that held their full share: with fewer transfers every share is larger.
    fn let_capped_retry(&mut self) {
        for transfer in std::mem::take(&mut self.capped) {
            self.wait(transfer);
        }
        self.let_retry();
    }

    /// Takes `bytes` for a transfer and returns true if they are granted. If they are not, [`next_waiter`](Self::next_waiter)
    /// returns the transfer once it may try again.
    pub(super) fn take(&mut self, transfer: TransferId, bytes: u64) -> bool {
        let Some(holding) = self.holdings.get_mut(&transfer) else { return false };
        let Some(user) = self.users.get_mut(&holding.user) else { return false };
        let of_user = self.limit / self.active.max(1);
        if holding.bytes > 0 && holding.bytes + bytes > of_user / user.transfers.max(1) {
            self.capped.insert(transfer);
            return false;
        }
        let passes_user = user.bytes > 0 && user.bytes + bytes > of_user;
        // The first holder may exceed the limit: a segment larger than the limit would otherwise wait without end.
        let passes_limit = self.bytes > 0 && self.bytes + bytes > self.limit;
        // A stream that waits for others does not keep the transfers of its user waiting.
        let left = (self.limit / 2).saturating_sub(self.of_streams - user.of_streams);
        let allowed = if user.of_streams > 0 { left / 2 } else { left };
        if holding.is_remote && self.of_streams > 0 && user.of_streams + bytes > allowed {
            self.capped.insert(transfer);
            return false;
        }
        if passes_user || passes_limit {
            user.waiting.insert(transfer);
            user.may_retry = false;
            return false;
        }
        user.waiting.remove(&transfer);
        self.capped.remove(&transfer);
        holding.bytes += bytes;
        user.bytes += bytes;
        self.bytes += bytes;
        let of_stream = if holding.is_remote { bytes } else { 0 };
        user.of_streams += of_stream;
        self.of_streams += of_stream;
        true
    }

    /// Gives back `bytes` of a transfer's memory.
    pub(super) fn give_back(&mut self, transfer: TransferId, bytes: u64) {
        let Some(holding) = self.holdings.get_mut(&transfer) else { return };
        let bytes = bytes.min(holding.bytes);
        holding.bytes -= bytes;
        self.bytes -= bytes;
        let of_stream = if holding.is_remote { bytes } else { 0 };
        self.of_streams -= of_stream;
        if let Some(user) = self.users.get_mut(&holding.user) {
            user.bytes -= bytes;
            user.of_streams -= of_stream;
        }
        let is_remote = holding.is_remote;
        // The transfer is below its share again; and where it was a stream's, others may have more.
        if is_remote {
            return self.let_capped_retry();
        }
        if self.capped.remove(&transfer) {
            self.wait(transfer);
        }
        self.let_retry();
    }

    /// Returns the next refused transfer that may try again.
    pub(super) fn next_waiter(&mut self) -> Option<TransferId> {
        for user in self.users.values_mut().filter(|user| user.may_retry) {
            match user.waiting.pop_first() {
                Some(transfer) => return Some(transfer),
                None => user.may_retry = false,
            }
        }
        None
    }

    /// Returns the number of bytes that all transfers hold together.
    pub(super) fn in_use(&self) -> u64 {
        self.bytes
    }

    fn wait(&mut self, transfer: TransferId) {
        let user = self.holdings.get(&transfer).and_then(|holding| self.users.get_mut(&holding.user));
        if let Some(user) = user {
            user.waiting.insert(transfer);
        }
    }

    fn let_retry(&mut self) {
        self.users.values_mut().for_each(|user| user.may_retry = !user.waiting.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(n: u64) -> TransferId {
        TransferId(n)
    }

    fn user(n: u64) -> User {
        Some(format!("user{n}"))
    }

    #[test]
    fn one_transfer_may_have_all_and_two_have_half_each() {
        let mut budget = MemoryBudget::new(100);
        budget.join(id(1), user(1), false);
        assert!((0..10).all(|_| budget.take(id(1), 10)) && !budget.take(id(1), 10));
        budget.join(id(2), user(1), false);
        assert!(!budget.take(id(2), 10), "there is no room");
        budget.give_back(id(1), 10);
        assert_eq!(std::iter::from_fn(|| budget.next_waiter()).collect::<Vec<_>>(), [id(1), id(2)]);
        assert!(budget.take(id(2), 10));
        assert!(!budget.take(id(1), 10), "it has more than its half");
        (0..5).for_each(|_| budget.give_back(id(1), 10));
        assert_eq!(budget.next_waiter(), Some(id(1)), "it may have more again");
        assert!((0..4).all(|_| budget.take(id(2), 10)) && !budget.take(id(2), 10));
    }

    #[test]
    fn a_user_with_many_transfers_has_no_more_than_one_with_a_single_one() {
        let mut budget = MemoryBudget::new(100);
        (1..=50).for_each(|n| budget.join(id(n), user(1), false));
        budget.join(id(99), user(2), false);
        let granted = (1..=50).filter(|&n| budget.take(id(n), 10)).count();
        assert_eq!(granted, 5);
        assert!((0..5).all(|_| budget.take(id(99), 10)) && !budget.take(id(99), 10));
        // Who waits gets it in the order of beginning.
        budget.give_back(id(1), 10);
        assert_eq!(budget.next_waiter(), Some(id(6)));
        assert!(budget.take(id(6), 10));
        assert_eq!(budget.next_waiter(), Some(id(7)));
        assert!(!budget.take(id(7), 10));
        assert_eq!(budget.next_waiter(), None);
    }

    #[test]
    fn what_is_larger_than_all_gets_its_turn_alone() {
        let mut budget = MemoryBudget::new(100);
        (1..=2).for_each(|n| budget.join(id(n), user(1), false));
        assert!(budget.take(id(1), 10) && !budget.take(id(2), 500));
        budget.leave(id(1));
        assert_eq!(budget.next_waiter(), Some(id(2)));
        assert!(budget.take(id(2), 500));
    }

    #[test]
    fn who_has_had_its_share_and_gives_back_is_asked_again() {
        let mut budget = MemoryBudget::new(100);
        budget.join(id(1), user(1), false);
        assert!(budget.take(id(1), 55) && !budget.take(id(1), 46));
        assert_eq!(budget.next_waiter(), None);
        budget.give_back(id(1), 55);
        assert_eq!(budget.next_waiter(), Some(id(1)));
        assert!(budget.take(id(1), 46));
    }

    #[test]
    fn what_is_idle_has_no_share_and_streams_begin_with_half() {
        let mut budget = MemoryBudget::new(100);
        (1..=6).for_each(|n| budget.join(id(n), user(n), true));
        let began: Vec<u64> = (1..=6).filter(|&n| budget.take(id(n), 10)).collect();
        assert_eq!(began, [1, 2, 3, 4, 5], "the sixth would have more than half together with the others");
        (1..=6).for_each(|n| budget.set_idle(id(n), true));
        budget.join(id(9), user(9), false);
        assert!((0..5).all(|_| budget.take(id(9), 10)) && !budget.take(id(9), 10), "all that the others do not hold");
        budget.leave(id(1));
        assert_eq!(budget.next_waiter(), Some(id(6)));
        assert!(budget.take(id(6), 10));
        budget.set_idle(id(2), false);
        assert!(!budget.take(id(9), 10), "one that moves again has its share");
    }

    #[test]
    fn streams_of_one_user_leave_room_for_those_of_another() {
        let mut budget = MemoryBudget::new(1_000);
        (1..=50).for_each(|n| budget.join(id(n), user(1), true));
        let granted = (1..=50).filter(|&n| budget.take(id(n), 10)).count();
        assert_eq!(granted, 25, "half of the half");
        (1..=50).for_each(|n| budget.set_idle(id(n), true));
        (51..=99).for_each(|n| budget.join(id(n), user(2), true));
        let granted = (51..=99).filter(|&n| budget.take(id(n), 10)).count();
        assert_eq!(granted, 12, "half of what the first has left");
        budget.join(id(100), user(3), true);
        assert!(budget.take(id(100), 130) && !budget.take(id(100), 1), "the first of a user may have all that is left");
    }

    #[derive(Debug, Clone, Copy)]
    enum Act {
        Join(u64, bool),
        Idle(usize, bool),
        Leave(usize),
        Take(usize, u64),
        GiveBack(usize, u64),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            (0u64..4, any::<bool>()).prop_map(|(user, is_remote)| Act::Join(user, is_remote)),
            (any::<usize>(), any::<bool>()).prop_map(|(place, is_idle)| Act::Idle(place, is_idle)),
            any::<usize>().prop_map(Act::Leave),
            (any::<usize>(), 1u64..60).prop_map(|(principal, bytes)| Act::Take(principal, bytes)),
            (any::<usize>(), 1u64..60).prop_map(|(principal, bytes)| Act::GiveBack(principal, bytes)),
        ]
    }

    proptest! {
        /// Whatever is asked, the limit is kept but by one that is alone, the sums are right, and in the end, when those that
        /// have some finish one after the other, everybody who waits gets some.
        #[test]
        fn the_limit_holds_and_nobody_waits_without_end(acts in proptest::collection::vec(act(), 1..120)) {
            let mut budget = MemoryBudget::new(100);
            let (mut there, mut next, mut wants) = (Vec::new(), 0, BTreeMap::new());
            for act in acts {
                let of = |place: usize, there: &Vec<TransferId>| there.get(place % there.len().max(1)).copied();
                match act {
                    Act::Idle(place, is_idle) => if let Some(transfer) = of(place, &there) { budget.set_idle(transfer, is_idle); },
                    Act::Join(of_user, is_remote) => {
                        next += 1;
                        budget.join(id(next), user(of_user), is_remote);
                        there.push(id(next));
                    }
                    Act::Leave(place) => if let Some(transfer) = of(place, &there) {
                        budget.leave(transfer);
                        there.retain(|&other| other != transfer);
                        wants.remove(&transfer);
                    },
                    Act::Take(place, bytes) => if let Some(transfer) = of(place, &there) {
                        if budget.take(transfer, bytes) { wants.remove(&transfer); } else { wants.insert(transfer, bytes); }
                    },
                    Act::GiveBack(place, bytes) => if let Some(transfer) = of(place, &there) { budget.give_back(transfer, bytes); },
                }
                let held: u64 = budget.holdings.values().map(|holding| holding.bytes).sum();
                prop_assert_eq!(held, budget.in_use());
                prop_assert_eq!(held, budget.users.values().map(|user| user.bytes).sum::<u64>());
                let of_streams = budget.holdings.values().filter(|holding| holding.is_remote).map(|holding| holding.bytes);
                prop_assert_eq!(of_streams.sum::<u64>(), budget.of_streams);
                prop_assert_eq!(budget.users.values().map(|user| user.of_streams).sum::<u64>(), budget.of_streams);
                let alone = budget.holdings.values().filter(|holding| holding.bytes > 0).count() == 1;
                prop_assert!(held <= 100 || alone);
            }
            for _ in 0..10_000 {
                while let Some(transfer) = budget.next_waiter() {
                    let bytes = wants.get(&transfer).copied().unwrap_or(1);
                    if budget.take(transfer, bytes) { wants.remove(&transfer); }
                }
                let Some((&holder, _)) = budget.holdings.iter().find(|(_, holding)| holding.bytes > 0) else { break };
                budget.leave(holder);
                wants.remove(&holder);
            }
            prop_assert!(wants.is_empty(), "{wants:?} wait although nobody has any");
        }
    }
}
