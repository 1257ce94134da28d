//! Whatever customers there are, they come back as they were; damaged bytes are told, or are somebody else's, and never a panic.

use super::*;
use crate::domain::Name;
use proptest::collection::vec;
use proptest::prelude::*;

/// Most of some rows of a column.
const BLOCK: usize = 4_096;

fn any_day() -> impl Strategy<Value = Option<NaiveDate>> {
    let far = prop_oneof![Just(NaiveDate::MIN), Just(NaiveDate::MAX)];
    let near = (-400_i32..4_000, 1_u32..366).prop_filter_map("a day", |(year, day)| NaiveDate::from_yo_opt(year, day));
    proptest::option::of(prop_oneof![9 => near, 1 => far])
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z山é😀]{0,12}", "[0-9]{1,300}"]
}

fn any_value() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        // Any bits: -0.0, and each of the many numbers that are none.
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(-f64::NAN), Just(f64::INFINITY)].prop_map(Value::Float),
        any_text().prop_map(Value::Text),
        any_day().prop_map(|day| day.map_or(Value::Null, Value::Date)),
    ];
    plain.prop_recursive(3, 8, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::List),
            vec(("[a-z]{0,4}".prop_map(Name::from), inner), 0..4).prop_map(Value::Record),
        ]
    })
}

/// The values of a column: few words, one kind with gaps, or anything.
fn any_values(rows: usize) -> impl Strategy<Value = Vec<Value>> {
    let gaps = |values: Vec<Option<Value>>| values.into_iter().map(|value| value.unwrap_or(Value::Null)).collect::<Vec<_>>();
    prop_oneof![
        vec((0_u8..3).prop_map(|word| Value::Text(format!("言葉 {word}"))), rows),
        vec(proptest::option::of(any_text().prop_map(Value::Text)), rows).prop_map(gaps),
        vec(proptest::option::of(any::<i64>().prop_map(Value::Int)), rows).prop_map(gaps),
        vec(any_day().prop_map(|day| day.map_or(Value::Null, Value::Date)), rows),
        vec(any_value(), rows),
    ]
}

fn any_texts(rows: usize) -> impl Strategy<Value = Texts> {
    vec(any_text(), rows).prop_map(|texts| texts.iter().map(String::as_str).collect())
}

/// A column that may not be mapped.
fn any_words(rows: usize) -> impl Strategy<Value = Texts> {
    prop_oneof![Just(Texts::default()), any_texts(rows)]
}

fn any_address() -> impl Strategy<Value = Address> {
    let usable = (any_text(), any::<bool>()).prop_map(|(wire, irregular)| Address::Usable { wire: wire.into(), irregular });
    prop_oneof![Just(Address::Missing), Just(Address::Bad), usable]
}

fn any_contacts(rows: usize) -> impl Strategy<Value = Contacts> {
    let asked = || proptest::option::of(vec(any::<bool>(), rows));
    let words = || any_words(rows);
    (words(), words(), words(), words(), asked(), asked(), asked()).prop_map(
        |(postal_code, postal_address, line_id, phone, post_consent, line_consent, call_consent)| Contacts {
            postal_code,
            postal_address,
            line_id,
            phone,
            post_consent,
            line_consent,
            call_consent,
        },
    )
}

fn any_points(rows: usize) -> impl Strategy<Value = Vec<Option<Points>>> {
    let points = (any::<i64>(), any::<i64>(), any_day());
    let points = points.prop_map(|(balance, expiring, expire_on)| Points { balance, expiring, expire_on });
    prop_oneof![Just(Vec::new()), vec(proptest::option::of(points), rows)]
}

fn some_customers(rows: usize) -> impl Strategy<Value = Customers> {
    let people = (any_texts(rows), vec(any_address(), rows), any_texts(rows), vec(any::<bool>(), rows), any_contacts(rows));
    let days = (vec(any_day(), rows), vec(any_day(), rows), vec(any_day(), rows));
    let ranks = (any_words(rows), any_words(rows), any_words(rows), any_points(rows));
    let columns = vec((any_text(), any_values(rows).prop_map(|values| values.into_iter().collect())), 0..4);
    (people, days, ranks, columns, vec((any_text(), any_text()), 0..3)).prop_map(|(people, days, ranks, columns, excluded)| {
        let (id, address, name, consent, contacts) = people;
        let (birthday, since, rank_at_least_until) = days;
        let (rank, rank_at_least, household, points) = ranks;
        Customers {
            id,
            address,
            name,
            birthday,
            consent,
            since,
            contacts,
            rank,
            rank_at_least,
            rank_at_least_until,
            household,
            points,
            columns,
            excluded,
        }
    })
}

fn any_customers() -> impl Strategy<Value = Customers> {
    (0_usize..40).prop_flat_map(some_customers)
}

/// All bits of a value: minus zero is another one than zero, and what is no number is itself.
fn bits(value: &Value) -> String {
    match value {
        Value::Float(number) => format!("{:016x}", number.to_bits()),
        Value::List(values) => format!("{:?}", values.iter().map(bits).collect::<Vec<_>>()),
        Value::Record(fields) => format!("{:?}", fields.iter().map(|(name, value)| (name, bits(value))).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}

/// The values of the columns with all bits, and the customers without them.
fn apart(mut customers: Customers) -> (Customers, Vec<(String, Vec<String>)>) {
    let columns = std::mem::take(&mut customers.columns);
    let values = columns.into_iter().map(|(name, values)| (name, values.iter().map(|value| bits(&value)).collect()));
    let values = values.collect();
    (customers, values)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn customers_come_back_as_they_were(customers in any_customers()) {
        let bytes = pack(&customers);
        let again = unpack(&bytes).expect("customers");
        prop_assert_eq!(&pack(&again), &bytes, "what is packed of blocks is what they were unpacked from");
        prop_assert_eq!(apart(again), apart(customers));
    }

    #[test]
    fn damage_is_never_a_panic(customers in any_customers(), places in vec((any::<prop::sample::Index>(), any::<u8>()), 1..5), cut in any::<prop::sample::Index>()) {
        let bytes = pack(&customers);
        let mut other = bytes.clone();
        for (place, byte) in places {
            *place.get_mut(&mut other) = byte;
        }
        for damaged in [&other[..], &bytes[..cut.index(bytes.len())]] {
            let Some(found) = unpack(damaged) else { continue };
            prop_assert!(damaged.len() == bytes.len(), "bytes that are missing are missed");
            // Whoever is there can be looked at from head to foot.
            prop_assert!(is_even(&found));
            let rows: Vec<(usize, usize)> = (0..found.len()).map(|row| (0, row)).collect();
            prop_assert_eq!(Customers::woven([&found, &found], &rows).len(), found.len());
        }
    }
}

#[test]
fn columns_of_several_blocks_come_back() {
    for rows in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 7] {
        let of = |value: fn(usize) -> Value| (0..rows).map(value).collect::<Values>();
        let columns = [
            of(|row| Value::Text(format!("{row}"))),
            of(|row| Value::Text(["京都", "大阪"][row % 2].to_owned())),
            of(|row| if row % 5 == 0 { Value::Null } else { Value::Int(row.cast_signed() as i64 - 9) }),
            of(|row| Value::List(vec![Value::Float(-0.0), Value::Bool(row % 2 == 0)])),
        ];
        let customers = Customers {
            id: (0..rows).map(|row| format!("C{row:05}")).collect::<Vec<_>>().iter().map(String::as_str).collect(),
            address: vec![Address::Missing; rows],
            name: (0..rows).map(|_| "").collect(),
            birthday: vec![None; rows],
            consent: vec![true; rows],
            since: vec![None; rows],
            rank_at_least_until: vec![None; rows],
            columns: columns.into_iter().enumerate().map(|(at, values)| (at.to_string(), values)).collect(),
            ..Customers::default()
        };
        assert_eq!(unpack(&pack(&customers)).map(apart), Some(apart(customers)), "{rows}");
    }
}
