//! rankmail from outside, as its users and its neighbours see it.

// Each module says that it is a test, so that its own functions may unwrap as its tests do.
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod sink;
