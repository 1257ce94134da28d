//! Both ends of every pair as the plans hold them, and those that differ.

use super::super::error::Error;
use super::super::letters::Writer;
use super::side::Side;
use crate::domain::Channel;
use crate::domain::diff::{End, Fate};
use crate::domain::plan::{MailRow, PastCustomer, SkipRow};
use crate::runs::{self, Rows};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::iter::Peekable;

/// Customers whose mails are rendered at a time.
const CHUNK: usize = 2_048;

/// A pair that ends otherwise.
pub struct Pair {
    pub customer: String,
    pub campaign: String,
    pub before: End,
    pub after: End,
}

/// What a plan decided for one customer.
#[derive(Default)]
struct Group {
    mails: Vec<MailRow>,
    skips: Vec<SkipRow>,
}

/// A plan's decisions, customer by customer.
struct Groups {
    mails: Peekable<Rows<MailRow>>,
    skips: Peekable<Rows<SkipRow>>,
}

impl Groups {
    fn of(opened: &runs::Opened) -> Result<Self, Error> {
        Ok(Self { mails: opened.mails()?.peekable(), skips: opened.skips()?.peekable() })
    }

    /// The next customer for whom the plan decided something. An error waits for `take`.
    fn customer(&mut self) -> Option<String> {
        let mail = self.mails.peek().and_then(|row| row.as_ref().ok()).map(|mail| &mail.customer_id);
        let skip = self.skips.peek().and_then(|row| row.as_ref().ok()).map(|skip| &skip.customer_id);
        mail.into_iter().chain(skip).min().cloned()
    }

    fn take(&mut self, customer: &str) -> Result<Group, Error> {
        let mut group = Group::default();
        while let Some(mail) = self.mails.next_if(|row| row.as_ref().map_or(true, |mail| mail.customer_id == customer)) {
            group.mails.push(mail?);
        }
        while let Some(skip) = self.skips.next_if(|row| row.as_ref().map_or(true, |skip| skip.customer_id == customer)) {
            group.skips.push(skip?);
        }
        Ok(group)
    }
}

/// Every pair that ends otherwise, by customer id, then campaign.
pub fn compare(before: &Side, after: &Side) -> Result<Vec<Pair>, Error> {
    let writers = [Writer::open(&before.job, &before.opened)?, Writer::open(&after.job, &after.opened)?];
    let (mut one, mut other) = (Groups::of(&before.opened)?, Groups::of(&after.opened)?);
    let mut pairs = Vec::new();
    let mut chunk: Vec<(String, [Group; 2])> = Vec::with_capacity(CHUNK);
    loop {
        let next = one.customer().into_iter().chain(other.customer()).min();
        if chunk.len() == CHUNK || next.is_none() {
            let found: Vec<Vec<Pair>> =
                chunk.par_iter().map(|(customer, groups)| differing(customer, groups, &writers)).collect::<Result<_, _>>()?;
            pairs.extend(found.into_iter().flatten());
            chunk.clear();
        }
        let Some(customer) = next else { break };
        let groups = [one.take(&customer)?, other.take(&customer)?];
        chunk.push((customer, groups));
    }
    // A table that ends in an error has no next customer.
    for groups in [&mut one, &mut other] {
        groups.take("")?;
    }
    Ok(pairs)
}

fn differing(customer: &str, groups: &[Group; 2], writers: &[Writer; 2]) -> Result<Vec<Pair>, Error> {
    let mails = groups.iter().flat_map(|group| group.mails.iter().map(|mail| mail.campaign.as_str()));
    let skips = groups.iter().flat_map(|group| group.skips.iter().map(|skip| skip.campaign.as_str()));
    let mut campaigns: Vec<&str> = mails.chain(skips).collect();
    campaigns.sort_unstable();
    campaigns.dedup();
    let mut pairs = Vec::new();
    for campaign in campaigns {
        let [one, other] = groups.each_ref().map(|group| group.mails.iter().find(|mail| mail.campaign == campaign));
        if let (Some(one), Some(other)) = (one, other)
            && one.content_hash == other.content_hash
            && [one.channel, other.channel] == [Channel::Mail; 2]
        {
            continue;
        }
        let before = end(&groups[0], one, campaign, &writers[0])?;
        let after = end(&groups[1], other, campaign, &writers[1])?;
        if before.fate != after.fate {
            pairs.push(Pair { customer: customer.to_owned(), campaign: campaign.to_owned(), before, after });
        }
    }
    Ok(pairs)
}

fn end(group: &Group, mail: Option<&MailRow>, campaign: &str, writer: &Writer) -> Result<End, Error> {
    let skip = group.skips.iter().find(|skip| skip.campaign == campaign);
    let fate = match (mail, skip) {
        (Some(mail), _) => Fate::Mailed(writer.look(mail)?),
        (None, Some(skip)) => Fate::Skipped(skip.reason),
        (None, None) => Fate::Unmatched,
    };
    let subject = mail.map(|mail| mail.subject.clone()).filter(|subject| !subject.is_empty());
    Ok(End { fate, channel: mail.map(|mail| mail.channel), subject, rank: None })
}

/// Fills in the ranks of those whose mails differ, and finds the customers who are in one plan only, with the number of that plan.
pub fn look_up(before: &Side, after: &Side, pairs: &mut [Pair]) -> Result<HashMap<String, usize>, Error> {
    let (mut one, mut other) = (before.opened.customers()?.peekable(), after.opened.customers()?.peekable());
    let wanted: HashSet<&str> = pairs.iter().map(|pair| pair.customer.as_str()).collect();
    let mut ranks: HashMap<String, [Option<String>; 2]> = HashMap::new();
    let mut alone = HashMap::new();
    loop {
        let next = [&mut one, &mut other].map(|rows| rows.peek().and_then(|row| row.as_ref().ok()).map(|row| row.customer_id.clone()));
        let Some(id) = next.iter().flatten().min().cloned() else { break };
        let [first, second] = [next_if(&mut one, &id)?, next_if(&mut other, &id)?];
        if wanted.contains(id.as_str()) {
            ranks.insert(id.clone(), [first.as_ref(), second.as_ref()].map(|row| row.and_then(|row| row.rank.clone())));
        }
        if first.is_none() || second.is_none() {
            alone.insert(id, usize::from(first.is_none()));
        }
    }
    next_if(&mut one, "")?;
    next_if(&mut other, "")?;
    drop(wanted);
    for pair in pairs {
        if let Some([before, after]) = ranks.get(&pair.customer) {
            (pair.before.rank, pair.after.rank) = (before.clone(), after.clone());
        }
    }
    Ok(alone)
}

/// The next row if it is this customer's, or the error that stands there.
fn next_if(rows: &mut Peekable<Rows<PastCustomer>>, id: &str) -> Result<Option<PastCustomer>, Error> {
    Ok(rows.next_if(|row| row.as_ref().map_or(true, |row| row.customer_id == id)).transpose()?)
}
