//! The pull request at the gate: everything of it is read anew just before, and what could not be read is closed.

use serde::{Deserialize, Serialize};

use super::{Check, Draw, Item, Of, Record, Risk, passed};
use crate::outcome::Answer;
use crate::pull::{Hold, State};
use crate::time::Span;

/// How far the forge's clock and ours may be apart: with a larger difference nobody can tell what is old enough.
pub const APART_MAX: Span = Span::mins(5);

/// A pull request that may merge by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// Its number on the forge.
    pub number: Option<i64>,
    /// How it stands.
    pub state: State,
    /// What keeps our hands off it.
    pub hold: Option<Hold>,
    /// Whether people let agents act on its gap, by the gap itself and by its issue.
    pub gap: Answer,
    /// The commit that we know as its head.
    pub ours: Option<String>,
    /// The branch that it was judged for.
    pub onto: Option<String>,
    /// The commit that the reviewer last approved.
    pub reviewed: Option<String>,
    /// The commit that the merger last passed.
    pub passed: Option<String>,
    /// The commit that the implementer last handed in.
    pub handed_in: Option<String>,
    /// Whether anybody else pushed to it before that.
    pub others: bool,
    /// How it stands on the forge; none where it could not be read.
    pub live: Option<Live>,
    /// What our own git reads of the change; none where it could not.
    pub measured: Option<Measured>,
    /// The checks of its head; none where they could not be read.
    pub checks: Option<Vec<Check>>,
    /// The branch that it is to go into, as it stands; none where it could not be read.
    pub base: Option<Base>,
    /// What was drawn for it.
    pub draw: Draw,
}

/// How the branch stands that a change is to go into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The commit at its tip.
    pub tip: String,
    /// The checks of that; none where they could not be read.
    pub checks: Option<Vec<Check>>,
}

/// How a pull request stands on the forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of the forge, kept as it was given")]
pub struct Live {
    /// Whether it is open.
    pub open: bool,
    /// Whether it is a draft.
    pub draft: bool,
    /// The commit at its head.
    pub head: String,
    /// The branch that it is to be merged into.
    pub onto: String,
    /// Whether it can be merged; none while the forge does not know.
    pub mergeable: Option<bool>,
    /// Whether a person wants changes of it, by the last word of each in a review; none where that is not known.
    pub wanted: Option<bool>,
    /// Whether another open pull request has the same head.
    pub shared: bool,
    /// Whether it has the label that says what bots approved.
    pub shown: bool,
    /// A label on it by which it is somebody's: of a look, of a stop, of what is wanted; none where there is none.
    pub barring: Option<String>,
    /// Whether people let agents act on it.
    pub opted_in: bool,
    /// Whether a person said hands off.
    pub opted_out: bool,
    /// How far the forge's clock is from ours, in milliseconds; none where it does not say.
    pub apart_ms: Option<i64>,
}

/// What our own git reads of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// The commit.
    pub head: String,
    /// How many lines.
    pub lines: i64,
    /// How many files.
    pub files: i64,
    /// Why it shows, or may.
    pub visual: Option<String>,
    /// Why only people may change what it touches.
    pub protected: Option<String>,
    /// What else is a risk.
    pub risk: Risk,
}

impl Candidate {
    pub(super) fn items(&self, record: &Record) -> Vec<Item> {
        let mut items = vec![self.state(), self.held(), self.gap(), self.head(), self.hands(), self.authors()];
        items.extend(self.size(record));
        items.push(self.checked(&record.rules.checks));
        items.push(self.green(&record.rules.checks));
        items.extend(self.on_the_forge());
        items
    }

    /// Only what bots approved and nobody need look at.
    fn state(&self) -> Item {
        if self.state == State::NeedsHuman {
            return Item::pass("state", Of::Pull, "approved by the bots");
        }
        Item::fail("state", Of::Pull, &format!("it is {}", self.state))
    }

    fn held(&self) -> Item {
        match self.hold {
            None => Item::pass("hold", Of::Pull, "nothing keeps our hands off it"),
            Some(hold) => Item::fail("hold", Of::Pull, hold.why()),
        }
    }

    /// A person who says hands off there means what closes it, too.
    fn gap(&self) -> Item {
        let found = if self.gap == Answer::Pass { "people let agents act on it" } else { "" };
        Item { what: "gap".into(), of: Of::Pull, is: self.gap.clone(), found: found.into() }
    }

    /// One commit is the head there and here, and is what was handed in, reviewed, passed and measured.
    fn head(&self) -> Item {
        let there = self.live.as_ref().map(|live| &live.head);
        let measured = self.measured.as_ref().map(|measured| &measured.head);
        let seen = [
            self.ours.as_ref(),
            self.handed_in.as_ref(),
            self.reviewed.as_ref(),
            self.passed.as_ref(),
            there,
            measured,
        ];
        let names = ["ours", "handed in", "reviewed", "passed", "on the forge", "measured"];
        if let Some(missing) = seen.iter().position(Option::is_none) {
            return Item::unknown("head", Of::Pull, &format!("the commit that is {} is not known", names[missing]));
        }
        match seen.iter().position(|commit| *commit != seen[0]) {
            None => Item::pass("head", Of::Pull, seen[0].map_or("", String::as_str)),
            Some(other) => Item::fail("head", Of::Pull, &format!("the commit that is {} is another", names[other])),
        }
    }

    /// All of it is the implementer's.
    fn hands(&self) -> Item {
        if self.others {
            return Item::fail("hands", Of::Pull, "somebody else pushed to it");
        }
        Item::pass("hands", Of::Pull, "all of it is the implementer's")
    }

    /// Who pushed while the implementer had its turn is told by the commits.
    fn authors(&self) -> Item {
        match self.measured.as_ref().and_then(|measured| measured.risk.several) {
            Some(false) => Item::pass("authors", Of::Pull, "its commits are of one"),
            Some(true) => Item::fail("authors", Of::Pull, "its commits are of several"),
            None => Item::unknown("authors", Of::Pull, "whose its commits are could not be read"),
        }
    }

    /// What shows, what is protected, and what is large or a risk never merges by itself.
    fn size(&self, record: &Record) -> Vec<Item> {
        let of = Of::Pull;
        let Some(measured) = &self.measured else {
            let names = ["visual", "protected", "risk", "policy", "size"];
            return names.map(|what| Item::unknown(what, of, "the change could not be read")).into();
        };
        let none = |what: &str, why: &Option<String>, good: &str| match why {
            None => Item::pass(what, of, good),
            Some(why) => Item::fail(what, of, why),
        };
        let policy = match &record.stratum {
            _ if measured.risk.policy.is_empty() => Item::unknown("policy", of, "the policy is not known"),
            Some(stratum) if stratum.policy == measured.risk.policy && stratum.area == measured.risk.area => {
                Item::pass("policy", of, "the same as when it was judged")
            }
            Some(_) => Item::fail("policy", of, "it is another than when the change was judged"),
            None => Item::unknown("policy", of, "its stratum is not known"),
        };
        let (lines, files) = (record.rules.lines_max, record.rules.files_max);
        let found = format!("{} lines in {} files", measured.lines, measured.files);
        let size = if measured.lines <= lines && measured.files <= files {
            Item::pass("size", of, found)
        } else {
            Item::fail("size", of, &format!("{found}, and {lines} in {files} are the most"))
        };
        vec![
            none("visual", &measured.visual, "nothing of it shows"),
            none("protected", &measured.protected, "nothing of it is protected"),
            none("risk", &measured.risk.barred, "no test is taken away, and nothing that builds is changed"),
            policy,
            size,
        ]
    }

    /// Every check that must have passed at the head did, with at least one test.
    fn checked(&self, required: &[String]) -> Item {
        let (what, of) = ("checks", Of::Pull);
        match passed(self.checks.as_deref(), required, self.ours.as_deref()) {
            Answer::Pass => Item::pass(what, of, required.join(", ")),
            is @ (Answer::Fail(_) | Answer::Unknown(_)) => Item { what: what.into(), of, is, found: String::new() },
        }
    }

    /// What is merged onto what fails cannot be told from what made it fail.
    fn green(&self, required: &[String]) -> Item {
        let (what, of) = ("green", Of::Pull);
        let Some(base) = &self.base else { return Item::unknown(what, of, "the base could not be read") };
        match passed(base.checks.as_deref(), required, Some(&base.tip)) {
            Answer::Pass => Item::pass(what, of, "the base passes"),
            Answer::Fail(why) => Item::fail(what, of, &format!("on the base, {why}")),
            Answer::Unknown(why) => Item::unknown(what, of, &format!("on the base, {why}")),
        }
    }

    fn on_the_forge(&self) -> Vec<Item> {
        let of = Of::Pull;
        let Some(live) = &self.live else {
            return ["clocks", "base", "open", "mergeable", "people", "labels", "manual"]
                .map(|what| Item::unknown(what, of, "the forge could not be read"))
                .into();
        };
        let apart = live.apart_ms.map(Span);
        let clocks = match apart {
            // How far is in the record: what is judged is the same each time.
            Some(apart) if apart <= APART_MAX => Item::pass("clocks", of, format!("at most {APART_MAX} apart")),
            Some(_) => Item::fail("clocks", of, &format!("ours and the forge's are more than {APART_MAX} apart")),
            None => Item::unknown("clocks", of, "the forge does not say what its clock shows"),
        };
        let base = match &self.onto {
            None => Item::unknown("base", of, "nobody knows for which branch it was judged"),
            Some(onto) if *onto == live.onto => Item::pass("base", of, onto.clone()),
            Some(onto) => Item::fail("base", of, &format!("it was judged for {onto}, and is to go into {}", live.onto)),
        };
        let open = match (live.open, live.draft, live.shared) {
            (true, false, false) => Item::pass("open", of, "open"),
            (false, ..) => Item::fail("open", of, "it is not open"),
            (true, true, _) => Item::fail("open", of, "it is a draft"),
            (true, false, true) => Item::fail("open", of, "another open pull request has the same head"),
        };
        let mergeable = match live.mergeable {
            Some(true) => Item::pass("mergeable", of, "it can be merged"),
            Some(false) => Item::fail("mergeable", of, "it conflicts"),
            None => Item::unknown("mergeable", of, "the forge does not know yet"),
        };
        let people = match live.wanted {
            Some(false) => Item::pass("people", of, "nobody wants changes"),
            Some(true) => Item::fail("people", of, "a person wants changes"),
            None => Item::unknown("people", of, "nobody can tell whether a person wants changes"),
        };
        let labels = match (&live.barring, live.shown, live.opted_in) {
            (Some(label), ..) => Item::fail("labels", of, &format!("it has {label}")),
            (None, false, _) => Item::fail("labels", of, "it does not have the label of what bots approved"),
            (None, true, false) => Item::fail("labels", of, "people do not let agents act on it"),
            (None, true, true) => Item::pass("labels", of, "those of what bots approved alone"),
        };
        // Last: nothing is weighed against it.
        let manual = if live.opted_out {
            Item::fail("manual", of, "a person said hands off")
        } else {
            Item::pass("manual", of, "nobody said hands off")
        };
        vec![clocks, base, open, mergeable, people, labels, manual]
    }
}
