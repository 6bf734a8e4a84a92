//! The machine of the tour by itself, without a screen.

use super::*;

/// A screen on which everything is as it is set.
#[derive(Default)]
struct Set {
    is_answered: bool,
    is_prompt_taken: bool,
    sees: bool,
    is_paused: bool,
}

impl Surroundings for Set {
    fn is_answered(&self) -> bool {
        self.is_answered
    }

    fn is_settled(&self) -> bool {
        self.is_answered
    }

    fn is_prompt_free(&self) -> bool {
        !self.is_prompt_taken
    }

    fn shows(&self, _: Sight, node: &str, text: &str) -> bool {
        assert_eq!((node, text), ("Node_07", "a b is there"));
        self.sees
    }

    fn holder(&self) -> Option<String> {
        Some("Node_07".into())
    }

    fn is_first_user(&self) -> bool {
        false
    }

    fn has_faults(&self) -> bool {
        false
    }

    fn is_paused(&self) -> bool {
        self.is_paused
    }

    fn speed(&self) -> String {
        "1x".into()
    }
}

const STEPS: [Step; 2] = [
    Step {
        title: "One",
        text: "With $name.",
        acts: &[Act::Show(Pane::Nodes), Act::Run("up $name $node"), Act::See(Sight::Said("$name is there"))],
    },
    Step { title: "Two", text: "The end.", acts: &[Act::Show(Pane::Log)] },
];

fn tour() -> Tour {
    Tour::of(&STEPS, Variables::from([("name".to_owned(), "a b".to_owned())]), None)
}

/// Lets a tour go on until it is ready or over; returns what it did, the typed characters joined, and how long it took.
fn run(tour: &mut Tour, around: &Set) -> (Vec<TourDeed>, Duration) {
    let (mut deeds, mut took) = (Vec::new(), Duration::ZERO);
    while !tour.is_ready() && deeds.last() != Some(&TourDeed::End) {
        let (deed, wait) = tour.next(around);
        took += wait;
        match (deeds.last_mut(), deed) {
            (_, TourDeed::Wait) => {}
            (Some(TourDeed::Type(text)), TourDeed::Type(more)) => text.push_str(&more),
            (_, deed) => deeds.push(deed),
        }
    }
    (deeds, took)
}

#[test]
fn a_step_does_its_acts_and_stays_until_it_is_told_to_go_on() {
    let (mut tour, around) = (tour(), Set { is_answered: true, sees: true, ..Set::default() });
    assert_eq!((tour.place().as_str(), tour.text().as_str()), ("1 of 2", "With a b."));
    let (deeds, _) = run(&mut tour, &around);
    assert_eq!(deeds, [TourDeed::Show(Pane::Nodes), TourDeed::Type("up 'a b' Node_07".into()), TourDeed::Enter { awaits: true }]);
    assert_eq!((tour.next(&around).0, tour.is_ready(), tour.place().as_str()), (TourDeed::Wait, true, "1 of 2"));
    tour.go_on();
    assert_eq!((run(&mut tour, &around).0, tour.place().as_str()), (vec![TourDeed::Show(Pane::Log)], "2 of 2"));
    tour.go_on();
    // Whatever the steps have paused goes on.
    let paused = Set { is_paused: true, ..around };
    assert_eq!(run(&mut tour, &paused).0, [TourDeed::Type("resume".into()), TourDeed::Enter { awaits: true }, TourDeed::End]);
}

/// Neither an answer nor a sight is waited for without end.
#[test]
fn a_wait_has_an_end() {
    for around in [Set { sees: true, ..Set::default() }, Set { is_answered: true, ..Set::default() }] {
        let mut tour = tour();
        let (_, took) = run(&mut tour, &around);
        assert!(took >= WAIT_MAX && took < WAIT_MAX + Duration::from_secs(10), "{took:?}");
        assert_eq!(tour.status(), "waited in vain: Space goes on");
        tour.go_on();
        assert_eq!(tour.place(), "2 of 2");
    }
}

/// A user's line is waited for as long as it stands there, and a user in a hurry waits for no key.
#[test]
fn a_line_of_the_users_has_the_right_of_way() {
    let (mut tour, mut around) = (tour(), Set { is_answered: true, sees: true, is_prompt_taken: true, ..Set::default() });
    let deeds: Vec<TourDeed> = (0..1000).map(|_| tour.next(&around).0).collect();
    assert_eq!((&deeds[0], tour.is_typing()), (&TourDeed::Show(Pane::Nodes), false));
    assert!(deeds[1..].iter().all(|deed| *deed == TourDeed::Wait) && tour.status().starts_with("your line"));
    around.is_prompt_taken = false;
    tour.go_on();
    let hurried: Vec<TourDeed> = (0..4).map(|_| tour.next(&around).0).collect();
    assert_eq!(hurried[1..3], [TourDeed::Type("up 'a b' Node_07".into()), TourDeed::Enter { awaits: true }]);
    run(&mut tour, &around);
    tour.next(&around);
    assert_eq!(tour.place(), "2 of 2");
}
