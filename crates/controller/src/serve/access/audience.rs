//! The audience that a token names.

use serde::Deserialize;

use super::jwt::Jwt;

/// The claim of a JSON Web Token that says whom it is for (RFC 7519, section 4.1.3): a text or a list.
#[derive(Deserialize)]
struct Claims {
    aud: Audiences,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Several(Vec<String>),
}

/// Whether a token names this audience. Nothing is verified: this chooses the question to the API server, which verifies.
pub(super) fn names(token: &str, audience: &str) -> bool {
    let claims = Jwt::parse(token).and_then(|token| token.claims::<Claims>());
    claims.is_some_and(|claims| match claims.aud {
        Audiences::One(one) => one == audience,
        Audiences::Several(several) => several.iter().any(|one| one == audience),
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn an_audience_is_read_from_a_text_or_a_list() {
        for claims in
            [r#"{"aud":"tagwatch"}"#, r#"{"sub":"x","aud":["https://kubernetes.default","tagwatch"]}"#]
        {
            assert!(names(&token(claims), "tagwatch"), "{claims}");
        }
        for claims in
            [r#"{"aud":["vault"]}"#, r#"{"aud":7}"#, r#"{"aud":"tagwatch2"}"#, "{}", "[]", "\u{fffd}"]
        {
            assert!(!names(&token(claims), "tagwatch"), "{claims}");
        }
        let whole = token(r#"{"aud":"tagwatch"}"#);
        for broken in ["", ".", "..", "...", "a.b.c", "opaque", &whole[..20], &format!("{whole}.x"), "é.é.é"]
        {
            assert!(!names(broken, "tagwatch"), "{broken}");
        }
    }
}
