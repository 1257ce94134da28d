//! Lists for other hands: who is on them, and what a printer, a call centre or an ad platform is told.

use chrono::NaiveDate;

/// For whom a list is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// A printer of letters.
    Post,
    /// LINE Official Account Manager.
    Line,
    /// Those who call.
    Call,
    /// Google Ads, Customer Match.
    Google,
    /// Meta, custom audiences.
    Meta,
    /// A house that sends gifts.
    Gifts,
}

/// One person of a campaign on a list. Empty texts are nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub customer_id: String,
    pub campaign: String,
    pub rank: String,
    pub name: String,
    pub postal_code: String,
    pub postal_address: String,
    pub line_id: String,
    pub phone: String,
    /// The mail address, where consent to mail is recorded.
    pub email: String,
    pub coupon_code: String,
    pub valid_until: Option<NaiveDate>,
    pub gift: String,
    pub last_order: Option<NaiveDate>,
    /// What the campaign's templates say to this person.
    pub message: String,
}
