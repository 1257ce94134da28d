//! Mails that cannot be rendered.

use super::Progress;
use crate::domain::Job;
use crate::domain::job::OnRenderError;
use crate::pipeline::error::Error;

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

/// A template that fails for one customer stops the plan, unless the job says to skip such mails. A mail that breaks the law stops it
/// in any case: it is the template that is wrong, not the customer.
pub fn refuse(job: &Job, progress: &[Progress]) -> Result<(), Error> {
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
