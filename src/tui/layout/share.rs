//! The distribution of a length among parts by what they need, wish and can use.

/// The length that an arrangement needs and wishes along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) least: u16,
    pub(super) wish: u16,
    pub(super) most: u16,
    pub(super) is_eager: bool,
    pub(super) gives_way: bool,
    pub(super) is_pinned: bool,
    pub(super) grows: u16,
    pub(super) priority: u16,
}

/// Returns the need of parts that share an axis.
pub(super) fn along(parts: impl Iterator<Item = Need>) -> Need {
    joined(parts, u16::saturating_add)
}

/// Returns the need of parts that all have the whole axis.
pub(super) fn beside(parts: impl Iterator<Item = Need>) -> Need {
    joined(parts, u16::max)
}

/// Returns the need of parts whose lengths are joined.
fn joined(parts: impl Iterator<Item = Need>, join: fn(u16, u16) -> u16) -> Need {
    let none = Need { least: 0, wish: 0, most: 0, is_eager: true, gives_way: true, is_pinned: false, grows: 0, priority: 0 };
    parts.fold(none, |all, part| Need {
        // What others stand beside or below is not to keep a length for the sake of one of them.
        is_pinned: false,
        least: join(all.least, part.least),
        wish: join(all.wish, part.wish),
        most: join(all.most, part.most),
        is_eager: all.is_eager && part.is_eager,
        gives_way: all.gives_way && part.gives_way,
        grows: join(all.grows, part.grows),
        priority: all.priority.max(part.priority),
    })
}

/// Distributes a length. Each part has its minimum, if it has a use for it. Then those that are pinned have what they keep. Then those that are eager have what they wish, the one that lacks
/// least first, so that a short list is whole before a long one that is cut anyway has more, and those that give way last. Then the others
/// have it by their shares, and all as much as they show anything in, the most important first; what is left goes to those that grow. Where
/// the minimums do not fit, the last parts get less.
pub(super) fn share(length: u16, parts: &[Need]) -> Vec<u16> {
    let mut left = length;
    let take = |wanted: u16, left: &mut u16| {
        let taken = wanted.min(*left);
        *left -= taken;
        taken
    };
    let mut sizes: Vec<u16> = parts.iter().map(|part| take(part.least.min(part.most), &mut left)).collect();
    let mut by_priority: Vec<usize> = (0..parts.len()).collect();
    by_priority.sort_by_key(|&place| std::cmp::Reverse(parts[place].priority));
    let lacks = |place: usize, sizes: &[u16]| parts[place].wish.saturating_sub(sizes[place]);
    for place in (0..parts.len()).filter(|&place| parts[place].is_pinned) {
        sizes[place] += take(lacks(place, &sizes), &mut left);
    }
    let mut eager: Vec<usize> = by_priority.iter().copied().filter(|&place| parts[place].is_eager).collect();
    eager.sort_by_key(|&place| (parts[place].gives_way, lacks(place, &sizes)));
    for place in eager {
        sizes[place] += take(lacks(place, &sizes), &mut left);
    }
    let shares: Vec<u16> = parts.iter().map(|part| part.grows).collect();
    let wanted: Vec<u16> = parts.iter().zip(&sizes).map(|(part, &size)| part.wish.saturating_sub(size)).collect();
    left = add(&mut sizes, left, &shares, &wanted);
    for place in by_priority {
        sizes[place] += take(parts[place].most.saturating_sub(sizes[place]), &mut left);
    }
    // What nobody needs goes to those that grow, or to all.
    let equal = |filter: fn(&Need) -> bool| parts.iter().map(|part| u16::from(filter(part))).collect::<Vec<u16>>();
    let all = [shares, equal(|part| !part.is_pinned), equal(|_| true)];
    let shares = all.into_iter().find(|shares| shares.iter().any(|&share| share > 0)).unwrap_or_default();
    add(&mut sizes, left, &shares, &vec![u16::MAX; parts.len()]);
    sizes
}

/// Adds a length to parts by their shares, to each at most what it wants; returns what is left.
fn add(sizes: &mut [u16], length: u16, shares: &[u16], wanted: &[u16]) -> u16 {
    let (mut left, mut wanted) = (length, wanted.to_vec());
    while left > 0 {
        let open: Vec<usize> = (0..sizes.len()).filter(|&place| shares[place] > 0 && wanted[place] > 0).collect();
        let all: u32 = open.iter().map(|&place| u32::from(shares[place])).sum();
        if all == 0 {
            break;
        }
        let whole = left;
        for place in open {
            let part = (u32::from(whole) * u32::from(shares[place]) / all).max(1) as u16;
            let part = part.min(left).min(wanted[place]);
            (sizes[place], wanted[place], left) = (sizes[place] + part, wanted[place] - part, left - part);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_shared_by_need() {
        let need = |least, wish, grows, priority| Need {
            least,
            wish,
            most: wish + 3,
            is_eager: grows == 0,
            gives_way: false,
            is_pinned: false,
            grows,
            priority,
        };
        // The minimums first, then what is bounded, then the others, and what is left by their shares.
        let parts = [need(5, 9, 0, 1), need(5, 8, 0, 2), need(5, 7, 1, 0), need(5, 30, 2, 0)];
        assert_eq!(share(20, &parts), [5, 5, 5, 5]);
        assert_eq!(share(24, &parts), [6, 8, 5, 5]);
        assert_eq!(share(36, &parts), [9, 8, 7, 12]);
        // Then what each has rows for, and what nobody needs.
        assert_eq!(share(58, &parts), [10, 11, 7, 30]);
        assert_eq!(share(70, &parts), [12, 11, 12, 35]);
        assert_eq!(share(12, &parts), [5, 5, 2, 0]);
        assert_eq!(share(20, &parts[..2]), [9, 11]);
    }

    /// What gives way has more than its minimum only of what others leave: a list that grows by a row takes one row at most from it, whichever
    /// of the two lacks less.
    #[test]
    fn what_gives_way_has_what_others_leave() {
        let part = |wish, gives_way| Need {
            least: 4,
            wish,
            most: wish,
            is_eager: true,
            gives_way,
            is_pinned: false,
            grows: 0,
            priority: 1,
        };
        let sizes: Vec<u16> = (4..24).map(|rows| share(20, &[part(rows, false), part(12, true)])[1]).collect();
        assert!(sizes.windows(2).all(|pair| pair[0] >= pair[1] && pair[0] - pair[1] <= 1), "{sizes:?}");
        assert_eq!((sizes[4], sizes[5], sizes[19]), (12, 11, 4));
    }

    /// What is pinned keeps its length beside a list that grows or shrinks, even where nothing else grows; the minimums come first.
    #[test]
    fn what_is_pinned_keeps_its_length() {
        let part = |wish, is_pinned| Need {
            least: 4,
            wish,
            most: wish,
            is_eager: true,
            gives_way: true,
            is_pinned,
            grows: 0,
            priority: 1,
        };
        assert!((0..40).all(|rows| share(20, &[part(rows, false), part(9, true)]) == [11, 9]));
        assert_eq!(share(11, &[part(30, false), part(9, true)]), [4, 7]);
        assert_eq!(share(11, &[part(9, true)]), [11]);
    }
}
