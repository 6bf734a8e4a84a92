//! State of a sender that something has happened to: a loss or a suspected one, a duplicate, a probe. Most connections see nothing of
//! it, so the state is allocated by its first change, and reads as the initial one before.

use std::ops::{Deref, DerefMut};

use super::recovery::Recovery;
use super::sack::Reordering;
use super::timeout::LossProbe;

/// Numbers of events since the connection began.
#[derive(Debug, Clone, Copy)]
pub(super) struct LossCounts {
    /// Packets sent again: payload, SYNs and FINs (Linux `tcpi_total_retrans`).
    pub(super) retransmits: u64,
    pub(super) timeouts: u64,
    /// Loss probes sent.
    pub(super) probes: u64,
    /// Reductions of the window that were undone.
    pub(super) undos: u64,
}

/// Losses on a connection, as far as they are known.
#[derive(Debug, Clone)]
pub(super) struct LossState {
    pub(super) recovery: Recovery,
    pub(super) reordering: Reordering,
    pub(super) probe: LossProbe,
    pub(super) counts: LossCounts,
}

impl LossState {
    const INITIAL: LossState = LossState {
        recovery: Recovery::INITIAL,
        reordering: Reordering::INITIAL,
        probe: LossProbe::INITIAL,
        counts: LossCounts { retransmits: 0, timeouts: 0, probes: 0, undos: 0 },
    };
}

/// A [`LossState`], allocated by its first change. To write what is there already is a change too: where that is common, compare first.
#[derive(Debug, Default)]
pub(super) struct Losses(Option<Box<LossState>>);

impl Deref for Losses {
    type Target = LossState;

    #[inline]
    fn deref(&self) -> &LossState {
        const INITIAL: &LossState = &LossState::INITIAL;
        self.0.as_deref().unwrap_or(INITIAL)
    }
}

impl DerefMut for Losses {
    #[inline]
    fn deref_mut(&mut self) -> &mut LossState {
        self.0.get_or_insert_with(|| Box::new(LossState::INITIAL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_allocates() {
        let mut losses = Losses::default();
        assert_eq!((losses.counts.undos, losses.0.is_some()), (0, false));
        losses.counts.undos += 1;
        assert_eq!((losses.counts.undos, losses.0.is_some()), (1, true));
        assert_eq!(size_of::<Losses>(), 8);
    }
}
