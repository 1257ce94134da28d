//! `[mail]`, `[mail.smtp]` and `[bounces]`, as they are written.

use crate::job::written::{Entries, Key, Many, Or};
use schemars::JsonSchema;
use serde::Deserialize;

/// The mails' sender and opt-out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["from", "unsubscribe"]))]
pub struct MailFile {
    /// The sender, `Name <address>`.
    pub from: Key<String>,
    /// Where answers go.
    pub reply_to: Key<String>,
    /// The https address that opts out; `{token}` becomes the customer's token.
    #[schemars(extend("pattern" = "^https://"))]
    pub unsubscribe: Key<String>,
    /// The List-Id header, such as `monthly.shop.example`.
    pub list_id: Key<String>,
    /// Addresses that test mails may go to.
    pub test_to: Key<Many<String>>,
    /// The folder that mails are written to when there is no SMTP server; `RUNS/JOB/outbox` when left out.
    pub outbox: Key<String>,
    pub smtp: Key<SmtpFile>,
}

/// The mail server that is used instead of the outbox.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct SmtpFile {
    /// `smtps://mailer@relay.shop.example:465` (TLS), `smtp+starttls://` (TLS after the greeting) or, for this machine, `smtp://`. It never
    /// holds a password.
    #[schemars(extend("pattern" = r"^(smtp|smtps|smtp\+starttls)://"))]
    pub url: Key<String>,
    /// The environment variable that holds the user's password.
    #[schemars(extend("pattern" = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub password_env: Key<String>,
    /// The file that holds the user's password, readable by its owner only.
    pub password_file: Key<String>,
    /// How the user signs in; the first of these that the server offers when left out.
    #[schemars(extend("enum" = ["plain", "login", "xoauth2"]))]
    pub auth: Key<String>,
    /// Certificates (PEM) of the authorities that the server's own may come from; those that this machine trusts when left out.
    pub ca_file: Key<String>,
    /// Mails, and the password, may go unencrypted to another machine.
    pub allow_plaintext: Key<bool>,
    /// The envelope sender; the From address when left out.
    pub return_path: Key<String>,
    /// How many connections are open at most; 8 when left out.
    #[schemars(extend("minimum" = 1, "maximum" = 256))]
    pub connections: Key<i64>,
    /// How fast mails leave at most, all together: `50/s`, `600/min`.
    #[schemars(extend("pattern" = "^[0-9]+/(s|min|h)$"))]
    pub rate: Key<String>,
    /// The same for a receiving domain: `"docomo.ne.jp" = "10/s"`, or a table with `rate` and `connections`.
    pub per_domain: Key<Entries<Or<DomainFile>>>,
    /// The part of each day in which mails leave, retries too: `09:00..20:00` in the job's time zone.
    #[schemars(extend("pattern" = r"^[0-9]{2}:[0-9]{2}\s*\.\.\s*[0-9]{2}:[0-9]{2}$"))]
    pub send_between: Key<String>,
    /// What happens to a mail whose fate is unknown: `hold` (the default, never twice) or `resend` (never lost).
    #[schemars(extend("enum" = ["hold", "resend"]))]
    pub on_in_doubt: Key<String>,
    pub retry: Key<RetryFile>,
    /// Keys that sign each mail (DKIM), for shops whose relay does not.
    pub dkim: Key<Vec<Key<DkimFile>>>,
}

/// A key that signs mails.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct DkimFile {
    /// The name under which the DNS has the public key: `SELECTOR._domainkey.DOMAIN`.
    pub selector: Key<String>,
    /// The private key (PEM), RSA or Ed25519, readable by its owner only.
    pub key_file: Key<String>,
    /// The domain that signs; that of `from` in `[mail]` when left out.
    pub domain: Key<String>,
}

/// What a receiving domain bears.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct DomainFile {
    /// How fast mails for it leave at most.
    #[schemars(extend("pattern" = "^[0-9]+/(s|min|h)$"))]
    pub rate: Key<String>,
    /// How many mails for it are under way at once, at most.
    #[schemars(extend("minimum" = 1, "maximum" = 256))]
    pub connections: Key<i64>,
}

/// How a mail that was refused for now is tried again.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct RetryFile {
    /// The time between two tries; `5 minutes` when left out.
    #[schemars(extend("pattern" = "^[0-9]+ (second|minute|hour|day)s?$"))]
    pub every: Key<String>,
    /// When it is given up; `2 days` when left out.
    #[serde(rename = "for")]
    #[schemars(extend("pattern" = "^[0-9]+ (second|minute|hour|day)s?$"))]
    pub lasting: Key<String>,
}

/// What mails that came back lead to.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct BouncesFile {
    pub soft: Key<SoftFile>,
}

/// How many mails to an address must not arrive before it gets none any more.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct SoftFile {
    /// So many different mails; 3 when left out.
    #[schemars(extend("minimum" = 1, "maximum" = 100))]
    pub times: Key<i64>,
    /// Sent within this time; `90 days` when left out.
    #[schemars(extend("pattern" = "^[0-9]+ days?$"))]
    pub within: Key<String>,
}
