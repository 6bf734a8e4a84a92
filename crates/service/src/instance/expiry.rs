//! Expiry of kept uploads and of what is noted of uploads: what nobody has continued in time is undone, at the start and from time to time while
//! the program runs.

use std::collections::HashSet;
use std::time::Duration;

use p2p_auth::{Auth, AuthError};
use p2p_engine::operation::{ExpireUploads, KeptUpload, ListUploads};
use p2p_engine::{Caller, EngineError, EngineHandle};
use p2p_store::uploads::UploadId;
use tokio::task::JoinHandle;

use crate::access::upload_notes;
use crate::blocking::off_thread;

/// Time between two looks at the kept uploads.
const EVERY: Duration = Duration::from_secs(3600);

/// Task that undoes the kept uploads which have expired.
#[derive(Debug)]
pub(super) struct Expiry(JoinHandle<()>);

impl Expiry {
    /// Starts to undo what has expired. `clock` is the wall clock, in seconds since 1970.
    pub(super) fn start(engine: EngineHandle, auth: Auth, clock: fn() -> u64) -> Expiry {
        Expiry(spawn(run(engine, auth, clock)))
    }

    /// Ends the task, so that it holds the engine no longer. What is being undone is the engine's to finish.
    pub(super) async fn end(self) {
        self.0.abort();
        // It was aborted, or had ended because the engine has.
        drop(self.0.await);
    }
}

async fn run(engine: EngineHandle, auth: Auth, clock: fn() -> u64) {
    loop {
        let now = clock();
        match drop_notes(&engine, &auth, now).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "notes of uploads that have expired are not dropped"),
        }
        match expire(&engine, now).await {
            Ok(()) => {}
            Err(EngineError::Stopped) => return,
            Err(error) => tracing::warn!(%error, "kept uploads that have expired are not undone"),
        }
        wait().await;
    }
}

/// Undoes what has expired. If nothing has, no operation that a recording would have is called.
async fn expire(engine: &EngineHandle, now: u64) -> Result<(), EngineError> {
    let program = Caller::operator();
    let uploads = engine.call(&program, ListUploads).await?;
    if uploads.iter().any(|upload| upload.transfer.is_none() && upload.expires_at <= now) {
        engine.call(&program, ExpireUploads { now }).await?;
    }
    Ok(())
}

/// Drops the notes of uploads that are past, but for those of which the engine keeps a part for longer.
async fn drop_notes(engine: &EngineHandle, auth: &Auth, now: u64) -> Result<(), AuthError> {
    let Ok(uploads) = engine.call(&Caller::operator(), ListUploads).await else { return Ok(()) };
    let is_alive = |upload: &KeptUpload| upload.transfer.is_some() || upload.expires_at > now;
    let kept: HashSet<UploadId> = uploads.iter().filter(|upload| is_alive(upload)).map(|upload| upload.id).collect();
    off_thread(auth, move |auth| Ok(upload_notes::drop_past(auth.database(), now, |id| kept.contains(&id))?)).await
}

#[expect(clippy::disallowed_methods, reason = "a task of the front ends, whose handle is kept")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

#[expect(clippy::disallowed_methods, reason = "uploads expire on the wall clock")]
async fn wait() {
    tokio::time::sleep(EVERY).await;
}
