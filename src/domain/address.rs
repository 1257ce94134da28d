//! A customer's mail address as the shop holds it, judged once, where the list is read.

/// What the customer list says about an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The field is empty.
    Missing,
    /// It cannot be an address.
    Bad,
    /// An address in the form that goes on the wire: trimmed, the domain in lower case and punycode.
    Usable {
        wire: String,
        /// The form in which two addresses are compared: all in lower case.
        same: String,
        /// It breaks RFC 5321's grammar the way old Japanese carriers allowed (`a..b@docomo.ne.jp`), or is quoted.
        irregular: bool,
    },
}
