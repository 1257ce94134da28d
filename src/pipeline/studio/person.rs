//! One person of a plan: what the plan's tables say, why, and whether that would be said today as well.

use super::super::error::Error;
use super::super::explain::{Explanation, PairFate};
use super::Studio;
use super::gather::Ready;
use crate::audience::Row;
use crate::domain::plan::{CustomerRow, MailRow, SkipRow};
use crate::ledger::{self, PastState, Stop};

/// One person of a plan.
pub struct Person {
    /// What the plan says; `None` where it does not have them.
    pub planned: Option<CustomerRow>,
    pub mails: Vec<MailRow>,
    pub skips: Vec<SkipRow>,
    /// What the customer list says.
    pub row: Option<Row>,
    /// Their mails as the ledger has them, the latest first.
    pub history: Vec<PastState>,
    /// Why nothing more may be sent.
    pub stops: Vec<Stop>,
    /// Why all that is so; `None` in a shop too large to look at single people beforehand.
    pub explained: Ready<Option<Explained>>,
}

/// Why, as `explain` tells it now.
pub struct Explained {
    pub explanation: Explanation,
    /// The rank would be another one.
    pub is_other_rank: bool,
    /// Campaigns of which something else would become.
    pub other_campaigns: Vec<String>,
}

impl Studio {
    /// Looks at one person.
    ///
    /// # Errors
    /// Nobody has this id, or the plan cannot be read.
    pub fn person(&self, id: &str) -> Result<Person, Error> {
        let (planned, mails, skips) = (self.opened.customer(id)?, self.opened.mails_of(id)?, self.opened.skips_of(id)?);
        let row = self.listed(id)?;
        let (history, stops) = self.past_of(id, row.as_ref())?;
        let explained = match self.crowd() {
            Ready::Yes(Some(crowd)) => {
                let explanation = crowd.explain(id)?;
                let (is_other_rank, other_campaigns) = self.differences(&explanation, planned.as_ref(), &mails, &skips);
                Ready::Yes(Some(Explained { explanation, is_other_rank, other_campaigns }))
            }
            Ready::Yes(None) => Ready::Yes(None),
            Ready::Soon(done) => Ready::Soon(done),
            Ready::Never(why) => Ready::Never(why),
        };
        if planned.is_none() && !matches!(explained, Ready::Yes(Some(_))) {
            let (as_of, command) = (self.summary().as_of, self.explain_command(id));
            return Err(Error::Data(self.job.language.pick(
                format!("お客様 `{id}` は {as_of} の計画にいません。番号を確かめるか、一覧からお探しください。端末では {command} で詳しく分かります"),
                format!("customer `{id}` is not in the plan of {as_of}; `{command}` tells more"),
            )));
        }
        Ok(Person { planned, mails, skips, row, history, stops, explained })
    }

    /// What the ledger knows of somebody.
    fn past_of(&self, id: &str, row: Option<&Row>) -> Result<(Vec<PastState>, Vec<Stop>), Error> {
        let Some(ledger) = ledger::Ledger::open_existing(&self.job.runs.join("ledger.sqlite"))? else { return Ok(Default::default()) };
        let names = match self.crowd() {
            Ready::Yes(Some(crowd)) => crowd.names(id),
            _ => vec![id.to_owned()],
        };
        let history = ledger.mails_of(&names)?;
        let mut addresses: Vec<String> = history.iter().map(|mail| mail.address.clone()).collect();
        addresses.extend(row.map(|row| row.address.to_lowercase()));
        addresses.sort_unstable();
        addresses.dedup();
        let stops = ledger.stops_of(&names, &addresses)?;
        Ok((history, stops))
    }

    /// Where the explanation of today and the tables of the plan say something else: purchases, lists or the ledger have changed since.
    fn differences(
        &self,
        explanation: &Explanation,
        planned: Option<&CustomerRow>,
        mails: &[MailRow],
        skips: &[SkipRow],
    ) -> (bool, Vec<String>) {
        let Some((planned, known)) = planned.zip(explanation.known.as_ref()) else {
            return (planned.is_some() != explanation.known.is_some(), Vec::new());
        };
        let rank = known.standing.rank.map(|rank| self.job.ladder.name(rank));
        let is_same = |campaign: &str, fate: &PairFate| {
            let mailed = mails.iter().find(|mail| mail.campaign == campaign);
            let skipped = skips.iter().find(|skip| skip.campaign == campaign);
            match fate {
                PairFate::Unmatched(_) => mailed.is_none() && skipped.is_none(),
                PairFate::Mailed { subject, .. } => mailed.is_some_and(|mail| mail.subject == *subject),
                PairFate::Skipped { reason, .. } => skipped.is_some_and(|skip| skip.reason == *reason),
            }
        };
        let others = known.pairs.iter().filter(|pair| !is_same(&pair.campaign, &pair.fate)).map(|pair| pair.campaign.clone());
        (rank != planned.rank.as_deref(), others.collect())
    }
}
