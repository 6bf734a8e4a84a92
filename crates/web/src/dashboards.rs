//! Dashboards that were made, kept for some hundredths of a second while nothing changes: many who look at the same cost little more than one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use p2p_service::Principal;
use p2p_service::access::watching::SnapshotVersion;
use tokio::time::Instant;

/// Users whose dashboards are kept.
const KEPT_MAX: usize = 64;
/// Age up to which a dashboard is answered with. An engine that has nothing to do makes no new snapshot by itself.
const FRESH: Duration = Duration::from_millis(50);

/// Dashboards that were answered with, by who has asked. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dashboards(Arc<Mutex<Vec<Kept>>>);

#[derive(Debug)]
struct Kept {
    principal: Principal,
    latest: Latest,
}

/// Latest dashboard of a principal. Who holds the lock makes it, and others who ask for the same wait for that.
type Latest = Arc<tokio::sync::Mutex<Option<Made>>>;

#[derive(Debug)]
struct Made {
    version: SnapshotVersion,
    begun: Instant,
    body: Bytes,
}

impl Dashboards {
    /// Returns the dashboard of a principal: the one that is kept, if nothing has changed since and it is not old, or what is made now, of the
    /// version that is returned with it. `latest` tells the version of the latest snapshot.
    ///
    /// # Errors
    /// Returns the error of the making.
    pub(crate) async fn of<E>(
        &self,
        principal: &Principal,
        latest: impl Fn() -> SnapshotVersion,
        making: impl Future<Output = Result<(SnapshotVersion, Bytes), E>>,
    ) -> Result<Bytes, E> {
        let slot = self.latest_of(principal);
        let mut slot = slot.lock().await;
        if let Some(made) = slot.as_ref().filter(|made| made.begun.elapsed() < FRESH && made.version == latest()) {
            return Ok(made.body.clone());
        }
        let begun = Instant::now();
        let (version, body) = making.await?;
        *slot = Some(Made { version, begun, body: body.clone() });
        Ok(body)
    }

    /// Forgets the dashboard of a principal, of whom something is different that no snapshot tells.
    pub(crate) fn forget(&self, principal: &Principal) {
        self.kept().retain(|kept| kept.principal != *principal);
    }

    /// Returns the place of the dashboard of a principal, which may be that of the principal who has come first.
    fn latest_of(&self, principal: &Principal) -> Latest {
        let mut kept = self.kept();
        if let Some(found) = kept.iter().find(|kept| kept.principal == *principal) {
            return Arc::clone(&found.latest);
        }
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        let latest = Latest::default();
        kept.push(Kept { principal: principal.clone(), latest: Arc::clone(&latest) });
        latest
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        // A panic while the lock was held leaves a complete list.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use p2p_base::scope::Scope;
    use p2p_service::ClockMode;
    use p2p_service::instance::{EngineArgs, Instance};
    use p2p_service::network::Pause;
    use tokio::time::advance;

    use super::*;

    /// What is kept is answered with while it is fresh and nothing has changed, and what cannot be made is asked for again.
    #[tokio::test(start_paused = true)]
    async fn a_dashboard_is_made_once_for_all_who_look_at_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let args = EngineArgs { data_dir: Some(directory.path().join("data")), ..EngineArgs::default() };
        let instance = Instance::start(&args, ClockMode::OnDemand).unwrap();
        let access = instance.access("a test").unwrap();
        let (dashboards, principal) = (Dashboards::default(), access.identity().principal());
        let asked = async |text: Result<&'static str, ()>| {
            let making = async { Ok((access.snapshot_version(), text?.into())) };
            dashboards.of(&principal, || access.snapshot_version(), making).await
        };
        assert_eq!(asked(Err(())).await, Err(()));
        assert_eq!(asked(Ok("first")).await, Ok("first".into()));
        assert_eq!(asked(Ok("second")).await, Ok("first".into()));
        advance(FRESH).await;
        assert_eq!(asked(Ok("third")).await, Ok("third".into()));
        assert_eq!(asked(Err(())).await, Ok("third".into()));
        access.call(Pause).await.unwrap();
        assert_eq!(asked(Ok("fourth")).await, Ok("fourth".into()), "something has changed");
        dashboards.forget(&principal);
        assert_eq!(asked(Ok("fifth")).await, Ok("fifth".into()));
        // The engine ends with the process: an orderly end waits by the clock that stands still here.
        std::mem::forget(instance);
    }

    /// One user's dashboard is not another's, and who has not asked for long is forgotten for those who ask.
    #[test]
    fn each_user_has_a_dashboard_and_some_are_kept() {
        let user = |n: usize| {
            let name = format!("user{n}").parse().unwrap();
            Principal::User { name, is_admin: false, scope: Scope::Read, path: None }
        };
        let dashboards = Dashboards::default();
        let first = dashboards.latest_of(&user(0));
        assert!(Arc::ptr_eq(&first, &dashboards.latest_of(&user(0))) && !Arc::ptr_eq(&first, &dashboards.latest_of(&user(1))));
        (0..KEPT_MAX).for_each(|n| drop(dashboards.latest_of(&user(n + 1))));
        assert_eq!(dashboards.kept().len(), KEPT_MAX);
        assert!(!Arc::ptr_eq(&first, &dashboards.latest_of(&user(0))));
    }
}
