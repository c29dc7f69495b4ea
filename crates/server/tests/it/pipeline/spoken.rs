//! A pull request in whose every text is what somebody wants there: for those who show what others said.

use std::sync::Arc;

use domain::pull::Stage;
use domain::time::Span;
use forge::local::Decision;
use forge::{Forge as _, NewIssue, NewReview};
use harness::World;
use plane::Plane;
use plane::mirror::Home;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::json;

use super::{GAP, Yard};
use crate::asked::{Asked, options};

/// How many findings a review has here.
const FINDINGS: usize = 20;

impl Yard<'_> {
    /// A yard whose people act on the local forge by the page.
    pub(crate) async fn with_a_page(world: &World) -> Yard<'_> {
        let yard = Yard::new(world).await;
        let (local, home) = (yard.local.clone(), yard.home().await);
        let settings = harness::plane::settings(|settings| (settings.home, settings.local) = (Some(home), Some(local)));
        let plane = Plane::new(world.store().clone(), settings, StdRng::seed_from_u64(100));
        let asked = Asked::serve(plane.clone(), options()).await;
        Yard { asked, plane, ..yard }
    }

    async fn home(&self) -> Home {
        harness::local::home(Arc::new(self.local.clone()), self.folder.path(), (super::REPO, super::POLL)).await
    }

    /// One goes as far as its review; gives its number and its head.
    pub(crate) async fn opens_one(&self) -> (String, String) {
        self.takes_up(GAP, "nobody could see what was deployed").await;
        let head = self.opened().await;
        (self.status().await["number"].to_string(), head)
    }

    /// A person opens an issue, with comments; gives its number.
    pub(crate) async fn opens_issue(&self, (title, body): (&str, &str), comments: &[String]) -> i64 {
        let new = NewIssue { title: title.to_owned(), body: body.to_owned(), labels: Vec::new() };
        let number = self.person().open_issue(&new).await.expect("an issue").number;
        for comment in comments {
            self.person().comment(number, comment).await.expect("a comment");
        }
        number
    }

    /// The number of the issue of the gap that was taken up.
    pub(crate) async fn issue_of_gap(&self) -> i64 {
        self.local.issues(0).await.expect("issues")[0].number
    }

    /// Time passes, and the forge is looked at.
    pub(crate) async fn looks(&self, span: Span) {
        self.pass(span).await;
    }

    /// Lets one go through planning, implementing and a review that sends it back, with all of these texts in each of its own.
    pub(crate) async fn passes_through(&self, text: impl Fn(usize) -> String, count: usize) {
        let each: Vec<String> = (0..count).map(text).collect();
        let all = each.join("\n");
        let some = |chars: usize| all.chars().take(chars).collect::<String>();
        self.takes_up(GAP, &some(900)).await;
        self.comments(&all).await;
        self.labels(self.local.issues(0).await.expect("issues")[0].number, &each[15]).await;
        let planner = self.turn(Stage::Planner).await;
        let ways = json!([{"name": each[15], "about": some(1_900), "lines": 9}, {"name": each[0], "about": "it is less", "lines": 6}]);
        planner
            .does("submit-plan", json!({"approaches": ways, "chosen": each[0], "steps": all, "model": each[16]}))
            .await;
        let lines: Vec<_> = all.lines().map(|line| format!("+{line}")).collect();
        let (count, added) = (lines.len(), lines.join("\n"));
        let path = "src/list.rs";
        let patch = format!(
            "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{count} @@\n{added}\n"
        );
        let implementer = self.turn(Stage::Implementer).await;
        let change = json!({"patch": patch, "title": each[20], "body": all, "model": each[15]});
        implementer.does("submit-change", change).await;
        self.pass(Span::secs(1)).await;
        let head = self.status().await["head"].as_str().expect("a head").to_owned();
        let findings: Vec<_> = each
            .iter()
            .take(FINDINGS)
            .map(|text| json!({"path": path, "line": 1, "severity": "major", "category": "correctness", "text": text}))
            .collect();
        let reviewer = self.turn(Stage::Reviewer).await;
        for _ in 0..2 {
            let review =
                json!({"head": head, "verdict": "REQUEST_CHANGES", "summary": some(900), "findings": findings});
            reviewer.does("submit-review", review).await;
        }
        self.people_say(&each).await;
        self.pass(Span::secs(1)).await;
    }

    /// A person opens an issue with all of these, comments with them there, and reviews the pull request in their words: each text is
    /// so short that a page shows all of it.
    async fn people_say(&self, each: &[String]) {
        let chunks: Vec<String> = each.chunks(12).map(|some| some.join("\n")).collect();
        self.opens_issue((&each[15], &each.join("\n")), &chunks).await;
        let number = self.status().await["number"].as_i64().expect("a number");
        let commit = self.local.pull(number).await.expect("a pull request").head.commit;
        for body in chunks {
            let review = NewReview { commit: commit.clone(), body, remarks: Vec::new() };
            self.person().decide(number, &review, Decision::Approve).await.expect("a review");
        }
    }
}
