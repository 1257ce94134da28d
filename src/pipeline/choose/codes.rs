//! Coupon codes for the mails of a run: made from the key, or taken from a pool in its order. No code is ever issued again, whatever became
//! of the mail that held it.

use super::Pass;
use crate::domain::Campaign;
use crate::domain::coupon::{PoolUse, folded};
use crate::domain::offer::CodeSource;
use crate::keys;
use std::collections::{HashMap, HashSet, VecDeque};

/// The codes of one run.
pub struct Codes<'a> {
    /// Issued by earlier runs, folded.
    before: &'a HashSet<String>,
    /// Issued in this run, and the codes that are one for all; folded.
    taken: HashSet<String>,
    /// How far each pool is used up.
    next: HashMap<&'a str, usize>,
    /// Codes of each pool that came back.
    back: HashMap<&'a str, VecDeque<String>>,
    pub uses: Vec<PoolUse>,
}

impl<'a> Codes<'a> {
    pub fn new(pass: &Pass<'a>) -> Self {
        let fixed = pass.job.campaigns.iter().filter_map(|campaign| match campaign.offer.as_ref()?.code()? {
            CodeSource::Fixed(code) => Some(folded(code)),
            CodeSource::Own | CodeSource::Pool(_) => None,
        });
        Self { before: &pass.inputs.before.issued, taken: fixed.collect(), next: HashMap::new(), back: HashMap::new(), uses: Vec::new() }
    }

    /// Begins a campaign: counts what its pool still has.
    pub fn begin(&mut self, pass: &Pass<'a>, at: usize) {
        if let Some(CodeSource::Pool(written)) = source(&pass.job.campaigns[at]) {
            let next = self.next.get(written.as_str()).copied().unwrap_or_default();
            let left = pool(pass, written).iter().skip(next).filter(|code| self.is_free(&folded(code)));
            let back = self.back.get(written.as_str()).map_or(0, VecDeque::len);
            let free = (left.count() + back) as u64;
            self.uses.push(PoolUse { campaign: at, free, given: 0, missing: 0 });
        }
    }

    /// Takes a code back: the mail that it was for cannot be.
    pub fn take_back(&mut self, pass: &Pass<'a>, at: usize, code: String) {
        self.taken.remove(&folded(&code));
        if let Some(CodeSource::Pool(written)) = source(&pass.job.campaigns[at]) {
            self.back.entry(written).or_default().push_back(code);
            if let Some(used) = self.uses.last_mut() {
                used.given -= 1;
            }
        }
    }

    /// Notes how many people got no mail for want of a code of the campaign's pool.
    pub fn miss(&mut self, people: u64) {
        if let Some(used) = self.uses.last_mut().filter(|_| people > 0) {
            used.missing = people;
        }
    }

    /// A code for the customer's mail of a campaign that has codes; `None` when its pool is used up.
    pub fn give(&mut self, pass: &Pass<'a>, at: usize, customer: &str) -> Option<String> {
        let campaign = &pass.job.campaigns[at];
        let Some(CodeSource::Pool(written)) = source(campaign) else { return Some(self.make(pass, campaign, customer)) };
        let back = self.back.get_mut(written.as_str()).and_then(VecDeque::pop_front);
        let code = back.or_else(|| self.next_of(pass, written))?;
        self.taken.insert(folded(&code));
        if let Some(used) = self.uses.last_mut() {
            used.given += 1;
        }
        Some(code)
    }

    /// The next free code of a pool.
    fn next_of(&mut self, pass: &Pass<'a>, written: &'a str) -> Option<String> {
        let next = self.next.get(written).copied().unwrap_or_default();
        let codes = pool(pass, written).get(next..).unwrap_or_default();
        let found = codes.iter().position(|code| self.is_free(&folded(code)));
        self.next.insert(written, next + found.map_or(codes.len(), |found| found + 1));
        found.and_then(|found| codes.get(found)).cloned()
    }

    /// A code of its own, made from the key.
    fn make(&mut self, pass: &Pass, campaign: &Campaign, customer: &str) -> String {
        let (key, job, as_of) = (&pass.inputs.key, &pass.job.name, pass.assessed.dates.as_of);
        let mut attempt = 0;
        loop {
            let code = keys::coupon(key, job, as_of, customer, &campaign.name, attempt);
            if self.is_free(&code) {
                self.taken.insert(code.clone());
                return code;
            }
            attempt += 1;
        }
    }

    fn is_free(&self, folded: &str) -> bool {
        !self.before.contains(folded) && !self.taken.contains(folded)
    }
}

fn source(campaign: &Campaign) -> Option<&CodeSource> {
    campaign.offer.as_ref()?.code()
}

/// The codes of a pool; none of one that was not read.
fn pool<'a>(pass: &Pass<'a>, written: &str) -> &'a [String] {
    pass.inputs.pools.iter().find(|pool| pool.written == written).map_or(&[], |pool| pool.codes.as_slice())
}
