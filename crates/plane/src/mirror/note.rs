//! What is said on issues: each note once. Whether one arrived that nobody knows the end of is read there.

use domain::gap::Key;
use domain::label::Role;
use domain::mirror::{SETTLE, note_marker};
use domain::time::{Span, Time};
use forge::{AccountKind, Fault};
use futures::FutureExt;
use store::issue::note::{self, Note};
use store::seeded::bug;

use super::{Failed, Home, OFF_FOR};
use crate::{No, Plane};

/// How many notes are sent in one look at an issue.
const NOTES_MAX: i64 = 5;

/// How far the forge's clock may be from ours where a note is looked for: a clock that is further off opens no forge.
const CLOCKS_APART: Span = Span::hours(1);

impl Plane {
    /// Says on an issue what is to be said there, unless people said hands off.
    pub(super) async fn send_notes(&self, home: &Home, key: &Key, number: i64) -> Result<(), Failed> {
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let (level, _) = store::level::current(&mut tx).await?;
        let notes = note::open(&mut tx, key, NOTES_MAX).await?;
        let names = super::names(&mut tx, &home.repo, &self.settings.rules.labels).await?;
        let labels = store::issue::find(&mut tx, key).await?.map(|issue| issue.labels).unwrap_or_default();
        drop(tx);
        if !level.reaches_out() || names.has(&labels, Role::OptOut) || notes.is_empty() {
            return Ok(());
        }
        if self.is_off(home).await? {
            return Err(Failed::Forge(Fault::Paced { after: OFF_FOR }));
        }
        let mut said = true;
        for note in notes {
            if note.state == "sending" {
                said &= self.settle_note(home, number, &note, now).await?;
            } else {
                self.send_note(home, number, &note).await?;
            }
        }
        if said {
            // The next one need not wait.
            let key = key.clone();
            let freed = self.act.act(move |tx| {
                let (key, now) = (key.clone(), tx.now());
                async move { Ok(store::issue::release(tx, &key, now).await?) }.boxed()
            });
            freed.await?;
        }
        Ok(())
    }

    async fn send_note(&self, home: &Home, number: i64, note: &Note) -> Result<(), Failed> {
        let Some(sending) = self.move_note(note, "sending").await? else { return Ok(()) };
        match home.forge.comment(number, &format!("{}\n{}", note_marker(&note.id), note.text)).await {
            Ok(_) => {
                self.move_note(&sending, "sent").await?;
                Ok(())
            }
            Err(fault @ (Fault::Later { .. } | Fault::Paced { .. } | Fault::Moved { .. })) => {
                self.move_note(&sending, "waiting").await?;
                Err(fault.into())
            }
            Err(fault @ (Fault::Refused { .. } | Fault::Gone { .. } | Fault::Stale { .. })) => {
                tracing::warn!(%fault, number, "a note was not taken and is dropped");
                self.move_note(&sending, "dropped").await?;
                Ok(())
            }
            // It stays as sending until reading tells.
            Err(fault @ Fault::Unknown { .. }) => {
                if bug("say-again") {
                    self.move_note(&sending, "waiting").await?;
                }
                Err(fault.into())
            }
        }
    }

    /// Finds out whether a note arrived; false while it is too early to tell.
    async fn settle_note(&self, home: &Home, number: i64, note: &Note, now: Time) -> Result<bool, Failed> {
        let tried = Time(note.tried_at);
        if now.since(tried) < Span(SETTLE.0 * 2) {
            return Ok(false);
        }
        let marker = note_marker(&note.id);
        let comments = home.forge.comments(number, Some(tried - CLOCKS_APART)).await?;
        let ours = comments.iter().filter(|comment| comment.author.kind == AccountKind::Us);
        let arrived = ours.into_iter().any(|comment| comment.body.contains(&marker));
        self.move_note(note, if arrived { "sent" } else { "waiting" }).await?;
        Ok(true)
    }

    async fn move_note(&self, note: &Note, to: &'static str) -> Result<Option<Note>, No> {
        let note = note.clone();
        self.act
            .act(move |tx| {
                let note = note.clone();
                async move { Ok(note::set(tx, &note, to).await?) }.boxed()
            })
            .await
    }
}
