//! Opens what a run reads: the key, the templates, the lists, the purchases, the memory of earlier runs.

use super::error::Error;
use super::forgotten::{self, Marks};
use super::list::List;
use super::people::Shop;
use super::previous::{self, Before};
use super::{absent, check, stops};
use crate::domain::coupon::folded;
use crate::domain::customers::Product;
use crate::domain::job::{Language, Outline};
use crate::domain::merges::Merges;
use crate::domain::offer::CodeSource;
use crate::domain::{Job, Key, OfferRule};
use crate::features::{self, Partitions};
use crate::{job, keys, message, purchases, tables};
use chrono::NaiveDate;
use std::path::Path;
use std::sync::Arc;

/// Everything a run reads, opened and checked.
pub struct Inputs {
    pub key: Key,
    pub templates: message::Templates,
    pub shop: Shop,
    /// Coupon codes that were made elsewhere.
    pub pools: Vec<tables::Pool>,
    pub purchases: purchases::Purchases,
    pub before: Before,
    /// (relative name, digest), sorted.
    pub digests: Vec<(String, String)>,
    pub warnings: Vec<String>,
    /// Which customers are one.
    pub merges: Arc<Merges>,
}

/// Loads a job file; `runs` stands in for the job's own folder of runs.
pub fn load_job(path: &Path, runs: Option<&Path>) -> Result<Job, Error> {
    let mut job = job::load(path)?;
    if let Some(runs) = runs {
        runs.clone_into(&mut job.runs);
    }
    Ok(job)
}

/// The memory that purchases may take, and the folder for what does not fit.
pub fn room(job: &Job, folder: &Path) -> Result<features::Room, Error> {
    Ok(features::Room::new(job.memory, rayon::current_num_threads(), folder.to_owned())?)
}

/// The folder against which the job's paths are read.
pub fn base(job: &Job) -> &Path {
    job.path.parent().unwrap_or(Path::new("."))
}

/// The lists that a run reads.
#[derive(Clone, Default)]
pub struct Lists {
    pub customers: List,
    /// Sorted by id.
    pub products: Vec<Product>,
    /// (relative name, digest).
    pub digests: Vec<(String, String)>,
    pub warnings: Vec<String>,
    pub merges: Arc<Merges>,
}

/// As of when the purchases and the memory of earlier runs are read: a plan of the past knew less.
pub struct Knowledge {
    /// What the ledger noted after this instant (microseconds UTC) is not known.
    pub until: i64,
    pub lines: Option<purchases::Sieve>,
}

impl Knowledge {
    /// All that is there.
    pub const PRESENT: Self = Self { until: i64::MAX, lines: None };
}

/// Opens all inputs of a run.
pub fn open(job: &Job, as_of: NaiveDate) -> Result<Inputs, Error> {
    let key = keys::load(&job.keys, true)?;
    let lists = lists_by(job, as_of, partitions(job, as_of)?)?;
    check::columns(job, lists.customers.facts().columns.iter().map(String::as_str))?;
    let templates = templates(job, Some(&lists.customers))?;
    join(job, as_of, key, lists, templates, Knowledge::PRESENT)
}

/// The shop's key; where none was made yet, a stand-in, for those who only look: nothing that is made from it leaves.
pub fn key_to_look(job: &Job) -> Result<Key, Error> {
    match keys::load(&job.keys, false) {
        Err(keys::Error::Absent { .. }) => Ok(Key { bytes: [0; 32], id: String::new(), demo: true }),
        found => Ok(found?),
    }
}

/// Partitions in the order of ids, so that what is planned of one follows what is planned of the one before. Of the list and of the
/// purchases each has about as many as the others, which some ids of both tell. What is wrong with them tells who reads all of it.
fn partitions(job: &Job, as_of: NaiveDate) -> Result<Partitions, Error> {
    let (merges, _) = merges(job)?;
    let source = job.customers.as_ref();
    let listed = || source.and_then(|source| tables::some_ids(&List::recipe(job, source, &merges, as_of), base(job)).ok());
    let bought = || purchases(job, Arc::clone(&merges)).ok()?.some_customers(job.zone.midnight(as_of)).ok();
    let (listed, bought) = rayon::join(listed, bought);
    Ok(Partitions::by_order([listed, bought].into_iter().flatten().collect()))
}

/// Reads the customer list and the product list.
pub fn lists(job: &Job, as_of: NaiveDate) -> Result<Lists, Error> {
    lists_by(job, as_of, Partitions::default())
}

fn lists_by(job: &Job, as_of: NaiveDate, partitions: Partitions) -> Result<Lists, Error> {
    let mut lists = Lists { customers: List::none(partitions.clone()), ..Lists::default() };
    if let Some(source) = &job.customers {
        let (merges, file) = merges(job)?;
        let (customers, inputs, notes) = List::read(job, source, &merges, as_of, Marks::of(job)?.as_ref(), partitions)?;
        (lists.customers, lists.merges) = (customers, merges);
        lists.digests.extend(file);
        lists.digests.extend(inputs);
        lists.warnings.extend(list_notes(&notes, job.language));
    }
    if let Some(source) = &job.products {
        let (products, inputs) = tables::products(source, &job.currency, base(job))?;
        lists.products = products;
        lists.digests.extend(inputs);
    }
    Ok(lists)
}

/// Which customers are one, and what identifies the file that says so.
pub fn merges(job: &Job) -> Result<(Arc<Merges>, Option<tables::Input>), Error> {
    let Some(path) = job.customers.as_ref().and_then(|source| source.merged.as_ref()) else { return Ok((Arc::default(), None)) };
    let (merges, file) = tables::merges(path, base(job))?;
    Ok((Arc::new(merges), Some(file)))
}

/// Opens the purchases of customers some of whom were merged.
pub fn purchases(job: &Job, merges: Arc<Merges>) -> Result<purchases::Purchases, Error> {
    Ok(purchases::open(&job.purchases, job.zone, &job.currency, base(job))?.merging(merges))
}

/// Puts lists and templates together with the purchases and the memory of earlier runs.
pub fn join(job: &Job, as_of: NaiveDate, key: Key, lists: Lists, templates: message::Templates, known: Knowledge) -> Result<Inputs, Error> {
    let before = previous::read(job, &lists.customers, &lists.merges, as_of, known.until)?;
    assemble(job, as_of, key, lists, templates, before, known.lines)
}

/// The same with a memory of earlier runs that is at hand.
pub fn assemble(
    job: &Job,
    as_of: NaiveDate,
    key: Key,
    lists: Lists,
    templates: message::Templates,
    before: Before,
    lines: Option<purchases::Sieve>,
) -> Result<Inputs, Error> {
    let Lists { customers, products, mut digests, warnings, merges } = lists;
    let purchases = purchases(job, Arc::clone(&merges))?.through(lines);
    let past = before.past.merging(Arc::clone(&merges)).stopping(stops::listed(job)?).stopping(forgotten::stopped(job, &customers)?);
    let mut before = Before { past, ..before };
    let (pools, files) = pools(job)?;
    digests.extend(files);
    digests.extend(purchases.inputs());
    digests.sort();
    previous::refuse_given(job, &customers)?;
    let gifts = std::mem::take(&mut before.gifts);
    let warnings = job::warnings(job, as_of).into_iter().chain(warnings).collect();
    let shop = Shop { zone: job.zone, customers, products, gifts };
    Ok(Inputs { key, templates, shop, pools, purchases, before, digests, warnings, merges })
}

/// Reads the pools of coupon codes that the job names.
pub fn pools(job: &Job) -> Result<(Vec<tables::Pool>, Vec<tables::Input>), Error> {
    let written = job.campaigns.iter().filter_map(|campaign| match campaign.offer.as_ref()?.code()? {
        CodeSource::Pool(written) => Some(written.as_str()),
        CodeSource::Own | CodeSource::Fixed(_) => None,
    });
    let (pools, inputs) = tables::pools(&written.collect::<Vec<_>>(), base(job))?;
    // Whoever got the code of a pool would share it with everybody.
    for campaign in &job.campaigns {
        let Some(CodeSource::Fixed(code)) = campaign.offer.as_ref().and_then(OfferRule::code) else { continue };
        if let Some(pool) = pools.iter().find(|pool| pool.codes.iter().any(|other| folded(other) == folded(code))) {
            return Err(Error::Data(format!(
                "campaign `{}` gives the code `{code}` to everybody, and `{}` has it for one customer; take it out of one of them",
                campaign.name, pool.written
            )));
        }
    }
    Ok((pools, inputs))
}

/// What the customer list says that nobody expected, in words.
pub fn list_notes(notes: &tables::Notes, language: Language) -> Vec<String> {
    let counts = [
        (
            notes.without_id,
            "顧客リストで ID のない行（集計外）",
            ["row of the customer list without an id, left out", "rows of the customer list without an id, left out"],
        ),
        (
            notes.merged,
            "顧客リストで統合済みの旧 ID の行（新 ID の行を使用）",
            [
                "row of the customer list whose id was merged into one that has a row",
                "rows of the customer list whose id was merged into one that has a row",
            ],
        ),
        (
            notes.cleaned_addresses,
            "表記を直して使うメールアドレス",
            ["mail address that was cleaned before use", "mail addresses that were cleaned before use"],
        ),
        (
            notes.unusable_birthdays,
            "顧客リストで日付として読めない誕生日",
            ["birthday of the customer list that is no date", "birthdays of the customer list that are no dates"],
        ),
        (
            notes.unusable_since,
            "顧客リストで日付として読めない利用開始日",
            ["first visit of the customer list that is no date", "first visits of the customer list that are no dates"],
        ),
        (
            notes.unusable_points,
            "顧客リストで読めないポイントの数・失効日",
            [
                "customer of whose points the list says what is no whole number or date",
                "points of the customer list that are no whole numbers or dates",
            ],
        ),
        (
            notes.senseless_points,
            "顧客リストで次に失効するポイントが残高より多い、または期限が過ぎている方（失効の案内はしません）",
            [
                "customer of whose points the list says that more expire than there are, or on a day that is past: what expires is not told",
                "customers of whose points the list says that more expire than there are, or on a day that is past: what expires is not told",
            ],
        ),
    ];
    let counts = counts.into_iter().filter(|(count, ..)| *count > 0);
    let counts = counts
        .map(|(count, ja, en)| language.pick(format!("{ja}: {count}"), format!("{count} {}", if count == 1 { en[0] } else { en[1] })));
    let absent = notes.absent.iter().map(|absent| absent::of_exclude(absent, language));
    counts.chain(absent).chain(notes.examples().map(str::to_owned)).collect()
}

/// Loads the job's templates; with the customer list at hand its columns are known names.
pub fn templates(job: &Job, customers: Option<&List>) -> Result<message::Templates, Error> {
    let elsewhere = job::campaigns_beside(&job.path, &job.templates);
    let columns = customers.map(|list| known_names(job, list.facts().columns.iter().cloned()));
    Ok(load_templates(&Outline::of(job), &job.templates, columns, elsewhere)?.inline_css(job.inline_css))
}

/// What templates may say after `customer.`: the columns of the list, and the ways to reach people that are mapped.
pub fn known_names(job: &Job, columns: impl Iterator<Item = String>) -> Vec<String> {
    let contacts = job.customers.as_ref().map(|list| &list.contacts);
    let mapped = contacts.map(|contacts| {
        [
            ("postal_code", contacts.postal_code.is_some()),
            ("postal_address", !contacts.postal_address.is_empty()),
            ("line_id", contacts.line_id.is_some()),
            ("phone", contacts.phone.is_some()),
        ]
    });
    let roles = mapped.into_iter().flatten().filter(|(_, mapped)| *mapped).map(|(name, _)| name.to_owned());
    columns.chain(roles).collect()
}

/// Loads the templates of a folder with the job's campaigns and ranks. Without the list's columns any `customer.…` passes; folders of
/// campaigns `elsewhere` are passed over.
pub fn load_templates(
    job: &Outline,
    root: &Path,
    columns: Option<Vec<String>>,
    elsewhere: Vec<String>,
) -> Result<message::Templates, message::Error> {
    message::Templates::load(root, &job.campaigns, &job.ranks, &names(job, columns, elsewhere))
}

/// The templates of a folder for somebody who works on them; `edited` is a file and the text that it is to have.
pub fn working_templates(
    job: &Job,
    edited: Option<(&str, &str)>,
    columns: Option<Vec<String>>,
    elsewhere: Vec<String>,
) -> Result<message::Templates, message::Error> {
    let outline = Outline::of(job);
    let (names, working) = (names(&outline, columns, elsewhere), message::Working { edited });
    let templates = message::Templates::load_working(&job.templates, working, &outline.campaigns, &outline.ranks, &names)?;
    Ok(templates.inline_css(job.inline_css))
}

fn names(job: &Outline, columns: Option<Vec<String>>, elsewhere: Vec<String>) -> message::Names {
    message::Names {
        elsewhere,
        customer: columns,
        shop: job.shop.clone(),
        without_mail: job.without_mail.clone(),
        variants: job.variants.clone(),
        currency: job.currency.clone(),
        language: job.language,
    }
}

/// The same for templates that lie in no folder: their names and contents.
pub fn given_templates(job: &Job, sources: &[(String, Vec<u8>)]) -> Result<message::Templates, message::Error> {
    let outline = Outline::of(job);
    let templates = message::Templates::given(sources, &outline.campaigns, &outline.ranks, &names(&outline, None, Vec::new()))?;
    Ok(templates.inline_css(job.inline_css))
}

/// Which customers were one when the plan was made. Plans of earlier versions keep no copy of the list.
pub fn kept_merges(planned: &Job, opened: &crate::runs::Opened) -> Result<Arc<Merges>, Error> {
    let is_merged = planned.customers.as_ref().is_some_and(|source| source.merged.is_some());
    match opened.list("merged").filter(|_| is_merged) {
        Some(path) => Ok(Arc::new(tables::merges(&path, base(planned))?.0)),
        None => Ok(Arc::default()),
    }
}

/// The job as it was when the plan was made. Where to send, whom not to reach and what to stop at is today's. Of approvals the stricter
/// rule holds: neither a change of the job file nor an older plan is a way around it.
pub fn planned_job(job: &Job, opened: &crate::runs::Opened) -> Result<Job, Error> {
    planned_by(job, &opened.job_text)
}

/// The same by the copy's text.
pub fn planned_by(job: &Job, text: &str) -> Result<Job, Error> {
    let mut planned = job::load_text(&job.path, text)?;
    planned.runs.clone_from(&job.runs);
    planned.smtp.clone_from(&job.smtp);
    planned.brakes = job.brakes;
    planned.stop_files.clone_from(&job.stop_files);
    planned.approvals = planned.approvals.max(job.approvals);
    Ok(planned)
}
