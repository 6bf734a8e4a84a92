//! Parameters in the query: a route takes those that its description names, and each other one is refused, so that a misspelled one is not
//! passed over without a word.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, Uri};
use p2p_service::reasons::name;
use percent_encoding::percent_decode_str;
use utoipa::openapi::OpenApi as Description;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, ParameterIn};

use super::describing::operations;
use crate::problem::{Problem, Rejected};

/// Names of the parameters in the query, by the path as its route has it and the method in lower case.
#[derive(Debug)]
pub(super) struct Parameters(HashMap<(String, &'static str), BTreeSet<String>>);

impl Parameters {
    /// Returns the parameters of all operations of a description.
    pub(super) fn of(description: &mut Description) -> Parameters {
        let mut all = HashMap::new();
        for (path, item) in &mut description.paths.paths {
            for (method, operation) in operations(item) {
                all.insert((path.clone(), method), names(operation));
            }
        }
        Parameters(all)
    }

    /// Returns the names that a request may have; `None` if its operation is not described, which then refuses it by itself.
    fn known(&self, path: &str, method: &Method) -> Option<&BTreeSet<String>> {
        // The description has no sign for a parameter that takes the rest of a path.
        let path = path.replace("{*", "{");
        let methods: &[&str] = match *method {
            // What is answered to GET is answered to HEAD (RFC 9110, section 9.3.2).
            Method::HEAD => &["head", "get"],
            Method::GET => &["get"],
            Method::PUT => &["put"],
            Method::POST => &["post"],
            Method::DELETE => &["delete"],
            Method::PATCH => &["patch"],
            _ => &[],
        };
        methods.iter().find_map(|method| self.0.get(&(path.clone(), *method)))
    }

    fn check(&self, path: &str, method: &Method, uri: &Uri) -> Result<(), Rejected> {
        let Some(known) = self.known(path, method) else { return Ok(()) };
        if percent_decode_str(uri.query().unwrap_or_default()).decode_utf8().is_err() {
            return Err(
                Problem::new(StatusCode::BAD_REQUEST, name::INVALID_FIELD, "the query: it is no UTF-8, percent-encoded").into()
            );
        }
        let axum::extract::Query(given) = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri)?;
        let Some((name, _)) = given.into_iter().find(|(name, _)| !known.contains(name)) else { return Ok(()) };
        let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let takes = if list.is_empty() { "none".to_owned() } else { list };
        Err(Problem::invalid(&name, format!("the query has no parameter of this name here; it takes {takes}")).into())
    }
}

fn names(operation: &Operation) -> BTreeSet<String> {
    let parameters = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    });
    let of_query = parameters.filter(|parameter| matches!(parameter.parameter_in, ParameterIn::Query));
    of_query.map(|parameter| parameter.name.clone()).collect()
}

/// Refuses a request whose query has a parameter that its route does not take, with 400.
pub(super) async fn layer(State(known): State<Arc<Parameters>>, path: MatchedPath, request: Request, next: Next) -> Response {
    // The address of a link is passed on by people and by sites, some of which add parameters of their own.
    let is_of_programs = path.as_str().starts_with("/api/");
    match known.check(path.as_str(), request.method(), request.uri()) {
        Err(rejected) if is_of_programs => rejected.into_response(),
        _ => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_is_not_described_is_refused() {
        let known = Parameters::of(&mut super::super::described().1);
        let check = |path: &str, method: Method, target: &str| known.check(path, &method, &target.parse().unwrap()).is_ok();
        assert!(check("/api/v1/files", Method::GET, "/api/v1/files?path=a&limit=3"));
        assert!(!check("/api/v1/files", Method::GET, "/api/v1/files?limt=3"));
        assert!(check("/api/v1/files/content/{*path}", Method::GET, "/x?download"));
        assert!(check("/api/v1/files/content/{*path}", Method::HEAD, "/x?download"));
        assert!(!check("/api/v1/files/content/{*path}", Method::PUT, "/x?download"));
        assert!(check("/api/files/list", Method::HEAD, "/api/files/list?sort=size"), "an older path takes the same");
        assert!(!check("/api/v1/nodes", Method::GET, "/x?a"));
        assert!(check("/api/v1/nodes", Method::GET, "/x?"));
        assert!(check("/api/v1/files", Method::GET, "/x?path=%c3%a9"));
        assert!(!check("/api/v1/files", Method::GET, "/x?path=%e9"), "it would be read as another name");
        assert!(check("/api/v1/nodes", Method::POST, "/x?a"), "there is no such operation, which is told by itself");
    }
}
