//! How a long step tells how far it is, without knowing who looks.

/// A long step of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Read,
    Render,
    Send,
    /// For deferred mails; in seconds.
    Wait,
}

/// Told now and then: the step, what is done and how much there is.
pub type Watch<'a> = dyn Fn(Step, u64, u64) + Sync + 'a;

/// Nobody looks.
pub fn unwatched(_: Step, _: u64, _: u64) {}
