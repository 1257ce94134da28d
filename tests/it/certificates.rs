//! A private authority and the certificates it gives to test servers.

use chrono::Datelike;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// An authority whose certificate lies in a file.
pub struct Authority {
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    /// Makes an authority, and writes its certificate to `path`.
    pub fn new(path: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        fs::write(path, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { params, key }
    }

    /// A server that shows a certificate for these names.
    pub fn server(&self, names: &[&str]) -> Arc<ServerConfig> {
        self.server_with(names, |_| {})
    }

    /// The same with a certificate that ends so many days from now.
    pub fn server_for_days(&self, names: &[&str], days: i64) -> Arc<ServerConfig> {
        #[expect(clippy::disallowed_methods, reason = "a certificate is judged by the real time")]
        let end = chrono::Utc::now().date_naive() + chrono::TimeDelta::days(days);
        self.server_with(names, |params| {
            params.not_after = rcgen::date_time_ymd(end.year(), u8::try_from(end.month()).unwrap(), u8::try_from(end.day()).unwrap());
        })
    }

    /// A server whose certificate was good in 2020.
    pub fn expired_server(&self, names: &[&str]) -> Arc<ServerConfig> {
        self.server_with(names, |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        })
    }

    fn server_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let mut params = CertificateParams::new(owned(names)).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        Arc::new(builder.with_single_cert(vec![certificate.der().clone()], private).unwrap())
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
