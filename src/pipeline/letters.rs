//! Turns the rows of a plan back into the very mails that were planned.

use super::error::Error;
use super::{head, inputs};
use crate::domain::job::Outline;
use crate::domain::plan::MailRow;
use crate::domain::{Channel, Job, Key, Letter, Value};
use crate::{keys, message, runs};
use rayon::prelude::*;

/// What stands for a token in a return path and in the opt-out link.
const TOKEN: &str = "{token}";
/// An opt-out token of the right form that no key has made, so it opts nobody out.
pub const UNKNOWN: &str = "1.00000000.bm9ib2R5.AAAAAAAAAAAAAAAAAAAAAA";

/// A mail that is rendered and has no headers yet.
pub struct Rendered {
    pub content: message::Content,
    values: Value,
}

/// Renders a mail from its values.
fn content(templates: &message::Templates, job: &Job, mail: &MailRow, values: &Value) -> Result<message::Content, Error> {
    let content = templates.render(&mail.campaign, mail.variant.as_deref(), mail.rank.as_deref(), values, &job.shop);
    content.map_err(|error| Error::Render(error.to_string()))
}

/// What the customer sees of a mail, as a hash: codes and opt-out links, which are every mail's own, left aside.
pub fn look(templates: &message::Templates, job: &Job, mail: &MailRow) -> Result<[u8; 32], Error> {
    let mut plain = mail.clone();
    if let Some(code) = mail.coupon_code.as_deref().filter(|code| !code.is_empty()) {
        plain.values = plain.values.replace(code, "CODE");
    }
    plain.values = leading_to(&plain.values, "https://example.invalid/")?;
    let values = runs::values_read(&plain.values)?;
    let place = format!("{} {} {}", mail.channel.word(), mail.address, shown(mail.channel, &values));
    Ok(message::hash(&place, &content(templates, job, &plain, &values)?))
}

/// The offer that a list shows: what is printed or told from it does; a mail shows what its template says. Plans of earlier versions write
/// down what is not there too.
fn shown(channel: Channel, values: &Value) -> String {
    let offer = values.get("offer").filter(|offer| channel != Channel::Mail && **offer != Value::Null);
    offer.map(|offer| runs::values_text(&offer.filled())).unwrap_or_default()
}

/// The values of a mail with another opt-out link, wherever its own stands.
fn leading_to(values: &str, link: &str) -> Result<String, Error> {
    Ok(match runs::values_read(values)?.get("links").and_then(|links| links.get("unsubscribe")) {
        Some(Value::Text(own)) if !own.is_empty() => values.replace(own.as_str(), link),
        _ => values.to_owned(),
    })
}

/// Renders and composes the mails of one plan, from its folder only.
pub struct Writer {
    job: Job,
    templates: message::Templates,
    /// What marks return paths, where the job wants that and the key is at hand.
    key: Option<Key>,
}

impl Writer {
    /// The plan's own templates.
    pub fn templates(&self) -> &message::Templates {
        &self.templates
    }

    /// `job` is the plan's own copy of the job.
    pub fn open(job: &Job, opened: &runs::Opened) -> Result<Self, Error> {
        let templates = inputs::load_templates(&Outline::of(job), &opened.templates_dir(), None, Vec::new())?.inline_css(job.inline_css);
        let is_marked = job.smtp.as_ref().and_then(|smtp| smtp.return_path.as_deref()).is_some_and(|path| path.contains(TOKEN));
        let key = is_marked.then(|| keys::load(&job.keys, false).ok()).flatten();
        Ok(Self { job: job.clone(), templates, key })
    }

    /// Renders mails, and makes sure that each is byte for byte the one that was planned and seen.
    pub fn render(&self, mails: &[&MailRow]) -> Result<Vec<Rendered>, Error> {
        match mails {
            // The helping threads are not worth a message for one mail.
            [mail] => Ok(vec![self.render_one(mail)?]),
            mails => mails.par_iter().map(|mail| self.render_one(mail)).collect(),
        }
    }

    /// Makes sure that every mail still renders to what was planned, before the first of them leaves.
    pub fn prove(&self, mails: &[MailRow]) -> Result<(), Error> {
        mails.par_iter().try_for_each(|mail| self.render_one(mail).map(drop))
    }

    /// Composes mails, each with its own end. The instants are those of their first claims.
    pub fn compose_all(&self, mails: &[(&MailRow, &Rendered, i64)]) -> Vec<Result<Letter, Error>> {
        match mails {
            [(mail, rendered, first_claim_at)] => vec![self.compose(mail, rendered, *first_claim_at)],
            mails => mails.par_iter().map(|(mail, rendered, first_claim_at)| self.compose(mail, rendered, *first_claim_at)).collect(),
        }
    }

    /// Renders a mail whose values were changed on purpose.
    pub fn render_changed(&self, mail: &MailRow) -> Result<Rendered, Error> {
        let values = runs::values_read(&mail.values)?;
        Ok(Rendered { content: content(&self.templates, &self.job, mail, &values)?, values })
    }

    /// The values of a mail with an opt-out link that opts nobody out: whoever gets it for a look is not its customer.
    pub fn values_of_nobody(&self, values: &str) -> Result<String, Error> {
        leading_to(values, &self.job.mail.unsubscribe.replace(TOKEN, UNKNOWN))
    }

    /// What the customer sees of a mail, as a hash: codes and opt-out links, which are every mail's own, left aside.
    pub fn look(&self, mail: &MailRow) -> Result<[u8; 32], Error> {
        look(&self.templates, &self.job, mail)
    }

    fn render_one(&self, mail: &MailRow) -> Result<Rendered, Error> {
        let values = runs::values_read(&mail.values)?;
        let content = content(&self.templates, &self.job, mail, &values)?;
        if message::hash(&mail.address, &content) == mail.content_hash {
            return Ok(Rendered { content, values });
        }
        Err(Error::Folder(format!(
            "the mail {} (customer {}, campaign {}) no longer renders to what was planned; the plan was made by another version of \
             rankmail or its folder was changed: plan again, or, where it was adopted, send with that version and with the folder as it was",
            mail.mail_id, mail.customer_id, mail.campaign
        )))
    }

    /// The finished mail with its envelope. The date is that of the first claim, so that a mail sent again is the same mail.
    pub fn compose(&self, mail: &MailRow, rendered: &Rendered, first_claim_at: i64) -> Result<Letter, Error> {
        let head = head::head(&self.job, &mail.campaign, &mail.mail_id, &mail.address, &rendered.values, first_claim_at);
        let bytes = message::compose(&head, &rendered.content)?;
        let from = match self.job.smtp.as_ref().and_then(|smtp| smtp.return_path.as_deref()) {
            None => message::address_of(head.from)?,
            Some(path) => self.return_path(path, &mail.mail_id)?,
        };
        Ok(Letter { mail_id: mail.mail_id.clone(), from, to: mail.address.clone(), bytes })
    }

    /// Where a mail comes back to, with a token that tells which mail it is and that it is ours.
    fn return_path(&self, path: &str, mail_id: &str) -> Result<String, Error> {
        if !path.contains(TOKEN) {
            return Ok(path.to_owned());
        }
        let token = match &self.key {
            Some(key) => keys::bounce_token(key, mail_id),
            None => keys::bounce_token(&keys::load(&self.job.keys, false)?, mail_id),
        };
        Ok(path.replace(TOKEN, &token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_of_an_older_plan_is_shown_as_that_of_a_new_one() {
        let of = |text: &str| shown(Channel::Post, &runs::values_read(text).unwrap_or(Value::Null));
        let new = of(r#"{"offer":{"kind":"set","steps":[{"count":2}],"reduced":false}}"#);
        assert_eq!(new, r#"{"kind":"set","steps":[{"count":2}],"reduced":false}"#);
        assert_eq!(of(r#"{"offer":{"kind":"set","percent":null,"steps":[{"count":2,"percent":null}],"reduced":false}}"#), new);
        assert_eq!((of(r#"{"offer":null}"#), of("{}")), (String::new(), String::new()));
        let values = Value::Record(vec![("offer".into(), "a".into())]);
        assert_eq!(shown(Channel::Mail, &values), "", "a mail shows what its template says");
    }
}
