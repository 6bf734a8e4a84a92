//! Tests of the layout.

use proptest::prelude::*;

use super::*;

/// Minimum, what is wished beyond it, eagerness, shares and importance.
type Sizes = ((u16, u16), (u16, u16), bool, (u16, u16), u16);

fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = ((10u16..60, 3u16..8), (0u16..200, 0u16..60), any::<bool>(), (0u16..2, 0u16..4), 0u16..60);
    proptest::collection::vec(one, Pane::ALL.len()).prop_map(|shapes| {
        let candidate = |(pane, ((width, height), more, is_eager, grows, priority)): (Pane, Sizes)| {
            let wish = Size::new(width + more.0, height + more.1);
            let shape = Shape {
                least: Size::new(width, height),
                wish,
                most: wish,
                is_endless: false,
                is_eager,
                gives_way: false,
                is_pinned: false,
                grows: grows.into(),
            };
            Candidate { pane, shape, priority, is_kept: pane == Pane::Prompt }
        };
        Pane::ALL.into_iter().zip(shapes).map(candidate).collect()
    })
}

proptest! {
    /// Whatever panes want: those that are shown have their minimum, they do not overlap, and they fill the area.
    #[test]
    fn places_keep_what_they_promise(candidates in any_candidates(), width in 60u16..300, height in 13u16..100) {
        let area = Rect::new(3, 1, width, height);
        let (places, _) = arrange(&candidates, area, None);
        prop_assert!(places.iter().any(|(pane, _)| *pane == Pane::Prompt));
        let cells: u32 = places.iter().map(|(_, area)| area.area()).sum();
        prop_assert_eq!(cells, area.area());
        for (number, (pane, place)) in places.iter().enumerate() {
            let Shape { least, most, .. } = candidates.iter().find(|candidate| candidate.pane == *pane).unwrap().shape;
            prop_assert!(place.width >= least.width.min(most.width) && place.height >= least.height.min(most.height), "{pane:?} {place}");
            prop_assert!(places[..number].iter().all(|(_, other)| !other.intersects(*place)) && area.union(*place) == area);
        }
        // Frame after frame of the same panes: what is remembered is what is laid out anew.
        let mut kept: Option<Kept> = None;
        for _ in 0..4 {
            let (anew, memory) = laid_out(&candidates, area, kept.as_ref().map(|kept| &kept.memory));
            let (places, again) = arrange(&candidates, area, kept.as_ref());
            prop_assert_eq!(&places, &anew);
            prop_assert_eq!(&again.memory, &memory);
            kept = Some(again);
        }
        // What is not shown would not have fitted, or is less important than all that is.
        let height: u16 = candidates.iter().map(|candidate| candidate.shape.least.height).sum();
        let wanted = candidates.iter().filter(|candidate| candidate.is_kept || candidate.priority > 0).count();
        prop_assert!(height > area.height || places.len() == wanted);
    }
}
