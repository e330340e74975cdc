//! The two reviews of the API server: who a token belongs to, and what that user may do.

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};
use tagwatch_client::{CALL_LIMIT, CallError, call};

use super::audience;

/// What a user wants to do.
pub(crate) enum AccessAttributes<'a> {
    /// `get` a path that is no resource.
    Path(&'a str),
    Resource(Box<ResourceAttributes>),
}

/// The user of a token; `None` when the API server does not know the token, or knows it for others than itself and
/// `audience`, our own.
///
/// A token that names our audience is reviewed for that: the API server refuses it for itself. Every other one is reviewed
/// for the API server, whose audiences only it knows.
pub(crate) async fn review_token(
    client: &Client,
    token: &str,
    audience: &str,
) -> Result<Option<UserInfo>, CallError> {
    let is_for_us = audience::names(token, audience);
    let audiences = is_for_us.then(|| vec![audience.to_owned()]);
    let spec = TokenReviewSpec { token: token.to_owned(), audiences };
    let review = TokenReview { spec, ..TokenReview::default() };
    let reviews: Api<TokenReview> = Api::all(client.clone());
    let status = call(CALL_LIMIT, reviews.create(&PostParams::default(), &review)).await?.status;
    let known = status.filter(|status| status.authenticated == Some(true) && status.error.is_none());
    // An authenticator that does not know of audiences names none (`k8s.io/api/authentication/v1`, TokenReviewStatus).
    let known = known.filter(|status| {
        !is_for_us || status.audiences.iter().flatten().any(|confirmed| confirmed == audience)
    });
    Ok(known.and_then(|status| status.user))
}

/// Whether a user may do something.
pub(crate) async fn review_access(
    client: &Client,
    user: UserInfo,
    attributes: AccessAttributes<'_>,
) -> Result<bool, CallError> {
    let (path, resource_attributes) = match attributes {
        AccessAttributes::Path(path) => (Some(path), None),
        AccessAttributes::Resource(attributes) => (None, Some(*attributes)),
    };
    let non_resource_attributes =
        path.map(|path| NonResourceAttributes { path: Some(path.to_owned()), verb: Some("get".to_owned()) });
    let spec = SubjectAccessReviewSpec {
        user: user.username,
        groups: user.groups,
        uid: user.uid,
        extra: user.extra,
        non_resource_attributes,
        resource_attributes,
    };
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let status = call(CALL_LIMIT, reviews.create(&PostParams::default(), &review)).await?.status;
    Ok(status.is_some_and(|status| status.allowed && status.denied != Some(true)))
}
