//! The server certificate: self-signed, or from files that are read again when they change.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::time::interval;
use tokio_rustls::rustls::crypto::ring::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::{CertificateError, CertificateFiles};

/// How often the files are read. The volume of a Secret changes by a symbolic link, so that only the content shows a
/// change.
const RELOAD_INTERVAL: Duration = Duration::from_secs(5);
/// Names in a self-signed certificate, which no scraper can verify anyway.
const NAMES: [&str; 2] = ["tagwatch", "localhost"];

/// Content of the certificate file and of the key file.
type Pair = (Vec<u8>, Vec<u8>);

/// The certificate of new connections.
#[derive(Debug)]
pub(crate) struct Certificate {
    current: RwLock<Arc<CertifiedKey>>,
    files: Option<(CertificateFiles, Mutex<Pair>)>,
}

impl Certificate {
    /// Reads the files; without files the certificate is self-signed.
    pub(crate) fn load(files: Option<CertificateFiles>) -> Result<Self, CertificateError> {
        let Some(files) = files else {
            return Ok(Self { current: RwLock::new(Arc::new(self_signed()?)), files: None });
        };
        let pair = read(&files)?;
        let current = RwLock::new(Arc::new(parse(&files, &pair)?));
        Ok(Self { current, files: Some((files, Mutex::new(pair))) })
    }

    /// Reads the files again whenever they change; log lines name the endpoint. Never returns.
    pub(crate) async fn reload_forever(&self, endpoint: &'static str) {
        let mut every = interval(RELOAD_INTERVAL);
        loop {
            every.tick().await;
            self.reload(endpoint);
        }
    }

    /// Reads the files again. Files that cannot be used are logged, and the last good certificate stays.
    fn reload(&self, endpoint: &'static str) {
        let Some((files, known)) = &self.files else { return };
        let mut known = known.lock();
        let parsed = match read(files) {
            Ok(pair) if pair == *known => return,
            Ok(pair) => {
                *known = pair;
                parse(files, &known)
            }
            Err(error) => Err(error),
        };
        match parsed {
            Ok(certificate) => {
                *self.current.write() = Arc::new(certificate);
                tracing::info!("the certificate of the {endpoint} has changed");
            }
            Err(error) => {
                tracing::warn!(%error, "the certificate of the {endpoint} stays as it was");
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read()))
    }
}

fn self_signed() -> Result<CertifiedKey, CertificateError> {
    let made = rcgen::generate_simple_self_signed(NAMES.map(str::to_owned).to_vec())?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let key = any_supported_type(&PrivateKeyDer::Pkcs8(key))?;
    Ok(CertifiedKey::new(vec![made.cert.der().clone()], key))
}

fn read(files: &CertificateFiles) -> Result<Pair, CertificateError> {
    let read = |path: &Path| {
        fs::read(path).map_err(|source| CertificateError::Read { path: path.display().to_string(), source })
    };
    Ok((read(&files.certificate)?, read(&files.key)?))
}

fn parse(files: &CertificateFiles, (certificate, key): &Pair) -> Result<CertifiedKey, CertificateError> {
    let refused = |path: &Path, expected, reason: String| CertificateError::Pem {
        path: path.display().to_string(),
        expected,
        reason,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<_, _>>()
        .map_err(|error| refused(&files.certificate, "certificate", error.to_string()))?;
    if chain.is_empty() {
        return Err(refused(&files.certificate, "certificate", "nothing begins one".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| refused(&files.key, "private key", error.to_string()))?;
    let certified = CertifiedKey::new(chain, any_supported_type(&key)?);
    certified.keys_match()?;
    Ok(certified)
}
