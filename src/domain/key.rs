//! The shop's secret key, from which mail ids, coupon codes and opt-out tokens are made.

/// 32 random bytes. They are never printed; the id names the key without telling it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    pub bytes: [u8; 32],
    /// A short public name of the key: the first 8 hex digits of a hash of it.
    pub id: String,
    /// The file says that this key is no secret: it serves a demo and must not serve a shop.
    pub demo: bool,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Key({})", self.id)
    }
}
