//! Whether and where a channel reaches a customer.

use crate::domain::channel::{digits_of_phone, is_line_id, narrowed};
use crate::domain::{Address, Channel, Contact, Person, SkipReason};

/// Whether a channel reaches a customer, as far as the customer list tells. The ledger has its say after that.
pub fn reachable(channel: Channel, person: &Person<'_>, contact: &Contact) -> Result<(), SkipReason> {
    let given = |text: &str, usable: bool| match (text.is_empty(), usable) {
        (true, _) => Err(SkipReason::NoAddress),
        (false, true) => Ok(()),
        (false, false) => Err(SkipReason::BadAddress),
    };
    match channel {
        Channel::Mail => match person.address() {
            Address::Missing => Err(SkipReason::NoAddress),
            Address::Bad => Err(SkipReason::BadAddress),
            Address::Usable { irregular: true, .. } if !contact.send_irregular => Err(SkipReason::BadAddress),
            Address::Usable { .. } => Ok(()),
        },
        Channel::Post => given(person.contact(|contacts| &contacts.postal_address), true),
        Channel::Line => {
            let id = person.contact(|contacts| &contacts.line_id);
            given(id, is_line_id(id))
        }
        Channel::Call => {
            let phone = person.contact(|contacts| &contacts.phone);
            given(phone, digits_of_phone(phone).is_some())
        }
    }?;
    if person.agreed(channel) { Ok(()) } else { Err(SkipReason::NoConsent) }
}

/// Where a channel reaches a customer, as it is written for those who do it. Empty where it does not.
#[must_use]
pub fn place(channel: Channel, person: &Person<'_>) -> String {
    match channel {
        Channel::Mail => match person.address() {
            Address::Usable { wire, .. } => wire.to_string(),
            Address::Missing | Address::Bad => String::new(),
        },
        Channel::Post => {
            let (code, address) = (person.contact(|contacts| &contacts.postal_code), person.contact(|contacts| &contacts.postal_address));
            if code.is_empty() { address.to_owned() } else { format!("{code} {address}") }
        }
        Channel::Line => person.contact(|contacts| &contacts.line_id).to_owned(),
        Channel::Call => person.contact(|contacts| &contacts.phone).to_owned(),
    }
}

/// The form in which two places are compared. A letter is to a person, so two people at one address get one each, and only the same
/// name there is the same place.
#[must_use]
pub fn same_place(channel: Channel, person: &Person<'_>) -> String {
    let folded = |text: &str| narrowed(text).chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_lowercase();
    match channel {
        Channel::Mail => person.address().same().unwrap_or_default().into_owned(),
        Channel::Post => format!("{}\n{}", folded(person.contact(|contacts| &contacts.postal_address)), folded(person.name())),
        Channel::Line => place(channel, person),
        Channel::Call => digits_of_phone(person.contact(|contacts| &contacts.phone)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::someone::Someone;
    use super::*;
    use crate::domain::{Contacts, Texts};

    fn texts(text: &str) -> Texts {
        std::iter::once(text).collect()
    }

    fn by(contacts: Contacts) -> Someone {
        let mut someone = Someone::new();
        someone.customers.contacts = contacts;
        someone
    }

    fn ask(someone: &Someone, channel: Channel) -> Result<(), SkipReason> {
        reachable(channel, &someone.person(), &Contact::default())
    }

    #[test]
    fn mail_reaches_a_good_address_with_consent() {
        let mut someone = Someone::new();
        let lenient = Contact { send_irregular: true, ..Contact::default() };
        assert_eq!(ask(&someone, Channel::Mail), Ok(()));
        someone.customers.address = vec![Address::Usable { wire: "a..b@d.jp".into(), irregular: true }];
        assert_eq!(ask(&someone, Channel::Mail), Err(SkipReason::BadAddress));
        assert_eq!(reachable(Channel::Mail, &someone.person(), &lenient), Ok(()));
        someone.customers.consent = vec![false];
        assert_eq!(ask(&someone, Channel::Mail), Err(SkipReason::BadAddress), "the address comes before consent");
        assert_eq!(reachable(Channel::Mail, &someone.person(), &lenient), Err(SkipReason::NoConsent));
        someone.customers.address = vec![Address::Bad];
        assert_eq!(ask(&someone, Channel::Mail), Err(SkipReason::BadAddress));
        someone.customers.address = vec![Address::Missing];
        assert_eq!(ask(&someone, Channel::Mail), Err(SkipReason::NoAddress));
        let stranger = Person { listed: None, ..someone.person() };
        assert_eq!(reachable(Channel::Mail, &stranger, &lenient), Err(SkipReason::NoAddress));
    }

    #[test]
    fn other_channels_need_what_they_go_by() {
        let nobody = Someone::new();
        for channel in [Channel::Post, Channel::Line, Channel::Call] {
            assert_eq!(ask(&nobody, channel), Err(SkipReason::NoAddress));
        }
        let wrong = by(Contacts { line_id: texts("hanako"), phone: texts("なし"), ..Contacts::default() });
        assert_eq!((ask(&wrong, Channel::Line), ask(&wrong, Channel::Call)), (Err(SkipReason::BadAddress), Err(SkipReason::BadAddress)));
        let mut right = by(Contacts {
            postal_code: texts("604-0000"),
            postal_address: texts("京都市 1-2-3"),
            line_id: texts("U0123456789abcdef0123456789abcdef"),
            phone: texts("090-0000-0000"),
            ..Contacts::default()
        });
        right.customers.consent = vec![false];
        for channel in [Channel::Post, Channel::Line, Channel::Call] {
            assert_eq!(ask(&right, channel), Ok(()), "consent to mail says nothing of {channel:?}");
        }
        assert_eq!(place(Channel::Post, &right.person()), "604-0000 京都市 1-2-3");
        right.customers.contacts.call_consent = Some(vec![false]);
        assert_eq!((ask(&right, Channel::Call), ask(&right, Channel::Line)), (Err(SkipReason::NoConsent), Ok(())));
    }

    #[test]
    fn a_place_is_the_same_however_it_is_written() {
        let at = |address: &str, name: &str, phone: &str| {
            let mut someone = by(Contacts { postal_address: texts(address), phone: texts(phone), ..Contacts::default() });
            someone.customers.name = texts(name);
            someone
        };
        let (one, other) = (at("京都市 １－２－３", "山田 花子", "090-0000-0000"), at("京都市1-2-3", "山田　花子", "09000000000"));
        for channel in [Channel::Post, Channel::Call] {
            assert_eq!(same_place(channel, &one.person()), same_place(channel, &other.person()), "{channel:?}");
        }
        let husband = at("京都市1-2-3", "山田 太郎", "");
        assert_ne!(same_place(Channel::Post, &one.person()), same_place(Channel::Post, &husband.person()));
    }
}
