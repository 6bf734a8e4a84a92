//! Older paths, those of the model system, which mean the same as paths below `/api/v1`: each with its handlers and the path that it stands for,
//! so that none can be served without being described.

use axum::Router;
use axum::routing::MethodRouter;
use utoipa::openapi::OpenApi as Description;

use crate::web::Web;

/// Older path of what is served below `/api/v1` too.
#[derive(Debug, Clone)]
pub(super) struct Alias {
    /// Path, from `/` on.
    pub(super) older: &'static str,
    /// Path of the same meaning below `/api/v1`.
    pub(super) of: &'static str,
    pub(super) handlers: MethodRouter<Web>,
}

impl Alias {
    /// Adds the path to routes, and to their description what the other path has there.
    pub(super) fn added(self, routes: Router<Web>, description: &mut Description) -> Router<Web> {
        if let Some(item) = description.paths.paths.get(&format!("/api/v1{}", self.of)).cloned() {
            description.paths.paths.insert(self.older.to_owned(), item);
        }
        routes.route(self.older, self.handlers)
    }
}
