//! Looking at routine jobs and at how their claims ended. A list gives no payload and the beginning of each summary;
//! to look at one gives all of it.

use domain::id;
use domain::job::{Job, Run};
use domain::refusal::{Code, Refusal};
use store::job::list::{self, Filter, Listed};
use store::job::look::{self, Look, Stands};

use crate::page::{Ask, Page};
use crate::{Call, No, Plane};

impl Plane {
    /// Jobs by due time and name.
    pub async fn list_jobs(
        &self,
        call: &Call,
        due_only: bool,
        kind: Option<&str>,
        ask: &Ask,
    ) -> Result<Page<Listed>, No> {
        let kind = kind.map(|kind| id::name("kind", kind)).transpose()?;
        let (due, name) = ask.place((i64::MIN, ""))?;
        let mut tx = self.read(call).await?;
        let filter = Filter { due_only, kind: kind.as_deref() };
        let jobs = list::by_due(&mut tx, filter, (due, &name), ask.rows()).await?;
        let place = |listed: &Listed| (listed.job.next_run_at.map_or(i64::MAX, |due| due.0), listed.job.name.clone());
        Ok(ask.page_of_texts(jobs, place))
    }

    /// Jobs that somebody looks for. A page may be short, or empty, and still have a cursor: so far was looked.
    pub async fn look_for_jobs(&self, call: &Call, look: &Look, ask: &Ask) -> Result<Page<Listed>, No> {
        for (field, text) in [("kind", &look.kind), ("name", &look.name), ("agent", &look.holder)] {
            text.as_ref().map(|text| id::name(field, text)).transpose()?;
        }
        if look.holder.is_some() && look.state.is_some_and(|state| state != Stands::Held) {
            return Err(Refusal::invalid("state", "somebody holds only what is at work")
                .hint("look for the state held, or leave the state or the holder out")
                .into());
        }
        if *look == (Look { kind: look.kind.clone(), ..Look::default() }) {
            return self.list_jobs(call, false, look.kind.as_deref(), ask).await;
        }
        let after: look::Place = ask.place_in_order(look::first(look))?;
        let mut tx = self.read(call).await?;
        let found = look::look(&mut tx, look, &after, ask.rows()).await?;
        let looked_to = found.looked_to.map(|name| (0, 0, name));
        Ok(ask.page_looked_to(found.jobs, |listed| look::place(look, listed), looked_to))
    }

    /// One job.
    pub async fn show_job(&self, call: &Call, name: &str) -> Result<Job, No> {
        let name = &id::name("name", name)?;
        let mut tx = self.read(call).await?;
        let job = store::job::find(&mut tx, name).await?;
        Ok(job.ok_or_else(|| {
            Refusal::new(Code::NotFound, format!("there is no job {name:?}")).hint("see gapwright jobs list")
        })?)
    }

    /// Runs, latest first, of one job or of all.
    pub async fn list_runs(&self, call: &Call, job: Option<&str>, ask: &Ask) -> Result<Page<Run>, No> {
        let job = job.map(|job| id::name("job", job)).transpose()?;
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let runs = store::run::list(&mut tx, job.as_deref(), (before, &id), ask.rows()).await?;
        Ok(ask.page_of_texts(runs, |run| (run.ended_at.0, run.claim_id.clone())))
    }

    /// The run of a claim that ended.
    pub async fn show_run(&self, call: &Call, claim_id: &str) -> Result<Run, No> {
        let claim_id = &id::name("claim_id", claim_id)?;
        let mut tx = self.read(call).await?;
        let run = store::run::find(&mut tx, claim_id).await?;
        Ok(run.ok_or_else(|| {
            Refusal::new(Code::NotFound, format!("no run has the claim {claim_id:?}")).hint("see gapwright runs list")
        })?)
    }
}
