//! The ledger through its public face: claims before mails, one sync for many, and nothing forgotten by a crash.

use proptest::prelude::*;
use rankmail::domain::delivery::RunTrouble;
use rankmail::domain::merges::Merges;
use rankmail::domain::{Channel, Outcome, SkipReason, State};
use rankmail::ledger::{Adoption, Claim, Desk, Error, Ledger, NewMail, Recovered, Run, Suppression, retry_after};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const SECOND: i64 = 1_000_000;
const NOW: i64 = 1_764_554_820 * SECOND;
const EVERY: Duration = Duration::from_mins(5);
const FOR: Duration = Duration::from_hours(48);

fn day(text: &str) -> chrono::NaiveDate {
    text.parse().unwrap()
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    (folder, path)
}

fn adoption(job: &str, as_of: &str, mails: u64) -> Adoption {
    Adoption {
        job: job.into(),
        as_of: day(as_of),
        closing: day(as_of),
        digest: format!("{job} {as_of}"),
        destination: "outbox".into(),
        mails,
        adopted_at: NOW,
        finished_at: None,
    }
}

fn mail(number: usize) -> NewMail {
    NewMail {
        mail_id: format!("m{number}"),
        customer_id: format!("C{number}"),
        campaign: "newsletter".into(),
        occasion: "2026-12".into(),
        channel: Channel::Mail,
        address: format!("C{number}@b.example"),
        counts: number.is_multiple_of(2),
        coupon_code: None,
    }
}

fn mails(count: u64) -> impl Iterator<Item = NewMail> {
    (0..usize::try_from(count).unwrap()).map(mail)
}

/// A ledger in which the job's December is adopted, with mails `m0`, `m1`, ….
fn december(path: &Path, count: u64) -> Ledger {
    let mut ledger = Ledger::open(path).unwrap();
    ledger.adopt(&adoption("monthly", "2026-12-01", count), mails(count)).unwrap();
    ledger
}

fn run() -> Run {
    Run { job: "monthly".into(), as_of: day("2026-12-01"), retry_every: EVERY, retry_for: FOR, merges: std::sync::Arc::default() }
}

fn state(ledger: &Ledger, mail_id: &str) -> State {
    ledger.entry("monthly", day("2026-12-01"), mail_id).unwrap().unwrap().state
}

/// Ids of the mails that are still to be sent, and when they may be.
fn pending(ledger: &Ledger) -> Vec<(String, Option<i64>)> {
    let mut pending = Vec::new();
    ledger.pending("monthly", day("2026-12-01"), |mail_id, not_before| pending.push((mail_id.to_owned(), not_before))).unwrap();
    pending
}

fn accepted() -> Outcome {
    Outcome::Accepted { reply: "250 ok".into() }
}

fn deferred() -> Outcome {
    Outcome::Deferred { code: Some(451), reply: "451 later".into() }
}

#[test]
fn a_claim_is_on_the_disk_before_it_is_answered() {
    let (_folder, path) = place();
    let desk = Desk::start(december(&path, 2), run());
    assert_eq!(desk.claim(&["m0"], NOW).unwrap(), [Claim::Claimed { first_claim_at: NOW }]);
    let other = Ledger::open_existing(&path).unwrap().unwrap();
    assert_eq!(state(&other, "m0"), State::Handing);
    assert_eq!(
        desk.claim(&["m0", "m1", "m9"], NOW + 1).unwrap(),
        [Claim::NotClaimable(Some(State::Handing)), Claim::Claimed { first_claim_at: NOW + 1 }, Claim::NotClaimable(None),]
    );
    assert_eq!(desk.settle(&[("m0", &accepted())], NOW + 2).unwrap(), [State::Accepted]);
    assert_eq!(desk.claim(&["m0"], NOW + 3).unwrap(), [Claim::NotClaimable(Some(State::Accepted))]);
    assert_eq!(desk.settle(&[("m0", &deferred())], NOW + 4).unwrap(), [State::Accepted], "what is settled stays");
    let ledger = desk.finish().unwrap();
    let entry = ledger.entry("monthly", day("2026-12-01"), "m0").unwrap().unwrap();
    assert_eq!((entry.attempts, entry.settled_at, entry.reply.as_deref()), (1, Some(NOW + 2), Some("250 ok")));
}

#[test]
fn two_desks_never_claim_the_same_mail() {
    let (_folder, path) = place();
    let desks = [Desk::start(december(&path, 200), run()), Desk::start(Ledger::open(&path).unwrap(), run())];
    let claimed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let desk = &desks[thread % 2];
                scope.spawn(move || {
                    let claims = (0..200).flat_map(|number| desk.claim(&[format!("m{number}")], NOW).unwrap());
                    claims.filter(|claim| matches!(claim, Claim::Claimed { .. })).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(claimed, 200);
}

#[test]
fn one_commit_serves_everyone_who_waits() {
    let (_folder, path) = place();
    let ledger = december(&path, 40);
    let blocker = Connection::open(&path).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let desk = Desk::start(ledger, run());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..40)
            .map(|number| {
                let desk = &desk;
                scope.spawn(move || desk.claim(&[format!("m{number}")], NOW).unwrap())
            })
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(desk.commits(), 0, "nobody is answered while the file belongs to another");
        blocker.execute_batch("COMMIT").unwrap();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), [Claim::Claimed { first_claim_at: NOW }]);
        }
    });
    assert!(desk.commits() <= 2, "{} commits for 40 claims", desk.commits());
}

#[test]
fn a_turn_settles_and_claims_in_one_commit() {
    let (_folder, path) = place();
    let desk = Desk::start(december(&path, 2), run());
    desk.claim(&["m0"], NOW).unwrap();
    let (states, claims) = desk.turn(&[("m0", &accepted())], &["m1"], NOW + 1).unwrap();
    assert_eq!((states, claims, desk.commits()), (vec![State::Accepted], vec![Claim::Claimed { first_claim_at: NOW + 1 }], 2));
}

#[test]
fn what_was_under_way_at_a_crash_is_in_doubt() {
    let (_folder, path) = place();
    let as_of = day("2026-12-01");
    let crash = |ledger: Ledger| {
        let desk = Desk::start(ledger, run());
        desk.claim(&["m0", "m1"], NOW).unwrap();
        desk.settle(&[("m1", &accepted())], NOW).unwrap();
        drop(desk);
    };
    crash(december(&path, 3));
    let mut ledger = Ledger::open(&path).unwrap();
    assert_eq!(ledger.recover("monthly", as_of, false, false).unwrap(), Recovered { in_doubt: 1, planned: 0 });
    let doubts = ledger.in_doubt("monthly", as_of).unwrap();
    assert_eq!(doubts.iter().map(|doubt| (doubt.mail_id.as_str(), doubt.customer_id.as_str())).collect::<Vec<_>>(), [("m0", "C0")]);
    assert_eq!(pending(&ledger).iter().map(|(mail_id, _)| mail_id.as_str()).collect::<Vec<_>>(), ["m2"]);
    assert_eq!(ledger.states("monthly", as_of).unwrap(), BTreeMap::from([(State::Planned, 1), (State::Accepted, 1), (State::InDoubt, 1)]));
    assert_eq!(ledger.recover("monthly", as_of, false, false).unwrap(), Recovered::default());
    assert_eq!(ledger.recover("monthly", as_of, false, true).unwrap(), Recovered { in_doubt: 0, planned: 1 });
    let desk = Desk::start(ledger, run());
    assert_eq!(desk.claim(&["m0"], NOW + 9).unwrap(), [Claim::Claimed { first_claim_at: NOW }], "its date is that of the first claim");
    drop(desk.finish().unwrap());

    let (_folder, path) = place();
    crash(december(&path, 3));
    let mut ledger = Ledger::open(&path).unwrap();
    assert_eq!(ledger.recover("monthly", as_of, true, false).unwrap(), Recovered { in_doubt: 0, planned: 1 });
    assert_eq!(state(&ledger, "m0"), State::Planned);
}

#[test]
fn a_deferred_mail_waits_and_is_given_up_in_time() {
    let (_folder, path) = place();
    let desk = Desk::start(december(&path, 2), run());
    let every = i64::try_from(EVERY.as_micros()).unwrap();
    let span = i64::try_from(FOR.as_micros()).unwrap();
    desk.claim(&["m0", "m1"], NOW).unwrap();
    assert_eq!(desk.settle(&[("m0", &deferred()), ("m1", &deferred())], NOW).unwrap(), [State::Deferred, State::Deferred]);
    assert_eq!(desk.claim(&["m0"], NOW + every - 1).unwrap(), [Claim::NotClaimable(Some(State::Deferred))]);
    let after = |mail_id: &str, attempts| i64::try_from(retry_after(&run(), mail_id, attempts).as_micros()).unwrap();
    assert!((every..=every + every / 4).contains(&after("m0", 1)), "{}", after("m0", 1));
    assert!((2 * every..=2 * every + every / 2).contains(&after("m0", 2)), "it is doubled");
    assert_ne!(after("m0", 1), after("m1", 1), "they do not come back together");
    assert_eq!(desk.claim(&["m0"], NOW + after("m0", 1)).unwrap(), [Claim::Claimed { first_claim_at: NOW }]);
    assert_eq!(desk.settle(&[("m0", &deferred())], NOW + span).unwrap(), [State::Rejected]);
    let mut ledger = desk.finish().unwrap();
    let entry = ledger.entry("monthly", day("2026-12-01"), "m0").unwrap().unwrap();
    assert_eq!((entry.reason.as_deref(), entry.code, entry.attempts), (Some("gave_up"), Some(451), 2));
    let as_of = day("2026-12-01");
    assert_eq!(pending(&ledger)[0].1, Some(NOW + after("m1", 1)));
    assert_eq!(ledger.give_up("monthly", as_of, NOW + span - 1, FOR).unwrap(), 0);
    assert_eq!(ledger.give_up("monthly", as_of, NOW + span, FOR).unwrap(), 1);
    assert!(ledger.finish("monthly", as_of, NOW + span).unwrap());
    assert_eq!(ledger.unfinished("monthly").unwrap(), []);
}

#[test]
fn an_untouched_mail_was_never_tried() {
    let (_folder, path) = place();
    let desk = Desk::start(december(&path, 1), run());
    desk.claim(&["m0"], NOW).unwrap();
    let away = Outcome::Untouched(RunTrouble::Unreachable { reply: "away".into() });
    assert_eq!(desk.settle(&[("m0", &away)], NOW).unwrap(), [State::Planned]);
    let far = NOW + 10 * i64::try_from(FOR.as_micros()).unwrap();
    assert_eq!(desk.claim(&["m0"], far).unwrap(), [Claim::Claimed { first_claim_at: NOW }]);
    assert_eq!(desk.settle(&[("m0", &deferred())], far).unwrap(), [State::Deferred], "its first attempt is this one");
    let entry = desk.finish().unwrap().entry("monthly", day("2026-12-01"), "m0").unwrap().unwrap();
    assert_eq!(entry.attempts, 1);
}

#[test]
fn an_opt_out_is_seen_by_the_next_claim() {
    let (_folder, path) = place();
    let desk = Desk::start(december(&path, 4), run());
    let mut elsewhere = Ledger::open(&path).unwrap();
    let mut stop = |customer_id: Option<&str>, address: Option<&str>, reason| {
        let suppression = Suppression { customer_id: customer_id.map(Into::into), address: address.map(Into::into), reason, at: NOW };
        elsewhere.suppress(&suppression).unwrap();
    };
    stop(Some("C0"), None, SkipReason::Unsubscribed);
    stop(None, Some("c1@b.example"), SkipReason::Bounced);
    stop(Some("C2"), Some("old@b.example"), SkipReason::Bounced);
    assert_eq!(
        desk.claim(&["m0", "m1", "m2", "m3"], NOW).unwrap(),
        [
            Claim::Suppressed(SkipReason::Unsubscribed),
            Claim::Suppressed(SkipReason::Bounced),
            Claim::Claimed { first_claim_at: NOW },
            Claim::Claimed { first_claim_at: NOW },
        ]
    );
    let ledger = desk.finish().unwrap();
    assert_eq!(state(&ledger, "m0"), State::Suppressed);
    let past = ledger.history("monthly", day("2027-01-01"), i64::MAX).unwrap();
    assert_eq!(past.suppressed("C0", "any@b.example"), Some(SkipReason::Unsubscribed));
    assert_eq!(past.suppressed("C9", "c1@b.example"), Some(SkipReason::Bounced));
    assert_eq!(past.suppressed("C2", "new@b.example"), None, "a bounce tells of an address, not of a customer");
}

#[test]
fn an_opt_out_of_a_former_id_stops_the_present_one() {
    let (_folder, path) = place();
    let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
    let merges = Merges::new([pair("older", "old"), pair("old", "C0"), pair("other", "C1")]).unwrap();
    let desk = Desk::start(december(&path, 2), Run { merges: merges.into(), ..run() });
    let mut elsewhere = Ledger::open(&path).unwrap();
    for (id, address, reason) in [(None, Some("c0@b.example"), SkipReason::Bounced), (Some("older"), None, SkipReason::Unsubscribed)] {
        elsewhere.suppress(&Suppression { customer_id: id.map(Into::into), address: address.map(Into::into), reason, at: NOW }).unwrap();
    }
    let claims = desk.claim(&["m0", "m1"], NOW).unwrap();
    assert_eq!(claims, [Claim::Suppressed(SkipReason::Unsubscribed), Claim::Claimed { first_claim_at: NOW }], "an opt-out comes first");
}

#[test]
fn an_adopted_plan_stays_what_it_is() {
    let (_folder, path) = place();
    let mut ledger = december(&path, 2);
    let december = adoption("monthly", "2026-12-01", 2);
    ledger.adopt(&december, mails(2)).unwrap();
    assert_eq!(ledger.states("monthly", day("2026-12-01")).unwrap(), BTreeMap::from([(State::Planned, 2)]));
    let other = Adoption { digest: "other".into(), ..december.clone() };
    assert!(matches!(ledger.adopt(&other, mails(2)), Err(Error::OtherDigest { .. })));
    let early = adoption("monthly", "2026-11-01", 1);
    assert!(matches!(ledger.adopt(&early, mails(1)), Err(Error::Behind { .. })));
    let short = adoption("monthly", "2027-01-01", 3);
    assert_eq!(ledger.adopt(&short, mails(2)), Err(Error::Count { job: "monthly".into(), as_of: day("2027-01-01"), told: 3, found: 2 }));
    assert_eq!(ledger.latest_adoption("monthly").unwrap(), Some(december.clone()), "a refused adoption leaves nothing");
    ledger.adopt(&adoption("weekly", "2026-11-01", 0), mails(0)).unwrap();
    ledger.adopt(&adoption("monthly", "2027-01-01", 0), mails(0)).unwrap();
    assert_eq!(ledger.last_adopted("monthly", day("2027-01-01")).unwrap(), Some(december.clone()));
    assert_eq!(ledger.last_adopted("monthly", day("2026-12-01")).unwrap(), None);
    assert_eq!(ledger.adoption("monthly", day("2026-12-01")).unwrap(), Some(december.clone()));
    assert_eq!(ledger.adoptions("monthly").unwrap().len(), 2);
    assert_eq!(ledger.unfinished("monthly").unwrap(), [december]);
}

#[test]
fn the_destination_can_change_until_something_has_left() {
    let (_folder, path) = place();
    let mut ledger = december(&path, 2);
    let server = Adoption { destination: "smtp://localhost:25".into(), ..adoption("monthly", "2026-12-01", 2) };
    let outbox = adoption("monthly", "2026-12-01", 2);
    ledger.adopt(&server, mails(2)).unwrap();
    ledger.adopt(&outbox, mails(2)).unwrap();
    let desk = Desk::start(ledger, run());
    desk.claim(&["m0"], NOW).unwrap();
    desk.settle(&[("m0", &accepted())], NOW).unwrap();
    let mut ledger = desk.finish().unwrap();
    let refused = ledger.adopt(&server, mails(2)).unwrap_err();
    assert!(matches!(refused, Error::OtherDestination { .. }));
    assert!(refused.to_string().contains("--accept trial"));

    assert_eq!(ledger.accept_trial("monthly", day("2026-12-01"), &server.destination).unwrap(), 1);
    ledger.adopt(&server, mails(2)).unwrap();
    let entry = ledger.entry("monthly", day("2026-12-01"), "m0").unwrap().unwrap();
    assert_eq!((entry.state, entry.attempts, entry.first_claim_at), (State::Planned, 0, None));
    assert!(matches!(ledger.accept_trial("monthly", day("2026-12-01"), "outbox"), Err(Error::NotATrial { .. })));
    assert!(matches!(ledger.accept_trial("weekly", day("2026-12-01"), "outbox"), Err(Error::NotAdopted { .. })));
}

#[test]
fn history_holds_what_may_have_arrived_and_nothing_of_the_run_itself() {
    let (_folder, path) = place();
    let mut ledger = Ledger::open(&path).unwrap();
    for (job, as_of) in [("monthly", "2026-11-01"), ("monthly", "2026-12-01"), ("weekly", "2026-12-01"), ("weekly", "2026-12-08")] {
        ledger.adopt(&adoption(job, as_of, 5), (0..5).map(|n| NewMail { mail_id: format!("{job} {as_of} {n}"), ..mail(n) })).unwrap();
        let desk = Desk::start(ledger, Run { job: job.into(), as_of: day(as_of), ..run() });
        let ids: Vec<String> = (1..5).map(|n| format!("{job} {as_of} {n}")).collect();
        desk.claim(&ids, NOW).unwrap();
        let (doubt, refused) = (Outcome::InDoubt { reply: "gone".into() }, Outcome::Rejected { code: 550, reply: "550 no".into() });
        // Of each run, 0 stays planned, 1 is accepted, 2 is in doubt, 3 is rejected, 4 is being handed over.
        desk.settle(&[(&ids[0], &accepted()), (&ids[1], &doubt), (&ids[2], &refused)], NOW).unwrap();
        ledger = desk.finish().unwrap();
    }
    let past = ledger.history("monthly", day("2026-12-01"), i64::MAX).unwrap();
    let of = |id: &str| past.mails(id).iter().map(|mail| format!("{} {}", mail.job, mail.as_of)).collect::<Vec<_>>();
    let both = ["monthly 2026-11-01", "weekly 2026-12-01"];
    assert_eq!(
        (of("C1"), of("C2"), of("C4")),
        (both.map(String::from).to_vec(), both.map(String::from).to_vec(), both.map(String::from).to_vec())
    );
    assert_eq!(of("C0"), both, "what is still planned may go out");
    assert!(of("C3").is_empty() && of("C").is_empty() && of("C9").is_empty());
    let mail = &past.mails("C2")[0];
    assert_eq!((mail.campaign.as_str(), mail.occasion.as_str(), mail.counts), ("newsletter", "2026-12", true));
    assert!(!past.mails("C1")[0].counts);
    assert_eq!(ledger.history("weekly", day("2026-12-08"), i64::MAX).unwrap().mails("C1").len(), 3);
}

/// What may be done to a ledger, with a mail's number.
#[derive(Debug, Clone)]
enum Step {
    Claim(usize),
    Settle(usize, Outcome),
    Crash { outbox: bool, resend: bool },
    Wait(i64),
    GiveUp,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        Just(accepted()),
        Just(deferred()),
        Just(Outcome::Rejected { code: 550, reply: "550 no".into() }),
        Just(Outcome::InDoubt { reply: "gone".into() }),
        Just(Outcome::Untouched(RunTrouble::Refused { reply: "no".into() })),
    ];
    let step = prop_oneof![
        4 => (0..4_usize).prop_map(Step::Claim),
        4 => (0..4_usize, outcome).prop_map(|(mail, outcome)| Step::Settle(mail, outcome)),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(outbox, resend)| Step::Crash { outbox, resend }),
        1 => prop_oneof![Just(EVERY), Just(EVERY / 2), Just(FOR)].prop_map(|span| Step::Wait(i64::try_from(span.as_micros()).unwrap())),
        1 => Just(Step::GiveUp),
    ];
    proptest::collection::vec(step, 1..40)
}

/// The state machine of one mail, written down a second time.
#[derive(Debug, Clone, Copy)]
struct Model {
    state: State,
    first_claim: Option<i64>,
    first_try: Option<i64>,
    tries: u32,
    not_before: i64,
}

impl Model {
    fn claim(&mut self, now: i64) -> Claim {
        if !(self.state == State::Planned || self.state == State::Deferred && self.not_before <= now) {
            return Claim::NotClaimable(Some(self.state));
        }
        let first_claim_at = *self.first_claim.get_or_insert(now);
        self.first_try.get_or_insert(now);
        self.tries += 1;
        self.state = State::Handing;
        Claim::Claimed { first_claim_at }
    }

    fn settle(&mut self, mail_id: &str, outcome: &Outcome, now: i64) -> State {
        if self.state == State::Handing {
            self.state = match outcome {
                Outcome::Accepted { .. } => State::Accepted,
                Outcome::Rejected { .. } => State::Rejected,
                Outcome::InDoubt { .. } => State::InDoubt,
                Outcome::Deferred { .. } if self.is_old(now) => State::Rejected,
                Outcome::Deferred { .. } => {
                    self.not_before = now + i64::try_from(retry_after(&run(), mail_id, self.tries).as_micros()).unwrap();
                    State::Deferred
                }
                Outcome::Untouched(_) => {
                    self.tries -= 1;
                    if self.tries == 0 {
                        self.first_try = None;
                    }
                    State::Planned
                }
            };
        }
        self.state
    }

    fn is_old(&self, now: i64) -> bool {
        self.first_try.is_some_and(|first| now - first >= i64::try_from(FOR.as_micros()).unwrap())
    }

    fn crash(&mut self, outbox: bool, resend: bool) {
        self.state = match self.state {
            State::Handing if outbox || resend => State::Planned,
            State::Handing => State::InDoubt,
            State::InDoubt if resend => State::Planned,
            state => state,
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn mails_move_only_as_the_state_machine_allows(steps in steps()) {
        let (_folder, path) = place();
        let as_of = day("2026-12-01");
        let mut desk = Desk::start(december(&path, 4), run());
        let fresh = Model { state: State::Planned, first_claim: None, first_try: None, tries: 0, not_before: 0 };
        let mut models = [fresh; 4];
        let mut now = NOW;
        for step in steps {
            now += 1;
            match step {
                Step::Claim(mail) => prop_assert_eq!(desk.claim(&[format!("m{mail}")], now).unwrap(), [models[mail].claim(now)]),
                Step::Settle(mail, outcome) => {
                    let settled = desk.settle(&[(&format!("m{mail}"), &outcome)], now).unwrap();
                    prop_assert_eq!(settled, [models[mail].settle(&format!("m{mail}"), &outcome, now)]);
                }
                Step::Crash { outbox, resend } => {
                    drop(desk);
                    let mut ledger = Ledger::open(&path).unwrap();
                    ledger.recover("monthly", as_of, outbox, resend).unwrap();
                    desk = Desk::start(ledger, run());
                    for model in &mut models {
                        model.crash(outbox, resend);
                    }
                }
                Step::Wait(span) => now += span,
                Step::GiveUp => {
                    let mut ledger = desk.finish().unwrap();
                    ledger.give_up("monthly", as_of, now, FOR).unwrap();
                    desk = Desk::start(ledger, run());
                    for model in &mut models {
                        if model.state == State::Deferred && model.is_old(now) {
                            model.state = State::Rejected;
                        }
                    }
                }
            }
        }
        let ledger = desk.finish().unwrap();
        for (mail, model) in models.iter().enumerate() {
            let entry = ledger.entry("monthly", as_of, &format!("m{mail}")).unwrap().unwrap();
            prop_assert_eq!((entry.state, entry.first_claim_at, entry.attempts), (model.state, model.first_claim, model.tries));
        }
    }
}
