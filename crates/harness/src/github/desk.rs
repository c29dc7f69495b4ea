//! What a request meets on its way: what goes wrong, who asks, the limit, the route, and what was asked before.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, Semaphore, watch};

use super::act::Act;
use super::answer::Answer;
use super::caller::Caller;
use super::fault::{Fault, Faults, GitFault, bend};
use super::request::Request;
use super::route::{Turn, route};
use super::smart::Visit;
use super::state::{Author, State};
use super::view::View;

/// How long the primary limit counts, in milliseconds.
const HOUR_MS: i64 = 3_600_000;

/// What somebody without a token may ask in an hour.
const LIMIT_OF_NOBODY: u64 = 60;

/// The versions of the interface: the first is for whoever asks for none.
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// What the second version left out of what the fake tells.
const LEFT_OUT: [&str; 3] = ["merge_commit_sha", "assignee", "has_downloads"];

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Its method.
    pub method: String,
    /// Its path as it was written.
    pub path: String,
    /// Its query as it was written.
    pub query: String,
    /// Its body; null when it had none.
    pub body: Value,
    /// Who asked; none when nobody said, or what was said is not known.
    pub who: Option<String>,
    /// When it came.
    pub at: i64,
    /// What was answered; none when nothing was.
    pub status: Option<u16>,
    /// Whether what was asked was done, whatever was answered.
    pub done: bool,
    /// The body of the answer.
    pub(super) said: Value,
}

/// Everything behind the socket.
#[derive(Debug)]
pub(super) struct Desk {
    world: Mutex<World>,
    pub(super) moment: Arc<AtomicI64>,
    pub(super) faults: Mutex<Faults>,
    /// What the next requests of git meet.
    pub(super) git_faults: Mutex<VecDeque<Option<GitFault>>>,
    pub(super) arrived: watch::Sender<Vec<Arrived>>,
    /// What git asked.
    pub(super) visits: Mutex<Vec<Visit>>,
    pub(super) base: OnceLock<String>,
    /// Whether webhooks go out by themselves.
    pub(super) automatic: AtomicBool,
    /// A permit for each request that is held.
    pub(super) gate: Semaphore,
    /// Rung when a webhook waits.
    pub(super) bell: Notify,
    /// How far its clock is ahead of the moment that it is given, in milliseconds.
    pub(super) ahead: AtomicI64,
    /// How long each request takes by the clock, in milliseconds.
    pub(super) takes: AtomicI64,
    /// By how much a stale read is behind at most, in milliseconds.
    pub(super) behind_max: AtomicI64,
    /// What must hold after every change, and what did not.
    pub(super) guard: Mutex<Guard>,
}

/// What must hold after every change.
#[derive(Default)]
pub(super) struct Guard {
    pub(super) check: Option<Box<Check>>,
    pub(super) broken: Vec<String>,
}

/// Looks at the state, and tells what does not hold.
pub(super) type Check = dyn Fn(View<'_>) -> Vec<String> + Send;

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("broken", &self.broken).finish_non_exhaustive()
    }
}

/// The state now, and before the last write.
#[derive(Debug, Default)]
struct World {
    now: State,
    before: State,
    /// When the last write was.
    written_at: i64,
}

/// What a request comes to.
#[derive(Debug)]
pub(super) enum Ending {
    /// An answer, and what its body meets on the way.
    Answer(Answer, Vec<Fault>),
    /// The connection is closed.
    Drop,
    /// Nothing, for ever.
    Silence,
}

impl Desk {
    /// A desk whose clock is this.
    pub(super) fn new(moment: Arc<AtomicI64>, state: State) -> Self {
        Self {
            world: Mutex::new(World { now: state, ..World::default() }),
            moment,
            faults: Mutex::default(),
            git_faults: Mutex::default(),
            arrived: watch::Sender::default(),
            visits: Mutex::default(),
            base: OnceLock::new(),
            automatic: AtomicBool::new(false),
            gate: Semaphore::new(0),
            bell: Notify::new(),
            ahead: AtomicI64::new(0),
            takes: AtomicI64::new(0),
            behind_max: AtomicI64::new(i64::MAX),
            guard: Mutex::default(),
        }
    }

    /// Now.
    pub(super) fn now(&self) -> i64 {
        self.moment.load(Ordering::Relaxed) + self.ahead.load(Ordering::Relaxed)
    }

    /// Its address.
    pub(super) fn base(&self) -> &str {
        self.base.get().map_or("", String::as_str)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down that git came.
    pub(super) fn remember_visit(&self, visit: Visit) {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner).push(visit);
    }

    /// Looks at the state.
    pub(super) fn look<T>(&self, look: impl FnOnce(View<'_>) -> T) -> T {
        look(View { state: &self.world().now, base: self.base() })
    }

    /// Changes how the fake is set up, which is no change of the world.
    pub(super) fn set<T>(&self, set: impl FnOnce(&mut State) -> T) -> T {
        set(&mut self.world().now)
    }

    /// Lets somebody do something by hand.
    pub(super) fn act<T>(&self, login: &str, loud: bool, deed: impl FnOnce(&mut Act<'_>) -> T) -> T {
        let mut world = self.world();
        world.before = world.now.clone();
        world.written_at = self.now();
        let by = Author { login: login.to_owned(), by_app: false };
        let mut act = Act { state: &mut world.now, by, now: self.now(), base: self.base(), loud };
        act.state.user(login);
        let done = deed(&mut act);
        self.watch(&world.now);
        drop(world);
        self.bell.notify_one();
        done
    }

    /// Looks whether what must hold still does.
    fn watch(&self, state: &State) {
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(check) = &guard.check {
            let broken = check(View { state, base: self.base() });
            guard.broken.extend(broken);
        }
    }

    /// Takes a request in: its place among those that came, and what it meets.
    pub(super) fn meet(&self, request: &Request) -> (usize, Vec<Fault>) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let met = faults.meet(&request.method, &request.path);
        (self.remember(request), met)
    }

    /// Answers a request that was taken in.
    pub(super) fn handle(&self, request: &Request, at: usize, met: Vec<Fault>) -> Ending {
        let stale = met.contains(&Fault::Stale);
        let doing = met.iter().all(Fault::does);
        let answer = doing.then(|| self.serve(request, stale, at));
        let ending = self.end(met, answer, request);
        let said = match &ending {
            Ending::Answer(answer, _) => Some(answer.clone()),
            Ending::Drop | Ending::Silence => None,
        };
        self.note(at, |arrived| {
            arrived.status = said.as_ref().map(|said| said.status);
            arrived.said = said.and_then(|said| said.body).unwrap_or_default();
        });
        self.bell.notify_one();
        ending
    }

    /// What a request of git meets.
    pub(super) fn git_fault(&self) -> Option<GitFault> {
        self.git_faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front().flatten()
    }

    /// Notes more of what arrived, unless that was forgotten meanwhile.
    fn note(&self, at: usize, more: impl FnOnce(&mut Arrived)) {
        self.arrived.send_modify(|arrived| {
            if let Some(arrived) = arrived.get_mut(at) {
                more(arrived);
            }
        });
    }

    /// Writes down that a request came; gives its place.
    fn remember(&self, request: &Request) -> usize {
        let arrived = Arrived {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            body: request.body.clone(),
            who: None,
            at: self.now(),
            status: None,
            done: false,
            said: Value::Null,
        };
        let mut place = 0;
        self.arrived.send_modify(|all| {
            place = all.len();
            all.push(arrived);
        });
        place
    }

    /// Does what is asked.
    fn serve(&self, request: &Request, stale: bool, at: usize) -> Answer {
        let takes = self.takes.load(Ordering::Relaxed);
        self.moment.fetch_add(takes, Ordering::SeqCst);
        let now = self.now();
        let mut world = self.world();
        let version = match version(request) {
            Ok(version) => version,
            Err(answer) => return answer,
        };
        let caller = match Caller::of(request, &world.now, now) {
            Ok(caller) => caller,
            Err(answer) => return answer,
        };
        self.note(at, |arrived| arrived.who = caller.name());
        let counted = format!("{} in {}", caller.name().unwrap_or_default(), now.div_euclid(HOUR_MS));
        let limit = if matches!(caller, Caller::Nobody) { LIMIT_OF_NOBODY } else { world.now.limit };
        let used = world.now.used.get(&counted).copied().unwrap_or_default();
        if used >= limit {
            return limited(403, limit, now);
        }
        let reads = request.method == "GET";
        let before = (!reads).then(|| world.now.clone());
        let behind = now - world.written_at <= self.behind_max.load(Ordering::Relaxed);
        let mut copy = (stale && reads && behind).then(|| world.before.clone());
        let state = copy.as_mut().unwrap_or(&mut world.now);
        let mut turn = Turn { state, caller, request, now, base: self.base(), repo: 0, used, limit };
        let mut answer = route(&mut turn).unwrap_or_else(|answer| answer);
        if version == VERSIONS[1] {
            answer.body.iter_mut().for_each(leave_out);
        }
        let done = answer.status < 300;
        if let Some(before) = before.filter(|_| done) {
            world.before = before;
            world.written_at = now;
            self.watch(&world.now);
        }
        self.note(at, |arrived| arrived.done = done && !reads);
        let free = request.path == "/rate_limit" || (reads && matches_before(request, &mut answer));
        let used = used + u64::from(!free);
        world.now.used.insert(counted, used);
        with_limit(answer, limit, used, now)
    }

    /// What is said in the end.
    fn end(&self, met: Vec<Fault>, answer: Option<Answer>, request: &Request) -> Ending {
        let limit = self.look(|view| view.state.limit);
        let mut said = answer.unwrap_or_else(Answer::empty);
        let broken = |status| Answer::refusal(status, if status == 502 { "Server Error" } else { "Internal error" });
        for fault in &met {
            match fault {
                Fault::Before(status) | Fault::After(status) => said = broken(*status),
                Fault::DropBefore | Fault::DropAfter => return Ending::Drop,
                Fault::Silent | Fault::SilentAfter => return Ending::Silence,
                Fault::Secondary { after_secs } => said = Answer::secondary(403, *after_secs),
                Fault::TooMany { after_secs } => said = Answer::secondary(429, *after_secs),
                Fault::Limited(status) => said = limited(*status, limit, self.now()),
                Fault::Unauthorized => said = Answer::refusal(401, "Bad credentials"),
                Fault::Refused(status, message) => said = Answer::refusal(*status, message),
                Fault::Says(name, word) => {
                    if let Some(body) = &mut said.body {
                        bend(body, name, word);
                    }
                }
                Fault::Held | Fault::HeldAfter | Fault::Stale | Fault::Truncated | Fault::CutBody => {}
            }
        }
        let id = format!("FAKE:{:06}", self.arrived.borrow().len());
        let said = said.with("x-github-request-id", id).with("x-github-media-type", "github.v3; format=json".into());
        let said = said.with("date", date(self.now()));
        let said = if request.method == "GET" { said.with("vary", "Accept, Authorization".into()) } else { said };
        Ending::Answer(said, met)
    }
}

/// The version of the interface that is asked for; refuses whoever does not say what they are.
fn version(request: &Request) -> Result<&'static str, Answer> {
    if request.header("user-agent").is_none_or(str::is_empty) {
        let message = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header \
                       (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).";
        return Err(Answer::refusal(403, message));
    }
    let Some(asked) = request.header("x-github-api-version") else { return Ok(VERSIONS[0]) };
    let known = VERSIONS.into_iter().find(|known| *known == asked);
    known.ok_or_else(|| Answer::refusal(400, &format!("\"{asked}\" is not a supported version of the API.")))
}

/// Takes out what the later version does not tell any more.
fn leave_out(body: &mut Value) {
    match body {
        Value::Object(fields) => {
            fields.retain(|field, _| !LEFT_OUT.contains(&field.as_str()));
            fields.values_mut().for_each(leave_out);
        }
        Value::Array(values) => values.iter_mut().for_each(leave_out),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Gives the answer its tag, and empties it when whoever asks has it already.
fn matches_before(request: &Request, answer: &mut Answer) -> bool {
    let Some(body) = answer.body.as_ref().filter(|_| answer.status == 200) else { return false };
    let tag = format!("W/\"{}\"", hex::encode(Sha256::digest(body.to_string())));
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let asked = request.header("if-none-match");
    let same = asked.is_some_and(|tags| tags.split(',').any(|one| weak(one) == weak(&tag)));
    answer.headers.push(("etag", tag));
    if same {
        (answer.status, answer.body) = (304, None);
        // The tag is of the body alone: what leads to the next page is not told again.
        answer.headers.retain(|(name, _)| *name != "link");
    }
    same
}

/// The refusal of the primary limit.
fn limited(status: u16, limit: u64, now: i64) -> Answer {
    let message = "API rate limit exceeded for user ID 1. If you reach out to GitHub Support for help, please include \
                   the request ID FAKE and timestamp.";
    with_limit(Answer::refusal(status, message), limit, limit, now)
}

/// Tells how much of the limit is left.
fn with_limit(answer: Answer, limit: u64, used: u64, now: i64) -> Answer {
    let answer = answer.with("x-ratelimit-limit", limit.to_string());
    let answer = answer.with("x-ratelimit-remaining", limit.saturating_sub(used).to_string());
    let answer = answer.with("x-ratelimit-used", used.to_string()).with("x-ratelimit-resource", "core".into());
    answer.with("x-ratelimit-reset", reset(now).to_string())
}

/// A moment as HTTP writes it.
fn date(now: i64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(now.unsigned_abs()))
}

/// When the hour is over, in Unix seconds.
pub(super) fn reset(now: i64) -> i64 {
    (now.div_euclid(HOUR_MS) + 1) * HOUR_MS / 1_000
}
