//! The tree of names that a template may use.

use crate::domain::Currency;
use crate::domain::job::Language;

/// What templates are checked against: the names of this shop, and how it writes money and dates.
#[derive(Debug, Clone)]
pub struct Names {
    /// The columns of the customer list; `None` when the list has not been opened, then any name after `customer.` passes.
    pub customer: Option<Vec<String>>,
    /// The keys of `[shop]`.
    pub shop: Vec<String>,
    /// Campaigns that never go by mail: their templates may lack any part, or be left out.
    pub without_mail: Vec<String>,
    /// Campaigns of other jobs that share the folder: theirs are no stray folders.
    pub elsewhere: Vec<String>,
    /// The variants of campaigns that have some.
    pub variants: Vec<(String, Vec<String>)>,
    pub currency: Currency,
    pub language: Language,
}

/// What a name holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Not known: whatever comes below is accepted.
    Any,
    /// A text, a number, a date.
    Leaf,
    Record(Vec<(String, Node)>),
    List(Box<Node>),
}

impl Names {
    /// The variants of a campaign.
    pub(super) fn variants_of(&self, campaign: &str) -> &[String] {
        self.variants.iter().find(|(name, _)| name == campaign).map_or(&[], |(_, variants)| variants)
    }
}

impl Node {
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        match self {
            Self::Record(fields) => fields.iter().find(|(field, _)| field == name).map(|(_, node)| node),
            _ => None,
        }
    }
}

/// A record of leaves.
fn leaves(names: &[&str]) -> Node {
    Node::Record(names.iter().map(|name| ((*name).to_owned(), Node::Leaf)).collect())
}

/// A record with these fields behind some leaves.
fn record(names: &[&str], more: Vec<(&str, Node)>) -> Node {
    let Node::Record(mut fields) = leaves(names) else { return Node::Any };
    fields.extend(more.into_iter().map(|(name, node)| (name.to_owned(), node)));
    Node::Record(fields)
}

/// The four names that come from the roles of `[customers.columns]`.
pub(super) const ROLES: [&str; 4] = ["id", "email", "name", "birthday"];

/// The names of the ways to reach a customer, each there where its role is mapped.
pub(super) const CONTACTS: [&str; 4] = ["postal_code", "postal_address", "line_id", "phone"];

/// The whole tree. `preheader` and `subject` are there for bodies and layouts only: they are rendered before those.
pub(super) fn tree(names: &Names, body: bool) -> Node {
    let customer = names.customer.as_ref().map_or(Node::Any, |columns| {
        let roles = ROLES.iter().map(|name| ((*name).to_owned(), Node::Leaf));
        // A column that is called like a role is told once.
        let own = columns.iter().filter(|name| !ROLES.contains(&name.as_str()));
        Node::Record(roles.chain(own.map(|name| (name.clone(), Node::Any))).collect())
    });
    let shop: Vec<&str> = names.shop.iter().map(String::as_str).collect();
    let Node::Record(mut fields) = of_values(customer) else { return Node::Any };
    fields.push(("shop".to_owned(), leaves(&shop)));
    if body {
        fields.extend(["subject", "preheader"].map(|name| (name.to_owned(), Node::Leaf)));
    }
    Node::Record(fields)
}

/// What of it each mail has values of its own for.
pub(super) fn of_values(customer: Node) -> Node {
    let list = |node| Node::List(Box::new(node));
    let offer = record(
        &[
            "kind",
            "percent",
            "amount",
            "over",
            "code",
            "valid_until",
            "gift",
            "what",
            "place",
            "reply_url",
            "price",
            "times",
            "prize",
            "seats",
            "opens",
            "opens_at",
            "url",
            "reduced",
            "reason",
        ],
        vec![
            ("on", record(&[], vec![("category", list(Node::Leaf)), ("product", list(Node::Leaf))])),
            ("steps", list(leaves(&["count", "percent"]))),
            ("products", list(leaves(&["name", "price", "url", "image"]))),
            ("items", list(leaves(&["product", "name", "category", "price", "url", "image", "reason"]))),
        ],
    );
    let item = leaves(&["name", "category", "quantity", "amount", "price", "url", "image"]);
    let rank = record(
        &["name", "previous", "change", "since"],
        vec![
            ("next", leaves(&["name", "orders", "spend", "on", "last_day"])),
            ("keep", leaves(&["by", "last_day", "orders", "spend", "at_risk"])),
        ],
    );
    let metrics = ["orders", "spend", "orders_ever", "spend_ever", "days_since_first_order", "days_since_last_order", "usual_interval"];
    record(
        &[],
        vec![
            ("customer", customer),
            ("rank", rank),
            ("metrics", leaves(&metrics)),
            ("points", leaves(&["balance", "expiring", "expire_on"])),
            ("cashback", leaves(&["points", "amount"])),
            ("offer", offer),
            ("occasion", leaves(&["date", "years"])),
            ("last_order", record(&["date", "store"], vec![("items", list(item))])),
            ("campaign", leaves(&["name", "sells", "variant"])),
            ("links", leaves(&["unsubscribe"])),
            ("as_of", Node::Leaf),
        ],
    )
}
