//! The studio: local pages on a plan, for the marketer. A face like `cli`: it knows `pipeline` and `domain`, and the only place where
//! something waits without a thread of its own.
//!
//! `serve` opens the door, `safety` says who comes in, each page has a file with its routes, and whatever reads or computes is a plain
//! function of `pipeline`, called on a thread that may block ([`State::page`]). Nothing here sends a mail to a customer.

mod approve;
mod asked;
mod attempt;
mod audience;
mod changes;
mod door;
mod editor;
mod editor_words;
mod events;
mod failing;
mod framed;
mod home;
mod mail;
mod page;
mod people;
mod person;
mod person_past;
mod person_rank;
mod preview;
mod safety;
mod saving;
mod serve;
mod sheet;
mod state;
mod statics;
mod templates;
mod watch;
mod words;

pub use serve::{Serving, serve};

use axum::{Router, middleware};
use state::State;
use std::sync::Arc;

type Routes = Router<Arc<State>>;

/// All pages, below the token.
fn pages(state: &Arc<State>) -> Routes {
    let ledger = Router::new().merge(audience::routes()).merge(person::routes()).merge(approve::routes()).merge(changes::routes());
    Router::new()
        .merge(ledger.route_layer(middleware::from_fn_with_state(Arc::clone(state), safety::in_turn)))
        .merge(people::routes())
        .merge(home::routes())
        .merge(events::routes())
        .merge(mail::routes())
        .merge(templates::routes())
        .merge(editor::routes())
        .merge(preview::routes())
        .merge(saving::routes())
        .merge(attempt::routes())
        .merge(statics::routes())
}
