//! The cluster's own CA and its server certificate.

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use x509_cert::{
    der::{DecodePem, Encode, oid::db::rfc5280::ID_KP_CLIENT_AUTH},
    ext::pkix::{
        AuthorityKeyIdentifier, ExtendedKeyUsage, SubjectAltName, SubjectKeyIdentifier,
        name::GeneralName,
    },
};

use crate::{env::Env, names};

const AUTHORITY_YEARS: i64 = 20;
const CERTIFICATE_DAYS: i64 = 730;
/// `init` makes a new certificate this long before the old one ends, and `status` warns.
pub const RENEW_DAYS: i64 = 60;

pub struct Authority {
    pub certificate: String,
    /// None where the Secret that held it is gone.
    pub key: Option<String>,
}

pub struct Certificate {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn generate(env: &Env, now: Timestamp) -> Result<Self> {
        let key = key()?;
        let params = Self::params(env, now)?;
        let certificate = params.self_signed(&key).context("sign the CA's certificate")?;
        Ok(Self { certificate: certificate.pem(), key: Some(key.serialize_pem()) })
    }

    /// Signs a certificate for every name under which a member is reached.
    pub fn issue(&self, env: &Env, now: Timestamp) -> Result<Certificate> {
        let own = self.key.as_deref().with_context(|| {
            format!(
                "the Secret {} lacks the CA's key, which signs certificates: put it back from a copy, or run `pg-cluster rotate-ca`",
                names::authority(env)
            )
        })?;
        let own = KeyPair::from_pem(own).context("read the CA's key from its Secret")?;
        let issuer = Issuer::new(Self::params(env, now)?, own);
        let key = key()?;
        let mut params = CertificateParams::new(server_names(env)).context("name the server")?;
        params.distinguished_name.push(DnType::CommonName, names::primary_service(env));
        // The pods that take a backup show it to the members.
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (day(now, -1)?, day(now, CERTIFICATE_DAYS)?);
        let certificate =
            params.signed_by(&key, &issuer).context("sign the server's certificate")?;
        Ok(Certificate { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// All that a signature takes from the CA is its name and key, so they are
    /// made again instead of being read back from its certificate.
    fn params(env: &Env, now: Timestamp) -> Result<CertificateParams> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("{} of {}", env.name, env.namespace()));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = (day(now, -1)?, day(now, AUTHORITY_YEARS * 365)?);
        Ok(params)
    }
}

/// A certificate as a handshake shows it.
pub fn der(pem: &str) -> Result<Vec<u8>> {
    let certificate = x509_cert::Certificate::from_pem(pem).and_then(|it| it.to_der());
    certificate.ok().context("read the server's certificate from its Secret")
}

/// When a certificate ends.
pub fn expiry(pem: &str) -> Result<Timestamp> {
    let certificate = x509_cert::Certificate::from_pem(pem)
        .ok()
        .context("read the server's certificate from its Secret")?;
    let seconds = certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
    Timestamp::from_second(i64::try_from(seconds)?).context("read when the certificate ends")
}

/// Whether a certificate is good for all that one of now would be.
pub fn is_current(pem: &str, env: &Env) -> bool {
    let Ok(certificate) = x509_cert::Certificate::from_pem(pem) else { return false };
    let certificate = certificate.tbs_certificate;
    let (Ok(Some((_, names))), Ok(Some((_, usage)))) =
        (certificate.get::<SubjectAltName>(), certificate.get::<ExtendedKeyUsage>())
    else {
        return false;
    };
    let has = |wanted: &String| {
        names
            .0
            .iter()
            .any(|name| matches!(name, GeneralName::DnsName(name) if name.as_str() == wanted))
    };
    server_names(env).iter().all(has) && usage.0.contains(&ID_KP_CLIENT_AUTH)
}

/// Whether one of these CAs signed a certificate, by the name of its key.
pub fn is_issued_by(pem: &str, authorities: &str) -> bool {
    let wanted = x509_cert::Certificate::from_pem(pem).ok().and_then(|certificate| {
        let (_, by) = certificate.tbs_certificate.get::<AuthorityKeyIdentifier>().ok()??;
        by.key_identifier
    });
    let all = x509_cert::Certificate::load_pem_chain(authorities.as_bytes()).unwrap_or_default();
    wanted.is_some_and(|wanted| {
        all.iter().any(|authority| {
            let own = authority.tbs_certificate.get::<SubjectKeyIdentifier>();
            own.is_ok_and(|own| own.is_some_and(|(_, own)| own.0 == wanted))
        })
    })
}

/// How many certificates there are in a file of them.
pub fn count(pem: &str) -> usize {
    pem.matches("-----BEGIN CERTIFICATE-----").count()
}

pub fn days_left(expiry: Timestamp, now: Timestamp) -> i64 {
    expiry.duration_since(now).as_secs() / 86_400
}

fn key() -> Result<KeyPair> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("make a key")
}

fn day(now: Timestamp, days: i64) -> Result<time::OffsetDateTime> {
    let date =
        now.checked_add(SignedDuration::from_hours(24 * days))?.to_zoned(TimeZone::UTC).date();
    Ok(date_time_ymd(date.year().into(), date.month().try_into()?, date.day().try_into()?))
}

/// The Services, and each member by a wildcard, which needs two dots after it.
fn server_names(env: &Env) -> Vec<String> {
    let namespace = env.namespace();
    let mut all = vec!["localhost".to_owned()];
    for service in
        [names::primary_service(env), names::replica_service(env), names::members_service(env)]
    {
        all.extend(
            [
                "",
                &format!(".{namespace}"),
                &format!(".{namespace}.svc"),
                &format!(".{namespace}.svc.cluster.local"),
            ]
            .map(|end| format!("{service}{end}")),
        );
    }
    if env.backup.is_some() {
        all.push(format!("{}.{namespace}.svc", names::repository(env)));
    }
    let members = names::members_service(env);
    all.extend([
        format!("*.{members}.{namespace}.svc"),
        format!("*.{members}.{namespace}.svc.cluster.local"),
    ]);
    all
}

#[cfg(test)]
mod tests {
    use rustls::client::danger::ServerCertVerifier;

    use super::*;

    #[test]
    fn a_certificate_is_signed_by_its_ca_and_names_the_services() {
        let env = Env::parse("name = \"a\"\nimage = \"a:1\"", "dev").unwrap();
        let now = Timestamp::now();
        let authority = Authority::generate(&env, now).unwrap();
        let certificate = authority.issue(&env, now).unwrap();
        assert_eq!(days_left(expiry(&certificate.certificate).unwrap(), now), CERTIFICATE_DAYS - 1);

        let shown = |pem: &str| rustls::pki_types::CertificateDer::from(der(pem).unwrap());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(shown(&authority.certificate)).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            rustls::client::WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
                .build()
                .unwrap();
        for name in ["a-primary", "a-replica.a.svc", "a-main-0.a-members.a.svc", "localhost"] {
            let name = name.to_owned().try_into().unwrap();
            verifier
                .verify_server_cert(
                    &shown(&certificate.certificate),
                    &[],
                    &name,
                    &[],
                    rustls::pki_types::UnixTime::now(),
                )
                .unwrap();
        }
        let stranger = "b-primary".to_owned().try_into().unwrap();
        assert!(
            verifier
                .verify_server_cert(
                    &shown(&certificate.certificate),
                    &[],
                    &stranger,
                    &[],
                    rustls::pki_types::UnixTime::now()
                )
                .is_err()
        );
    }
}
