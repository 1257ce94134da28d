//! A customer's mail address as the shop holds it, judged once, where the list is read.

use std::borrow::Cow;

/// What the customer list says about an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The field is empty.
    Missing,
    /// It cannot be an address.
    Bad,
    /// An address in the form that goes on the wire: trimmed, the domain in lower case and punycode.
    Usable {
        wire: Box<str>,
        /// It breaks RFC 5321's grammar the way old Japanese carriers allowed (`a..b@docomo.ne.jp`), or is quoted.
        irregular: bool,
    },
}

impl Address {
    /// The form in which two addresses are compared, all in lower case; `None` where nothing can be sent to.
    #[must_use]
    pub fn same(&self) -> Option<Cow<'_, str>> {
        let Self::Usable { wire, .. } = self else { return None };
        let has_capitals = wire.bytes().any(|byte| byte.is_ascii_uppercase());
        Some(if has_capitals { Cow::Owned(wire.to_ascii_lowercase()) } else { Cow::Borrowed(wire) })
    }
}
