//! The queue of mails that are due: no faster than the job says, and no domain that is slow or refuses holds up the others.

use super::shelf::Due;
use crate::delivery;
use crate::domain::Outcome;
use crate::domain::delivery::Enhanced;
use crate::domain::job::SmtpSettings;
use crate::domain::pace::{DomainPace, Pace};
use std::collections::{BTreeSet, VecDeque};
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
pub enum Next {
    /// These, at most as many as were asked for.
    Mails(Vec<Due>),
    /// Nothing before so long.
    Wait(Duration),
    /// Nothing is left, or only mails of domains that are left alone for a while.
    Nothing,
}

/// All mails of a sending that are due and not under way.
#[derive(Debug, Default)]
pub struct Lanes {
    whole: Beat,
    due: VecDeque<Due>,
    /// By the number of the domain.
    by_domain: Vec<Lane>,
    /// Lanes in which mails were set aside.
    aside: BTreeSet<u32>,
}

/// One receiving domain.
#[derive(Debug, Default)]
struct Lane {
    aside: VecDeque<Due>,
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

impl Lane {
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

impl Lanes {
    /// Lanes for these domains. Without `[mail.smtp]`, and for the outbox, nothing holds mails up.
    pub fn new(smtp: Option<&SmtpSettings>, domains: &[String]) -> Self {
        let per_domain: &[DomainPace] = smtp.map_or(&[], |smtp| &smtp.per_domain);
        let lane = |name: &String| match per_domain.iter().find(|rule| rule.domain == *name) {
            Some(rule) => Lane { beat: Beat::of(rule.pace), most: rule.connections, ..Lane::default() },
            None => Lane::default(),
        };
        let by_domain = domains.iter().map(lane).collect();
        Self { whole: Beat::of(smtp.and_then(|smtp| smtp.pace)), by_domain, ..Self::default() }
    }

    /// Begins anew with these; what was learnt of the domains stays.
    pub fn fill(&mut self, due: Vec<Due>) {
        self.due = due.into();
        self.aside.clear();
        for lane in &mut self.by_domain {
            lane.aside.clear();
            lane.under_way = 0;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.due.is_empty() && self.aside.is_empty()
    }

    /// Takes mails that may leave now.
    pub fn take(&mut self, count: usize, now: Instant) -> Next {
        let mut taken = Vec::new();
        while taken.len() < count {
            match self.find(now) {
                Ok(mail) => taken.push(self.leave(mail, now)),
                Err(next) if taken.is_empty() => return next,
                Err(_) => break,
            }
        }
        Next::Mails(taken)
    }

    /// The answer of `take`, with nothing taken.
    pub fn look(&mut self, now: Instant) -> Next {
        match self.find(now) {
            Ok(mail) => {
                if let Some(lane) = self.lane_mut(mail.domain) {
                    lane.aside.push_front(mail);
                    self.aside.insert(mail.domain);
                }
                Next::Mails(vec![mail])
            }
            Err(next) => next,
        }
    }

    /// The next mail that may leave now.
    fn find(&mut self, now: Instant) -> Result<Due, Next> {
        let wait = self.whole.wait(now);
        if !wait.is_zero() {
            return Err(Next::Wait(wait));
        }
        let free = self.aside.iter().copied().find(|domain| self.lane(*domain).is_some_and(|lane| lane.wait(now).is_zero()));
        if let Some(mail) = free.and_then(|domain| self.lane_mut(domain)?.aside.pop_front()) {
            return Ok(mail);
        }
        while let Some(mail) = self.due.pop_front() {
            let Some(lane) = self.lane_mut(mail.domain) else { return Ok(mail) };
            if lane.aside.is_empty() && lane.wait(now).is_zero() {
                return Ok(mail);
            }
            lane.aside.push_back(mail);
            self.aside.insert(mail.domain);
        }
        let waits = self.lanes_aside().map(|lane| lane.wait(now));
        Err(waits.min().filter(|wait| *wait <= SHORT || !self.is_paused(now)).map_or(Next::Nothing, Next::Wait))
    }

    fn leave(&mut self, mail: Due, now: Instant) -> Due {
        self.whole.spend(now);
        if let Some(lane) = self.lane_mut(mail.domain) {
            lane.beat.spend(now);
            lane.under_way += 1;
            if lane.aside.is_empty() {
                self.aside.remove(&mail.domain);
            }
        }
        mail
    }

    /// Whether every domain that has mails left is left alone for a while.
    fn is_paused(&self, now: Instant) -> bool {
        self.lanes_aside().all(|lane| !lane.pause(now).is_zero())
    }

    /// In how long the first domain that was left alone may be tried again.
    pub fn resumes(&self, now: Instant) -> Option<Duration> {
        self.lanes_aside().map(|lane| lane.pause(now)).min()
    }

    /// A mail that was taken has come to an end, or was not sent after all.
    pub fn ended(&mut self, mail: Due, outcome: Option<&Outcome>, now: Instant) {
        if let Some(lane) = self.lane_mut(mail.domain) {
            lane.under_way = lane.under_way.saturating_sub(1);
            if let Some(outcome) = outcome {
                lane.learn(outcome, now);
            }
        }
    }

    /// Puts a mail back that nothing has happened to.
    pub fn put_back(&mut self, mail: Due, now: Instant) {
        self.ended(mail, None, now);
        self.due.push_back(mail);
    }

    fn lane(&self, domain: u32) -> Option<&Lane> {
        self.by_domain.get(usize::try_from(domain).ok()?)
    }

    fn lane_mut(&mut self, domain: u32) -> Option<&mut Lane> {
        self.by_domain.get_mut(usize::try_from(domain).ok()?)
    }

    /// The lanes in which mails were set aside.
    fn lanes_aside(&self) -> impl Iterator<Item = &Lane> {
        self.aside.iter().filter_map(|domain| self.lane(*domain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses whose places are their rows, and the lanes for them.
    struct Queue {
        addresses: Vec<String>,
        mails: Vec<Due>,
        lanes: Lanes,
    }

    fn queue(pace: Option<Pace>, rules: &[(&str, Option<Pace>, Option<usize>)], addresses: &[impl AsRef<str>]) -> Queue {
        let addresses: Vec<String> = addresses.iter().map(|address| address.as_ref().to_owned()).collect();
        let domain = |address: &String| address.split_once('@').unwrap().1.to_ascii_lowercase();
        let domains: Vec<String> = addresses.iter().map(domain).collect::<BTreeSet<String>>().into_iter().collect();
        let number = |address: &String| domains.iter().position(|name| *name == domain(address)).unwrap();
        let due = |(row, address): (usize, &String)| Due { row: row.try_into().unwrap(), domain: number(address).try_into().unwrap() };
        let mails: Vec<Due> = addresses.iter().enumerate().map(due).collect();
        let mut lanes = Lanes::new(None, &domains);
        lanes.whole = Beat::of(pace);
        for (name, pace, most) in rules {
            let lane = &mut lanes.by_domain[domains.iter().position(|domain| domain == name).unwrap()];
            (lane.beat, lane.most) = (Beat::of(*pace), *most);
        }
        lanes.fill(mails.clone());
        Queue { addresses, mails, lanes }
    }

    impl Queue {
        fn told(&self, next: Next) -> String {
            match next {
                Next::Mails(mails) => mails.iter().map(|mail| self.addresses[mail.row as usize].as_str()).collect::<Vec<_>>().join(" "),
                Next::Wait(time) => format!("wait {time:?}"),
                Next::Nothing => "nothing".into(),
            }
        }

        fn take(&mut self, count: usize, now: Instant) -> String {
            let next = self.lanes.take(count, now);
            self.told(next)
        }

        fn look(&mut self, now: Instant) -> String {
            let next = self.lanes.look(now);
            self.told(next)
        }

        fn ended(&mut self, place: usize, outcome: &Outcome, now: Instant) {
            self.lanes.ended(self.mails[place], Some(outcome), now);
        }
    }

    fn deferred(code: Option<u16>) -> Outcome {
        Outcome::Deferred { code, reply: "451 later".into() }
    }

    #[test]
    fn without_limits_mails_leave_in_their_order() {
        let mails = ["a@x.jp", "b@y.jp", "c@x.jp"];
        let mut queue = queue(None, &[], &mails);
        let now = Instant::now();
        assert_eq!(queue.take(2, now), "a@x.jp b@y.jp");
        assert_eq!(queue.take(2, now), "c@x.jp");
        assert!(queue.lanes.is_empty());
        assert_eq!(queue.take(2, now), "nothing");
    }

    #[test]
    fn a_slow_domain_does_not_hold_up_the_others() {
        let mails = ["a@docomo.ne.jp", "b@DoCoMo.ne.jp", "c@x.jp", "d@docomo.ne.jp"];
        let mut queue = queue(None, &[("docomo.ne.jp", Some(Pace { mails: 10, seconds: 1 }), None)], &mails);
        let now = Instant::now();
        assert_eq!(queue.take(1, now), "a@docomo.ne.jp");
        assert_eq!(queue.take(1, now), "c@x.jp");
        assert_eq!(queue.take(1, now), "wait 100ms");
        let later = now + Duration::from_millis(100);
        assert_eq!(queue.take(3, later), "b@DoCoMo.ne.jp");
        assert_eq!(queue.take(1, later + Duration::from_millis(100)), "d@docomo.ne.jp");
    }

    #[test]
    fn a_pace_is_kept_over_all_domains_and_does_not_save_up() {
        let mails: Vec<String> = (0..200).map(|number| format!("{number}@x{number}.jp")).collect();
        let mut queue = queue(Some(Pace { mails: 50, seconds: 1 }), &[], &mails);
        let start = Instant::now();
        let mut count = 0;
        for tick in 0..100 {
            while let Next::Mails(_) = queue.lanes.take(1, start + Duration::from_millis(10 * tick)) {
                count += 1;
            }
        }
        assert_eq!(count, 50, "in one second");
        let late = start + Duration::from_mins(1);
        let mut burst = 0;
        while let Next::Mails(_) = queue.lanes.take(1, late) {
            burst += 1;
        }
        assert!(burst <= 6, "{burst} at once after a minute without any");
    }

    #[test]
    fn a_domain_has_so_many_under_way() {
        let mails = ["a@x.jp", "b@x.jp", "c@y.jp"];
        let mut queue = queue(None, &[("x.jp", None, Some(1))], &mails);
        let now = Instant::now();
        assert_eq!([queue.take(1, now), queue.look(now)], ["a@x.jp", "c@y.jp"]);
        assert_eq!([queue.look(now), queue.take(1, now)], ["c@y.jp", "c@y.jp"]);
        assert_eq!(queue.take(1, now), "wait 10ms");
        queue.ended(0, &deferred(Some(451)), now);
        assert_eq!(queue.take(1, now), "b@x.jp");
        queue.lanes.put_back(queue.mails[1], now);
        assert_eq!(queue.take(1, now), "b@x.jp");
    }

    #[test]
    fn a_domain_that_refuses_us_is_left_alone_and_the_others_go_on() {
        let policy = Outcome::Rejected { code: 554, reply: "554 5.7.1 too many".into() };
        for refusal in [deferred(Some(421)), policy] {
            let mut mails: Vec<String> = (0..12).map(|number| format!("{number}@x.jp")).collect();
            mails.push("a@y.jp".into());
            let mut queue = queue(None, &[], &mails);
            let now = Instant::now();
            for number in 0..REFUSALS {
                assert_eq!(queue.take(1, now), format!("{number}@x.jp"));
                queue.ended(number as usize, &refusal, now);
            }
            assert_eq!([queue.take(1, now), queue.take(1, now)], ["a@y.jp", "nothing"]);
            assert_eq!((queue.lanes.is_empty(), queue.lanes.resumes(now)), (false, Some(PAUSES.0)));
            let later = now + PAUSES.0;
            assert_eq!(queue.take(1, later), "10@x.jp");
            queue.ended(10, &refusal, later);
            assert_eq!((queue.take(1, later), queue.lanes.resumes(later)), ("nothing".into(), Some(PAUSES.0 * 2)));
        }
    }

    #[test]
    fn unknown_users_and_full_boxes_are_no_reason_to_stop() {
        let mails: Vec<String> = (0..30).map(|number| format!("{number}@docomo.ne.jp")).collect();
        let mut queue = queue(None, &[], &mails);
        let now = Instant::now();
        for (number, code) in (0..30).zip([550, 552].into_iter().cycle()) {
            assert_eq!(queue.take(1, now), format!("{number}@docomo.ne.jp"));
            queue.ended(number, &Outcome::Rejected { code, reply: format!("{code} 5.1.1 no") }, now);
        }
    }

    #[test]
    fn a_broken_connection_slows_its_domain_once() {
        let mails = ["a@docomo.ne.jp", "b@docomo.ne.jp", "c@docomo.ne.jp", "d@x.jp"];
        let mut queue = queue(None, &[], &mails);
        let now = Instant::now();
        assert_eq!(queue.take(2, now), "a@docomo.ne.jp b@docomo.ne.jp");
        for place in 0..2 {
            queue.ended(place, &deferred(None), now);
        }
        assert_eq!(queue.take(1, now), "d@x.jp");
        let pause = queue.lanes.resumes(now).unwrap();
        assert!(pause >= Duration::from_secs(1) && pause <= Duration::from_secs(2), "{pause:?}");
        assert_eq!(queue.take(1, now), format!("wait {pause:?}"));
        assert_eq!(queue.take(1, now + pause), "c@docomo.ne.jp");
    }
}
