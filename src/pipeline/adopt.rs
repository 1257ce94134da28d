//! Adoption: the step after which a plan is the run that counts, and what must hold before it.

use super::error::Error;
use super::send::Request;
use super::{bounces, brakes, register, stops};
use crate::domain::coupon::folded;
use crate::domain::plan::{MailRow, Summary};
use crate::domain::{Campaign, Job, OfferRule, State};
use crate::ledger;
use chrono::NaiveDate;
use std::collections::{HashMap, HashSet};

/// Writes the adoption before the first claim, or finds the one that is there and makes sure that it is this plan's. From here on the
/// ledger claims nothing for those on the job's stop lists.
pub fn adopt(
    request: &Request,
    ledger: &mut ledger::Ledger,
    summary: &Summary,
    planned: &Job,
    destination: &str,
    mails: &[MailRow],
) -> Result<(), Error> {
    let job = request.job;
    stops::obey(job, ledger, (request.now)())?;
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
        None => check_order(request, ledger, summary)?,
    }
    let open = [State::Planned, State::Handing, State::Deferred];
    let states = ledger.states(&job.name, request.as_of)?;
    let has_open = adoption.is_none() || open.iter().any(|state| states.get(state).is_some_and(|count| *count > 0));
    // A campaign that has its own day makes no plan old before it.
    let days = planned.campaigns.iter().filter_map(|campaign| campaign.send).map(|send| send.instant(planned.zone, request.as_of));
    let fresh_at = days.max().map_or(summary.planned_at, |last| last.max(summary.planned_at));
    if let Some(tripped) = brakes::on_age(job, fresh_at, (request.now)()).filter(|_| has_open) {
        brakes::stop(job, &[tripped], request.accept)?;
    }
    if let Some(tripped) = brakes::on_future(job, request.as_of, summary.counts.newest, (request.now)()).filter(|_| adoption.is_none()) {
        brakes::stop(job, &[tripped], request.accept)?;
    }
    if let Some(tripped) = register::brake_of_mails(job, planned, ledger, summary, mails)?.filter(|_| has_open) {
        brakes::stop(job, &[tripped], request.accept)?;
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
        mails: mails.len() as u64,
        adopted_at: (request.now)(),
        finished_at: None,
    };
    Ok(ledger.adopt_issuing(&adoption, &unique_codes(planned, mails), rows(planned, mails))?)
}

/// Ranks move from run to run, so each plan is adopted on top of the run it was planned on.
fn check_order(request: &Request, ledger: &ledger::Ledger, summary: &Summary) -> Result<(), Error> {
    let job = request.job;
    refuse_behind(job, ledger, request.as_of)?;
    let previous = ledger.last_adopted(&job.name, request.as_of)?.map(|adoption| adoption.as_of);
    if previous != summary.previous {
        return Err(Error::Usage(format!(
            "the plan of {} was made when {} was the last adopted run, now it is {}: plan again",
            request.as_of,
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

/// The codes of which each is in one mail, ever.
fn unique_codes(planned: &Job, mails: &[MailRow]) -> HashSet<String> {
    let unique = |campaign: &Campaign| campaign.offer.as_ref().is_some_and(OfferRule::has_unique_codes);
    let campaigns: HashSet<&str> =
        planned.campaigns.iter().filter(|campaign| unique(campaign)).map(|campaign| campaign.name.as_str()).collect();
    let mails = mails.iter().filter(|mail| campaigns.contains(mail.campaign.as_str()));
    mails.filter_map(|mail| mail.coupon_code.as_deref().map(folded)).collect()
}

fn rows<'a>(planned: &'a Job, mails: &'a [MailRow]) -> impl Iterator<Item = ledger::NewMail> + 'a {
    let counted: HashMap<&str, bool> =
        planned.campaigns.iter().map(|campaign| (campaign.name.as_str(), campaign.counts_towards_limit)).collect();
    mails.iter().map(move |mail| ledger::NewMail {
        mail_id: mail.mail_id.clone(),
        customer_id: mail.customer_id.clone(),
        campaign: mail.campaign.clone(),
        occasion: mail.occasion.clone(),
        channel: mail.channel,
        address: mail.address.clone(),
        coupon_code: mail.coupon_code.clone(),
        counts: counted.get(mail.campaign.as_str()).copied().unwrap_or(true),
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
            "{touched} mails of {} went to {} already; the rest cannot go to {destination}{hint}",
            request.as_of, adoption.destination
        )));
    }
    if trial {
        ledger.accept_trial(job, request.as_of, destination)?;
    } else {
        ledger.adopt(&ledger::Adoption { destination: destination.to_owned(), ..adoption }, [])?;
    }
    Ok(())
}
