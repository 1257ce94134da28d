//! Stop lists while a run is sent: looked at again within the transaction that claims, at most once a second.

use super::{Error, Ledger, Result};
use crate::domain::stop::StopList;

/// Tells the lists when they are not as they were at the last call; what went wrong in words.
pub type Look = Box<dyn FnMut() -> std::result::Result<Option<StopList>, String> + Send>;

/// Microseconds between two looks.
const GLANCE: i64 = 1_000_000;
/// A list that is being written cannot be read for a moment. What cannot be read for so many looks is a fault.
const MOST_FAILURES: u32 = 5;

/// The lists as they were last read.
#[derive(Default)]
pub(super) struct Stops {
    list: StopList,
    look: Option<Look>,
    /// Microseconds UTC.
    looked_at: i64,
    failures: u32,
}

impl std::fmt::Debug for Stops {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Stops").field("looked_at", &self.looked_at).finish_non_exhaustive()
    }
}

impl Stops {
    /// Looks at the lists again where it is time to. While they cannot be read, those read before hold.
    pub(super) fn refresh(&mut self, now: i64) -> Result<()> {
        let Some(look) = &mut self.look else { return Ok(()) };
        if (0..GLANCE).contains(&now.saturating_sub(self.looked_at)) {
            return Ok(());
        }
        self.looked_at = now;
        match look() {
            Ok(changed) => {
                self.failures = 0;
                self.list = changed.unwrap_or_else(|| std::mem::take(&mut self.list));
            }
            Err(why) if self.failures >= MOST_FAILURES => return Err(Error::StopList { why }),
            Err(_) => self.failures += 1,
        }
        Ok(())
    }

    pub(super) fn holds(&self, customer_id: &str, same_address: &str) -> bool {
        self.list.holds(customer_id, same_address)
    }
}

impl Ledger {
    /// Claims nothing any more for those on stop lists, which may change from now on.
    ///
    /// # Errors
    /// The lists cannot be read now.
    pub fn obey(&mut self, mut look: Look, now: i64) -> Result<()> {
        let list = look().map_err(|why| Error::StopList { why })?.unwrap_or_default();
        self.stops = Stops { list, look: Some(look), looked_at: now, failures: 0 };
        Ok(())
    }
}
