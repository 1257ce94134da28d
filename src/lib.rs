//! rankmail: ranks customers by their purchases, chooses each rank's mails, and sends each of them once.

pub mod domain;
pub mod features;
pub mod purchases;
