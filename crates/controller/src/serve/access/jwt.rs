//! The parts of a JSON Web Token in its compact form, `HEADER.CLAIMS.SIGNATURE` (RFC 7515, section 7.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;

/// A token of this form. Nothing of it is verified.
pub(super) struct Jwt<'a> {
    /// Header and claims as they came: the signature is over this text.
    pub(super) signed: &'a str,
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Jwt<'a> {
    /// `None` for a token of another form.
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        (!claims.contains('.')).then_some(Self { signed, header, claims, signature })
    }

    pub(super) fn header<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&decode(self.header)?).ok()
    }

    pub(super) fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&decode(self.claims)?).ok()
    }

    pub(super) fn signature(&self) -> Option<Vec<u8>> {
        decode(self.signature)
    }
}

/// Bytes of a text in base64url without padding (RFC 7515, section 2).
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
