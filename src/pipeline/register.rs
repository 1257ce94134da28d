//! Codes that rankmail made, on their way to the cart: the file to upload, and the brake of a job that demands it.

use super::error::Error;
use super::{handed_out, inputs};
use crate::domain::cells::{Cell, Sheet};
use crate::domain::money::{grouped, many};
use crate::domain::offer::{OfferKind, On};
use crate::domain::plan::{MailRow, Summary};
use crate::domain::{Job, OfferRule, Value};
use crate::{ledger, runs};
use chrono::NaiveDate;
use std::io::Write;
use std::path::Path;

/// The columns of the file, in their order.
const COLUMNS: [&str; 13] = [
    "code",
    "campaign",
    "customer_id",
    "rank",
    "kind",
    "percent",
    "amount",
    "over",
    "categories",
    "products",
    "valid_from",
    "valid_until",
    "uses",
];

/// A file that was written for the cart.
pub struct ForCart {
    pub as_of: NaiveDate,
    pub digest: String,
    pub codes: u64,
}

/// Writes the codes that rankmail made for a plan (the newest, when no date is given), and remembers that the cart can know them.
pub fn for_cart(job: &Job, as_of: Option<NaiveDate>, file: &Path, now: i64) -> Result<ForCart, Error> {
    let as_of = match as_of {
        Some(as_of) => as_of,
        None => runs::plans(&job.runs, &job.name)?
            .into_iter()
            .max()
            .ok_or_else(|| Error::Usage(format!("there is no plan of {} yet; make one: rankmail plan {}", job.name, job.path.display())))?,
    };
    let opened = runs::open(&runs::folder(&job.runs, &job.name, as_of))?;
    let planned = inputs::planned_job(job, &opened)?;
    let mut sheet = Sheet::for_people();
    sheet.row(&COLUMNS.map(Cell::Text));
    let mut codes = 0;
    for mail in opened.mails()? {
        let mail = mail?;
        if let Some(code) = own_code(&planned, &mail) {
            row(&mut sheet, &planned, as_of, code, &mail)?;
            codes += 1;
        }
    }
    let unwritable = |source| Error::File { path: file.to_owned(), source };
    let mut out = handed_out::create(job, file)?;
    out.write_all(sheet.take().as_bytes()).map_err(unwritable)?;
    out.finish()?;
    let digest = opened.summary.digest.clone();
    let mut ledger = ledger::Ledger::open(&job.runs.join("ledger.sqlite"))?;
    ledger.register_codes(&ledger::Registered { job: job.name.clone(), as_of, digest: digest.clone(), codes, at: now })?;
    Ok(ForCart { as_of, digest, codes })
}

/// The code of a mail, if rankmail made it.
fn own_code<'m>(planned: &Job, mail: &'m MailRow) -> Option<&'m str> {
    let campaign = planned.campaigns.iter().find(|campaign| campaign.name == mail.campaign);
    let makes = campaign.and_then(|campaign| campaign.offer.as_ref()).is_some_and(OfferRule::makes_codes);
    mail.coupon_code.as_deref().filter(|_| makes)
}

fn row(sheet: &mut Sheet, planned: &Job, as_of: NaiveDate, code: &str, mail: &MailRow) -> Result<(), Error> {
    let values = runs::values_read(&mail.values)?;
    let offered = |name: &str| values.get("offer").and_then(|offer| offer.get(name));
    let money = |name: &str| match offered(name) {
        Some(Value::Int(minor)) => Some(planned.currency.plain(*minor)),
        _ => None,
    };
    let percent = match offered("percent") {
        Some(Value::Int(percent)) => Some(percent.to_string()),
        Some(Value::Float(percent)) => Some(percent.to_string()),
        _ => None,
    };
    let (amount, over) = (money("amount"), money("over"));
    let on =
        planned.campaigns.iter().find(|campaign| campaign.name == mail.campaign).and_then(|campaign| on(&campaign.offer.as_ref()?.kind));
    let list = |pick: fn(&On) -> &[String]| on.map(|on| pick(on).join("|")).filter(|names| !names.is_empty());
    let (categories, products) = (list(|on| &on.category), list(|on| &on.product));
    sheet.row(&[
        Cell::Text(code),
        Cell::Text(&mail.campaign),
        Cell::Text(&mail.customer_id),
        Cell::maybe(mail.rank.as_deref()),
        Cell::maybe(mail.offer.as_deref()),
        Cell::maybe(percent.as_deref()),
        Cell::maybe(amount.as_deref()),
        Cell::maybe(over.as_deref()),
        Cell::maybe(categories.as_deref()),
        Cell::maybe(products.as_deref()),
        Cell::Day(as_of),
        Cell::day(mail.valid_until),
        Cell::Number(1),
    ]);
    Ok(())
}

fn on(kind: &OfferKind) -> Option<&On> {
    match kind {
        OfferKind::Coupon { on, .. } => on.as_ref(),
        _ => None,
    }
}

/// The brake `codes` of a plan with so many codes that rankmail made: a job that demands it sends no code that its cart cannot know.
pub fn brake(job: &Job, ledger: Option<&ledger::Ledger>, summary: &Summary, own: usize) -> Result<Option<(String, String)>, Error> {
    if !job.register_codes || own == 0 {
        return Ok(None);
    }
    let known = ledger.map(|ledger| ledger.codes_registered(&job.name, summary.as_of, &summary.digest)).transpose()?;
    let count = grouped(own as u64);
    let seen = || {
        job.language.pick(
            format!("自動で作ったコード {count} 件がカートに未登録です。rankmail coupons JOB --for-cart FILE で書き出して取り込んでください"),
            format!(
                "the cart cannot know {} that rankmail made; write what it must know with `rankmail coupons JOB --for-cart FILE` and upload that",
                many(own as u64, "code", "codes")
            ),
        )
    };
    Ok((known != Some(true)).then(|| ("codes".to_owned(), seen())))
}
