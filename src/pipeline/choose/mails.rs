//! The third stage of a campaign: each admitted pair's offer is made and its mail rendered.

use super::failures::{Failure, Trouble};
use super::{Admitted, Pass, Progress, Scope, renders};
use crate::domain::plan::PlannedMail;
use crate::domain::{Channel, Offer, Person, SkipReason, Value};
use crate::pipeline::head;
use crate::pipeline::people::{Match, People};
use crate::{campaigns, keys, message, runs};

impl Pass<'_> {
    /// Renders one mail and puts it into the plan, or notes why that failed and gives the pair back. `place` is that of the partition.
    pub fn write(&self, at: usize, place: usize, part: &People, pair: Admitted, progress: &mut Progress) -> Option<Admitted> {
        let matched = &part.matches[pair.nth];
        let campaign = &self.job.campaigns[at];
        let discounted = pair.stake.offered && self.is_discount(at);
        let note = |progress: &mut Progress| {
            progress.mailed[matched.row].add(at, campaign);
            if discounted {
                progress.mailed[matched.row].add_discount(at);
            }
        };
        let counts_only = self.scope == Scope::Nobody;
        if !counts_only && !renders(self.job, self.scope, at, place, matched.row) {
            note(progress);
            return None;
        }
        let person = part.person(&self.inputs.shop, matched.row);
        let mut offer = self.offer(at, &person, &progress.mailed[matched.row], pair.code.clone());
        self.recommend(&matched.picks, offer.as_mut());
        if counts_only {
            note(progress);
            progress.mails.push(PlannedMail { exposure: pair.stake.cost, ..bare(at, &person, matched, offer.as_ref()) });
            return None;
        }
        match self.mail(at, &person, matched, offer.as_ref()) {
            Ok(mail) => {
                note(progress);
                progress.mails.push(PlannedMail { exposure: pair.stake.cost, ..mail });
                None
            }
            Err(trouble) => {
                progress.skip(matched.row, at, SkipReason::RenderFailed);
                progress.failures.push(Failure { customer: person.id.to_owned(), campaign: at, trouble });
                Some(pair)
            }
        }
    }

    /// Whose templates a customer gets, where the campaign has variants.
    fn variant(&self, at: usize, person: &Person) -> Option<&str> {
        let campaign = &self.job.campaigns[at];
        if campaign.variants.is_empty() {
            return None;
        }
        let shares = campaign.variants.iter().map(|variant| variant.share);
        let place = keys::split(&self.inputs.key, &self.job.name, person.id, &campaign.name, shares);
        campaign.variants.get(place).map(|variant| variant.name.as_str())
    }

    /// The values a mail is rendered with.
    fn values(&self, at: usize, person: &Person, matched: &Match, offer: Option<&Offer>, variant: Option<&str>, link: &str) -> Value {
        message::values(
            person,
            &message::ValueParts {
                ladder: &self.job.ladder,
                campaign: &self.job.campaigns[at],
                variant,
                offer,
                occasion: &matched.occasion,
                channel: matched.reach.unwrap_or(Channel::Mail),
                product: &|id| self.inputs.shop.product(id),
                as_of: self.assessed.dates.as_of,
                unsubscribe: link,
            },
        )
    }

    fn mail(&self, at: usize, person: &Person, matched: &Match, offer: Option<&Offer>) -> Result<PlannedMail, Trouble> {
        let campaign = &self.job.campaigns[at];
        let channel = matched.reach.map_err(|_| Trouble::Template("no channel reaches this customer".to_owned()))?;
        let address = campaigns::place(channel, person);
        let link = self.job.mail.unsubscribe.replace("{token}", &keys::token(&self.inputs.key, person.id));
        let variant = self.variant(at, person);
        let values = self.values(at, person, matched, offer, variant, &link);
        let rank = person.standing.rank;
        let rank_name = rank.map(|rank| self.job.ladder.name(rank));
        let rendered = self.inputs.templates.render(&campaign.name, variant, rank_name, &values, &self.job.shop);
        let content = rendered.map_err(|error| Trouble::Template(error.to_string()))?;
        let as_of = self.assessed.dates.as_of;
        let mail_id = keys::mail_id(&self.inputs.key, &self.job.name, as_of, person.id, &campaign.name);
        if channel == Channel::Mail {
            self.law.holds(&content, &link).map_err(Trouble::Unlawful)?;
            // A mail whose headers cannot be written (an id too long for its opt-out link, say) is found now, not after its claim. The
            // parts always can.
            let head = head::head(self.job, &campaign.name, &mail_id, &address, &values, self.job.zone.midnight(as_of));
            message::check_head(&head).map_err(|error| Trouble::Template(error.to_string()))?;
        }
        Ok(PlannedMail {
            mail_id,
            variant: variant.map(str::to_owned),
            content_hash: message::hash(&address, &content),
            address,
            subject: content.into_subject(),
            values: runs::values_text(&values),
            ..bare(at, person, matched, offer)
        })
    }
}

/// A mail before it is rendered: who gets what, and why.
fn bare(at: usize, person: &Person, matched: &Match, offer: Option<&Offer>) -> PlannedMail {
    PlannedMail {
        mail_id: String::new(),
        customer: matched.row,
        rank: person.standing.rank,
        campaign: at,
        variant: None,
        occasion: matched.occasion.word.clone(),
        channel: matched.reach.unwrap_or(Channel::Mail),
        address: String::new(),
        subject: String::new(),
        offer: offer.map(|offer| offer.kind),
        gift: offer.and_then(|offer| offer.gift.clone()),
        coupon_code: offer.and_then(|offer| offer.code.clone()),
        valid_until: offer.and_then(|offer| offer.valid_until),
        exposure: 0,
        content_hash: [0; 32],
        values: String::new(),
    }
}
