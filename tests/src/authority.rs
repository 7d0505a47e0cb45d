//! Certificates for the servers of a test.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// A CA of its own.
pub struct Authority {
    key: KeyPair,
    params: CertificateParams,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "the tests' CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self { key: KeyPair::generate().expect("make a key"), params }
    }

    /// Its certificate.
    pub fn pem(&self) -> String {
        self.params.self_signed(&self.key).expect("sign the CA's certificate").pem()
    }

    /// A server's certificate and key.
    pub fn issue(&self, host: &str) -> (String, String) {
        let key = KeyPair::generate().expect("make a key");
        let params = CertificateParams::new([host.to_owned()]).expect("name the server");
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).expect("sign the certificate");
        (certificate.pem(), key.serialize_pem())
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
