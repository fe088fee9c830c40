//! TLS by rustls, always with ring: beside another provider in the same program rustls would
//! otherwise not know which to take, and panic.

use std::path::Path;

use fred::rustls::pki_types::CertificateDer;
use fred::rustls::pki_types::pem::PemObject as _;
use fred::rustls::{ClientConfig, RootCertStore, crypto};
use fred::rustls_native_certs;
use fred::types::config::TlsConfig;

use crate::fault::Fault;
use crate::url::Trust;

pub(crate) fn config(trust: &Trust) -> Result<TlsConfig, Fault> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::System => {
            // Some of a system's certificates may be unreadable; what counts is whether one fits.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Trust::File(path) => read(path, &mut roots)?,
    }
    if roots.is_empty() {
        return Err(Fault::Unfit("no certificate authority is known to check it by".to_owned()));
    }
    let provider = crypto::ring::default_provider();
    let builder = ClientConfig::builder_with_provider(provider.into());
    let builder =
        builder.with_safe_default_protocol_versions().map_err(|error| Fault::Unfit(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth().into())
}

fn read(path: &Path, roots: &mut RootCertStore) -> Result<(), Fault> {
    let unusable = |why: String| Fault::Unfit(format!("the authorities in {}: {why}", path.display()));
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    Ok(())
}
