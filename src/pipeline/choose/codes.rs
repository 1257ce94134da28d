//! Coupon codes for the mails of a run: made from the key, or taken from a pool in its order. No code is ever issued again, whatever became
//! of the mail that held it.

use super::Pass;
use crate::domain::Campaign;
use crate::domain::coupon::{PoolUse, folded};
use crate::domain::offer::CodeSource;
use crate::keys;
use std::collections::{HashMap, HashSet};

/// The codes of one run.
pub struct Codes<'a> {
    /// Issued by earlier runs, folded.
    before: &'a HashSet<String>,
    /// Issued in this run, and the codes that are one for all; folded.
    taken: HashSet<String>,
    /// How far each pool is used up.
    next: HashMap<&'a str, usize>,
    pub uses: Vec<PoolUse>,
}

impl<'a> Codes<'a> {
    pub fn new(pass: &Pass<'a>) -> Self {
        let fixed = pass.job.campaigns.iter().filter_map(|campaign| match campaign.offer.as_ref()?.code()? {
            CodeSource::Fixed(code) => Some(folded(code)),
            CodeSource::Own | CodeSource::Pool(_) => None,
        });
        Self { before: &pass.inputs.before.issued, taken: fixed.collect(), next: HashMap::new(), uses: Vec::new() }
    }

    /// Begins a campaign: counts what its pool still has.
    pub fn begin(&mut self, pass: &Pass<'a>, at: usize) {
        if let Some(CodeSource::Pool(written)) = source(&pass.job.campaigns[at]) {
            let next = self.next.get(written.as_str()).copied().unwrap_or_default();
            let left = pool(pass, written).iter().skip(next).filter(|code| self.is_free(&folded(code)));
            let free = left.count() as u64;
            self.uses.push(PoolUse { campaign: at, free, given: 0, missing: 0 });
        }
    }

    /// A code for the customer's mail of a campaign that has codes; `None` when its pool is used up.
    pub fn give(&mut self, pass: &Pass<'a>, at: usize, customer: &str) -> Option<String> {
        let campaign = &pass.job.campaigns[at];
        let Some(CodeSource::Pool(written)) = source(campaign) else { return Some(self.make(pass, campaign, customer)) };
        let codes = pool(pass, written);
        let mut next = self.next.get(written.as_str()).copied().unwrap_or_default();
        let mut found = None;
        while let Some(code) = codes.get(next).filter(|_| found.is_none()) {
            found = Some(code).filter(|code| self.is_free(&folded(code)));
            next += 1;
        }
        self.next.insert(written, next);
        if let Some(used) = self.uses.last_mut() {
            used.given += u64::from(found.is_some());
            used.missing += u64::from(found.is_none());
        }
        let code = found?;
        self.taken.insert(folded(code));
        Some(code.clone())
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
