//! Lists come in pages: so many items, and an opaque cursor for the rest.

use domain::id;
use domain::refusal::Refusal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Items of a page when nobody says how many.
pub const LIMIT_DEFAULT: i64 = 50;
/// The most items of a page.
pub const LIMIT_MAX: i64 = 200;
/// The most that the items of a page of texts take as JSON, in bytes; a page has one item at least. An answer over MCP
/// says each item twice, and stays below 1 MiB.
pub const PAGE_BYTES_MAX: usize = 256 * 1024;

/// Which page is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    limit: i64,
    cursor: Option<Value>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's total order.
    pub items: Vec<T>,
    /// Where the next page begins; none when this is the last.
    pub cursor: Option<String>,
}

impl Default for Ask {
    fn default() -> Self {
        Self { limit: LIMIT_DEFAULT, cursor: None }
    }
}

impl Ask {
    /// Checks a limit and a cursor as they came.
    pub fn new(limit: Option<i64>, cursor: Option<&str>) -> Result<Self, Refusal> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Refusal::invalid("limit", format!("limit is {limit}"))
                .hint(format!("give 1 to {LIMIT_MAX} and follow the cursor")));
        }
        let cursor = cursor.filter(|text| !text.is_empty()).map(read_cursor).transpose()?;
        Ok(Self { limit, cursor })
    }

    /// One more than is shown, to know whether there is more.
    pub(crate) fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// The place to go on from: a number and a text, or where the list begins.
    pub(crate) fn place(&self, first: (i64, &str)) -> Result<(i64, String), Refusal> {
        self.place_in_order((first.0, first.1.to_owned()))
    }

    /// The place to go on from, in an order of more parts.
    pub(crate) fn place_in_order<P: DeserializeOwned>(&self, first: P) -> Result<P, Refusal> {
        match &self.cursor {
            None => Ok(first),
            Some(cursor) => P::deserialize(cursor).map_err(|_| foreign_cursor()),
        }
    }

    /// Cuts what was read to a page.
    pub(crate) fn page<T, P: Serialize>(&self, items: Vec<T>, place: impl Fn(&T) -> P) -> Page<T> {
        cut(items, usize::try_from(self.limit).unwrap_or(usize::MAX), place)
    }

    /// Cuts what was found to a page, which goes on after the last that was looked at, where the look ended before there was
    /// enough.
    pub(crate) fn page_looked_to<T, P: Serialize>(
        &self,
        items: Vec<T>,
        place: impl Fn(&T) -> P,
        looked_to: Option<P>,
    ) -> Page<T> {
        let page = self.page(items, place);
        let cursor = page.cursor.or_else(|| looked_to.map(|place| write_cursor(&place)));
        Page { items: page.items, cursor }
    }

    /// Cuts what was read to a page, sooner where its texts are long.
    pub(crate) fn page_of_texts<T: Serialize, P: Serialize>(&self, items: Vec<T>, place: impl Fn(&T) -> P) -> Page<T> {
        let sums = items.iter().scan(0, |sum, item| {
            *sum += serde_json::to_string(item).map_or(PAGE_BYTES_MAX, |text| text.len());
            Some(*sum)
        });
        let fit = sums.take_while(|sum| *sum <= PAGE_BYTES_MAX).count().max(1);
        cut(items, usize::try_from(self.limit).unwrap_or(usize::MAX).min(fit), place)
    }
}

fn cut<T, P: Serialize>(mut items: Vec<T>, limit: usize, place: impl Fn(&T) -> P) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let cursor = items.last().filter(|_| more).map(|last| write_cursor(&place(last)));
    Page { items, cursor }
}

/// A cursor names the place of the last item shown. It is hexadecimal so that nobody is tempted to read it.
fn write_cursor(place: &impl Serialize) -> String {
    hex::encode(serde_json::to_string(place).unwrap_or_default())
}

fn read_cursor(text: &str) -> Result<Value, Refusal> {
    let bytes = (text.len() <= 4_096).then(|| hex::decode(text).ok()).flatten().ok_or_else(foreign_cursor)?;
    let place: Value = serde_json::from_slice(&bytes).map_err(|_| foreign_cursor())?;
    let parts = place.as_array().ok_or_else(foreign_cursor)?;
    // No name of ours has a character that cannot be seen, and a store may choke on one.
    let unseen = parts.iter().filter_map(Value::as_str).any(|text| text.chars().any(id::is_unprintable));
    if unseen { Err(foreign_cursor()) } else { Ok(place) }
}

fn foreign_cursor() -> Refusal {
    Refusal::invalid("cursor", "cursor is not one that this list gave out")
        .hint("pass it as it was answered, or leave it out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_walked_page_by_page_without_loss_or_repetition() {
        let all: Vec<i64> = (0..7).collect();
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let ask = Ask::new(Some(3), cursor.as_deref()).expect("a page");
            let (after, _) = ask.place((-1, "")).expect("a place");
            let rows =
                all.iter().copied().filter(|n| *n > after).take(usize::try_from(ask.rows()).expect("few")).collect();
            let page = ask.page(rows, |n| (*n, n.to_string()));
            seen.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_limit_or_cursor_that_makes_no_sense_is_refused() {
        for limit in [i64::MIN, -1, 0, 201] {
            assert!(Ask::new(Some(limit), None).is_err(), "{limit}");
        }
        for cursor in [
            "x",
            "zz",
            "5b",
            &hex::encode("[1]"),
            &hex::encode("[1,\"a\",2]"),
            &hex::encode("[18446744073709551615,\"a\"]"),
            &hex::encode("[1,\"a\\u0000\"]"),
            &hex::encode("{\"0\":1}"),
            &"ab".repeat(3_000),
        ] {
            assert!(Ask::new(None, Some(cursor)).and_then(|ask| ask.place((0, ""))).is_err(), "{cursor}");
        }
    }

    #[test]
    fn a_page_of_long_texts_ends_sooner_and_loses_nothing() {
        let long = "\u{1}".repeat(PAGE_BYTES_MAX / 24);
        let rows: Vec<_> = (0..9).map(|n| (n, long.clone())).collect();
        let page = Ask::default().page_of_texts(rows.clone(), |row| row.0);
        assert_eq!(page.items.len(), 3);
        assert!(serde_json::to_string(&page.items).expect("JSON").len() <= PAGE_BYTES_MAX);
        assert_eq!(page.cursor, Some(write_cursor(&2)));
        let whole = Ask::default().page_of_texts(vec![(0, "x".repeat(2 * PAGE_BYTES_MAX))], |row| row.0);
        assert_eq!((whole.items.len(), whole.cursor), (1, None), "one item is always shown");
    }
}
