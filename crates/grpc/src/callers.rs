//! Callers: who makes a request, by the bearer that it presents (RFC 6750, section 2.1), and the challenges to those who log in.

use std::net::IpAddr;
use std::sync::Arc;

use p2p_service::access::Access;
use p2p_service::access::challenges::Challenges;
use p2p_service::access::remote::RemoteRules;
use p2p_service::access::tokens::bearer_in;
use p2p_service::accounts::Secret;
use p2p_service::doors::guest::Guest;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

use crate::status;

/// Name of the services in the audit log and in mails.
const SERVICE: &str = "grpc";
/// Callers of the services.
#[derive(Debug, Clone)]
pub(crate) struct Callers {
    local: Access,
    rules: Arc<RemoteRules>,
    challenges: Challenges,
}

impl Callers {
    /// Makes the callers that come in by the gate of `local`, under these rules.
    pub(crate) fn new(local: Access, rules: Arc<RemoteRules>) -> Callers {
        Callers { local, rules, challenges: Challenges::default() }
    }

    /// Returns the access of a caller whom nobody is asked about yet: nobody's.
    pub(crate) fn stranger<T>(&self, request: &Request<T>) -> Result<Access, Status> {
        let address = address_of(request).ok_or_else(|| Status::internal("the request has no client"))?;
        Ok(self.local.of_client(SERVICE, address, &self.rules))
    }

    /// Returns the access of a caller: that of the bearer, or nobody's if there is none.
    pub(crate) async fn caller<T>(&self, request: &Request<T>) -> Result<Access, Status> {
        let access = self.stranger(request)?;
        if let Some(bearer) = bearer_of(request.metadata())? {
            access.let_in_by(bearer).await.map_err(|error| status::of(&error))?;
        }
        Ok(access)
    }

    /// Returns the challenges to those who log in.
    pub(crate) fn challenges(&self) -> &Challenges {
        &self.challenges
    }
}

fn address_of<T>(request: &Request<T>) -> Option<IpAddr> {
    request.extensions().get::<Guest>().map(Guest::address)
}

/// Returns what a request presents; `None` if that is nothing.
fn bearer_of(metadata: &MetadataMap) -> Result<Option<Secret>, Status> {
    let Some(value) = metadata.get("authorization") else { return Ok(None) };
    let bearer = value.to_str().ok().and_then(bearer_in);
    bearer.map(Some).ok_or_else(|| status::invalid("authorization", "write it as `Bearer TOKEN`"))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use tonic::Code;

    use super::*;

    #[test]
    fn a_bearer_is_presented_in_one_way() {
        let presented = |text: &str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("authorization", text.parse().unwrap());
            bearer_of(&metadata)
                .map(|bearer| bearer.map(|bearer| bearer.expose_secret().to_owned()))
                .map_err(|status| status.code())
        };
        assert_eq!(presented("Bearer abc"), Ok(Some("abc".into())));
        assert_eq!(presented("bearer  abc"), Ok(Some("abc".into())));
        for wrong in ["abc", "Bearer", "Bearer ", "Basic abc", ""] {
            assert_eq!(presented(wrong), Err(Code::InvalidArgument), "{wrong}");
        }
        assert_eq!(bearer_of(&MetadataMap::new()).unwrap().map(|_| ()), None);
    }
}
