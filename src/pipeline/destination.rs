//! Where mails go, and the connections that take them there.

use super::error::Error;
use crate::delivery::{self, Access, Door, Mailer};
use crate::domain::Job;
use crate::domain::server::MailServer;
use crate::keys;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Connections where the job does not say how many.
const CONNECTIONS: usize = 8;
/// One outbox writes to the disk while the other renders.
const OUTBOXES: usize = 2;

/// The mail server's URL, as it may be given outside of the job.
#[derive(Debug, Clone, Copy, Default)]
pub struct Server<'a> {
    /// On the command line.
    pub typed: Option<&'a str>,
    /// In the environment. It counts only for a job that has `[mail.smtp]`: no other job may start to send because of where it runs.
    pub environment: Option<&'a str>,
}

impl<'a> Server<'a> {
    /// What was typed comes before the environment, and that before the job.
    fn url(self, job: &'a Job) -> Option<&'a str> {
        let smtp = job.smtp.as_ref();
        let environment = self.environment.filter(|url| smtp.is_some() && !url.is_empty());
        self.typed.or(environment).or(smtp.and_then(|smtp| smtp.url.as_deref()))
    }
}

/// Where mails go.
pub enum Destination {
    Outbox(PathBuf),
    Smtp { target: delivery::Target, connections: usize, signers: Arc<[delivery::Signer]> },
}

impl Destination {
    /// The mail server where one is given, else the folder.
    pub fn of(job: &Job, server: Server, folder: PathBuf) -> Result<Self, Error> {
        let Some(url) = server.url(job) else { return Ok(Self::Outbox(folder)) };
        // Sending needs the plan only. A key that is not at hand (the plan came from another machine) is not the demo's.
        let demo_key = keys::load(&job.keys, false).is_ok_and(|key| key.demo);
        let connections = job.smtp.as_ref().map_or(CONNECTIONS, |smtp| smtp.connections);
        let signers = signers(job)?;
        Ok(Self::Smtp { target: delivery::target(url, demo_key, &access(job, url)?)?, connections, signers })
    }

    /// The name in the ledger. It holds nothing secret.
    pub fn name(&self) -> String {
        match self {
            Self::Outbox(_) => "outbox".to_owned(),
            Self::Smtp { target, .. } => target.server.to_string(),
        }
    }

    pub fn is_outbox(&self) -> bool {
        matches!(self, Self::Outbox(_))
    }

    /// Connections for so many mails, all before one door; `stop` ends what they wait for. A server is not called yet, an outbox is made now.
    pub fn mailers(&self, mails: usize, stop: &Arc<AtomicBool>) -> Result<(Vec<Box<dyn Mailer>>, Door), Error> {
        let door = Door::default();
        let mut mailers: Vec<Box<dyn Mailer>> = Vec::new();
        match self {
            Self::Outbox(folder) => {
                for _ in 0..OUTBOXES {
                    mailers.push(Box::new(delivery::Outbox::open(folder)?));
                }
            }
            Self::Smtp { target, connections, signers } => {
                for _ in 0..mails.clamp(1, *connections) {
                    let mailer = delivery::Smtp::new(target.clone(), delivery::SmtpOptions::default());
                    mailers.push(Box::new(mailer.behind(&door).signed_by(signers).stopped_by(stop)));
                }
            }
        }
        Ok((mailers, door))
    }
}

/// What the job says about the way in. The password is read only where somebody signs in.
fn access(job: &Job, url: &str) -> Result<Access, Error> {
    let Some(smtp) = &job.smtp else { return Ok(Access::default()) };
    let signs_in = MailServer::parse(url).is_ok_and(|server| server.user.is_some());
    let password = smtp.password.as_ref().filter(|_| signs_in).map(keys::password).transpose()?;
    Ok(Access { allow_plaintext: smtp.allow_plaintext, ca_file: smtp.ca_file.clone(), password, auth: smtp.auth })
}

/// The keys that sign mails.
fn signers(job: &Job) -> Result<Arc<[delivery::Signer]>, Error> {
    let keys = job.smtp.iter().flat_map(|smtp| &smtp.dkim);
    keys.map(|key| Ok(delivery::Signer::new(&keys::private_key(&key.file)?, &key.domain, &key.selector)?)).collect()
}

/// The folder of the outbox.
pub fn outbox(job: &Job) -> PathBuf {
    job.mail.outbox.clone().unwrap_or_else(|| job.runs.join(&job.name).join("outbox"))
}
