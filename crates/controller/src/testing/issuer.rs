//! Who signs tokens of service accounts, as an API server does.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// A signing key with its id.
pub(crate) struct Issuer {
    id: String,
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl Issuer {
    pub(crate) fn new(id: &str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap();
        Self { id: id.to_owned(), key, random }
    }

    /// The public key as a JSON Web Key.
    pub(crate) fn jwk(&self) -> Value {
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|number| URL_SAFE_NO_PAD.encode(number));
        json!({ "kty": "EC", "kid": self.id, "use": "sig", "alg": "ES256", "crv": "P-256", "x": x, "y": y })
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let signed = self.unsigned(claims);
        let signature = self.key.sign(&self.random, signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The same without the private key: what everyone can make who knows the claims.
    pub(crate) fn forged(&self, claims: &Value) -> String {
        format!("{}.{}", self.unsigned(claims), URL_SAFE_NO_PAD.encode([7; 64]))
    }

    fn unsigned(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": self.id });
        [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".")
    }
}
