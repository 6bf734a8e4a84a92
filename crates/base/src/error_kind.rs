//! Kinds of errors: what a caller can do about one. Every floor gives its errors a kind, and front ends turn kinds into exit codes and
//! the statuses of their protocols.

/// Defines the kinds. The comment of each is also its meaning in the documentation, so that there is no second list.
macro_rules! kinds {
    ($(#[doc = $meaning:literal] $kind:ident,)*) => {
        /// Kind of an error: what a caller can do about it. The kinds are those of gRPC, as far as this program needs them.
        ///
        /// ```
        /// use p2p_base::error_kind::ErrorKind;
        ///
        /// assert_eq!(ErrorKind::NotFound.name(), "NotFound");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorKind {
            $(#[doc = $meaning] $kind,)*
        }

        impl ErrorKind {
            /// All kinds.
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$kind),*];

            /// Returns the name of the kind.
            pub const fn name(self) -> &'static str {
                match self {
                    $(ErrorKind::$kind => stringify!($kind)),*
                }
            }

            /// Returns the meaning of the kind, as a sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(ErrorKind::$kind => $meaning.trim_ascii()),*
                }
            }
        }
    };
}

kinds! {
    /// The request is malformed, whatever the state.
    Invalid,
    /// A value lies beyond what is possible.
    OutOfRange,
    /// What the request names does not exist, or the caller may not see it.
    NotFound,
    /// What the request would make exists already.
    AlreadyExists,
    /// The state does not permit it now; the request may succeed once that changes.
    Precondition,
    /// The caller may not do that.
    Denied,
    /// The caller is not logged in, or what they log in by is not valid.
    Unauthenticated,
    /// A resource is used up: capacity, memory or a quota.
    Exhausted,
    /// A part of the system cannot be reached or used now; the request may be repeated later.
    Unavailable,
    /// The request was not done in its time.
    DeadlineExceeded,
    /// Stored data is lost or damaged.
    DataLoss,
    /// The caller or another user cancelled the request.
    Cancelled,
    /// A bug of this program, or a failure of the system that it does not know.
    Internal,
}
