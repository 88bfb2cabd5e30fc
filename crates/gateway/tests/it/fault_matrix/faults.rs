//! The faults, and what each of them is at each of the three providers.

/// What a fault at one provider is, by what the design says may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// The image comes all the same, at this try.
    Served(usize),
    /// Nothing was spent: the next candidate follows, and after the last one the plan is walked once more.
    Unspent(&'static str),
    /// Our account cannot be served: as above, and no reason for another walk.
    Out(&'static str),
    /// It may have been paid for: no retry, one failover, no other walk.
    MaybeSpent(&'static str),
    /// It does not take an argument: the next candidate may, and it is not asked again.
    Refused(&'static str),
    /// A safety block: nothing follows.
    Final(&'static str, &'static str),
    /// It lasts until the deadline of the whole generation.
    OutOfTime,
    /// Nothing is heard of an accepted job: the next candidate is asked after a fifth of the time.
    Silent,
    /// The provider does not know such a fault.
    Unknown,
}

use Ends::{Final, MaybeSpent, Out, OutOfTime, Refused, Served, Silent, Unknown, Unspent};

const BLOCKED: Ends = Final("content_policy", "CONTENT_POLICY_VIOLATION");
const REFUSED: Ends = Refused("invalid_argument");

/// Faults, and what they are at OpenAI, which answers directly, and at fal and Replicate, which have queues and give links.
pub(super) const FAULTS: [(&str, [Ends; 3]); 37] = [
    // The first of all: an offer that was given up before and fails when it is probed is not asked twice.
    ("status=429 retry-after=10ms once", [Served(2); 3]),
    // Before any work.
    ("status=429", [Unspent("rate_limited"); 3]),
    ("status=429 retry-after=10", [Unspent("rate_limited"); 3]),
    ("quota", [Out("quota_exhausted"); 3]),
    ("status=401", [Out("bad_credential"); 3]),
    ("status=403", [Out("not_permitted"); 3]),
    ("status=404", [Out("model_gone"); 3]),
    // A proxy's page says nothing about the work behind it; what fal itself answers with 500 it does not charge.
    ("status=502", [MaybeSpent("server_error"); 3]),
    ("status=503", [MaybeSpent("server_error"); 3]),
    ("status=504", [MaybeSpent("server_error"); 3]),
    ("status=520", [MaybeSpent("server_error"); 3]),
    ("status=524", [MaybeSpent("server_error"); 3]),
    (
        "status=500",
        [
            MaybeSpent("server_error"),
            Unspent("job_failed"),
            MaybeSpent("server_error"),
        ],
    ),
    (
        "failed",
        [
            MaybeSpent("server_error"),
            Unspent("server_error"),
            MaybeSpent("job_failed"),
        ],
    ),
    (
        "failed billed",
        [MaybeSpent("server_error"), Unknown, MaybeSpent("job_failed")],
    ),
    // The connection and the answer.
    ("cut", [MaybeSpent("interrupted"); 3]),
    ("garbage", [MaybeSpent("unreadable_answer"); 3]),
    ("empty", [MaybeSpent("empty_answer"); 3]),
    ("delay=100ms", [Served(1); 3]),
    ("huge=3MiB", [Served(1); 3]),
    // The caller's own.
    ("moderation", [BLOCKED; 3]),
    ("moderation stage=output", [BLOCKED; 3]),
    ("status=400", [REFUSED; 3]),
    ("status=422", [REFUSED; 3]),
    // A job that was accepted is asked for until it is lost.
    ("status=503 at=status once", [Unknown, Served(1), Served(1)]),
    ("status=429 at=status once", [Unknown, Served(1), Served(1)]),
    ("cut at=status once", [Unknown, Served(1), Served(1)]),
    ("garbage at=status once", [Unknown, Served(1), Served(1)]),
    ("status=401 at=status once", [Unknown, Served(1), Served(1)]),
    ("status=403 at=status once", [Unknown, Served(1), Served(1)]),
    ("status=404 at=status once", [Unknown, Served(1), Served(1)]),
    ("status=403 at=result once", [Unknown, Served(1), Unknown]),
    // The provider says in so many words that it is gone.
    (
        "status=410 at=status",
        [Unknown, MaybeSpent("job_lost"), MaybeSpent("job_lost")],
    ),
    ("status=503 at=result once", [Unknown, Served(1), Unknown]),
    ("cut at=result once", [Unknown, Served(1), Unknown]),
    // The file behind a link: the work is done and paid for.
    ("media=410", [Unknown, MaybeSpent("job_lost"), MaybeSpent("job_lost")]),
    (
        "media=garbage",
        [
            Unknown,
            MaybeSpent("unreadable_answer"),
            MaybeSpent("unreadable_answer"),
        ],
    ),
];

/// Faults that last until the deadline.
pub(super) const ENDLESS: [(&str, [Ends; 3]); 3] = [
    ("hang", [OutOfTime; 3]),
    ("stall", [OutOfTime; 3]),
    ("media=500", [Unknown, Silent, Silent]),
];
