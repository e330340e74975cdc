//! Public keys in the form of a JSON Web Key (RFC 7517).

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

use crate::serve::access::jwt::decode;

/// A key of a set. Which members there are depends on the type (RFC 7518, section 6).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// A key with the one algorithm in which the API server uses it (`signerFromRSAPrivateKey` and
/// `signerFromECDSAPrivateKey` of Kubernetes, `pkg/serviceaccount/jwt.go`; RFC 7518, section 3.1).
#[derive(Debug)]
pub(super) enum PublicKey {
    /// RS256.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    /// ES256 and ES384. ES512 is not supported by the library: its keys are left out.
    Ec { algorithm: &'static EcdsaVerificationAlgorithm, point: Vec<u8> },
}

impl PublicKey {
    /// Reads a key and its id. `None` for one that is not for signatures, of another type, or without an id, by which tokens
    /// name it.
    pub(super) fn read(jwk: serde_json::Value) -> Option<(String, Self)> {
        let Jwk { kty, kid, usage, n, e, crv, x, y } = serde_json::from_value(jwk).ok()?;
        if usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let key = match &*kty {
            "RSA" => Self::Rsa { modulus: number(&n?)?, exponent: number(&e?)? },
            "EC" => {
                let algorithm = match &*crv? {
                    "P-256" => &ECDSA_P256_SHA256_FIXED,
                    "P-384" => &ECDSA_P384_SHA384_FIXED,
                    _ => return None,
                };
                // Uncompressed (SEC 1, section 2.3.3).
                let point = [vec![4], decode(&x?)?, decode(&y?)?].concat();
                Self::Ec { algorithm, point }
            }
            _ => return None,
        };
        Some((kid, key))
    }

    /// Whether the signature of a message was made with the private key.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::Rsa { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
            Self::Ec { algorithm, point } => {
                UnparsedPublicKey::new(*algorithm, point).verify(message, signature)
            }
        };
        verified.is_ok()
    }
}

/// Bytes of a number, most significant first. The library takes none that begins with zeros.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = decode(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Some(bytes[zeros..].to_vec())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::serve::access::jwt::Jwt;

    /// The example of RFC 7515, appendix A.2, with an id for its key.
    const RS256: &str = "eyJhbGciOiJSUzI1NiJ9\
        .eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\
        .cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU\
        Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi\
        12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlU\
        PQGe77Rw";
    const N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2\
        lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapH\
        g665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWy\
        uXpoQ";
    /// The example of RFC 7515, appendix A.3.
    const ES256: &str = "eyJhbGciOiJFUzI1NiJ9\
        .eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\
        .DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    fn verifies(jwk: serde_json::Value, token: &str) -> bool {
        let (id, key) = PublicKey::read(jwk).unwrap();
        assert_eq!(id, "1");
        let token = Jwt::parse(token).unwrap();
        key.verifies(token.signed.as_bytes(), &token.signature().unwrap())
    }

    #[test]
    fn the_signatures_of_the_specification_verify_and_others_do_not() {
        let rsa = json!({ "kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": N, "e": "AQAB" });
        let ec = json!({ "kty": "EC", "kid": "1", "crv": "P-256", "x": X, "y": Y });
        for (key, signed, by_other) in [(&rsa, RS256, ES256), (&ec, ES256, RS256)] {
            assert!(verifies(key.clone(), signed), "{key}");
            assert!(!verifies(key.clone(), by_other), "{key}");
            // One character of the claims, and one of the signature.
            for at in [30, signed.len() - 10] {
                let (before, after) = signed.split_at(at);
                let character = if after.starts_with('A') { "B" } else { "A" };
                assert!(!verifies(key.clone(), &format!("{before}{character}{}", &after[1..])), "{key} {at}");
            }
            let (unsigned, _) = signed.rsplit_once('.').unwrap();
            for signature in ["", "AAAA", &"A".repeat(342), &"A".repeat(15_000)] {
                assert!(!verifies(key.clone(), &format!("{unsigned}.{signature}")), "{key}");
            }
        }
        let padded = json!({ "kty": "RSA", "kid": "1", "n": format!("AAAA{N}"), "e": "AAEAAQ" });
        assert!(verifies(padded, RS256), "zeros before a number");
    }

    #[test]
    fn keys_of_other_kinds_are_left_out_and_broken_ones_verify_nothing() {
        for unusable in [
            json!({ "kty": "EC", "kid": "1", "crv": "P-521", "x": X, "y": Y }),
            json!({ "kty": "OKP", "kid": "1", "crv": "Ed25519", "x": X }),
            json!({ "kty": "oct", "kid": "1", "k": X }),
            json!({ "kty": "EC", "kid": "1", "crv": "P-256", "x": X }),
            json!({ "kty": "RSA", "kid": "1", "n": "é", "e": "AQAB" }),
            json!({ "kty": "RSA", "n": N, "e": "AQAB" }),
            json!({ "kty": "RSA", "kid": "1", "use": "enc", "n": N, "e": "AQAB" }),
            json!([]),
        ] {
            assert!(PublicKey::read(unusable.clone()).is_none(), "{unusable}");
        }
        for broken in [
            json!({ "kty": "RSA", "kid": "1", "n": "", "e": "" }),
            json!({ "kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB" }),
            json!({ "kty": "EC", "kid": "1", "crv": "P-256", "x": "", "y": Y }),
            json!({ "kty": "EC", "kid": "1", "crv": "P-256", "x": Y, "y": X }),
        ] {
            assert!(!verifies(broken.clone(), RS256) && !verifies(broken.clone(), ES256), "{broken}");
        }
    }
}
