//! Lists by which people reach people: postal, telephone and gift lists to open in a spreadsheet, and LINE's list of ids.

use crate::domain::cells::{Cell, Sheet};
use crate::domain::channel::addressed;
use crate::domain::job::Language;
use crate::domain::list::Entry;

/// A column: its heading in Japanese and in English, and its cell.
type Column = (&'static str, &'static str, for<'a> fn(&'a Entry, Language) -> Cell<'a>);

const CUSTOMER: Column = ("顧客ID", "customer_id", |entry, _| Cell::Text(&entry.customer_id));
const NAME: Column = ("氏名", "name", |entry, language| Cell::Owned(addressed(&entry.name, language).0.into_owned()));
const HONORIFIC: Column = ("敬称", "honorific", |entry, language| Cell::Text(addressed(&entry.name, language).1));
const POSTAL_CODE: Column = ("郵便番号", "postal_code", |entry, _| Cell::Text(&entry.postal_code));
const POSTAL_ADDRESS: Column = ("住所", "postal_address", |entry, _| Cell::Text(&entry.postal_address));
const PHONE: Column = ("電話番号", "phone", |entry, _| Cell::Text(&entry.phone));
const RANK: Column = ("ランク", "rank", |entry, _| Cell::Text(&entry.rank));
const CAMPAIGN: Column = ("キャンペーン", "campaign", |entry, _| Cell::Text(&entry.campaign));
const COUPON: Column = ("クーポンコード", "coupon_code", |entry, _| Cell::Text(&entry.coupon_code));
const VALID_UNTIL: Column = ("有効期限", "valid_until", |entry, _| Cell::day(entry.valid_until));
const GIFT: Column = ("贈り物", "gift", |entry, _| Cell::Text(&entry.gift));
const LAST_ORDER: Column = ("最後の注文日", "last_order", |entry, _| Cell::day(entry.last_order));
const MESSAGE: Column = ("文面", "message", |entry, _| Cell::Text(&entry.message));

/// The list for a printer.
pub fn post(entries: &[Entry], language: Language) -> (String, u64) {
    let columns = [POSTAL_CODE, POSTAL_ADDRESS, NAME, HONORIFIC, CUSTOMER, RANK, CAMPAIGN, GIFT, COUPON, VALID_UNTIL, MESSAGE];
    sheet(&columns, entries.iter(), language)
}

/// The list for those who call: whom, and what there is to talk about.
pub fn call(entries: &[Entry], language: Language) -> (String, u64) {
    let columns = [PHONE, NAME, HONORIFIC, CUSTOMER, RANK, CAMPAIGN, LAST_ORDER, GIFT, COUPON, VALID_UNTIL, MESSAGE];
    sheet(&columns, entries.iter(), language)
}

/// Gift orders: who gets what, and where it goes. Who gets no gift is not on it.
pub fn gifts(entries: &[Entry], language: Language) -> (String, u64) {
    let columns = [CUSTOMER, NAME, HONORIFIC, POSTAL_CODE, POSTAL_ADDRESS, PHONE, GIFT, RANK, CAMPAIGN];
    sheet(&columns, entries.iter().filter(|entry| !entry.gift.is_empty()), language)
}

fn sheet<'a>(columns: &[Column], entries: impl Iterator<Item = &'a Entry>, language: Language) -> (String, u64) {
    let mut sheet = Sheet::for_people();
    sheet.row(&columns.iter().map(|(ja, en, _)| Cell::Text(language.pick(ja, en))).collect::<Vec<_>>());
    let mut count = 0;
    for entry in entries {
        sheet.row(&columns.iter().map(|(.., cell)| cell(entry, language)).collect::<Vec<_>>());
        count += 1;
    }
    (sheet.take(), count)
}

/// LINE takes one id on each line, without a heading.
pub fn line(entries: &[Entry]) -> (String, u64) {
    let mut sheet = Sheet::for_programs();
    for entry in entries {
        sheet.row(&[Cell::Text(&entry.line_id)]);
    }
    (sheet.take(), entries.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hana() -> Entry {
        Entry {
            customer_id: "c1".into(),
            campaign: "winter".into(),
            rank: "VIP".into(),
            name: "山田 花子".into(),
            postal_code: "604-0000".into(),
            postal_address: "京都市中京区1-2-3".into(),
            line_id: "U0123456789abcdef0123456789abcdef".into(),
            phone: "+81-90-0000-0000".into(),
            coupon_code: "WINTER15".into(),
            valid_until: chrono::NaiveDate::from_ymd_opt(2026, 12, 25),
            gift: "近江牛".into(),
            last_order: chrono::NaiveDate::from_ymd_opt(2026, 11, 3),
            message: "冬の\nお便り".into(),
            ..Entry::default()
        }
    }

    #[test]
    fn a_printer_is_given_what_stands_on_an_envelope() {
        let nobody = Entry { customer_id: "=c2".into(), ..Entry::default() };
        let (text, count) = post(&[hana(), nobody], Language::Ja);
        let expected = "\u{feff}郵便番号,住所,氏名,敬称,顧客ID,ランク,キャンペーン,贈り物,クーポンコード,有効期限,文面\r\n\
                        604-0000,京都市中京区1-2-3,山田 花子,様,c1,VIP,winter,近江牛,WINTER15,2026-12-25,\"冬の\nお便り\"\r\n\
                        ,,お客様,,'=c2,,,,,,\r\n";
        assert_eq!((text.as_str(), count), (expected, 2));
    }

    #[test]
    fn callers_see_whom_they_call_and_no_sum() {
        let (text, _) = call(&[hana()], Language::En);
        assert!(text.starts_with("\u{feff}phone,name,honorific,customer_id,rank,campaign,last_order,"));
        assert!(text.contains("\r\n'+81-90-0000-0000,山田 花子,,c1,VIP,winter,2026-11-03,"), "{text}");
    }

    #[test]
    fn gift_orders_name_only_those_who_get_one() {
        let (text, count) = gifts(&[hana(), Entry::default()], Language::Ja);
        assert_eq!(count, 1);
        assert!(text.ends_with("\r\nc1,山田 花子,様,604-0000,京都市中京区1-2-3,'+81-90-0000-0000,近江牛,VIP,winter\r\n"), "{text}");
    }

    #[test]
    fn line_takes_ids_only() {
        assert_eq!(line(&[hana()]), ("U0123456789abcdef0123456789abcdef\r\n".to_owned(), 1));
    }
}
