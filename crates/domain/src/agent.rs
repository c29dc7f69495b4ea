//! Who is asking, and what that one may do.
//!
//! Identity comes from a bearer token and never from an argument. Being known is not being entitled: every tool
//! names the right it needs, and a role is a set of rights.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id;
use crate::pull::Stage;
use crate::refusal::{Code, Refusal};
use crate::time::{Span, Time};

/// What a caller is trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Reads, takes locks, works on jobs, notifies, reports gaps.
    Routine,
    /// A routine that plans.
    Planner,
    /// A routine that implements.
    Implementer,
    /// A routine that reviews.
    Reviewer,
    /// A routine that judges the whole before a person merges.
    Merger,
    /// A person who runs this installation: everything.
    Operator,
}

/// What a tool or command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Read state.
    Read,
    /// Take, extend and release locks.
    Lock,
    /// Register, claim, complete and trigger jobs.
    Work,
    /// Send a message to an allowed channel.
    Notify,
    /// Report gaps and check in.
    Report,
    /// Hand in what a stage of the pipeline is for.
    HandIn(Stage),
    /// Tokens, broken locks, configuration: a person's acts.
    Operate,
}

impl Role {
    /// Every role, least trusted first.
    pub const ALL: [Self; 7] =
        [Self::Viewer, Self::Routine, Self::Planner, Self::Implementer, Self::Reviewer, Self::Merger, Self::Operator];

    /// The role as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Routine => "routine",
            Self::Planner => "planner",
            Self::Implementer => "implementer",
            Self::Reviewer => "reviewer",
            Self::Merger => "merger",
            Self::Operator => "operator",
        }
    }

    /// Reads a role by its name.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| {
            Refusal::invalid("role", format!("there is no role {text:?}"))
                .hint(format!("roles are {}", Self::ALL.map(Self::name).join(", ")))
        })
    }

    /// Whether this role includes a right.
    pub const fn may(self, right: Right) -> bool {
        match self {
            Self::Operator => true,
            Self::Viewer => matches!(right, Right::Read),
            Self::Routine => !matches!(right, Right::Operate | Right::HandIn(_)),
            Self::Planner => Self::works(right, Stage::Planner),
            Self::Implementer => Self::works(right, Stage::Implementer),
            Self::Reviewer => Self::works(right, Stage::Reviewer),
            Self::Merger => Self::works(right, Stage::Merger),
        }
    }

    /// Whether a routine that works in this stage has a right.
    const fn works(right: Right, stage: Stage) -> bool {
        match right {
            Right::Operate => false,
            Right::HandIn(other) => stage as u8 == other as u8,
            Right::Read | Right::Lock | Right::Work | Right::Notify | Right::Report => true,
        }
    }

    /// The stage that it works in.
    pub fn stage(self) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.role() == self)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whoever is asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Principal {
    /// Its name, as the audit shows it.
    pub name: String,
    /// What it is trusted with.
    pub role: Role,
    /// The only kinds of job it may claim; empty means all.
    pub kinds: Vec<String>,
    /// The public id of the token it showed; empty for the process itself.
    pub token: String,
    /// The public id of the token from which that one comes; empty where there is none.
    pub lineage: String,
    /// The claim for which alone it is here; none where it may do all that its role may.
    pub claim: Option<String>,
    /// Whether somebody else meters what it spends: then its own word on that does not count.
    pub metered: bool,
}

impl Principal {
    /// A caller on this machine who needs no token, such as the command line.
    pub fn local(name: &str, role: Role) -> Self {
        Self {
            name: name.to_owned(),
            role,
            kinds: Vec::new(),
            token: String::new(),
            lineage: String::new(),
            claim: None,
            metered: false,
        }
    }

    /// Refuses unless the role includes the right. Whoever is here for one claim only may use only what its work needs.
    pub fn require(&self, right: Right, what: &str) -> Result<(), Refusal> {
        if self.claim.is_some() && !of_a_claim(self.role).any(|tool| tool == what) {
            let tools: Vec<_> = of_a_claim(self.role).collect();
            return Err(Refusal::new(
                Code::Forbidden,
                format!("this token is for one job alone and may not use {what}"),
            )
            .hint(format!("it may use {}", tools.join(", "))));
        }
        if self.metered && what == METERED_ELSEWHERE {
            return Err(Refusal::new(Code::Forbidden, "whoever started you meters what you spend")
                .hint("leave it out; my-budget tells what is left"));
        }
        if self.role.may(right) {
            return Ok(());
        }
        let needed: Vec<_> = Role::ALL.into_iter().filter(|role| role.may(right)).map(Role::name).collect();
        Err(Refusal::new(Code::Forbidden, format!("{} has the role {} and may not use {what}", self.name, self.role))
            .hint(format!("ask the operator for a token with one of the roles {}", needed.join(", "))))
    }

    /// Refuses a claim that is not the one for which alone the caller is here.
    pub fn own(&self, claim_id: &str) -> Result<(), Refusal> {
        match &self.claim {
            Some(own) if own != claim_id => Err(Refusal::new(Code::WrongJob, "this token is for another claim")
                .field("claim_id")
                .hint("give the claim_id with which you were started")),
            Some(_) | None => Ok(()),
        }
    }

    /// The kind to claim, given the one asked for: a caller that is limited to kinds cannot step outside them.
    pub fn kind(&self, asked: Option<String>) -> Result<Option<String>, Refusal> {
        match (asked, self.kinds.as_slice()) {
            (asked, []) => Ok(asked),
            (None, [only]) => Ok(Some(only.clone())),
            (Some(kind), kinds) if kinds.contains(&kind) => Ok(Some(kind)),
            (_, kinds) => Err(Refusal::new(Code::Forbidden, format!("{} is limited to kinds of job", self.name))
                .field("kind")
                .hint(format!("name one of {}", kinds.join(", ")))),
        }
    }
}

/// What a token that is for one claim alone may be used for: looking at the work, handing it in, and saying what is in
/// its way.
pub const OF_A_CLAIM: [&str; 11] = [
    "show-work",
    "submit-plan",
    "submit-change",
    "submit-review",
    "submit-merge-verdict",
    "my-budget",
    "report-usage",
    "report-gap",
    "list-gaps",
    "show-gap",
    "ask-operator",
];

/// What of it is not for an agent whose spending somebody else meters.
pub const METERED_ELSEWHERE: &str = "report-usage";

/// What of it is not for a reviewer, who judges a difference before it is told what that is for.
const NOT_BLIND: [&str; 2] = ["list-gaps", "show-gap"];

/// The tools that a token for one claim alone opens in a role, before the role's own rights are looked at.
pub fn of_a_claim(role: Role) -> impl Iterator<Item = &'static str> {
    OF_A_CLAIM.into_iter().filter(move |tool| role != Role::Reviewer || !NOT_BLIND.contains(tool))
}

/// The longest life of a token that is for one claim alone.
pub const CLAIM_TOKEN_LIFE_MAX: Span = Span::hours(24);

/// The longest life of a token.
pub const TOKEN_LIFE_MAX: Span = Span::days(3_660);

/// Every token of ours begins so, which lets secret scanners find one that leaked.
const TOKEN_PREFIX: &str = "gapw_";

/// A freshly minted token: the text to show once, and what to remember of it.
pub struct Minted {
    /// The bearer token; shown once, never stored.
    pub text: String,
    /// Its public id.
    pub id: String,
    /// What is stored instead of the text.
    pub hash: String,
}

/// Makes a token out of 256 random bits. It reads `gapw_ID_SECRETCHECK`; the check is six hexadecimal digits of a
/// digest of the rest, so a mistyped token is told apart from a revoked one without asking the store.
pub fn mint_token(now: Time, random: (u128, u128)) -> Minted {
    let id = id::mint(now, random.0);
    let body = format!("{TOKEN_PREFIX}{id}_{:032x}", random.1);
    let text = format!("{body}{}", check_digits(&body));
    let hash = id::digest(text.as_bytes());
    Minted { text, id, hash }
}

/// The public id and the stored hash of a token as it was shown, or a refusal when it cannot be one of ours.
pub fn read_token(text: &str) -> Result<(String, String), Refusal> {
    let malformed = || {
        Refusal::new(Code::Unauthenticated, "the bearer token is not one of this server's tokens")
            .hint("create one with: gapwright token create --role routine --name NAME")
    };
    if text.len() != TOKEN_PREFIX.len() + 26 + 1 + 32 + 6 || !text.is_ascii() {
        return Err(malformed());
    }
    let (body, check) = text.split_at(text.len() - 6);
    let id = body.strip_prefix(TOKEN_PREFIX).and_then(|rest| rest.split_once('_')).map(|(id, _)| id);
    match id {
        Some(id) if check == check_digits(body) => Ok((id.to_owned(), id::digest(text.as_bytes()))),
        _ => Err(malformed()),
    }
}

fn check_digits(body: &str) -> String {
    id::digest(body.as_bytes())[..6].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rights_of_each_role_are_these() {
        let rights = [Right::Read, Right::Lock, Right::Work, Right::Notify, Right::Report, Right::Operate];
        let table = Role::ALL.map(|role| (role.name(), rights.map(|right| role.may(right))));
        let (no, yes) = (false, true);
        let worker = [yes, yes, yes, yes, yes, no];
        for role in Role::ALL {
            let hands_in = Stage::ALL.map(|stage| role.may(Right::HandIn(stage)));
            let own = Stage::ALL.map(|stage| role == Role::Operator || role.stage() == Some(stage));
            assert_eq!(hands_in, own, "{role}");
        }
        assert_eq!(
            table,
            [
                ("viewer", [yes, no, no, no, no, no]),
                ("routine", worker),
                ("planner", worker),
                ("implementer", worker),
                ("reviewer", worker),
                ("merger", worker),
                ("operator", [yes; 6]),
            ]
        );
    }

    #[test]
    fn a_token_is_read_back_and_a_mistyped_one_is_refused() {
        let minted = mint_token(Time(1_795_334_400_000), (2, 3));
        assert_eq!(read_token(&minted.text), Ok((minted.id, minted.hash)));
        let mistyped = minted.text.replace("003", "004");
        for text in ["", "gapw_", "Bearer x", &mistyped, &minted.text.to_lowercase(), &format!("{}a", minted.text)] {
            assert_eq!(read_token(text).map_err(|r| r.code), Err(Code::Unauthenticated), "{text}");
        }
    }

    #[test]
    fn a_token_for_one_claim_opens_nothing_else() {
        let mut bound = Principal::local("a", Role::Implementer);
        bound.claim = Some("c".into());
        assert!(bound.require(Right::HandIn(Stage::Implementer), "submit-change").is_ok());
        assert!(bound.require(Right::Read, "show-work").is_ok() && bound.own("c").is_ok());
        for (right, what) in [
            (Right::HandIn(Stage::Reviewer), "submit-review"),
            (Right::Work, "claim-routine-job"),
            (Right::Work, "complete-routine-job"),
            (Right::Lock, "acquire-lock"),
            (Right::Notify, "notify"),
        ] {
            assert_eq!(bound.require(right, what).map_err(|no| no.code), Err(Code::Forbidden), "{what}");
        }
        assert_eq!(bound.own("d").map_err(|no| no.code), Err(Code::WrongJob));
        assert!(Principal::local("a", Role::Routine).own("d").is_ok());
    }

    #[test]
    fn what_an_agent_spends_is_not_its_own_to_say_where_somebody_meters_it() {
        for (metered, may) in [(false, true), (true, false)] {
            let bound = Principal { claim: Some("c".into()), metered, ..Principal::local("a", Role::Implementer) };
            assert_eq!(bound.require(Right::Work, "report-usage").is_ok(), may);
            assert!(bound.require(Right::Work, "my-budget").is_ok());
        }
    }

    #[test]
    fn a_reviewer_s_token_for_one_claim_does_not_tell_what_the_change_is_for() {
        for role in Role::ALL {
            let bound = Principal { claim: Some("c".into()), ..Principal::local("a", role) };
            for tool in ["list-gaps", "show-gap"] {
                assert_eq!(bound.require(Right::Read, tool).is_ok(), role != Role::Reviewer, "{role} {tool}");
            }
            assert_eq!(bound.require(Right::Report, "report-gap").is_ok(), role != Role::Viewer, "{role}");
            for tool in
                ["pipeline-status", "list-routine-jobs", "resources/read", "completion/complete", "delegate-claim"]
            {
                assert_eq!(
                    bound.require(Right::Read, tool).map_err(|no| no.code),
                    Err(Code::Forbidden),
                    "{role} {tool}"
                );
            }
        }
        assert!(
            Principal::local("a", Role::Reviewer).require(Right::Read, "show-gap").is_ok(),
            "its own token opens it"
        );
    }

    #[test]
    fn a_principal_limited_to_kinds_cannot_step_outside_them() {
        let mut principal = Principal::local("a", Role::Routine);
        let kind = |p: &Principal, asked: Option<&str>| p.kind(asked.map(str::to_owned)).map_err(|r| r.code);
        assert_eq!(kind(&principal, None), Ok(None));
        principal.kinds = vec!["digest".into()];
        assert_eq!(kind(&principal, None), Ok(Some("digest".into())));
        assert_eq!(kind(&principal, Some("audit")), Err(Code::Forbidden));
        principal.kinds.push("audit".into());
        assert_eq!(kind(&principal, Some("audit")), Ok(Some("audit".into())));
        assert_eq!(kind(&principal, None), Err(Code::Forbidden));
    }
}
