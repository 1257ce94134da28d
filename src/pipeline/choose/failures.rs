//! Mails that cannot be rendered.

use super::Progress;
use crate::domain::Job;
use crate::domain::job::OnRenderError;
use crate::pipeline::error::Error;
use std::collections::BTreeMap;

/// A mail that cannot be rendered.
pub struct Failure {
    pub customer: String,
    pub campaign: usize,
    pub trouble: Trouble,
}

/// Why a mail cannot be.
pub enum Trouble {
    /// Its template fails for this customer.
    Template(String),
    /// It would not show what the law asks for. No setting allows that.
    Unlawful(String),
}

/// How many failures a message shows.
const SHOWN: usize = 3;

/// The mails for whose sake nothing is planned: how many, and the first of them by campaign and customer.
#[derive(Default)]
pub struct Failures {
    many: usize,
    first: BTreeMap<(usize, String), Trouble>,
    any_template: bool,
}

impl Failures {
    /// Those of parts of a plan that stop it. A template that fails for one customer does, unless the job says to skip such mails. A mail
    /// that breaks the law does in any case: it is the template that is wrong, not the customer.
    pub(super) fn of<'p>(job: &Job, parts: impl Iterator<Item = &'p mut Progress>) -> Self {
        let stops = |failure: &Failure| job.on_render_error == OnRenderError::Stop || matches!(failure.trouble, Trouble::Unlawful(_));
        let mut found = Self::default();
        for failure in parts.flat_map(|part| part.failures.drain(..)).filter(stops) {
            found.many += 1;
            found.any_template |= matches!(failure.trouble, Trouble::Template(_));
            found.note((failure.campaign, failure.customer), failure.trouble);
        }
        found
    }

    fn note(&mut self, place: (usize, String), trouble: Trouble) {
        self.first.insert(place, trouble);
        if self.first.len() > SHOWN {
            self.first.pop_last();
        }
    }

    /// The same with those of other parts.
    pub fn join(&mut self, other: Self) {
        self.many += other.many;
        self.any_template |= other.any_template;
        for (place, trouble) in other.first {
            self.note(place, trouble);
        }
    }

    /// Refuses a plan that has any.
    pub fn refuse(&self, job: &Job) -> Result<(), Error> {
        if self.many == 0 {
            return Ok(());
        }
        let many = if self.many == 1 { "1 mail".to_owned() } else { format!("{} mails", self.many) };
        let mut text = format!("{many} cannot be rendered, so nothing is planned:");
        for ((campaign, customer), Trouble::Template(what) | Trouble::Unlawful(what)) in &self.first {
            text += &format!("\n\ncampaign `{}`, customer `{customer}`:\n{what}", job.campaigns[*campaign].name);
        }
        if self.many > SHOWN {
            text += &format!("\n\n… and {} more.", self.many - SHOWN);
        }
        if self.any_template {
            text += "\n\nmend the template (`{{ customer.nickname or customer.name }}` allows a missing value), or set on_render_error = \"skip\"";
        }
        Err(Error::Render(text))
    }
}
