//! The example of a front end, which a test runs as it is: it uses the service alone.

use tokio::runtime::Builder;

#[path = "../../examples/front_end.rs"]
#[allow(dead_code, reason = "its `main` is that of a program")]
mod example;

#[test]
fn the_example_fetches_a_part_of_what_it_has_stored() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let part = runtime.block_on(example::store_and_fetch(directory.path().join("data"))).unwrap();
    assert_eq!(part, "world");
}
