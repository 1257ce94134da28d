//! People who must not be reached, as the shop's own lists name them.

use std::collections::HashSet;

/// Customers and addresses that get nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopList {
    pub customers: HashSet<String>,
    /// In the form in which two are compared (all in lower case).
    pub addresses: HashSet<String>,
}

impl StopList {
    /// Whether a customer with this address, in the form in which two are compared, is on it.
    #[must_use]
    pub fn holds(&self, customer_id: &str, same_address: &str) -> bool {
        self.customers.contains(customer_id) || self.addresses.contains(same_address)
    }
}

/// One who opts out, as somebody wrote it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    Customer(String),
    /// In the form in which two are compared.
    Address(String),
}
