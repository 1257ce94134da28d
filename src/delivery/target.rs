//! Which mail server, and what is needed to get in. Plain SMTP goes to this machine only, unless a job says otherwise.

use super::login::Login;
use super::{Error, tls};
use crate::domain::job::AuthWay;
use crate::domain::server::{self, MailServer, Security, UrlFault};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::SecretString;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

/// What a job says about the way in.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Mails, and a password, may go unencrypted to another machine.
    pub allow_plaintext: bool,
    /// Authorities that are trusted instead of this machine's.
    pub ca_file: Option<PathBuf>,
    pub password: Option<SecretString>,
    /// How to sign in, where the server should not decide.
    pub auth: Option<AuthWay>,
}

/// A mail server that may be called.
#[derive(Debug, Clone)]
pub struct Target {
    pub server: MailServer,
    /// This machine is looked up once, so that it cannot be led elsewhere later.
    here: Option<Vec<SocketAddr>>,
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(super) login: Option<Login>,
}

/// Reads a URL such as `smtps://mailer@relay.shop.example`. `demo_key`: the mails were made with a key that everybody may know, so they
/// must stay on this machine.
///
/// # Errors
/// It is no such URL, leads where mails may not go, or what is needed to get in is missing. A password is never repeated.
pub fn target(url: &str, demo_key: bool, access: &Access) -> Result<Target, Error> {
    let server = MailServer::parse(url).map_err(|fault| match fault {
        UrlFault::Password => Error::Password,
        _ => Error::Url { url: server::masked(url) },
    })?;
    let is_here = server.is_here();
    if demo_key && !is_here {
        return Err(Error::DemoKey { host: server.host });
    }
    if server.security == Security::Plain && !is_here && !access.allow_plaintext {
        return Err(Error::Plaintext { host: server.host });
    }
    let here = if is_here { Some(look_up_here(&server)?) } else { None };
    let tls = match server.security {
        Security::Plain => None,
        Security::StartTls | Security::Tls => {
            let name = ServerName::try_from(server.host.clone()).map_err(|_| Error::Url { url: server::masked(url) })?;
            Some((tls::config(access.ca_file.as_deref())?, name))
        }
    };
    let login = match (&server.user, &access.password) {
        (Some(user), Some(password)) => Some(Login { user: user.clone(), password: password.clone(), way: access.auth }),
        (Some(user), None) => return Err(Error::NoPassword { user: user.clone() }),
        (None, _) => None,
    };
    Ok(Target { server, here, tls, login })
}

/// The loopback addresses of a host that has no others.
fn look_up_here(server: &MailServer) -> Result<Vec<SocketAddr>, Error> {
    let found = look_up(server).map_err(|error| Error::Unknown { host: server.host.clone(), why: error.to_string() })?;
    if found.is_empty() || !found.iter().all(|address| address.ip().to_canonical().is_loopback()) {
        return Err(Error::Plaintext { host: server.host.clone() });
    }
    Ok(found)
}

fn look_up(server: &MailServer) -> io::Result<Vec<SocketAddr>> {
    Ok((server.host.as_str(), server.port).to_socket_addrs()?.collect())
}

impl Target {
    /// Where to call now. A relay may move, and a name server may be away for a while.
    pub(super) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.here.clone().map_or_else(|| look_up(&self.server), Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(url: &str, demo_key: bool) -> Result<Target, Error> {
        target(url, demo_key, &Access::default())
    }

    #[test]
    fn this_machine_is_a_target() {
        for url in ["smtp://127.0.0.1:2525", "smtp://127.8.9.1", "smtp://[::1]:26/", "smtp://localhost:1025"] {
            let target = plain(url, true).unwrap();
            assert!(target.addresses().unwrap().iter().all(|address| address.ip().is_loopback()), "{url}");
        }
    }

    #[test]
    fn other_machines_hear_plain_text_only_where_the_job_says_so() {
        for url in ["smtp://192.0.2.7", "smtp://relay.tsubaki.example:587", "smtp://[2001:db8::1]", "smtp://0.0.0.0"] {
            assert!(matches!(plain(url, false), Err(Error::Plaintext { .. })), "{url}");
            let open = Access { allow_plaintext: true, ..Access::default() };
            assert!(target(url, false, &open).is_ok(), "{url}");
            assert!(matches!(target(url, true, &open), Err(Error::DemoKey { .. })), "{url}");
        }
        assert!(matches!(plain("smtps://relay.tsubaki.example", true), Err(Error::DemoKey { .. })));
    }

    #[test]
    fn a_user_needs_a_password_that_is_not_in_the_url() {
        let error = plain("smtp://mailer:s3cret@localhost", false).unwrap_err();
        assert_eq!(error, Error::Password);
        assert!(!error.to_string().contains("s3cret"));
        assert_eq!(plain("smtp://mailer@localhost", false).unwrap_err(), Error::NoPassword { user: "mailer".into() });
        let access = Access { password: Some(SecretString::from("s3cret")), ..Access::default() };
        let target = target("smtp://mailer@localhost", false, &access).unwrap();
        assert!(!format!("{target:?} {access:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_no_url_is_repeated_to_the_user() {
        assert_eq!(plain("localhost:25", false).unwrap_err(), Error::Url { url: "localhost:25".into() });
        let shown = |url: &str| plain(url, false).unwrap_err().to_string().split('`').nth(1).unwrap().to_owned();
        assert_eq!(shown("https://relay.example:587"), "https://relay.example:587");
        assert_eq!(shown("smtps://[::1"), "smtps://[::1");
    }

    #[test]
    fn what_is_no_url_is_told_without_what_may_be_a_password() {
        for (url, shown) in [
            ("smtps//user:s3cretpw@127.0.0.1", "`smtps//…@127.0.0.1`"),
            ("smtps:/mailer:s3cretpw@relay", "`smtps:/…@relay`"),
            ("SMTPS:mailer:s3cretpw@relay", "`SMTPS:…@relay`"),
            ("mailer:s3cretpw@relay:465", "`…@relay:465`"),
            ("http://mailer:s3cretpw@relay", "`http://…@relay`"),
            ("smtps//mailer:s3c@retpw@relay", "`smtps//…@relay`"),
            ("smtps://mailer:s3cretpw", "`smtps://mailer:…`"),
        ] {
            let told = plain(url, false).unwrap_err().to_string();
            assert!(told.contains(shown) && !told.contains("s3c") && !told.contains("retpw"), "{told}");
        }
    }
}
