//! One mail of the plan, as it would be sent, and the way to others: the next of its campaign, and the hard ones.

use super::Studio;
use crate::domain::plan::MailRow;
use crate::domain::{Address, Channel, Value};
use crate::pipeline::Error;
use crate::{message, runs, tables};
use rayon::prelude::*;

/// Mails that are read at once.
const CHUNK: usize = 4_096;

/// A mail as it would be sent.
pub struct Seen {
    pub mail_id: String,
    pub customer: String,
    pub campaign: String,
    pub variant: Option<String>,
    pub rank: Option<String>,
    pub channel: Channel,
    pub address: String,
    pub subject: String,
    pub preheader: Option<String>,
    pub html: String,
    pub text: String,
    /// The whole mail; empty for what does not go by mail.
    pub eml: Vec<u8>,
    /// Which of its campaign's mails it is, from 1, and how many those are.
    pub number: usize,
    pub of: usize,
    /// The customers before and after it in its campaign.
    pub previous: Option<String>,
    pub next: Option<String>,
}

impl Seen {
    /// The headers, each in one piece.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let source = String::from_utf8_lossy(&self.eml);
        let head = source.split_once("\r\n\r\n").map_or(&*source, |(head, _)| head).replace("\r\n ", " ").replace("\r\n\t", " ");
        head.lines().filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// Somebody who gets no mail of a campaign.
pub struct Stranger {
    /// Why there is none, and what to do.
    pub told: String,
    customer: String,
    is_known: bool,
}

impl Stranger {
    /// Whose page tells more, where the plan has them.
    #[must_use]
    pub fn person(&self) -> Option<&str> {
        self.is_known.then_some(&*self.customer)
    }
}

/// Where the mails of each campaign stand in the plan.
#[derive(Default)]
pub(super) struct Trail {
    /// Rows by the campaign's place in the plan, sorted.
    rows: Vec<Vec<u32>>,
}

/// Why a mail is hard to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hardship {
    LongestName,
    MostItems,
    Missing,
    IrregularAddress,
}

impl Hardship {
    pub const ALL: [Self; 4] = [Self::LongestName, Self::MostItems, Self::Missing, Self::IrregularAddress];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::LongestName => "name",
            Self::MostItems => "items",
            Self::Missing => "missing",
            Self::IrregularAddress => "address",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hardship| hardship.word() == word)
    }

    /// How hard a mail is in this way; 0 is not at all.
    fn of(self, mail: &MailRow, values: &Value, possible: &message::Possible) -> usize {
        let customer = values.get("customer");
        match self {
            Self::LongestName => match customer.and_then(|customer| customer.get("name")) {
                Some(Value::Text(name)) => name.chars().count(),
                _ => 0,
            },
            Self::MostItems => items(values),
            Self::Missing => possible.missing(values),
            Self::IrregularAddress => match tables::judge(&mail.address) {
                Address::Usable { irregular: true, .. } => mail.address.len(),
                _ => 0,
            },
        }
    }
}

/// The members of all lists.
fn items(values: &Value) -> usize {
    match values {
        Value::List(members) => members.len() + members.iter().map(items).sum::<usize>(),
        Value::Record(fields) => fields.iter().map(|(_, field)| items(field)).sum(),
        _ => 0,
    }
}

/// The hardest mails of each campaign: how hard, and whose.
#[derive(Default)]
pub(super) struct Hard {
    most: Vec<[Option<(usize, String)>; 4]>,
}

impl Hard {
    /// Takes in the harder ones of another; of equals the first stays.
    fn join(mut self, other: Self) -> Self {
        for (own, theirs) in self.most.iter_mut().zip(other.most) {
            for (own, theirs) in own.iter_mut().zip(theirs) {
                let is_harder = theirs.as_ref().is_some_and(|(hard, _)| own.as_ref().is_none_or(|(known, _)| hard > known));
                if is_harder {
                    *own = theirs;
                }
            }
        }
        self
    }
}

impl Studio {
    fn campaign_at(&self, campaign: &str) -> Result<usize, Error> {
        let campaigns = &self.summary().campaigns;
        campaigns.iter().position(|name| name == campaign).ok_or_else(|| {
            let (as_of, known) = (self.summary().as_of, campaigns.join(", "));
            if campaign.is_empty() {
                return Error::Data(self.job.language.pick(
                    format!("キャンペーンが指定されていません。{as_of} の計画にあるのは {known} です"),
                    format!("no campaign was named; the plan of {as_of} has {known}"),
                ));
            }
            Error::Data(self.job.language.pick(
                format!("{as_of} の計画にキャンペーン `{campaign}` はありません。あるのは {known} です"),
                format!("the plan of {as_of} has no campaign `{campaign}`; it has {known}"),
            ))
        })
    }

    fn trail(&self) -> Result<&Trail, Error> {
        if let Some(trail) = self.trail.get() {
            return Ok(trail);
        }
        let mut trail = Trail { rows: vec![Vec::new(); self.summary().campaigns.len()] };
        for (row, recipient) in self.opened.recipients(0)?.enumerate() {
            let (_, campaign) = recipient?;
            let at = self.campaign_at(&campaign)?;
            trail.rows[at].push(u32::try_from(row).unwrap_or(u32::MAX));
        }
        Ok(self.trail.get_or_init(|| trail))
    }

    /// The rows of a campaign's mails.
    pub(super) fn rows_of(&self, campaign: &str) -> Result<&[u32], Error> {
        let at = self.campaign_at(campaign)?;
        Ok(&self.trail()?.rows[at])
    }

    fn customer_at(&self, row: u32) -> Result<String, Error> {
        let mut rows = self.opened.recipients(row as usize)?;
        let recipient = rows.next().transpose()?;
        recipient.map(|(customer, _)| customer).ok_or_else(|| Error::Folder(format!("the plan has no mail in row {row}")))
    }

    /// The first recipient of a campaign, if it has any.
    ///
    /// # Errors
    /// The plan has no such campaign, or cannot be read.
    pub fn first_of(&self, campaign: &str) -> Result<Option<String>, Error> {
        self.rows_of(campaign)?.first().map(|row| self.customer_at(*row)).transpose()
    }

    /// The mail that a customer gets of a campaign, proven to be the one that was planned.
    ///
    /// # Errors
    /// There is no such mail, or it no longer renders to what was planned.
    pub fn mail(&self, customer: &str, campaign: &str) -> Result<Seen, Error> {
        let rows = self.rows_of(campaign)?;
        let (row, mail) = self.row(customer, campaign)?;
        let number = rows.partition_point(|own| (*own as usize) < row);
        let beside = |place: Option<usize>| place.and_then(|place| rows.get(place)).map(|row| self.customer_at(*row)).transpose();
        let rendered = self.writer.render(&[&mail])?;
        let rendered = rendered.into_iter().next().ok_or_else(|| Error::Folder("nothing was rendered".to_owned()))?;
        let eml = match mail.channel {
            Channel::Mail => self.writer.compose(&mail, &rendered, self.summary().planned_at)?.bytes,
            Channel::Post | Channel::Line | Channel::Call => Vec::new(),
        };
        let content = rendered.content;
        Ok(Seen {
            previous: beside(number.checked_sub(1))?,
            next: beside(Some(number + 1))?,
            number: number + 1,
            of: rows.len(),
            mail_id: mail.mail_id,
            customer: mail.customer_id,
            campaign: mail.campaign,
            variant: mail.variant,
            rank: mail.rank,
            channel: mail.channel,
            address: mail.address,
            subject: content.subject,
            preheader: content.preheader,
            html: content.html,
            text: content.text,
            eml,
        })
    }

    /// The row of a customer's mail of a campaign.
    pub(super) fn row(&self, customer: &str, campaign: &str) -> Result<(usize, MailRow), Error> {
        let places = self.opened.places_of(customer)?;
        if !places.is_empty() {
            for (row, mail) in places.clone().zip(self.opened.mails_from(places.start)?) {
                let mail = mail?;
                if mail.campaign == campaign {
                    return Ok((row, mail));
                }
            }
        }
        Err(Error::Data(self.without(customer, campaign)?.told))
    }

    /// Why there is no mail of a campaign for a customer; `None` where there is one.
    ///
    /// # Errors
    /// The plan has no such campaign, or cannot be read.
    pub fn stranger(&self, customer: &str, campaign: &str) -> Result<Option<Stranger>, Error> {
        self.campaign_at(campaign)?;
        let mails = self.opened.mails_of(customer)?;
        if mails.iter().any(|mail| mail.campaign == campaign) { Ok(None) } else { self.without(customer, campaign).map(Some) }
    }

    fn without(&self, customer: &str, campaign: &str) -> Result<Stranger, Error> {
        let (as_of, language) = (self.summary().as_of, self.job.language);
        let is_known = self.opened.customer(customer)?.is_some();
        let told = if is_known {
            language.pick(
                format!("お客様 `{customer}` に {as_of} の計画で `{campaign}` のメールは届きません。理由はお客様のページで分かります"),
                format!("customer `{customer}` gets no mail of `{campaign}` in the plan of {as_of}; the customer's page tells why"),
            )
        } else {
            language.pick(
                format!("お客様 `{customer}` は {as_of} の計画にいません。番号を確かめて、入れ直してください"),
                format!("there is no customer `{customer}` in the plan of {as_of}; look at the id, and write it again"),
            )
        };
        Ok(Stranger { told, customer: customer.to_owned(), is_known })
    }

    /// Looks for the hard mails of all campaigns, unless that was done: it reads all mails with their values.
    ///
    /// # Errors
    /// The plan cannot be read.
    pub fn look_for_hard_ones(&self) -> Result<(), Error> {
        if self.hard.get().is_some() {
            return Ok(());
        }
        let possible = message::Possible::default();
        let none = || Hard { most: vec![[const { None }; 4]; self.summary().campaigns.len()] };
        let mut all = none();
        let mut mails = self.opened.mails()?;
        loop {
            let chunk = mails.by_ref().take(CHUNK).collect::<Result<Vec<_>, _>>()?;
            if chunk.is_empty() {
                break;
            }
            let hard = chunk.par_iter().map(|mail| {
                let mut hard = none();
                let values = runs::values_read(&mail.values)?;
                if let Some(most) = self.campaign_at(&mail.campaign).ok().and_then(|at| hard.most.get_mut(at)) {
                    for (most, hardship) in most.iter_mut().zip(Hardship::ALL) {
                        *most = Some((hardship.of(mail, &values, &possible), mail.customer_id.clone())).filter(|(hard, _)| *hard > 0);
                    }
                }
                Ok::<_, Error>(hard)
            });
            all = all.join(hard.try_reduce(none, |one, other| Ok(one.join(other)))?);
        }
        let _ = self.hard.set(all);
        Ok(())
    }

    /// Whose mail of a campaign is the hardest in one way; `None` while that is still looked for.
    ///
    /// # Errors
    /// The plan has no such campaign, or no mail of it is hard in this way.
    pub fn hardest(&self, campaign: &str, hardship: Hardship) -> Result<Option<String>, Error> {
        let at = self.campaign_at(campaign)?;
        let Some(hard) = self.hard.get() else { return Ok(None) };
        let place = Hardship::ALL.iter().position(|one| *one == hardship).unwrap_or_default();
        match hard.most.get(at).and_then(|most| most[place].as_ref()) {
            Some((_, customer)) => Ok(Some(customer.clone())),
            None => Err(Error::Data(self.job.language.pick(
                "このキャンペーンには当てはまるメールがありません。ほかの難しいメールを選んでください".to_owned(),
                "no mail of this campaign is hard in this way; choose another way".to_owned(),
            ))),
        }
    }
}
