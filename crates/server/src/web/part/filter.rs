//! The form by which somebody looks through a list. What it asks for stands in the address, and is read from there.

use maud::{Markup, html};

use super::super::place::Place;

/// Something that a list may be asked for.
pub(in crate::web) struct Field<'a> {
    /// As it stands in the address.
    pub(in crate::web) name: &'static str,
    pub(in crate::web) label: &'static str,
    pub(in crate::web) takes: Takes<'a>,
}

/// How a field is filled in.
pub(in crate::web) enum Takes<'a> {
    /// A line, shown so many characters wide.
    Line(u8),
    /// What a list is mostly looked for by: the key `/` leads there. It shows how it is written where it is empty.
    Search(u8, &'static str),
    /// One of these, each with its word. The one of an empty value is the list as it is shown by itself.
    One(Vec<(&'a str, &'a str)>),
}

/// The form above the list of a page, and the way back to all of it.
pub(in crate::web) fn form(place: &Place, fields: &[Field<'_>]) -> Markup {
    let here = format!("{}{}", place.base(), place.page.path());
    let searched = fields.iter().find(|field| matches!(field.takes, Takes::Search(..))).or(fields.first());
    let searched = searched.map(|field| field.name);
    html! {
        form .filter method="get" action=(here) role="search" {
            @for field in fields { label .f { (field.label) (input(place, field, searched)) } }
            button { "Look" }
            @if fields.iter().any(|field| place.asks(field.name).is_some()) { a href=(here) { "Clear" } }
        }
    }
}

fn input(place: &Place, field: &Field<'_>, searched: Option<&str>) -> Markup {
    let is_searched = searched == Some(field.name);
    let asked = place.asks(field.name).unwrap_or_default();
    match &field.takes {
        Takes::Line(size) => html! { input name=(field.name) value=(asked) size=(size) data-search[is_searched]; },
        Takes::Search(size, like) => html! {
            input type="search" name=(field.name) value=(asked) size=(size) placeholder=[Some(like).filter(|like| !like.is_empty())] data-search[is_searched];
        },
        Takes::One(options) => html! {
            select name=(field.name) data-search[is_searched] {
                @for (value, word) in options { option value=(value) selected[*value == asked] { (word) } }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: &str, fields: &[Field<'_>]) -> String {
        form(&Place::read("/queue", query).expect("a place"), fields).into_string()
    }

    #[test]
    fn a_filter_shows_what_its_address_asks_for_and_leads_the_search_key_to_one_field() {
        let fields = [
            Field { name: "state", label: "State", takes: Takes::One(vec![("", "any"), ("dead", "dead")]) },
            Field { name: "kind", label: "Kind", takes: Takes::Line(14) },
            Field { name: "name", label: "Name", takes: Takes::Search(22, "job:NAME") },
        ];
        let empty = shown("", &fields);
        assert!(empty.contains("<option value=\"\" selected>any</option>") && !empty.contains("Clear"), "{empty}");
        let asked = shown("state=dead&kind=%22%3E", &fields);
        assert!(
            asked.contains("<option value=\"dead\" selected>") && asked.contains("value=\"&quot;&gt;\""),
            "{asked}"
        );
        assert!(asked.contains("href=\"./queue\">Clear"), "{asked}");
        for (fields, sought) in [(&fields[..], "name=\"name\""), (&fields[..2], "name=\"state\"")] {
            let shown = shown("", fields);
            let tags: Vec<_> = shown.split('<').filter(|tag| tag.contains("data-search")).collect();
            assert!(tags.len() == 1 && tags[0].contains(sought), "{shown}");
        }
    }
}
