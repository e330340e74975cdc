//! The two questions to the API server.

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use super::Decision;
use crate::api::{CALL_LIMIT, CallError, call};

/// Who the token is of, and whether they may `get` the path.
pub(super) async fn ask(client: &Client, token: &str, path: &str) -> Decision {
    let decision = async {
        let Some(user) = user(client, token).await? else { return Ok(Decision::Unauthenticated) };
        Ok(if allowed(client, user, Question::Get(path)).await? {
            Decision::Allowed
        } else {
            Decision::Forbidden
        })
    };
    decision.await.unwrap_or_else(|error: CallError| {
        tracing::warn!(%error, "cannot tell who reads the metrics, so nobody does");
        Decision::Unavailable
    })
}

/// What somebody wants.
pub(crate) enum Question<'a> {
    /// To `get` a path that is no resource.
    Get(&'a str),
    /// To do something with a resource.
    Resource(Box<ResourceAttributes>),
}

/// Who a token is of; `None` for one that the API server does not know.
pub(crate) async fn user(client: &Client, token: &str) -> Result<Option<UserInfo>, CallError> {
    let spec = TokenReviewSpec { token: token.to_owned(), ..TokenReviewSpec::default() };
    let review = TokenReview { spec, ..TokenReview::default() };
    let reviews: Api<TokenReview> = Api::all(client.clone());
    let status = call(CALL_LIMIT, reviews.create(&PostParams::default(), &review)).await?.status;
    let known = status.filter(|status| status.authenticated == Some(true) && status.error.is_none());
    Ok(known.and_then(|status| status.user))
}

/// Whether somebody may do it.
pub(crate) async fn allowed(
    client: &Client,
    user: UserInfo,
    question: Question<'_>,
) -> Result<bool, CallError> {
    let (path, resource_attributes) = match question {
        Question::Get(path) => (Some(path), None),
        Question::Resource(attributes) => (None, Some(*attributes)),
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
