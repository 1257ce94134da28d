//! The studio: opens the plan and tells where its pages are.

use super::args::Common;
use super::commands::load;
use super::{Done, Signals, clock, json, page, say};
use crate::pipeline::{Error, studio};
use crate::web;
use std::path::Path;
use std::sync::Arc;

pub fn studio(common: &Common, path: &Path, listen: &str, signals: &Signals) -> Result<Done, Error> {
    let job = load(common, path)?;
    let opened = studio::open(&job, common.as_of)?;
    let as_of = opened.summary().as_of;
    // The address is the way in, so that it is told even by a quiet studio.
    let listening = |url: &str| say(&if common.json { json::studio(url, as_of) } else { page::studio(&job, url, as_of) });
    web::serve(web::Serving { studio: opened, listen, now: clock::now, ended: Arc::clone(&signals.interrupted), listening: &listening })?;
    Ok(Done::Clean)
}
