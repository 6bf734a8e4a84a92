//! Look-ups of panes: what is in no snapshot and takes longer than a frame may. A pane gives one out after a frame, the application
//! carries it out in a task, and the pane takes in what was found.

use std::any::Any;
use std::fmt;
use std::pin::Pin;

use p2p_service::access::Access;

type LookUp = dyn FnOnce(Access) -> Pin<Box<dyn Future<Output = Found> + Send>> + Send;

/// Look-up that a pane has given out.
pub struct Inquiry(Box<LookUp>);

/// Result of a look-up, of a type that the pane alone knows.
#[derive(Debug)]
pub struct Found(Box<dyn Any + Send>);

impl Inquiry {
    /// Creates a look-up, which asks by the access of the user.
    pub fn new<T: Any + Send, F: Future<Output = T> + Send + 'static>(
        look_up: impl FnOnce(Access) -> F + Send + 'static,
    ) -> Inquiry {
        Inquiry(Box::new(|access| {
            let found = look_up(access);
            Box::pin(async move { Found(Box::new(found.await)) })
        }))
    }

    /// Carries the look-up out.
    pub async fn answer(self, access: Access) -> Found {
        (self.0)(access).await
    }
}

impl fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inquiry")
    }
}

impl Found {
    /// Returns the result if it has this type.
    ///
    /// # Errors
    /// Returns the result as it was if it has another type.
    pub fn take<T: Any>(self) -> Result<T, Found> {
        self.0.downcast().map(|found| *found).map_err(Found)
    }
}
