//! The second pass: campaign by campaign in file order, each matched pair becomes a rendered mail or is skipped for one reason.

use super::assess::Assessed;
use super::error::Error;
use super::head;
use super::inputs::Inputs;
use super::people::People;
use super::progress::{Step, Watch};
use crate::domain::job::OnRenderError;
use crate::domain::offer::OfferKind;
use crate::domain::orders::LastOrder;
use crate::domain::plan::{PlanPart, PlannedMail, Skip};
use crate::domain::{Address, Campaign, Job, Occasion, Offer, OfferRule, Person, SkipReason, Value};
use crate::{campaigns, keys, message, offers, runs};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

/// What one partition has decided so far.
struct Progress {
    mails: Vec<PlannedMail>,
    skipped: Vec<Skip>,
    mailed: Vec<campaigns::Mailed>,
    failures: Vec<Failure>,
}

/// A mail that cannot be rendered.
struct Failure {
    customer: String,
    campaign: usize,
    trouble: Trouble,
}

/// Why a mail cannot be.
enum Trouble {
    /// Its template fails for this customer.
    Template(String),
    /// It would not show what the law asks for. No setting allows that.
    Unlawful(String),
}

/// What every mail of a run has in common.
struct Pass<'a> {
    job: &'a Job,
    inputs: &'a Inputs,
    assessed: &'a Assessed,
}

/// Runs the second pass over all campaigns. `watch` hears of rendered mails.
pub fn run(job: &Job, inputs: &Inputs, assessed: &mut Assessed, watch: &Watch) -> Result<Vec<PlanPart>, Error> {
    let progress = decide(job, inputs, assessed, watch)?;
    refuse_failures(job, &progress)?;
    Ok(into_parts(assessed, progress))
}

/// The same for a look at single customers: a mail that fails is a skip there, whatever the job says.
pub fn look(job: &Job, inputs: &Inputs, assessed: &mut Assessed) -> Result<Vec<PlanPart>, Error> {
    let progress = decide(job, inputs, assessed, &super::progress::unwatched)?;
    Ok(into_parts(assessed, progress))
}

fn into_parts(assessed: &Assessed, progress: Vec<Progress>) -> Vec<PlanPart> {
    assessed.people.iter().zip(progress).map(|(part, progress)| progress.into_part(part)).collect()
}

fn decide(job: &Job, inputs: &Inputs, assessed: &mut Assessed, watch: &Watch) -> Result<Vec<Progress>, Error> {
    fetch_last_orders(job, inputs, assessed)?;
    let pass = Pass { job, inputs, assessed };
    let total = assessed.people.iter().map(|part| part.matches.len() as u64).sum();
    let done = AtomicU64::new(0);
    let mut progress: Vec<Progress> = assessed.people.iter().map(|part| Progress::new(part.len())).collect();
    let mut issued = HashSet::new();
    for at in 0..job.campaigns.len() {
        let picked: Vec<Vec<usize>> =
            assessed.people.par_iter().zip(&mut progress).map(|(part, progress)| pass.pick(at, part, progress)).collect();
        let codes = pass.codes(at, &picked, &mut issued);
        assessed.people.par_iter().zip(&mut progress).zip(&picked).for_each(|((part, progress), picked)| {
            for nth in picked {
                pass.write(at, part, *nth, &codes, progress);
            }
            let seen = part.matches_of(at).len() as u64;
            watch(Step::Render, done.fetch_add(seen, Ordering::Relaxed) + seen, total);
        });
    }
    Ok(progress)
}

impl Progress {
    fn new(people: usize) -> Self {
        Self { mails: Vec::new(), skipped: Vec::new(), mailed: vec![campaigns::Mailed::default(); people], failures: Vec::new() }
    }

    fn into_part(mut self, people: &People) -> PlanPart {
        self.mails.sort_by_key(|mail| (mail.customer, mail.campaign));
        self.skipped.sort_by_key(|skip| (skip.customer, skip.campaign));
        PlanPart {
            customer_id: people.id.clone(),
            features: people.features.clone(),
            standings: people.standings.clone(),
            holdout: people.holdout.clone(),
            mails: self.mails,
            skipped: self.skipped,
        }
    }
}

impl Pass<'_> {
    /// Which matches (their places) of a campaign become mails, as far as rules decide; the others are skipped.
    fn pick(&self, at: usize, part: &People, progress: &mut Progress) -> Vec<usize> {
        let mut picked = Vec::new();
        for nth in part.matches_of(at) {
            let matched = &part.matches[nth];
            match self.verdict(at, part, nth, &progress.mailed[matched.row]) {
                Ok(()) => picked.push(nth),
                Err(reason) => progress.skipped.push(Skip { customer: matched.row, campaign: at, reason }),
            }
        }
        picked
    }

    /// Whether a match becomes a mail, given what this customer gets already.
    fn verdict(&self, at: usize, part: &People, nth: usize, mailed: &campaigns::Mailed) -> Result<(), SkipReason> {
        let matched = &part.matches[nth];
        let person = part.person(&self.inputs.shop, matched.row);
        let memory = &self.inputs.before.past;
        let address = campaigns::reachable(&person, &self.job.contact)?;
        if let Some(reason) = memory.suppressed(person.id, address) {
            return Err(reason);
        }
        campaigns::choose(&campaigns::Candidate {
            job: &self.job.name,
            campaign: &self.job.campaigns[at],
            person: &person,
            occasion: &matched.occasion,
            contact: &self.job.contact,
            as_of: self.assessed.dates.as_of,
            past: &memory.mails(person.id),
            same_address: matched.address_lost,
            mailed,
        })
    }

    /// A code of its own for each mail whose offer asks for one; no two mails of the run get the same.
    fn codes(&self, at: usize, picked: &[Vec<usize>], issued: &mut HashSet<String>) -> HashMap<String, String> {
        let campaign = &self.job.campaigns[at];
        if !campaign.offer.as_ref().is_some_and(wants_code) {
            return HashMap::new();
        }
        let mut wanting: Vec<&str> = Vec::new();
        for (part, picked) in self.assessed.people.iter().zip(picked) {
            wanting.extend(picked.iter().map(|nth| part.id.get(part.matches[*nth].row)));
        }
        wanting.sort_unstable();
        let mut codes = HashMap::with_capacity(wanting.len());
        for customer in wanting {
            let mut attempt = 0;
            let mut code = self.code(campaign, customer, attempt);
            while !issued.insert(code.clone()) {
                attempt += 1;
                code = self.code(campaign, customer, attempt);
            }
            codes.insert(customer.to_owned(), code);
        }
        codes
    }

    fn code(&self, campaign: &Campaign, customer: &str, attempt: u32) -> String {
        keys::coupon(&self.inputs.key, &self.job.name, self.assessed.dates.as_of, customer, &campaign.name, attempt)
    }

    /// Renders one mail and puts it into the plan, or notes why that failed.
    fn write(&self, at: usize, part: &People, nth: usize, codes: &HashMap<String, String>, progress: &mut Progress) {
        let matched = &part.matches[nth];
        let person = part.person(&self.inputs.shop, matched.row);
        let campaign = &self.job.campaigns[at];
        let offer = self.offer(campaign, &person, || codes.get(person.id).cloned().unwrap_or_default());
        match self.mail(at, &person, &matched.occasion, matched.row, offer.as_ref()) {
            Ok(mail) => {
                progress.mailed[matched.row].add(at, campaign);
                progress.mails.push(mail);
            }
            Err(trouble) => {
                progress.skipped.push(Skip { customer: matched.row, campaign: at, reason: SkipReason::RenderFailed });
                progress.failures.push(Failure { customer: person.id.to_owned(), campaign: at, trouble });
            }
        }
    }

    fn offer(&self, campaign: &Campaign, person: &Person, code: impl FnOnce() -> String) -> Option<Offer> {
        campaign.offer.as_ref().and_then(|rule| offers::make(rule, person, self.assessed.dates.as_of, code))
    }

    /// The values a mail is rendered with.
    fn values(&self, at: usize, person: &Person, occasion: &Occasion, offer: Option<&Offer>, link: &str) -> Value {
        message::values(
            person,
            &message::ValueParts {
                ladder: &self.job.ladder,
                campaign: &self.job.campaigns[at],
                offer,
                occasion,
                product: &|id| self.inputs.shop.product(id),
                as_of: self.assessed.dates.as_of,
                next_closing: self.assessed.dates.next_closing,
                unsubscribe: link,
            },
        )
    }

    fn mail(&self, at: usize, person: &Person, occasion: &Occasion, row: usize, offer: Option<&Offer>) -> Result<PlannedMail, Trouble> {
        let campaign = &self.job.campaigns[at];
        let Address::Usable { wire, .. } = person.address() else {
            return Err(Trouble::Template("the address is not usable".to_owned()));
        };
        let link = self.job.mail.unsubscribe.replace("{token}", &keys::token(&self.inputs.key, person.id));
        let values = self.values(at, person, occasion, offer, &link);
        let rank = person.standing.rank;
        let rank_name = rank.map(|rank| self.job.ladder.name(rank));
        let rendered = self.inputs.templates.render(&campaign.name, rank_name, &values, &self.job.shop);
        let content = rendered.map_err(|error| Trouble::Template(error.to_string()))?;
        message::legal(&content, &self.job.shop, &link).map_err(Trouble::Unlawful)?;
        let as_of = self.assessed.dates.as_of;
        let mail_id = keys::mail_id(&self.inputs.key, &self.job.name, as_of, person.id, &campaign.name);
        // A mail whose headers cannot be written (an id too long for its opt-out link, say) is found now, not after its claim. The
        // parts always can, so this costs no MIME of them.
        let head = head::head(self.job, &campaign.name, &mail_id, wire, &values, self.job.zone.midnight(as_of));
        let bare = message::Content { subject: content.subject.clone(), preheader: None, html: String::new(), text: String::new() };
        message::compose(&head, &bare).map_err(|error| Trouble::Template(error.to_string()))?;
        Ok(PlannedMail {
            mail_id,
            customer: row,
            rank,
            campaign: at,
            occasion: occasion.word.clone(),
            address: wire.clone(),
            content_hash: message::hash(wire, &content),
            subject: content.subject,
            offer: offer.map(|offer| offer.kind),
            coupon_code: offer.and_then(|offer| offer.code.clone()),
            valid_until: offer.and_then(|offer| offer.valid_until),
            values: runs::values_text(&values),
        })
    }
}

/// Whether each mail gets a code of its own.
fn wants_code(rule: &OfferRule) -> bool {
    matches!(rule.kind, OfferKind::Coupon { code: None, .. })
}

/// Fetches the last orders of those who may get a mail that shows them: a second look into the purchases, only where it is needed.
fn fetch_last_orders(job: &Job, inputs: &Inputs, assessed: &mut Assessed) -> Result<(), Error> {
    let asking: Vec<bool> = job
        .campaigns
        .iter()
        .map(|campaign| ["last_order.items", "last_order.store"].iter().any(|name| inputs.templates.uses(&campaign.name, name)))
        .collect();
    let mut wanted = HashMap::new();
    for part in &assessed.people {
        for matched in part.matches.iter().filter(|matched| asking[matched.campaign]) {
            if let Some(at) = part.features[matched.row].last_order_at {
                wanted.insert(part.id.get(matched.row).to_owned(), (part.last_order_id.get(matched.row).to_owned(), at));
            }
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let mut orders: HashMap<String, LastOrder> = inputs.purchases.last_orders(&wanted, job.zone.midnight(assessed.dates.as_of))?;
    for part in &mut assessed.people {
        let rows: Vec<usize> = part.matches.iter().map(|matched| matched.row).collect();
        for row in rows {
            if let Some(order) = orders.remove(part.id.get(row)) {
                part.last_orders.insert(row, order);
            }
        }
    }
    Ok(())
}

/// A template that fails for one customer stops the plan, unless the job says to skip such mails. A mail that breaks the law stops it
/// in any case: it is the template that is wrong, not the customer.
fn refuse_failures(job: &Job, progress: &[Progress]) -> Result<(), Error> {
    let stops = |failure: &&Failure| job.on_render_error == OnRenderError::Stop || matches!(failure.trouble, Trouble::Unlawful(_));
    let mut failures: Vec<&Failure> = progress.iter().flat_map(|progress| &progress.failures).filter(stops).collect();
    if failures.is_empty() {
        return Ok(());
    }
    failures.sort_by(|one, other| (one.campaign, &one.customer).cmp(&(other.campaign, &other.customer)));
    let shown = 3;
    let many = if failures.len() == 1 { "1 mail".to_owned() } else { format!("{} mails", failures.len()) };
    let mut text = format!("{many} cannot be rendered, so nothing is planned:");
    for failure in failures.iter().take(shown) {
        let (Trouble::Template(what) | Trouble::Unlawful(what)) = &failure.trouble;
        text += &format!("\n\ncampaign `{}`, customer `{}`:\n{what}", job.campaigns[failure.campaign].name, failure.customer);
    }
    if failures.len() > shown {
        text += &format!("\n\n… and {} more.", failures.len() - shown);
    }
    if failures.iter().any(|failure| matches!(failure.trouble, Trouble::Template(_))) {
        text +=
            "\n\nmend the template (`{{ customer.nickname or customer.name }}` allows a missing value), or set on_render_error = \"skip\"";
    }
    Err(Error::Render(text))
}
