//! How a download goes on while what it has delivered to a stream of remote origin is not taken.

use super::*;

/// Segments are checked while further ones are asked for: what has come of one is looked at when its reader has taken it.
#[test]
fn a_delivery_is_looked_at_once_it_is_taken() {
    let mut surroundings = Surroundings::at_edge(download(9, true), 9, true, Vec::new());
    surroundings.carry_out_all();
    surroundings.use_catalog();
    surroundings.handle(Input::Resumed);
    assert_eq!(surroundings.asked.len(), 4);
    while !surroundings.asked.is_empty() {
        surroundings.answer();
        surroundings.handle(Input::Resumed);
    }
    assert_eq!((surroundings.given, surroundings.local.len()), (3, 3));
    surroundings.taken = 2;
    surroundings.handle(Input::Happened(Happened::Taken(2)));
    surroundings.handle(Input::Resumed);
    assert_eq!((surroundings.given, surroundings.local.len(), surroundings.asked.len()), (4, 2, 2));
}
