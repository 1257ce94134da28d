//! A template that somebody works on, tried on people of the plan with the values that are stored there.

use super::Studio;
use crate::domain::plan::MailRow;
use crate::domain::{Channel, Value};
use crate::pipeline::{Error, inputs};
use crate::{job as job_room, message, runs};
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// No mail may take longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// A text is tried on so many mails of its campaign beside the one that is shown.
const TRIED: usize = 200;
/// So many of them also where they are slow, and the others as long as whoever writes does not notice.
const SURELY: usize = 20;
const GLANCE: Duration = Duration::from_millis(50);
/// Customers that are named for one error.
pub(super) const NAMED: usize = 5;

/// A telephone shows lines of so many columns without turning them over: a caret stands below what it means.
const COLUMNS: usize = 38;
/// Values that cost a second look at the purchases: a plan has them where one of its templates used them.
const ASKED_FOR: [&str; 3] = ["last_order.items", "last_order.store", "metrics.usual_interval"];

/// What came of a text.
#[derive(Default)]
pub struct Preview {
    /// The mail; `None` where there are errors.
    pub mail: Option<Shown>,
    /// Errors with file, line and caret.
    pub problems: Vec<String>,
    /// Where the templates cannot be read: then that is everybody's. Else [`Studio::failing`] tells, which takes its time.
    pub failing: Option<Failing>,
    /// It is yet to be tried on others.
    pub is_untried: bool,
    /// Values that the templates ask for now, and that are not in the plan since none of its own did.
    pub unplanned: Vec<&'static str>,
}

/// Mails that cannot be rendered, of those that were tried.
pub struct Failing {
    /// The first customers.
    pub first: Vec<String>,
    pub count: usize,
    pub of: usize,
    /// What is wrong with the first of them, with file, line and caret; where that is not told of the mail that is shown.
    pub told: Option<String>,
}

/// A mail as the templates would make it now.
pub struct Shown {
    pub subject: String,
    pub preheader: Option<String>,
    pub html: String,
    pub text: String,
    /// It is the mail that is planned.
    pub is_planned: bool,
}

/// Mails of one campaign with their values.
pub(super) type Tried = (String, Arc<Vec<(MailRow, Value)>>);

impl Studio {
    /// The values of a customer's mail, as templates name them.
    ///
    /// # Errors
    /// There is no such mail.
    pub fn samples(&self, customer: &str, campaign: &str) -> Result<Vec<message::Sample>, Error> {
        let (_, mail) = self.row(customer, campaign)?;
        let mut samples = message::Possible::default().samples(&runs::values_read(&mail.values)?);
        let shop = self.job.shop.iter().map(|(name, value)| (format!("shop.{name}"), Some(value.clone())));
        samples.extend(shop);
        Ok(samples)
    }

    /// The campaign whose mails show best what a template is: its own, or the first with mails that has a customer.
    ///
    /// # Errors
    /// The plan cannot be read.
    pub fn shown_with(&self, file: &str) -> Result<Option<(String, String)>, Error> {
        let campaigns = &self.summary().campaigns;
        let own = file.split_once('/').and_then(|(top, _)| campaigns.iter().find(|name| *name == top));
        // Its own or none: a mail of another campaign would not show it.
        let wanted: Vec<&String> = if own.is_some() { own.into_iter().collect() } else { campaigns.iter().collect() };
        for campaign in wanted {
            if let Some(customer) = self.first_of(campaign)? {
                return Ok(Some((campaign.clone(), customer)));
            }
        }
        Ok(None)
    }

    /// Renders a customer's mail with the templates as they are on the disk, but one file with this text.
    ///
    /// # Errors
    /// There is no such mail. What is wrong with templates is no error here.
    pub fn preview(&self, customer: &str, campaign: &str, edited: Option<(&str, &str)>) -> Result<Preview, Error> {
        let (_, mail) = self.row(customer, campaign)?;
        let values = runs::values_read(&mail.values)?;
        let templates = match self.working(edited, Some(&values)) {
            Ok(templates) => templates,
            Err(message::Error::Problems(problems)) => {
                let problems = problems.iter().filter(|problem| problem.severity == message::Severity::Error);
                let problems = problems.map(|problem| self.told_of(problem)).collect();
                return Ok(Preview { problems, failing: self.all_failing(campaign)?, ..Preview::default() });
            }
            Err(error) => return Err(self.unreadable(error)),
        };
        let planned = self.writer.templates();
        let is_unplanned = |path: &&str| templates.uses(campaign, path) && !planned.uses(campaign, path) && lacks(&values, path);
        let unplanned = ASKED_FOR.into_iter().filter(is_unplanned).collect();
        let (mail, problems) = match self.tried(&templates, &mail, &values) {
            Ok(content) => {
                let is_planned = message::hash(&mail.address, &content) == mail.content_hash;
                let message::Content { subject, preheader, html, text, .. } = content;
                (Some(Shown { subject, preheader, html, text, is_planned }), Vec::new())
            }
            Err(Failure { told, .. }) => (None, vec![told]),
        };
        Ok(Preview { mail, problems, failing: None, is_untried: true, unplanned })
    }

    /// Tries the same templates on others of the campaign, until `is_over`: for whom they fail. Slow templates take seconds for that.
    ///
    /// # Errors
    /// As for `preview`.
    pub fn failing(
        &self,
        customer: &str,
        campaign: &str,
        edited: Option<(&str, &str)>,
        is_over: &AtomicBool,
    ) -> Result<Option<Failing>, Error> {
        let (_, mail) = self.row(customer, campaign)?;
        let values = runs::values_read(&mail.values)?;
        let templates = match self.working(edited, Some(&values)) {
            Ok(templates) => templates,
            Err(message::Error::Problems(_)) => return self.all_failing(campaign),
            Err(error) => return Err(self.unreadable(error)),
        };
        let others = self.some_of(campaign)?;
        let began = Instant::now();
        let is_in_time = |at: usize| !is_over.load(Ordering::Relaxed) && began.elapsed() < if at < SURELY { PATIENCE } else { GLANCE };
        let in_time = others.par_iter().enumerate().filter(|(at, _)| is_in_time(*at));
        let tried: Vec<(&MailRow, Option<String>)> =
            in_time.map(|(_, (mail, values))| (mail, self.tried(&templates, mail, values).err().map(|failure| failure.told))).collect();
        let failing: Vec<(&MailRow, &String)> = tried.iter().filter_map(|(mail, told)| Some((*mail, told.as_ref()?))).collect();
        let Some((_, first)) = failing.first() else { return Ok(None) };
        // What is wrong with the mail that is shown stands there already.
        let shown = self.tried(&templates, &mail, &values).err().map(|failure| failure.told);
        Ok(Some(Failing {
            first: failing.iter().take(NAMED).map(|(mail, _)| mail.customer_id.clone()).collect(),
            count: failing.len(),
            of: tried.len(),
            told: shown.map_or_else(|| Some(*first), |shown| failing.iter().map(|(_, told)| *told).find(|told| **told != shown)).cloned(),
        }))
    }

    /// What cannot be read makes nobody's mail.
    fn all_failing(&self, campaign: &str) -> Result<Option<Failing>, Error> {
        let others = self.some_of(campaign)?;
        let first = others.iter().take(NAMED).map(|(mail, _)| mail.customer_id.clone()).collect();
        Ok(Some(Failing { first, count: others.len(), of: others.len(), told: None }))
    }

    /// What is wrong with the templates; of a part that is not there also where it is looked for, and what to do.
    fn told_of(&self, problem: &message::Problem) -> String {
        let (file, path) = (&problem.file, self.job.templates.join(&problem.file));
        if problem.line > 0 || path.exists() {
            return problem.show_within(COLUMNS);
        }
        // Without its folder it cannot be saved.
        let (ja, en) = if self.removed(file).is_some_and(|removed| removed.may_be_made) {
            ("元に戻すか、このファイルのページで書いて保存してください", ", or write it on its page and save it")
        } else {
            ("元に戻してください", "")
        };
        let (path, why) = (path.display(), &problem.message);
        self.job.language.pick(
            format!("{file} がありません。場所: {path}\n{ja}。"),
            format!("{why}\nIt is looked for at {path}: put `{file}` back{en}."),
        )
    }

    /// That the template folder cannot be read; one that is not there is told as that.
    pub(super) fn unreadable(&self, error: message::Error) -> Error {
        if self.job.templates.is_dir() { error.into() } else { super::templates::gone(&self.job) }
    }

    /// The job's templates as they are on the disk, but one file with this text.
    pub(super) fn working(&self, edited: Option<(&str, &str)>, values: Option<&Value>) -> Result<message::Templates, message::Error> {
        let columns = match values.and_then(|values| values.get("customer")) {
            Some(Value::Record(fields)) => Some(fields.iter().map(|(name, _)| name.to_string()).collect()),
            _ => None,
        };
        let elsewhere = job_room::campaigns_beside(&self.job.path, &self.job.templates);
        inputs::working_templates(&self.job, edited, columns, elsewhere)
    }

    /// Renders one mail and looks for what the law asks, as planning does.
    pub(super) fn tried(&self, templates: &message::Templates, mail: &MailRow, values: &Value) -> Result<message::Content, Failure> {
        let shop = &self.job.shop;
        let (variant, rank) = (mail.variant.as_deref(), mail.rank.as_deref());
        let content = message::within(PATIENCE, || templates.render(&mail.campaign, variant, rank, values, shop)).map_err(|error| {
            let told = templates.problem(&error).show_within(COLUMNS);
            Failure { told, place: (error.file, error.line, error.message) }
        })?;
        let link = match values.get("links").and_then(|links| links.get("unsubscribe")) {
            Some(Value::Text(link)) => link.as_str(),
            _ => "",
        };
        match message::Law::of(shop).holds(&content, link) {
            Err(told) if mail.channel == Channel::Mail => {
                let said = self.job.language.pick(
                    format!("法律で求められる店名・住所・連絡先・配信停止のリンクのどれかが、メールにありません。\n{told}"),
                    format!("error: {told}"),
                );
                Err(Failure { told: said, place: (mail.campaign.clone(), 0, told) })
            }
            _ => Ok(content),
        }
    }

    /// Some mails of a campaign with their values: the first ones, kept from one keystroke to the next.
    fn some_of(&self, campaign: &str) -> Result<Arc<Vec<(MailRow, Value)>>, Error> {
        let mut kept = self.some.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, mails)) = kept.as_ref().filter(|(name, _)| name == campaign) {
            return Ok(Arc::clone(mails));
        }
        let mut mails = Vec::new();
        if let Some(first) = self.rows_of(campaign)?.first() {
            for mail in self.opened.mails_from(*first as usize)?.take(TRIED * 20) {
                let mail = mail?;
                if mail.campaign == campaign {
                    let values = runs::values_read(&mail.values)?;
                    mails.push((mail, values));
                }
                if mails.len() == TRIED {
                    break;
                }
            }
        }
        let mails = Arc::new(mails);
        *kept = Some((campaign.to_owned(), Arc::clone(&mails)));
        Ok(mails)
    }
}

/// Whether a path leads to nothing in a mail's values.
fn lacks(values: &Value, path: &str) -> bool {
    path.split('.').try_fold(values, |value, name| value.get(name)).is_none_or(|value| *value == Value::Null)
}

/// Why a mail cannot be rendered.
pub(super) struct Failure {
    /// With file, line and caret.
    pub told: String,
    /// File, line and what is wrong: the same for all whom one error hits.
    pub place: (String, usize, String),
}
