//! The number of attempts at one holder that an upload makes at most: once to store in vain, three times to commit, twice more three times
//! after it has lost what it had stored, and once to delete.

use super::*;

/// Attempts at one holder to commit: three for each time that it has stored the segments.
pub(super) const COMMITS_MAX: usize = 9;

/// A holder of which each connection is lost, until it answers that it has lost all.
#[test]
fn a_holder_that_loses_its_connections_and_its_segments_is_asked_nine_times_to_commit_and_no_more() {
    let mut surroundings = Surroundings::new(upload(Some(1), false), 1, Vec::new());
    surroundings.carry_out_all();
    let (mut commits, mut stores) = (0, 0);
    while !surroundings.is_done {
        let to_first = surroundings.asked.front().filter(|asked| asked.node == node(0));
        match to_first.map(|asked| asked.request.clone()) {
            Some(Request::Commit) => {
                commits += 1;
                fail_to_commit(&mut surroundings, commits % 3 != 0);
            }
            request => {
                stores += usize::from(matches!(request, Some(Request::Put { .. })));
                go_on(&mut surroundings);
            }
        }
    }
    assert_eq!((commits, stores), (COMMITS_MAX, 3));
    assert_eq!(surroundings.machine.log().status.state, TransferState::Done, "another node has it");
}

/// Lets one thing happen, and everything go well.
fn go_on(surroundings: &mut Surroundings) {
    if !surroundings.asked.is_empty() {
        surroundings.answer();
    } else if !surroundings.catalog.is_empty() {
        surroundings.use_catalog();
    } else if surroundings.is_remote {
        surroundings.handle(Input::Resumed);
        surroundings.happen();
    } else {
        surroundings.handle(Input::Resumed);
    }
}

/// Lets a request to commit be lost with its connection, or be answered by a node that has none of the segments.
fn fail_to_commit(surroundings: &mut Surroundings, is_cut_off: bool) {
    let Some(Asked { part, node, payload, .. }) = surroundings.asked.pop_front() else { return };
    surroundings.refused.insert(node);
    if is_cut_off {
        let cause = Cause::Unreachable(ConnectionLoss::Ended(CloseReason::Reset));
        return surroundings.handle(Input::Failed { part, node, cause });
    }
    let ids = ids_in(&payload);
    surroundings.stored.retain(|(holder, id)| *holder != node || !ids.contains(id));
    let cause = Cause::Refused(Refusal::NotStored { id: ids[0] });
    surroundings.handle(Input::Lacking { part, node, cause, ids });
}

/// What a stream has brought and a holder has lost is told as that: nobody can read it again. An upload that is kept is continued.
#[test]
fn a_stream_of_which_a_holder_has_lost_segments_fails_and_says_why() {
    let says = |machine, is_remote, last: &str| {
        let mut surroundings = Surroundings::at_edge(machine, 2, is_remote, Vec::new());
        surroundings.carry_out_all();
        while surroundings.asked.front().is_none_or(|asked| asked.request != Request::Commit) {
            go_on(&mut surroundings);
        }
        fail_to_commit(&mut surroundings, false);
        let surroundings = surroundings.run();
        let error = surroundings.error().unwrap();
        assert!(matches!(error, TransferError::StreamLost { node: lost, .. } if *lost == node(0)), "{error:?}");
        let said = error.to_string();
        assert!(said.contains("Node_01") && said.ends_with(last), "{said}");
    };
    for is_remote in [false, true] {
        says(stream_upload(is_remote), is_remote, "a stream cannot be read again to store them elsewhere");
        says(kept_upload(is_remote), is_remote, "what is not kept of the upload is to be given again");
    }
}
