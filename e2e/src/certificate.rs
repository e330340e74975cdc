//! A certificate for tagwatch.

use std::{fs, path::Path};

use anyhow::Result;
use rcgen::generate_simple_self_signed;

/// What [`write_certificate`] makes certificates for: tagwatch's Service in the cluster.
pub const CERTIFICATE_NAME: &str = "tagwatch.tagwatch.svc";

/// Writes a new certificate and its key beside one another as a Secret's volume has them (`tls.crt`, `tls.key`), and
/// returns the certificate as DER.
///
/// # Errors
/// The files cannot be written.
pub fn write_certificate(folder: &Path) -> Result<Vec<u8>> {
    let made = generate_simple_self_signed(vec![CERTIFICATE_NAME.to_owned()])?;
    fs::write(folder.join("tls.crt"), made.cert.pem())?;
    fs::write(folder.join("tls.key"), made.signing_key.serialize_pem())?;
    Ok(made.cert.der().to_vec())
}
