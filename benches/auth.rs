//! What a login costs beside the password's hash, what a refusal costs where there is such a user and where there is
//! none, and a list of a thousand accounts.
//!
//! A login is the hash and one durable transaction. What it costs the processor is the hash (the first ratio); on the clock the
//! disk's two syncs come on top of it (the second), and those are printed too, as a transaction that does nothing else.

#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a benchmark may stop, and reads the clock")]

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use p2p_auth::{Auth, AuthError, LoginStep, Policy, Registration, Secret};
use p2p_base::database::Database;
use pbkdf2::password_hash::PasswordHasher;
use pbkdf2::password_hash::phc::PasswordHash;
use pbkdf2::{Algorithm, Params, Pbkdf2};
use rustix::time::{ClockId, clock_gettime};

const PASSWORD: &str = "correct horse battery";
const NOW: u64 = 1_795_000_000;
const ROUNDS: u32 = 30;

fn registration(name: &str) -> Registration {
    Registration { name: name.parse().unwrap(), email: format!("{name}@example.org").parse().unwrap(), password: PASSWORD.into() }
}

fn open(directory: &std::path::Path) -> Auth {
    Auth::open(Database::open(&directory.join("catalog.redb")).unwrap(), Policy::default()).unwrap()
}

/// The hash alone, as the library makes it, with the default count of iterations.
fn hash() {
    let params = Params::new_with_output_len(Policy::default().iterations, 32).unwrap();
    let hash: PasswordHash =
        Pbkdf2::new(Algorithm::Pbkdf2Sha256, params).hash_password_with_salt(PASSWORD.as_bytes(), &[7; 32]).unwrap();
    black_box(hash);
}

fn login(auth: &Auth, password: &Secret) {
    let Ok(LoginStep::Granted(granted)) = auth.login("alice", password, "a benchmark", NOW) else { panic!("refused") };
    black_box(granted);
}

/// A login with a wrong password, a day after the one before, so that it is not refused for its number.
fn refuse(auth: &Auth, name: &str, round: u32) {
    let refused = auth.login(name, &"wrong password".into(), "a benchmark", NOW + u64::from(round) * 86_400);
    assert_eq!(refused.unwrap_err(), AuthError::WrongLogin);
}

/// Seconds on the clock, and of the processor.
fn cost_of(mut work: impl FnMut()) -> [f64; 2] {
    let cpu = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    let (started, cpu_before) = (Instant::now(), cpu());
    work();
    [started.elapsed().as_secs_f64(), cpu() - cpu_before]
}

/// Medians, of works that are done in turn, so that a machine whose speed drifts is fair to all.
fn ratios(criterion: &mut Criterion) {
    let home = tempfile::tempdir().unwrap();
    let auth = open(home.path());
    auth.register_other(&registration("alice"), "a benchmark", "a benchmark", NOW).unwrap();
    let password = Secret::from(PASSWORD);
    let alice = "alice".parse().unwrap();
    let mut costs: [Vec<[f64; 2]>; 5] = Default::default();
    for round in 0..ROUNDS {
        costs[0].push(cost_of(self::hash));
        costs[1].push(cost_of(|| login(&auth, &password)));
        costs[2].push(cost_of(|| auth.record_access(&alice, "a benchmark", "nothing", false, NOW).unwrap()));
        costs[3].push(cost_of(|| refuse(&auth, "alice", round)));
        costs[4].push(cost_of(|| refuse(&auth, "nobody", round)));
    }
    let median = |place: usize, which: usize| {
        let mut values: Vec<f64> = costs[place].iter().map(|cost| cost[which]).collect();
        values.sort_by(f64::total_cmp);
        1e3 * values[values.len() / 2]
    };
    let (hash_cpu, login_cpu) = (median(0, 1), median(1, 1));
    println!("processor: PBKDF2 {hash_cpu:.2} ms, a login {login_cpu:.2} ms, ratio {:.3}", login_cpu / hash_cpu);
    let (hash, login_time, disk) = (median(0, 0), median(1, 0), median(2, 0));
    println!("clock: PBKDF2 {hash:.2} ms, a login {login_time:.2} ms, a durable transaction alone {disk:.2} ms");
    let (known, unknown) = (median(3, 1), median(4, 1));
    println!("processor: a refusal of a user {known:.2} ms, of a name that is nobody's {unknown:.2} ms");
    criterion.bench_function("PBKDF2-HMAC-SHA256, 100000 iterations", |bencher| bencher.iter(self::hash));
    criterion.bench_function("a login without a second factor", |bencher| bencher.iter(|| login(&auth, &password)));
}

fn a_thousand_accounts(criterion: &mut Criterion) {
    let home = tempfile::tempdir().unwrap();
    let auth = open(home.path());
    for n in 0..1000 {
        auth.register_other(&registration(&format!("user{n}")), "a benchmark", "a benchmark", NOW).unwrap();
    }
    criterion.bench_function("a list of 1000 accounts", |bencher| bencher.iter(|| black_box(auth.accounts().unwrap().len())));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = ratios, a_thousand_accounts
}
criterion_main!(benches);
