//! The owner's report: a plan as one page with pictures that opens offline.
//!
//! This room draws figures that were counted elsewhere. It counts no customers, reads no files and writes none.

mod figures;
mod flow;
mod page;
mod pictures;
mod whatif;
mod words;

use crate::domain::job::Language;
use crate::domain::plan::{Sample, Summary};
use crate::domain::{Currency, Zone};

/// The colours of the report and the studio, and those of the pictures of ranks.
pub const COLOURS: &str = include_str!("colours.css");
/// The picture of who moved, as a template.
pub const FLOW: &str = include_str!("flow.html");

/// The report cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the report's own template fails: {0}; this is a fault of rankmail, please report it")]
    Template(#[from] tera::Error),
}

/// The report of a plan as one HTML page without scripts or outside references. `previous` is the summary of the last adopted run,
/// `None` at the first one; of the samples the first three are shown; times are shown in the job's zone and amounts in its
/// currency.
///
/// # Errors
/// Only when the template that is compiled in is wrong.
pub fn html(
    summary: &Summary,
    previous: Option<&Summary>,
    samples: &[Sample],
    language: Language,
    zone: Zone,
    shop_name: &str,
    currency: &Currency,
) -> Result<String, Error> {
    let view = page::View::new(summary, previous, samples, language, zone, shop_name, currency);
    draw(include_str!("report.html"), &view)
}

/// Draws a page within the frame that all pages have.
fn draw(page: &str, view: &impl serde::Serialize) -> Result<String, Error> {
    let mut tera = tera::Tera::default();
    tera.add_raw_templates([("frame.html", include_str!("frame.html")), ("flow.html", FLOW), ("page.html", page)])?;
    let mut context = tera::Context::from_serialize(view)?;
    context.insert("colours", COLOURS);
    Ok(tera.render("page.html", &context)?)
}

pub use pictures::{Pictures, pictures};
pub use whatif::whatif;

#[cfg(test)]
mod tests;
