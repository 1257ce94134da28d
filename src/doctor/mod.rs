//! The doctor's eyes: what receivers will see of finished mails, whether the opt-out page answers, what the DNS says of a sender.
//!
//! It sends no mail, opts nobody out and writes nothing. It does not know where mails or a page's certificates come from: those are handed in.

#[cfg_attr(not(feature = "dns"), path = "no_dns.rs")]
mod dns;
mod html;
mod letters;
mod page;

pub use dns::look_up;
pub use letters::{Sample, Shop, letters};
pub use page::{OptOutPage, opt_out};

/// What the DNS is asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sender {
    /// The domains in `from`, without doubles.
    pub from: Vec<String>,
    /// The domain of the return path; `None` where it is that of `from`.
    pub envelope: Option<String>,
    /// Who signs.
    pub signers: Vec<Signs>,
}

/// A domain that signs mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signs {
    pub domain: String,
    pub selector: String,
    /// Our public key, and how the DNS names its kind; `None` where this program cannot read it.
    pub public: Option<(&'static str, Vec<u8>)>,
}
