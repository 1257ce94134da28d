//! The queue of mails that are due: no faster than the job says, and no domain that is slow or refuses holds up the others.

use crate::delivery;
use crate::domain::Outcome;
use crate::domain::delivery::Enhanced;
use crate::domain::job::SmtpSettings;
use crate::domain::pace::{DomainPace, Pace};
use crate::domain::plan::MailRow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// A thread that wakes too late may make up for so much, so that a pace is kept on a busy machine too.
const SLACK: Duration = Duration::from_millis(100);
/// How often somebody who waits for another's mail to end looks again.
const GLANCE: Duration = Duration::from_millis(10);
/// A domain that refuses so many mails in a row is left alone for a while.
const REFUSALS: u32 = 10;
/// The first and the longest pause of such a domain.
const PAUSES: (Duration, Duration) = (Duration::from_mins(5), Duration::from_hours(1));
/// Nobody leaves for a pause that is over so soon.
const SHORT: Duration = Duration::from_secs(10);

/// What a connection may do now.
#[derive(Debug, PartialEq)]
pub enum Next<'a> {
    /// These, at most as many as were asked for.
    Mails(Vec<&'a MailRow>),
    /// Nothing before so long.
    Wait(Duration),
    /// Nothing is left, or only mails of domains that are left alone for a while.
    Nothing,
}

/// All mails of a sending that are due and not under way.
#[derive(Debug, Default)]
pub struct Lanes<'a> {
    whole: Beat,
    due: VecDeque<&'a MailRow>,
    by_domain: BTreeMap<String, Lane<'a>>,
    /// Lanes in which mails were set aside.
    aside: BTreeSet<String>,
}

/// One receiving domain.
#[derive(Debug, Default)]
struct Lane<'a> {
    aside: VecDeque<&'a MailRow>,
    beat: Beat,
    /// How many may be under way at once.
    most: Option<usize>,
    under_way: usize,
    /// In a row.
    refusals: u32,
    pauses: u32,
    breaks: u32,
    paused_until: Option<Instant>,
}

/// A token bucket of one token: the time at which the next mail may leave.
#[derive(Debug, Default, Clone, Copy)]
struct Beat {
    interval: Duration,
    next: Option<Instant>,
}

impl Beat {
    fn of(pace: Option<Pace>) -> Self {
        Self { interval: pace.map_or(Duration::ZERO, Pace::interval), next: None }
    }

    fn wait(&self, now: Instant) -> Duration {
        self.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now))
    }

    fn spend(&mut self, now: Instant) {
        if !self.interval.is_zero() {
            let earliest = now.checked_sub(SLACK).unwrap_or(now);
            self.next = Some(self.next.map_or(now, |next| next.max(earliest)) + self.interval);
        }
    }
}

impl Lane<'_> {
    fn pause(&self, now: Instant) -> Duration {
        self.paused_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// How long its next mail has to wait.
    fn wait(&self, now: Instant) -> Duration {
        let others = if self.most.is_some_and(|most| self.under_way >= most) { GLANCE } else { Duration::ZERO };
        self.pause(now).max(self.beat.wait(now)).max(others)
    }

    /// Learns from what came of a mail. A pause is told by the first of several mails that were under way.
    fn learn(&mut self, outcome: &Outcome, now: Instant) {
        let is_paused = !self.pause(now).is_zero();
        match outcome {
            Outcome::Accepted { .. } => (self.refusals, self.pauses, self.breaks) = (0, 0, 0),
            _ if is_paused => {}
            // The connection broke: some domains say so that they are in a hurry for nobody.
            Outcome::Deferred { code: None, .. } => {
                self.paused_until = Some(now + delivery::pause(self.breaks, u64::from(std::process::id())));
                self.breaks = self.breaks.saturating_add(1);
            }
            _ if is_about_us(outcome) => {
                self.refusals += 1;
                if self.refusals >= REFUSALS {
                    self.paused_until = Some(now + PAUSES.0.saturating_mul(2_u32.saturating_pow(self.pauses)).min(PAUSES.1));
                    self.pauses = self.pauses.saturating_add(1);
                    // After the pause one more refusal begins the next.
                    self.refusals = REFUSALS - 1;
                }
            }
            _ => {}
        }
    }
}

/// Whether a refusal is about the sender or the amount, and not about one person: every 4xx, and a 5xx whose enhanced code speaks of
/// policy (x.7.x). An unknown user or a full box is nothing to slow down for; too many of them pull the brake `failures`.
fn is_about_us(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Deferred { .. } => true,
        Outcome::Rejected { reply, .. } => Enhanced::of_reply(reply).is_some_and(|code| code.subject == 7),
        _ => false,
    }
}

/// The domain of an address, as it is compared.
fn domain(mail: &MailRow) -> String {
    mail.address.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase()
}

impl<'a> Lanes<'a> {
    /// Without `[mail.smtp]`, and for the outbox, nothing holds mails up.
    pub fn new(smtp: Option<&SmtpSettings>) -> Self {
        let per_domain: &[DomainPace] = smtp.map_or(&[], |smtp| &smtp.per_domain);
        let lane = |rule: &DomainPace| Lane { beat: Beat::of(rule.pace), most: rule.connections, ..Lane::default() };
        let by_domain = per_domain.iter().map(|rule| (rule.domain.clone(), lane(rule))).collect();
        Self { whole: Beat::of(smtp.and_then(|smtp| smtp.pace)), by_domain, ..Self::default() }
    }

    /// Begins anew with these; what was learnt of the domains stays.
    pub fn fill(&mut self, due: Vec<&'a MailRow>) {
        self.due = due.into();
        self.aside.clear();
        for lane in self.by_domain.values_mut() {
            lane.aside.clear();
            lane.under_way = 0;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.due.is_empty() && self.aside.is_empty()
    }

    /// Takes mails that may leave now.
    pub fn take(&mut self, count: usize, now: Instant) -> Next<'a> {
        let mut taken = Vec::new();
        while taken.len() < count {
            match self.find(now) {
                Ok((name, mail)) => taken.push(self.leave(&name, mail, now)),
                Err(next) if taken.is_empty() => return next,
                Err(_) => break,
            }
        }
        Next::Mails(taken)
    }

    /// The answer of `take`, with nothing taken.
    pub fn look(&mut self, now: Instant) -> Next<'a> {
        match self.find(now) {
            Ok((name, mail)) => {
                self.by_domain.entry(name.clone()).or_default().aside.push_front(mail);
                self.aside.insert(name);
                Next::Mails(vec![mail])
            }
            Err(next) => next,
        }
    }

    /// The next mail that may leave now, and its domain.
    fn find(&mut self, now: Instant) -> Result<(String, &'a MailRow), Next<'a>> {
        let wait = self.whole.wait(now);
        if !wait.is_zero() {
            return Err(Next::Wait(wait));
        }
        let free = self.aside.iter().find(|name| self.by_domain.get(*name).is_some_and(|lane| lane.wait(now).is_zero())).cloned();
        if let Some(name) = free
            && let Some(mail) = self.by_domain.get_mut(&name).and_then(|lane| lane.aside.pop_front())
        {
            return Ok((name, mail));
        }
        while let Some(mail) = self.due.pop_front() {
            let name = domain(mail);
            let lane = self.by_domain.entry(name.clone()).or_default();
            if lane.aside.is_empty() && lane.wait(now).is_zero() {
                return Ok((name, mail));
            }
            lane.aside.push_back(mail);
            self.aside.insert(name);
        }
        let waits = self.aside.iter().filter_map(|name| self.by_domain.get(name)).map(|lane| lane.wait(now));
        Err(waits.min().filter(|wait| *wait <= SHORT || !self.is_paused(now)).map_or(Next::Nothing, Next::Wait))
    }

    fn leave(&mut self, name: &str, mail: &'a MailRow, now: Instant) -> &'a MailRow {
        self.whole.spend(now);
        if let Some(lane) = self.by_domain.get_mut(name) {
            lane.beat.spend(now);
            lane.under_way += 1;
            if lane.aside.is_empty() {
                self.aside.remove(name);
            }
        }
        mail
    }

    /// Whether every domain that has mails left is left alone for a while.
    fn is_paused(&self, now: Instant) -> bool {
        let mut lanes = self.aside.iter().filter_map(|name| self.by_domain.get(name));
        lanes.all(|lane| !lane.pause(now).is_zero())
    }

    /// In how long the first domain that was left alone may be tried again.
    pub fn resumes(&self, now: Instant) -> Option<Duration> {
        self.aside.iter().filter_map(|name| self.by_domain.get(name)).map(|lane| lane.pause(now)).min()
    }

    /// A mail that was taken has come to an end, or was not sent after all.
    pub fn ended(&mut self, mail: &MailRow, outcome: Option<&Outcome>, now: Instant) {
        if let Some(lane) = self.by_domain.get_mut(&domain(mail)) {
            lane.under_way = lane.under_way.saturating_sub(1);
            if let Some(outcome) = outcome {
                lane.learn(outcome, now);
            }
        }
    }

    /// Puts a mail back that nothing has happened to.
    pub fn put_back(&mut self, mail: &'a MailRow, now: Instant) {
        self.ended(mail, None, now);
        self.due.push_back(mail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Channel;

    fn mail(address: &str) -> MailRow {
        MailRow {
            mail_id: address.into(),
            customer_id: "c".into(),
            rank: None,
            campaign: "letter".into(),
            variant: None,
            occasion: "2026-12".into(),
            channel: Channel::Mail,
            address: address.into(),
            subject: String::new(),
            offer: None,
            coupon_code: None,
            valid_until: None,
            exposure: 0,
            content_hash: [0; 32],
            values: String::new(),
        }
    }

    fn lanes<'a>(pace: Option<Pace>, domains: &[(&str, Option<Pace>, Option<usize>)], mails: &'a [MailRow]) -> Lanes<'a> {
        let lane = |(name, pace, most): &(&str, Option<Pace>, Option<usize>)| {
            ((*name).to_owned(), Lane { beat: Beat::of(*pace), most: *most, ..Lane::default() })
        };
        let mut lanes = Lanes { whole: Beat::of(pace), by_domain: domains.iter().map(lane).collect(), ..Lanes::default() };
        lanes.fill(mails.iter().collect());
        lanes
    }

    fn taken(next: Next) -> String {
        match next {
            Next::Mails(mails) => mails.iter().map(|mail| mail.address.as_str()).collect::<Vec<_>>().join(" "),
            Next::Wait(time) => format!("wait {time:?}"),
            Next::Nothing => "nothing".into(),
        }
    }

    fn deferred(code: Option<u16>) -> Outcome {
        Outcome::Deferred { code, reply: "451 later".into() }
    }

    #[test]
    fn without_limits_mails_leave_in_their_order() {
        let mails = ["a@x.jp", "b@y.jp", "c@x.jp"].map(mail);
        let mut lanes = lanes(None, &[], &mails);
        let now = Instant::now();
        assert_eq!(taken(lanes.take(2, now)), "a@x.jp b@y.jp");
        assert_eq!(taken(lanes.take(2, now)), "c@x.jp");
        assert!(lanes.is_empty());
        assert_eq!(taken(lanes.take(2, now)), "nothing");
    }

    #[test]
    fn a_slow_domain_does_not_hold_up_the_others() {
        let mails = ["a@docomo.ne.jp", "b@DoCoMo.ne.jp", "c@x.jp", "d@docomo.ne.jp"].map(mail);
        let mut lanes = lanes(None, &[("docomo.ne.jp", Some(Pace { mails: 10, seconds: 1 }), None)], &mails);
        let now = Instant::now();
        assert_eq!(taken(lanes.take(1, now)), "a@docomo.ne.jp");
        assert_eq!(taken(lanes.take(1, now)), "c@x.jp");
        assert_eq!(taken(lanes.take(1, now)), "wait 100ms");
        let later = now + Duration::from_millis(100);
        assert_eq!(taken(lanes.take(3, later)), "b@DoCoMo.ne.jp");
        assert_eq!(taken(lanes.take(1, later + Duration::from_millis(100))), "d@docomo.ne.jp");
    }

    #[test]
    fn a_pace_is_kept_over_all_domains_and_does_not_save_up() {
        let mails: Vec<MailRow> = (0..200).map(|number| mail(&format!("{number}@x{number}.jp"))).collect();
        let mut lanes = lanes(Some(Pace { mails: 50, seconds: 1 }), &[], &mails);
        let start = Instant::now();
        let mut count = 0;
        for tick in 0..100 {
            while let Next::Mails(_) = lanes.take(1, start + Duration::from_millis(10 * tick)) {
                count += 1;
            }
        }
        assert_eq!(count, 50, "in one second");
        let late = start + Duration::from_mins(1);
        let mut burst = 0;
        while let Next::Mails(_) = lanes.take(1, late) {
            burst += 1;
        }
        assert!(burst <= 6, "{burst} at once after a minute without any");
    }

    #[test]
    fn a_domain_has_so_many_under_way() {
        let mails = ["a@x.jp", "b@x.jp", "c@y.jp"].map(mail);
        let mut lanes = lanes(None, &[("x.jp", None, Some(1))], &mails);
        let now = Instant::now();
        assert_eq!([taken(lanes.take(1, now)), taken(lanes.look(now))], ["a@x.jp", "c@y.jp"]);
        assert_eq!([taken(lanes.look(now)), taken(lanes.take(1, now))], ["c@y.jp", "c@y.jp"]);
        assert_eq!(taken(lanes.take(1, now)), "wait 10ms");
        lanes.ended(&mails[0], Some(&deferred(Some(451))), now);
        assert_eq!(taken(lanes.take(1, now)), "b@x.jp");
        lanes.put_back(&mails[1], now);
        assert_eq!(taken(lanes.take(1, now)), "b@x.jp");
    }

    #[test]
    fn a_domain_that_refuses_us_is_left_alone_and_the_others_go_on() {
        let policy = Outcome::Rejected { code: 554, reply: "554 5.7.1 too many".into() };
        for refusal in [deferred(Some(421)), policy] {
            let mut mails: Vec<MailRow> = (0..12).map(|number| mail(&format!("{number}@x.jp"))).collect();
            mails.push(mail("a@y.jp"));
            let mut lanes = lanes(None, &[], &mails);
            let now = Instant::now();
            for number in 0..REFUSALS {
                assert_eq!(taken(lanes.take(1, now)), format!("{number}@x.jp"));
                lanes.ended(&mails[number as usize], Some(&refusal), now);
            }
            assert_eq!([taken(lanes.take(1, now)), taken(lanes.take(1, now))], ["a@y.jp", "nothing"]);
            assert_eq!((lanes.is_empty(), lanes.resumes(now)), (false, Some(PAUSES.0)));
            let later = now + PAUSES.0;
            assert_eq!(taken(lanes.take(1, later)), "10@x.jp");
            lanes.ended(&mails[10], Some(&refusal), later);
            assert_eq!((taken(lanes.take(1, later)), lanes.resumes(later)), ("nothing".into(), Some(PAUSES.0 * 2)));
        }
    }

    #[test]
    fn unknown_users_and_full_boxes_are_no_reason_to_stop() {
        let mails: Vec<MailRow> = (0..30).map(|number| mail(&format!("{number}@docomo.ne.jp"))).collect();
        let mut lanes = lanes(None, &[], &mails);
        let now = Instant::now();
        for (number, code) in (0..30).zip([550, 552].into_iter().cycle()) {
            assert_eq!(taken(lanes.take(1, now)), format!("{number}@docomo.ne.jp"));
            lanes.ended(&mails[number], Some(&Outcome::Rejected { code, reply: format!("{code} 5.1.1 no") }), now);
        }
    }

    #[test]
    fn a_broken_connection_slows_its_domain_once() {
        let mails = ["a@docomo.ne.jp", "b@docomo.ne.jp", "c@docomo.ne.jp", "d@x.jp"].map(mail);
        let mut lanes = lanes(None, &[], &mails);
        let now = Instant::now();
        assert_eq!(taken(lanes.take(2, now)), "a@docomo.ne.jp b@docomo.ne.jp");
        for mail in mails.iter().take(2) {
            lanes.ended(mail, Some(&deferred(None)), now);
        }
        assert_eq!(taken(lanes.take(1, now)), "d@x.jp");
        let pause = lanes.resumes(now).unwrap();
        assert!(pause >= Duration::from_secs(1) && pause <= Duration::from_secs(2), "{pause:?}");
        assert_eq!(taken(lanes.take(1, now)), format!("wait {pause:?}"));
        assert_eq!(taken(lanes.take(1, now + pause)), "c@docomo.ne.jp");
    }
}
