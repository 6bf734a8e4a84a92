//! Exchanges step by step, without a simulation: each takes inputs and gives outputs in their order.

use bytes::Bytes;
use p2p_base::database::DatabaseError;
use p2p_base::error_kind::ErrorKind;
use p2p_base::units::SimDuration;
use p2p_net::CloseReason;
use p2p_store::catalog::{CatalogError, Garbage};
use p2p_store::manifest::SegmentRecord;
use p2p_store::names::FileKey;
use p2p_store::pins::Pin;
use p2p_store::segment::SegmentId;

use super::*;
use crate::cause::ConnectionLoss;
use crate::io::Outcome;
use crate::node::protocol::{Refusal, Request, Response};
use crate::operation::{SegmentContent, SegmentFetched, SegmentStored};
use crate::transfer::{ATTEMPTS_MAX, CatalogWork, Part};

const CONTENT: &[u8] = b"a segment";
const SEGMENT: Part = Part::Segment(0);

fn node() -> NodeNumber {
    NodeNumber::from_index(1)
}

fn id() -> SegmentId {
    SegmentId::of(CONTENT)
}

fn pin() -> Pin {
    Pin { user: Some("alice".into()), node: node(), id: id() }
}

fn at(ms: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_millis(ms)
}

fn lost(reason: CloseReason) -> Cause {
    Cause::Unreachable(ConnectionLoss::Ended(reason))
}

fn refused(refusal: Refusal) -> Cause {
    Cause::Refused(refusal)
}

fn answered(part: Part, response: Response) -> Input {
    Input::Answered { part, node: node(), response, payload: Bytes::new() }
}

fn failed_by(part: Part, cause: Cause) -> Input {
    Input::Failed { part, node: node(), cause }
}

/// Passes an input, and gives what comes of it.
fn step(machine: &mut Exchange, input: Input) -> Vec<Output> {
    machine.handle(at(30), input);
    outputs(machine)
}

fn outputs(machine: &mut Exchange) -> Vec<Output> {
    std::iter::from_fn(|| machine.poll_output()).collect()
}

/// The kind of the error that is answered, if one is.
fn refusal(outputs: &[Output]) -> Option<ErrorKind> {
    outputs.iter().find_map(|output| match output {
        Output::Answer(answer) => answer.as_ref().as_ref().err().map(EngineError::kind),
        _ => None,
    })
}

fn storing() -> Exchange {
    let content = SegmentContent::new(Bytes::from_static(CONTENT)).unwrap();
    Exchange::Storing(Storing::new(at(10), pin(), content))
}

fn put() -> Output {
    let (len, payload) = (CONTENT.len() as u32, Bytes::from_static(CONTENT));
    Output::AskSegment { index: 0, len, node: node(), instead_of: None, request: Request::Put { id: id() }, payload }
}

fn garbage() -> Garbage {
    Garbage::from([(node(), vec![id()])])
}

/// Returns a machine that has come to the work of the catalog.
fn pinning() -> Exchange {
    let mut machine = storing();
    step(&mut machine, answered(SEGMENT, Response::Stored { id: id() }));
    step(&mut machine, answered(Part::Commit, Response::Committed));
    machine
}

#[test]
fn a_segment_is_durable_before_it_is_kept_and_kept_before_it_is_told() {
    let mut machine = storing();
    let len = CONTENT.len() as u32;
    assert_eq!(outputs(&mut machine), [Output::Pin { index: 0, node: node(), id: id(), len: len.into() }, put()]);
    assert_eq!(machine.arriving(), u64::from(len));
    let commit = step(&mut machine, answered(SEGMENT, Response::Stored { id: id() }));
    assert!(
        matches!(&commit[..], [Output::FreeRoom { .. }, Output::Ask { part: Part::Commit, request: Request::Commit, .. }]),
        "{commit:?}"
    );
    let record = SegmentRecord { id: id(), len, holders: vec![node()] };
    let kept = step(&mut machine, answered(Part::Commit, Response::Committed));
    assert_eq!(kept, [Output::Catalog(CatalogWork::Pin(pin(), record))]);
    let stored = SegmentStored { id: id(), len, took: SimDuration::from_millis(20) };
    assert_eq!(
        step(&mut machine, Input::Catalog(Outcome::Pinned(Ok(())))),
        [
            Output::AddPin(pin(), len),
            Output::Unpin { node: node(), id: id() },
            answer(Ok(Reply::SegmentStored(stored))),
            Output::Done
        ]
    );
    assert_eq!(machine.arriving(), 0);
}

/// Whatever fails before the catalog keeps the segment, the user is told at once, and nothing is left that nobody will delete.
#[test]
fn a_failure_is_told_and_undone() {
    let refuse = CatalogError::Database(DatabaseError::ReadOnly { path: "c".into() });
    type Case = (fn() -> Exchange, Input, ErrorKind);
    let cases: [Case; 5] = [
        (storing, failed_by(SEGMENT, lost(CloseReason::Refused)), ErrorKind::Unavailable),
        (storing, failed_by(SEGMENT, refused(Refusal::Full { needed: 9, free: 1 })), ErrorKind::Exhausted),
        (storing, answered(SEGMENT, Response::Pong), ErrorKind::Unavailable),
        (pinning, Input::Catalog(Outcome::Pinned(Err(refuse.clone()))), refuse.kind()),
        (
            || {
                let mut machine = storing();
                step(&mut machine, answered(SEGMENT, Response::Stored { id: id() }));
                machine
            },
            failed_by(Part::Commit, refused(Refusal::NotStored { id: id() })),
            ErrorKind::DataLoss,
        ),
    ];
    for (begun, input, kind) in cases {
        let mut machine = begun();
        outputs(&mut machine);
        let told = step(&mut machine, input);
        assert_eq!(refusal(&told), Some(kind), "{told:?}");
        assert!(told.contains(&Output::Unpin { node: node(), id: id() }) && !told.contains(&Output::Done), "{told:?}");
        assert_eq!(told.last(), Some(&Output::Catalog(CatalogWork::Unreferenced(garbage()))));
        assert_eq!(machine.arriving(), 0);
        assert_eq!(step(&mut machine, Input::Catalog(Outcome::Unreferenced(Ok(garbage())))), [Output::Delete(garbage())]);
        let asked = step(&mut machine, Input::Deletable(garbage(), 0));
        assert!(matches!(&asked[..], [Output::Ask { part: Part::Delete, .. }]), "{asked:?}");
        let owed = step(&mut machine, failed_by(Part::Delete, lost(CloseReason::TimedOut)));
        assert_eq!(owed, [Output::Owe { node: node(), ids: vec![id()] }, Output::Done]);
    }
}

/// What may be needed is never deleted.
#[test]
fn an_unknown_outcome_deletes_nothing() {
    let unknown = CatalogError::Database(DatabaseError::OutcomeUnknown { reason: "it failed".into() });
    for outcome in [Outcome::Pinned(Err(unknown)), Outcome::Crashed("a bug".into())] {
        let mut machine = pinning();
        let told = step(&mut machine, Input::Catalog(outcome));
        assert!(refusal(&told).is_some() && told.last() == Some(&Output::Done), "{told:?}");
        let is_deletion = |output: &Output| matches!(output, Output::Delete(_) | Output::Owe { .. } | Output::Catalog(_));
        assert!(!told.iter().any(is_deletion), "{told:?}");
    }
}

#[test]
fn damage_and_lost_connections_are_tried_again_a_few_times() {
    for cause in [refused(Refusal::Corrupt { id: id() }), lost(CloseReason::Reset)] {
        let mut machine = storing();
        outputs(&mut machine);
        for _ in 1..ATTEMPTS_MAX {
            assert_eq!(step(&mut machine, failed_by(SEGMENT, cause.clone())), [put()]);
        }
        assert!(refusal(&step(&mut machine, failed_by(SEGMENT, cause.clone()))).is_some());
        let mut machine = Exchange::Fetching(Fetching::new(at(10), (node(), id()), None, true));
        let asked = outputs(&mut machine);
        for _ in 1..ATTEMPTS_MAX {
            assert_eq!(step(&mut machine, failed_by(SEGMENT, cause.clone())), asked);
        }
        assert!(refusal(&step(&mut machine, failed_by(SEGMENT, cause))).is_some());
    }
}

fn fetched() -> Input {
    let response = Response::Segment { id: id() };
    Input::Answered { part: SEGMENT, node: node(), response, payload: Bytes::from_static(CONTENT) }
}

#[test]
fn a_segment_of_a_file_is_fetched_if_the_file_has_it() {
    let key = FileKey::unowned("a.bin");
    let begun = || Exchange::Fetching(Fetching::new(at(10), (node(), id()), Some(key.clone()), false));
    let mut machine = begun();
    let find = CatalogWork::Find { key: key.clone(), id: id(), node: node() };
    assert_eq!(outputs(&mut machine), [Output::Catalog(find)]);
    let asked = step(&mut machine, Input::Catalog(Outcome::Found(Ok(true))));
    assert!(matches!(&asked[..], [Output::AskSegment { request: Request::Get { .. }, .. }]), "{asked:?}");
    let segment =
        SegmentFetched { id: id(), bytes: Bytes::from_static(CONTENT), is_own: true, took: SimDuration::from_millis(20) };
    assert_eq!(step(&mut machine, fetched()), [answer(Ok(Reply::Segment(segment))), Output::Done]);
    let mut machine = begun();
    outputs(&mut machine);
    let told = step(&mut machine, Input::Catalog(Outcome::Found(Ok(false))));
    assert_eq!(told, [answer(Err(EngineError::UnknownSegment { node: node(), id: id() })), Output::Done]);
}

/// What the node lacks is unknown, unless it is to have it: then it is lost.
#[test]
fn a_missing_segment_is_lost_where_it_was_kept() {
    let not_stored = || failed_by(SEGMENT, refused(Refusal::NotStored { id: id() }));
    for (is_expected, kind) in [(false, ErrorKind::NotFound), (true, ErrorKind::DataLoss)] {
        let mut machine = Exchange::Fetching(Fetching::new(at(10), (node(), id()), None, is_expected));
        assert_eq!(outputs(&mut machine).len(), 1);
        for _ in 1..ATTEMPTS_MAX {
            assert_eq!(step(&mut machine, failed_by(SEGMENT, lost(CloseReason::Reset))).len(), 1);
        }
        assert_eq!(refusal(&step(&mut machine, not_stored())), Some(kind));
    }
}

fn releasing() -> Exchange {
    let mut machine = Exchange::Releasing(Releasing::new(pin()));
    let asked = outputs(&mut machine);
    assert!(matches!(&asked[..], [Output::Ask { part: Part::Stat, request: Request::Stat, .. }]), "{asked:?}");
    machine
}

fn alive() -> Input {
    let volume = p2p_store::volume::Volume::new(1, &[]).stats();
    answered(Part::Stat, Response::Stat(volume))
}

/// The answer tells nothing of whether others need the segment: it comes before anything is deleted.
#[test]
fn a_segment_is_released_and_then_deleted() {
    let mut machine = releasing();
    assert_eq!(step(&mut machine, alive()), [Output::Catalog(CatalogWork::Release(pin()))]);
    let released = step(&mut machine, Input::Catalog(Outcome::Released(Ok(Some(garbage())))));
    assert_eq!(released, [Output::DropPin(pin()), answer(Ok(Reply::Done(()))), Output::Delete(garbage())]);
    assert_eq!(step(&mut machine, Input::Deletable(garbage(), 0)).len(), 1);
    assert_eq!(step(&mut machine, answered(Part::Delete, Response::Deleted)), [Output::Done]);
}

#[test]
fn a_segment_is_released_once_and_by_a_node_that_answers() {
    let mut machine = releasing();
    let told = step(&mut machine, failed_by(Part::Stat, lost(CloseReason::Refused)));
    assert_eq!((refusal(&told), told.len()), (Some(ErrorKind::Unavailable), 2));
    let mut machine = releasing();
    step(&mut machine, alive());
    let told = step(&mut machine, Input::Catalog(Outcome::Released(Ok(None))));
    assert_eq!((refusal(&told), told.len()), (Some(ErrorKind::NotFound), 3));
}

/// What the catalog has released is not counted for its user any longer, also if the request that has released it never learned of that.
#[test]
fn a_segment_whose_release_nobody_learned_of_is_dropped_by_the_next_request() {
    let mut machine = releasing();
    step(&mut machine, alive());
    let told = step(&mut machine, Input::Catalog(Outcome::Crashed("a bug".into())));
    assert!(refusal(&told).is_some() && !told.contains(&Output::DropPin(pin())), "{told:?}");
    let mut again = releasing();
    step(&mut again, alive());
    let told = step(&mut again, Input::Catalog(Outcome::Released(Ok(None))));
    assert_eq!((refusal(&told), told.first()), (Some(ErrorKind::NotFound), Some(&Output::DropPin(pin()))));
}

#[test]
fn a_node_is_asked_for_a_sign_of_life() {
    let mut machine = Exchange::Asking(Asking::new(at(10), node()));
    assert_eq!(outputs(&mut machine).len(), 1);
    let told = step(&mut machine, alive());
    let Some(Output::Answer(told)) = told.first() else { panic!("{told:?}") };
    let Ok(Reply::NodeAnswer(answer)) = told.as_ref() else { panic!("{told:?}") };
    assert_eq!((answer.took, answer.volume.map(|volume| volume.used)), (SimDuration::from_millis(20), Some(0)));
}
