//! Whether a matched pair becomes a mail, or the one reason why not.
//!
//! The reasons apply in the order of `SkipReason`. The pipeline asks in three steps, because what lies between them is known elsewhere:
//! `reachable`, then what the ledger says of the customer and the address (unsubscribed, bounced) and whom of those at the same
//! address `wins` prefers, then `choose`.

use crate::domain::campaign::Once;
use crate::domain::mail::PastMail;
use crate::domain::{Campaign, Contact, Occasion, Person, RankIndex, SkipReason};
use chrono::{Datelike, Months, NaiveDate};
use std::cmp::{Ordering, Reverse};

/// One of several customers who share an address and whom a campaign matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rival<'a> {
    pub rank: Option<RankIndex>,
    /// Spend in the window that decided the rank, minor units.
    pub spend: i64,
    pub id: &'a str,
}

/// `Less` when `a` gets the mail rather than `b`: the higher rank, then the larger spend, then the smaller id (UTF-8 bytes). So the
/// winner is the `min_by` of all.
#[must_use]
pub fn wins(a: &Rival<'_>, b: &Rival<'_>) -> Ordering {
    (Reverse((a.rank, a.spend)), a.id).cmp(&(Reverse((b.rank, b.spend)), b.id))
}

/// The mails of this run that one customer gets so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailed {
    /// Bit n of word m is campaign 64 m + n.
    words: Vec<u64>,
    /// The same for those with a discount.
    discounts: Vec<u64>,
    /// Those that count towards `max_per_run`.
    counted: u32,
}

impl Mailed {
    /// Remembers that a campaign became this customer's mail.
    pub fn add(&mut self, at: usize, campaign: &Campaign) {
        set(&mut self.words, at);
        self.counted += u32::from(campaign.counts_towards_limit);
    }

    /// Remembers that the mail of a campaign has a discount.
    pub fn add_discount(&mut self, at: usize) {
        set(&mut self.discounts, at);
    }

    /// Whether a campaign became this customer's mail.
    #[must_use]
    pub fn has(&self, at: usize) -> bool {
        has(&self.words, at)
    }
}

fn set(words: &mut Vec<u64>, at: usize) {
    let word = at / 64;
    if words.len() <= word {
        words.resize(word + 1, 0);
    }
    if let Some(word) = words.get_mut(word) {
        *word |= 1 << (at % 64);
    }
}

fn has(words: &[u64], at: usize) -> bool {
    words.get(at / 64).is_some_and(|word| word & (1 << (at % 64)) != 0)
}

/// A matched pair of a reachable customer and a campaign.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub job: &'a str,
    pub as_of: NaiveDate,
    pub contact: &'a Contact,
    pub campaign: &'a Campaign,
    pub occasion: &'a Occasion,
    pub person: &'a Person<'a>,
    /// Somebody else at the same address gets this campaign's mail.
    pub same_address: bool,
    /// This customer's earlier mails of all jobs, accepted or in doubt, in any order. Mails of this very run may be among them.
    pub past: &'a [PastMail],
    /// This customer's mails of earlier campaigns in this run.
    pub mailed: &'a Mailed,
    /// Earlier campaigns whose discount is on what this mail's discount is on; none where it has no discount.
    pub rivals: &'a [usize],
}

/// Whether the pair becomes a mail; the error is the first reason that applies.
pub fn choose(candidate: &Candidate<'_>) -> Result<(), SkipReason> {
    let Candidate { contact, campaign, person, mailed, .. } = *candidate;
    if candidate.same_address {
        return Err(SkipReason::SameAddress);
    }
    if earlier(candidate).any(|past| is_repeated(candidate, past)) {
        return Err(SkipReason::AlreadySent);
    }
    if campaign.holdout && person.holdout {
        return Err(SkipReason::Holdout);
    }
    let second_discount = candidate.rivals.iter().any(|other| has(&mailed.discounts, *other));
    if second_discount || campaign.not_with.iter().any(|other| mailed.has(*other)) {
        return Err(SkipReason::Superseded);
    }
    if !campaign.counts_towards_limit {
        return Ok(());
    }
    let least = i64::from(contact.min_days_between);
    if least > 0 && earlier(candidate).any(|past| past.counts && (candidate.as_of - past.as_of).num_days() < least) {
        return Err(SkipReason::TooSoon);
    }
    if contact.max_per_run.is_some_and(|most| mailed.counted >= most) {
        return Err(SkipReason::OverCap);
    }
    Ok(())
}

/// The mails of earlier runs. A mail of this run is not past: planned again, the run decides as it did before.
fn earlier<'a>(candidate: &Candidate<'a>) -> impl Iterator<Item = &'a PastMail> {
    let Candidate { job, as_of, past, .. } = *candidate;
    past.iter().filter(move |past| past.as_of != as_of || past.job != job)
}

/// Whether an earlier mail of this campaign is the reason not to send it again.
fn is_repeated(candidate: &Candidate<'_>, past: &PastMail) -> bool {
    let Candidate { job, as_of, campaign, occasion, .. } = *candidate;
    if past.job != job || past.campaign != campaign.name {
        return false;
    }
    match campaign.once {
        Once::Occasion => past.occasion == occasion.word,
        Once::Month => (past.as_of.year(), past.as_of.month()) == (as_of.year(), as_of.month()),
        Once::Months(months) => past.as_of.checked_add_months(Months::new(months)).is_none_or(|again| as_of < again),
        Once::Year => past.as_of.year() == as_of.year(),
        Once::Ever => true,
        Once::EveryRun => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::someone::{Someone, campaign, day};
    use super::*;
    use crate::domain::campaign::When;

    fn past(job: &str, campaign: &str, occasion: &str, as_of: &str) -> PastMail {
        PastMail { job: job.into(), campaign: campaign.into(), occasion: occasion.into(), as_of: day(as_of), counts: true }
    }

    /// Chooses on 2026-12-03 for an occasion of that month.
    fn chosen(campaign: &Campaign, contact: &Contact, someone: &Someone, past: &[PastMail], mailed: &Mailed) -> Result<(), SkipReason> {
        let occasion = Occasion { word: "2026-12".into(), date: None, years: None };
        let (as_of, person) = (day("2026-12-03"), someone.person());
        let same_address = false;
        let rivals = &[5];
        choose(&Candidate {
            job: "monthly",
            as_of,
            contact,
            campaign,
            occasion: &occasion,
            person: &person,
            same_address,
            past,
            mailed,
            rivals,
        })
    }

    fn sent(once: Once, past: &[PastMail]) -> bool {
        let campaign = Campaign { once, ..campaign(When::default()) };
        chosen(&campaign, &Contact::default(), &Someone::new(), past, &Mailed::default()) == Err(SkipReason::AlreadySent)
    }

    #[test]
    fn the_higher_rank_then_the_larger_spend_then_the_smaller_id_wins() {
        let rival = |rank, spend, id| Rival { rank, spend, id };
        let order = [rival(Some(2), 0, "z"), rival(Some(1), 9, "b"), rival(Some(1), 5, "B"), rival(Some(1), 5, "a"), rival(None, 99, "A")];
        for (at, winner) in order.iter().enumerate() {
            assert!(order[at + 1..].iter().all(|loser| wins(winner, loser) == Ordering::Less && wins(loser, winner) == Ordering::Greater));
        }
    }

    #[test]
    fn once_means_the_occasion_unless_the_job_says_otherwise() {
        let november = [past("monthly", "greeting", "2026-11", "2026-11-03")];
        let december = [past("monthly", "greeting", "2026-12", "2026-12-01")];
        assert!(sent(Once::Occasion, &december) && !sent(Once::Occasion, &november));
        assert!(sent(Once::Month, &december) && !sent(Once::Month, &november));
        assert!(sent(Once::Months(2), &november) && !sent(Once::Months(1), &november), "one month later is 2026-12-03 itself");
        assert!(sent(Once::Months(u32::MAX), &november));
        assert!(sent(Once::Year, &november) && !sent(Once::Year, &[past("monthly", "greeting", "x", "2025-12-31")]));
        assert!(sent(Once::Ever, &[past("monthly", "greeting", "x", "2001-01-01")]));
        assert!(!sent(Once::EveryRun, &december));
    }

    #[test]
    fn only_earlier_mails_of_the_same_job_and_campaign_are_repeats() {
        let others = [
            past("weekly", "greeting", "2026-12", "2026-12-03"),
            past("monthly", "newsletter", "2026-12", "2026-12-01"),
            past("monthly", "greeting", "2026-12", "2026-12-03"),
        ];
        for once in [Once::Occasion, Once::Month, Once::Months(3), Once::Year, Once::Ever] {
            assert!(!sent(once, &others), "{once:?}");
        }
    }

    #[test]
    fn days_between_mails_count_those_of_all_jobs() {
        let contact = Contact { min_days_between: 7, ..Contact::default() };
        let greeting = campaign(When::default());
        let after = |contact: &Contact, campaign: &Campaign, mail: PastMail| {
            chosen(campaign, contact, &Someone::new(), &[mail], &Mailed::default())
        };
        assert_eq!(after(&contact, &greeting, past("weekly", "news", "x", "2026-11-27")), Err(SkipReason::TooSoon));
        assert_eq!(after(&contact, &greeting, past("weekly", "news", "x", "2026-11-26")), Ok(()));
        assert_eq!(after(&contact, &greeting, past("weekly", "news", "x", "2026-12-03")), Err(SkipReason::TooSoon));
        assert_eq!(after(&contact, &greeting, past("monthly", "news", "x", "2026-12-03")), Ok(()), "a mail of this run is not past");
        assert_eq!(after(&contact, &greeting, PastMail { counts: false, ..past("weekly", "news", "x", "2026-12-02") }), Ok(()));
        let exempt = Campaign { counts_towards_limit: false, ..greeting.clone() };
        assert_eq!(after(&contact, &exempt, past("weekly", "news", "x", "2026-12-02")), Ok(()));
        assert_eq!(after(&Contact::default(), &greeting, past("weekly", "news", "x", "2026-12-10")), Ok(()), "no limit is no limit");
    }

    #[test]
    fn caps_count_the_mails_of_the_run_that_count() {
        let contact = Contact { max_per_run: Some(1), ..Contact::default() };
        let greeting = campaign(When::default());
        let exempt = Campaign { counts_towards_limit: false, ..greeting.clone() };
        let mut mailed = Mailed::default();
        mailed.add(0, &exempt);
        assert_eq!(chosen(&greeting, &contact, &Someone::new(), &[], &mailed), Ok(()));
        mailed.add(1, &greeting);
        assert_eq!(chosen(&greeting, &contact, &Someone::new(), &[], &mailed), Err(SkipReason::OverCap));
        assert_eq!(chosen(&exempt, &contact, &Someone::new(), &[], &mailed), Ok(()));
    }

    #[test]
    fn an_earlier_campaigns_mail_supersedes_however_many_there_are() {
        let greeting = Campaign { not_with: vec![3, 130], ..campaign(When::default()) };
        let mut mailed = Mailed::default();
        mailed.add(2, &greeting);
        mailed.add(66, &greeting);
        let ask = |mailed: &Mailed| chosen(&greeting, &Contact::default(), &Someone::new(), &[], mailed);
        assert_eq!(ask(&mailed), Ok(()));
        mailed.add(130, &greeting);
        assert_eq!(ask(&mailed), Err(SkipReason::Superseded));
        assert!(mailed.has(2) && mailed.has(66) && mailed.has(130) && !mailed.has(3) && !mailed.has(131));
    }

    #[test]
    fn a_second_discount_on_the_same_thing_is_superseded() {
        let greeting = campaign(When::default());
        let mut mailed = Mailed::default();
        let ask = |mailed: &Mailed| chosen(&greeting, &Contact::default(), &Someone::new(), &[], mailed);
        mailed.add(5, &greeting);
        mailed.add_discount(4);
        assert_eq!(ask(&mailed), Ok(()), "a mail without a discount, and a discount on something else");
        mailed.add_discount(5);
        assert_eq!(ask(&mailed), Err(SkipReason::Superseded));
    }

    /// Everything speaks against the mail; reason after reason is taken away, and the next one shows.
    #[test]
    fn the_first_reason_in_order_is_given() {
        let contact = Contact { max_per_run: Some(1), min_days_between: 7, ..Contact::default() };
        let (mut campaign, mut someone) = (Campaign { not_with: vec![0], ..campaign(When::default()) }, Someone::new());
        someone.holdout = true;
        let mut past = vec![past("weekly", "news", "x", "2026-12-02"), past("monthly", "greeting", "2026-12", "2026-11-01")];
        let mut mailed = Mailed::default();
        mailed.add(0, &campaign);
        let occasion = Occasion { word: "2026-12".into(), date: None, years: None };
        let person = someone.person();
        let as_of = day("2026-12-03");
        let all = Candidate {
            job: "monthly",
            as_of,
            contact: &contact,
            campaign: &campaign,
            occasion: &occasion,
            person: &person,
            same_address: true,
            past: &past,
            mailed: &mailed,
            rivals: &[],
        };
        assert_eq!(choose(&all), Err(SkipReason::SameAddress));
        assert_eq!(choose(&Candidate { same_address: false, ..all }), Err(SkipReason::AlreadySent));
        past.pop();
        let ask = |campaign: &Campaign, past: &[PastMail]| chosen(campaign, &contact, &someone, past, &mailed);
        assert_eq!(ask(&campaign, &past), Err(SkipReason::Holdout));
        campaign.holdout = false;
        assert_eq!(ask(&campaign, &past), Err(SkipReason::Superseded));
        campaign.not_with.clear();
        assert_eq!(ask(&campaign, &past), Err(SkipReason::TooSoon));
        assert_eq!(ask(&campaign, &[]), Err(SkipReason::OverCap));
    }
}
