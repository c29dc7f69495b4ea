//! Reporting gaps, and the inventory of what was reported. Ranking and closing them is the registry's matter.

use domain::agent::Right;
use domain::gap::Sighting;
use domain::id;
use domain::refusal::{Code, Refusal};
use futures::FutureExt;
use serde_json::json;
use store::gap::{Line, Place, Seen};

use crate::desk::Desk;
use crate::page::{Ask, Page};
use crate::{Call, No, Plane};

impl Plane {
    /// Records a sighting and gives its id.
    pub async fn report_gap(&self, call: &Call, seen: Sighting) -> Result<String, No> {
        for (field, text) in [("job", &seen.job), ("depends_on", &seen.depends_on)] {
            if let Some(text) = text {
                id::name(field, text)?;
            }
        }
        self.write(call, Right::Report, move |desk| report(desk, seen.clone()).boxed()).await
    }

    /// The gaps by how many jobs they block.
    pub async fn list_gaps(&self, call: &Call, ask: &Ask) -> Result<Page<Line>, No> {
        let first = (i64::MIN, i64::MIN, i64::MIN, String::new(), String::new());
        let after: Place = ask.place_in_order(first)?;
        let mut tx = self.read(call).await?;
        let lines = store::gap::inventory(&mut tx, &after, ask.rows()).await?;
        Ok(ask.page_of_texts(lines, Line::place))
    }

    /// The sightings of one gap, latest first.
    pub async fn show_gap(&self, call: &Call, name: &str, ask: &Ask) -> Result<Page<Seen>, No> {
        let name = &id::name("name", name)?;
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let seen = store::gap::list(&mut tx, Some(name), (before, &id), ask.rows()).await?;
        if seen.is_empty() {
            return Err(Refusal::new(Code::NotFound, format!("nobody reported a gap {name:?}"))
                .hint("see gapwright gaps list")
                .into());
        }
        Ok(ask.page_of_texts(seen, |seen| (seen.at, seen.id.clone())))
    }
}

async fn report(desk: &mut Desk<'_>, seen: Sighting) -> Result<String, No> {
    let id = desk.mint();
    let principal = desk.call.by.name.clone();
    store::gap::append(desk.tx, &id, &seen, None, &principal).await?;
    let after = json!({"kind": seen.kind, "name": seen.name, "job": seen.job, "severity": seen.severity.name()});
    desk.record(format!("gap:{}", seen.name.unwrap_or_default()), &(), &after).await?;
    Ok(id)
}
