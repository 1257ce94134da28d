//! Adoption: the step after which a plan is the run that counts, and what must hold before it.

use super::error::Error;
use super::send::Request;
use super::{bounces, brakes, register, stops};
use crate::domain::coupon::folded;
use crate::domain::money::many;
use crate::domain::plan::{MailRow, Summary};
use crate::domain::{Job, OfferRule, State};
use crate::{ledger, runs};
use chrono::NaiveDate;
use std::collections::{HashMap, HashSet};

/// Writes the adoption before the first claim, or finds the one that is there and makes sure that it is this plan's. From here on the
/// ledger claims nothing for those on the job's stop lists.
pub fn adopt(
    request: &Request,
    ledger: &mut ledger::Ledger,
    opened: &runs::Opened,
    planned: &Job,
    destination: &str,
    codes: &Codes,
) -> Result<(), Error> {
    let (job, summary) = (request.job, &opened.summary);
    stops::obey(job, ledger, opened, (request.now)())?;
    bounces::of_servers(job, ledger, (request.now)())?;
    let adoption = ledger.adoption(&job.name, request.as_of)?;
    match &adoption {
        Some(adoption) if !ledger.stands_for(adoption, &summary.digest)? => {
            return Err(Error::Usage(format!(
                "the plan of {} was adopted with the digest {}, the folder now holds {}: put the adopted folder back",
                request.as_of, adoption.digest, summary.digest
            )));
        }
        Some(_) => {}
        None => check_order(job, ledger, summary)?,
    }
    let open = [State::Planned, State::Handing, State::Deferred];
    let states = ledger.states(&job.name, request.as_of)?;
    let has_open = adoption.is_none() || open.iter().any(|state| states.get(state).is_some_and(|count| *count > 0));
    if has_open {
        let leaving = Leaving { job, planned, summary, own_codes: codes.own, is_adopted: adoption.is_some(), now: (request.now)() };
        brakes::stop(job, &tripped(&leaving, Some(ledger))?, request.accept)?;
    }
    if let Some(adoption) = adoption {
        return change_destination(request, ledger, adoption, destination);
    }
    let adoption = ledger::Adoption {
        job: job.name.clone(),
        as_of: request.as_of,
        digest: summary.digest.clone(),
        destination: destination.to_owned(),
        closing: summary.closing,
        mails: codes.mails,
        adopted_at: (request.now)(),
        finished_at: None,
    };
    let (mut mails, mut unreadable) = (opened.mails_without_values()?, None);
    let readable = std::iter::from_fn(|| mails.next()?.map_err(|error| unreadable = Some(error)).ok());
    // A plan that cannot be read to its end lacks mails, so nothing of it is adopted.
    let adopted = ledger.adopt_issuing(&adoption, &codes.unique, rows(planned, readable));
    unreadable.map_or(Ok(()), Err)?;
    Ok(adopted?)
}

/// A plan with mails to send, as the brakes of `send` look at it.
pub struct Leaving<'a> {
    /// As its file is now.
    pub job: &'a Job,
    pub planned: &'a Job,
    pub summary: &'a Summary,
    /// How many of its mails hold a code that rankmail made.
    pub own_codes: usize,
    pub is_adopted: bool,
    /// Microseconds UTC.
    pub now: i64,
}

/// The brakes on which `send` stops: name and what was seen. Those that a plan shows by itself stop `run` alone, since a person has looked
/// at a plan that is sent.
pub fn tripped(leaving: &Leaving, ledger: Option<&ledger::Ledger>) -> Result<Vec<(String, String)>, Error> {
    let Leaving { job, planned, summary, own_codes, is_adopted, now } = *leaving;
    // A campaign that has its own day makes no plan old before it.
    let days = planned.campaigns.iter().filter_map(|campaign| campaign.send).map(|send| send.instant(planned.zone, summary.as_of));
    let fresh_at = days.max().map_or(summary.planned_at, |last| last.max(summary.planned_at));
    let future = if is_adopted { None } else { brakes::on_future(job, summary.as_of, summary.counts.newest, now) };
    let codes = register::brake(job, ledger, summary, own_codes)?;
    Ok([brakes::on_age(job, fresh_at, now), future, codes].into_iter().flatten().collect())
}

/// Ranks move from run to run, so each plan is adopted on top of the run it was planned on.
pub fn check_order(job: &Job, ledger: &ledger::Ledger, summary: &Summary) -> Result<(), Error> {
    refuse_behind(job, ledger, summary.as_of)?;
    let previous = ledger.last_adopted(&job.name, summary.as_of)?.map(|adoption| adoption.as_of);
    if previous != summary.previous {
        return Err(Error::Usage(format!(
            "the plan of {} was made when {} was the last adopted run, now it is {}: plan again",
            summary.as_of,
            summary.previous.map_or("none".to_owned(), |date| date.to_string()),
            previous.map_or("none".to_owned(), |date| date.to_string()),
        )));
    }
    Ok(())
}

/// Dates are adopted in their order.
pub fn refuse_behind(job: &Job, ledger: &ledger::Ledger, as_of: NaiveDate) -> Result<(), Error> {
    match ledger.latest_adoption(&job.name)?.filter(|last| last.as_of > as_of) {
        Some(last) => Err(Error::Usage(format!(
            "{} was adopted already: sending the older plan of {as_of} would turn ranks back; plan a date after it",
            last.as_of
        ))),
        None => Ok(()),
    }
}

/// What is counted of a plan's mails before it is adopted.
pub struct Codes {
    /// How many there are, of all channels.
    mails: u64,
    /// How many hold a code that rankmail made.
    own: usize,
    /// The codes of which each is in one mail, ever.
    unique: HashSet<String>,
    /// The campaigns with codes that rankmail made, and those in which each mail has its own.
    makes: HashSet<String>,
    has_unique: HashSet<String>,
}

impl Codes {
    pub fn of(planned: &Job) -> Self {
        let named = |holds: fn(&OfferRule) -> bool| {
            let campaigns = planned.campaigns.iter().filter(|campaign| campaign.offer.as_ref().is_some_and(holds));
            campaigns.map(|campaign| campaign.name.clone()).collect()
        };
        let (makes, has_unique) = (named(OfferRule::makes_codes), named(OfferRule::has_unique_codes));
        Self { mails: 0, own: 0, unique: HashSet::new(), makes, has_unique }
    }

    /// How many mails of a plan hold a code that rankmail made.
    pub fn count(planned: &Job, opened: &runs::Opened) -> Result<usize, Error> {
        let mut codes = Self::of(planned);
        for mail in opened.mails_without_values()? {
            codes.see(&[mail?]);
        }
        Ok(codes.own)
    }

    /// Counts these too.
    pub fn see(&mut self, mails: &[MailRow]) {
        self.mails += mails.len() as u64;
        for (mail, code) in mails.iter().filter_map(|mail| Some((mail, mail.coupon_code.as_deref()?))) {
            self.own += usize::from(self.makes.contains(&mail.campaign));
            if self.has_unique.contains(&mail.campaign) {
                self.unique.insert(folded(code));
            }
        }
    }
}

fn rows<'a>(planned: &'a Job, mails: impl Iterator<Item = MailRow> + 'a) -> impl Iterator<Item = ledger::NewMail> + 'a {
    let counted: HashMap<&str, bool> =
        planned.campaigns.iter().map(|campaign| (campaign.name.as_str(), campaign.counts_towards_limit)).collect();
    mails.map(move |mail| ledger::NewMail {
        counts: counted.get(mail.campaign.as_str()).copied().unwrap_or(true),
        mail_id: mail.mail_id,
        customer_id: mail.customer_id,
        campaign: mail.campaign,
        occasion: mail.occasion,
        channel: mail.channel,
        address: mail.address,
        coupon_code: mail.coupon_code,
    })
}

/// A run goes on where it began. Only the outbox can be left, as a trial, and only when asked for.
fn change_destination(request: &Request, ledger: &mut ledger::Ledger, adoption: ledger::Adoption, destination: &str) -> Result<(), Error> {
    if adoption.destination == destination {
        return Ok(());
    }
    let job = &request.job.name;
    let states = ledger.states(job, request.as_of)?;
    let touched: u64 = [State::Accepted, State::InDoubt, State::Handing].iter().filter_map(|state| states.get(state)).sum();
    let trial = adoption.destination == "outbox" && request.accept.iter().any(|name| name == "trial");
    if touched > 0 && !trial {
        let hint = if adoption.destination == "outbox" { "; if that was a trial, say --accept trial" } else { "" };
        return Err(Error::Usage(format!(
            "{} of {} went to {} already; the rest cannot go to {destination}{hint}",
            many(touched, "mail", "mails"),
            request.as_of,
            adoption.destination
        )));
    }
    if trial {
        ledger.accept_trial(job, request.as_of, destination)?;
    } else {
        ledger.adopt(&ledger::Adoption { destination: destination.to_owned(), ..adoption }, [])?;
    }
    Ok(())
}
